"""Functions over the course of a range: rates, differences, resets, changes.

A kernel takes a block of windows and gives a value, and whether there is one, for each window.
The arithmetic of `rate` follows its definition step by step, so that results are equal to the
last bit; a counter that fell is taken to have restarted from zero.
"""

import numpy as np

from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.promql.values import Flags, Indexes
from quarterdeck.telemetry.promql.windows import Block

Found = tuple[Values, Flags]


def rate(block: Block) -> Found:
    return extrapolated(block, counter=True, per_second=True)


def increase(block: Block) -> Found:
    return extrapolated(block, counter=True, per_second=False)


def delta(block: Block) -> Found:
    return extrapolated(block, counter=False, per_second=False)


def extrapolated(block: Block, *, counter: bool, per_second: bool) -> Found:
    """The difference over each window, extrapolated to its edges where points come near them."""
    count = block.count
    present = count >= 2
    first, last = block.first(), block.last()
    start_value = block.values[first]
    change = block.values[last] - start_value
    if counter:
        add_resets(change, block, first, last)
    start, end = block.times[first], block.times[last]
    factor = extrapolation(
        start, end, count, block.ends, block.width, start_value if counter else None, change
    )
    if per_second:
        factor /= block.width / 1000
    change *= factor
    return change, present


def extrapolation(
    start: Indexes,
    end: Indexes,
    count: Indexes,
    ends: Indexes,
    width: int,
    start_value: Values | None,
    change: Values,
) -> Values:
    """By how much a difference grows; a counter is not taken below zero."""
    to_start = (start - (ends - width)) / 1000
    to_end = (ends - end) / 1000
    sampled = (end - start) / 1000
    average = sampled / (count - 1)
    threshold = average * 1.1
    half = average / 2
    np.copyto(to_start, half, where=to_start >= threshold)
    if start_value is not None:
        to_zero = sampled * (start_value / change)
        np.copyto(to_start, to_zero, where=(change > 0) & (start_value >= 0) & (to_zero < to_start))
    np.copyto(to_end, half, where=to_end >= threshold)
    factor: Values = (sampled + to_start + to_end) / sampled
    return factor


def add_resets(change: Values, block: Block, first: Indexes, last: Indexes) -> None:
    """Adds the value before each reset within a window, in the order of the points."""
    values = block.values
    fell = np.flatnonzero(values[1:] < values[:-1])  # the point before the reset
    series = np.searchsorted(block.offsets, fell, side="right") - 1
    fell = fell[fell + 1 < block.offsets[series + 1]]  # not from one series to the next
    if not len(fell):
        return
    rows = np.unique(np.searchsorted(block.offsets, fell, side="right") - 1)
    begin = np.searchsorted(fell, first[rows])
    within = np.maximum(np.searchsorted(fell, last[rows]) - begin, 0)
    found = change[rows]
    for nth in range(int(within.max(initial=0))):
        where = within > nth
        found[where] += values[fell[begin[where] + nth]]
    change[rows] = found


def irate(block: Block) -> Found:
    return last_two(block, counter=True)


def idelta(block: Block) -> Found:
    return last_two(block, counter=False)


def last_two(block: Block, *, counter: bool) -> Found:
    present = block.count >= 2
    last = block.last()
    before = np.maximum(last - 1, 0)
    newer, older = block.values[last], block.values[before]
    found = newer - older
    if counter:
        found = np.where(newer < older, newer, found)
        found /= (block.times[last] - block.times[before]) / 1000
    return found, present


def _fell(older: Values, newer: Values) -> Flags:
    return np.asarray(newer < older)


def _differs(older: Values, newer: Values) -> Flags:
    return np.asarray((newer != older) & ~(np.isnan(newer) & np.isnan(older)))


EVENTS = {"resets": _fell, "changes": _differs}
"""What happens from one float to the next."""


def resets(block: Block) -> Found:
    return count_steps(block, _fell(block.values[:-1], block.values[1:]))


def changes(block: Block) -> Found:
    return count_steps(block, _differs(block.values[:-1], block.values[1:]))


def count_steps(block: Block, happened: Flags) -> Found:
    """How often it happened from one point of a window to the next."""
    upto = np.concatenate(([0, 0], np.cumsum(happened)))  # [i]: among the first i points
    present = block.count > 0
    found = upto[block.high] - upto[np.minimum(block.low + 1, len(upto) - 1)]
    return found.astype(np.float64), present
