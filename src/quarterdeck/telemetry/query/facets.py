"""Which values the fields of a signal have, most frequent first.

Without a search the answer comes from the rollup (telemetry/facets.py fills it), whatever
the range. With one, the newest matching rows are counted: enough to choose from.
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import logs
from quarterdeck.telemetry.query.search_sql import search_spans
from quarterdeck.telemetry.query.window import Asked, Window, run

Signal = Literal["logs", "spans"]

MOST_FIELDS = 60
MOST_VALUES = 20
SAMPLE = 5_000
_LONGEST = 1_024  # bytes of a column's value; what is longer is nothing to choose from

COLUMNS: dict[Signal, dict[str, str]] = {
    "logs": {
        "service": "toString(service)", "severity": "toString(severity)", "environment": "toString(environment)",
        "release": "toString(release)", "event_name": "toString(event_name)",
    },
    "spans": {
        "service": "toString(service)", "name": "toString(name)", "kind": "toString(kind)", "status": "toString(status)",
        "environment": "toString(environment)", "release": "toString(release)",
    },
}  # fmt: skip
"""The columns that are facets as well, in the order in which they are shown."""


class FacetValue(BaseModel):
    value: str
    count: int


class Facet(BaseModel):
    field: str
    values: list[FacetValue] = Field(description="The most frequent ones.")


def facets(
    engine: Engine,
    window: Window,
    signal: Signal,
    *,
    q: str = "",
    service: str = "",
    find: str = "",
) -> list[Facet]:
    """The fields most records have, of those whose name holds `find`; at most 60."""
    narrowed = q.strip() or service or window.environment
    rows = [] if narrowed else _rolled(engine, window, signal, find)
    if not rows:  # narrowed, or not counted yet
        rows = _sampled(engine, window, signal, q, service, find)
    found: dict[str, list[FacetValue]] = {}
    for field, value, count in rows:
        found.setdefault(field, []).append(FacetValue(value=value, count=count))
    first = [name for name in COLUMNS[signal] if name in found]
    rest = [name for name in found if name not in COLUMNS[signal]]
    return [Facet(field=name, values=found[name]) for name in (*first, *rest)[:MOST_FIELDS]]


def _rolled(engine: Engine, window: Window, signal: Signal, find: str) -> list[list[Any]]:
    asked = Asked()
    asked.add(f"signal = {asked.bind(signal)}")
    if find:
        asked.add(f"positionCaseInsensitiveUTF8(field, {asked.bind(find)}) > 0")
    times = "quarter >= toStartOfFifteenMinutes(fromUnixTimestamp64Milli({from_ms:Int64})) AND quarter < fromUnixTimestamp64Milli({to_ms:Int64})"
    sql = f"""
        SELECT field, value, count FROM (
            SELECT field, value, sum(items) AS count, sum(count) OVER (PARTITION BY field) AS weight FROM facets_15m
            WHERE project = {{project:UInt32}} AND {times}{asked.sql} GROUP BY field, value
            ORDER BY count DESC LIMIT {MOST_VALUES} BY field
        ) ORDER BY weight DESC, field, count DESC LIMIT {MOST_FIELDS * MOST_VALUES}"""
    return run(engine, "facets", sql, window, asked).rows


def pairs(signal: Signal) -> str:
    """SQL: an array of (field, value) of a row."""
    columns = ", ".join(f"('{name}', {sql})" for name, sql in COLUMNS[signal].items())
    texts = "arrayFilter(x -> length(x.2) BETWEEN 1 AND 128 AND length(x.1) <= 128, arrayZip(arrayMap(k -> toString(k), mapKeys(attributes)), mapValues(attributes)))"
    return (
        f"arrayConcat(arrayFilter(x -> length(x.2) BETWEEN 1 AND {_LONGEST}, [{columns}]), {texts})"
    )


def _sampled(
    engine: Engine, window: Window, signal: Signal, q: str, service: str, find: str
) -> list[list[Any]]:
    asked = Asked()
    if signal == "logs":
        logs.condition(asked, q=q, service=service)
    else:
        if service:
            asked.add(f"service = {asked.bind(service)}")
        search_spans(asked, q)
    columns = "service, environment, release, attributes, " + (
        "severity, event_name" if signal == "logs" else "name, kind, status"
    )
    named = f"WHERE positionCaseInsensitiveUTF8(field, {asked.bind(find)}) > 0" if find else ""
    rows: list[list[Any]] = []
    for part in window.ends():
        sql = f"""
            SELECT pair.1 AS field, pair.2 AS value, count() AS count FROM (
                SELECT {columns} FROM {signal} WHERE {part.where()}{asked.sql} ORDER BY time DESC LIMIT {SAMPLE}
            ) ARRAY JOIN {pairs(signal)} AS pair {named}
            GROUP BY field, value ORDER BY count DESC LIMIT {MOST_VALUES} BY field LIMIT {MOST_FIELDS * MOST_VALUES}"""
        rows = run(engine, "facets_sampled", sql, part, asked).rows
        if sum(row[2] for row in rows if row[0] == "service") >= SAMPLE:
            break
    return rows
