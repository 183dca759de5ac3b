"""How long spans took, over time: exact counts by time and by duration, and their quantiles.

Durations stand in rows of equal ratio, as the rollups have them (schema/0010): eight to a
doubling, or fewer where they reach far.
"""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.latency import milliseconds
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Window, grid_of, run

COLUMNS = 120
_ROWS = 44
_FEW = 14
_A_DOUBLING = 8
_LEAST = 79  # the bucket of one microsecond: what is shorter counts there
BUCKET = "toUInt16(floor(log2(greatest(duration_ns, 1)) * 8))"


class Durations(BaseModel):
    start_ms: int
    step_ms: int
    columns: int
    edges_ms: list[float] = Field(description="Where the rows begin, and where the last one ends.")
    column: list[int] = Field(description="With `row`, `ok` and `error`: the cells that hold any.")
    row: list[int]
    ok: list[int]
    error: list[int]
    count: int
    errors: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


def durations(engine: Engine, window: Window, wanted: Filter) -> Durations:
    asked = wanted.conditions()
    grid = grid_of(window, COLUMNS)
    sql = f"""
        SELECT {grid.index("time")} AS step, greatest({BUCKET}, {_LEAST}) AS bucket, count(), countIf(status = 'error')
        FROM spans WHERE {window.where()}{asked.sql} GROUP BY step, bucket"""
    found = run(engine, "span_durations", sql, window, asked).rows
    buckets = [row[1] for row in found]
    low, high = min(buckets, default=_LEAST), max(buckets, default=_LEAST)
    wide = next(w for w in (1, 2, 4, 8, 16, 32) if (high // w - low // w) < _ROWS or w == 32)
    first, last = low // wide, high // wide
    if (few := _FEW - (last - first)) > 0:  # what is all alike is not a matter of hairbreadths
        first, last = max(_LEAST // wide, first - few // 2), last + few // 2
    cells: dict[tuple[int, int], list[int]] = {}
    spans: dict[int, int] = {}
    for step, bucket, count, errors in found:
        cell = cells.setdefault((int(step), bucket // wide - first), [0, 0])
        cell[0] += count - errors
        cell[1] += errors
        spans[bucket] = spans.get(bucket, 0) + count
    p50, p95, p99 = (_quantile(spans, share) for share in (0.5, 0.95, 0.99))
    places = sorted(cells)
    return Durations(
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        columns=grid.size,
        edges_ms=[
            2.0 ** (row * wide / _A_DOUBLING) / 1e6 for row in range(first, last + 2)
        ],
        column=[column for column, _ in places],
        row=[row for _, row in places],
        ok=[cells[place][0] for place in places],
        error=[cells[place][1] for place in places],
        count=sum(spans.values()),
        errors=sum(errors for *_, errors in found),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )  # fmt: skip


def _quantile(spans: dict[int, int], share: float) -> float | None:
    reach = sum(spans.values()) * share
    for bucket in sorted(spans):
        reach -= spans[bucket]
        if reach <= 0:
            return milliseconds(bucket)
    return None
