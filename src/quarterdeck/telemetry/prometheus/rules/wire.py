"""Results of a rule as a `prometheus.WriteRequest`."""

import struct
from collections.abc import Iterable

import numpy as np

from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.promql.histogram import Histogram, Index
from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.scrape.wire import (
    field,
    head_of,
    histogram,
    integer,
    labels_of,
    sample,
    stale,
)

LabelSet = tuple[tuple[str, str], ...]


def floated(labels: LabelSet, value: float, time: int) -> bytes:
    return sample(labels_of(dict(labels)), value, time)


def ended(series: Iterable[LabelSet], time: int) -> bytes:
    """A staleness marker for each."""
    return stale((head_of(labels_of(dict(labels))) for labels in series), time)


def native(labels: LabelSet, value: Histogram, time: int) -> bytes:
    body = b"".join(
        (
            _double(2, value.count),
            _double(3, value.sum),
            integer(4, value.schema << 1 ^ value.schema >> 31),
            _double(5, value.zero_threshold),
            _double(7, value.zero_count),
            _spans(8, value.negative_index),
            _doubles(10, value.negative_count),
            _spans(11, value.positive_index),
            _doubles(13, value.positive_count),
            integer(14, value.hint),
            integer(15, time),
            _doubles(16, value.custom),
        )
    )
    return histogram(labels_of(dict(labels)), body)


def _double(number: int, value: float) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<d", value)


def _doubles(number: int, values: Values) -> bytes:
    return field(number, np.ascontiguousarray(values, "<f8").tobytes()) if len(values) else b""


def _spans(number: int, index: Index) -> bytes:
    """Runs of neighbouring buckets: how far each begins behind the one before, and its length."""
    out, end = [], 0
    runs = np.split(index, np.flatnonzero(np.diff(index) != 1) + 1) if len(index) else []
    for run in runs:
        offset = int(run[0]) - end
        end = int(run[-1]) + 1
        zigzag = (offset << 1) ^ (offset >> 63)
        out.append(field(number, integer(1, zigzag) + integer(2, len(run))))
    return b"".join(out)
