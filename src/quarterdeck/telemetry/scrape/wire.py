"""The bytes of remote write 1.0 (`prometheus.WriteRequest`), piece by piece.

A sample at a time of our own days always takes eighteen bytes, so what stands before its value is
made once for a series and kept.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from quarterdeck.telemetry.ingest.otlp.wire import varint

STALE = struct.pack("<Q", 0x7FF0000000000002)
NAN = struct.pack("<Q", 0x7FF8000000000001)  # as Prometheus writes what is not a number
_SAMPLE = b"\x12\x10\x09"  # samples = 2, sixteen bytes, value = 1
_SAMPLE_BYTES = 18
_FIXED_FROM, _FIXED_TO = 1 << 35, 1 << 42  # milliseconds whose varint takes six bytes
_double = struct.Struct("<d").pack

TYPES = {
    "unknown": 0, "untyped": 0, "counter": 1, "gauge": 2, "histogram": 3, "gaugehistogram": 4,
    "summary": 5, "info": 6, "stateset": 7,
}  # fmt: skip
"""`MetricMetadata.MetricType`"""


def labels_of(labels: Mapping[str, str]) -> bytes:
    """All labels as `TimeSeries.labels`, in the order that the protocol wants."""
    return b"".join([_label(name, value) for name, value in sorted(labels.items())])


@lru_cache(4096)  # the same few stand on most series of a target
def _label(name: str, value: str) -> bytes:
    return field(1, text(1, name) + text(2, value))


def head_of(labels: bytes) -> bytes:
    """What stands before the value of a series' one sample."""
    return b"\x0a" + varint(len(labels) + _SAMPLE_BYTES) + labels + _SAMPLE


def tail_of(time_ms: int) -> bytes:
    """What stands behind the value."""
    if not _FIXED_FROM <= time_ms < _FIXED_TO:
        raise ValueError("a time that is not of our days")
    return b"\x10" + varint(time_ms)


def samples(heads: Sequence[bytes], values: Sequence[float], time_ms: int) -> bytes:
    """A time series of one sample for each head, all at the same time."""
    packed = struct.pack(f"<{len(values)}d", *values)
    parts = [tail_of(time_ms)] * (3 * len(heads))
    parts[0::3] = heads
    parts[1::3] = [packed[at : at + 8] for at in range(0, len(packed), 8)]
    return b"".join(parts)


def stale(heads: Iterable[bytes], time_ms: int) -> bytes:
    """The end of each series."""
    end = STALE + tail_of(time_ms)
    return b"".join(head + end for head in heads)


def sample(labels: bytes, value: float, time_ms: int, exemplar: bytes = b"") -> bytes:
    """A time series of one sample at any time, perhaps with an exemplar."""
    bits = NAN if value != value else _double(value)
    return field(1, labels + field(2, b"\x09" + bits + integer(2, time_ms)) + exemplar)


def histogram(labels: bytes, body: bytes, exemplars: bytes = b"") -> bytes:
    """A time series of one native histogram."""
    return field(1, labels + exemplars + field(4, body))


def exemplar(labels: Mapping[str, str], value: float, time_ms: int) -> bytes:
    return field(3, labels_of(labels) + b"\x11" + _double(value) + integer(3, time_ms))


def metadata(name: str, kind: str, help: str, unit: str) -> bytes:
    body = integer(1, TYPES.get(kind, 0)) + text(2, name) + text(4, help) + text(5, unit)
    return field(3, body)


def field(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def text(number: int, value: str) -> bytes:
    return field(number, value.encode()) if value else b""


def integer(number: int, value: int) -> bytes:
    """An int64; a negative one takes ten bytes."""
    return varint(number << 3) + varint(value & 0xFFFFFFFFFFFFFFFF)
