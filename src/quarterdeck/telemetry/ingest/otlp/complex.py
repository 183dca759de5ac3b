"""The slow path for items whose attributes nest: key-value lists and arrays of anything but strings.

The engine sets such items aside as `complex` (store/telemetry/values.py says why). `flatten`
keeps only them and turns the nested values into JSON text, which the engine's schema reads
as `json_value` (field 100 of AnyValue). This is the one place where Python walks over items,
and only over requests that hold such values: about 20 µs an item.
"""

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from quarterdeck.telemetry.ingest.otlp.signals import Signal
from quarterdeck.telemetry.ingest.otlp.values import json_value
from quarterdeck.telemetry.ingest.otlp.wire import text_field

_JSON_VALUE = 100


def flatten(signal: Signal, body: bytes) -> bytes:
    """The request with only its complex items, their nested values as JSON."""
    message: Any = signal.request.FromString(body)
    {"traces": _traces, "logs": _logs, "metrics": _metrics}[signal.name](message)
    return bytes(message.SerializeToString())


def is_complex(value: AnyValue) -> bool:
    """True for a key-value list and for an array that holds anything but strings."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return any(
            inner.WhichOneof("value") != "string_value" for inner in value.array_value.values
        )
    return kind == "kvlist_value"


def _traces(message: Any) -> None:
    for resource in message.resource_spans:
        for scope in resource.scope_spans:
            _keep(scope.spans, _span)
            for span in scope.spans:
                _rewrite(span.attributes)
                for part in (*span.events, *span.links):
                    _rewrite(part.attributes)


def _span(span: Any) -> bool:
    return _any(span.attributes) or any(_any(p.attributes) for p in (*span.events, *span.links))


def _logs(message: Any) -> None:
    for resource in message.resource_logs:
        for scope in resource.scope_logs:
            _keep(
                scope.log_records,
                _record,
            )
            for record in scope.log_records:
                _rewrite(record.attributes)
                _to_json(record.body)


def _record(record: Any) -> bool:
    return is_complex(record.body) or _any(record.attributes)


def _metrics(message: Any) -> None:
    for resource in message.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                if kind is None:
                    continue
                points = getattr(metric, kind).data_points
                _keep(points, _point)
                for point in points:
                    _rewrite(point.attributes)
                    for exemplar in getattr(point, "exemplars", ()):
                        _rewrite(exemplar.filtered_attributes)


def _point(point: Any) -> bool:
    exemplars = getattr(point, "exemplars", ())
    return _any(point.attributes) or any(_any(e.filtered_attributes) for e in exemplars)


def _keep(items: Any, wanted: Any) -> None:
    kept = [item for item in items if wanted(item)]
    if len(kept) != len(items):
        del items[:]
        items.extend(kept)


def _any(attributes: Iterable[Any]) -> bool:
    return any(is_complex(pair.value) for pair in attributes)


def _rewrite(attributes: Iterable[Any]) -> None:
    for pair in attributes:
        _to_json(pair.value)


def _to_json(value: AnyValue) -> None:
    if is_complex(value):
        text = json_value(value)
        value.Clear()
        value.MergeFromString(text_field(_JSON_VALUE, text))
