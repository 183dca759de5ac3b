"""Functions over range vectors: chooses a kernel and runs it over all series."""

import numpy as np

from quarterdeck.telemetry.promql import over_time, rates
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.histogram_ranges import Asked, Kernel, over_row
from quarterdeck.telemetry.promql.source import Grid, Values
from quarterdeck.telemetry.promql.syntax import Call, Selector
from quarterdeck.telemetry.promql.values import NAME, Flags, Objects, Vector, in_rows
from quarterdeck.telemetry.promql.windows import Windows, blocks, rows_of

KERNELS: dict[str, Kernel] = {
    "rate": rates.rate,
    "increase": rates.increase,
    "delta": rates.delta,
    "irate": rates.irate,
    "idelta": rates.idelta,
    "resets": rates.resets,
    "changes": rates.changes,
    "deriv": over_time.deriv,
    "predict_linear": over_time.predict_linear,
    "double_exponential_smoothing": over_time.double_exponential_smoothing,
    "avg_over_time": over_time.avg_over_time,
    "min_over_time": over_time.min_over_time,
    "max_over_time": over_time.max_over_time,
    "sum_over_time": over_time.sum_over_time,
    "count_over_time": over_time.count_over_time,
    "quantile_over_time": over_time.quantile_over_time,
    "stddev_over_time": over_time.stddev_over_time,
    "stdvar_over_time": over_time.stdvar_over_time,
    "mad_over_time": over_time.mad_over_time,
    "last_over_time": over_time.last_over_time,
    "first_over_time": over_time.first_over_time,
    "present_over_time": over_time.present_over_time,
    "absent_over_time": over_time.present_over_time,
    "ts_of_first_over_time": over_time.ts_of_first_over_time,
    "ts_of_last_over_time": over_time.ts_of_last_over_time,
    "ts_of_max_over_time": over_time.ts_of_max_over_time,
    "ts_of_min_over_time": over_time.ts_of_min_over_time,
}
KEEPS_NAME = {"last_over_time", "first_over_time"}
_OF_MOMENT = {"predict_linear"}  # depends on the moment of evaluation, beside its window
_COUNTER_ENDINGS = ("_total", "_sum", "_count", "_bucket")


def pushed(context: Context, node: Call, selector: Selector, grid: Grid) -> Vector | None:
    """Worked out by the source, if it can."""
    if len(node.args) != 1 or selector.window is None:
        return None
    looked = context.moved(selector, grid)
    matrix = context.over_grid(node.name, selector.matchers, looked, selector.window)
    if matrix is None:
        return None
    unnamed = np.full(len(matrix.labels), node.name not in KEEPS_NAME)
    shape = (len(matrix.labels), grid.count)
    found = Vector(
        matrix.labels,
        np.broadcast_to(matrix.values, shape),
        np.broadcast_to(matrix.present, shape),
        unnamed,
    ).without_empty()
    note_counters(context, node, found, selector.place)
    return found


def over_windows(
    context: Context, node: Call, windows: Windows, args: list[Values], grid: Grid
) -> Vector:
    """The function over each window of each series."""
    series, steps = len(windows.labels), windows.ends.count
    if node.name in _OF_MOMENT or any(len(np.unique(arg)) > 1 for arg in args):
        steps = grid.count
    values = np.full((series, steps), np.nan)
    present = np.zeros((series, steps), dtype=np.bool_)
    args = [arg[:steps] for arg in args]
    histograms = None
    if windows.histograms is not None:
        histograms = _mixed(context, node, windows, args, values, present)
    else:
        _floats(context, KERNELS[node.name], windows, args, values, present)
    shape = (series, grid.count)
    vector = Vector(
        windows.labels,
        np.broadcast_to(values, shape),
        np.broadcast_to(present, shape),
        windows.unnamed | (node.name not in KEEPS_NAME),
        None if histograms is None else np.broadcast_to(histograms, shape),
    ).without_empty()
    note_counters(context, node, vector, windows.place)
    return vector


def _floats(
    context: Context,
    kernel: Kernel,
    windows: Windows,
    args: list[Values],
    values: Values,
    present: Flags,
) -> None:
    if not len(windows.times):
        return
    for block in blocks(windows, values.shape[1], args):
        context.budget.check_time()
        if len(block.times):
            values[block.rows], present[block.rows] = kernel(block)


def _mixed(
    context: Context,
    node: Call,
    windows: Windows,
    args: list[Values],
    values: Values,
    present: Flags,
) -> Objects | None:
    """Series with histograms one by one, the others together."""
    assert windows.histograms is not None
    native = np.asarray(windows.histograms != None)  # noqa: E711 (elementwise)
    counts = np.concatenate(([0], np.cumsum(native)))[windows.offsets]
    rows = np.flatnonzero(np.diff(counts) == 0)
    if len(rows):
        plain = rows_of(windows, rows)
        some, here = values[rows], present[rows]
        _floats(context, KERNELS[node.name], plain, args, some, here)
        values[rows], present[rows] = some, here
    context.budget.check_histograms(np.count_nonzero(np.diff(counts)) * values.shape[1])
    histograms = np.full(values.shape, None, dtype=object)
    asked = Asked(node.name, KERNELS[node.name], context.notes, windows.place, context.budget)
    for row in np.flatnonzero(np.diff(counts) > 0).tolist():
        found = over_row(asked, windows, row, values.shape[1], args)
        values[row], present[row] = found.values, found.present
        histograms[row] = found.histograms
    return histograms if (histograms != None).any() else None  # noqa: E711 (elementwise)


def note_counters(context: Context, node: Call, vector: Vector, place: str) -> None:
    """Says which metrics do not look like counters although a rate was asked of them."""
    if node.name not in ("rate", "increase") or not vector.labels:
        return
    floats = in_rows(vector.floats)
    for labels, here in zip(vector.labels, floats.tolist(), strict=True):
        name = labels.get(NAME, "")
        if here and name and not name.endswith(_COUNTER_ENDINGS):
            context.notes.maybe_not_counter(name, place)
