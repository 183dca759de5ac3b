"""Calls: a table from the name of a function to what works it out.

Arguments come evaluated; functions over range vectors are in `ranging`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from quarterdeck.telemetry.promql import classic, functions, labels, quantiles
from quarterdeck.telemetry.promql.choose import shortest
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.source import Grid, Labels, Values
from quarterdeck.telemetry.promql.syntax import Call
from quarterdeck.telemetry.promql.values import NAME, Flags, Vector, in_columns, key_of, renamed

Args = list[Any]  # a Vector, Values of a scalar, or a string, as the function asks
Function = Callable[[Context, Call, Args, Grid], Vector | Values]


def call(context: Context, node: Call, args: Args, grid: Grid) -> Vector | Values:
    """The value of a function of instant vectors, scalars and strings."""
    name = node.name
    if name in functions.SIMPLE:
        return functions.of_floats(args[0], functions.SIMPLE[name])
    if name in functions.DATES:
        if not args:
            return functions.vector_of(functions.date_part(name, grid.times() / 1000))
        return functions.of_floats(args[0], lambda values: functions.date_part(name, values))
    return TABLE[name](context, node, args, grid)


def constant(value: float, grid: Grid) -> Values:
    return np.full(grid.count, value)


def _sorted(context: Context, node: Call, args: Args, grid: Grid) -> Vector:
    vector: Vector = args[0]
    if context.asked.start != context.asked.end:
        context.notes.sorted_range(node.place)
    descending = node.name.endswith("_desc")
    if node.name.startswith("sort_by_label"):
        if grid.count > 1:
            return vector
        return labels.sort_by_label(vector, args[1:], descending=descending)
    if grid.count > 1:
        return Vector(vector.labels, vector.values, vector.floats, vector.unnamed)
    return labels.sort(vector, descending=descending)


def _round(context: Context, node: Call, args: Args, grid: Grid) -> Vector:
    return functions.round_to(args[0], args[1] if len(args) > 1 else constant(1.0, grid))


def _of_histograms(context: Context, vector: Vector, function: Callable[[Any], float]) -> Vector:
    """A number for each histogram; floats are dropped."""
    if vector.histograms is None:
        return renamed(
            vector, vector.values, np.zeros(vector.present.shape, dtype=np.bool_)
        ).without_empty()
    there = vector.is_histogram
    values = np.full(there.shape, np.nan)
    for at in context.budget.each(there):
        values[at] = function(vector.histograms[at])
    return renamed(vector, values, there).without_empty()


def _average(histogram: Any) -> float:
    return float(np.float64(histogram.sum) / histogram.count)


def _quantile(context: Context, node: Call, args: Args, grid: Grid) -> Vector:
    wanted, vector = args
    check_quantile(context, wanted, node.args[0].place)
    return histogram_quantile(context, vector, wanted, node.args[1].place, grid)


def _quantiles(context: Context, node: Call, args: Args, grid: Grid) -> Vector:
    vector, label, *wanted = args
    found = []
    for number, each in enumerate(wanted):
        check_quantile(context, each, node.args[number + 2].place)
        part = histogram_quantile(context, vector, each, node.args[0].place, grid)
        found.append(_labelled(part, label, each))
    return stacked(found, grid)


def _labelled(vector: Vector, label: str, wanted: Values) -> Vector:
    value = open_metrics(float(wanted[0])) if len(wanted) else ""
    named: list[Labels] = [{**each, label: value} for each in vector.labels]
    return Vector(named, vector.values, vector.present, vector.unnamed)


def open_metrics(value: float) -> str:
    """A float as OpenMetrics writes it: whole numbers with `.0`."""
    text = shortest(value)
    return text if "." in text or "I" in text or "N" in text else text + ".0"


def check_quantile(context: Context, wanted: Values, place: str) -> None:
    wrong = ~((wanted >= 0) & (wanted <= 1))
    for value in np.unique(wanted[wrong]).tolist():
        context.notes.bad_quantile(value, place)


def histogram_quantile(
    context: Context, vector: Vector, wanted: Values, place: str, grid: Grid
) -> Vector:
    """Of classic and native histograms."""
    moments = grid.times()
    return _over_histograms(
        context,
        vector,
        place,
        lambda vector, there: _native_quantiles(context, vector, there, wanted, place),
        lambda histogram: classic.quantiles(histogram, wanted, context.notes, place, moments),
        grid,
    )


def _native_quantiles(
    context: Context, vector: Vector, there: Flags, wanted: Values, place: str
) -> Values:
    """Of native histograms: together, but for those that need a word said."""
    assert vector.histograms is not None
    values = np.full(there.shape, np.nan)
    together: list[tuple[int, int]] = []
    for row, column in context.budget.each(there):
        histogram, quantile = vector.histograms[row, column], float(wanted[column])
        if 0 <= quantile <= 1 and not np.isnan(histogram.sum):
            together.append((row, column))
            continue
        name = vector.labels[row].get(NAME, "")
        values[row, column] = quantiles.native_quantile(
            quantile, histogram, context.notes, name, place
        )
    if together:
        at = tuple(np.array(together).T)
        values[at] = quantiles.native_quantiles(wanted[at[1]], vector.histograms[at].tolist())
    return values


def _native_fractions(
    context: Context, vector: Vector, there: Flags, bounds: tuple[Values, Values], place: str
) -> Values:
    assert vector.histograms is not None
    values = np.full(there.shape, np.nan)
    for row, column in context.budget.each(there):
        values[row, column] = quantiles.native_fraction(
            float(bounds[0][column]),
            float(bounds[1][column]),
            vector.histograms[row, column],
            context.notes,
            vector.labels[row].get(NAME, ""),
            place,
        )
    return values


def _fraction(context: Context, node: Call, args: Args, grid: Grid) -> Vector:
    low, high, vector = args
    place = node.args[2].place
    return _over_histograms(
        context,
        vector,
        place,
        lambda vector, there: _native_fractions(context, vector, there, (low, high), place),
        lambda histogram: classic.fractions(histogram, low, high),
        grid,
    )


def _over_histograms(
    context: Context,
    vector: Vector,
    place: str,
    native: Callable[[Vector, Flags], Values],
    of_classic: Callable[[classic.Classic], tuple[Values, Any]],
    grid: Grid,
) -> Vector:
    """Both kinds; a moment at which a series is both has no result."""
    found = classic.group(vector, context.notes, place)
    natives = []
    if vector.histograms is not None:
        there = vector.is_histogram
        by_key = {key_of(each.labels): each for each in found}
        for row, each in enumerate(vector.labels):
            twin = by_key.get(key_of(each))
            if twin is not None:
                clash = in_columns(twin.present) & there[row]
                if clash.any():
                    context.notes.mixed_classic_native(each.get(NAME, ""), place)
                    there[row] &= ~clash
                    twin.present = twin.present & ~clash
        natives.append(renamed(vector, native(vector, there), there).without_empty())
    rows = [of_classic(histogram) for histogram in found]
    classics = Vector(
        [histogram.labels for histogram in found],
        np.array([values for values, _ in rows]).reshape(len(rows), grid.count),
        np.array([here for _, here in rows], dtype=np.bool_).reshape(len(rows), grid.count),
        np.ones(len(rows), dtype=np.bool_),
    ).without_empty()
    return stacked([*natives, classics], grid)


def stacked(vectors: list[Vector], grid: Grid) -> Vector:
    """The series of all, one vector after another; floats only."""
    if len(vectors) == 1:
        return vectors[0]
    return Vector(
        [each for vector in vectors for each in vector.labels],
        np.concatenate([vector.values for vector in vectors]),
        np.concatenate([vector.present for vector in vectors]),
        np.concatenate([vector.unnamed for vector in vectors]),
    )


TABLE: dict[str, Function] = {
    "absent": lambda context, node, args, grid: functions.absent(
        args[0], functions.labels_of_absent(node.args[0])
    ),
    "clamp": lambda context, node, args, grid: functions.clamp(*args),
    "clamp_min": lambda context, node, args, grid: functions.clamp(
        args[0], args[1], constant(np.inf, grid)
    ),
    "clamp_max": lambda context, node, args, grid: functions.clamp(
        args[0], constant(-np.inf, grid), args[1]
    ),
    "end": lambda context, node, args, grid: constant(context.asked.end / 1000, grid),
    "histogram_avg": lambda context, node, args, grid: _of_histograms(context, args[0], _average),
    "histogram_count": lambda context, node, args, grid: _of_histograms(
        context, args[0], lambda histogram: float(histogram.count)
    ),
    "histogram_sum": lambda context, node, args, grid: _of_histograms(
        context, args[0], lambda histogram: float(histogram.sum)
    ),
    "histogram_stdvar": lambda context, node, args, grid: _of_histograms(
        context, args[0], quantiles.variance
    ),
    "histogram_stddev": lambda context, node, args, grid: _of_histograms(
        context, args[0], lambda histogram: float(np.sqrt(quantiles.variance(histogram)))
    ),
    "histogram_quantile": _quantile,
    "histogram_quantiles": _quantiles,
    "histogram_fraction": _fraction,
    "label_join": lambda context, node, args, grid: labels.label_join(
        args[0], args[1], args[2], args[3:]
    ),
    "label_replace": lambda context, node, args, grid: labels.label_replace(*args),
    "max_of": lambda context, node, args, grid: np.maximum(*args),
    "min_of": lambda context, node, args, grid: np.minimum(*args),
    "pi": lambda context, node, args, grid: constant(np.pi, grid),
    "range": lambda context, node, args, grid: constant(
        (context.asked.end - context.asked.start) / 1000, grid
    ),
    "round": _round,
    "scalar": lambda context, node, args, grid: functions.scalar_of(args[0]),
    "sort": _sorted,
    "sort_desc": _sorted,
    "sort_by_label": _sorted,
    "sort_by_label_desc": _sorted,
    "start": lambda context, node, args, grid: constant(context.asked.start / 1000, grid),
    # No store here knows when a counter was started, as Prometheus does not by default.
    "start_timestamp": lambda context, node, args, grid: renamed(
        args[0], args[0].values, np.zeros(args[0].present.shape, dtype=np.bool_)
    ).without_empty(),
    "step": lambda context, node, args, grid: constant(context.asked.step / 1000, grid),
    "time": lambda context, node, args, grid: grid.times() / 1000,
    "timestamp": lambda context, node, args, grid: renamed(
        args[0],
        np.broadcast_to(grid.times() / 1000, args[0].values.shape),
        args[0].present,
    ),
    "vector": lambda context, node, args, grid: functions.vector_of(args[0]),
}
