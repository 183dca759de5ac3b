"""One trace whole: its spans as a tree with the time each spent itself, and its logs."""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.core.errors import NotFound
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import logs
from quarterdeck.telemetry.query.logs import LogRow
from quarterdeck.telemetry.query.rows import ATTRIBUTES, RESOURCE, hex_id, list_of, object_of
from quarterdeck.telemetry.query.window import Asked, Window, run

MOST_SPANS = 10_000
MOST_LOGS = 1_000


class SpanEvent(BaseModel):
    name: str
    offset_ns: int = Field(description="Since the start of the trace.")
    attributes: dict[str, Any]


class SpanLink(BaseModel):
    trace_id: str
    span_id: str
    attributes: dict[str, Any]


class SpanScope(BaseModel):
    name: str
    version: str


class Span(BaseModel):
    span_id: str
    parent_span_id: str
    service: str
    environment: str
    release: str
    name: str
    kind: str
    status: str
    status_message: str
    offset_ns: int = Field(description="Since the start of the trace.")
    duration_ns: int
    self_ns: int = Field(description="Its duration without the time in which a child was running.")
    scope: SpanScope
    events: list[SpanEvent]
    links: list[SpanLink]
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Trace(BaseModel):
    trace_id: str
    start_ns: str = Field(description="Nanoseconds since 1970, as text.")
    duration_ns: int
    spans: list[Span] = Field(description="In the order in which they began.")
    logs: list[LogRow]
    truncated: bool = Field(description="Whether there are more spans than are shown.")


def trace(engine: Engine, project: int, trace_id: str) -> Trace:
    """The trace of an id; no range is needed, since the rollup knows when it was."""
    wanted = trace_id.lower()
    if len(wanted) != 32 or set(wanted) - set("0123456789abcdef"):
        raise _unknown(trace_id)
    window = _when(engine, project, wanted)
    if window is None:
        raise _unknown(trace_id)
    asked = Asked()
    asked.add(f"trace_id = toFixedString(unhex({asked.bind(wanted)}), 16)")
    sql = f"""
        SELECT toUnixTimestamp64Nano(time) AS at, duration_ns, {hex_id("span_id", 8)}, {hex_id("parent_span_id", 8)},
            service, environment, release, name, toString(kind) AS kind_name, toString(status) AS status_name, status_message,
            scope, scope_version, events, links, {ATTRIBUTES}, {RESOURCE}
        FROM spans WHERE {window.where()}{asked.sql} ORDER BY time LIMIT {MOST_SPANS + 1}"""
    rows = run(engine, "trace", sql, window, asked).rows
    if not rows:
        raise _unknown(trace_id)
    truncated = len(rows) > MOST_SPANS
    rows = rows[:MOST_SPANS]
    start = min(row[0] for row in rows)
    end = max(row[0] + max(row[1], 0) for row in rows)
    selves = self_times([(row[2], row[3], row[0], row[0] + max(row[1], 0)) for row in rows])
    return Trace.model_construct(
        trace_id=wanted,
        start_ns=str(start),
        duration_ns=end - start,
        spans=[_span(row, start, own) for row, own in zip(rows, selves, strict=True)],
        logs=_logs(engine, window, wanted),
        truncated=truncated,
    )


def self_times(spans: list[tuple[str, str, int, int]]) -> list[int]:
    """Of (id, parent, start, end) each: its duration less what its children cover of it."""
    children: dict[str, list[tuple[int, int]]] = {}
    for own, parent, start, end in spans:
        if parent and parent != own:
            children.setdefault(parent, []).append((start, end))
    for intervals in children.values():
        intervals.sort()
    return [
        end - start - _covered(children.get(own, []), start, end) for own, _, start, end in spans
    ]


def _covered(intervals: list[tuple[int, int]], start: int, end: int) -> int:
    """How much of start..end sorted intervals cover, each moment once."""
    covered, reached = 0, start
    for first, last in intervals:
        first, last = max(first, reached), min(last, end)
        if last > first:
            covered += last - first
            reached = last
    return covered


def _when(engine: Engine, project: int, trace_id: str) -> Window | None:
    asked = Asked()
    asked.add(f"trace_id = toFixedString(unhex({asked.bind(trace_id)}), 16)")
    sql = f"""
        SELECT toUnixTimestamp64Milli(min(first)), toUnixTimestamp64Milli(max(last)), sum(spans)
        FROM trace_times WHERE project = {{project:UInt32}}{asked.sql}"""
    first, last, spans = run(engine, "trace_times", sql, Window(project, 0, 1), asked).rows[0]
    return Window(project, first, last + 1) if spans else None


def _span(row: list[Any], base: int, own: int) -> Span:
    at, duration, id, parent, service, environment, release, name, kind, status, message, scope, version, events, links, attributes, resource = row  # fmt: skip
    return Span.model_construct(
        span_id=id,
        parent_span_id=parent,
        service=service,
        environment=environment,
        release=release,
        name=name,
        kind=kind,
        status=status,
        status_message=message,
        offset_ns=at - base,
        duration_ns=duration,
        self_ns=own,
        scope=SpanScope.model_construct(name=scope, version=version),
        events=[
            SpanEvent.model_construct(
                name=str(e.get("name", "")),
                offset_ns=int(e.get("time", base)) - base,
                attributes=e.get("attributes", {}),
            )
            for e in list_of(events)
        ],
        links=[
            SpanLink.model_construct(
                trace_id=str(e.get("trace_id", "")),
                span_id=str(e.get("span_id", "")),
                attributes=e.get("attributes", {}),
            )
            for e in list_of(links)
        ],
        attributes=object_of(attributes),
        resource=object_of(resource),
    )


def _logs(engine: Engine, window: Window, trace_id: str) -> list[LogRow]:
    """The trace's records; some arrive a little before or after its spans."""
    around = Window(window.project, max(0, window.start_ms - 60_000), window.end_ms + 300_000)
    asked = Asked()
    logs.condition(asked, trace_id=trace_id)
    return logs.read(engine, around, asked, MOST_LOGS, "asc")


def _unknown(trace_id: str) -> NotFound:
    return NotFound(
        "trace_unknown",
        f"There is no trace `{trace_id[:64]}` in this project.",
        "It may not have arrived yet, be older than what is kept, or belong to another project.",
    )
