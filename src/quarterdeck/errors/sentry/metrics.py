"""Metrics of Sentry's SDKs as OTLP: counters as sums of deltas, gauges, distributions as histograms.

An SDK sends every single measurement. Those of one envelope that share a name and attributes become
one point at the time of the last. Attributes about the user and about Sentry itself are left out,
for they would make a series of every person.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from quarterdeck.errors.sentry.otlp import Resource
from quarterdeck.errors.sentry.received import Context, Received
from quarterdeck.errors.sentry.spans import resource_of
from quarterdeck.errors.sentry.values import id_bytes, json_text, put, time_ns, typed
from quarterdeck.errors.shapes import is_number, mapping, name, objects

_DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
_BOUNDS = (0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000)
"""OpenTelemetry's default."""
_LEFT_OUT = ("user.", "sentry.")
_UNITS = {
    "nanosecond": "ns", "microsecond": "us", "millisecond": "ms", "second": "s", "minute": "min", "hour": "h",
    "byte": "By", "kilobyte": "kBy", "megabyte": "MBy", "ratio": "1", "percent": "%", "none": "",
}  # fmt: skip

_Series = tuple[Resource, str, str, str, str]


def metrics(document: Mapping[str, Any], context: Context, into: Received) -> None:
    """What cannot be a measurement is passed over."""
    series: dict[_Series, tuple[dict[str, Any], list[Mapping[str, Any]]]] = {}
    for given in objects(document.get("items")):
        kind, called = name(given.get("type")), name(given.get("name"))
        if kind not in _POINTS or not called or not is_number(given.get("value")):
            into.items["trace_metric", "unparsable"] += 1
            continue
        attributes = typed(given.get("attributes"))
        of = resource_of(attributes, context, attributes.pop("server.address", None))
        kept = {key: value for key, value in attributes.items() if not key.startswith(_LEFT_OUT)}
        unit = name(given.get("unit"))
        key = (of, called, kind, _UNITS.get(unit, unit), json_text(sorted(kept.items())))
        series.setdefault(key, (kept, []))[1].append(given)
    made: dict[tuple[Resource, str, str, str], Metric] = {}
    for (of, called, kind, unit, _), (attributes, measured) in series.items():
        metric = made.get((of, called, kind, unit))
        if metric is None:
            metric = made[of, called, kind, unit] = into.metrics.add(of)
            metric.name, metric.unit = called, unit
        times = [time_ns(one.get("timestamp"), context.shift_ns) for one in measured]
        point = _POINTS[kind](metric, measured, times)
        point.time_unix_nano = max(times) or context.received_ns
        if kind != "gauge":
            point.start_time_unix_nano = min(times) or point.time_unix_nano
        put(point.attributes, attributes)


def _counter(metric: Metric, measured: list[Mapping[str, Any]], times: list[int]) -> Any:
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = _DELTA
    point = metric.sum.data_points.add()
    point.as_double = float(sum(one["value"] for one in measured))
    return point


def _gauge(metric: Metric, measured: list[Mapping[str, Any]], times: list[int]) -> Any:
    point = metric.gauge.data_points.add()
    last = max(range(len(times)), key=times.__getitem__)
    point.as_double = float(measured[last]["value"])
    return point


def _distribution(metric: Metric, measured: list[Mapping[str, Any]], times: list[int]) -> Any:
    metric.histogram.aggregation_temporality = _DELTA
    point = metric.histogram.data_points.add(explicit_bounds=_BOUNDS)
    counts = [0] * (len(_BOUNDS) + 1)
    values = [float(one["value"]) for one in measured]
    for value in values:
        counts[bisect_left(_BOUNDS, value)] += 1
    point.bucket_counts.extend(counts)
    point.count, point.sum = len(values), sum(values)
    point.min, point.max = min(values), max(values)
    slowest = max(range(len(values)), key=values.__getitem__)
    if trace_id := id_bytes(mapping(measured[slowest]).get("trace_id")):
        exemplar = point.exemplars.add(time_unix_nano=times[slowest] or 0, trace_id=trace_id)
        exemplar.span_id = id_bytes(measured[slowest].get("span_id"))
        exemplar.as_double = values[slowest]
    return point


_POINTS = {"counter": _counter, "gauge": _gauge, "distribution": _distribution}
