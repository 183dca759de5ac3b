"""Adding and subtracting native histograms, and telling whether one restarted.

Two histograms are brought to the same buckets first: to the lower schema, to a zero bucket that
holds both, or, for custom bounds, to the bounds they share.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from quarterdeck.telemetry.promql.histogram import (
    GAUGE,
    NOT_RESET,
    RESET,
    UNKNOWN,
    Histogram,
    Index,
    bounds,
)
from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.promql.values import Indexes, Objects


class MixedSchemas(Exception):
    """Exponential and custom buckets cannot be added."""


@dataclass(slots=True)
class Sum:
    histogram: Histogram
    collision: bool  # one restarted, another said it did not
    reconciled: bool  # custom bounds differed


def add(left: Histogram, right: Histogram) -> Sum:
    return total([left, right])


def subtract(left: Histogram, right: Histogram) -> Sum:
    return total([left, right.scaled(-1).with_hint(right.hint)])


def total(histograms: Sequence[Histogram]) -> Sum:
    """The sum; every number is rounded once only. Raises MixedSchemas."""
    if len(histograms) == 1:
        return Sum(histograms[0], False, False)
    if len({histogram.is_custom for histogram in histograms}) > 1:
        raise MixedSchemas
    hints = [histogram.hint for histogram in histograms]
    collision = RESET in hints and NOT_RESET in hints
    reconciled = False
    if histograms[0].is_custom:
        histograms, reconciled = _shared_bounds(histograms)
    else:
        schema = min(histogram.schema for histogram in histograms)
        histograms = _shared_zero(histograms)
        histograms = [histogram.reduced(schema) for histogram in histograms]
    up = _added([(each.positive_index, each.positive_count) for each in histograms])
    down = _added([(each.negative_index, each.negative_count) for each in histograms])
    found = replace(
        histograms[0],
        count=_sum([each.count for each in histograms]),
        sum=_sum([each.sum for each in histograms]),
        zero_count=_sum([each.zero_count for each in histograms]),
        positive_index=up[0],
        positive_count=up[1],
        negative_index=down[0],
        negative_count=down[1],
        hint=joint_hint(hints),
    )
    return Sum(found, collision, reconciled)


def joint_hint(hints: Sequence[int]) -> int:
    """A gauge among them makes a gauge; otherwise they must agree."""
    if GAUGE in hints:
        return GAUGE
    return hints[0] if len(set(hints)) == 1 else UNKNOWN


def _sum(terms: Sequence[float]) -> float:
    if len(terms) == 2:
        return terms[0] + terms[1]
    try:
        return math.fsum(terms)
    except (OverflowError, ValueError):
        return float(np.sum(terms))


def _added(parts: Sequence[tuple[Index, Values]]) -> tuple[Index, Values]:
    first = parts[0][0]
    if all(len(index) == len(first) and bool((index == first).all()) for index, _ in parts):
        index = first
        rows = np.array([counts for _, counts in parts])
    else:
        index = np.unique(np.concatenate([index for index, _ in parts]))
        rows = np.zeros((len(parts), len(index)))
        for row, (each, counts) in enumerate(parts):
            rows[row, np.searchsorted(index, each)] = counts
    if len(parts) == 2:
        return index, rows[0] + rows[1]
    return index, np.array([_sum(column) for column in rows.T.tolist()])


def _shared_bounds(histograms: Sequence[Histogram]) -> tuple[list[Histogram], bool]:
    shared = histograms[0].custom
    reconciled = False
    for histogram in histograms[1:]:
        if not np.array_equal(shared, histogram.custom):
            reconciled = True
            shared = np.intersect1d(shared, histogram.custom)
    if not reconciled:
        return list(histograms), False
    return [onto_bounds(histogram, shared) for histogram in histograms], True


def onto_bounds(histogram: Histogram, shared: Values) -> Histogram:
    """Counted in fewer custom buckets, whose bounds are among its own."""
    _, upper = bounds(histogram.positive_index, histogram)
    target = np.searchsorted(shared, upper)
    counts = np.bincount(
        target, weights=histogram.positive_count, minlength=len(shared) + 1
    ).astype(np.float64)
    index = np.flatnonzero(counts)
    return replace(histogram, custom=shared, positive_index=index, positive_count=counts[index])


def _shared_zero(histograms: Sequence[Histogram]) -> list[Histogram]:
    """With the least zero bucket that cuts no bucket that has a count, in any of them."""
    found = list(histograms)
    while True:
        threshold = max(histogram.zero_threshold for histogram in found)
        if all(histogram.zero_threshold == threshold for histogram in found):
            return found
        found = [widened(histogram, threshold) for histogram in found]


def widened(histogram: Histogram, threshold: float) -> Histogram:
    """With a zero bucket at least that wide: it takes in whole buckets only."""
    if histogram.zero_threshold >= threshold:
        return histogram
    sides = (
        (histogram.positive_index, histogram.positive_count),
        (histogram.negative_index, histogram.negative_count),
    )
    before = None
    while threshold != before:
        before = threshold
        for index, counts in sides:
            low, high = bounds(index, histogram)
            cut = (low < threshold) & (high > threshold) & (counts != 0)
            if cut.any():
                threshold = float(high[cut].max())
    kept, swallowed = [], 0.0
    for index, counts in sides:
        low, _ = bounds(index, histogram)
        inside = low < threshold
        swallowed += float(counts[inside].sum())
        kept.append((index[~inside], counts[~inside]))
    return replace(
        histogram,
        zero_threshold=threshold,
        zero_count=histogram.zero_count + swallowed,
        positive_index=kept[0][0],
        positive_count=kept[0][1],
        negative_index=kept[1][0],
        negative_count=kept[1][1],
    )


def restarted(current: Histogram, previous: Histogram) -> bool:
    """Whether the counts began anew: some count fell, or buckets became finer."""
    if current.hint == RESET:
        return True
    if current.hint == NOT_RESET:
        return False
    if current.count < previous.count:
        return True
    if current.is_custom:
        if not previous.is_custom:
            return True
        if not np.array_equal(current.custom, previous.custom):
            shared = np.intersect1d(current.custom, previous.custom)
            current, previous = onto_bounds(current, shared), onto_bounds(previous, shared)
        return _fell(
            (current.positive_index, current.positive_count),
            (previous.positive_index, previous.positive_count),
        )
    if current.schema > previous.schema or current.zero_threshold < previous.zero_threshold:
        return True
    if previous.zero_threshold < current.zero_threshold:
        previous = widened(previous, current.zero_threshold)
        if previous.zero_threshold != current.zero_threshold:
            return True
    if current.zero_count < previous.zero_count:
        return True
    previous = previous.reduced(current.schema)
    return _fell(
        (current.positive_index, current.positive_count),
        (previous.positive_index, previous.positive_count),
    ) or _fell(
        (current.negative_index, current.negative_count),
        (previous.negative_index, previous.negative_count),
    )


def _fell(current: tuple[Index, Values], previous: tuple[Index, Values]) -> bool:
    index, counts = current
    before, least = previous
    if len(index) == len(before) and bool((index == before).all()):
        return bool((counts < least).any())
    at = np.searchsorted(index, before)
    inside = at < len(index)
    found = np.zeros(len(before))
    hit = inside.copy()
    hit[inside] = index[at[inside]] == before[inside]
    found[hit] = counts[at[hit]]
    return bool((found < least).any())


def told(histograms: Objects, offsets: Indexes) -> Objects:
    """With hints in place of unknown ones, by comparing each with the one before it."""
    found = histograms.copy()
    starts = set(offsets.tolist())
    before: Histogram | None = None
    for at, histogram in enumerate(histograms):
        if at in starts:
            before = None
        if histogram is None:
            continue
        if before is not None and histogram.hint == UNKNOWN:
            found[at] = histogram.with_hint(RESET if restarted(histogram, before) else NOT_RESET)
        before = histogram
    return found
