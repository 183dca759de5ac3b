"""Binary operators on points: floats as arrays, histograms one by one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quarterdeck.telemetry.promql import histogram_sums
from quarterdeck.telemetry.promql.annotations import Notes
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.histogram import GAUGE, Histogram
from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.promql.values import Flags, Objects

ARITHMETIC: dict[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: dict[str, Callable[[Values, Values], Flags]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


@dataclass(slots=True)
class Operands:
    """Points of both sides, of the same shape, and where there is one on both."""

    left: Values
    right: Values
    present: Flags
    left_histograms: Objects | None = None
    right_histograms: Objects | None = None


@dataclass(slots=True)
class Outcome:
    """`present` where the operator has a result, `kept` where a comparison holds."""

    values: Values
    present: Flags
    kept: Flags
    histograms: Objects | None = None


def scalars(op: str, left: Values, right: Values) -> Values:
    """A comparison gives 0 or 1."""
    if op in COMPARISONS:
        return COMPARISONS[op](left, right).astype(np.float64)
    return ARITHMETIC[op](left, right)


def apply(op: str, operands: Operands, context: Context, place: str) -> Outcome:
    """The operator on all points; what does not go together is left out, and said."""
    if op in COMPARISONS:
        values = operands.left
        kept = COMPARISONS[op](operands.left, operands.right)
    else:
        values = ARITHMETIC[op](operands.left, operands.right)
        kept = np.ones(values.shape, dtype=np.bool_)
    outcome = Outcome(values, operands.present, kept & operands.present)
    if operands.left_histograms is not None or operands.right_histograms is not None:
        _with_histograms(op, operands, outcome, context, place)
    return outcome


def _with_histograms(
    op: str, operands: Operands, outcome: Outcome, context: Context, place: str
) -> None:
    shape = operands.present.shape
    none = np.full(shape, None, dtype=object)
    lefts = none if operands.left_histograms is None else operands.left_histograms
    rights = none if operands.right_histograms is None else operands.right_histograms
    outcome.values = np.array(np.broadcast_to(outcome.values, shape))
    outcome.present, outcome.kept = outcome.present.copy(), outcome.kept.copy()
    outcome.histograms = np.full(shape, None, dtype=object)
    some = operands.present & ((lefts != None) | (rights != None))  # noqa: E711 (elementwise)
    context.budget.check_histograms(int(np.count_nonzero(some)))
    for at in context.budget.each(some):
        value, kept = _point(
            op,
            operands.left[at] if lefts[at] is None else lefts[at],
            operands.right[at] if rights[at] is None else rights[at],
            context.notes,
            place,
        )
        outcome.values[at] = np.nan
        outcome.histograms[at] = value
        outcome.present[at] = value is not None
        outcome.kept[at] = kept and value is not None


def _point(
    op: str, left: float | Histogram, right: float | Histogram, notes: Notes, place: str
) -> tuple[Histogram | None, bool]:
    if isinstance(left, Histogram) and isinstance(right, Histogram):
        if op in ("+", "-"):
            return _sum(op, left, right, notes, place), True
        if op in ("==", "!="):
            return left, left.compact().same_as(right.compact()) == (op == "==")
        notes.incompatible_types(op, "histogram", "histogram", place)
    elif isinstance(left, Histogram):
        if op == "*":
            return left.scaled(float(right)).compact(), True  # type: ignore[arg-type]
        if op == "/":
            return left.divided(float(right)).compact(), True  # type: ignore[arg-type]
        notes.incompatible_types(op, "histogram", "float", place)
    elif isinstance(right, Histogram):
        if op == "*":
            return right.scaled(float(left)).compact(), True
        notes.incompatible_types(op, "float", "histogram", place)
    return None, False


def _sum(op: str, left: Histogram, right: Histogram, notes: Notes, place: str) -> Histogram | None:
    name = "addition" if op == "+" else "subtraction"
    try:
        found = (histogram_sums.add if op == "+" else histogram_sums.subtract)(left, right)
    except histogram_sums.MixedSchemas:
        notes.incompatible_layout(op, place)
        return None
    if found.collision:
        notes.reset_collision(name, place)
    if found.reconciled:
        notes.reconciled(name, place)
    histogram = found.histogram.compact()
    return histogram if op == "+" else histogram.with_hint(GAUGE)
