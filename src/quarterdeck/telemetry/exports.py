"""Answers of any size, sent part by part as fast as the client takes them.

    return await exports.respond(parts, accepts_gzip=…, filename=…, media_type=…)

`parts` is a generator that works only when it is asked for the next part, in a thread. When the
client is slow nothing is read ahead; when it has gone nothing more is read. What fails before the
first part is an ordinary error. What fails later breaks the connection off, so that a client sees
that its file is not whole: the last chunk of the transfer is missing, and the end of the gzip.
"""

import zlib
from collections.abc import AsyncIterator, Iterator

from anyio import CapacityLimiter, to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from quarterdeck.core.errors import TooMany

MOST = 4  # at once


class Exports:
    """All exports share one thread, so that pages keep theirs."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(1)
        self._running = 0

    async def respond(
        self, parts: Iterator[bytes], *, accepts_gzip: bool, filename: str, media_type: str
    ) -> StreamingResponse:
        if self._running >= MOST:
            raise TooMany(
                "exports_full",
                f"{MOST} exports are running.",
                "Wait for one of them to end.",
                retry_after=10,
            )
        wire = _gzipped(parts) if accepts_gzip else parts
        self._running += 1
        try:
            first = await self._next(wire)
        except BaseException:
            self._running -= 1
            raise
        headers = {
            "Content-Disposition": f'attachment; filename="{filename}"',
            "Cache-Control": "no-store",
        }
        if accepts_gzip:
            headers["Content-Encoding"] = "gzip"
        return _Export(self, self._rest(first, wire), media_type=media_type, headers=headers)

    def ended(self) -> None:
        self._running -= 1

    async def _next(self, parts: Iterator[bytes]) -> bytes | None:
        return await to_thread.run_sync(next, parts, None, limiter=self._limiter)

    async def _rest(self, part: bytes | None, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
        while part is not None:
            yield part
            part = await self._next(parts)


class _Export(StreamingResponse):
    """Tells its end, however it comes."""

    def __init__(self, exports: Exports, content: AsyncIterator[bytes], **options: object) -> None:
        super().__init__(content, **options)  # type: ignore[arg-type]
        self._exports = exports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._exports.ended()


def _gzipped(parts: Iterator[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(5, wbits=31)
    for part in parts:
        if packed := packer.compress(part):
            yield packed
    yield packer.flush()
