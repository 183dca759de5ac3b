"""What is worked out in the engine is what the evaluator works out from the samples."""

from collections.abc import Sequence

import numpy as np
import pytest

from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.prometheus import grid as pushdown
from quarterdeck.telemetry.prometheus import samples
from quarterdeck.telemetry.prometheus.source import PromSource
from quarterdeck.telemetry.promql.evaluate import evaluate
from quarterdeck.telemetry.promql.source import STALE_BITS, Grid, Matcher, Matrix
from support.engine import new_project, shared_engine
from support.prometheus import add_series, source_of

START = 1_790_000_000_000 // 86_400_000 * 86_400_000 + 3_600_000
STALE = np.array([STALE_BITS], np.uint64).view(np.float64)[0]
SERIES = 40
CALLS = {name: f"{name}({{1}}[{{0}}])" for name in pushdown.FUNCTIONS if name != "last"}
CALLS["last"] = "{1}"


class Unpushed:
    """The same source, which only reads samples."""

    def __init__(self, source: PromSource) -> None:
        self._source = source
        self.select = source.select

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        return None


class Counting(Unpushed):
    """The same source; counts what the engine took over."""

    def __init__(self, source: PromSource) -> None:
        super().__init__(source)
        self.pushed = 0

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        found = self._source.over_grid(function, matchers, grid, window)
        self.pushed += found is not None
        return found


def random_series(rng: np.random.Generator, odd: bool) -> list[tuple[int, float]]:
    """Irregular times, gaps, resets, NaN, infinities, markers, repeats."""
    count = int(rng.integers(1, 120))
    every = int(rng.choice([1_000, 7_500, 15_000, 61_003]))
    times = START + np.cumsum(rng.integers(1, 2 * every, count))
    if rng.random() < 0.5:
        times = START + every * np.arange(count)
    values = np.cumsum(rng.integers(0, 5, count)).astype(np.float64)
    if rng.random() < 0.4:
        values[count // 2 :] -= values[count // 2]
    if rng.random() < 0.3:
        values = rng.normal(0, 1e3, count)
    if rng.random() < 0.3:
        values *= rng.choice([1e-9, 1e15, -1])
    for value, share in ((STALE, 0.2), *(((np.nan, 0.1), (np.inf, 0.05)) if odd else ())):
        if rng.random() < 0.3:
            values[rng.random(count) < share] = value
    points = list(zip(times.tolist(), values.tolist(), strict=True))
    if rng.random() < 0.3:
        points = [p for p in points if not START + 400_000 < p[0] < START + 900_000]
    return points + (points[:3] if rng.random() < 0.3 else [])


@pytest.fixture(scope="module")
def source() -> PromSource:
    engine: EmbeddedEngine = shared_engine()
    project = new_project().id
    rng = np.random.default_rng(20261128)
    for name in ("x", "odd"):
        each = [
            ({"__name__": name, "n": str(n)}, random_series(rng, name == "odd"))
            for n in range(SERIES)
        ]
        add_series(engine, project, each)
    return source_of(engine, project)


@pytest.mark.parametrize("name", ["x", "odd"])
@pytest.mark.parametrize("function", sorted(CALLS))
def test_the_engine_and_the_evaluator_agree(
    source: PromSource, function: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushdown, "_FEWEST", 1)
    monkeypatch.setattr(samples, "AT_ONCE", 25)
    moments = [
        Grid(START + 60_000, START + 1_500_000, 15_000),
        Grid(START + 1, START + 2_000_000, 61_003),
        Grid(START + 100_000, START + 100_000, 1_000),
        Grid(START + 30_000, START + 600_000, 500),
    ]
    pushed = 0
    for window, moment in zip(("1m", "15s", "7m", "1s500ms"), moments, strict=True):
        query = CALLS[function].format(window, name)
        counting = Counting(source)
        ours = evaluate(query, counting, moment)
        theirs = evaluate(query, Unpushed(source), moment)
        pushed += counting.pushed
        mine, other = (
            {labels["n"]: row for row, labels in enumerate(result.labels)}
            for result in (ours, theirs)
        )
        assert set(mine) == set(other), (query, moment)
        for n, row in mine.items():
            where = str((query, moment, n))
            here = ours.present[row]
            np.testing.assert_array_equal(here, theirs.present[other[n]], err_msg=where)
            np.testing.assert_allclose(
                ours.values[row][here], theirs.values[other[n]][here],
                rtol=1e-12, atol=0, equal_nan=True, err_msg=where,
            )  # fmt: skip
    assert pushed == (0 if name == "odd" and function in ("rate", "increase") else 4)
