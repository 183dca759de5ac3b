"""The HTTP/1.1 parser with bounds on what a connection may keep, in bytes and in time.

The parser holds headers, and the trailers of a chunked body, until they end, however long
they are and however slowly they come, before anybody is asked for a key. Here a connection
must get on: complete a head, a piece of a body, or a message.

1. It may send at most `MAX_HEAD` bytes without getting on. What arrives in one read together
   with the end of the head does not count; a read is small itself.
2. It has the seconds of `Bounds` to begin, to complete a head, and to send the next piece of
   a body. While it waits for us (an answer, room for its body), its time stands still.
3. Beyond `Bounds.connections` a new one is told to come back later, and closed.
"""

import asyncio
import math
from dataclasses import dataclass
from typing import Any, Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from quarterdeck.core.errors import QuarterdeckError, Unavailable

MAX_HEAD: Final = 65_536
_NEVER: Final = math.inf
_RETRY_SECONDS: Final = 5


@dataclass(slots=True)
class Bounds:
    """What all connections of a server share: how many there may be, and how slow each."""

    connections: int
    begin_seconds: float = 15.0  # the first byte of the first request
    head_seconds: float = 10.0  # from a head's first byte to its last
    body_seconds: float = 30.0  # from one piece of a body to the next
    refused: int = 0  # connections turned away since somebody last looked


class HeadersTooLarge(QuarterdeckError):
    status = 431


class RequestTimeout(QuarterdeckError):
    status = 408


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection that does not get on, after telling it so where that is possible."""

    _moved = False
    _pending = 0
    _until = _NEVER  # by when it must get on; never while nothing is owed
    _refused = False

    def __init__(self, bounds: Bounds, **given: Any) -> None:
        super().__init__(**given)
        self._bounds = bounds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            self._bounds.refused += 1
            self._refuse(_too_many())
        else:
            self._wait(self._bounds.begin_seconds)

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        self._pending = 0 if self._moved else self._pending + len(data)
        if self.transport.is_closing():
            return
        if self._pending > MAX_HEAD:
            self._refuse(_too_large())
        elif self._until == _NEVER and not self._answering():
            self._wait(self._bounds.head_seconds)  # blank lines before a head count too

    def on_message_begin(self) -> None:
        self._wait(self._bounds.head_seconds)
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._moved = True
        self._wait(self._bounds.body_seconds)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        self._wait(self._bounds.body_seconds)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = True
        self._until = _NEVER
        super().on_message_complete()

    def look(self, now: float) -> None:
        """Called every second: close the connection if its time is up."""
        if self._refused:
            self.transport.abort()  # it does not even take its answer
        elif now >= self._until and not self.transport.is_closing():
            if self._waits_for_us():
                self._wait(self._bounds.head_seconds)
            elif self.cycle is None and self.headers is None:
                self.transport.close()  # it has said nothing, so there is nothing to answer
            else:
                self._refuse(_too_slow())

    def _wait(self, seconds: float) -> None:
        self._until = self.loop.time() + seconds

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _waits_for_us(self) -> bool:
        if self.flow.read_paused:
            return True
        return self._answering() and (
            not self.cycle.more_body or self.cycle.waiting_for_100_continue
        )

    def _refuse(self, error: QuarterdeckError) -> None:
        # In the middle of another answer there is no place for this one.
        if not self._answering():
            body = orjson.dumps(error.body())
            headers = [
                *self.server_state.default_headers,
                *((name.lower().encode(), text.encode()) for name, text in error.headers().items()),
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self._refused = True
        self.transport.close()


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        "headers_too_large",
        f"The headers of the request are larger than {MAX_HEAD // 1024} KiB.",
        "Send fewer or shorter headers; what is long belongs into the body.",
    )


def _too_slow() -> RequestTimeout:
    return RequestTimeout(
        "request_too_slow",
        "The request did not arrive in time.",
        "Send it again, without pausing in the middle.",
    )


def _too_many() -> Unavailable:
    return Unavailable(
        "connections_too_many",
        "The server has as many connections open as it may.",
        "Try again in a moment; the setting max_connections is the limit.",
        retry_after=_RETRY_SECONDS,
    )
