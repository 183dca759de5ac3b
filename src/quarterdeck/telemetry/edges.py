"""Counts who calls whom, off the path of ingest.

    count_new(engine, settled_ns, version)    # once a minute

What arrived is looked at `LATE_MS` later, when both sides of a call have most likely come in.
Each minute that spans arrived for is counted anew, whole, and replaces what stood there: every
call counts once however often a run is repeated or dies in between. A span that comes later than
that has the minutes around it counted anew too, so a call that looked unanswered finds its answer.
Up to `EXACT_SPANS` of a minute are counted exactly; of more, a sample of whole traces, scaled, whose
other sides are looked for nearer by the busier the minutes around are.

Bounded: of each service, the `MOST_NAMES` busiest databases, queues and third parties of a minute
keep their names, the others are one without a name; of all calls, the `MOST_EDGES` busiest pairs
of a minute are kept.
"""

from collections.abc import Callable

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry import marks
from quarterdeck.telemetry.calls import CHILDREN_MS, ENTRY, calls
from quarterdeck.telemetry.minutes import (
    FIRST_MS,
    LATE_MS,
    MOST,
    Chunk,
    count_in_chunks,
    every,
    sized,
)

EXACT_SPANS = 100_000  # of a minute
MOST_NAMES = 30  # of a service, kind and minute
MOST_EDGES = 1_000  # of a minute
_LONGEST_MINUTES = 5  # that a call is looked for its answer
_NEAR_S = (CHILDREN_MS // 1000, 120, 60, 10)  # that calls and answers lie around their minute
MOST_NEAR = 2_000_000  # spans around a sampled minute to be read for them; where more are, less far
_KNOWN_S = 86_400  # that a service is known by an address it answered at
_LIMITS = Limits(seconds=60, memory_mb=512, threads=1)
_MARK = "edges"


def count_new(
    engine: Engine, settled_ns: int, version: int, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Count the minutes of what arrived since the last run; how many there were."""
    until = settled_ns // 1_000_000 - LATE_MS
    since = counted_ms(engine) or until - FIRST_MS
    if until <= since:
        return 0
    minutes = sized(engine, _touched(engine, since, until), _LIMITS)

    def count(chunk: Chunk) -> None:
        _count(engine, chunk, version)

    if not count_in_chunks(_MARK, minutes, EXACT_SPANS, count, stopping):
        return 0
    marks.note(engine, _MARK, until)
    return len(minutes)


def counted_ms(engine: Engine) -> int:
    """The moment up to which what arrived has been counted; 0 before the first run."""
    return marks.reached_ms(engine, _MARK)


def _touched(engine: Engine, since: int, until: int) -> set[tuple[int, int]]:
    """The minutes to count anew."""
    own = "toStartOfMinute(time)::DateTime"
    longest = f"least({_LONGEST_MINUTES}, intDiv(greatest(duration_ns, 0), 60000000000) + 1)"
    sql = f"""
        SELECT DISTINCT project, toUnixTimestamp(arrayJoin(multiIf(
            received <= time + INTERVAL {LATE_MS} MILLISECOND OR kind IN ('internal', 'unspecified'), [{own}],
            kind IN {ENTRY}, [{own}, {own} - INTERVAL 1 MINUTE],
            arrayMap(i -> {own} + INTERVAL i MINUTE, range(toUInt32({longest}) + 1))))) AS minute
        FROM spans WHERE received > fromUnixTimestamp64Milli({since}) AND received <= fromUnixTimestamp64Milli({until})
        ORDER BY minute DESC LIMIT {MOST}"""
    return {tuple(row) for row in engine.query("edges_touched", sql, limits=_LIMITS).rows}


def _count(engine: Engine, chunk: Chunk, version: int) -> None:
    project, oldest, newest = chunk[0].project, chunk[0].at, chunk[-1].at
    scale = every(chunk, EXACT_SPANS)
    of_project = f"project = {project}" + (
        f" AND sipHash64(trace_id) % {scale} = 0" if scale > 1 else ""
    )
    own = (
        f"{of_project} AND time >= toDateTime64({oldest}, 9) AND time < toDateTime64({newest + 60}, 9)"
        f" AND toUnixTimestamp(toStartOfMinute(time)) IN ({', '.join(str(each.at) for each in chunk)})"
    )
    around = _near_seconds(engine, chunk) if scale > 1 else _NEAR_S[0]
    near = (
        f"{of_project} AND time >= toDateTime64({oldest - around}, 9)"
        f" AND time < toDateTime64({newest + 60 + around}, 9)"
    )
    known = f"""
        SELECT environment::String AS at_environment, address::String AS at, any(target)::String AS known_name FROM edges_1m
        WHERE project = {project} AND minute >= toDateTime({oldest - _KNOWN_S}) AND minute <= toDateTime({newest}) AND address != ''
        GROUP BY environment, address HAVING uniqExact(target) = 1 LIMIT 10000"""
    pair = "environment, source_kind, source, target_kind, target, system"
    engine.execute(f"""
        INSERT INTO edges_1m (project, minute, {pair}, address, bucket, calls, errors, total_ns, max_ns, version)
        SELECT {project}, minute, environment, source_kind,
            if(source_kind != 'service' AND place > {MOST_NAMES}, '', source) AS from_name, target_kind,
            if(target_kind != 'service' AND place > {MOST_NAMES}, '', target) AS to_name, system, any(address), bucket,
            sum(calls) * {scale}, sum(errors) * {scale}, sum(total_ns) * {scale}, max(max_ns), {version}
        FROM (
            SELECT *, dense_rank() OVER (PARTITION BY minute ORDER BY of_pair DESC, {pair}) AS pairs,
                dense_rank() OVER (PARTITION BY minute, if(target_kind = 'service', (1, target, source_kind), (0, source, target_kind))
                    ORDER BY of_pair DESC, {pair}) AS place
            FROM (
                SELECT *, sum(calls) OVER (PARTITION BY minute, {pair}) AS of_pair
                FROM (
                    SELECT minute, environment, edge.source_kind AS source_kind, edge.source AS source, edge.target_kind AS target_kind,
                        edge.target AS target, edge.system AS system, any(edge.address) AS address, toUInt16(floor(log2(greatest(duration_ns, 1)) * 8)) AS bucket, count() AS calls,
                        countIf(failed) AS errors, sum(duration_ns) AS total_ns, max(duration_ns) AS max_ns
                    FROM ({calls(own, near, known)})
                    GROUP BY minute, {pair}, bucket
                )
            )
        ) WHERE pairs <= {MOST_EDGES}
        GROUP BY minute, environment, source_kind, from_name, target_kind, to_name, system, bucket
        SETTINGS max_memory_usage = {_LIMITS.memory_mb * 1024 * 1024}, max_threads = 1, max_execution_time = {int(_LIMITS.seconds)}""")
    # A minute may have lost all its calls to others: a row without any says that it was counted.
    rows = ", ".join(
        f"({project}, {each.at}, '', 'outside', '', 'outside', '', '', '', 0, 0, 0, 0, 0, {version})"
        for each in chunk
    )
    engine.execute(f"INSERT INTO edges_1m VALUES {rows}")


def _near_seconds(engine: Engine, chunk: Chunk) -> int:
    """How far around busy minutes calls and answers are looked for, so that not too much is read.

    Most lie within seconds. Without a bound the cost of a minute would grow with the load of the
    ten around it: every span would be read twenty times.
    """
    project, oldest, newest = chunk[0].project, chunk[0].at, chunk[-1].at
    sql = f"""
        SELECT toUnixTimestamp(minute) AS at, sum(spans) FROM red_1m WHERE project = {project}
            AND minute >= toDateTime({oldest - _NEAR_S[0]}) AND minute <= toDateTime({newest + _NEAR_S[0]})
        GROUP BY minute"""
    found: dict[int, int] = dict(engine.query("edges_near", sql, limits=_LIMITS).rows)

    def spans(around: int) -> float:
        """Around the chunk; of a minute that is reached in part, as much of it."""
        before = ((at, min(60, at + 60 - (oldest - around)) / 60) for at in found if at < oldest)
        after = ((at, min(60, newest + 60 + around - at) / 60) for at in found if at > newest)
        return sum(found[at] * max(0.0, part) for at, part in (*before, *after))

    return next((each for each in _NEAR_S if spans(each) <= MOST_NEAR), _NEAR_S[-1])
