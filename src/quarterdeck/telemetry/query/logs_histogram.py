"""Log records by time and severity: how the search of the logs page is spread."""

from pydantic import BaseModel

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.logs import condition
from quarterdeck.telemetry.query.search_sql import LEVELS
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Grid, Window, grid_of, run


class SeverityCounts(BaseModel):
    severity: str
    counts: list[int]


class LogHistogram(BaseModel):
    start_ms: int
    step_ms: int
    series: list[SeverityCounts]
    total: int


def logs_histogram(
    engine: Engine,
    window: Window,
    *,
    q: str = "",
    service: str = "",
    severity: str = "",
    trace_id: str = "",
) -> LogHistogram:
    grid = grid_of(window, 80)
    asked = Asked()
    condition(asked, q=q, service=service, severity=severity, trace_id=trace_id)
    plain = not q.strip() and not trace_id and not severity
    if plain and grid.step_ms >= MINUTE_MS and _whole_minutes(window):
        rows = _rolled(engine, window, grid, asked)
    else:
        rows = _counted(engine, window, grid, asked)
    counts: dict[int, dict[int, int]] = {}
    for step, level, count in rows:
        counts.setdefault(level, {})[step] = count
    return LogHistogram(
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        series=[
            SeverityCounts(severity=LEVELS[level], counts=grid.place(points, 0))
            for level, points in sorted(counts.items())
        ],
        total=sum(sum(points.values()) for points in counts.values()),
    )


def _whole_minutes(window: Window) -> bool:
    """Whether a minute that is cut by the edge of the range hardly shows."""
    return window.end_ms - window.start_ms >= 60 * MINUTE_MS


def _rolled(engine: Engine, window: Window, grid: Grid, asked: Asked) -> list[tuple[int, int, int]]:
    sql = f"""
        SELECT {grid.index("minute")} AS step, severity, sum(records) FROM logs_1m
        WHERE {window.where_rolled()}{asked.sql} GROUP BY step, severity"""
    return _rows(run(engine, "logs_histogram_rolled", sql, window, asked).rows)


def _counted(
    engine: Engine, window: Window, grid: Grid, asked: Asked
) -> list[tuple[int, int, int]]:
    sql = f"""
        SELECT {grid.index("time")} AS step, intDiv(toUInt8(severity_number) + 3, 4) AS level, count() FROM logs
        WHERE {window.where()}{asked.sql} GROUP BY step, level"""
    return _rows(run(engine, "logs_histogram", sql, window, asked).rows)


def _rows(rows: list[list[int]]) -> list[tuple[int, int, int]]:
    return [(int(step), int(level), int(count)) for step, level, count in rows]
