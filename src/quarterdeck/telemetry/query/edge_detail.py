"""One node or edge of the map from close by: its course, what is asked of it, the slowest calls.

The course comes from the roll-up. What is asked comes from the spans themselves, told by the same
definition that the roll-up is counted by (telemetry/calls.py); where a range holds many spans,
from its newest part.
"""

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.calls import CHILDREN_MS, calls
from quarterdeck.telemetry.query.edge_course import CallCourse, address, course
from quarterdeck.telemetry.query.edge_figures import End, end_of
from quarterdeck.telemetry.query.latency import milliseconds
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Window, grid_of, run
from quarterdeck.telemetry.search.fields import ENTRY

MOST_SPANS = 20_000
_MOST = 10
_MOST_NAMES = 500


class AskedFor(BaseModel):
    """Spans of one name that make or take these calls."""

    service: str
    name: str
    calls: int
    error_rate: float
    p95_ms: float


class SlowCall(BaseModel):
    trace_id: str
    span_id: str
    time_ms: int
    service: str
    name: str
    duration_ms: float
    failed: bool


class EdgeDetail(BaseModel):
    start_ms: int
    step_ms: int
    course: CallCourse
    address: str = Field(description="Where the calls of a service mostly go, host:port; or empty.")
    since_ms: int = Field(description="From here on the lists below look at spans.")
    operations: list[AskedFor] = Field(description="Those that take the most time, at most 10.")
    slowest: list[SlowCall]


def edge_detail(engine: Engine, window: Window, source: str, target: str) -> EdgeDetail:
    """The calls from a node, to a node, or between two; one of them may be left out."""
    if not source and not target:
        raise BadInput(
            "node_missing", "Neither end of the calls is named.", "Send source, target or both."
        )
    ends = (end_of(source) if source else None, end_of(target) if target else None)
    grid = grid_of(window, 60, MINUTE_MS)
    part = _part(engine, window, _teller(*ends))
    operations, slowest = _asked_for(engine, part, *ends)
    return EdgeDetail(
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        course=course(engine, window, grid, *ends),
        address=address(engine, window, *ends),
        since_ms=part.start_ms,
        operations=operations,
        slowest=slowest,
    )


def _teller(source: End | None, target: End | None) -> str:
    """The service whose spans tell of the calls; empty where it may be any."""
    if source and source[0] == "service":
        return source[2]
    if target and target[0] == "service" and source:
        return target[2]
    return ""


def _part(engine: Engine, window: Window, service: str) -> Window:
    """The newest part of the range that holds about as many spans as we care to read."""
    asked = Asked()
    if service:
        asked.add(f"service = {asked.bind(service)}")
    asked.add("kind IN (2, 3, 4, 5)")
    sql = f"""
        SELECT toUnixTimestamp(minute) * 1000 AS at, sum(sum(spans)) OVER (ORDER BY minute DESC) AS so_far FROM red_1m
        WHERE {window.where_rolled()}{asked.sql} GROUP BY minute ORDER BY minute DESC"""
    start = window.end_ms
    for at, so_far in run(engine, "edge_spans", sql, window, asked).rows:
        start = at
        if so_far > MOST_SPANS:
            break
    return window.after(max(window.start_ms, start))


def _told(window: Window, asked: Asked, source: End | None, target: End | None) -> str:
    """SQL: the spans of `calls` that tell of these calls."""
    teller = _teller(source, target)
    own = window.where() + (f" AND service = {asked.bind(teller)}" if teller else "")
    around = (
        "project = {project:UInt32}"
        f" AND time >= fromUnixTimestamp64Nano({(window.start_ms - CHILDREN_MS) * 1_000_000})"
        f" AND time < fromUnixTimestamp64Nano({(window.end_ms + CHILDREN_MS) * 1_000_000})"
    )
    conditions = []
    for side, end in (("source", source), ("target", target)):
        if end is not None:
            kind, system, name = end
            same = f"edge.{side}_kind = {asked.bind(kind)} AND edge.{side} = {asked.bind(name)}"
            conditions.append(same + (f" AND edge.system = {asked.bind(system)}" if system else ""))
    return f"({calls(own, around, _KNOWN)}) WHERE {' AND '.join(conditions)}"


_KNOWN = """
    SELECT environment::String AS at_environment, address::String AS at, any(target)::String AS known_name FROM edges_1m
    WHERE project = {project:UInt32} AND minute >= fromUnixTimestamp64Milli({from_ms:Int64}) - INTERVAL 1 DAY
        AND minute < fromUnixTimestamp64Milli({to_ms:Int64}) AND address != ''
    GROUP BY environment, address HAVING uniqExact(target) = 1 LIMIT 10000"""


def _asked_for(
    engine: Engine, window: Window, source: End | None, target: End | None
) -> tuple[list[AskedFor], list[SlowCall]]:
    """Read once for both: each name brings its slowest, among which are the slowest of all."""
    asked = Asked()
    if source is None and target is not None and target[0] == "service":
        told = _entries(window, asked, target[2])
    else:
        told = _told(window, asked, source, target)
    sql = f"""
        SELECT service, name, count() AS calls, countIf(failed) / calls AS error_rate, sum(duration_ns) AS total,
            quantileExact(0.95)(toUInt16(floor(log2(greatest(duration_ns, 1)) * 8))) AS bucket,
            groupArraySorted({_MOST})((-duration_ns, lower(hex(trace_id)), lower(hex(span_id)), toUnixTimestamp64Milli(time), failed)) AS slow
        FROM {told} GROUP BY service, name ORDER BY total DESC, service, name LIMIT {_MOST_NAMES}"""
    rows = run(engine, "edge_asked_for", sql, window, asked).rows
    operations = [
        AskedFor(service=service, name=name, calls=calls, error_rate=rate, p95_ms=milliseconds(bucket))
        for service, name, calls, rate, _, bucket, _ in rows[:_MOST]
    ]  # fmt: skip
    slow = sorted((tuple(call), row[0], row[1]) for row in rows for call in row[-1])
    slowest = [
        SlowCall(
            trace_id=trace_id, span_id=span_id, time_ms=time_ms, service=service, name=name,
            duration_ms=-duration / 1e6, failed=bool(failed),
        )
        for (duration, trace_id, span_id, time_ms, failed), service, name in slow[:_MOST]
    ]  # fmt: skip
    return operations, slowest


def _entries(window: Window, asked: Asked, service: str) -> str:
    """SQL: what a service was asked for, whoever asked: no other span has a say in that."""
    return f"""(
        SELECT service::String AS service, name::String AS name, trace_id, span_id, time,
            greatest(spans.duration_ns, 0) AS duration_ns, status = 'error' AS failed
        FROM spans WHERE {window.where()} AND service = {asked.bind(service)} AND ({ENTRY}))"""
