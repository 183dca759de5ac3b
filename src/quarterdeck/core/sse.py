"""Server-sent events that cannot hurt the server.

Each subscriber has a bounded queue: one that reads too slowly loses the oldest
events and is told so (`lagged` with the number lost), it never makes memory grow. A
`ping` every 15 seconds keeps proxies from closing the connection and finds clients
that are gone. When the server drains, every stream ends by itself.

    return streams.respond(subscription)              # in a route
    subscription.put("tick", {"signals": ["logs"]})  # anywhere on the loop
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from starlette.responses import StreamingResponse

HEARTBEAT_SECONDS = 15.0


class Subscription:
    """One client's events, oldest first, at most `limit` of them."""

    def __init__(self, limit: int = 256) -> None:
        self._events: deque[bytes] = deque()
        self._limit = limit
        self._lost = 0
        self._ready = asyncio.Event()
        self._closed = False

    def put(self, event: str, data: Any, id: str | None = None) -> None:
        """Queue an event; must be called on the event loop's thread."""
        if self._closed:
            return
        if len(self._events) >= self._limit:
            self._events.popleft()
            self._lost += 1
        self._events.append(encode(event, data, id))
        self._ready.set()

    def close(self) -> None:
        """End the stream after what is queued."""
        self._closed = True
        self._ready.set()

    async def stream(self, heartbeat: float = HEARTBEAT_SECONDS) -> AsyncIterator[bytes]:
        yield encode("ping", {})
        while True:
            try:
                async with asyncio.timeout(heartbeat):
                    await self._ready.wait()
            except TimeoutError:
                yield encode("ping", {})
                continue
            self._ready.clear()
            if self._lost:
                yield encode("lagged", {"lost": self._lost})
                self._lost = 0
            while self._events:
                yield self._events.popleft()
            if self._closed:
                return


class Streams:
    """Every open stream of an application, so that draining can end them."""

    def __init__(self) -> None:
        self._open: set[Subscription] = set()
        self._draining = False

    def __len__(self) -> int:
        return len(self._open)

    def respond(
        self,
        subscription: Subscription,
        on_close: Callable[[], None] | None = None,
        heartbeat: float = HEARTBEAT_SECONDS,
    ) -> StreamingResponse:
        """The response of a streaming route; `on_close` runs when the client is gone."""

        async def body() -> AsyncIterator[bytes]:
            self._open.add(subscription)
            if self._draining:
                subscription.close()
            try:
                async for chunk in subscription.stream(heartbeat):
                    yield chunk
            finally:
                self._open.discard(subscription)
                subscription.close()
                if on_close is not None:
                    on_close()

        return StreamingResponse(
            body(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    def close(self) -> None:
        """End every stream, now and from now on."""
        self._draining = True
        for subscription in list(self._open):
            subscription.close()


def encode(event: str, data: Any, id: str | None = None) -> bytes:
    """One event on the wire. JSON holds no raw line break, so one data line is enough."""
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {event}\ndata: ".encode() + orjson.dumps(data) + b"\n\n"
