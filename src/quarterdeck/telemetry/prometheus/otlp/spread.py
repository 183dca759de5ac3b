"""Reads the points of a kind of OTLP metric and spreads each over the series that show it.

A reader gets a `Wanted` and gives `Points` whose series have places in the answer. Points that say
"no recorded value" become staleness markers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry import Engine, Limits, columns
from quarterdeck.store.telemetry.columns import Columns
from quarterdeck.telemetry.prometheus.family import Match
from quarterdeck.telemetry.prometheus.numbers import text_of
from quarterdeck.telemetry.prometheus.otlp.accumulate import (
    DAY_MS,
    Deltas,
    accumulated,
    begin_of,
)
from quarterdeck.telemetry.prometheus.otlp.layouts import Layout, alike, layouts, widened
from quarterdeck.telemetry.prometheus.points import Places, Points, Series, between, joined, none
from quarterdeck.telemetry.prometheus.samples import place
from quarterdeck.telemetry.promql.source import STALE_BITS, Labels, Times, Values

if TYPE_CHECKING:
    from quarterdeck.telemetry.prometheus.otlp.select import Wanted

STALE = np.array([STALE_BITS], np.uint64).view(np.float64)[0]
_NO_VALUE = 1  # flag of a point, DataPointFlags in opentelemetry/proto/metrics/v1

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which points are read."""

    engine: Engine
    project: int
    ids: str
    after: int
    until: int
    limits: Limits
    match: Match

    def read(self, table: str, what: str, accumulates: bool) -> Columns:
        """Columns of points in the order of series and time; each point once, also if sent twice."""
        after = begin_of(self.after) if accumulates else self.after
        sql = (
            f"SELECT series_id, time, start, flags, {what} FROM {table}"
            f" WHERE project = {self.project} AND series_id IN ({self.ids}) AND {between(after, self.until)}"
            " ORDER BY series_id, time, start LIMIT 1 BY series_id, time, start"
        )
        return columns.read(self.engine, "promql_otlp_points", sql, limits=self.limits)


def numbers(asked: Asked, wanted: "Wanted", series: Series) -> Points:
    """Gauges and sums."""
    read = asked.read("samples", "value", wanted.kind.accumulates)
    if "time" not in read:
        return none()
    rows = _Rows(read, wanted)
    return rows.points(asked, series.places(wanted.labels()), read["value"].values)


def histograms(asked: Asked, wanted: "Wanted", series: Series) -> Points:
    """Explicit histograms: their count, their sum, or a series for each bound."""
    if wanted.part == "bucket":
        return _buckets(asked, wanted, series)
    return _total(asked, wanted, series, "histograms")


def summaries(asked: Asked, wanted: "Wanted", series: Series) -> Points:
    if wanted.part == "quantile":
        return _quantiles(asked, wanted, series)
    return _total(asked, wanted, series, "summaries")


def _total(asked: Asked, wanted: "Wanted", series: Series, table: str) -> Points:
    read = asked.read(table, f"{wanted.part} AS total", wanted.kind.accumulates)
    if "time" not in read:
        return none()
    rows = _Rows(read, wanted)
    total = read["total"]
    found = total.values.astype(np.float64)
    there = rows.stale | (np.True_ if total.missing is None else ~total.missing)
    return rows.at(there).points(asked, series.places(wanted.labels()), found[there])


class _Rows:
    """Points as they were read: which physical series, when, since when, and whether empty."""

    def __init__(self, read: Columns, wanted: "Wanted") -> None:
        self.series: Places = place(read["series_id"].values, wanted.ids)
        self.times: Times = read["time"].values // 1_000_000
        self.starts: Times = read["start"].values // 1_000_000
        self.stale: Mask = (read["flags"].values & _NO_VALUE) != 0
        self.accumulates = wanted.kind.accumulates

    def at(self, index: npt.NDArray[np.int64] | Mask) -> "_Rows":
        other = object.__new__(_Rows)
        other.series, other.times = self.series[index], self.times[index]
        other.starts, other.stale = self.starts[index], self.stale[index]
        other.accumulates = self.accumulates
        return other

    def days(self, base: list[Labels]) -> npt.NDArray[np.int64]:
        """Numbers the days of each series; physical series with the same labels are one."""
        days = self.times // DAY_MS
        days = days - days.min() + Series().places(base)[self.series] * (np.ptp(days) + 1)
        return np.unique(days, return_inverse=True)[1]

    def points(self, asked: Asked, places: Places, values: Values) -> Points:
        """One value a row, of series whose places in the answer are given."""
        series = places[self.series]
        if not self.accumulates:
            return Points(series, self.times, np.where(self.stale, STALE, values))
        full = ~self.stale
        deltas = Deltas(series[full], self.times[full], self.starts[full], values[full])
        ends = (self.times > asked.after) & self.stale
        markers = Points(series[ends], self.times[ends], np.full(int(ends.sum()), STALE))
        return joined([accumulated(deltas, asked.after, asked.until), markers])


def _buckets(asked: Asked, wanted: "Wanted", series: Series) -> Points:
    what = "bounds, counts, toFloat64(count) AS total"
    read = asked.read("histograms", what, wanted.kind.accumulates)
    if "time" not in read:
        return none()
    rows = _Rows(read, wanted)
    bounds, counts = read["bounds"], read["counts"]
    assert bounds.offsets is not None
    assert counts.offsets is not None
    widths = np.diff(counts.offsets)
    sound = (widths == np.diff(bounds.offsets) + 1) & (widths > 0) & ~rows.stale
    found = layouts(bounds, counts, np.flatnonzero(sound))
    rest = np.flatnonzero(~sound & ~rows.stale)  # no buckets were kept: what is known is the total
    if len(rest):
        found.append(Layout(rest, np.empty(0), read["total"].values[rest][:, None]))
    base = wanted.labels()
    if rows.accumulates and len(found) > 1:
        found = widened(found, rows.days(base))
    parts = []
    for each in found:
        mine = rows.at(each.index)
        parts += _each(asked, wanted, series, base, "le", each.names, mine, each.sums)
    return joined([*parts, _markers(asked, rows, parts, series, base)])


def _quantiles(asked: Asked, wanted: "Wanted", series: Series) -> Points:
    read = asked.read("summaries", "quantiles, quantile_values", False)
    if "time" not in read:
        return none()
    rows = _Rows(read, wanted)
    quantiles, values = read["quantiles"], read["quantile_values"]
    assert quantiles.offsets is not None
    full = np.flatnonzero((np.diff(quantiles.offsets) > 0) & ~rows.stale)
    base = wanted.labels()
    parts = []
    for index in alike(quantiles.values, quantiles.offsets, full):
        begin, end = quantiles.offsets[index[0]], quantiles.offsets[index[0] + 1]
        names = [text_of(float(quantile)) for quantile in quantiles.values[begin:end]]
        cells = quantiles.offsets[index][:, None] + np.arange(end - begin)
        found = values.values[cells]
        parts += _each(asked, wanted, series, base, "quantile", names, rows.at(index), found)
    return joined([*parts, _markers(asked, rows, parts, series, base)])


def _each(
    asked: Asked,
    wanted: "Wanted",
    series: Series,
    base: list[Labels],
    label: str,
    names: list[str],
    rows: _Rows,
    values: npt.NDArray[np.float64],
) -> list[Points]:
    """Points of the series that one more label makes: a column of `values` for each name."""
    taken = np.ones(len(names), np.bool_)
    for matcher in wanted.own:
        taken &= asked.match(matcher, names)
    used = np.unique(rows.series).tolist()
    parts = []
    for column in np.flatnonzero(taken).tolist():
        places = np.zeros(len(base), np.int64)
        places[used] = series.places([{**base[row], label: names[column]} for row in used])
        parts.append(rows.points(asked, places, values[:, column]))
    return parts


def _markers(
    asked: Asked, rows: _Rows, parts: list[Points], series: Series, base: list[Labels]
) -> Points:
    """Where a point has no value, all series of its physical series end."""
    ends = rows.at(rows.stale & (rows.times > asked.after))
    if not len(ends.times):
        return none()
    found = []
    labels = {place: series.labels[place] for part in parts for place in np.unique(part.series)}
    for row in np.unique(ends.series).tolist():
        mine = base[row].items()
        times = ends.times[ends.series == row]
        for place_, each in labels.items():
            if mine <= each.items():
                found.append(Points(np.full(len(times), place_), times, np.full(len(times), STALE)))
    return joined(found)


Reader = Callable[[Asked, "Wanted", Series], Points]
