"""Quantiles of request durations from the rollup of buckets (schema/0010)."""

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Grid, Window, run

_LONG_MS = 6 * 3_600_000

Quantiles = tuple[float, float, float]
"""p50, p95 and p99 in milliseconds."""


def least_step_ms(window: Window) -> int:
    """The finest step that the rollups have for a range of this length."""
    return 15 * MINUTE_MS if window.end_ms - window.start_ms > _LONG_MS else MINUTE_MS


def latency(
    engine: Engine, window: Window, grid: Grid, service: str = ""
) -> dict[tuple[str | None, int | None], Quantiles]:
    """Quantiles by (service, step); None stands for all of them."""
    table, time = ("latency_1m", "minute")
    if least_step_ms(window) > MINUTE_MS:
        table, time = "latency_15m", "quarter"
    asked = Asked()
    if service:
        asked.add(f"service = {asked.bind(service)}")
    sql = f"""
        SELECT service, {grid.index(time)} AS step, grouping(service) AS every_service, grouping(step) AS every_step,
            quantilesExactWeighted(0.5, 0.95, 0.99)(bucket, spans) AS buckets
        FROM {table} WHERE {window.where_rolled(time)}{asked.sql}
        GROUP BY GROUPING SETS ((service, step), (service), (step), ())"""
    found: dict[tuple[str | None, int | None], Quantiles] = {}
    for name, step, every_service, every_step, buckets in run(
        engine, "latency", sql, window, asked
    ).rows:
        key = (None if every_service else name, None if every_step else int(step))
        p50, p95, p99 = (milliseconds(bucket) for bucket in buckets)
        found[key] = (p50, p95, p99)
    return found


def milliseconds(bucket: float) -> float:
    """The middle of a bucket."""
    return float(2.0 ** ((float(bucket) + 0.5) / 8) / 1e6)
