"""Functions of instant vectors and scalars, point by point."""

import calendar
import math
from collections.abc import Callable

import numpy as np

from quarterdeck.telemetry.promql.source import Labels, Values
from quarterdeck.telemetry.promql.syntax import Node, Parens, Selector
from quarterdeck.telemetry.promql.values import NAME, Vector, execution, in_columns, renamed

_DAY = 86_400


def sgn(values: Values) -> Values:
    return np.where(np.isnan(values), values, np.sign(values))


SIMPLE: dict[str, Callable[[Values], Values]] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": lambda values: values * 180 / math.pi,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": lambda values: values * math.pi / 180,
    "sgn": sgn,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}


def of_floats(vector: Vector, function: Callable[[Values], Values]) -> Vector:
    """The function of each float; histograms are dropped, and so is the name."""
    found = function(vector.values)
    return renamed(vector, found, vector.floats)


def clamp(vector: Vector, low: Values, high: Values) -> Vector:
    """Between the bounds; nothing where they are the wrong way round."""
    found = np.maximum(np.minimum(vector.values, high), low)
    wrong = low > high
    return renamed(vector, found, vector.floats & ~wrong)


def round_to(vector: Vector, nearest: Values) -> Vector:
    """To the nearest multiple; halves go up."""
    inverse = 1.0 / nearest
    return of_floats(vector, lambda values: np.floor(values * inverse + 0.5) / inverse)


def scalar_of(vector: Vector) -> Values:
    """The value of the only float at each moment, otherwise NaN."""
    floats = vector.floats
    only = floats.sum(axis=0) == 1
    total = np.where(floats, vector.values, 0.0).sum(axis=0)
    found: Values = np.where(only, total, np.nan)
    return found


def vector_of(values: Values) -> Vector:
    """One series without labels."""
    present = np.ones((1, len(values)), dtype=np.bool_)
    return Vector([{}], values[None, :].copy(), present, np.zeros(1, dtype=np.bool_))


def absent(vector: Vector, labels: Labels) -> Vector:
    """1 at the moments at which nothing is there."""
    missing = ~in_columns(vector.present)
    return Vector(
        [labels], np.ones((1, len(missing))), missing[None, :], np.zeros(1, dtype=np.bool_)
    ).without_empty()


def labels_of_absent(node: Node) -> Labels:
    """What the selector says for sure: labels it asks to be equal to one value, once."""
    while isinstance(node, Parens):
        node = node.expr
    if not isinstance(node, Selector):
        return {}
    labels: Labels = {}
    often: set[str] = set()
    for matcher in node.matchers:
        if matcher.name == NAME:
            continue
        if matcher.op == "=" and matcher.name not in labels and matcher.name not in often:
            labels[matcher.name] = matcher.value
        else:
            labels.pop(matcher.name, None)
        often.add(matcher.name)
    return {name: value for name, value in labels.items() if value}


def date_part(name: str, seconds: Values) -> Values:
    """A part of the date in UTC; seconds beyond what a date can be give NaN."""
    whole = np.trunc(seconds)
    known = np.isfinite(whole) & (np.abs(whole) < 1e12)
    moment = np.where(known, whole, 0).astype(np.int64).astype("datetime64[s]")
    found = _PARTS[name](moment).astype(np.float64)
    return np.where(known, found, np.nan)


def _days(moment: np.ndarray) -> np.ndarray:
    return moment.astype("datetime64[D]")


def _month(moment: np.ndarray) -> np.ndarray:
    return moment.astype("datetime64[M]")


def _in_month(moment: np.ndarray) -> np.ndarray:
    month = _month(moment)
    days = (month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")
    return np.asarray(days.astype(np.int64))


def _of_year(moment: np.ndarray) -> np.ndarray:
    year = moment.astype("datetime64[Y]").astype("datetime64[D]")
    return np.asarray((_days(moment) - year).astype(np.int64) + 1)


_PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "minute": lambda moment: moment.astype(np.int64) // 60 % 60,
    "hour": lambda moment: moment.astype(np.int64) // 3600 % 24,
    "day_of_week": lambda moment: (moment.astype(np.int64) // _DAY + calendar.FRIDAY) % 7,
    "day_of_month": lambda moment: (
        (_days(moment) - _month(moment).astype("datetime64[D]")).astype(np.int64) + 1
    ),
    "day_of_year": _of_year,
    "days_in_month": _in_month,
    "month": lambda moment: _month(moment).astype(np.int64) % 12 + 1,
    "year": lambda moment: moment.astype("datetime64[Y]").astype(np.int64) + 1970,
}
DATES = frozenset(_PARTS)


def checked_factor(values: Values, what: str) -> Values:
    """A factor of double_exponential_smoothing; raises unless between 0 and 1."""
    wrong = ~((values > 0) & (values < 1))
    if wrong.any():
        raise execution(
            f"invalid {what} factor. Expected: 0 < {what[0]}f < 1, got: {values[wrong][0]:f}"
        )
    return values
