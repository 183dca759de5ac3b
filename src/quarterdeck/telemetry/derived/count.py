"""Counts what arrived between two moments for one derived metric, by minute and labels.

The rows are those whose arrival lies in the range, so that each is counted by exactly one run;
their points stand at the minute in which they happened.
"""

from dataclasses import dataclass
from typing import Any

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.derived.spec import DURATION, DerivedMetricSpec
from quarterdeck.telemetry.query.search_sql import search_logs, search_spans
from quarterdeck.telemetry.query.window import Asked

MOST_ROWS = 50_000  # minutes × label sets of one run
LONGEST_LABEL = 128
_LIMITS = Limits(seconds=20, memory_mb=512, threads=1)


@dataclass(frozen=True, slots=True)
class Point:
    """One minute of one set of labels."""

    service: str
    environment: str
    release: str
    minute_s: int  # seconds since 1970, the start of the minute
    labels: tuple[tuple[str, str], ...]
    count: int
    sum: float
    min: float
    max: float
    buckets: tuple[int, ...]


def count(
    engine: Engine, project: int, spec: DerivedMetricSpec, since_ms: int, until_ms: int
) -> list[Point]:
    """The points of what arrived after `since_ms` and up to `until_ms`, the fullest first."""
    asked = Asked()
    value = _value(asked, spec)
    labels = ", ".join(_label(asked, spec, name) for name in spec.group_by)
    (search_logs if spec.signal == "logs" else search_spans)(asked, spec.query)
    asked.add(
        f"received > fromUnixTimestamp64Milli({asked.bind(since_ms, 'Int64')})"
        f" AND received <= fromUnixTimestamp64Milli({asked.bind(until_ms, 'Int64')})"
    )
    params: dict[str, Any] = {**asked.params, "project": project, "bounds": spec.edges}
    table = "logs" if spec.signal == "logs" else "spans"
    place = (
        "indexOf(arrayMap(b -> value <= b, {bounds:Array(Float64)}), true)"
        if spec.aggregation == "histogram"
        else "0"
    )
    sql = f"""
        SELECT service, environment, release, minute, labels, sum(items) AS count, sum(total), min(least), max(most),
            groupArray((place, items))
        FROM (
            SELECT service, environment, release, minute, labels, {place} AS place,
                count() AS items, sum(value) AS total, min(value) AS least, max(value) AS most
            FROM (
                SELECT service, environment, release, toUnixTimestamp(toStartOfMinute(time)) AS minute,
                    [{labels}]::Array(String) AS labels, {value} AS value
                FROM {table} WHERE project = {{project:UInt32}}{asked.sql}
            )
            WHERE isNotNull(value) AND isFinite(value)
            GROUP BY service, environment, release, minute, labels, place
        ) GROUP BY service, environment, release, minute, labels ORDER BY count DESC LIMIT {MOST_ROWS}"""
    rows = engine.query("derived_count", sql, params, limits=_LIMITS).rows
    return [_point(spec, row) for row in rows]


def _value(asked: Asked, spec: DerivedMetricSpec) -> str:
    """SQL: the number that a row brings, NULL when it has none."""
    if spec.aggregation == "count":
        return "toFloat64(1)"
    if spec.signal == "traces" and spec.field == DURATION:
        return f"duration_ns / 1e9 * {spec.scale!r}"
    key = asked.bind(spec.field)
    found = f"toFloat64OrNull(attributes[{key}])"
    if spec.signal == "logs":  # a structured body has fields too
        body = f"if(body_type IN ('kvlist', 'json'), toFloat64OrNull(JSONExtractRaw(body, {key})), NULL)"
        found = f"coalesce({found}, {body})"
    return f"{found} * {spec.scale!r}"


def _label(asked: Asked, spec: DerivedMetricSpec, name: str) -> str:
    columns = {"name": "name", "kind": "kind", "status": "status"}
    if spec.signal == "logs":
        columns = {"severity": "severity", "event_name": "event_name"}
    if name in columns:
        return f"toString({columns[name]})"
    key = asked.bind(name)
    own = f"attributes[{key}]"
    resource = f"if(JSONType(resource, {key}) = 'String', JSONExtractString(resource, {key}), JSONExtractRaw(resource, {key}))"
    return f"substringUTF8(if({own} != '', {own}, {resource}), 1, {LONGEST_LABEL})"


def _point(spec: DerivedMetricSpec, row: list[Any]) -> Point:
    service, environment, release, minute, labels, items, total, least, most, places = row
    buckets = [0] * (len(spec.edges) + 1)
    for place, number in places:
        # The engine counts from one; none of the bounds holds what is beyond the last.
        buckets[place - 1 if place else len(spec.edges)] += number
    named = zip(spec.group_by, labels, strict=True)
    return Point(
        service=service, environment=environment, release=release, minute_s=minute,
        labels=tuple((name, value) for name, value in named if value),
        count=items, sum=float(total), min=float(least), max=float(most), buckets=tuple(buckets),
    )  # fmt: skip
