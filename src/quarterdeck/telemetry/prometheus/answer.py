"""Results in the JSON of the Prometheus API, written in pieces so that a large one is never whole.

Time stamps and values are texts that are joined, not objects that are serialised: a point costs
about 0.2 µs.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress
from operator import add
from typing import Any

import numpy as np
import orjson

from quarterdeck.core.errors import Unprocessable
from quarterdeck.telemetry.prometheus.numbers import seconds_of, text_of, texts_of
from quarterdeck.telemetry.promql.histogram import Histogram
from quarterdeck.telemetry.promql.source import Labels
from quarterdeck.telemetry.promql.values import Points, Result

MOST_POINTS = 5_000_000  # of one answer; about 30 bytes each
_PIECE = 262_144
TRUNCATED = "results truncated due to limit"


def envelope(data: Any, warnings: Sequence[str] = (), infos: Sequence[str] = ()) -> bytes:
    """A successful answer."""
    body: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        body["warnings"] = list(warnings)
    if infos:
        body["infos"] = list(infos)
    return orjson.dumps(body)


def result_pieces(result: Result, limit: int) -> Iterator[bytes]:
    """A query's answer, piece by piece. `limit`: series at most, 0 for all."""
    _bounded(result)
    warnings = list(result.warnings)
    head = b'{"status":"success","data":{"resultType":"%s","result":' % result.kind.encode()
    tail: dict[str, Any] = {}
    if result.kind == "scalar":
        yield head + _point(int(result.times[0]), float(result.values[0, 0]))
    elif result.kind == "string":
        moment = seconds_of(result.times[:1])[0]
        yield head + b"[%s,%s]" % (moment, orjson.dumps(result.string))
    else:
        whole = _Vector(result) if result.kind == "vector" else _Matrix(result)
        yield head + b"["
        first = True
        for count, piece in enumerate(whole):
            if limit and count == limit:
                warnings.append(TRUNCATED)
                break
            yield piece if first else b"," + piece
            first = False
        yield b"]"
    yield b"}"
    if warnings:
        tail["warnings"] = warnings
    if result.infos:
        tail["infos"] = result.infos
    yield b"," + orjson.dumps(tail)[1:] if tail else b"}"


def gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of some size."""
    waiting, size = [], 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


def _bounded(result: Result) -> None:
    count = sum(len(p.times) for p in result.raw) if result.raw else int(result.present.sum())
    if count > MOST_POINTS:
        raise Unprocessable(
            "promql_answer_too_large",
            f"the answer would have {count} points; one may have {MOST_POINTS}",
            "Aggregate, or ask for a longer step or a shorter range.",
        )


class _Vector:
    def __init__(self, result: Result) -> None:
        self._result = result

    def __iter__(self) -> Iterator[bytes]:
        for points in self._result.series():
            yield b'{"metric":%s,%s}' % (orjson.dumps(points.labels), _last(points))


class _Matrix:
    """Series in the order of their labels."""

    def __init__(self, result: Result) -> None:
        self._result = result

    def __iter__(self) -> Iterator[bytes]:
        result = self._result
        if result.raw is not None or result.histograms is not None:
            for points in sorted(result.series(), key=lambda p: sort_key(p.labels)):
                yield _series(points)
            return
        stamps = [b"[" + moment + b',"' for moment in seconds_of(result.times)]
        order = sorted(range(len(result.labels)), key=lambda row: sort_key(result.labels[row]))
        for row in order:
            here = result.present[row]
            if here.all():
                texts, mine = texts_of(result.values[row]), stamps
            elif not here.any():
                continue
            else:
                texts = texts_of(result.values[row][here])
                mine = list(compress(stamps, here.tolist()))
            labels = orjson.dumps(result.labels[row])
            yield b'{"metric":%s,"values":[%s"]]}' % (labels, b'"],'.join(map(add, mine, texts)))


def sort_key(labels: Labels) -> list[tuple[str, str]]:
    return sorted(labels.items())


def _series(points: Points) -> bytes:
    """One series whose points may be histograms."""
    is_histogram = np.zeros(len(points.times), np.bool_)
    if points.histograms is not None:
        is_histogram = np.array([h is not None for h in points.histograms], np.bool_)
    parts = [b'{"metric":', orjson.dumps(points.labels)]
    if not is_histogram.all():
        floats = ~is_histogram
        stamps = [b"[" + moment + b',"' for moment in seconds_of(points.times[floats])]
        texts = texts_of(points.values[floats])
        parts.append(b',"values":[%s"]]' % b'"],'.join(map(add, stamps, texts)))
    if is_histogram.any() and points.histograms is not None:
        each = zip(
            seconds_of(points.times[is_histogram]), points.histograms[is_histogram], strict=True
        )
        shown = (b"[%s,%s]" % (moment, orjson.dumps(histogram_json(h))) for moment, h in each)
        parts.append(b',"histograms":[%s]' % b",".join(shown))
    return b"".join([*parts, b"}"])


def _last(points: Points) -> bytes:
    """The only point of a series of an instant vector."""
    if points.histograms is not None and points.histograms[-1] is not None:
        moment = seconds_of(points.times[-1:])[0]
        shown = orjson.dumps(histogram_json(points.histograms[-1]))
        return b'"histogram":[%s,%s]' % (moment, shown)
    return b'"value":' + _point(int(points.times[-1]), float(points.values[-1]))


def _point(time: int, value: float) -> bytes:
    moment = seconds_of(np.array([time], np.int64))[0]
    return b'[%s,"%s"]' % (moment, text_of(value).encode())


def histogram_json(histogram: Histogram) -> dict[str, Any]:
    """A native histogram: its buckets from the lowest up, those that are empty left out.

    Each is [which bounds belong to it, lower, upper, count]: 0 the upper, 1 the lower, 3 both.
    """
    shown: dict[str, Any] = {"count": text_of(histogram.count), "sum": text_of(histogram.sum)}
    found = histogram.buckets()
    buckets = [
        [_inclusive(histogram, low, high), text_of(low), text_of(high), text_of(count)]
        for low, high, count in zip(
            found.lower.tolist(), found.upper.tolist(), found.counts.tolist(), strict=True
        )
        if count
    ]
    if buckets:
        shown["buckets"] = buckets
    return shown


def _inclusive(histogram: Histogram, low: float, high: float) -> int:
    if histogram.is_custom:
        return 3 if low == -math.inf else 0
    if low == -histogram.zero_threshold and high == histogram.zero_threshold:
        return 3
    return 1 if low < 0 else 0
