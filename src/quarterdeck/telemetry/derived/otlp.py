"""Points of a derived metric as an OTLP request, so that they are kept like any other metric.

Delta temporality: each point stands for one minute and what one run found in it; late rows of a
minute make another point of it, to be added. The scope names the resource that made them. A
point's start carries the run in its nanoseconds, by which a run that was killed before its end is
known (engine.py).
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from quarterdeck.telemetry.derived.count import Point
from quarterdeck.telemetry.derived.spec import DerivedMetricSpec

SCOPE = "quarterdeck.derived"
OVERFLOW = (("otel.metric.overflow", "true"),)
_DELTA = 1
_MINUTE_NS = 60_000_000_000


def request_of(
    spec: DerivedMetricSpec, resource_id: str, points: Iterable[Point], tag: int
) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    ordered = sorted(points, key=_owner)
    for (service, environment, release), owned in groupby(ordered, key=_owner):
        resource = request.resource_metrics.add()
        for name, value in (
            ("service.name", service),
            ("deployment.environment.name", environment),
            ("service.version", release),
        ):
            if value:
                resource.resource.attributes.add(key=name).value.string_value = value
        scope = resource.scope_metrics.add()
        scope.scope.name, scope.scope.version = SCOPE, resource_id
        metric = scope.metrics.add(name=spec.metric, description=spec.description, unit=spec.unit)
        for point in owned:
            _add(metric, spec, point, tag)
    return request


def _owner(point: Point) -> tuple[str, str, str]:
    return point.service, point.environment, point.release


def _add(metric: Any, spec: DerivedMetricSpec, point: Point, tag: int) -> None:
    begun = point.minute_s * 1_000_000_000
    times = {"start_time_unix_nano": begun + tag, "time_unix_nano": begun + _MINUTE_NS}
    if spec.aggregation == "histogram":
        metric.histogram.aggregation_temporality = _DELTA
        made = metric.histogram.data_points.add(
            **times,
            count=point.count,
            sum=point.sum,
            min=point.min,
            max=point.max,
            bucket_counts=point.buckets,
            explicit_bounds=spec.edges,
        )
    else:
        metric.sum.aggregation_temporality = _DELTA
        metric.sum.is_monotonic = spec.aggregation == "count"
        made = metric.sum.data_points.add(**times)
        if spec.aggregation == "count":
            made.as_int = point.count
        else:
            made.as_double = point.sum
    for name, value in point.labels:
        made.attributes.add(key=name).value.string_value = value


def folded(points: list[Point], most: int, known: set[tuple[Any, ...]]) -> list[Point]:
    """At most so many sets of labels besides the known ones; the rest in one that says so."""
    kept: list[Point] = []
    rest: dict[tuple[str, str, str, int], Point] = {}
    for point in points:
        key = (point.service, point.environment, point.release, point.labels)
        if key in known or len(known) < most:
            known.add(key)
            kept.append(point)
            continue
        place = (*_owner(point), point.minute_s)
        rest[place] = _joined(rest.get(place), point)
    return kept + list(rest.values())


def _joined(one: Point | None, other: Point) -> Point:
    buckets = other.buckets if one is None else tuple(map(sum, zip(one.buckets, other.buckets, strict=True)))  # fmt: skip
    return Point(
        other.service,
        other.environment,
        other.release,
        other.minute_s,
        OVERFLOW,
        other.count + (one.count if one else 0),
        other.sum + (one.sum if one else 0.0),
        min(other.min, one.min) if one else other.min,
        max(other.max, one.max) if one else other.max,
        buckets,
    )
