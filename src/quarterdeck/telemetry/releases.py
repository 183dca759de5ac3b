"""Notes when each release of a service was heard of, off the path of ingest.

    note_new(engine, until_ns)    # twice a minute or so

What arrived since the last run, up to a moment before which everything that arrived is durable,
widens the times of its releases. Rows hold the earliest and latest moment, so a run that dies
between its two writes, and is done again, changes nothing.
"""

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry import marks

MOST_RELEASES = 10_000  # of one run: a sender that makes up names does not fill the table
_FIRST_MS = 7 * 86_400_000
_LIMITS = Limits(seconds=30, memory_mb=256, threads=1)


def note_new(engine: Engine, until_ns: int) -> int:
    """Note what arrived since the last run and before `until_ns`; the number of rows looked at."""
    until = until_ns // 1_000_000 - 1
    return sum(_note(engine, table, until) for table in ("spans", "logs"))


def _note(engine: Engine, table: str, until: int) -> int:
    mark = f"releases of {table}"
    since = marks.reached_ms(engine, mark) or until - _FIRST_MS
    span = f"received > fromUnixTimestamp64Milli({since}) AND received <= fromUnixTimestamp64Milli({until})"
    sql = f"SELECT count(), toUnixTimestamp64Milli(max(received)) FROM {table} WHERE {span}"
    rows, newest = engine.query("releases_new", sql, limits=_LIMITS).rows[0]
    if not rows:
        return 0
    engine.execute(f"""
        INSERT INTO releases (project, service, environment, release, day, first, last)
        SELECT project, service, environment, release, toDate(time) AS day, min(time), max(time)
        FROM {table} WHERE {span} AND release != ''
        GROUP BY project, service, environment, release, day
        LIMIT {MOST_RELEASES} SETTINGS max_memory_usage = {_LIMITS.memory_mb * 1024 * 1024}, max_threads = 1""")
    marks.note(engine, mark, newest, until)
    return int(rows)
