"""`histogram_quantile` and `histogram_fraction`, of native histograms.

Within a bucket, observations are taken to be spread evenly on a logarithmic scale, or linearly
in the zero bucket and in custom buckets.
"""

import math
from collections.abc import Sequence

import numpy as np

from quarterdeck.telemetry.promql.annotations import Notes
from quarterdeck.telemetry.promql.histogram import Buckets, Histogram
from quarterdeck.telemetry.promql.source import Values


def native_quantile(
    quantile: float, histogram: Histogram, notes: Notes, name: str, place: str
) -> float:
    """NaN of an empty histogram; infinite for a quantile that is none."""
    if quantile < 0:
        return -math.inf
    if quantile > 1:
        return math.inf
    if histogram.count == 0 or math.isnan(quantile):
        return math.nan
    buckets = histogram.buckets()
    filled = buckets.counts != 0
    lower, upper = buckets.lower[filled], buckets.upper[filled]
    counts = buckets.counts[filled]
    strange = math.isnan(histogram.sum)
    forward = strange or quantile < 0.5
    if not forward:
        lower, upper, counts = lower[::-1], upper[::-1], counts[::-1]
    rank = (quantile if forward else 1 - quantile) * histogram.count
    if not len(counts):
        if strange:
            (notes.nan_quantile if rank > 0 else notes.nan_skew)(name, place)
        return math.nan if strange else 0.0
    sums = np.cumsum(counts)
    at = min(int(np.searchsorted(sums, rank)), len(counts) - 1)
    low, high, within = float(lower[at]), float(upper[at]), float(counts[at])
    reached = min(float(sums[at]), histogram.count)
    if histogram.is_custom:
        if low == -math.inf:
            if high <= 0:
                return high
            low = 0.0
        elif high == math.inf:
            return low
    elif low < 0 < high:
        low, high = zero_bounds(histogram, low, high)
    if reached < rank:
        if strange:
            notes.nan_quantile(name, place)
            return math.nan
        return high
    rank = rank - (reached - within) if forward else reached - rank
    if strange and float(sums[-1]) < histogram.count:
        notes.nan_skew(name, place)
    share = rank / within
    if histogram.is_custom or low <= 0 <= high:
        return low + (high - low) * share
    near, far = math.log2(abs(low)), math.log2(abs(high))
    if low > 0:
        return float(2 ** (near + (far - near) * share))
    return -float(2 ** (far + (near - far) * (1 - share)))


def native_quantiles(wanted: Values, histograms: Sequence[Histogram]) -> Values:
    """`native_quantile` of each, those of the same buckets together.

    For histograms without NaN observations (their sum is a number) and quantiles from 0 to 1.
    """
    found = np.full(len(histograms), math.nan)
    layouts: dict[tuple[object, ...], list[int]] = {}
    for at, each in enumerate(histograms):
        if each.count == 0:
            continue
        key = (
            each.schema,
            each.zero_threshold,
            each.zero_count > 0,
            each.positive_index.tobytes(),
            each.negative_index.tobytes(),
            each.custom.tobytes(),
        )
        layouts.setdefault(key, []).append(at)
    for rows in layouts.values():
        places = np.array(rows)
        buckets = histograms[rows[0]].buckets()
        counts = np.array([histograms[at].counts() for at in rows])
        totals = np.array([histograms[at].count for at in rows])
        if not counts.shape[1]:
            found[places] = 0.0
            continue
        like = histograms[rows[0]]
        for forward in (True, False):
            some = np.flatnonzero((wanted[places] < 0.5) == forward)
            if len(some):
                turn = slice(None) if forward else slice(None, None, -1)
                side = Buckets(buckets.lower[turn], buckets.upper[turn], counts[some][:, turn])
                share = wanted[places[some]] if forward else 1 - wanted[places[some]]
                found[places[some]] = _interpolated(
                    like, side, share * totals[some], totals[some], forward
                )
    return found


def _interpolated(
    like: Histogram, buckets: Buckets, rank: Values, totals: Values, forward: bool
) -> Values:
    """Where the rank falls, counted from the first bucket; counts are histograms × buckets."""
    filled = buckets.counts != 0
    sums = np.cumsum(buckets.counts, axis=1)
    at = (sums < rank[:, None]).sum(axis=1)
    at = np.maximum(at, filled.argmax(axis=1))
    at = np.minimum(at, filled.shape[1] - 1 - filled[:, ::-1].argmax(axis=1))
    each = np.arange(len(rank))
    within = buckets.counts[each, at]
    reached = np.minimum(sums[each, at], totals)
    edges = [
        zero_bounds(like, low, high) if low < 0 < high and not like.is_custom else (low, high)
        for low, high in zip(buckets.lower.tolist(), buckets.upper.tolist(), strict=True)
    ]
    low, high = np.array(edges)[at].T
    share = (rank - (reached - within) if forward else reached - rank) / within
    linear = low + (high - low) * share
    if like.is_custom:
        first, last = np.isneginf(low), np.isposinf(high)
        linear = np.where(first, np.where(high <= 0, high, high * share), linear)
        found = np.where(last, low, linear)
    else:
        near, far = np.log2(np.abs(low)), np.log2(np.abs(high))
        above = np.exp2(near + (far - near) * share)
        below = -np.exp2(far + (near - far) * (1 - share))
        found = np.where((low <= 0) & (high >= 0), linear, np.where(low > 0, above, below))
    beyond = (reached < rank) & ~np.isposinf(high)
    return np.asarray(np.where(beyond, high, found))


def zero_bounds(histogram: Histogram, low: float, high: float) -> tuple[float, float]:
    """The zero bucket ends at zero if all other buckets are on one side."""
    if not len(histogram.negative_count) and len(histogram.positive_count):
        return 0.0, high
    if not len(histogram.positive_count) and len(histogram.negative_count):
        return low, 0.0
    return low, high


def native_fraction(
    low: float, high: float, histogram: Histogram, notes: Notes, name: str, place: str
) -> float:
    """The share of observations between two values."""
    if histogram.count == 0 or math.isnan(low) or math.isnan(high):
        return math.nan
    if low >= high:
        return 0.0
    buckets = histogram.buckets()
    lower, upper = buckets.lower.copy(), buckets.upper.copy()
    total = float(buckets.counts.sum())
    zero = (lower <= 0) & (upper >= 0)
    for at in np.flatnonzero(zero).tolist():
        lower[at], upper[at] = zero_bounds(histogram, float(lower[at]), float(upper[at]))
    counted = histogram.count
    if math.isnan(histogram.sum):
        if total < histogram.count:
            notes.nan_fraction(name, place)
        counted = total
    before = np.concatenate(([0.0], np.cumsum(buckets.counts)[:-1])) if len(lower) else lower

    def rank(value: float) -> float:
        for at in range(len(lower)):
            if lower[at] >= value:
                return float(before[at])
            if lower[at] < value < upper[at]:
                if lower[at] == -math.inf:
                    return float(buckets.counts[at])
                share = _share(
                    float(lower[at]), float(upper[at]), value, histogram.is_custom or zero[at]
                )
                return float(before[at] + buckets.counts[at] * share)
        return counted

    return (min(rank(high), counted) - min(rank(low), counted)) / histogram.count


def _share(low: float, high: float, value: float, linear: bool) -> float:
    """How much of a bucket lies below a value within it."""
    if linear:
        return (value - low) / (high - low)
    near, far = math.log2(abs(low)), math.log2(abs(high))
    at = math.log2(abs(value))
    if value > 0:
        return (at - near) / (far - near)
    return 1 - (at - far) / (near - far)


def variance(histogram: Histogram) -> float:
    """Estimated with all observations of a bucket in its middle."""
    mean = np.float64(histogram.sum) / histogram.count
    buckets = histogram.buckets()
    filled = buckets.counts != 0
    low, high, counts = (
        buckets.lower[filled],
        buckets.upper[filled],
        buckets.counts[filled],
    )
    if histogram.is_custom:
        middle = (low + high) / 2
    else:
        middle = np.where(high < 0, -1.0, 1.0) * np.sqrt(low * high)
        middle = np.where((low <= 0) & (high >= 0), 0.0, middle)
    distances = counts * (middle - mean) ** 2
    total = math.fsum(distances) if np.isfinite(distances).all() else distances.sum()
    return float(np.float64(total) / histogram.count)
