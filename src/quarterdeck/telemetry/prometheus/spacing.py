"""How often a metric is told: what a rate over it must span to find points.

A few series stand for all, since those of one job come together; the slowest decides. A rhythm that
held for a small part of the range counts too, for its part would be empty otherwise. What happened
once or twice, or for a moment, is no rhythm: a restart, a scrape that was missed.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from quarterdeck.store.telemetry import Engine, columns
from quarterdeck.telemetry.prometheus.families import LIMITS, listed
from quarterdeck.telemetry.prometheus.family import Ids
from quarterdeck.telemetry.prometheus.points import between
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.promql.source import Labels, Matcher, Times

MOST_JOBS = 8
EACH_JOB = 3  # series, for one may have ended
LONGEST_MS = 6 * 3_600_000  # the newest part of a range that is looked at
_LEAST_TIMES = 3
_LEAST_SHARE = 0.05  # of the time that the series was told
_OTLP = {
    "gauge": "samples",
    "sum": "samples",
    "histogram": "histograms",
    "exponential_histogram": "exponential_histograms",
    "summary": "summaries",
}


def spacing(
    engine: Engine, queries: Queries, project: int, metric: str, start: int, end: int
) -> float | None:
    """Seconds between points in a range of milliseconds; nothing where too few points tell."""
    start = max(start, end - LONGEST_MS)
    slowest = 0
    for table, ids in _series(queries, project, metric, start, end):
        sql = (
            f"SELECT series_id, toUnixTimestamp64Milli(time) AS at FROM {table} WHERE project = {project}"
            f" AND series_id IN ({listed(ids)}) AND {between(start, end)} ORDER BY series_id, time"
        )
        read = columns.read(engine, "metrics_spacing", sql, limits=LIMITS)
        if "at" in read:
            starts = np.flatnonzero(np.diff(read["series_id"].values)) + 1
            each = np.split(read["at"].values, starts)
            slowest = max(slowest, *(rhythm(times) for times in each))
    return slowest / 1000 or None


def rhythm(times: Times) -> int:
    """The longest time between points that is no exception; 0 where there are too few."""
    gaps = np.sort(np.diff(times))[::-1]
    gaps = gaps[gaps > 0]
    if len(gaps) < _LEAST_TIMES:
        return 0
    share = np.cumsum(gaps) / gaps.sum()
    often_enough = (np.arange(1, len(gaps) + 1) >= _LEAST_TIMES) & (share >= _LEAST_SHARE)
    return int(gaps[np.argmax(often_enough)])


def _series(
    queries: Queries, project: int, metric: str, start: int, end: int
) -> Iterator[tuple[str, Ids]]:
    """Tables, and a few series of each job that have points there."""
    matchers = (Matcher("__name__", "=", metric),)
    for found in queries.catalog.find(project, matchers, start, end):
        ids = _some(found.ids, found.labels())
        yield "prom_samples", ids
        if queries.catalog.has_histograms(project):
            yield "prom_histograms", ids
    for wanted in queries.otlp.find(project, matchers, start, end):
        yield _OTLP[wanted.kind.type], _some(wanted.ids, wanted.labels())


def _some(ids: Ids, labels: Sequence[Labels]) -> Ids:
    jobs: dict[str, list[int]] = {}
    for place, each in enumerate(labels):
        jobs.setdefault(each.get("job", ""), []).append(place)
    chosen: list[int] = []
    for places in list(jobs.values())[:MOST_JOBS]:
        chosen += places[:: max(1, len(places) // EACH_JOB)][:EACH_JOB]
    return ids[chosen]
