"""What one evaluation carries along."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from quarterdeck.telemetry.promql.annotations import Notes
from quarterdeck.telemetry.promql.histogram_sums import told
from quarterdeck.telemetry.promql.limits import HISTOGRAM, Budget
from quarterdeck.telemetry.promql.source import Grid, Matcher, Matrix, Selected, Source
from quarterdeck.telemetry.promql.syntax import Selector, Subquery

_Fetch = tuple[tuple[Matcher, ...], int, int]


@dataclass(slots=True)
class Context:
    source: Source
    asked: Grid  # what `start()`, `end()`, `range()` and `step()` speak of
    lookback: int
    subquery_step: int
    budget: Budget
    notes: Notes = field(default_factory=Notes)
    fetched: dict[_Fetch, Selected] = field(default_factory=dict)
    tells_resets: bool = False  # unknown hints of histograms are worked out as they are read

    def select(self, matchers: Sequence[Matcher], after: int, until: int) -> Selected:
        """Each selector and range is fetched once, however often it is written."""
        key = (tuple(matchers), after, until)
        if key not in self.fetched:
            self.budget.check_time()
            selected = self.source.select(matchers, after, until)
            self.budget.check_series(len(selected.labels))
            self.budget.add_samples(len(selected.times))
            if selected.histograms is not None:
                natives = int(np.count_nonzero(selected.histograms != None))  # noqa: E711
                self.budget.add_samples(natives * (HISTOGRAM - 1))
            self.budget.check_time()
            self.fetched[key] = selected
        found = self.fetched[key]
        if self.tells_resets and found.histograms is not None:
            return replace(found, histograms=told(found.histograms, found.offsets))
        return found

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        self.budget.check_time()
        found = self.source.over_grid(function, matchers, grid, window)
        if found is not None:
            self.budget.check_series(len(found.labels))
            self.budget.check_points(len(found.labels), grid.count)
        return found

    def moved(self, node: Selector | Subquery, grid: Grid) -> Grid:
        """The moments a selector looks at: `offset` back, or the one that `@` fixes."""
        if node.at is None:
            return Grid(grid.start - node.offset, grid.end - node.offset, grid.step)
        at = node.at
        if at == "start":
            at = self.asked.start
        elif at == "end":
            at = self.asked.end
        return Grid(at - node.offset, at - node.offset, grid.step)
