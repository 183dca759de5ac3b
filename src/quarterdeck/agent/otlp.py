"""Metric points and log records in OTLP, built with little ceremony."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric, Sum

from quarterdeck import __version__

Value = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Value]

SCOPE = "quarterdeck.agent"
_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE


class Points:
    """The points of one moment. What is counted is counted since `since_ns`."""

    def __init__(self, resource: Attributes, at_ns: int, since_ns: int) -> None:
        self.request = ExportMetricsServiceRequest()
        self.items = 0
        self._at = at_ns
        self._since = since_ns
        of = self.request.resource_metrics.add()
        put_attributes(of.resource.attributes, resource)
        self._scope = of.scope_metrics.add()
        _name(self._scope.scope)
        self._metrics: dict[str, Metric] = {}

    def gauge(
        self, name: str, unit: str, value: float, attributes: Attributes | None = None
    ) -> None:
        """What is measured."""
        self._put(self._metric(name, unit).gauge.data_points.add(), value, attributes)

    def amount(
        self, name: str, unit: str, value: float, attributes: Attributes | None = None
    ) -> None:
        """What goes up and down, and may be added up over its attributes."""
        self._put(self._sum(name, unit, monotonic=False).data_points.add(), value, attributes)

    def total(
        self, name: str, unit: str, value: float, attributes: Attributes | None = None
    ) -> None:
        """What is counted and only grows."""
        point = self._sum(name, unit, monotonic=True).data_points.add()
        point.start_time_unix_nano = self._since
        self._put(point, value, attributes)

    def _metric(self, name: str, unit: str) -> Metric:
        metric = self._metrics.get(name)
        if metric is None:
            metric = self._metrics[name] = self._scope.metrics.add(name=name, unit=unit)
        return metric

    def _sum(self, name: str, unit: str, *, monotonic: bool) -> Sum:
        found = self._metric(name, unit).sum
        found.aggregation_temporality = _CUMULATIVE
        found.is_monotonic = monotonic
        return found

    def _put(self, point: Any, value: float, attributes: Attributes | None) -> None:
        point.time_unix_nano = self._at
        if isinstance(value, int):
            point.as_int = value
        else:
            point.as_double = value
        put_attributes(point.attributes, attributes or {})
        self.items += 1


def logs_request(
    groups: Iterable[tuple[Attributes, Sequence[LogRecord]]],
) -> ExportLogsServiceRequest:
    """Records by the resource that they belong to."""
    request = ExportLogsServiceRequest()
    for resource, records in groups:
        of = request.resource_logs.add()
        put_attributes(of.resource.attributes, resource)
        scope = of.scope_logs.add()
        _name(scope.scope)
        scope.log_records.extend(records)
    return request


def put_attributes(into: Any, attributes: Attributes) -> None:
    for key, value in attributes.items():
        put_value(into.add(key=key).value, value)


def put_value(into: Any, value: Value) -> None:
    if isinstance(value, str):
        into.string_value = value
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int):
        into.int_value = value
    elif isinstance(value, float):
        into.double_value = value
    else:
        into.array_value.SetInParent()
        for item in value:
            into.array_value.values.add(string_value=item)


def _name(scope: Any) -> None:
    scope.name, scope.version = SCOPE, __version__
