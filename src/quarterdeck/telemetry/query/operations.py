"""What a service is asked to do: each operation with its rate, errors, durations and share.

Counts come from the rollup and are exact. Quantiles come from the spans themselves; where
a range holds more than a few million of them, from slices spread evenly over it.
"""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.latency import milliseconds
from quarterdeck.telemetry.query.window import Asked, Window, run
from quarterdeck.telemetry.search.fields import ENTRY

MOST_SPANS = 2_000_000
_SLICES = 24
_MOST = 200


class Operation(BaseModel):
    name: str
    kind: str
    rate: float = Field(description="A second.")
    error_rate: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    total_ms: float = Field(description="Time spent in it altogether.")
    share: float = Field(description="Its part of the time of all operations, 0 to 1.")


def operations(engine: Engine, window: Window, service: str) -> list[Operation]:
    """The operations that take the most time, at most 200."""
    asked = Asked()
    asked.add(f"service = {asked.bind(service)} AND entry")
    sql = f"""
        SELECT name, {KIND} AS kind_name, sum(spans) AS count, sum(errors), sum(total_ns) AS total
        FROM red_1m WHERE {window.where_rolled()}{asked.sql}
        GROUP BY name, kind ORDER BY total DESC LIMIT {_MOST}"""
    rows = run(engine, "operations", sql, window, asked).rows
    quantiles = _quantiles(engine, window, service, sum(row[2] for row in rows))
    all_ns = sum(max(row[4], 0) for row in rows) or 1
    found = []
    for name, kind, count, errors, total in rows:
        p50, p95, p99 = quantiles.get((name, kind), (None, None, None))
        found.append(
            Operation(
                name=name,
                kind=kind,
                rate=count / window.seconds,
                error_rate=errors / max(count, 1),
                p50_ms=p50,
                p95_ms=p95,
                p99_ms=p99,
                total_ms=total / 1e6,
                share=max(total, 0) / all_ns,
            )
        )
    return found


KIND = "['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'][kind + 1]"


def _quantiles(
    engine: Engine, window: Window, service: str, spans: int
) -> dict[tuple[str, str], tuple[float, float, float]]:
    asked = Asked()
    asked.add(f"service = {asked.bind(service)}")
    asked.add(ENTRY)
    if spans > MOST_SPANS:
        asked.add(_slices(window, spans))
    sql = f"""
        SELECT name, toString(kind) AS kind_name,
            quantilesExactWeighted(0.5, 0.95, 0.99)(toUInt16(floor(log2(greatest(duration_ns, 1)) * 8)), 1) AS buckets
        FROM spans WHERE {window.where()}{asked.sql} GROUP BY name, kind ORDER BY count() DESC LIMIT {_MOST * 2}"""
    found = {}
    for name, kind, buckets in run(engine, "operation_quantiles", sql, window, asked).rows:
        p50, p95, p99 = (milliseconds(bucket) for bucket in buckets)
        found[name, kind] = (p50, p95, p99)
    return found


def _slices(window: Window, spans: int) -> str:
    """Parts of the range that hold about as many spans as we care to read."""
    every = (window.end_ms - window.start_ms) // _SLICES
    width = max(1, int(every * MOST_SPANS / spans))
    parts = []
    for i in range(_SLICES):
        start = (window.start_ms + i * every) * 1_000_000
        parts.append(
            f"time >= fromUnixTimestamp64Nano({start}) AND time < fromUnixTimestamp64Nano({start + width * 1_000_000})"
        )
    return " OR ".join(f"({part})" for part in parts)
