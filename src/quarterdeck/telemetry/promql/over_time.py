"""Aggregations over the points of a range: `avg_over_time`, `quantile_over_time` …

Kernels as in `rates`: a block of windows in, a value and whether there is one for each out.
"""

from collections.abc import Callable

import numpy as np

from quarterdeck.telemetry.promql import sums
from quarterdeck.telemetry.promql.rates import Found
from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.promql.values import Indexes
from quarterdeck.telemetry.promql.windows import Block

_GATHER = 2_000_000  # points copied side by side at once


def sum_over_time(block: Block) -> Found:
    total, error = sums.over_windows(sums.pairs(block.values), block.low, block.count, sums.add)
    found = sums.finish(total, error)
    _overflown(block, found, _sum_in_order)
    return found, block.count > 0


def avg_over_time(block: Block) -> Found:
    total, error = sums.over_windows(sums.pairs(block.values), block.low, block.count, sums.add)
    found = np.where(np.isfinite(total), total / block.count + error / block.count, total)
    _overflown(block, found, _mean_of_shares)
    return found, block.count > 0


def _overflown(block: Block, found: Values, one: Callable[[Values], float]) -> None:
    """Works out again the windows whose finite points add up to more than a float can be.

    Where a point is NaN or infinite the result is right already.
    """
    where = ~np.isfinite(found) & (block.count > 0)
    if not where.any():
        return
    odd = np.concatenate(([0], np.cumsum(~np.isfinite(block.values))))
    where &= odd[block.high] == odd[block.low]
    for row, column in zip(*np.nonzero(where), strict=True):
        found[row, column] = one(block.values[block.low[row, column] : block.high[row, column]])


def _sum_in_order(points: Values) -> float:
    return float(np.cumsum(points)[-1])


def _mean_of_shares(points: Values) -> float:
    """Terms are divided before they are added."""
    whole = (np.zeros((1, 1), dtype=np.int64), np.full((1, 1), len(points)))
    total = sums.over_windows(sums.pairs(points / len(points)), *whole, sums.add)
    return float(sums.finish(*total)[0, 0])


def count_over_time(block: Block) -> Found:
    count = block.count
    return count.astype(np.float64), count > 0


def present_over_time(block: Block) -> Found:
    present = block.count > 0
    return np.ones(present.shape), present


def last_over_time(block: Block) -> Found:
    return block.values[block.last()], block.count > 0


def first_over_time(block: Block) -> Found:
    return block.values[block.first()], block.count > 0


def ts_of_first_over_time(block: Block) -> Found:
    return block.times[block.first()] / 1000, block.count > 0


def ts_of_last_over_time(block: Block) -> Found:
    return block.times[block.last()] / 1000, block.count > 0


def max_over_time(block: Block) -> Found:
    return _extreme(block, np.fmax)


def min_over_time(block: Block) -> Found:
    return _extreme(block, np.fmin)


def _extreme(block: Block, of: np.ufunc) -> Found:
    """NaN only where all are: two runs of 2^k points that overlap cover any window."""
    count = block.count
    found = np.full(count.shape, np.nan)
    most = int(count.max(initial=0))
    runs, size = block.values, 1
    while size <= most:
        fits = (count >= size) & (count < size * 2)
        if fits.all():
            of(runs[block.low], runs[block.high - size], out=found)
        elif fits.any():
            found[fits] = of(runs[block.low[fits]], runs[block.high[fits] - size])
        if size * 2 <= most:
            runs = of(runs[:-size], runs[size:])
        size *= 2
    return found, count > 0


def stdvar_over_time(block: Block) -> Found:
    leaves = (np.ones_like(block.values), block.values, np.zeros_like(block.values))
    count, _, squares = sums.over_windows(leaves, block.low, block.count, _moments)
    odd = np.concatenate(([0], np.cumsum(~np.isfinite(block.values))))
    variance = np.where(odd[block.high] > odd[block.low], np.nan, squares / count)
    return variance, block.count > 0


def _moments(left: sums.Parts, right: sums.Parts) -> sums.Parts:
    """`sums.moments` where neither side is empty."""
    count = left[0] + right[0]
    distance = right[1] - left[1]
    share = right[0] / count
    mean = left[1] + distance * share
    distance *= distance
    distance *= left[0]
    distance *= share
    distance += left[2]
    distance += right[2]
    return count, mean, distance


def stddev_over_time(block: Block) -> Found:
    variance, present = stdvar_over_time(block)
    return np.sqrt(variance), present


def quantile_over_time(block: Block) -> Found:
    quantiles = np.broadcast_to(block.args[0], block.count.shape).ravel()
    return gathered(block, lambda points, where: quantile(points, quantiles[where]))


def mad_over_time(block: Block) -> Found:
    def deviation(points: Values, _: Indexes) -> Values:
        half = np.full(len(points), 0.5)
        median = quantile(points.copy(), half)
        found = quantile(np.abs(points - median[:, None]), half)
        return np.where(np.isnan(points).any(axis=1), np.nan, found)

    return gathered(block, deviation)


def ts_of_max_over_time(block: Block) -> Found:
    return _moment_of(block, 1.0)


def ts_of_min_over_time(block: Block) -> Found:
    return _moment_of(block, -1.0)


def _moment_of(block: Block, sign: float) -> Found:
    """When the extreme was last reached."""
    low = block.low.ravel()

    def moment(points: Values, where: Indexes) -> Values:
        ranked = np.where(np.isnan(points), -np.inf, points * sign)
        # A NaN counts only where all are: the last point then.
        worst = np.isnan(points) & ~np.asarray(np.isnan(points).all(axis=1))[:, None]
        ranked_top = ranked.max(axis=1)[:, None]
        hit = (ranked == ranked_top) & ~worst
        last = points.shape[1] - 1 - np.argmax(hit[:, ::-1], axis=1)
        found: Values = block.times[low[where] + last] / 1000
        return found

    return gathered(block, moment)


def gathered(block: Block, one: Callable[[Values, Indexes], Values]) -> Found:
    """Windows of the same size side by side (windows × points), worked on together.

    `one` gets their points, which it may change, and where the windows are in flat order.
    """
    count = block.count
    found = np.full(count.size, np.nan)
    low = block.low.ravel()
    for size, everywhere in sums.by_size(count):
        rows = max(1, _GATHER // size)
        for start in range(0, len(everywhere), rows):
            where = everywhere[start : start + rows]
            points = block.values[low[where][:, None] + np.arange(size)]
            found[where] = one(points, where)
    return found.reshape(count.shape), count > 0


def quantile(points: Values, quantiles: Values) -> Values:
    """Of each row, interpolated linearly; NaNs are the least. Sorts `points` in place."""
    size = points.shape[1]
    missing = np.isnan(points).sum(axis=1)
    points.sort(axis=1)  # NaNs last
    rank = quantiles * (size - 1)
    lower = np.clip(np.nan_to_num(np.floor(rank)), 0, size - 1).astype(np.int64)
    upper = np.minimum(lower + 1, size - 1)
    weight = rank - np.floor(rank)
    each = np.arange(len(points))
    below = _ranked(points, each, lower, missing)
    above = _ranked(points, each, upper, missing)
    found = below * (1 - weight) + above * weight
    found = np.where(quantiles < 0, -np.inf, np.where(quantiles > 1, np.inf, found))
    return np.where(np.isnan(quantiles), np.nan, found)


def _ranked(points: Values, each: Indexes, rank: Indexes, missing: Indexes) -> Values:
    place = rank - missing
    found: Values = np.where(place < 0, np.nan, points[each, np.maximum(place, 0)])
    return found


def deriv(block: Block) -> Found:
    slope, _, present = regression(block)
    return slope, present


def predict_linear(block: Block) -> Found:
    slope, at_moment, present = regression(block)
    return slope * block.args[0] + at_moment, present


def regression(block: Block) -> tuple[Values, Values, np.ndarray]:
    """Slope per second and value at the moment of evaluation, by least squares.

    Means and products of the runs are merged as `sums.moments` does, so that no large times are
    squared. A constant range has slope 0 exactly.
    """
    count = block.count
    present = count >= 2
    origin = block.times[0] if len(block.times) else 0
    x = (block.times - origin) / 1000
    zeros = np.zeros_like(x)
    leaves = (np.ones_like(x), x, block.values, zeros, zeros)
    _, mean_x, mean_y, squares, products = sums.over_windows(leaves, block.low, count, _products)
    slope = np.where(np.isfinite(mean_y), products / squares, np.nan)
    value = mean_y + slope * ((block.moments - origin) / 1000 - mean_x)
    differs = np.concatenate(([0, 0], np.cumsum(block.values[1:] != block.values[:-1])))
    changed = differs[block.high] - differs[np.minimum(block.low + 1, len(differs) - 1)]
    start = block.values[block.first()]
    level = present & (changed == 0) & ~np.isnan(start)
    endless = np.where(np.isinf(start), np.nan, 0.0)
    slope = np.where(level, endless, slope)
    value = np.where(level, start + endless, value)
    return slope, value, present


def _products(left: sums.Parts, right: sums.Parts) -> sums.Parts:
    """Count, means of x and y, sums of squares of x and of products, of two runs together."""
    count = left[0] + right[0]
    share = right[0] / count
    x, y = right[1] - left[1], right[2] - left[2]
    weight = left[0] * share
    return (
        count,
        left[1] + x * share,
        left[2] + y * share,
        left[3] + right[3] + x * x * weight,
        left[4] + right[4] + x * y * weight,
    )


def double_exponential_smoothing(block: Block) -> Found:
    """Level and trend, point after point; all windows of a size together."""
    shape = block.count.shape
    smoothing = np.broadcast_to(block.args[0], shape).ravel()
    trending = np.broadcast_to(block.args[1], shape).ravel()

    def smooth(points: Values, where: Indexes) -> Values:
        if points.shape[1] < 2:
            return np.full(len(points), np.nan)
        factor, trend_factor = smoothing[where], trending[where]
        before, level = np.zeros(len(points)), points[:, 0].copy()
        trend = points[:, 1] - points[:, 0]
        for nth in range(1, points.shape[1]):
            if nth > 1:
                trend = trend_factor * (level - before) + (1 - trend_factor) * trend
            before, level = (
                level,
                factor * points[:, nth] + (1 - factor) * (level + trend),
            )
        return level

    found, _ = gathered(block, smooth)
    return found, block.count >= 2
