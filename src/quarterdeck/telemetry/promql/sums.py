"""Compensated summation (Knuth's two-sum), over windows and over groups of rows.

A sum is a pair of arrays: the rounded sum and the error that rounding left. Adding pairs in a
tree loses no more than adding one by one with Neumaier's correction, as Prometheus does, and
takes the logarithm of the steps.
"""

from collections.abc import Callable, Sequence

import numpy as np

from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.promql.values import Flags, Indexes

Pair = tuple[Values, Values]
Parts = tuple[Values, ...]
Merge = Callable[[Parts, Parts], Parts]


def add(left: Parts, right: Parts) -> Parts:
    """The sum of two compensated sums."""
    total = left[0] + right[0]
    virtual = total - left[0]
    error = total - virtual
    np.subtract(left[0], error, out=error)
    np.subtract(right[0], virtual, out=virtual)
    error += virtual
    error += left[1]
    error += right[1]
    return total, error


def finish(total: Values, error: Values) -> Values:
    """The sum as one number; an infinite sum has no error."""
    return np.where(np.isfinite(total), total + error, total)


def over_windows(leaves: Parts, low: Indexes, count: Indexes, merge: Merge) -> Parts:
    """Merges the points of each window: by the binary digits of their number.

    `leaves` is what a single point stands for. Windows without points get zeros. Level by level
    the leaves of all runs of 1, 2, 4 … points are merged once, and each window takes the runs
    its length is made of: N log k steps for windows of k points, however they overlap.
    """
    most = int(count.max(initial=0))
    found = tuple(np.zeros(low.shape) for _ in leaves)
    started = np.zeros(low.shape, dtype=np.bool_)
    at = low.copy()
    size = 1
    while size <= most:
        takes = (count & size) != 0
        _take(found, leaves, at, takes, started, merge)
        at += np.where(takes, size, 0)
        started |= takes
        if size * 2 <= most:
            leaves = merge(
                tuple(part[:-size] for part in leaves), tuple(part[size:] for part in leaves)
            )
        size *= 2
    return found


def _take(
    found: Parts, leaves: Parts, at: Indexes, takes: Flags, started: Flags, merge: Merge
) -> None:
    """Merges the run at `at` into each window that takes it."""
    if not takes.any():
        return
    everywhere = bool(takes.all())
    if everywhere and not started.any():
        for into, part in zip(found, leaves, strict=True):
            np.take(part, at, out=into)
        return
    if everywhere and started.all():
        merged = merge(found, tuple(part[at] for part in leaves))
        for into, part in zip(found, merged, strict=True):
            into[...] = part
        return
    fresh = takes & ~started
    if fresh.any():
        for into, part in zip(found, leaves, strict=True):
            into[fresh] = part[at[fresh]]
    more = takes & started
    if more.any():
        where = at[more]
        merged = merge(tuple(part[more] for part in found), tuple(part[where] for part in leaves))
        for into, part in zip(found, merged, strict=True):
            into[more] = part


def over_groups(rows: Parts, groups: Indexes, merge: Merge) -> Parts:
    """Merges the rows of each group, neighbours first; `groups` is sorted and has no gaps.

    Gives one row a group.
    """
    while len(groups) > 1 and bool((groups[1:] == groups[:-1]).any()):
        starts = np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))
        rank = np.arange(len(groups)) - np.repeat(starts, np.diff([*starts, len(groups)]))
        left = rank % 2 == 0
        paired = np.flatnonzero(left[:-1] & ~left[1:])
        kept = np.flatnonzero(left)
        merged = merge(
            tuple(part[paired] for part in rows), tuple(part[paired + 1] for part in rows)
        )
        rows = tuple(part[kept] for part in rows)
        places = np.searchsorted(kept, paired)
        for into, part in zip(rows, merged, strict=True):
            into[places] = part
        groups = groups[kept]
    return rows


def pairs(values: Values) -> Pair:
    return values, np.zeros_like(values)


def moments(left: Parts, right: Parts) -> Parts:
    """Count, mean and sum of squared distances to it, of two sets together (Chan et al. 1979)."""
    count = left[0] + right[0]
    share = np.divide(right[0], count, out=np.zeros_like(count), where=count != 0)
    distance = right[1] - left[1]
    distance = np.where(left[0] == 0, right[1], np.where(right[0] == 0, 0.0, distance))
    mean = np.where(left[0] == 0, right[1], left[1] + distance * share)
    between = np.where((left[0] == 0) | (right[0] == 0), 0.0, distance**2 * left[0] * share)
    return count, mean, left[2] + right[2] + between


def by_size(sizes: Indexes) -> Sequence[tuple[int, Indexes]]:
    """The positions (flat) of each size that occurs, empty ones left out."""
    flat = sizes.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    ends = [*starts[1:].tolist(), len(ordered)]
    return [
        (int(ordered[start]), order[start:end])
        for start, end in zip(starts.tolist(), ends, strict=True)
        if len(ordered) and ordered[start] > 0
    ]
