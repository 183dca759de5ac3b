"""Minutes of spans that are counted anew, whole, because something arrived for them.

    minutes = sized(engine, touched, limits)
    done = count_in_chunks("edges", minutes, EXACT_SPANS, lambda chunk: …, stopping)

A minute is sized by all of its spans and not by those that came last, so that one late span of a
busy minute does not have the whole of it read unsampled. What the store finds too heavy is tried
by halves, and a minute that is too heavy alone is left out with a word in the log: it must not
keep the others waiting for ever. A server that is to stop waits for one chunk and not for all.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from quarterdeck.core.errors import BadInput
from quarterdeck.core.log import fields
from quarterdeck.store.telemetry import Engine, Limits

LATE_MS = 90_000
"""What arrived is looked at so much later, when what belongs to it has most likely come in too."""
FIRST_MS = 86_400_000
"""How far back the first run looks."""
MOST = 20_000
"""Minutes of one run, the newest."""
_CHUNK_SPANS = 150_000  # of which about 300 MB are needed at once
_CHUNK_MINUTES = 240
_TOO_HEAVY = ("query_memory", "query_too_slow")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Minute:
    project: int
    at: int  # seconds since 1970
    spans: int  # all that are stored


Chunk = list[Minute]
"""Minutes of one project that follow one another, oldest first, few enough to be counted at once."""


def sized(engine: Engine, touched: set[tuple[int, int]], limits: Limits) -> list[Minute]:
    """The minutes given as (project, seconds) with the spans of each, in order."""
    if not touched:
        return []
    oldest, newest = min(at for _, at in touched), max(at for _, at in touched)
    projects = ", ".join({str(project) for project, _ in touched})
    sql = f"""
        SELECT project, toUnixTimestamp(minute) AS at, sum(spans) FROM red_1m
        WHERE minute >= toDateTime({oldest}) AND minute <= toDateTime({newest}) AND project IN ({projects})
        GROUP BY project, minute ORDER BY project, minute"""
    found = engine.query("minutes", sql, limits=limits).rows
    return [Minute(*row) for row in found if (row[0], row[1]) in touched]


def every(chunk: Chunk, sample: int) -> int:
    """Of so many traces one is counted, so that no minute has more than `sample` spans to read."""
    return max(1, -(-max(each.spans for each in chunk) // sample))


def count_in_chunks(
    job: str,
    minutes: Iterable[Minute],
    sample: int,
    count: Callable[[Chunk], None],
    stopping: Callable[[], bool] = lambda: False,
) -> bool:
    """Call `count` with chunks until every minute was counted, or found too heavy alone.

    False when it broke off because the server is `stopping`: the run is to be made again.
    """
    return all(_count(job, chunk, count, stopping) for chunk in _chunks(minutes, sample))


def _count(
    job: str, chunk: Chunk, count: Callable[[Chunk], None], stopping: Callable[[], bool]
) -> bool:
    if stopping():
        return False
    try:
        count(chunk)
    except BadInput as error:
        if error.code not in _TOO_HEAVY:
            raise
        if len(chunk) > 1:
            half = len(chunk) // 2
            parts = (chunk[:half], chunk[half:])
            return all(_count(job, part, count, stopping) for part in parts)
        _left_out(job, chunk[0], error)
    return True


def _left_out(job: str, minute: Minute, error: BadInput) -> None:
    about = fields(job=job, project=minute.project, minute=minute.at, spans=minute.spans)
    log.error("A minute is too heavy to count and was left out: %s", error.message, extra=about)


def _chunks(minutes: Iterable[Minute], sample: int) -> Iterator[Chunk]:
    chunk: Chunk = []
    size = 0
    for each in minutes:
        spans = min(each.spans, sample)
        near = bool(chunk) and chunk[0].project == each.project
        near = near and each.at - chunk[0].at < _CHUNK_MINUTES * 60
        if chunk and not (near and size + spans <= _CHUNK_SPANS):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += spans
    if chunk:
        yield chunk
