"""The series of one metric, as columns: a number a series for each label.

A matcher costs its distinct values and one pass of numpy over the series; the labels of a series
become a dictionary only when it is part of an answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quarterdeck.telemetry.promql.source import Labels, Matcher

Ids = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Match = Callable[[Matcher, Sequence[str]], npt.NDArray[np.bool_]]


@dataclass(slots=True)
class _Label:
    """`codes[row]` is the place of the row's value in `values`; 0 is '', no label."""

    codes: npt.NDArray[np.int32]
    values: list[str] = field(default_factory=lambda: [""])
    places: dict[str, int] = field(default_factory=lambda: {"": 0})

    def place(self, value: str) -> int:
        known = self.places.get(value)
        if known is None:
            known = self.places[value] = len(self.values)
            self.values.append(value)
        return known


class Family:
    """Series that share a metric. Rows are only ever added."""

    def __init__(self) -> None:
        self.ids: Ids = np.empty(0, np.uint64)
        self._order: Rows = np.empty(0, np.int64)
        self._labels: dict[str, _Label] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, ids: Ids, labels: Sequence[Labels]) -> None:
        """Take more series; their ids are new."""
        before, count = len(self.ids), len(ids)
        codes: dict[str, list[int]] = {}
        for row, given in enumerate(labels):
            for name, value in given.items():
                if value:
                    if name not in self._labels:
                        self._labels[name] = _Label(np.zeros(before, np.int32))
                    column = codes.setdefault(name, [0] * count)
                    column[row] = self._labels[name].place(value)
        none = np.zeros(count, np.int32)
        for name, label in list(self._labels.items()):
            more = np.array(codes[name], np.int32) if name in codes else none
            label.codes = np.concatenate((label.codes, more))
        self.ids = np.concatenate((self.ids, ids.astype(np.uint64)))
        self._order = np.argsort(self.ids, kind="stable")

    def rows(self, ids: Ids) -> tuple[Rows, npt.NDArray[np.bool_]]:
        """The row of each id, and whether there is one."""
        if not len(self.ids):
            return np.zeros(len(ids), np.int64), np.zeros(len(ids), np.bool_)
        at = np.searchsorted(self.ids, ids, sorter=self._order)
        rows = self._order[np.minimum(at, len(self.ids) - 1)]
        return rows, self.ids[rows] == ids

    def match(self, rows: Rows, matchers: Sequence[Matcher], match: Match) -> Rows:
        """The rows that every matcher takes."""
        for matcher in matchers:
            label = self._labels.get(matcher.name)
            if label is None:
                if not match(matcher, [""])[0]:
                    return rows[:0]
            elif matcher.op == "=":
                rows = rows[label.codes[rows] == label.places.get(matcher.value, -1)]
            else:
                rows = rows[match(matcher, label.values)[label.codes[rows]]]
        return rows

    def labels(self, rows: Rows, name: str | None = None) -> list[Labels]:
        """The labels of rows, with `__name__` when a name is given."""
        found: list[Labels] = [{"__name__": name} if name else {} for _ in range(len(rows))]
        for label_name, label in list(self._labels.items()):
            values = label.values
            for labels, code in zip(found, label.codes[rows].tolist(), strict=True):
                if code:
                    labels[label_name] = values[code]
        return found

    def names(self, rows: Rows) -> set[str]:
        """Names of the labels that any of the rows has."""
        return {name for name, label in list(self._labels.items()) if label.codes[rows].any()}

    def values(self, rows: Rows, name: str) -> set[str]:
        """Values that the rows have for a label."""
        label = self._labels.get(name)
        if label is None:
            return set()
        return {label.values[code] for code in np.unique(label.codes[rows]).tolist() if code}
