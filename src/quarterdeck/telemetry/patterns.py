"""Counts log lines by their pattern (query/log_mask.py), off the path of ingest.

    count_new(engine, until_ns)    # every minute or so

What arrived since the last run, up to a moment before which everything that arrived is durable,
is counted by five minutes. Rows are bounded: the most frequent patterns of a project and run, those
of warnings and errors before all others, and no pattern that a project has not had today once it
has had very many; the rest is counted under the empty pattern, so that the sum is right. When
very much has arrived a sample is counted and scaled. A run that dies between its two writes counts
its minute twice.
"""

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry import marks
from quarterdeck.telemetry.query.log_mask import hash_of, pattern_of, sample_of
from quarterdeck.telemetry.search.fields import LEVEL

MOST_ROWS = 200_000  # about a second of one core
PATTERNS_A_RUN = 3_000
PATTERNS_A_DAY = 20_000
SLOT_SECONDS = 300
_FIRST_MS = 7 * 86_400_000
_LIMITS = Limits(seconds=60, memory_mb=512, threads=1)
_MARK = "patterns"


def count_new(engine: Engine, until_ns: int) -> int:
    """Count what arrived since the last run and before `until_ns`; the number of rows looked at."""
    until = until_ns // 1_000_000 - 1
    since = marks.reached_ms(engine, _MARK) or until - _FIRST_MS
    span = f"received > fromUnixTimestamp64Milli({since}) AND received <= fromUnixTimestamp64Milli({until})"
    sql = f"SELECT count(), toUnixTimestamp64Milli(max(received)) FROM logs WHERE {span}"
    rows, newest = engine.query("patterns_new", sql, limits=_LIMITS).rows[0]
    if not rows:
        return 0
    every = -(-rows // MOST_ROWS)
    sample = f" AND sipHash64(trace_id, span_id, time) % {every} = 0" if every > 1 else ""
    full = f"""
        SELECT project FROM log_patterns WHERE slot >= today()
        GROUP BY project HAVING uniq(hash) > {PATTERNS_A_DAY}"""
    known = "SELECT project, hash FROM log_patterns WHERE slot >= today()"
    engine.execute(f"""
        INSERT INTO log_patterns (project, service, hash, environment, severity, slot, pattern, sample, records, first, last)
        SELECT project, service, if(kept, {hash_of("text")}, 0) AS hash, environment, level, slot,
            if(kept, text, '') AS pattern, max(if(kept, line, '')), sum(lines), min(oldest), max(latest)
        FROM (
            SELECT *, row_number() OVER (PARTITION BY project ORDER BY level >= 4 DESC, lines DESC) <= {PATTERNS_A_RUN}
                AND (project NOT IN ({full}) OR (project, {hash_of("text")}) IN ({known})) AS kept
            FROM (
                SELECT project, service, {pattern_of()} AS text, environment, {LEVEL}::Int8 AS level,
                    toStartOfInterval(time, INTERVAL {SLOT_SECONDS} SECOND)::DateTime AS slot,
                    any({sample_of()}) AS line, count() * {every} AS lines,
                    min(time)::DateTime64(3) AS oldest, max(time)::DateTime64(3) AS latest
                FROM logs WHERE {span}{sample}
                GROUP BY project, service, text, environment, level, slot
            )
        ) GROUP BY project, service, hash, environment, level, slot, pattern
        SETTINGS max_memory_usage = {_LIMITS.memory_mb * 1024 * 1024}, max_threads = 1,
            max_bytes_before_external_group_by = {_LIMITS.memory_mb * 1024 * 256},
            max_bytes_before_external_sort = {_LIMITS.memory_mb * 1024 * 256},
            max_execution_time = {int(_LIMITS.seconds)}""")
    marks.note(engine, _MARK, newest, until)
    return int(rows)
