"""Edge functions, as a platform runs them: called over HTTP or by a clock, and known by their log alone.

Each invocation writes lines as a platform's log drain has them: what the function said, and
at its end one line with duration and status. They carry the trace of whoever called.
"""

import asyncio
import random
import re
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

HOST = "marigot.functions.example"
SERVICE = "edge-functions"
IDLE = 45.0  # seconds after which an instance is let go, so that the next call starts cold
CRON_EVERY = 60.0

Line = dict[str, Any]
Sink = Callable[[Line], None]

_TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-")
_STACK = (
    "RangeError: Array buffer allocation failed\n"
    "    at decode (file:///functions/image-resize/index.ts:41:19)\n"
    "    at async handler (file:///functions/image-resize/index.ts:17:23)\n"
    "    at async Server.respond (ext:platform/http.js:220:11)"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation, as its function sees it."""

    sink: Sink
    rng: random.Random
    shared: Line  # on each of its lines

    def say(self, level: str, message: str, **more: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.sink({"timestamp": now, "level": level, "message": message, **self.shared, **more})


Function = Callable[[Call, Request | None], Awaitable[int]]  # answers with a status


@dataclass(slots=True)
class Platform:
    rng: random.Random
    sink: Sink
    instances: dict[str, tuple[str, float]] = field(default_factory=dict)  # and when last used

    async def run(self, name: str, function: Function, request: Request | None) -> int:
        """One invocation; its status."""
        started = time.perf_counter()
        instance, used = self.instances.get(name, ("", 0.0))
        cold = time.monotonic() - used > IDLE or not instance
        if cold:
            instance = secrets.token_hex(6)
        self.instances[name] = instance, time.monotonic()
        shared: Line = {
            "service": SERVICE,
            "environment": "production",
            "request_id": secrets.token_hex(8),
            "faas.name": name,
            "faas.instance": instance,
            "faas.coldstart": cold,
            "faas.trigger": "http" if request else "timer",
        }
        if request and (caller := _TRACE.match(request.headers.get("traceparent", ""))):
            shared["trace_id"], shared["span_id"] = caller.groups()
        call = Call(self.sink, self.rng, shared)
        if cold:
            boot = self.rng.uniform(0.09, 0.38)
            await asyncio.sleep(boot)
            call.say("info", f"booted {name} in {boot * 1000:.0f} ms")
        status = await function(call, request)
        took = round((time.perf_counter() - started) * 1000, 1)
        call.say(
            "error" if status >= 500 else "info",
            f"{request.method if request else 'CRON'} /{name} {status} in {took} ms",
            **{"faas.duration": took, "http.response.status_code": status},
        )
        return status


async def image_resize(call: Call, request: Request | None) -> int:
    sku = request.query_params.get("sku", "")[:32] if request else ""
    await asyncio.sleep(min(call.rng.lognormvariate(-3.2, 0.5), 0.8))
    if call.rng.random() < 0.015:
        call.say(
            "error",
            f"cannot resize {sku}.jpg: Array buffer allocation failed",
            **{"error.name": "RangeError", "error.stack": _STACK},
        )
        return 500
    size = call.rng.uniform(18, 96)
    call.say("debug", f"resized {sku}.jpg from 2048 to 640 px, {size:.1f} kB")
    return 200


async def receipt_pdf(call: Call, request: Request | None) -> int:
    order = str((await request.json()).get("order", ""))[:32] if request else ""
    await asyncio.sleep(min(call.rng.lognormvariate(-2.0, 0.4), 1.2))
    pages = call.rng.choice((1, 1, 1, 2))
    call.say("info", f"receipt of order {order} drawn on {pages} pages", **{"order.number": order})
    return 200


async def stock_sync(call: Call, _: Request | None) -> int:
    await asyncio.sleep(call.rng.uniform(0.2, 0.7))
    if call.rng.random() < 0.2:
        wait = call.rng.randint(400, 1800)
        call.say("warn", f"marketplace answered 429, next batch in {wait} ms")
        await asyncio.sleep(wait / 1000)
    call.say("info", f"96 products told to the marketplace, {call.rng.randint(0, 9)} had changed")
    return 200


def build(rng: random.Random, sink: Sink) -> Router:
    """The functions' address, by which they are called."""
    platform = Platform(rng, sink)

    def route(name: str, method: str, function: Function) -> Route:
        async def answer(request: Request) -> Response:
            status = await platform.run(name, function, request)
            return JSONResponse({"function": name}, status)

        return Route(f"/{name}", answer, methods=[method])

    return Router(
        [
            route("image-resize", "GET", image_resize),
            route("receipt-pdf", "POST", receipt_pdf),
        ]
    )


@asynccontextmanager
async def clock(rng: random.Random, sink: Sink) -> AsyncIterator[None]:
    """Call the function that goes by the clock, every minute."""
    platform = Platform(rng, sink)

    async def tick() -> None:
        while True:
            await asyncio.sleep(CRON_EVERY * rng.uniform(0.97, 1.0))
            await platform.run("stock-sync", stock_sync, None)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
