"""Every service of a project at a glance: rate, errors, durations, and their course."""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.latency import latency, least_step_ms
from quarterdeck.telemetry.query.window import Grid, Window, grid_of, run


class ServiceRow(BaseModel):
    service: str
    release: str = Field(description="The release seen last.")
    rate: float = Field(description="Requests a second.")
    rate_points: list[float]
    error_rate: float = Field(description="Share of requests that failed, 0 to 1.")
    error_points: list[float | None]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    p95_points: list[float | None]
    last_seen: int = Field(description="Milliseconds since 1970.")


class Before(BaseModel):
    rate: float
    error_rate: float
    p95_ms: float | None
    logs: int


class Totals(BaseModel):
    rate: float
    error_rate: float
    p95_ms: float | None
    spans: int
    logs: int
    rate_points: list[float]
    error_points: list[float | None]
    p95_points: list[float | None]
    log_points: list[int]
    previous: Before | None = Field(
        description="The period before; null when it has no data for most of it."
    )


class Overview(BaseModel):
    services: list[ServiceRow]
    totals: Totals
    start_ms: int
    step_ms: int


def overview(engine: Engine, window: Window) -> Overview:
    grid = grid_of(window, 60, least_step_ms(window))
    red = _red(engine, window, grid)
    quantiles = latency(engine, window, grid)
    spans, logs = _counts(engine, window, grid)
    services = []
    for name in sorted({service for service, _ in red if service is not None}):
        total = red[name, None]
        p50, p95, p99 = quantiles.get((name, None), (None, None, None))
        rate, errors, p95s = _points(red, quantiles, name, window, grid)
        services.append(
            ServiceRow(
                service=name,
                release=total["release"],
                rate=total["spans"] / window.seconds,
                rate_points=rate,
                error_rate=total["errors"] / max(total["spans"], 1),
                error_points=errors,
                p50_ms=p50,
                p95_ms=p95,
                p99_ms=p99,
                p95_points=p95s,
                last_seen=total["last"] * 1000,
            )
        )
    whole = red.get((None, None)) or {"spans": 0, "errors": 0}
    rate, errors, p95s = _points(red, quantiles, None, window, grid)
    totals = Totals(
        rate=whole["spans"] / window.seconds,
        error_rate=whole["errors"] / max(whole["spans"], 1),
        p95_ms=quantiles[None, None][1] if (None, None) in quantiles and whole["spans"] else None,
        spans=spans,
        logs=sum(logs.values()),
        rate_points=rate,
        error_points=errors,
        p95_points=p95s,
        log_points=grid.place(logs, 0),
        previous=_before(engine, window.previous),
    )
    return Overview(services=services, totals=totals, start_ms=grid.start_ms, step_ms=grid.step_ms)


Red = dict[tuple[str | None, int | None], dict[str, Any]]


def _red(engine: Engine, window: Window, grid: Grid) -> Red:
    """Requests and errors by (service, step); None stands for all of them."""
    sql = f"""
        SELECT service, {grid.index("minute")} AS step, grouping(service) AS every_service, grouping(step) AS every_step,
            sum(spans) AS count, sum(errors) AS failed, argMax(release, minute) AS newest, toUnixTimestamp(max(minute)) AS last
        FROM red_1m WHERE {window.where_rolled()} AND entry
        GROUP BY GROUPING SETS ((service, step), (service), (step), ())"""
    found: Red = {}
    for name, step, every_service, every_step, count, failed, newest, last in run(
        engine, "overview", sql, window
    ).rows:
        key = (None if every_service else name, None if every_step else int(step))
        found[key] = {"spans": count, "errors": failed, "release": newest, "last": last}
    return found


def _points(
    red: Red, quantiles: dict[Any, Any], service: str | None, window: Window, grid: Grid
) -> tuple[list[float], list[float | None], list[float | None]]:
    """Rate, share of errors and p95 at every step."""
    rates: list[float] = []
    errors: list[float | None] = []
    p95s: list[float | None] = []
    for i in range(grid.size):
        point = red.get((service, i))
        spans = point["spans"] if point else 0
        rates.append(spans / grid.seconds(window, i))
        errors.append(point["errors"] / spans if point and spans else None)
        p95s.append(quantiles[service, i][1] if (service, i) in quantiles else None)
    return rates, errors, p95s


def _counts(engine: Engine, window: Window, grid: Grid) -> tuple[int, dict[int, int]]:
    """All spans, and log records by step."""
    spans = run(
        engine,
        "overview_spans",
        f"SELECT sum(spans) FROM red_1m WHERE {window.where_rolled()}",
        window,
    ).rows[0][0]
    logs = run(
        engine,
        "overview_logs",
        f"SELECT {grid.index('minute')} AS step, sum(records) FROM logs_1m WHERE {window.where_rolled()} GROUP BY step",
        window,
    ).rows
    return int(spans), {int(step): int(count) for step, count in logs}


def _before(engine: Engine, window: Window) -> Before | None:
    """None also when the data began within the period: half an hour is no measure for an hour."""
    sql = f"""
        SELECT sum(spans), sum(errors), toUnixTimestamp(min(minute)) * 1000
        FROM red_1m WHERE {window.where_rolled()} AND entry"""
    spans, errors, first_ms = run(engine, "overview_before", sql, window).rows[0]
    logs = run(
        engine,
        "overview_logs_before",
        f"SELECT sum(records) FROM logs_1m WHERE {window.where_rolled()}",
        window,
    ).rows[0][0]
    late = first_ms - window.start_ms > (window.end_ms - window.start_ms) // 10
    if (not spans and not logs) or (spans and late):
        return None
    grid = Grid(window.start_ms, window.end_ms - window.start_ms, 1)
    quantiles = latency(engine, window, grid)
    return Before(
        rate=spans / window.seconds,
        error_rate=errors / max(spans, 1),
        p95_ms=quantiles[None, None][1] if spans and (None, None) in quantiles else None,
        logs=logs,
    )
