"""Spans by the values of one field or two: how many, how many failed, how long they took.

The groups shown are at most 200; all others together are one line. More than 100,000
groups are not told apart: those met first are, and the answer says so.
"""

from typing import Literal

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.latency import milliseconds
from quarterdeck.telemetry.query.span_durations import BUCKET
from quarterdeck.telemetry.query.span_fields import value_of
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Window, grid_of, run

Sort = Literal["count", "errors", "error_rate", "p50", "p95", "p99", "max", "total"]

MOST = 200
MOST_FIELDS = 2
_MOST_GROUPS = 100_000
_POINTS = 40
_CUT = 1_000  # characters of a value
_ORDER: dict[Sort, str] = {
    "count": "spans", "errors": "errors", "error_rate": "errors / spans", "p50": "buckets[1]", "p95": "buckets[2]",
    "p99": "buckets[3]", "max": "longest", "total": "total",
}  # fmt: skip


class Group(BaseModel):
    values: list[str] = Field(description="One a field; empty where spans do not have it.")
    count: int
    rate: float = Field(description="A second.")
    share: float = Field(description="Its part of all spans, 0 to 1.")
    errors: int
    error_rate: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    total_ms: float = Field(description="Time spent in these spans altogether.")
    series: list[int] = Field(description="Spans by step.")


class Rest(BaseModel):
    """The groups that are not shown, together."""

    groups: int
    count: int
    errors: int
    total_ms: float


class Groups(BaseModel):
    items: list[Group]
    others: Rest | None
    count: int = Field(description="All spans that match.")
    complete: bool = Field(description="False where there are too many groups to tell all apart.")
    start_ms: int
    step_ms: int


def groups(
    engine: Engine, window: Window, wanted: Filter, by: list[str], sort: Sort = "count"
) -> Groups:
    if not 1 <= len(by) <= MOST_FIELDS:
        raise BadInput(
            "group_invalid", f"Spans are grouped by one field or {MOST_FIELDS}.", "Name them in `by`."
        )  # fmt: skip
    asked = wanted.conditions()
    grid = grid_of(window, _POINTS)
    keys = [value_of(asked, field) for field in by]
    named = ", ".join(f"substringUTF8({key}, 1, {_CUT}) AS key{i}" for i, key in enumerate(keys))
    names = ", ".join(f"key{i}" for i in range(len(keys)))
    sql = f"""
        SELECT {named}, count() AS spans, countIf(status = 'error') AS errors,
            quantilesExactWeighted(0.5, 0.95, 0.99)({BUCKET}, 1) AS buckets, max(duration_ns) AS longest, sum(duration_ns) AS total,
            countResample(0, {grid.size}, 1)({grid.index("time")}) AS series, count() OVER () AS groups
        FROM spans WHERE {window.where()}{asked.sql} GROUP BY {names} ORDER BY {_ORDER[sort]} DESC, spans DESC, {names} LIMIT {MOST}"""
    capped = {"max_rows_to_group_by": _MOST_GROUPS, "group_by_overflow_mode": "'any'"}
    rows = run(engine, "span_groups", sql, window, asked, capped).rows
    number = rows[0][-1] if rows else 0
    if number > len(rows) or number == _MOST_GROUPS:
        sql = f"SELECT count(), countIf(status = 'error'), sum(duration_ns) FROM spans WHERE {window.where()}{asked.sql}"
        every, failed, whole = run(engine, "span_groups_total", sql, window, asked).rows[0]
    else:
        first = len(by)
        every, failed, whole = (sum(row[first + at] for row in rows) for at in (0, 1, 4))
    items = []
    for row in rows:
        *values, spans, errors, buckets, longest, total, series, _ = row
        p50, p95, p99 = (milliseconds(bucket) for bucket in buckets)
        items.append(
            Group(
                values=values,
                count=spans,
                rate=spans / window.seconds,
                share=spans / max(every, 1),
                errors=errors,
                error_rate=errors / max(spans, 1),
                p50_ms=p50,
                p95_ms=p95,
                p99_ms=p99,
                max_ms=longest / 1e6,
                total_ms=total / 1e6,
                series=series,
            )
        )
    others = Rest(
        groups=number - len(items),
        count=every - sum(each.count for each in items),
        errors=failed - sum(each.errors for each in items),
        total_ms=whole / 1e6 - sum(each.total_ms for each in items),
    )
    return Groups(
        items=items,
        others=others if others.groups > 0 else None,
        count=every,
        complete=number < _MOST_GROUPS,
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
    )
