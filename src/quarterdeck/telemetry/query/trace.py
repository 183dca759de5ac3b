"""One trace whole: its spans as a tree with the time each spent itself, and its logs.

Also where a trace is, which every query about one begins with: no range is needed, since the
rollup knows when it was.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.core.errors import NotFound
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import logs
from quarterdeck.telemetry.query.logs import LogRow
from quarterdeck.telemetry.query.rows import (
    ATTRIBUTES,
    LISTED_ATTRIBUTES,
    LISTED_CUT,
    LISTED_RESOURCE,
    RESOURCE,
    hex_id,
    list_of,
    object_of,
)
from quarterdeck.telemetry.query.span_tree import Seen, self_times, tree_of
from quarterdeck.telemetry.query.window import Asked, Window, run

MOST_SPANS = 10_000
MOST_LOGS = 1_000
_MOST_TWINS = 20


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


class SpanDetails(BaseModel):
    """What a span says beyond its place in the trace."""

    span_id: str
    environment: str
    release: str
    scope: SpanScope
    events: list[SpanEvent]
    links: list[SpanLink]
    attributes: dict[str, Any]
    resource: dict[str, Any]
    attributes_cut: bool = Field(
        description="Only the beginning of long values, of attributes or resource: the span itself has them whole."
    )


class Span(SpanDetails):
    parent_span_id: str
    service: str
    name: str
    kind: str
    status: str
    status_message: str
    offset_ns: int = Field(description="Since the start of the trace.")
    duration_ns: int
    self_ns: int = Field(description="Its duration without the time in which a child was running.")


class Trace(BaseModel):
    trace_id: str
    start_ns: str = Field(description="Nanoseconds since 1970, as text.")
    duration_ns: int
    spans: list[Span] = Field(description="In the order in which they began.")
    logs: list[LogRow]
    truncated: bool = Field(description="Whether there are more spans than are shown.")


@dataclass(frozen=True, slots=True)
class Found:
    """A trace that is there: its id in lower case, when it was, and its first moment."""

    trace_id: str
    window: Window
    start_ns: int

    @property
    def around(self) -> Window:
        """For its log records: some are written a little before or after its spans."""
        window = self.window
        return Window(window.project, max(0, window.start_ms - 60_000), window.end_ms + 300_000)

    def asked(self) -> Asked:
        """What is in the trace."""
        return self._compared("=")

    def others(self) -> Asked:
        """What is in any other."""
        return self._compared("!=")

    def _compared(self, sign: str) -> Asked:
        asked = Asked()
        asked.add(f"trace_id {sign} toFixedString(unhex({asked.bind(self.trace_id)}), 16)")
        return asked


# What was sent again after a lost answer is stored again: such spans are shown once.
ONCE = "LIMIT 1 BY span_id, time, duration_ns, service, name, kind"
IDS = f"{hex_id('span_id', 8)}, {hex_id('parent_span_id', 8)}"


def find(engine: Engine, project: int, trace_id: str) -> Found:
    wanted = trace_id.lower()
    if len(wanted) != 32 or set(wanted) - set("0123456789abcdef"):
        raise unknown(trace_id)
    nowhere = Window(project, 0, 1)
    asked = Found(wanted, nowhere, 0).asked()
    sql = f"""
        SELECT toUnixTimestamp64Nano(min(first)), toUnixTimestamp64Milli(max(last)), sum(spans)
        FROM trace_times WHERE project = {{project:UInt32}}{asked.sql}"""
    first, last_ms, spans = run(engine, "trace_times", sql, nowhere, asked).rows[0]
    if not spans:
        raise unknown(trace_id)
    return Found(wanted, Window(project, first // 1_000_000, last_ms + 1), first)


def trace(engine: Engine, project: int, trace_id: str) -> Trace:
    found = find(engine, project, trace_id)
    asked = found.asked()
    sql = f"""
        SELECT {IDS}, toUnixTimestamp64Nano(time) AS at, greatest(duration_ns, 0), toString(kind), service, name,
            toString(status), status_message, duration_ns, {_LISTED}
        FROM spans WHERE {found.window.where()}{asked.sql} ORDER BY time, span_id {ONCE} LIMIT {MOST_SPANS + 1}"""
    rows = run(engine, "trace", sql, found.window, asked).rows
    if not rows:
        raise unknown(trace_id)
    truncated = len(rows) > MOST_SPANS
    rows = rows[:MOST_SPANS]
    tree = tree_of([Seen(row[0], row[1], row[2], row[2] + row[3], row[4]) for row in rows])
    base = found.start_ns
    return Trace.model_construct(
        trace_id=found.trace_id,
        start_ns=str(base),
        duration_ns=max(row[2] + row[3] for row in rows) - base,
        spans=[_span(row, base, own) for row, own in zip(rows, self_times(tree), strict=True)],
        logs=_logs(engine, found),
        truncated=truncated,
    )


def span_details(engine: Engine, project: int, trace_id: str, span_id: str) -> list[SpanDetails]:
    """All that a span says; in order of time where several share the id."""
    found = find(engine, project, trace_id)
    asked = found.asked()
    asked.add(f"span_id = toFixedString(unhex({asked.bind(span_id)}), 8)")
    sql = f"""
        SELECT {_DETAILS}, {hex_id("span_id", 8)} FROM spans
        WHERE {found.window.where()}{asked.sql} ORDER BY time {ONCE} LIMIT {_MOST_TWINS}"""
    known = len(span_id) == 16 and not set(span_id) - set("0123456789abcdef")
    rows = run(engine, "span_details", sql, found.window, asked).rows if known else []
    if not rows:
        raise NotFound(
            "span_unknown",
            f"There is no span `{span_id[:64]}` in this trace.",
            "Its id has sixteen hexadecimal digits. It may not have arrived yet.",
        )
    return [
        SpanDetails.model_construct(span_id=row[-1], **_details(row[:-1], found.start_ns))
        for row in rows
    ]


def _span(row: list[Any], base: int, own: int) -> Span:
    id, parent, at, _, kind, service, name, status, message, duration, *details = row
    return Span.model_construct(
        span_id=id,
        parent_span_id=parent,
        service=service,
        name=name,
        kind=kind,
        status=status,
        status_message=message,
        offset_ns=at - base,
        duration_ns=duration,
        self_ns=own,
        **_details(details, base),
    )


_SAID = "environment, release, scope, scope_version, events, links"
_DETAILS = f"{_SAID}, {ATTRIBUTES}, {RESOURCE}, false AS attributes_cut"
_LISTED = f"{_SAID}, {LISTED_ATTRIBUTES}, {LISTED_RESOURCE}, {LISTED_CUT}"


def _details(row: list[Any], base: int) -> dict[str, Any]:
    environment, release, scope, version, events, links, attributes, resource, cut = row
    return {
        "environment": environment,
        "release": release,
        "scope": SpanScope.model_construct(name=scope, version=version),
        "events": [
            SpanEvent.model_construct(
                name=str(e.get("name", "")),
                offset_ns=int(e.get("time", base)) - base,
                attributes=e.get("attributes", {}),
            )
            for e in list_of(events)
        ],
        "links": [
            SpanLink.model_construct(
                trace_id=str(e.get("trace_id", "")),
                span_id=str(e.get("span_id", "")),
                attributes=e.get("attributes", {}),
            )
            for e in list_of(links)
        ],
        "attributes": object_of(attributes),
        "resource": object_of(resource),
        "attributes_cut": bool(cut),
    }


def _logs(engine: Engine, found: Found) -> list[LogRow]:
    asked = Asked()
    logs.condition(asked, trace_id=found.trace_id)
    return logs.read(engine, found.around, asked, MOST_LOGS, "asc")


def unknown(trace_id: str) -> NotFound:
    return NotFound(
        "trace_unknown",
        f"There is no trace `{trace_id[:64]}` in this project.",
        "It may not have arrived yet, be older than what is kept, or belong to another project.",
    )
