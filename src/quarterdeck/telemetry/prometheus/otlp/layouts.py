"""The bounds of explicit histograms: points that share them together, and what deltas need more.

A series of deltas whose bounds change within a day is still one counter for each bound. A point
without that bound adds what is known: all it has counted up to its greatest bound below. That is
too low where events lie between the two, never too high, and the counter never falls.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry.columns import Column
from quarterdeck.telemetry.prometheus.numbers import text_of
from quarterdeck.telemetry.promql.source import Values

Index = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """Points with the same bounds: a row of `sums` each, a column for each bound, then the total."""

    index: Index
    edges: Values  # without infinity
    sums: npt.NDArray[np.float64]

    @property
    def names(self) -> list[str]:
        return [*(text_of(float(edge)) for edge in self.edges), "+Inf"]

    def at(self, mask: npt.NDArray[np.bool_], edges: Values) -> "Layout":
        """Some of the points, with other bounds."""
        known = np.searchsorted(self.edges, edges, side="right") - 1
        sums = self.sums[mask]
        finite = np.where(known >= 0, sums[:, known], 0.0)
        return Layout(self.index[mask], edges, np.column_stack((finite, sums[:, -1])))


def layouts(bounds: Column, counts: Column, rows: Index) -> list[Layout]:
    """Of points that have one bucket more than bounds."""
    assert bounds.offsets is not None
    assert counts.offsets is not None
    found = []
    for index in alike(bounds.values, bounds.offsets, rows):
        edges = bounds.values[bounds.offsets[index[0]] : bounds.offsets[index[0] + 1]]
        cells = counts.offsets[index][:, None] + np.arange(len(edges) + 1)
        sums = counts.values[cells].cumsum(axis=1).astype(np.float64)
        if len(edges) and edges[-1] == np.inf:
            edges, sums = edges[:-1], np.delete(sums, -2, axis=1)
        found.append(Layout(index, edges, sums))
    return found


def widened(found: list[Layout], days: Index) -> list[Layout]:
    """Every point with all bounds of its series on its day, which `days` numbers."""
    has = np.zeros((len(found), int(days.max()) + 1), np.bool_)
    for row, layout in enumerate(found):
        has[row, days[layout.index]] = True
    patterns, pattern = np.unique(has, axis=1, return_inverse=True)
    pattern = pattern.ravel()
    whole = []
    for column, used in enumerate(patterns.T):
        mine = [layout for layout, here in zip(found, used, strict=True) if here]
        if not mine:
            continue
        edges = np.unique(np.concatenate([layout.edges for layout in mine]))
        parts = [layout.at(pattern[days[layout.index]] == column, edges) for layout in mine]
        index = np.concatenate([part.index for part in parts])
        whole.append(Layout(index, edges, np.concatenate([part.sums for part in parts])))
    return whole


def alike(items: npt.NDArray[np.float64], offsets: Index, rows: Index) -> list[Index]:
    """Rows whose lists are the same, together. A list seldom changes, so runs are compared."""
    if not len(rows):
        return []
    found: dict[bytes, list[Index]] = {}
    widths = offsets[rows + 1] - offsets[rows]
    for width in np.unique(widths).tolist():
        mine = rows[widths == width]
        cells = items[offsets[mine][:, None] + np.arange(width)]
        changes = np.flatnonzero((cells[1:] != cells[:-1]).any(axis=1)) + 1
        for run in np.split(np.arange(len(mine)), changes):
            found.setdefault(cells[run[0]].tobytes(), []).append(mine[run])
    return [np.concatenate(runs) for runs in found.values()]
