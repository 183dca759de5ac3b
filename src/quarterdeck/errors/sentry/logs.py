"""Structured logs of Sentry's SDKs as OTLP log records."""

from collections.abc import Mapping
from typing import Any

from quarterdeck.errors.sentry.received import Context, Received
from quarterdeck.errors.sentry.spans import resource_of
from quarterdeck.errors.sentry.values import any_value, id_bytes, put, time_ns, typed, whole
from quarterdeck.errors.shapes import name, objects

_SEVERITY = {
    "trace": 1,
    "debug": 5,
    "info": 9,
    "warn": 13,
    "warning": 13,
    "error": 17,
    "fatal": 21,
}  # of OpenTelemetry's data model


def logs(document: Mapping[str, Any], context: Context, into: Received) -> int:
    """How many there were."""
    found = objects(document.get("items"))
    for given in found:
        attributes = typed(given.get("attributes"))
        level = name(given.get("level")).lower()
        number = attributes.pop("sentry.severity_number", given.get("severity_number"))
        attributes.pop("sentry.severity_text", None)
        host = attributes.pop("server.address", None)
        record = into.logs.add(resource_of(attributes, context, host))
        record.time_unix_nano = time_ns(given.get("timestamp"), context.shift_ns)
        record.observed_time_unix_nano = context.received_ns
        severity = whole(number, 25) or _SEVERITY.get(level, 0)
        record.severity_number = severity  # type: ignore[assignment]
        record.severity_text = level
        record.body.CopyFrom(any_value(given.get("body") or ""))
        record.trace_id = id_bytes(given.get("trace_id"))
        record.span_id = id_bytes(
            given.get("span_id") or attributes.get("sentry.trace.parent_span_id")
        )
        put(record.attributes, attributes)
    return len(found)
