"""Kernels over windows, beside the plainest code that does the same one window at a time."""

import itertools
import math
import random
import statistics
from collections.abc import Callable

import numpy as np
import pytest

from quarterdeck.telemetry.promql import ranging, sums, windows
from quarterdeck.telemetry.promql.limits import Limits
from quarterdeck.telemetry.promql.source import STALE_BITS, Grid, Selected

Points = list[tuple[int, float]]
GRIDS = [
    (Grid(0, 600_000, 60_000), 300_000),  # windows that overlap, their width a multiple of the step
    (Grid(7, 600_000, 70_000), 95_001),
    (Grid(0, 600_000, 200_000), 50_000),  # gaps between windows
    (Grid(333_333, 333_333, 1), 400_000),  # one moment
    (Grid(-50_000, 900_000, 25_000), 1_000_000),  # windows beyond both ends
]


def ragged(chance: random.Random, odd: bool) -> list[Points]:
    """Series of different lengths, one empty, with gaps; some with NaN and infinities."""
    found = []
    for number in range(12):
        at, points = chance.randrange(20_000), []
        for _ in range(0 if number == 5 else chance.randrange(1, 60)):
            at += chance.choice([15_000, 14_000, 16_001, 60_000])
            value = chance.choice([chance.gauss(0, 100), chance.randrange(9), 1e6])
            if odd and chance.random() < 0.05:
                value = chance.choice([math.nan, math.inf, -math.inf])
            points.append((at, float(value)))
        found.append(points)
    return found


def selected(series: list[Points]) -> Selected:
    flat = [point for points in series for point in points]
    return Selected(
        [{"n": str(number)} for number in range(len(series))],
        np.cumsum([0, *(len(points) for points in series)]),
        np.array([at for at, _ in flat], dtype=np.int64),
        np.array([value for _, value in flat], dtype=np.float64),
    )


def resets(points: Points) -> float:
    values = [value for _, value in points]
    return sum(b < a for a, b in itertools.pairwise(values))


def increase(points: Points, end: int, width: int) -> float | None:
    """As docs/querying/functions describes it, step by step."""
    if len(points) < 2:
        return None
    values = [value for _, value in points]
    change = values[-1] - values[0]
    change += sum(a for a, b in itertools.pairwise(values) if b < a)
    covered = (points[-1][0] - points[0][0]) / 1000
    between = covered / (len(points) - 1)
    before = (points[0][0] - (end - width)) / 1000
    after = (end - points[-1][0]) / 1000
    before = before if before < between * 1.1 else between / 2
    if change > 0 and values[0] >= 0:
        before = min(before, covered * values[0] / change)
    after = after if after < between * 1.1 else between / 2
    return change * (covered + before + after) / covered


def slope(points: Points) -> float | None:
    if len(points) < 2:
        return None
    x = [at / 1000 for at, _ in points]
    y = [value for _, value in points]
    return 0.0 if len(set(y)) == 1 else statistics.linear_regression(x, y).slope


def quantile(points: Points, share: float) -> float:
    """A NaN is less than all numbers."""
    values = sorted((value for _, value in points), key=lambda v: (not math.isnan(v), v))
    rank = share * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    weight = rank - low
    return values[low] * (1 - weight) + values[high] * weight


def smoothed(points: Points) -> float | None:
    values = [value for _, value in points]
    if len(values) < 2:
        return None
    before, level, trend = 0.0, values[0], values[1] - values[0]
    for nth, value in enumerate(values[1:]):
        if nth:
            trend = 0.6 * (level - before) + 0.4 * trend
        before, level = level, 0.3 * value + 0.7 * (level + trend)
    return level


def best(points: Points, of: Callable[[list[float]], float]) -> float:
    values = [value for _, value in points if not math.isnan(value)]
    return of(values) if values else math.nan


def when(points: Points, of: Callable[[list[float]], float]) -> float:
    top = best(points, of)
    hits = [at for at, value in points if value == top] or [points[-1][0]]
    return hits[-1] / 1000


def spread(points: Points) -> float:
    values = [value for _, value in points]
    return statistics.pvariance(values) if all(map(math.isfinite, values)) else math.nan


def added(points: Points) -> float:
    values = [value for _, value in points]
    if any(map(math.isnan, values)) or {math.inf, -math.inf} <= set(values):
        return math.nan
    return math.fsum(values)


Plain = Callable[[Points, int, int], float | None]
PLAIN: dict[str, Plain] = {
    "sum_over_time": lambda points, end, width: added(points),
    "avg_over_time": lambda points, end, width: added(points) / len(points),
    "count_over_time": lambda points, end, width: len(points),
    "present_over_time": lambda points, end, width: 1,
    "min_over_time": lambda points, end, width: best(points, min),
    "max_over_time": lambda points, end, width: best(points, max),
    "stdvar_over_time": lambda points, end, width: spread(points),
    "stddev_over_time": lambda points, end, width: math.sqrt(spread(points)),
    "quantile_over_time": lambda points, end, width: quantile(points, 0.3),
    "last_over_time": lambda points, end, width: points[-1][1],
    "first_over_time": lambda points, end, width: points[0][1],
    "ts_of_first_over_time": lambda points, end, width: points[0][0] / 1000,
    "ts_of_last_over_time": lambda points, end, width: points[-1][0] / 1000,
    "ts_of_max_over_time": lambda points, end, width: when(points, max),
    "ts_of_min_over_time": lambda points, end, width: when(points, min),
    "resets": lambda points, end, width: resets(points),
    "increase": lambda points, end, width: increase(points, end, width),
    "deriv": lambda points, end, width: slope(points),
    "double_exponential_smoothing": lambda points, end, width: smoothed(points),
}
_FINITE_ONLY = {"increase", "deriv", "double_exponential_smoothing"}
_ARGS = {"quantile_over_time": [0.3], "double_exponential_smoothing": [0.3, 0.6]}


@pytest.mark.parametrize("name", PLAIN)
def test_a_kernel_gives_for_all_windows_what_plain_code_gives_for_each(name: str) -> None:
    chance = random.Random(name)
    compared = 0
    for grid, width in GRIDS:
        series = ragged(chance, name not in _FINITE_ONLY)
        moments = grid.times()
        ranged = windows.windows_of(selected(series), grid, width, moments, "")
        args = [np.full(grid.count, value) for value in _ARGS.get(name, [])]
        for block in windows.blocks(ranged, grid.count, args):
            with np.errstate(all="ignore"):
                values, present = ranging.KERNELS[name](block)
            for row, points in enumerate(series[block.rows]):
                for column, end in enumerate(moments.tolist()):
                    within = [point for point in points if end - width < point[0] <= end]
                    plain = PLAIN[name](within, end, width) if within else None
                    assert present[row, column] == (plain is not None)
                    if plain is not None:
                        expected = pytest.approx(plain, rel=1e-7, abs=1e-7, nan_ok=True)
                        assert values[row, column] == expected, (within, end)
                        compared += 1
    assert compared > 300


def test_blocks_cover_all_series_and_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_BLOCK", 50)
    offsets = np.cumsum([0, 10, 0, 200, 3, 3, 3, 40, 0])
    found = list(windows.portions(offsets, 5))
    assert [part.start for part in found] == [0, *(part.stop for part in found[:-1])]
    assert found[-1].stop == 8
    for part in found:
        cost = offsets[part.stop] - offsets[part.start] + 5 * (part.stop - part.start)
        assert cost <= 50 or part.stop == part.start + 1


def test_staleness_markers_are_no_points_of_a_range() -> None:
    stale = np.array([STALE_BITS], dtype=np.uint64).view(np.float64)[0]
    kept = windows.windows_of(
        selected([[(1, 1.0), (2, stale), (3, math.nan)], [(1, stale)]]),
        Grid(5, 5, 1),
        10,
        np.array([5]),
        "",
    )
    assert kept.times.tolist() == [1, 3]
    assert kept.offsets.tolist() == [0, 2, 2]


def test_a_sum_over_groups_loses_nothing_to_rounding() -> None:
    chance = random.Random(8)
    groups = np.sort([chance.randrange(7) for _ in range(200)])
    groups = np.unique(groups, return_inverse=True)[1]
    rows = np.array(
        [[chance.gauss(0, 1) * 10 ** chance.randrange(-9, 9) for _ in "abc"] for _ in groups]
    )
    found = sums.finish(*sums.over_groups(sums.pairs(rows), groups, sums.add))
    for group in range(int(groups[-1]) + 1):
        for column in range(3):
            exact = math.fsum(rows[groups == group, column])
            assert found[group, column] == pytest.approx(exact, rel=1e-15)


def test_limits_are_those_the_docs_name() -> None:
    limits = Limits()
    named = (limits.series, limits.samples, limits.steps, limits.points, limits.seconds)
    assert named == (100_000, 50_000_000, 11_000, 20_000_000, 30.0)
