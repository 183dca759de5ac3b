"""Rows put straight into the engine, for tests of what reads them."""

import json
import time
from typing import Any

from quarterdeck.store.telemetry import EmbeddedEngine

SECOND = 1_000_000_000


def now_ns() -> int:
    return time.time_ns()


def text_of(value: Any) -> tuple[str, str]:
    """A value as it is stored, and its type."""
    if isinstance(value, bool):
        return ("true" if value else "false"), "bool"
    if isinstance(value, int):
        return str(value), "int"
    if isinstance(value, float):
        return repr(value), "double"
    if isinstance(value, str):
        return value, "string"
    return json.dumps(value), "array" if isinstance(value, list) else "kvlist"


def add_spans(engine: EmbeddedEngine, project: int, *spans: dict[str, Any]) -> None:
    rows = []
    for i, span in enumerate(spans):
        attributes = {k: text_of(v) for k, v in span.get("attributes", {}).items()}
        rows.append(
            f"({project}, {_q(span.get('service', 'shop'))}, fromUnixTimestamp64Nano({span.get('time', now_ns())}),"
            f" {_q(span.get('environment', 'prod'))}, {_q(span.get('release', '1.0'))},"
            f" unhex({_q(span.get('trace_id', f'{i + 1:032x}'))}), unhex({_q(span.get('span_id', f'{i + 1:016x}'))}),"
            f" unhex({_q(span.get('parent_span_id', '0' * 16))}), {_q(span.get('name', 'GET /'))},"
            f" {_q(span.get('kind', 'server'))}, {_q(span.get('status', 'unset'))}, {_q(span.get('status_message', ''))},"
            f" {span.get('duration_ns', 1_000_000)}, {_map(attributes)}, {_types(attributes)},"
            f" {_q(json.dumps(span.get('resource', {'service.name': 'shop'})))}, 'scope', {_q(span.get('events', ''))}, {_q(span.get('links', ''))}, now64(3))"
        )
    engine.execute(
        "INSERT INTO spans (project, service, time, environment, release, trace_id, span_id, parent_span_id, name,"
        " kind, status, status_message, duration_ns, attributes, attribute_types, resource, scope, events, links, received) VALUES "
        + ", ".join(rows)
    )


def add_logs(engine: EmbeddedEngine, project: int, *logs: dict[str, Any]) -> None:
    rows = []
    for log in logs:
        attributes = {k: text_of(v) for k, v in log.get("attributes", {}).items()}
        rows.append(
            f"({project}, {_q(log.get('service', 'shop'))}, fromUnixTimestamp64Nano({log.get('time', now_ns())}), 0,"
            f" {_q(log.get('environment', 'prod'))}, {_q(log.get('release', '1.0'))}, {log.get('severity_number', 9)},"
            f" {_q(log.get('severity_text', 'INFO'))}, {_q(log.get('body', 'hello'))}, 'string',"
            f" unhex({_q(log.get('trace_id', '0' * 32))}), unhex({_q(log.get('span_id', '0' * 16))}),"
            f" {_map(attributes)}, {_types(attributes)}, {_q(json.dumps(log.get('resource', {'service.name': 'shop'})))}, 'scope', now64(3))"
        )
    engine.execute(
        "INSERT INTO logs (project, service, time, observed_after_ns, environment, release, severity_number, severity_text, body, body_type,"
        " trace_id, span_id, attributes, attribute_types, resource, scope, received) VALUES "
        + ", ".join(rows)
    )


def add_samples(
    engine: EmbeddedEngine, project: int, metric: str, series_id: int, values: dict[int, float],
    labels: dict[str, Any] | None = None, service: str = "shop",
) -> None:  # fmt: skip
    """A series and its points, by time in nanoseconds."""
    given = {k: text_of(v) for k, v in (labels or {}).items()}
    engine.execute(
        "INSERT INTO series (project, metric, series_id, type, temporality, monotonic, unit, description, labels, label_types,"
        " resource, scope, scope_version, service, environment, release, day, first_seen, last_seen) VALUES "
        f"({project}, {_q(metric)}, {series_id}, 'gauge', 'unspecified', false, '1', '', {_map(given)}, {_types(given)},"
        f" '{{\"service.name\":\"shop\"}}', 'scope', '', {_q(service)}, 'prod', '1.0', today(), now(), now())"
    )
    rows = ", ".join(
        f"({project}, {series_id}, fromUnixTimestamp64Nano({at}), {value}, 0, 'double', fromUnixTimestamp64Nano({at}), 0)"
        for at, value in values.items()
    )
    engine.execute(
        f"INSERT INTO samples (project, series_id, time, value, value_int, value_type, start, flags) VALUES {rows}"
    )


def _q(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _map(attributes: dict[str, tuple[str, str]]) -> str:
    inner = ", ".join(f"{_q(k)}, {_q(v)}" for k, (v, _) in attributes.items())
    return f"map({inner})" if inner else "CAST(map(), 'Map(String, String)')"


def _types(attributes: dict[str, tuple[str, str]]) -> str:
    return "[" + ", ".join(_q(t) for _, (_, t) in attributes.items()) + "]"
