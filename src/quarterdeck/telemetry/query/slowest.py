"""The slowest requests of a range, without looking at all of them.

The rollup knows the slowest of every minute, service and operation. The n slowest spans
lie in the n groups whose slowest is slowest, so only those minutes are read, and in them
only what is at least as slow as the last of these groups' slowest.
"""

from pydantic import BaseModel

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import hex_id
from quarterdeck.telemetry.query.window import Asked, Window, run
from quarterdeck.telemetry.search.fields import ENTRY


class SlowSpan(BaseModel):
    trace_id: str
    span_id: str
    time_ms: int
    service: str
    name: str
    duration_ms: float
    status: str


def slowest(
    engine: Engine, window: Window, *, service: str = "", operation: str = "", limit: int = 20
) -> list[SlowSpan]:
    asked = at_least(engine, window, service=service, operation=operation, limit=limit)
    if asked is None:
        return []
    asked.add(ENTRY)
    sql = f"""
        SELECT {hex_id("trace_id", 16)}, {hex_id("span_id", 8)}, toUnixTimestamp64Milli(time), service, name,
            duration_ns / 1e6, toString(status)
        FROM spans WHERE {window.where()}{asked.sql} ORDER BY duration_ns DESC LIMIT {limit}"""
    return [
        SlowSpan(
            trace_id=trace_id, span_id=span_id, time_ms=at, service=of, name=name,
            duration_ms=duration, status=status,
        )
        for trace_id, span_id, at, of, name, duration, status in run(engine, "slowest", sql, window, asked).rows
    ]  # fmt: skip


def at_least(
    engine: Engine, window: Window, *, service: str = "", operation: str = "", limit: int
) -> Asked | None:
    """Conditions that at least the slowest `limit` entry spans meet, and few others; None without any."""
    asked = Asked()
    if service:
        asked.add(f"service = {asked.bind(service)}")
    if operation:
        asked.add(f"name = {asked.bind(operation)}")
    sql = f"""
        SELECT toUnixTimestamp(minute) AS at, max(max_ns) AS top FROM red_1m
        WHERE {window.where_rolled()} AND entry{asked.sql}
        GROUP BY minute, service, name, kind, environment, release ORDER BY top DESC LIMIT {limit}"""
    groups = run(engine, "slowest_minutes", sql, window, asked).rows
    if not groups:
        return None
    minutes = sorted({int(row[0]) for row in groups})
    # A set, since the primary key skips what is not in it and a list of bounds is read row by row.
    asked.add(f"toStartOfMinute(time) IN ({', '.join(f'toDateTime({m})' for m in minutes)})")
    if len(groups) == limit:
        asked.add(f"duration_ns >= {asked.bind(groups[-1][1], 'Int64')}")
    return asked
