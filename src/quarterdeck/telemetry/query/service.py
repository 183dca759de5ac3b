"""One service: its course, its operations, its releases and its slowest requests."""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.latency import latency, least_step_ms
from quarterdeck.telemetry.query.operations import Operation, operations
from quarterdeck.telemetry.query.slowest import SlowSpan, slowest
from quarterdeck.telemetry.query.window import Asked, Grid, Window, grid_of, run


class Release(BaseModel):
    release: str
    first_seen: int
    last_seen: int


class Course(BaseModel):
    start_ms: int
    step_ms: int
    rate: list[float] = Field(description="Requests a second.")
    errors: list[float | None] = Field(description="Share of requests that failed, 0 to 1.")
    p50: list[float | None] = Field(description="Milliseconds.")
    p95: list[float | None]
    p99: list[float | None]


class Total(BaseModel):
    """The whole range in figures: a line's last point says nothing about it."""

    rate: float = Field(description="Requests a second.")
    error_rate: float = Field(description="Share of requests that failed, 0 to 1.")
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Service(BaseModel):
    service: str
    releases: list[Release]
    total: Total
    series: Course
    operations: list[Operation]
    slowest: list[SlowSpan]


def service(engine: Engine, window: Window, name: str) -> Service:
    grid = grid_of(window, 90, least_step_ms(window))
    total, series = _course(engine, window, grid, name)
    return Service(
        service=name,
        releases=_releases(engine, window, name),
        total=total,
        series=series,
        operations=operations(engine, window, name),
        slowest=slowest(engine, window, service=name),
    )


def _releases(engine: Engine, window: Window, name: str) -> list[Release]:
    asked = Asked()
    asked.add(f"service = {asked.bind(name)} AND release != ''")
    sql = f"""
        SELECT release, toUnixTimestamp(min(minute)) * 1000 AS first, toUnixTimestamp(max(minute)) * 1000 AS last
        FROM red_1m WHERE {window.where_rolled()}{asked.sql}
        GROUP BY release ORDER BY last DESC, first DESC LIMIT 20"""
    return [
        Release(release=release, first_seen=first, last_seen=last)
        for release, first, last in run(engine, "service_releases", sql, window, asked).rows
    ]


def _course(engine: Engine, window: Window, grid: Grid, name: str) -> tuple[Total, Course]:
    asked = Asked()
    asked.add(f"service = {asked.bind(name)} AND entry")
    sql = f"""
        SELECT {grid.index("minute")} AS step, sum(spans), sum(errors)
        FROM red_1m WHERE {window.where_rolled()}{asked.sql} GROUP BY step"""
    found = {
        int(step): (spans, errors)
        for step, spans, errors in run(engine, "service_course", sql, window, asked).rows
    }
    quantiles = latency(engine, window, grid, name)
    points = [quantiles.get((name, i), (None, None, None)) for i in range(grid.size)]
    spans = sum(each for each, _ in found.values())
    p50, p95, p99 = quantiles.get((name, None), (None, None, None))
    total = Total(
        rate=spans / window.seconds,
        error_rate=sum(each for _, each in found.values()) / max(spans, 1),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )
    course = Course(
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        rate=[found.get(i, (0, 0))[0] / grid.seconds(window, i) for i in range(grid.size)],
        errors=[
            found[i][1] / found[i][0] if i in found and found[i][0] else None
            for i in range(grid.size)
        ],
        p50=[p[0] for p in points],
        p95=[p[1] for p in points],
        p99=[p[2] for p in points],
    )
    return total, course
