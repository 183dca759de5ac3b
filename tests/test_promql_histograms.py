"""Native histograms: what is worked out for many at once is what is worked out for one."""

import math
import random
from collections.abc import Iterator

import numpy as np
import pytest

from quarterdeck.telemetry.promql import histogram_ranges, histogram_sums, quantiles
from quarterdeck.telemetry.promql.annotations import Notes
from quarterdeck.telemetry.promql.evaluate import evaluate
from quarterdeck.telemetry.promql.histogram import CUSTOM, GAUGE, NOT_RESET, UNKNOWN, Histogram
from quarterdeck.telemetry.promql.histogram_stack import restarts, stack
from quarterdeck.telemetry.promql.source import Grid
from quarterdeck.telemetry.promql.values import Points
from support.promql import Memory


@pytest.fixture(autouse=True)
def _numbers_as_in_an_evaluation() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def any_histogram(chance: random.Random, like: Histogram | None = None) -> Histogram:
    """Of the same schema as another, though of other buckets."""
    kind = like.schema if like is not None else chance.choice([-2, 0, 3, CUSTOM])
    custom = np.array([0.5, 1.0, 2.5, 10.0]) if kind == CUSTOM else np.empty(0)

    def side(low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        index = sorted(chance.sample(range(low, high), chance.randrange(high - low)))
        counts = [float(chance.randrange(4)) for _ in index]
        return np.array(index, dtype=np.int64), np.array(counts)

    above = side(0, 5) if kind == CUSTOM else side(-3, 6)
    below = (np.empty(0, dtype=np.int64), np.empty(0)) if kind == CUSTOM else side(-2, 3)
    threshold = 0.0 if kind == CUSTOM else 2.0**-20
    zero = 0.0 if kind == CUSTOM else float(chance.randrange(3))
    count = float(above[1].sum() + below[1].sum() + zero)
    return Histogram(
        count, count * 1.5, kind, threshold, zero, above[0], above[1], below[0], below[1], custom
    )


def test_quantiles_of_many_histograms_are_those_of_each() -> None:
    chance = random.Random(1)
    histograms = [any_histogram(chance) for _ in range(400)]
    wanted = np.array([chance.choice([0.0, 0.1, 0.5, 0.77, 0.99, 1.0]) for _ in histograms])
    together = quantiles.native_quantiles(wanted, histograms)
    notes = Notes()
    for quantile, histogram, found in zip(wanted, histograms, together, strict=True):
        alone = quantiles.native_quantile(float(quantile), histogram, notes, "", "")
        assert found == pytest.approx(alone, nan_ok=True, rel=1e-12), (quantile, histogram)
    assert np.isfinite(together).sum() > 200


def test_a_fraction_is_the_inverse_of_a_quantile() -> None:
    chance = random.Random(2)
    checked = 0
    for _ in range(200):
        histogram, notes = any_histogram(chance), Notes()
        bounds = histogram.buckets()
        if not bounds.counts.any():
            continue
        for quantile in (0.2, 0.5, 0.9):
            value = quantiles.native_quantile(quantile, histogram, notes, "", "")
            open_ended = histogram.is_custom and value >= histogram.custom[-1]
            if open_ended or (bounds.lower == value).any() or (bounds.upper == value).any():
                continue
            found = quantiles.native_fraction(-math.inf, value, histogram, notes, "", "")
            assert found == pytest.approx(quantile)
            checked += 1
    assert checked > 100


def test_a_restart_is_found_in_a_stack_as_between_two() -> None:
    chance = random.Random(3)
    for _ in range(60):
        first = any_histogram(chance)
        points = [first] + [any_histogram(chance, first) for _ in range(8)]
        stacked = stack(points)
        assert stacked is not None
        found = restarts(stacked, np.full(len(points), UNKNOWN))
        for at in range(1, len(points)):
            assert found[at] == histogram_sums.restarted(points[at], points[at - 1])
        back = stacked.histograms(stacked.rows, UNKNOWN)
        assert all(one.compact().same_as(two) for one, two in zip(points, back, strict=True))
        assert not restarts(stacked, np.full(len(points), NOT_RESET)).any()


@pytest.mark.parametrize("function", ["rate", "increase", "delta"])
def test_rates_of_all_windows_at_once_are_those_of_each_window(
    function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(4)
    memory = Memory()
    for number in range(4):
        total = any_histogram(chance)
        points = []
        for at in range(40):
            more = any_histogram(chance, total)
            total = more if at % 13 == 12 else histogram_sums.add(total, more).histogram
            if function == "delta":
                total = total.with_hint(GAUGE)
            points.append((at * 15_000 + number, total))
        memory.add({"__name__": "h", "n": str(number)}, points)

    def asked() -> list[Points]:
        return list(evaluate(f"{function}(h[2m])", memory, Grid(60_000, 600_000, 30_000)).series())

    together = asked()
    monkeypatch.setattr(histogram_ranges, "stack", lambda points: None)
    for one, other in zip(together, asked(), strict=True):
        assert one.histograms is not None
        assert other.histograms is not None
        assert one.times.tolist() == other.times.tolist()
        for found, expected in zip(one.histograms, other.histograms, strict=True):
            assert found.hint == expected.hint == GAUGE
            assert found.positive_index.tolist() == expected.positive_index.tolist()
            assert found.count == pytest.approx(expected.count)
            assert found.sum == pytest.approx(expected.sum)
            assert found.counts() == pytest.approx(expected.counts())


def test_adding_brings_histograms_to_the_buckets_they_share() -> None:
    """Whatever is added, no observation is lost, and the order does not matter."""
    chance = random.Random(5)
    for _ in range(100):
        one = any_histogram(chance)
        two = any_histogram(chance)
        if one.is_custom != two.is_custom:
            with pytest.raises(histogram_sums.MixedSchemas):
                histogram_sums.add(one, two)
            continue
        there, back = histogram_sums.add(one, two), histogram_sums.add(two, one)
        assert there.histogram.compact().same_as(back.histogram.compact())
        assert there.histogram.counts().sum() == one.count + two.count
        assert there.histogram.schema == min(one.schema, two.schema)
