"""The health of a project's data: what arrives, what was refused and why, clocks, late data.

Arrivals come from the roll-ups and count items by the time in which they happened. Clocks and
lateness are judged by the newest items of a range, a sample where there are many.
"""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.ingest.outcome import EXPLAIN, Reason
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Window, grid_of, run

SAMPLE = 200_000
LATE_SECONDS = 300
AHEAD_SECONDS = 5
_MOST = 200


class Arrival(BaseModel):
    signal: str = Field(description="traces, logs or metrics.")
    service: str
    environment: str
    items: int = Field(description="Of metrics: series that were heard of.")
    last_ms: int
    points: list[int] = Field(description="By step; empty for metrics.")


class Arrivals(BaseModel):
    start_ms: int
    step_ms: int
    items: list[Arrival]


class Refusal(BaseModel):
    signal: str
    reason: str
    explanation: str
    items: int
    requests: int
    last_ms: int
    sample: str = Field(description="The beginning of one of them.")


class Clock(BaseModel):
    signal: str
    service: str
    items: int
    delay_p50_ms: float = Field(description="From happening to arriving.")
    delay_p99_ms: float
    skew_ms: float = Field(
        description="How far its clock seems to be ahead of ours: the lead of the earliest hundredth, 0 when it is behind."
    )
    late_share: float = Field(description="Arrived more than five minutes after they happened.")
    ahead_share: float = Field(description="Happened more than five seconds after they arrived.")


def arrivals(engine: Engine, window: Window) -> Arrivals:
    grid = grid_of(window, 40, MINUTE_MS)
    found = [
        *_arrived(engine, window, "traces", "red_1m", "spans", grid.index("minute")),
        *_arrived(engine, window, "logs", "logs_1m", "records", grid.index("minute")),
    ]
    items = [
        Arrival(
            signal=signal, service=service, environment=environment, items=count, last_ms=last,
            points=grid.place({int(step): n for step, n in points}, 0),
        )
        for signal, service, environment, count, last, points in found
    ]  # fmt: skip
    return Arrivals(
        start_ms=grid.start_ms, step_ms=grid.step_ms, items=items + _series(engine, window)
    )


def _arrived(
    engine: Engine, window: Window, signal: str, table: str, column: str, step: str
) -> list[list[Any]]:
    sql = f"""
        SELECT '{signal}', service, environment, sum(n) AS count, toUnixTimestamp(max(newest)) * 1000,
            groupArray((step, n))
        FROM (
            SELECT service, environment, {step} AS step, sum({column}) AS n, max(minute) AS newest
            FROM {table} WHERE {window.where_rolled()} GROUP BY service, environment, step
        ) GROUP BY service, environment ORDER BY count DESC LIMIT {_MOST}"""
    return run(engine, f"health_{signal}", sql, window).rows


def _series(engine: Engine, window: Window) -> list[Arrival]:
    environment = " AND environment = {environment:String}" if window.environment else ""
    sql = f"""
        SELECT service, environment, uniqExact(series_id) AS count, toUnixTimestamp(max(last_seen)) * 1000
        FROM series WHERE project = {{project:UInt32}}
            AND day >= toDate(fromUnixTimestamp64Milli({{from_ms:Int64}})) AND day <= toDate(fromUnixTimestamp64Milli({{to_ms:Int64}}))
            AND last_seen >= fromUnixTimestamp64Milli({{from_ms:Int64}}){environment}
        GROUP BY service, environment ORDER BY count DESC LIMIT {_MOST}"""
    return [
        Arrival(
            signal="metrics", service=row[0], environment=row[1], items=row[2], last_ms=row[3], points=[]
        )
        for row in run(engine, "health_metrics", sql, window).rows
    ]  # fmt: skip


def refusals(engine: Engine, window: Window) -> list[Refusal]:
    """What single items were refused for, the most frequent first."""
    # What nests comes twice: first as `complex`, which is no refusal, then under an odd number,
    # of which only what is too large is new (schema/0001).
    sql = """
        SELECT signal, reason, sum(items) AS count, uniqExact(batch, request), toUnixTimestamp64Milli(max(time)), argMax(sample, time)
        FROM rejects WHERE project = {project:UInt32}
            AND time >= fromUnixTimestamp64Milli({from_ms:Int64}) AND time < fromUnixTimestamp64Milli({to_ms:Int64})
            AND reason != 'complex' AND (batch % 2 = 0 OR reason = 'value_too_large')
        GROUP BY signal, reason ORDER BY count DESC"""
    return [
        Refusal(
            signal=signal, reason=reason, explanation=explain(reason), items=items, requests=requests,
            last_ms=last, sample=sample,
        )
        for signal, reason, items, requests, last, sample in run(engine, "health_refusals", sql, window).rows
    ]  # fmt: skip


def explain(reason: str) -> str:
    """A reason in words, empty where its name says it."""
    return EXPLAIN.get(Reason(reason), "") if reason in set(Reason) else ""


def clocks(engine: Engine, window: Window) -> list[Clock]:
    """How the clocks of services go, and what comes late, the worst first."""
    found = []
    for signal, table, ended in (
        ("traces", "spans", "toUnixTimestamp64Nano(time) + greatest(duration_ns, 0)"),
        ("logs", "logs", "toUnixTimestamp64Nano(time)"),
    ):
        sql = f"""
            SELECT service, count() AS items, quantiles(0.01, 0.5, 0.99)(delay),
                countIf(delay > {LATE_SECONDS * 1000}) / items, countIf(delay < -{AHEAD_SECONDS * 1000}) / items
            FROM (
                SELECT service, (toUnixTimestamp64Milli(received) * 1000000 - ({ended})) / 1e6 AS delay
                FROM {table} WHERE {window.where()} ORDER BY time DESC LIMIT {SAMPLE}
            ) GROUP BY service ORDER BY items DESC LIMIT {_MOST}"""
        for service, items, delays, late, ahead in run(
            engine, f"health_clocks_{signal}", sql, window, Asked()
        ).rows:
            least, middle, most = map(float, delays)
            found.append(
                Clock(
                    signal=signal, service=service, items=items, delay_p50_ms=middle, delay_p99_ms=most,
                    skew_ms=max(0.0, -least), late_share=late, ahead_share=ahead,
                )
            )  # fmt: skip
    return sorted(found, key=lambda each: (-each.ahead_share, -each.late_share, -each.items))
