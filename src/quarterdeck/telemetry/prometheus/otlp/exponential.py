"""Exponential histograms of OTLP as native histograms.

OTLP's bucket `i` holds (b^i, b^(i+1)], Prometheus' bucket `i` holds (b^(i-1), b^i]: one further.
Scales above 8 become schema 8, those below -4 cannot be shown. Deltas add up from midnight UTC.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry.columns import Columns
from quarterdeck.telemetry.prometheus.otlp.accumulate import DAY_MS
from quarterdeck.telemetry.prometheus.otlp.spread import STALE, Asked
from quarterdeck.telemetry.prometheus.points import Points, Series, joined, none
from quarterdeck.telemetry.prometheus.samples import place
from quarterdeck.telemetry.promql.histogram import Histogram
from quarterdeck.telemetry.promql.histogram_sums import add

if TYPE_CHECKING:
    from quarterdeck.telemetry.prometheus.otlp.select import Wanted

_HIGHEST, _LOWEST = 8, -4
_NO_THRESHOLD = 1e-128  # what the specification takes where the sender says none
_WHAT = (
    "toFloat64(count) AS count, sum, scale, toFloat64(zero_count) AS zero_count, zero_threshold,"
    " positive_offset, positive_counts, negative_offset, negative_counts"
)


def exponential(asked: Asked, wanted: "Wanted", series: Series) -> Points:
    accumulates = wanted.kind.accumulates
    read = asked.read("exponential_histograms", _WHAT, accumulates)
    if "time" not in read:
        return none()
    shown = np.flatnonzero(read["scale"].values >= _LOWEST)
    where = place(read["series_id"].values, wanted.ids)[shown]
    times = (read["time"].values // 1_000_000)[shown]
    stale = (read["flags"].values[shown] & 1) != 0
    found = np.full(len(shown), None, object)
    for i, row in enumerate(shown.tolist()):
        found[i] = _stale() if stale[i] else _histogram(read, row)
    points = Points(
        series.places(wanted.labels())[where], times, np.full(len(shown), np.nan), found
    )
    if not accumulates:
        return points
    points = _accumulated(points, stale)
    return points.at(points.times > asked.after)


def _histogram(read: Columns, row: int) -> Histogram:
    scale = int(read["scale"].values[row])
    total = read["sum"]
    unknown = total.missing is not None and bool(total.missing[row])
    up, down = (_side(read, side, row) for side in ("positive", "negative"))
    whole = Histogram(
        count=float(read["count"].values[row]),
        sum=float("nan") if unknown else float(total.values[row]),
        schema=scale,
        zero_threshold=float(read["zero_threshold"].values[row]) or _NO_THRESHOLD,
        zero_count=float(read["zero_count"].values[row]),
        positive_index=up[0],
        positive_count=up[1],
        negative_index=down[0],
        negative_count=down[1],
    )
    return whole.reduced(_HIGHEST) if scale > _HIGHEST else whole


def _side(
    read: Columns, side: str, row: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    column = read[f"{side}_counts"]
    assert column.offsets is not None
    counts = column.values[column.offsets[row] : column.offsets[row + 1]].astype(np.float64)
    index = np.arange(len(counts), dtype=np.int64) + int(read[f"{side}_offset"].values[row]) + 1
    full = counts != 0
    return index[full], counts[full]


def _stale() -> Histogram:
    return Histogram(count=0.0, sum=float(STALE))


def _accumulated(points: Points, stale: npt.NDArray[np.bool_]) -> Points:
    """Sums since midnight; what is read begins there."""
    order = np.lexsort((points.times, points.series))
    points, stale = points.at(order), stale[order]
    assert points.histograms is not None
    total: Histogram | None = None
    last = (-1, -1)
    for i in range(len(points.times)):
        here = (int(points.series[i]), int(points.times[i]) // DAY_MS)
        if stale[i]:
            continue
        mine = points.histograms[i]
        total = mine if total is None or here != last else add(total, mine).histogram
        points.histograms[i], last = total, here
    return joined([points])
