"""What one field of the records of a search holds: how often, which values, which numbers, and when.

Of very many records a part is looked at: stretches of seconds drawn by their hash, spread over
the whole range, the same each time. Counts are scaled up then, and the answer says so.
"""

import math

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.log_fields import text_of
from quarterdeck.telemetry.query.logs import condition
from quarterdeck.telemetry.query.window import Asked, Grid, Window, grid_of, run

MOST_RECORDS = 400_000  # that are looked at
MOST_VALUES = 20
DRAWN = 5  # values that are shown over time
BUCKETS = 24
_STRETCHES = 5_000  # of the range, of which some are drawn
_CUT = 300  # characters of a value
_WIDE = 1_000  # times the least is the greatest: numbers are spread by their size


class FieldValue(BaseModel):
    value: str
    count: int
    share: float = Field(description="Of the records that have the field, 0 to 1.")
    trend: list[int] = Field(
        description="In each step of the range; of the first few values alone."
    )


class Bucket(BaseModel):
    start: float
    end: float
    count: int


class Numbers(BaseModel):
    count: int = Field(description="Values that are numbers.")
    min: float
    max: float
    avg: float
    p50: float
    p95: float
    buckets: list[Bucket]


class FieldStats(BaseModel):
    field: str
    records: int = Field(description="That meet the search.")
    present: int = Field(description="Of these, how many have the field.")
    distinct: int = Field(description="Different values; of very many about how many.")
    values: list[FieldValue]
    numbers: Numbers | None = Field(description="When nearly all values are numbers.")
    start_ms: int
    step_ms: int
    rest: list[int] = Field(description="Records with any other value, in each step.")
    looked_at: int = Field(description="Records that were looked at; counts are scaled up.")


def log_field(
    engine: Engine,
    window: Window,
    field: str,
    *,
    q: str = "",
    service: str = "",
    severity: str = "",
    trace_id: str = "",
) -> FieldStats:
    asked = Asked()
    condition(asked, q=q, service=service, severity=severity, trace_id=trace_id)
    text = text_of(asked, field)
    where = f"{window.where()}{asked.sql}"
    counted = f"SELECT count() FROM logs WHERE {where}"
    records = int(run(engine, "log_field_records", counted, window, asked).rows[0][0])
    every = -(-records // MOST_RECORDS) or 1
    if every > 1:
        stretch = max(1, int(window.seconds) // _STRETCHES)
        where += f" AND cityHash64(intDiv(toUnixTimestamp(time), {stretch})) % {every} = 0"
    grid = grid_of(window, 40)
    rows = f"(SELECT {text} AS value, {grid.index('time')} AS step FROM logs WHERE {where})"
    sql = f"""
        SELECT count(), countIf(value != ''), uniqIf(value, value != ''), sumMapIf([step], [1], value != ''),
            count(number) AS numbers, min(number), max(number), avg(number), quantiles(0.5, 0.95)(number)
        FROM (SELECT *, if(isFinite(toFloat64OrNull(value)), toFloat64OrNull(value), NULL) AS number FROM {rows})"""
    looked_at, present, distinct, steps, numbers, least, most, mean, middle = run(engine, "log_field", sql, window, asked).rows[0]  # fmt: skip
    sql = f"""
        SELECT leftUTF8(value, {_CUT}) AS shown, count() AS items, sumMap([step], [1]) FROM {rows}
        WHERE value != '' GROUP BY shown ORDER BY items DESC, shown LIMIT {MOST_VALUES}"""
    found = run(engine, "log_field_values", sql, window, asked).rows
    scale = records / looked_at if looked_at else 1.0
    values = [
        FieldValue(
            value=value,
            count=round(count * scale),
            share=count / present,
            trend=_trend(grid, at, scale) if place < DRAWN else [],
        )
        for place, (value, count, at) in enumerate(found)
    ]
    all = _trend(grid, steps, scale)
    drawn = [value.trend for value in values[:DRAWN]]
    return FieldStats(
        field=field,
        records=records,
        present=round(present * scale),
        distinct=distinct,
        values=values,
        numbers=Numbers(
            count=round(numbers * scale),
            min=least,
            max=most,
            avg=mean,
            p50=middle[0],
            p95=middle[1],
            buckets=_buckets(engine, window, asked, rows, least, most, scale),
        )
        if numbers and numbers >= 0.9 * present
        else None,
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        rest=[max(0, n - sum(each[i] for each in drawn)) for i, n in enumerate(all)],
        looked_at=looked_at,
    )


def _trend(grid: Grid, steps: tuple[list[int], list[int]], scale: float) -> list[int]:
    counts = dict(zip(*steps, strict=True))
    return [round(count * scale) for count in grid.place(counts, 0)]


def _buckets(
    engine: Engine, window: Window, asked: Asked, rows: str, least: float, most: float, scale: float
) -> list[Bucket]:
    """Equal steps from the least number to the greatest; equal factors when they lie far apart."""
    if most <= least:
        return []
    by_size = least > 0 and most / least > _WIDE
    low, high = (math.log(least), math.log(most)) if by_size else (least, most)
    width = (high - low) / BUCKETS
    place = "log(toFloat64OrNull(value))" if by_size else "toFloat64OrNull(value)"
    bounds = f"{asked.bind(low, 'Float64')}) / {asked.bind(width, 'Float64')}"
    sql = f"""
        SELECT greatest(0, least({BUCKETS - 1}, toInt32(floor(({place} - {bounds})))) AS bucket, count() FROM {rows}
        WHERE isFinite(toFloat64OrNull(value)) GROUP BY bucket"""
    found = dict(run(engine, "log_field_buckets", sql, window, asked).rows)
    edges = [low + i * width for i in range(BUCKETS + 1)]
    if by_size:
        edges = [math.exp(edge) for edge in edges]
    return [
        Bucket(start=edges[i], end=edges[i + 1], count=round(found.get(i, 0) * scale))
        for i in range(BUCKETS)
    ]
