"""Points of delta temporality as a counter, without any state.

A series of deltas is a counter that begins with 0 at midnight UTC and adds up from there, whoever
asks and for whatever range. Where a point's start says that nothing was counted before it, the
counter also has a point there: a rate over a series that is seldom sent is then exact, and each
day begins with an explicit 0, so that the reset at midnight loses nothing.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from quarterdeck.telemetry.prometheus.points import Places, Points
from quarterdeck.telemetry.promql.source import Times, Values

DAY_MS = 86_400_000
_JITTER_MS = 1_000  # a start this near the point before says nothing new


@dataclass(slots=True)
class Deltas:
    series: Places
    times: Times
    starts: Times  # 0 where the sender does not say
    values: Values


def begin_of(after: int) -> int:
    """The moment after which deltas must be read to know the counter after `after`."""
    return after // DAY_MS * DAY_MS - 1


def accumulated(deltas: Deltas, after: int, until: int) -> Points:
    """The counter's points with `after < time <= until`."""
    series, times, starts, values = _added(deltas)
    if not len(times):
        return Points(series, times, values)
    day = times // DAY_MS
    first = np.ones(len(times), np.bool_)  # of a series on a day
    first[1:] = (series[1:] != series[:-1]) | (day[1:] != day[:-1])
    totals = _running(values, first)
    before = np.where(first, 0.0, np.roll(totals, 1))
    begins = np.where(first, np.minimum(np.maximum(starts, day * DAY_MS), times - 1), starts)
    told = first.copy()
    told[1:] |= (starts[1:] > times[:-1] + _JITTER_MS) & (starts[1:] < times[1:]) & ~first[1:]
    all_series = np.concatenate((series, series[told]))
    all_times = np.concatenate((times, begins[told]))
    all_values = np.concatenate((totals, before[told]))
    order = np.lexsort((all_times, all_series))
    order = order[(all_times[order] > after) & (all_times[order] <= until)]
    return Points(all_series[order], all_times[order], all_values[order])


def _added(deltas: Deltas) -> tuple[Places, Times, Times, Values]:
    """In order; points of one series at one time are added."""
    order = np.lexsort((deltas.times, deltas.series))
    series, times = deltas.series[order], deltas.times[order]
    starts, values = deltas.starts[order], deltas.values[order]
    new = np.ones(len(times), np.bool_)
    new[1:] = (series[1:] != series[:-1]) | (times[1:] != times[:-1])
    if new.all():
        return series, times, starts, values
    at = np.flatnonzero(new)
    return series[at], times[at], np.minimum.reduceat(starts, at), np.add.reduceat(values, at)


def _running(values: Values, first: npt.NDArray[np.bool_]) -> Values:
    """Sums that begin anew at each first point; one by one, so that none is rounded by another."""
    totals = np.empty_like(values)
    edges = np.append(np.flatnonzero(first), len(values)).tolist()
    for begin, end in pairwise(edges):
        np.cumsum(values[begin:end], out=totals[begin:end])
    return totals
