"""A trace as its page draws it: every span in one line, without what only a panel shows.

The attributes of ten thousand spans may be tens of megabytes; this answer stays small. What a
span says beyond its line is asked for when somebody opens it (`trace.span_details`).
"""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import hex_id
from quarterdeck.telemetry.query.span_tree import Seen, critical_path, self_times, tree_of
from quarterdeck.telemetry.query.trace import IDS, MOST_LOGS, MOST_SPANS, ONCE, Found, find, unknown
from quarterdeck.telemetry.query.window import run

_MOST_EVENTS = 20
_MOST_TEXT = 160
# What tells most about a span in one line, the first three that it has.
_TELLING = (
    "exception.message", "http.route", "url.full", "url.path", "db.query.text", "db.statement",
    "http.response.status_code", "messaging.destination.name", "rpc.method",
)  # fmt: skip


class SpanLine(BaseModel):
    span_id: str
    parent: int = Field(description="The place in this list of the span above; -1 at the top.")
    parent_span_id: str = Field(description="As the sender gave it; it may not have arrived.")
    service: str
    name: str
    kind: str
    status: str
    status_message: str
    offset_ns: int = Field(description="Since the start of the trace.")
    duration_ns: int
    self_ns: int = Field(description="Its duration without the time in which a child was running.")
    shift_ns: int = Field(description="By how much its clock seems to be behind the caller's.")
    events: list[tuple[str, int]] = Field(description="Name and offset, the first twenty.")
    links: int
    telling: list[tuple[str, str]] = Field(description="Its most telling attributes, cut short.")


class LogLine(BaseModel):
    span_id: str
    offset_ns: int
    severity: str
    service: str
    text: str


class Outline(BaseModel):
    trace_id: str
    start_ns: str = Field(description="Nanoseconds since 1970, as text.")
    duration_ns: int
    spans: list[SpanLine] = Field(description="In the order in which they began.")
    critical: list[tuple[int, int, int]] = Field(
        description="What the end waited for, the latest first: place of a span, from, to."
    )
    logs: list[LogLine]
    truncated: bool = Field(description="Whether there are more spans than are shown.")


def outline(engine: Engine, project: int, trace_id: str) -> Outline:
    found = find(engine, project, trace_id)
    rows = _spans(engine, found)
    if not rows:
        raise unknown(trace_id)
    truncated = len(rows) > MOST_SPANS
    rows = rows[:MOST_SPANS]
    tree = tree_of([Seen(row[0], row[1], row[2], row[2] + max(row[3], 0), row[4]) for row in rows])
    base = found.start_ns
    selves = self_times(tree)
    return Outline.model_construct(
        trace_id=found.trace_id,
        start_ns=str(base),
        duration_ns=max(row[2] + max(row[3], 0) for row in rows) - base,
        spans=[
            SpanLine.model_construct(
                span_id=id, parent=parent, parent_span_id=above, service=service, name=name,
                kind=kind, status=status, status_message=message, offset_ns=at - base,
                duration_ns=duration, self_ns=own, shift_ns=shift,
                events=[(event, time - base) for event, time in zip(names, times, strict=True)],
                links=links, telling=telling,
            )
            for (id, above, at, duration, kind, service, name, status, message, names, times, links, telling),
                parent, own, shift
            in zip(rows, tree.parents, selves, tree.shifts, strict=True)
        ],
        critical=[(part.span, part.start - base, part.end - base) for part in critical_path(tree)],
        logs=_logs(engine, found),
        truncated=truncated,
    )  # fmt: skip


def _spans(engine: Engine, found: Found) -> list[list[Any]]:
    asked = found.asked()
    names = asked.bind(list(_TELLING), "Array(String)")
    sql = f"""
        SELECT {IDS}, toUnixTimestamp64Nano(time) AS at, duration_ns, toString(kind), service, name, toString(status),
            substringUTF8(status_message, 1, {_MOST_TEXT}),
            arraySlice(JSONExtract(events, 'Array(Tuple(name String))').name, 1, {_MOST_EVENTS}),
            arraySlice(JSONExtract(events, 'Array(Tuple(time Int64))').time, 1, {_MOST_EVENTS}),
            if(empty(links), 0, JSONLength(links)),
            arraySlice(arrayMap(k -> (k, substringUTF8(attributes[k], 1, {_MOST_TEXT})), arrayFilter(k -> attributes[k] != '', {names})), 1, 3)
        FROM spans WHERE {found.window.where()}{asked.sql} ORDER BY time, span_id {ONCE} LIMIT {MOST_SPANS + 1}"""
    return run(engine, "trace_outline", sql, found.window, asked).rows


def _logs(engine: Engine, found: Found) -> list[LogLine]:
    asked = found.asked()
    sql = f"""
        SELECT {hex_id("span_id", 8)}, toUnixTimestamp64Nano(time) AS at, toString(severity), service, substringUTF8(body, 1, {_MOST_TEXT * 2})
        FROM logs WHERE {found.around.where()}{asked.sql} ORDER BY time LIMIT {MOST_LOGS}"""
    return [
        LogLine.model_construct(
            span_id=id, offset_ns=at - found.start_ns, severity=severity, service=service, text=text
        )
        for id, at, severity, service, text in run(engine, "trace_logs", sql, found.around, asked).rows
    ]  # fmt: skip
