"""Bodies: read within a limit, decompressed within the same limit.

A body is counted as it arrives and as it unfolds, so that neither a false Content-Length
nor a zip bomb costs more memory than `max_body_mb`.
"""

import asyncio
import zlib
from typing import Protocol

import zstandard
from starlette.types import Receive

from quarterdeck.telemetry.ingest.outcome import Reason, Refused, overloaded

_SECONDS = 30
_MOST_PARTS = 100  # gzip members or zstd frames; each costs a copy of the rest
_FEED = 512


def _too_large(limit: int) -> Refused:
    return Refused(
        Reason.TOO_LARGE, f"The body is over {limit // 1048576} MiB after decompression."
    )


class Room(Protocol):
    """Memory that bodies share with what waits to be written."""

    def take(self, size: int) -> bool: ...
    def give(self, size: int) -> None: ...


async def read(receive: Receive, limit: int, room: Room) -> bytes:
    """The whole body of an ASGI request.

    A body that comes in pieces takes room for each, so that many slow senders cannot fill
    the memory, and must be complete within half a minute.
    """
    message = await receive()
    first: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if message["type"] == "http.disconnect":
            raise Refused(Reason.DISCONNECTED, "The sender went away.")
        if len(first) > limit:
            raise _too_large(limit)
        return first
    held = 0
    try:
        async with asyncio.timeout(_SECONDS):
            chunks = [first]
            while True:
                if not room.take(len(chunks[-1])):
                    raise overloaded()
                held += len(chunks[-1])
                if held > limit:
                    raise _too_large(limit)
                if not message.get("more_body"):
                    return b"".join(chunks)
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(Reason.DISCONNECTED, "The sender went away.")
                chunks.append(message.get("body", b""))
    except TimeoutError:
        raise Refused(Reason.TOO_SLOW, f"The body was not complete after {_SECONDS} s.") from None
    finally:
        room.give(held)


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """Undo one Content-Encoding: gzip, deflate, zstd or identity."""
    if encoding in ("", "identity"):
        return data
    try:
        if encoding in ("gzip", "deflate"):
            return _inflate(data, 31 if encoding == "gzip" else 15, limit)
        if encoding == "zstd":
            return _unzstd(data, limit)
    except (zlib.error, zstandard.ZstdError) as error:
        raise Refused(
            Reason.COMPRESSION_BROKEN, f"The body is not valid {encoding}: {error}"
        ) from error
    raise Refused(
        Reason.ENCODING, f"Content-Encoding {encoding!r} is not supported; send gzip, zstd or none."
    )


def _inflate(data: bytes, window: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    while data:  # gzip allows several members one after the other
        if len(pieces) >= _MOST_PARTS:
            raise Refused(
                Reason.COMPRESSION_BROKEN, f"The body has more than {_MOST_PARTS} gzip members."
            )
        inflater = zlib.decompressobj(window)
        piece = inflater.decompress(data, limit - size + 1)
        size += len(piece)
        if size > limit or inflater.unconsumed_tail:
            raise _too_large(limit)
        if not inflater.eof:
            raise Refused(Reason.COMPRESSION_BROKEN, "The compressed body ends too early.")
        pieces.append(piece)
        data = inflater.unused_data
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unzstd(data: bytes, limit: int) -> bytes:
    """Frame by frame, fed in small pieces: a few bytes of zstd can stand for 128 KiB."""
    pieces: list[bytes] = []
    size, frames = 0, 0
    while data:
        if frames >= _MOST_PARTS:
            raise Refused(
                Reason.COMPRESSION_BROKEN, f"The body has more than {_MOST_PARTS} zstd frames."
            )
        frames += 1
        frame = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
        position = 0
        while position < len(data) and not frame.eof:
            piece = frame.decompress(data[position : position + _FEED])
            position += _FEED
            size += len(piece)
            if size > limit:
                raise _too_large(limit)
            pieces.append(piece)
        if not frame.eof:
            raise Refused(Reason.COMPRESSION_BROKEN, "The compressed body ends too early.")
        data = frame.unused_data + data[position:]
    return b"".join(pieces)
