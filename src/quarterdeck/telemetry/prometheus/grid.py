"""Functions over windows worked out by the engine's `timeSeries…ToGrid` aggregates.

Only those are here whose results are PromQL's to the last bit or within the rounding of a sum, as
tests/test_prometheus_grid.py holds them to on random series with gaps, resets, NaN, markers and
repeated samples. Of two values for one moment, which no sender means, the greater counts until
the engine has merged them.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry import Engine, Limits, columns
from quarterdeck.telemetry.prometheus.families import listed
from quarterdeck.telemetry.prometheus.family import Ids
from quarterdeck.telemetry.prometheus.points import between
from quarterdeck.telemetry.prometheus.samples import PARALLEL, place, portions
from quarterdeck.telemetry.promql.limits import Limits as QueryLimits
from quarterdeck.telemetry.promql.source import STALE_BITS, Grid, Labels, Matrix, Values, is_stale

FUNCTIONS = {
    "rate": "timeSeriesRateToGrid",
    "increase": "timeSeriesIncreaseToGrid",
    "delta": "timeSeriesDeltaToGrid",
    "irate": "timeSeriesInstantRateToGrid",
    "idelta": "timeSeriesInstantDeltaToGrid",
    "changes": "timeSeriesChangesToGrid",
    "resets": "timeSeriesResetsToGrid",
    "min_over_time": "timeSeriesMinToGrid",
    "max_over_time": "timeSeriesMaxToGrid",
    "sum_over_time": "timeSeriesSumToGrid",
    "avg_over_time": "timeSeriesAvgToGrid",
    "count_over_time": "timeSeriesCountToGrid",
    "last_over_time": "timeSeriesLastToGrid",
    "last": "timeSeriesLastToGrid",
}
# These add up as the window moves: after an infinity the engine's sums stay infinite.
_FINITE = {"rate", "increase"}
_FEWEST = 200  # series: for fewer, reading the samples is as quick
_MOST_CELLS = 3_000_000  # series times moments of a statement, at some 40 bytes each
_SETTINGS = {"allow_experimental_ts_to_grid_aggregate_function": 1}


@dataclass(frozen=True, slots=True)
class Pushed:
    """What is worked out."""

    engine: Engine
    project: int
    function: str
    grid: Grid
    window: int
    limits: Limits

    def sql(self, ids: Ids) -> str:
        grid = self.grid
        end = grid.start + (grid.count - 1) * grid.step
        step, window = (_seconds(ms) for ms in (grid.step or 1, self.window))
        ends = ", ".join(f"fromUnixTimestamp64Milli({ms})" for ms in (grid.start, end))
        odd = "NOT isFinite(value)" if self.function in _FINITE else "false"
        # A marker hides what came before it from a plain selector; windows pass over it.
        skip = ""
        if self.function != "last":
            skip = f" AND reinterpretAsUInt64(value) != {STALE_BITS}"
        return (
            f"SELECT series_id, {FUNCTIONS[self.function]}({ends}, {step}, {window})(time, value) AS found,"
            f" max({odd}) AS odd"
            f" FROM prom_samples WHERE project = {self.project} AND series_id IN ({listed(ids)})"
            f" AND {between(grid.start - self.window, end)}{skip} GROUP BY series_id"
        )

    def read(self, ids: Ids) -> "_Part | None":
        """The series that have points; None where the engine's result would not be PromQL's."""
        read = columns.read(
            self.engine, "promql_grid", self.sql(ids), limits=self.limits, settings=_SETTINGS
        )
        found = read["found"]
        if read["odd"].values.any() or found.missing is None:
            return None
        shape = (len(read["series_id"].values), self.grid.count)
        values = found.values.astype(np.float64, copy=False).reshape(shape)
        return _Part(read["series_id"].values, values, ~found.missing.reshape(shape))


@dataclass(frozen=True, slots=True)
class _Part:
    ids: Ids
    values: Values  # series × moments
    present: npt.NDArray[np.bool_]


def worthwhile(ids: Ids, grid: Grid, limits: QueryLimits) -> bool:
    """Whether the engine is quicker than reading the samples, and its answer not too large."""
    return len(ids) >= _FEWEST and len(ids) * grid.count <= limits.points and grid.start > 0


def over_grid(pushed: Pushed, ids: Ids, labels: Sequence[Labels]) -> Matrix | None:
    """The function of every series at every moment."""
    ordered = np.sort(ids)
    most = max(1, _MOST_CELLS // max(1, pushed.grid.count))
    chunks = [ordered[portion] for portion in portions(len(ordered), most)]
    pushed = replace(pushed, limits=replace(pushed.limits, threads=1))
    if len(chunks) == 1:
        read = [pushed.read(chunks[0])]
    else:
        with ThreadPoolExecutor(PARALLEL) as pool:
            read = list(pool.map(pushed.read, chunks))
    parts = [part for part in read if part is not None]
    if len(parts) < len(read):
        return None
    values = np.concatenate([part.values for part in parts])
    present = np.concatenate([part.present for part in parts])
    if pushed.function == "last":
        present &= ~is_stale(values)
    order = place(np.concatenate([part.ids for part in parts]), ids).tolist()
    return Matrix([labels[i] for i in order], values, present)


def _seconds(milliseconds: int) -> str:
    return f"toDecimal64('{milliseconds / 1000:.3f}', 3)"
