"""Runs the demo: a server, the shop and its visitors, the past hour, and the switches.

The order is chosen for the clock: the recorder of the past works while the server
starts; the shop starts while the past is sent. The link is printed as soon as there is
something to see, and in any case `LINK_AFTER` seconds after the start. Whatever was
started ends with the launcher, however it ends.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from quarterdeck.core.errors import Unavailable
from quarterdeck.core.ids import new_token
from quarterdeck.demo.contact import EMAIL, Server
from quarterdeck.demo.control import control_app, control_server, listen
from quarterdeck.demo.processes import Child
from quarterdeck.demo.shop.roster import CANARY, STABLE
from quarterdeck.demo.shop.telemetry import Export
from quarterdeck.demo.switches import Switches

# Metrics counted from the functions' log, so that their page is not empty.
DERIVED = frozenset({"edge-function-duration", "edge-function-status"})
START_SECONDS = 60.0  # for the server to answer, on a machine busy with something else
LINK_AFTER = 9.0
SERVER_GRACE, SHOP_GRACE = 15.0, 5.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Options:
    data: Path
    host: str = "127.0.0.1"
    port: int = 4400
    seed: int = 1


def default_data() -> Path:
    """A directory of the user's own for what a demo leaves behind."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(cache) if cache else Path.home() / ".cache"
    return base / "quarterdeck" / "demo-data"


async def run(options: Options, say: Say) -> None:
    """The demo, until SIGINT, SIGTERM or SIGHUP; raises when the server ends by itself."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    demo = _Demo(options, say)
    async with demo.stack:
        living = asyncio.create_task(demo.live())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stopping.done():
            say("Ending.")
        for task in (living, stopping):
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        if not stop.is_set():
            living.result()


class _Demo:
    """One run; what it starts is ended by its stack, last first."""

    def __init__(self, options: Options, say: Say) -> None:
        self.stack = contextlib.AsyncExitStack()
        self._options = options
        self._say = say
        self._began = time.monotonic()
        self._data = options.data
        self._shop_url = ""
        self._contact: Server | None = None
        for directory in (self._data / "logs", self._data / "shop"):
            directory.mkdir(parents=True, exist_ok=True)
        # Every start begins with a shop that works.
        (self._data / "switches.json").unlink(missing_ok=True)
        self._switches = Switches(self._data / "switches.json")

    async def live(self) -> None:
        control = await self.stack.enter_async_context(self._control())
        past = await self._start("history", "quarterdeck.demo.history", patience=1.0)
        past.write(json.dumps({"seed": self._options.seed}))
        admin_key, grpc_port = new_token("qd"), free_port()
        server = await self._start(
            "server", "quarterdeck", *self._serve(grpc_port), patience=SERVER_GRACE,
            environment={"QUARTERDECK_ADMIN_KEY": admin_key, "QUARTERDECK_DEMO_URL": control},
        )  # fmt: skip
        contact = self._contact = Server(await self._ready(server), admin_key)
        self.stack.push_async_callback(contact.close)
        password = await contact.ensure_account(self._data / "server")
        key = await contact.ingest_key(self._data / "demo.json")
        sending = self._task(self._send_past(past, contact, key))
        if password:  # a new server
            self._task(contact.derive(DERIVED))
        self._task(contact.scrape_itself())
        self._task(contact.record())
        export = Export(contact.url, f"http://127.0.0.1:{grpc_port}", key)
        shop = await self._open_shop(export)
        left = LINK_AFTER - (time.monotonic() - self._began)
        await asyncio.wait({sending}, timeout=max(0.0, left))
        self._greet(await contact.login_link(), password)
        await asyncio.gather(
            self._watch_server(server), self._watch_shop(shop, export), server.drain()
        )

    def _serve(self, grpc_port: int) -> list[str]:
        port = self._options.port
        if not is_free(self._options.host, port):
            port = free_port()
        return [
            "serve", "--data", str(self._data / "server"), "--host", self._options.host,
            "--port", str(port), "--otlp-grpc-port", str(grpc_port), "--otlp-http-port", "0",
        ]  # fmt: skip

    async def _ready(self, server: Child) -> str:
        """The server's address, once it answers."""
        try:
            line = await asyncio.wait_for(server.line("ready http"), START_SECONDS)
        except TimeoutError:
            line = ""
        if not line:
            raise self._broken("The server did not start.")
        return line.split()[1].rstrip("/")

    async def _send_past(self, past: Child, contact: Server, key: str) -> None:
        try:
            wanted = not await contact.has_recent_data()
        except httpx.HTTPError as error:
            self._say(f"Whether the past hour is needed is not known, so it is left out: {error}")
            wanted = False
        past.write(json.dumps({"url": contact.url, "key": key}) if wanted else "")
        if wanted and not await past.line("{"):
            self._say(f"The past hour could not be sent: {self._data / 'logs' / 'history.log'}")

    async def _open_shop(self, export: Export) -> Child:
        shop = await self._start("shop", "quarterdeck.demo.shop.run", patience=SHOP_GRACE)
        shop.write(
            json.dumps(
                {
                    "directory": str(self._data / "shop"),
                    "switches": str(self._data / "switches.json"),
                    "seed": self._options.seed,
                    "export": asdict(export),
                }
            )
        )
        addresses = await shop.line("{")
        if not addresses:
            raise self._broken("The shop did not start.")
        self._shop_url = str(json.loads(addresses)["web"])
        return shop

    async def _watch_server(self, server: Child) -> None:
        await server.ended()
        raise self._broken("The server ended.")

    async def _watch_shop(self, shop: Child, export: Export) -> None:
        """The shop restarts its own services; should all of it end, it is opened again."""
        while True:
            await shop.ended()
            await asyncio.sleep(1)
            shop = await self._open_shop(export)

    def _greet(self, link: str, password: str) -> None:
        seconds = time.monotonic() - self._began
        self._say(f"Quarterdeck is running, after {seconds:.1f} s. This link signs you in, once:")
        self._say(f"\n  {link}\n")
        if password:
            self._say(f"Later sign in as {EMAIL} with the password {password}")
        self._say(f"The shop itself: {self._shop_url}")
        self._say(f"Everything is kept in {self._data}; Ctrl-C ends it.")

    def _turned(self, name: str, on: bool) -> None:
        """A switch that deploys something is announced as a pipeline would announce it."""
        if name == "bad-release" and self._contact is not None:
            role = CANARY if on else STABLE
            title = f"{role.name} {role.version}" if on else f"{role.name} back to {role.version}"
            self._task(self._contact.announce(role.name, role.version, title))

    @contextlib.asynccontextmanager
    async def _control(self) -> AsyncIterator[str]:
        """The control address, answering."""
        app = control_app(self._switches, lambda: self._shop_url, self._turned)
        bound, server = listen(), control_server(app)
        serving = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)

    async def _start(
        self,
        name: str,
        module: str,
        *arguments: str,
        patience: float,
        environment: dict[str, str] | None = None,
    ) -> Child:
        log = self._data / "logs" / f"{name}.log"
        child = await Child.start(log, module, *arguments, environment=environment)
        self.stack.push_async_callback(child.end, patience)
        return child

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work beside the rest, ended with it."""
        task = asyncio.create_task(work)
        self.stack.callback(task.cancel)
        return task

    def _broken(self, what: str) -> Unavailable:
        return Unavailable("demo_failed", what, f"{self._data / 'logs'} says why.")


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Below the range from which systems take ports for outgoing connections, so that hardly
    anybody else gets it between now and its use."""
    while True:
        port = random.randrange(10_000, 32_000)
        if is_free("127.0.0.1", port):
            return port
