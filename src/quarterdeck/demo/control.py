"""The demo's control address: which switches are on, and turning them.

It listens on a free port of 127.0.0.1 that only the server is told.
"""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from quarterdeck.demo.switches import NAMES, Switches


def control_app(
    switches: Switches, shop_url: Callable[[], str], turned: Callable[[str, bool], None]
) -> Starlette:
    """`turned` is told of each switch that was turned."""

    async def overview(_: Request) -> Response:
        return JSONResponse({"shop_url": shop_url(), "switches": switches.view()})

    async def listing(_: Request) -> Response:
        return JSONResponse(switches.view())

    async def turn(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in NAMES:
            return JSONResponse({"error": f"there is no switch {name}"}, 404)
        try:
            wanted = (await request.json())["on"]
        except (ValueError, KeyError, TypeError):
            wanted = None
        if not isinstance(wanted, bool):
            return JSONResponse({"error": "`on` must be true or false"}, 400)
        before = switches.on(name)
        switches.set(name, wanted, time.time_ns() // 1_000_000)
        if before != wanted:
            turned(name, wanted)
        return JSONResponse(next(found for found in switches.view() if found["name"] == name))

    return Starlette(
        routes=[
            Route("/", overview, methods=["GET"]),
            Route("/switches", listing, methods=["GET"]),
            Route("/switches/{name}", turn, methods=["PUT"]),
        ]
    )


class ControlServer(uvicorn.Server):
    """Answers until told to stop; signals are the launcher's affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def control_server(app: Starlette) -> ControlServer:
    return ControlServer(
        uvicorn.Config(
            app, loop="asyncio", http="httptools", lifespan="off", log_config=None,
            access_log=False, timeout_graceful_shutdown=1,
        )
    )  # fmt: skip


def listen() -> socket.socket:
    """A bound socket on a free port of this machine."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound
