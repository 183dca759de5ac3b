"""How calls between nodes went over time: rate, errors and p95 at every step."""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.edges import counted_ms
from quarterdeck.telemetry.query.edge_figures import End, newest, node_id
from quarterdeck.telemetry.query.latency import milliseconds
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Grid, Window, run


class CallCourse(BaseModel):
    rate: list[float | None] = Field(description="Calls a second; null where not yet counted.")
    errors: list[float | None] = Field(description="Share of calls that failed, 0 to 1.")
    p95: list[float | None] = Field(description="Milliseconds.")

    @classmethod
    def empty(cls, grid: Grid) -> "CallCourse":
        nothing: list[float | None] = [None] * grid.size
        return cls(rate=nothing, errors=nothing, p95=nothing)


def courses(
    engine: Engine, window: Window, grid: Grid, service: str
) -> dict[tuple[str, str], CallCourse]:
    """The course of every pair of a service, by the ids of its two nodes."""
    asked = Asked()
    name = asked.bind(service)
    asked.add(
        f"(source_kind = 'service' AND source = {name}) OR (target_kind = 'service' AND target = {name})"
    )
    found: dict[tuple[str, str], dict[int, tuple[int, int, float]]] = {}
    for from_kind, source, to_kind, target, system, step, *point in _rows(
        engine, window, grid, asked, "source_kind, source, target_kind, target, system, "
    ):
        key = (node_id(from_kind, system, source), node_id(to_kind, system, target))
        found.setdefault(key, {})[int(step)] = (point[0], point[1], point[2])
    until = counted_ms(engine)
    return {key: _course(points, window, grid, until) for key, points in found.items()}


def course(
    engine: Engine, window: Window, grid: Grid, source: End | None, target: End | None
) -> CallCourse:
    """The course of the calls from one node, to one node, or between the two."""
    points = {
        int(step): (calls, errors, bucket)
        for step, calls, errors, bucket in _rows(engine, window, grid, _between(source, target), "")
    }
    return _course(points, window, grid, counted_ms(engine))


def address(engine: Engine, window: Window, source: End | None, target: End | None) -> str:
    """The address that most calls between two services go to."""
    asked = _between(source, target)
    sql = f"""
        SELECT address FROM {newest(window)} WHERE address != ''{asked.sql}
        GROUP BY address ORDER BY sum(calls) DESC, address LIMIT 1"""
    rows = run(engine, "edge_address", sql, window, asked).rows
    return str(rows[0][0]) if rows else ""


def _between(source: End | None, target: End | None) -> Asked:
    asked = Asked()
    for side, end in (("source", source), ("target", target)):
        if end is None:
            continue
        kind, system, name = end
        asked.add(f"{side}_kind = {asked.bind(kind)} AND {side} = {asked.bind(name)}")
        if kind in ("database", "queue"):
            asked.add(f"system = {asked.bind(system)}")
    return asked


def _rows(engine: Engine, window: Window, grid: Grid, asked: Asked, by: str) -> list[list[Any]]:
    shown = "toString(source_kind), source, toString(target_kind), target, system, " if by else ""
    sql = f"""
        SELECT {shown}{grid.index("minute")} AS step, sum(calls), sum(errors), quantileExactWeighted(0.95)(bucket, calls)
        FROM {newest(window)} WHERE 1{asked.sql} GROUP BY {by}step LIMIT 100000"""
    return run(engine, "edges_course", sql, window, asked).rows


def _course(
    points: dict[int, tuple[int, int, float]], window: Window, grid: Grid, until_ms: int
) -> CallCourse:
    known = until_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS if until_ms else window.end_ms
    size = max(0, min(grid.size, -(-(known - grid.start_ms) // grid.step_ms)))
    rate: list[float | None] = []
    errors: list[float | None] = []
    p95: list[float | None] = []
    for i in range(grid.size):
        calls, failed, bucket = points.get(i, (0, 0, 0.0))
        seconds = grid.seconds(window.until(known) if known < window.end_ms else window, i)
        rate.append(calls / max(seconds, 1) if i < size else None)
        errors.append(failed / calls if calls else None)
        p95.append(milliseconds(bucket) if calls else None)
    return CallCourse(rate=rate, errors=errors, p95=p95)
