"""Ranges: which points of each series lie in the window of each moment.

A window is left-open: a point at its very beginning is outside. Staleness markers are dropped
before. All series are worked on together, in blocks of series that fit the processor's cache and
keep memory bounded; nothing here loops over points.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from quarterdeck.telemetry.promql.source import Grid, Labels, Selected, Times, Values, is_stale
from quarterdeck.telemetry.promql.values import Flags, Indexes, Objects

_BLOCK = 200_000  # points or window edges in a block


@dataclass(slots=True)
class Windows:
    """A range vector: points as columns over all series, and the ends of the windows."""

    labels: list[Labels]
    offsets: Indexes
    times: Times
    values: Values
    unnamed: Flags
    ends: Grid  # one moment only if `@` fixes it
    width: int
    steps: int
    moments: Times  # at which the expression is evaluated; one for each step
    place: str
    histograms: Objects | None = None


@dataclass(slots=True)
class Block:
    """Some series of a range vector; `low` and `high` bound each window's points."""

    rows: slice
    offsets: Indexes
    times: Times
    values: Values
    low: Indexes  # series × windows
    high: Indexes
    ends: Times  # of the windows
    width: int
    moments: Times
    args: list[Values] = field(default_factory=list)  # scalars at each moment

    @property
    def count(self) -> Indexes:
        return self.high - self.low

    def first(self) -> Indexes:
        """The first point of each window, or any if it has none."""
        return np.minimum(self.low, max(0, len(self.values) - 1))

    def last(self) -> Indexes:
        return np.maximum(self.high - 1, 0)


def windows_of(selected: Selected, ends: Grid, width: int, moments: Times, place: str) -> Windows:
    """The range vector of what a source selected."""
    offsets, times, values = selected.offsets, selected.times, selected.values
    histograms = selected.histograms
    stale = is_stale(values)
    if histograms is not None:
        stale |= stale_histograms(histograms)
    if stale.any():
        kept = ~stale
        offsets = np.concatenate(([0], np.cumsum(kept)))[offsets]
        times, values = times[kept], values[kept]
        histograms = None if histograms is None else histograms[kept]
    return Windows(
        selected.labels,
        offsets,
        times,
        values,
        np.zeros(len(selected.labels), dtype=np.bool_),
        ends,
        width,
        len(moments),
        moments,
        place,
        histograms,
    )


def rows_of(windows: Windows, rows: Indexes) -> Windows:
    """Some series of a range vector, their floats only."""
    counts = np.diff(windows.offsets)[rows]
    offsets = np.concatenate(([0], np.cumsum(counts)))
    starts = windows.offsets[rows]
    points = np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1])
    return Windows(
        [windows.labels[row] for row in rows.tolist()],
        offsets,
        windows.times[points],
        windows.values[points],
        windows.unnamed[rows],
        windows.ends,
        windows.width,
        windows.steps,
        windows.moments,
        windows.place,
    )


def stale_histograms(histograms: Objects) -> Flags:
    """A histogram whose sum is the marker ends its series."""
    found = np.flatnonzero(histograms != None)  # noqa: E711 (elementwise)
    stale = np.zeros(len(histograms), dtype=np.bool_)
    if len(found):
        sums = np.array([histograms[at].sum for at in found], dtype=np.float64)
        stale[found] = is_stale(sums)
    return stale


def upto(times: Times, offsets: Indexes, first: int, step: int, count: int) -> Indexes:
    """Series × count: one past the last point at or before `first + step * j`."""
    series = len(offsets) - 1
    bucket = times - (first - step + 1)
    bucket //= step
    np.clip(bucket, 0, count, out=bucket)
    bucket += np.repeat(np.arange(series) * (count + 1), np.diff(offsets))
    counts = np.bincount(bucket, minlength=series * (count + 1)).reshape(series, count + 1)
    edges = np.cumsum(counts[:, :count], axis=1)
    edges += offsets[:-1, None]
    return edges


def blocks(windows: Windows, steps: int, args: list[Values]) -> Iterator[Block]:
    """All series, a bounded number at a time; indexes of a block count from its first point.

    A window that `@` fixes is repeated if the function needs it at each step.
    """
    grid, width = windows.ends, windows.width
    ends = grid.times()
    for rows in portions(windows.offsets, max(steps, grid.count)):
        begin, end = windows.offsets[rows.start], windows.offsets[rows.stop]
        offsets = windows.offsets[rows.start : rows.stop + 1] - begin
        times, values = windows.times[begin:end], windows.values[begin:end]
        ahead, rest = divmod(width, grid.step)
        if rest == 0 and ahead <= grid.count:
            edges = upto(times, offsets, grid.start - width, grid.step, grid.count + ahead)
            low, high = edges[:, : grid.count], edges[:, ahead:]
        else:
            low = upto(times, offsets, grid.start - width, grid.step, grid.count)
            high = upto(times, offsets, grid.start, grid.step, grid.count)
        if steps > grid.count:
            low = np.broadcast_to(low, (len(low), steps))
            high = np.broadcast_to(high, (len(high), steps))
        yield Block(rows, offsets, times, values, low, high, ends, width, windows.moments, args)


def columns(series: int, steps: int) -> Iterator[slice]:
    """Runs of moments over all series, of bounded size; at least one moment each."""
    width = max(1, _BLOCK // max(1, series))
    for start in range(0, steps, width):
        yield slice(start, min(start + width, steps))


def portions(offsets: Indexes, steps: int) -> Iterator[slice]:
    """Runs of series of bounded size; at least one series each."""
    cost = offsets + steps * np.arange(len(offsets))
    row, series = 0, len(offsets) - 1
    while row < series:
        to = int(np.searchsorted(cost, cost[row] + _BLOCK, side="right")) - 1
        to = min(max(to, row + 1), series)
        yield slice(row, to)
        row = to
