"""What the evaluator needs from a store of series, and in what shape it gets it.

A series is its labels, `__name__` among them. Points come as columns over all series, not as
objects: `offsets[i]:offsets[i + 1]` are the points of series `i` in `times` and `values`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

Labels = dict[str, str]
Times = npt.NDArray[np.int64]  # milliseconds since 1970
Values = npt.NDArray[np.float64]

STALE_BITS = 0x7FF0000000000002
"""The NaN that says a series has ended (prometheus/model/value); every other NaN is a value."""


def is_stale(values: Values) -> npt.NDArray[np.bool_]:
    """Which values are staleness markers; told by their bits."""
    stale: npt.NDArray[np.bool_] = values.view(np.uint64) == STALE_BITS
    return stale


@dataclass(frozen=True, slots=True)
class Matcher:
    """`name op value`; a regular expression is RE2 and matches the whole value. No label is ''."""

    name: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str


@dataclass(slots=True)
class Selected:
    """Series and their points; no two series have the same labels."""

    labels: list[Labels]
    offsets: npt.NDArray[np.int64]  # one more than there are series
    times: Times  # strictly ascending within a series
    values: Values  # staleness markers as they came; NaN where the point is a histogram
    histograms: npt.NDArray[Any] | None = None  # `histogram.Histogram` or None, a point each


@dataclass(frozen=True, slots=True)
class Grid:
    """The moments of a range query: `start + i * step` up to `end`, in milliseconds."""

    start: int
    end: int
    step: int

    @property
    def count(self) -> int:
        return (self.end - self.start) // self.step + 1

    def times(self) -> Times:
        return self.start + self.step * np.arange(self.count, dtype=np.int64)


@dataclass(slots=True)
class Matrix:
    """A value, or none, for each series at each moment of a grid."""

    labels: list[Labels]
    values: Values  # series × moments
    present: npt.NDArray[np.bool_]  # the same shape; a NaN that is present is a value


class Source(Protocol):
    """Where series come from. Both calls raise `Limit` errors of `promql/limits.py`."""

    def select(self, matchers: Sequence[Matcher], after: int, until: int) -> Selected:
        """Points with `after < time <= until` of the series that match and have any."""
        ...

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        """`function(selector[window])` at each moment, worked out in the store.

        `function` is the name in PromQL, or `last` for a plain selector whose lookback is
        `window`. None where the store cannot do it with exactly PromQL's result, for example
        because a histogram is among the points; the evaluator then selects.
        """
        ...
