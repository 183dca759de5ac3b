"""What the parts of an expression evaluate to, over all moments of a grid at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from quarterdeck.core.errors import Unprocessable
from quarterdeck.telemetry.promql.source import Labels, Times, Values

Flags = npt.NDArray[np.bool_]
Indexes = npt.NDArray[np.int64]
Objects = npt.NDArray[Any]

NAME = "__name__"
DROPPED = frozenset({NAME, "__type__", "__unit__"})
"""What an operation that changes the meaning of a metric takes away."""


@dataclass(slots=True)
class Vector:
    """Series × moments. `unnamed` series lose `__name__` when the whole expression is done.

    Where `present` and `histograms` holds an object, the point is that histogram.
    """

    labels: list[Labels]
    values: Values
    present: Flags
    unnamed: Flags
    histograms: Objects | None = None
    ordered: bool = False  # the order of the series is part of the result

    @property
    def floats(self) -> Flags:
        """Where the point is a float."""
        return self.present if self.histograms is None else self.present & ~self.is_histogram

    @property
    def is_histogram(self) -> Flags:
        if self.histograms is None:
            return np.zeros(self.present.shape, dtype=np.bool_)
        found: Flags = self.histograms != None  # noqa: E711 (elementwise)
        return found & self.present

    def take(self, rows: Any) -> "Vector":
        """Some of the series, in this order."""
        rows = np.asarray(rows, dtype=np.int64)
        return Vector(
            [self.labels[row] for row in rows],
            self.values[rows],
            self.present[rows],
            self.unnamed[rows],
            None if self.histograms is None else self.histograms[rows],
        )

    def without_empty(self) -> "Vector":
        """Only the series that have a point."""
        kept = self.present.any(axis=1)
        if kept.all():
            return self
        found = self.take(np.flatnonzero(kept))
        found.ordered = self.ordered
        return found


def in_rows(flags: Flags) -> Flags:
    """Which series have it at some moment."""
    return np.asarray(flags.any(axis=1))


def in_columns(flags: Flags) -> Flags:
    """At which moments some series has it."""
    return np.asarray(flags.any(axis=0))


def empty(steps: int) -> Vector:
    return Vector(
        [],
        np.empty((0, steps)),
        np.empty((0, steps), dtype=np.bool_),
        np.empty(0, dtype=np.bool_),
    )


def renamed(vector: Vector, values: Values, present: Flags) -> Vector:
    """A vector of floats with the same series, which lose their names."""
    return Vector(vector.labels, values, present, np.ones(len(vector.labels), dtype=np.bool_))


def key_of(labels: Labels) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def same_labels() -> Unprocessable:
    return execution("vector cannot contain metrics with the same labelset")


def execution(message: str) -> Unprocessable:
    return Unprocessable("promql_execution", message)


def named(vector: Vector) -> Vector:
    """Drops the names that are to be dropped, and joins series that became the same.

    Raises if two of them have a point at the same moment.
    """
    if vector.unnamed.any():
        vector.labels = [
            {name: value for name, value in labels.items() if name not in DROPPED}
            if drop
            else labels
            for labels, drop in zip(vector.labels, vector.unnamed.tolist(), strict=True)
        ]
        vector.unnamed = np.zeros(len(vector.labels), dtype=np.bool_)
    return joined(vector)


def joined(vector: Vector) -> Vector:
    """One row for each set of labels; raises if two have a point at the same moment."""
    rows: dict[frozenset[tuple[str, str]], int] = {}
    target = [rows.setdefault(key_of(labels), len(rows)) for labels in vector.labels]
    if len(rows) == len(target):
        return vector
    steps = vector.values.shape[1]
    values = np.full((len(rows), steps), np.nan)
    counts = np.zeros((len(rows), steps), dtype=np.int64)
    unnamed = np.zeros(len(rows), dtype=np.bool_)
    histograms = None
    if vector.histograms is not None:
        histograms = np.full((len(rows), steps), None, dtype=object)
    labels: list[Labels] = [{}] * len(rows)
    for row, to in enumerate(target):
        here = vector.present[row]
        values[to, here] = vector.values[row, here]
        if histograms is not None and vector.histograms is not None:
            histograms[to, here] = vector.histograms[row, here]
        counts[to] += here
        labels[to] = vector.labels[row]
        unnamed[to] = vector.unnamed[row]
    if (counts > 1).any():
        raise same_labels()
    return Vector(labels, values, counts > 0, unnamed, histograms, vector.ordered)


@dataclass(slots=True)
class Points:
    """One series of a result: its points are floats, or histograms where there is one."""

    labels: Labels
    times: Times
    values: Values
    histograms: Objects | None = None


@dataclass(slots=True)
class Result:
    """What a query gives.

    scalar: `values` of one row. vector: one moment, series in order. matrix: all moments of the
    grid, or for a range vector of an instant query the raw points, which `raw` then holds.
    """

    kind: Literal["scalar", "vector", "matrix", "string"]
    times: Times
    labels: list[Labels] = field(default_factory=list)
    values: Values = field(default_factory=lambda: np.empty((0, 0)))
    present: Flags = field(default_factory=lambda: np.empty((0, 0), dtype=np.bool_))
    histograms: Objects | None = None
    raw: list[Points] | None = None
    string: str = ""
    warnings: list[str] = field(default_factory=list)
    infos: list[str] = field(default_factory=list)
    samples: int = 0  # read from the source

    def series(self) -> Iterator[Points]:
        """The points of each series that has any."""
        if self.raw is not None:
            yield from self.raw
            return
        for row, labels in enumerate(self.labels):
            here = self.present[row]
            if here.any():
                histograms = None if self.histograms is None else self.histograms[row, here]
                yield Points(labels, self.times[here], self.values[row, here], histograms)
