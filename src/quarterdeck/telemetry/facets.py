"""Counts the values of fields off the path of ingest, for the lists beside a search.

    count_new(engine, until_ns)    # every minute or so

What arrived since the last run, up to a moment before which everything that arrived is
durable, is counted into quarters of an hour. Keys and values are
bounded: short ones, the most frequent fields of a project and the most frequent values of
a field. When much has arrived a sample is counted and scaled. A run that dies between its
two writes counts its minute twice; facets are there to choose from, not to add up.
"""

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry import marks
from quarterdeck.telemetry.query.facets import Signal, pairs

MOST_ROWS = 200_000
VALUES_A_FIELD = 50
ROWS_A_PROJECT = 4_000
_FIRST_MS = 7 * 86_400_000
_LIMITS = Limits(seconds=30, memory_mb=256, threads=1)
_SIGNALS: tuple[Signal, ...] = ("logs", "spans")


def count_new(engine: Engine, until_ns: int) -> int:
    """Count what arrived since the last run and before `until_ns`; the number of rows looked at."""
    until = until_ns // 1_000_000 - 1
    return sum(_count(engine, signal, until) for signal in _SIGNALS)


def _count(engine: Engine, signal: Signal, until: int) -> int:
    since = marks.reached_ms(engine, signal) or until - _FIRST_MS
    span = f"received > fromUnixTimestamp64Milli({since}) AND received <= fromUnixTimestamp64Milli({until})"
    sql = f"SELECT count(), toUnixTimestamp64Milli(max(received)) FROM {signal} WHERE {span}"
    rows, newest = engine.query("facets_new", sql, limits=_LIMITS).rows[0]
    if not rows:
        return 0
    every = -(-rows // MOST_ROWS)
    sample = f" AND sipHash64(trace_id, span_id, time) % {every} = 0" if every > 1 else ""
    engine.execute(f"""
        INSERT INTO facets_15m (project, signal, field, quarter, value, items)
        SELECT project, '{signal}', pair.1 AS field, toStartOfFifteenMinutes(time) AS quarter, pair.2 AS value, count() * {every} AS items
        FROM {signal} ARRAY JOIN {pairs(signal)} AS pair WHERE {span}{sample}
        GROUP BY project, field, quarter, value ORDER BY items DESC
        LIMIT {VALUES_A_FIELD} BY project, field, quarter
        SETTINGS max_memory_usage = {_LIMITS.memory_mb * 1024 * 1024}, max_threads = 1,
            max_bytes_before_external_group_by = {_LIMITS.memory_mb * 1024 * 512}, limit = {ROWS_A_PROJECT * 50}""")
    marks.note(engine, signal, newest, until)
    return int(rows)
