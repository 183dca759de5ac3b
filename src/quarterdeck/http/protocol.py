"""The HTTP/1.1 parser with a bound on what it keeps: endless headers are cut off.

The parser holds headers, and the trailers of a chunked body, until they end, however long
they are, before anybody is asked for a key. Here a connection may send at most `MAX_HEAD`
bytes without getting on: without completing a head, a piece of a body, or a message. What
arrives in one read together with the end of the head does not count; a read is small itself.
"""

from typing import Final

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from quarterdeck.core.errors import QuarterdeckError

MAX_HEAD: Final = 65_536


class HeadersTooLarge(QuarterdeckError):
    status = 431


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 and closes when a request's head goes on for too long."""

    _moved = False
    _pending = 0

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        self._pending = 0 if self._moved else self._pending + len(data)
        if self._pending > MAX_HEAD and not self.transport.is_closing():
            self._refuse()

    def on_headers_complete(self) -> None:
        self._moved = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = True
        super().on_message_complete()

    def _refuse(self) -> None:
        # In the middle of another answer there is no place for this one.
        if self.cycle is None or self.cycle.response_complete:
            error = _too_large()
            body = orjson.dumps(error.body())
            headers = [
                *self.server_state.default_headers,
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self.transport.close()


def _too_large() -> HeadersTooLarge:
    return HeadersTooLarge(
        "headers_too_large",
        f"The headers of the request are larger than {MAX_HEAD // 1024} KiB.",
        "Send fewer or shorter headers; what is long belongs into the body.",
    )
