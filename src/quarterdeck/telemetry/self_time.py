"""Counts the time that spans spend themselves, off the path of ingest.

    count_new(engine, settled_ns, version)    # once a minute

Self time is a span's duration without the time in which at least one of its children was
running; a child that outlives its parent counts up to the parent's end. It needs whole traces, so
what arrived is looked at `LATE_MS` later, when its children have most likely come in too. Each
minute of the spans that arrived is counted anew and replaces what stood there, so running twice,
or dying in between, changes nothing. Of busy minutes a sample of whole traces is taken, always the
same ones, and scaled.
"""

from collections.abc import Callable

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry import marks
from quarterdeck.telemetry.minutes import (
    FIRST_MS,
    LATE_MS,
    MOST,
    Chunk,
    count_in_chunks,
    every,
    sized,
)

SAMPLE_SPANS = 20_000  # of a minute
_CHILDREN_MS = 120_000  # after its minute may a child of a span begin
_LIMITS = Limits(seconds=60, memory_mb=512, threads=1)
_MARK = "self time"


def count_new(
    engine: Engine, settled_ns: int, version: int, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Count the minutes of what arrived since the last run; how many there were."""
    until = settled_ns // 1_000_000 - LATE_MS
    since = marks.reached_ms(engine, _MARK) or until - FIRST_MS
    if until <= since:
        return 0
    minutes = sized(engine, _touched(engine, since, until), _LIMITS)

    def count(chunk: Chunk) -> None:
        _count(engine, chunk, version)

    if not count_in_chunks(_MARK, minutes, SAMPLE_SPANS, count, stopping):
        return 0
    marks.note(engine, _MARK, until)
    return len(minutes)


def _touched(engine: Engine, since: int, until: int) -> set[tuple[int, int]]:
    """The minutes that spans have arrived for."""
    sql = f"""
        SELECT DISTINCT project, toUnixTimestamp(toStartOfMinute(time)) AS minute FROM spans
        WHERE received > fromUnixTimestamp64Milli({since}) AND received <= fromUnixTimestamp64Milli({until})
        ORDER BY minute DESC LIMIT {MOST}"""
    return {tuple(row) for row in engine.query("self_time_touched", sql, limits=_LIMITS).rows}


def _count(engine: Engine, chunk: Chunk, version: int) -> None:
    project, oldest, newest = chunk[0].project, chunk[0].at, chunk[-1].at
    scale = every(chunk, SAMPLE_SPANS)
    sample = f" AND sipHash64(trace_id) % {scale} = 0" if scale > 1 else ""
    listed = ", ".join(str(each.at) for each in chunk)
    own = (
        f"project = {project} AND time >= toDateTime64({oldest}, 9) AND time < toDateTime64({newest + 60}, 9)"
        f" AND toUnixTimestamp(toStartOfMinute(time)) IN ({listed}){sample}"
    )
    children = (
        f"project = {project} AND time >= toDateTime64({oldest}, 9)"
        f" AND time < toDateTime64({newest + 60 + _CHILDREN_MS // 1000}, 9)"
        f" AND parent_span_id != toFixedString('', 8){sample}"
    )
    engine.execute(f"""
        INSERT INTO self_1m (project, service, minute, environment, kind, name, spans, total_ns, self_ns, version)
        SELECT {project}, service, minute, environment, kind, name, count() * {scale}, sum(total) * {scale},
            sum(total - arrayFold((done, part) -> (
                greatest(done.1, least(part.2, stop)),
                done.2 + greatest(0, least(part.2, stop) - greatest(done.1, part.1))
            ), parts, (start, toInt64(0))).2) * {scale}, {version}
        FROM (
            SELECT service, environment, toInt8(spans.kind) AS kind, name, trace_id, span_id,
                toStartOfMinute(time)::DateTime AS minute, toUnixTimestamp64Nano(time) AS start,
                greatest(duration_ns, 0) AS total, start + total AS stop
            FROM spans WHERE {own}
        ) AS own LEFT JOIN (
            SELECT trace_id, parent_span_id, arraySort(groupArray(500)((
                toUnixTimestamp64Nano(time), toUnixTimestamp64Nano(time) + greatest(duration_ns, 0)))) AS parts
            FROM spans WHERE {children} GROUP BY trace_id, parent_span_id
        ) AS inner ON own.trace_id = inner.trace_id AND own.span_id = inner.parent_span_id
        GROUP BY service, minute, environment, kind, name
        SETTINGS max_memory_usage = {_LIMITS.memory_mb * 1024 * 1024}, max_threads = 1, max_execution_time = {int(_LIMITS.seconds)}""")
