"""Classic histograms: series that count the observations up to their label `le`.

All groups and moments of a layout are worked on together.
"""

import math
from dataclasses import dataclass

import numpy as np

from quarterdeck.telemetry.promql.annotations import Notes
from quarterdeck.telemetry.promql.source import Labels, Times, Values
from quarterdeck.telemetry.promql.values import NAME, Flags, Vector, in_columns, key_of

_TOLERANCE = 1e-12  # a relative difference that small is rounding


@dataclass(slots=True)
class Classic:
    """One histogram: bounds ascending, counts bounds × moments, where each is present."""

    labels: Labels
    unnamed: bool
    bounds: Values
    counts: Values
    present: Flags


def group(vector: Vector, notes: Notes, place: str) -> list[Classic]:
    """The histograms among the floats of a vector; says which series have no good `le`."""
    floats = vector.floats
    found: dict[frozenset[tuple[str, str]], list[tuple[float, int]]] = {}
    for row, labels in enumerate(vector.labels):
        if not floats[row].any():
            continue
        bound = bound_of(labels.get("le", ""))
        if bound is None:
            notes.bad_bucket(labels.get(NAME, ""), labels.get("le", ""), place)
            continue
        key = key_of({name: value for name, value in labels.items() if name != "le"})
        found.setdefault(key, []).append((bound, row))
    histograms = []
    for key, buckets in found.items():
        buckets.sort()
        rows = [row for _, row in buckets]
        histograms.append(
            Classic(
                dict(key),
                bool(vector.unnamed[rows].any()),
                np.array([bound for bound, _ in buckets]),
                vector.values[rows],
                floats[rows],
            )
        )
    return histograms


def bound_of(text: str) -> float | None:
    try:
        return float(text.replace("_", "x"))
    except ValueError:
        return None


def quantiles(
    histogram: Classic, wanted: Values, notes: Notes, place: str, moments: Times
) -> tuple[Values, Flags]:
    """The quantile at each moment, interpolated linearly; which moments have buckets."""
    here = in_columns(histogram.present)
    found = np.full(len(here), math.nan)
    for columns, bounds, counts in _layouts(histogram):
        if bounds[-1] != math.inf:
            continue
        bounds, counts = _joined(bounds, counts)
        fixed, low, high, most = _monotonic(bounds, counts)
        for at in np.flatnonzero(fixed).tolist():
            name = histogram.labels.get(NAME, "")
            notes.forced_monotonic(
                name, place, low[at], high[at], most[at], int(moments[columns[at]])
            )
        found[columns] = _interpolated(bounds, counts, wanted[columns])
    found = np.where(np.isnan(wanted), math.nan, found)
    found = np.where(wanted < 0, -math.inf, np.where(wanted > 1, math.inf, found))
    return found, here


def _layouts(histogram: Classic) -> list[tuple[np.ndarray, Values, Values]]:
    """Moments that have the same buckets, together: their columns, bounds, counts."""
    if histogram.present.all():
        every = np.arange(histogram.present.shape[1])
        return [(every, histogram.bounds, histogram.counts.copy())]
    layouts, which = np.unique(histogram.present, axis=1, return_inverse=True)
    which = which.ravel()
    found = []
    for number in range(layouts.shape[1]):
        rows = layouts[:, number]
        if rows.any():
            columns = np.flatnonzero(which == number)
            counts = histogram.counts[np.ix_(np.flatnonzero(rows), columns)]
            found.append((columns, histogram.bounds[rows], counts))
    return found


def _joined(bounds: Values, counts: Values) -> tuple[Values, Values]:
    """Buckets written twice (`1` and `1.0`) are one."""
    starts = np.flatnonzero(np.concatenate(([True], bounds[1:] != bounds[:-1])))
    if len(starts) == len(bounds):
        return bounds, counts
    return bounds[starts], np.add.reduceat(counts, starts, axis=0)


def _monotonic(bounds: Values, counts: Values) -> tuple[Flags, Values, Values, Values]:
    """Makes counts rise, in place: rounding is ignored, other falls are mended and told."""
    steps = counts.shape[1]
    fixed = np.zeros(steps, dtype=np.bool_)
    low, high = np.full(steps, math.inf), np.full(steps, -math.inf)
    most = np.zeros(steps)
    previous = counts[0].copy()
    for bound, row in zip(bounds[1:], counts[1:], strict=True):
        near = almost_equal(previous, row)
        fell = (row < previous) & ~near
        fixed |= fell
        low[fell] = np.minimum(low[fell], bound)
        high[fell] = np.maximum(high[fell], bound)
        most[fell] = np.maximum(most[fell], (previous - row)[fell])
        keep = fell | (near & (row != previous))
        row[keep] = previous[keep]
        previous = np.where(keep, previous, row)
    return fixed, low, high, most


def almost_equal(one: Values, other: Values) -> Flags:
    difference = np.abs(one - other)
    size = np.abs(one) + np.abs(other)
    near: Flags = (one == other) | (difference / np.maximum(size, 1e-300) < _TOLERANCE)
    return near


def _interpolated(bounds: Values, counts: Values, wanted: Values) -> Values:
    if len(bounds) < 2:
        return np.full(len(wanted), math.nan)
    total = counts[-1]
    rank = wanted * total
    at = (counts[:-1] < rank).sum(axis=0)
    each = np.arange(len(wanted))
    below = np.where(at > 0, counts[np.maximum(at - 1, 0), each], 0.0)
    start = np.where(at > 0, bounds[np.maximum(at - 1, 0)], 0.0)
    share = (rank - below) / (counts[at, each] - below)
    found = start + (bounds[at] - start) * share
    found = np.where((at == 0) & (bounds[0] <= 0), bounds[0], found)
    found = np.where(at == len(bounds) - 1, bounds[-2], found)
    return np.where(total == 0, math.nan, found)


def fractions(histogram: Classic, low: Values, high: Values) -> tuple[Values, Flags]:
    """The share of observations between two values at each moment."""
    here = in_columns(histogram.present)
    found = np.full(len(here), math.nan)
    for columns, bounds, counts in _layouts(histogram):
        if bounds[-1] != math.inf:
            continue
        bounds, counts = _joined(bounds, counts)
        total = counts[-1]
        lows, highs = low[columns], high[columns]
        share = (_rank(bounds, counts, highs) - _rank(bounds, counts, lows)) / total
        share = np.where(lows >= highs, 0.0, share)
        unknown = (total == 0) | np.isnan(lows) | np.isnan(highs)
        found[columns] = np.where(unknown, math.nan, share)
    return found, here


def _rank(bounds: Values, counts: Values, value: Values) -> Values:
    """How many observations lie below the value, taken to be even within a bucket."""
    each = np.arange(len(value))
    first = 0.0 if bounds[0] > 0 else -math.inf
    edges = np.concatenate(([first], bounds))
    filled = np.concatenate([np.zeros((1, counts.shape[1])), counts])
    at = np.searchsorted(edges, value, side="left")  # edges[at - 1] < value <= edges[at]
    after = np.minimum(at, len(edges) - 1)
    before = np.maximum(after - 1, 0)
    start, end = edges[before], edges[after]
    share = np.where(np.isinf(end), 0.0, (value - start) / (end - start))
    inside = filled[before, each] + (filled[after, each] - filled[before, each]) * share
    inside = np.where(np.isneginf(start), filled[after, each], inside)
    found = np.where(edges[after] == value, filled[after, each], inside)
    found = np.where(at == 0, 0.0, found)
    found = np.where(np.isneginf(value), 0.0, found)
    found = np.where(np.isposinf(value), counts[-1], found)
    return np.asarray(np.minimum(found, counts[-1]))
