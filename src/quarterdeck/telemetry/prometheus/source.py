"""`PromSource`: the series of one project as the evaluator asks for them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from quarterdeck.store.telemetry import Engine
from quarterdeck.store.telemetry import Limits as EngineLimits
from quarterdeck.telemetry.prometheus import samples
from quarterdeck.telemetry.prometheus.catalog import Catalog
from quarterdeck.telemetry.prometheus.family import Ids
from quarterdeck.telemetry.prometheus.grid import FUNCTIONS, Pushed, over_grid, worthwhile
from quarterdeck.telemetry.prometheus.otlp.select import OtlpSeries
from quarterdeck.telemetry.prometheus.points import Series, joined, selected
from quarterdeck.telemetry.promql.limits import Limits, too_many_series
from quarterdeck.telemetry.promql.source import Grid, Labels, Matcher, Matrix, Selected

_Key = tuple[tuple[Matcher, ...], int, int]


class PromSource:
    """A `promql.source.Source` over the engine, for one query."""

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
        self._last: tuple[_Key, Ids, list[Labels]] | None = None

    def select(self, matchers: Sequence[Matcher], after: int, until: int) -> Selected:
        series = Series()
        ids, labels = self._found(matchers, after, until)
        series.places(labels)
        limits = replace(self._engine_limits, rows=self._limits.samples)
        asked = (self._engine, self._project, ids, after, until, limits)
        parts = [samples.floats(*asked)]
        if self._catalog.has_histograms(self._project):
            parts.append(samples.histograms(*asked))
        parts += self._otlp.select(
            series, self._project, matchers, after, until, self._limits, self._engine_limits
        )
        return selected(series.labels, joined(parts))

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        if function not in FUNCTIONS:
            return None
        after, until = grid.start - window, grid.end
        ids, labels = self._found(matchers, after, until)
        if not worthwhile(ids, grid, self._limits):
            return None
        if self._otlp.any(self._project, matchers, after, until):
            return None
        asked = (self._engine, self._project, ids, after, until)
        if self._catalog.has_histograms(self._project) and samples.any_histogram(*asked):
            return None
        pushed = Pushed(self._engine, self._project, function, grid, window, self._engine_limits)
        return over_grid(pushed, ids, labels)

    def _found(
        self, matchers: Sequence[Matcher], after: int, until: int
    ) -> tuple[Ids, list[Labels]]:
        """Series by remote write and scraping that match, in the order of their ids.

        An evaluation first asks whether the engine can do the whole, then for the samples.
        """
        key = (tuple(matchers), after, until)
        if self._last is None or self._last[0] != key:
            found = self._catalog.find(self._project, matchers, after, until)
            count = sum(len(each.rows) for each in found)
            if count > self._limits.series:
                raise too_many_series(count, self._limits.series)
            ids = np.concatenate([each.ids for each in found] or [np.empty(0, np.uint64)])
            labels = [one for each in found for one in each.labels()]
            order = np.argsort(ids)
            self._last = (key, ids[order], [labels[i] for i in order.tolist()])
        return self._last[1:]
