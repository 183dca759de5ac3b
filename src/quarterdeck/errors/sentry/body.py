"""Bodies as SDKs send them: also in Brotli, or as text around zlib, as the oldest ones do."""

import base64
import binascii

import cramjam

from quarterdeck.telemetry.ingest import body
from quarterdeck.telemetry.ingest.outcome import Reason, Refused


def unfold(raw: bytes, encoding: str, limit: int) -> bytes:
    """Undo a Content-Encoding within the limit."""
    if encoding == "br":
        return _brotli(raw, limit)
    return body.decompress(raw, encoding, limit)


def _brotli(raw: bytes, limit: int) -> bytes:
    room = bytearray(limit)  # pages that nobody writes to cost nothing
    try:
        size = cramjam.brotli.decompress_into(raw, room)
    except cramjam.DecompressionError as error:
        if "whole buffer" in str(error):
            raise Refused(
                Reason.TOO_LARGE, f"The body is over {limit // 1048576} MiB after decompression."
            ) from error
        raise Refused(Reason.COMPRESSION_BROKEN, f"The body is not valid br: {error}") from error
    return bytes(memoryview(room)[:size])


def unfold_store(data: bytes, limit: int) -> bytes:
    """The event in a body of the old endpoint: JSON, or base64 of it or of zlib around it."""
    if data.lstrip()[:1] in (b"{", b""):
        return data
    try:
        inner = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return data  # let the JSON parser say what is wrong
    return inner if inner.startswith(b"{") else body.decompress(inner, "deflate", limit)
