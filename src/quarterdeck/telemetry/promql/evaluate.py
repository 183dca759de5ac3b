"""Evaluates an expression over all moments of a grid at once.

Every part of the tree becomes series × moments (`values.Vector`), a scalar at each moment, or a
range vector (`windows.Windows`); a selector is fetched once for the whole range. The language is
that of Prometheus 3: ranges and lookback are open to the left, and `__name__` is dropped only
when the whole expression is done. Raises BadInput `promql_syntax`, Unprocessable
`promql_execution`, and the limits of `limits`.
"""

from typing import Any

import numpy as np

from quarterdeck.telemetry.promql import (
    binary,
    calls,
    functions,
    operators,
    ranging,
    selecting,
    syntax,
)
from quarterdeck.telemetry.promql.aggregate import aggregate
from quarterdeck.telemetry.promql.choose import choose, count_values
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.info import info
from quarterdeck.telemetry.promql.limits import Budget, Limits, check_steps
from quarterdeck.telemetry.promql.source import Grid, Source, Values
from quarterdeck.telemetry.promql.syntax import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Node,
    Number,
    Parens,
    Selector,
    Subquery,
    Text,
)
from quarterdeck.telemetry.promql.values import (
    DROPPED,
    Points,
    Result,
    Vector,
    execution,
    named,
)
from quarterdeck.telemetry.promql.windows import Windows

LOOKBACK = 300_000
SUBQUERY_STEP = 60_000
_OF_TOTALS = {"histogram_count", "histogram_sum", "histogram_avg"}


def evaluate(
    text: str,
    source: Source,
    when: Grid | int,
    *,
    limits: Limits | None = None,
    lookback: int = LOOKBACK,
    subquery_step: int = SUBQUERY_STEP,
) -> Result:
    """The result of a range query, or of an instant query if `when` is one moment.

    Times are milliseconds. `subquery_step` is the step of subqueries that do not say one.
    """
    limits = limits or Limits()
    instant = isinstance(when, int)
    grid = Grid(when, when, 1) if isinstance(when, int) else when
    check_steps(grid.count, limits.steps)
    node = syntax.parse(text)
    asked = Grid(grid.start, grid.end, 0) if instant else grid
    context = Context(source, asked, lookback, subquery_step, Budget(limits))
    if not instant and node.kind not in ("scalar", "vector"):
        raise syntax.not_promql(
            f"invalid expression type {_called(node)} for range query, must be Scalar or "
            "instant Vector"
        )
    with np.errstate(all="ignore"):  # NaN and infinity are values like others
        result = _result(context, node, grid, instant)
    result.warnings, result.infos = context.notes.said()
    result.samples = context.budget.samples
    return result


def _called(node: Node) -> str:
    return "range vector" if node.kind == "matrix" else node.kind


def _result(context: Context, node: Node, grid: Grid, instant: bool) -> Result:
    times = grid.times()
    match node.kind:
        case "string":
            return Result("string", times, string=string(node))
        case "matrix":
            windows = range_vector(context, node, grid)
            raw = sorted(_raw(windows), key=lambda points: sorted(points.labels.items()))
            return Result("matrix", times, raw=raw)
        case "scalar":
            values = scalar(context, node, grid)
            everywhere = np.ones((1, len(values)), dtype=np.bool_)
            kind = "scalar" if instant else "matrix"
            return Result(kind, times, [{}], values[None, :], everywhere)  # type: ignore[arg-type]
    found = named(vector(context, node, grid)).without_empty()
    if not instant:
        keys = [sorted(labels.items()) for labels in found.labels]
        found = found.take(sorted(range(len(keys)), key=keys.__getitem__))
    return Result(
        "vector" if instant else "matrix",
        times,
        found.labels,
        found.values,
        found.present,
        found.histograms,
    )


def _raw(windows: Windows) -> list[Points]:
    """The points of the only window of each series."""
    found = []
    end = windows.ends.start
    for row, labels in enumerate(windows.labels):
        begin, stop = windows.offsets[row], windows.offsets[row + 1]
        times = windows.times[begin:stop]
        low = begin + int(np.searchsorted(times, end - windows.width, side="right"))
        high = begin + int(np.searchsorted(times, end, side="right"))
        if low < high:
            if windows.unnamed[row]:
                labels = {name: value for name, value in labels.items() if name not in DROPPED}
            histograms = None if windows.histograms is None else windows.histograms[low:high]
            found.append(
                Points(labels, windows.times[low:high], windows.values[low:high], histograms)
            )
    return found


def vector(context: Context, node: Node, grid: Grid) -> Vector:
    """An instant vector at each moment."""
    context.budget.check_time()
    match node:
        case Selector():
            return selecting.instant(context, node, grid)
        case Parens():
            return vector(context, node.expr, grid)
        case Negate():
            return _negated(vector(context, node.expr, grid))
        case Call():
            return _call(context, node, grid)
        case Aggregate():
            return _aggregate(context, node, grid)
        case Binary():
            return _binary(context, node, grid)
    raise execution(f"expected an instant vector, got {_called(node)}")


def scalar(context: Context, node: Node, grid: Grid) -> Values:
    """A number at each moment."""
    match node:
        case Number():
            return np.full(grid.count, node.value)
        case Parens():
            return scalar(context, node.expr, grid)
        case Negate():
            return -scalar(context, node.expr, grid)
        case Binary():
            left = scalar(context, node.left, grid)
            return operators.scalars(node.op, left, scalar(context, node.right, grid))
        case Call():
            args = [_argument(context, each, grid) for each in node.args]
            found = calls.call(context, node, args, grid)
            assert isinstance(found, np.ndarray)
            return found
    raise execution(f"expected a scalar, got {_called(node)}")


def bare(node: Node) -> Any:
    """Without parentheses."""
    while isinstance(node, Parens):
        node = node.expr
    return node


def string(node: Node) -> str:
    node = bare(node)
    if isinstance(node, Text):
        return node.value
    raise execution(f"expected a string, got {_called(node)}")


def range_vector(context: Context, node: Node, grid: Grid) -> Windows:
    """A range vector: of a selector, or of a subquery."""
    node = bare(node)
    if isinstance(node, Selector):
        return selecting.range_of(context, node, grid)
    if isinstance(node, Subquery):
        inner, looked = selecting.inner_grid(context, node, grid)
        if inner.count < 1:
            inner = Grid(inner.start, inner.start, inner.step)  # beyond every window
        check_steps(inner.count, context.budget.limits.steps * 10)
        found = vector(context, node.expr, inner)
        context.budget.add_samples(int(found.present.sum()))
        return selecting.as_range(found, inner, looked, node, grid.times())
    raise execution(f"expected a range vector, got {_called(node)}")


def _argument(context: Context, node: Node, grid: Grid) -> Vector | Values | str:
    match node.kind:
        case "vector":
            return vector(context, node, grid)
        case "scalar":
            return scalar(context, node, grid)
    return string(node)


def _negated(found: Vector) -> Vector:
    histograms = found.histograms
    if histograms is not None:
        histograms = np.array(
            [[None if one is None else one.scaled(-1) for one in row] for row in histograms],
            dtype=object,
        ).reshape(histograms.shape)
    unnamed = np.ones(len(found.labels), dtype=np.bool_)
    return Vector(found.labels, -found.values, found.present, unnamed, histograms)


def _call(context: Context, node: Call, grid: Grid) -> Vector:
    if node.name in ranging.KERNELS:
        return _range_call(context, node, grid)
    if node.name == "timestamp" and isinstance(bare(node.args[0]), Selector):
        found = selecting.seen(context, bare(node.args[0]), grid)
        unnamed = np.ones(len(found.times), dtype=np.bool_)
        return Vector(found.vector.labels, found.times / 1000, found.vector.present, unnamed)
    if node.name == "info":
        return info(context, node, vector(context, node.args[0], grid), grid).without_empty()
    before = context.tells_resets
    context.tells_resets = before or node.name in _OF_TOTALS
    args = [_argument(context, each, grid) for each in node.args]
    context.tells_resets = before
    result = calls.call(context, node, args, grid)
    assert isinstance(result, Vector)
    return result.without_empty()


def _range_call(context: Context, node: Call, grid: Grid) -> Vector:
    """Over a range vector; by the source, where it can."""
    at = next(i for i, each in enumerate(node.args) if each.kind == "matrix")
    ranged = bare(node.args[at])
    found = None
    if isinstance(ranged, Selector):
        found = ranging.pushed(context, node, ranged, grid)
    if found is None:
        args = [scalar(context, each, grid) for i, each in enumerate(node.args) if i != at]
        if node.name == "double_exponential_smoothing":
            functions.checked_factor(args[0], "smoothing")
            functions.checked_factor(args[1], "trend")
        windows = range_vector(context, ranged, grid)
        found = ranging.over_windows(context, node, windows, args, grid)
        if node.name == "quantile_over_time" and found.labels:
            calls.check_quantile(context, args[0], node.args[0].place)
    if node.name == "absent_over_time":
        return functions.absent(found, functions.labels_of_absent(ranged))
    return found


def _aggregate(context: Context, node: Aggregate, grid: Grid) -> Vector:
    if node.op == "count_values":
        assert node.param is not None
        label = string(node.param)
        if not label:
            raise execution(f"invalid label name {label}")
        return count_values(context, node, vector(context, node.expr, grid), label)
    param = None if node.param is None else scalar(context, node.param, grid)
    found = vector(context, node.expr, grid)
    if node.op in ("topk", "bottomk", "limitk", "limit_ratio"):
        assert param is not None
        return choose(context, node, found, param)
    if node.op == "quantile" and param is not None and node.param is not None:
        calls.check_quantile(context, param, node.param.place)
    return aggregate(context, node, found, param).without_empty()


def _binary(context: Context, node: Binary, grid: Grid) -> Vector:
    left = _argument(context, node.left, grid)
    right = _argument(context, node.right, grid)
    if isinstance(left, Vector) and isinstance(right, Vector):
        if node.matching.card == "many-to-many":
            return binary.set_operation(node, left, right)
        return binary.with_vector(context, node, left, right)
    if isinstance(left, Vector) and isinstance(right, np.ndarray):
        return binary.with_scalar(context, node, left, right, swapped=False)
    if isinstance(left, np.ndarray) and isinstance(right, Vector):
        return binary.with_scalar(context, node, right, left, swapped=True)
    raise execution("binary expression must contain only scalar and instant vector types")
