"""Spans one by one, newest or slowest first, with the attributes that are asked for."""

import re
from typing import Literal

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.span_fields import value_of
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Window, run

Sort = Literal["recent", "slowest"]

MOST = 500
MOST_COLUMNS = 12
_CURSOR = re.compile(r"(-?\d{1,19})-([0-9a-f]{16})-([0-9a-f]{32})")
_RANK: dict[Sort, str] = {"recent": "toUnixTimestamp64Nano(time)", "slowest": "duration_ns"}
_CUT = 1_000  # characters of a value


class SpanRow(BaseModel):
    trace_id: str
    span_id: str
    time_ms: float
    service: str
    name: str
    kind: str
    status: str
    status_message: str
    release: str
    duration_ms: float
    values: list[str] = Field(description="The columns asked for; empty where it has none.")


class Spans(BaseModel):
    items: list[SpanRow]
    next_cursor: str | None


def spans(
    engine: Engine,
    window: Window,
    wanted: Filter,
    *,
    columns: list[str] | None = None,
    sort: Sort = "recent",
    limit: int = 50,
    cursor: str = "",
) -> Spans:
    asked = wanted.conditions()
    fields = columns or []
    if len(fields) > MOST_COLUMNS:
        raise BadInput(
            "columns_invalid", f"At most {MOST_COLUMNS} columns can be shown.", "Name fewer."
        )
    values = ", ".join(f"substringUTF8({value_of(asked, field)}, 1, {_CUT})" for field in fields)
    rank = _RANK[sort]
    if cursor:
        found = _CURSOR.fullmatch(cursor)
        if not found:
            raise BadInput(
                "cursor_invalid", "This cursor is not one of ours.", "Start from the first page."
            )
        at = asked.bind(int(found[1]), "Int64")
        span = f"toFixedString(unhex({asked.bind(found[2])}), 8)"
        trace = f"toFixedString(unhex({asked.bind(found[3])}), 16)"
        asked.add(
            f"{rank} < {at} OR ({rank} = {at} AND (span_id, trace_id) > ({span}, {trace}))"
        )  # fmt: skip
        if sort == "recent":
            window = window.until(min(window.end_ms, int(found[1]) // 1_000_000 + 1))
    order = "time" if sort == "recent" else "duration_ns"
    for part in window.ends() if sort == "recent" else [window]:
        sql = f"""
            SELECT {rank} AS rank, lower(hex(trace_id)), lower(hex(span_id)), toUnixTimestamp64Nano(time), service, name,
                toString(kind), toString(status), substringUTF8(status_message, 1, {_CUT}), release, duration_ns / 1e6, [{values}]::Array(String)
            FROM spans WHERE {part.where()}{asked.sql} ORDER BY {order} DESC, span_id, trace_id LIMIT {limit + 1}"""
        rows = run(engine, "span_list", sql, part, asked).rows
        if len(rows) > limit:
            break
    items = [
        SpanRow(
            trace_id=row[1], span_id=row[2], time_ms=row[3] / 1e6, service=row[4], name=row[5], kind=row[6],
            status=row[7], status_message=row[8], release=row[9], duration_ms=row[10], values=row[11],
        )
        for row in rows[:limit]
    ]  # fmt: skip
    last = rows[limit - 1] if len(rows) > limit else None
    return Spans(items=items, next_cursor=f"{last[0]}-{last[2]}-{last[1]}" if last else None)
