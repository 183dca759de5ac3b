"""Selectors: instant vectors with lookback and staleness, and range vectors."""

from dataclasses import dataclass

import numpy as np

from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.source import Grid, Matrix, Selected, Times, Values, is_stale
from quarterdeck.telemetry.promql.syntax import Selector, Subquery
from quarterdeck.telemetry.promql.values import Vector, in_rows
from quarterdeck.telemetry.promql.windows import (
    Windows,
    portions,
    stale_histograms,
    upto,
    windows_of,
)


@dataclass(slots=True)
class Seen:
    """An instant vector, and when each of its points was taken."""

    vector: Vector
    times: Times


def instant(context: Context, node: Selector, grid: Grid) -> Vector:
    """The newest point of each series at each moment, if it is younger than the lookback."""
    looked = context.moved(node, grid)
    matrix = context.over_grid("last", node.matchers, looked, context.lookback)
    if matrix is not None:
        return spread(from_matrix(matrix), grid.count)
    return seen(context, node, grid).vector


def seen(context: Context, node: Selector, grid: Grid) -> Seen:
    looked = context.moved(node, grid)
    after = looked.start - context.lookback
    selected = context.select(node.matchers, after, looked.end)
    context.budget.check_points(len(selected.labels), grid.count)
    found = newest(selected, looked, context.lookback)
    kept = in_rows(found.vector.present)
    if not kept.all():
        rows = np.flatnonzero(kept)
        found = Seen(found.vector.take(rows), found.times[rows])
    if looked.count != grid.count:
        times = np.broadcast_to(found.times, (len(found.times), grid.count))
        found = Seen(spread(found.vector, grid.count), times)
    return found


def newest(selected: Selected, looked: Grid, lookback: int) -> Seen:
    """The newest point at each moment; a staleness marker hides what came before it."""
    series, steps = len(selected.labels), looked.count
    ends = looked.times()
    values = np.full((series, steps), np.nan)
    times = np.zeros((series, steps), dtype=np.int64)
    present = np.zeros((series, steps), dtype=np.bool_)
    histograms = None
    if selected.histograms is not None:
        histograms = np.full((series, steps), None, dtype=object)
    for rows in portions(selected.offsets, steps):
        begin, end = selected.offsets[rows.start], selected.offsets[rows.stop]
        if begin == end:
            continue
        offsets = selected.offsets[rows.start : rows.stop + 1]
        edges = upto(selected.times[begin:end], offsets - begin, looked.start, looked.step, steps)
        at = np.maximum(edges - 1, 0)
        np.take(selected.times[begin:end], at, out=times[rows])
        np.take(selected.values[begin:end], at, out=values[rows])
        here = edges + begin > offsets[:-1, None]
        here &= times[rows] > ends - lookback
        here &= ~is_stale(values[rows])
        if histograms is not None and selected.histograms is not None:
            found = selected.histograms[begin:end][at]
            here &= ~stale_histograms(found.ravel()).reshape(found.shape)
            found[~here] = None
            histograms[rows] = found
        present[rows] = here
    vector = Vector(selected.labels, values, present, np.zeros(series, dtype=np.bool_))
    if histograms is not None and (histograms != None).any():  # noqa: E711 (elementwise)
        vector.histograms = histograms
    return Seen(vector, times)


def from_matrix(matrix: Matrix) -> Vector:
    unnamed = np.zeros(len(matrix.labels), dtype=np.bool_)
    return Vector(matrix.labels, matrix.values, matrix.present, unnamed).without_empty()


def spread(vector: Vector, steps: int) -> Vector:
    """One moment, repeated for all."""
    if vector.values.shape[1] == steps:
        return vector
    shape = (len(vector.labels), steps)
    histograms = vector.histograms
    return Vector(
        vector.labels,
        np.broadcast_to(vector.values, shape),
        np.broadcast_to(vector.present, shape),
        vector.unnamed,
        None if histograms is None else np.broadcast_to(histograms, shape),
    )


def range_of(context: Context, node: Selector, grid: Grid) -> Windows:
    """The range vector of a selector."""
    assert node.window is not None
    looked = context.moved(node, grid)
    selected = context.select(node.matchers, looked.start - node.window, looked.end)
    context.budget.check_points(len(selected.labels), grid.count)
    return windows_of(selected, looked, node.window, grid.times(), node.place)


def inner_grid(context: Context, node: Subquery, grid: Grid) -> tuple[Grid, Grid]:
    """The moments at which a subquery evaluates its expression, and the ends of its windows.

    They are multiples of its step, whatever the moments of the query are.
    """
    looked = context.moved(node, grid)
    looked = Grid(looked.start, looked.start + (looked.count - 1) * looked.step, looked.step)
    step = node.step or context.subquery_step
    start = step * ((looked.start - node.window) // step) + step
    return Grid(start, looked.end, step), looked


def as_range(vector: Vector, inner: Grid, looked: Grid, node: Subquery, moments: Times) -> Windows:
    """The range vector of what a subquery found."""
    present = vector.present
    offsets = np.concatenate(([0], np.cumsum(present.sum(axis=1)))).astype(np.int64)
    times = np.broadcast_to(inner.times(), present.shape)[present]
    values: Values = vector.values[present]
    histograms = None if vector.histograms is None else vector.histograms[present]
    if histograms is not None:
        histograms = np.array(
            [None if one is None else one.without_reset() for one in histograms] + [None],
            dtype=object,
        )[:-1]
    return Windows(
        vector.labels,
        offsets,
        times,
        values,
        vector.unnamed,
        looked,
        node.window,
        len(moments),
        moments,
        node.place,
        histograms,
    )
