"""`PromSource`: the series of one project as the evaluator asks for them."""

from collections.abc import Sequence

import numpy as np

from quarterdeck.store.telemetry import Engine
from quarterdeck.store.telemetry import Limits as EngineLimits
from quarterdeck.telemetry.prometheus import samples
from quarterdeck.telemetry.prometheus.catalog import Catalog
from quarterdeck.telemetry.prometheus.grid import FUNCTIONS, Pushed, over_grid, worthwhile
from quarterdeck.telemetry.prometheus.otlp.select import OtlpSeries
from quarterdeck.telemetry.prometheus.points import Points, Series, joined, selected
from quarterdeck.telemetry.promql.limits import Limits, too_many_series
from quarterdeck.telemetry.promql.source import Grid, Matcher, Matrix, Selected


class PromSource:
    """A `promql.source.Source` over the engine."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        otlp: OtlpSeries,
        project: int,
        limits: Limits,
        engine_limits: EngineLimits,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._otlp = otlp
        self._project = project
        self._limits = limits
        self._engine_limits = engine_limits

    def select(self, matchers: Sequence[Matcher], after: int, until: int) -> Selected:
        series = Series()
        parts = self._native(series, matchers, after, until)
        parts += self._otlp.select(
            series, self._project, matchers, after, until, self._limits, self._engine_limits
        )
        return selected(series.labels, joined(parts))

    def _native(
        self, series: Series, matchers: Sequence[Matcher], after: int, until: int
    ) -> list[Points]:
        """What came by remote write and scraping."""
        found = self._catalog.find(self._project, matchers, after, until)
        count = sum(len(each.rows) for each in found)
        if not count:
            return []
        if count > self._limits.series:
            raise too_many_series(count, self._limits.series)
        for each in found:
            series.places(each.labels())
        ids = np.concatenate([each.ids for each in found])
        asked = (self._engine, self._project, ids, after, until, self._engine_limits)
        return [samples.floats(*asked), samples.histograms(*asked)]

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        if function not in FUNCTIONS:
            return None
        after, until = grid.start - window, grid.end
        asked = (self._project, matchers, after, until)
        found = self._catalog.find(*asked)
        ids = np.concatenate([each.ids for each in found] or [np.empty(0, np.uint64)])
        if not worthwhile(ids, grid, self._limits) or self._otlp.any(*asked):
            return None
        if samples.any_histogram(self._engine, self._project, ids, after, until):
            return None
        if len(ids) > self._limits.series:
            raise too_many_series(len(ids), self._limits.series)
        labels = [labels for each in found for labels in each.labels()]
        pushed = Pushed(self._engine, self._project, function, grid, window, self._engine_limits)
        return over_grid(pushed, ids, labels)
