"""Many native histograms of one schema as one matrix, so that they are worked on together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quarterdeck.telemetry.promql.histogram import NOT_RESET, RESET, Histogram, Index
from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.promql.values import Flags

COUNT, SUM, ZERO, BUCKETS = 0, 1, 2, 3


@dataclass(slots=True)
class Stack:
    """A row a histogram: count, sum, zero count, positive buckets, negative buckets."""

    like: Histogram  # schema, zero threshold and custom bounds of all
    positive_index: Index
    negative_index: Index
    rows: Values

    @property
    def positive(self) -> slice:
        return slice(BUCKETS, BUCKETS + len(self.positive_index))

    @property
    def negative(self) -> slice:
        return slice(BUCKETS + len(self.positive_index), self.rows.shape[1])

    def histograms(self, rows: Values, hint: int) -> list[Histogram]:
        """Back from rows, without empty buckets."""
        ups, downs = rows[:, self.positive], rows[:, self.negative]
        full = (ups != 0).all(axis=1) & (downs != 0).all(axis=1)
        like, found = self.like, []
        for numbers, up, down, whole in zip(
            rows[:, :BUCKETS].tolist(), ups, downs, full.tolist(), strict=True
        ):
            above, below = self.positive_index, self.negative_index
            if not whole:
                kept, kept_below = up != 0, down != 0
                above, up, below, down = above[kept], up[kept], below[kept_below], down[kept_below]
            found.append(
                Histogram(
                    numbers[COUNT],
                    numbers[SUM],
                    like.schema,
                    like.zero_threshold,
                    numbers[ZERO],
                    above,
                    up,
                    below,
                    down,
                    like.custom,
                    hint,
                )
            )
        return found


def stack(histograms: Sequence[Histogram]) -> Stack | None:
    """None if their schemas, zero buckets or custom bounds differ."""
    like = histograms[0]
    bounds = like.custom.tobytes()
    for each in histograms:
        if each.schema != like.schema or each.zero_threshold != like.zero_threshold:
            return None
        if each.custom is not like.custom and each.custom.tobytes() != bounds:
            return None
    above = _index([each.positive_index for each in histograms])
    below = _index([each.negative_index for each in histograms])
    rows = np.zeros((len(histograms), BUCKETS + len(above) + len(below)))
    rows[:, COUNT] = [each.count for each in histograms]
    rows[:, SUM] = [each.sum for each in histograms]
    rows[:, ZERO] = [each.zero_count for each in histograms]
    found = Stack(like, above, below, rows)
    _fill(rows[:, found.positive], above, histograms, "positive")
    _fill(rows[:, found.negative], below, histograms, "negative")
    return found


def _index(parts: Sequence[Index]) -> Index:
    distinct = {part.tobytes(): part for part in parts}
    if len(distinct) == 1:
        return parts[0]
    return np.unique(np.concatenate(list(distinct.values())))


def _fill(into: Values, index: Index, histograms: Sequence[Histogram], side: str) -> None:
    places: dict[bytes, Index] = {}
    for row, each in enumerate(histograms):
        own: Index = each.positive_index if side == "positive" else each.negative_index
        counts = each.positive_count if side == "positive" else each.negative_count
        if len(own) == len(index):
            into[row] = counts
        elif len(own):
            key = own.tobytes()
            if key not in places:
                places[key] = np.searchsorted(index, own)
            into[row, places[key]] = counts


def restarts(found: Stack, hints: Values) -> Flags:
    """Which began anew after the one before; the first did not."""
    counts = np.delete(found.rows, SUM, axis=1)
    fell = (counts[1:] < counts[:-1]).any(axis=1)
    told = np.concatenate(([False], fell))
    told[hints == RESET] = True
    told[hints == NOT_RESET] = False
    told[0] = False
    return told
