"""Where time goes: operations by the time they spend themselves, and those that became slower.

Self time comes from a roll-up of sampled traces (telemetry/self_time.py), which lags two minutes
behind; counts and durations are exact.
"""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.operations import KIND
from quarterdeck.telemetry.query.slower import Slower, slower
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Window, grid_of, run

MOST = 100


class Bottleneck(BaseModel):
    service: str
    name: str
    kind: str
    spans: int
    self_ms: float = Field(description="Time spent itself, children left out, altogether.")
    share: float = Field(description="Its part of the self time of everything, 0 to 1.")
    mean_self_ms: float
    mean_ms: float = Field(description="Mean duration, children included.")
    before: float | None = Field(
        description="Mean self time in the period before, in milliseconds; null when it was not there."
    )
    points: list[float] = Field(description="Self time by step, in seconds a second.")


class Bottlenecks(BaseModel):
    start_ms: int
    step_ms: int
    total_self_ms: float
    items: list[Bottleneck] = Field(description="The most self time first, at most 100.")
    slower: list[Slower] = Field(description="What became slower within the range, by impact.")


def bottlenecks(engine: Engine, window: Window, service: str = "") -> Bottlenecks:
    grid = grid_of(window, 40, MINUTE_MS)
    rows = _totals(engine, window, service)
    before = {tuple(row[:3]): row for row in _totals(engine, window.previous, service)}
    total = sum(row[5] for row in rows)
    shown = rows[:MOST]
    points = _points(engine, window, service, grid.index("minute"), shown)
    seconds = grid.step_ms / 1000
    items = []
    for row in shown:
        name, operation, kind, spans, duration, own = row
        earlier = before.get((name, operation, kind))
        course = points.get((name, operation, kind), {})
        items.append(
            Bottleneck(
                service=name,
                name=operation,
                kind=kind,
                spans=spans,
                self_ms=own / 1e6,
                share=own / total if total > 0 else 0.0,
                mean_self_ms=own / max(spans, 1) / 1e6,
                mean_ms=duration / max(spans, 1) / 1e6,
                before=earlier[5] / max(earlier[3], 1) / 1e6 if earlier else None,
                points=[value / 1e9 / seconds for value in grid.place(course, 0)],
            )
        )
    return Bottlenecks(
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        total_self_ms=total / 1e6,
        items=items,
        slower=slower(engine, window, service),
    )


def _newest(window: Window) -> str:
    """SQL: the rows of the newest version of each minute."""
    return f"""(
        SELECT * FROM self_1m WHERE {window.where_rolled()} AND (minute, version) IN (
            SELECT minute, max(version) FROM self_1m WHERE {window.where_rolled()} GROUP BY minute)
    )"""


def _totals(engine: Engine, window: Window, service: str) -> list[list[Any]]:
    asked = Asked()
    if service:
        asked.add(f"service = {asked.bind(service)}")
    sql = f"""
        SELECT service, name, {KIND} AS kind_name, sum(spans), sum(total_ns), sum(self_ns) AS own
        FROM {_newest(window)} WHERE 1{asked.sql}
        GROUP BY service, name, kind ORDER BY own DESC LIMIT 5000"""
    return run(engine, "bottlenecks", sql, window, asked).rows


def _points(
    engine: Engine, window: Window, service: str, step: str, shown: list[list[Any]]
) -> dict[tuple[str, str, str], dict[int, int]]:
    if not shown:
        return {}
    asked = Asked()
    asked.add(f"name IN {asked.bind(sorted({row[1] for row in shown}), 'Array(String)')}")
    if service:
        asked.add(f"service = {asked.bind(service)}")
    sql = f"""
        SELECT service, name, {KIND} AS kind_name, {step} AS step, sum(self_ns)
        FROM {_newest(window)} WHERE 1{asked.sql} GROUP BY service, name, kind, step"""
    found: dict[tuple[str, str, str], dict[int, int]] = {}
    for name, operation, kind, at, own in run(engine, "bottleneck_points", sql, window, asked).rows:
        found.setdefault((name, operation, kind), {})[int(at)] = own
    return found
