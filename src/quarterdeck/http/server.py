"""The listening side: sockets bound before anything else starts, uvicorn over them.

A port that was asked for and is taken is an error. A default port that is taken is a
warning: the API then takes the next free one, a second door (OTLP) stays shut.
"""

import asyncio
import contextlib
import errno
import ipaddress
import logging
import resource
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import ASGIApp

from quarterdeck.core.errors import Conflict
from quarterdeck.core.log import fields
from quarterdeck.http.frame import FIXED_HEADERS
from quarterdeck.http.protocol import BoundedProtocol, Bounds

DRAIN_SECONDS = 10
_NEXT = 20
_log = logging.getLogger("quarterdeck.http")


def bind(
    host: str,
    port: int,
    *,
    setting: str,
    explicit: bool,
    kind: socket.SocketKind = socket.SOCK_STREAM,
) -> socket.socket | None:
    """A listening socket; None for a default port that is taken."""
    try:
        return _listen(host, port, kind)
    except OSError as error:
        refuse_or_warn(error, port, setting=setting, explicit=explicit)
        return None


def url_of(listener: socket.socket) -> str:
    """Where this machine reaches it."""
    host, port = listener.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:  # every interface: this machine can use its own
        return f"http://localhost:{port}"
    return f"http://[{host}]:{port}" if address.version == 6 else f"http://{host}:{port}"


def refuse_or_warn(error: OSError, port: int, *, setting: str, explicit: bool) -> None:
    """What a port that cannot be had means."""
    if explicit or error.errno not in (errno.EADDRINUSE, None):
        raise Conflict(
            "port_unavailable",
            f"Cannot listen on port {port}: {error.strerror or error}.",
            f"Set {setting} to another, or to 0 to do without.",
        ) from error
    _log.warning(
        "A default port is taken by another program.", extra=fields(setting=setting, port=port)
    )


def bind_near(host: str, port: int, *, setting: str, explicit: bool) -> socket.socket:
    """Like `bind`, but a default port that is taken gives way to the next free one."""
    found = bind(host, port, setting=setting, explicit=explicit)
    candidate = port
    while found is None and candidate < port + _NEXT:
        candidate += 1
        with contextlib.suppress(OSError):
            found = _listen(host, candidate)
    if found is None:
        raise Conflict(
            "port_unavailable",
            f"Ports {port} to {candidate} on {host} are all taken.",
            f"Choose another with --{setting.replace('_', '-')}.",
        )
    return found


def _listen(host: str, port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=kind, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if kind is socket.SOCK_DGRAM:  # where two may not share a port
            listener.bind(address)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(2048)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


class _Uvicorn(uvicorn.Server):
    """Signals belong to the process, not to a server that tests embed."""

    def __init__(self, config: uvicorn.Config, bounds: Bounds) -> None:
        super().__init__(config)
        self.asked = asyncio.Event()
        self._bounds = bounds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Once a second for the header Date, not ten times: an idle server should rest."""
        while not await self.on_tick(0):
            self._look()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.asked.wait(), 1.0)

    def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        for connection in list(self.server_state.connections):
            cast(BoundedProtocol, connection).look(now)
        if self._bounds.refused:
            _log.warning(
                "Connections were refused: there are as many as there may be.",
                extra=fields(refused=self._bounds.refused, most=self._bounds.connections),
            )
            self._bounds.refused = 0


def affordable(connections: int) -> int:
    """So many, or as many as half of the file descriptors that the process may have allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY or connections <= hard // 2:
        return connections
    _log.warning(
        "The limit of open files leaves room for fewer connections.",
        extra=fields(max_connections=connections, possible=hard // 2),
    )
    return hard // 2


class HttpServer:
    """uvicorn on given sockets."""

    def __init__(self, app: ASGIApp, sockets: Sequence[socket.socket], bounds: Bounds) -> None:
        self._sockets = list(sockets)
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=cast("Any", partial(BoundedProtocol, bounds)),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                headers=FIXED_HEADERS,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            ),
            bounds,
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Returns once requests are answered."""
        self._task = asyncio.create_task(self._server.serve(self._sockets))
        while not self._server.started:
            if self._task.done():
                self._task.result()
                raise RuntimeError("the HTTP server ended while it started")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Accept no more, finish what is running."""
        self._server.should_exit = True
        self._server.asked.set()
        if self._task is not None:
            await self._task
