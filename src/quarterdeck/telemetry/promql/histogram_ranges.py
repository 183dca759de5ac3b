"""Range functions over series that have native histograms among their points.

Floats and histograms of a window are told apart first: some functions take both, some ignore the
histograms and say so, some refuse the mixture. Histograms are worked on one window at a time.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quarterdeck.telemetry.promql import histogram_sums, rates
from quarterdeck.telemetry.promql.annotations import Notes
from quarterdeck.telemetry.promql.histogram import GAUGE, Histogram
from quarterdeck.telemetry.promql.histogram_stack import Stack, restarts, stack
from quarterdeck.telemetry.promql.limits import Budget
from quarterdeck.telemetry.promql.rates import Found
from quarterdeck.telemetry.promql.source import Values
from quarterdeck.telemetry.promql.values import NAME, Flags, Indexes, Objects
from quarterdeck.telemetry.promql.windows import Block, Windows, blocks

Kernel = Callable[[Block], Found]

OF_ALL_POINTS = {
    "count_over_time",
    "present_over_time",
    "absent_over_time",
    "ts_of_first_over_time",
    "ts_of_last_over_time",
    "last_over_time",
    "first_over_time",
}
_SUMS = {"sum_over_time", "avg_over_time"}
_RATES = {"rate", "increase", "delta"}
_LAST_TWO = {"irate", "idelta"}
_STEPS = {"resets", "changes"}
_COUNTERS = {"rate", "increase", "irate"}


@dataclass(slots=True)
class Row:
    """One series: its points, its windows, and a result for each window."""

    name: str
    block: Block
    points: Objects  # histograms, None where the point is a float
    kind: Flags  # which points are histograms
    values: Values
    present: Flags
    histograms: Objects
    restarts: dict[int, bool]

    def restarted(self, at: int) -> bool:
        """Whether the histogram at a point began anew after the one before; worked out once."""
        if at not in self.restarts:
            self.restarts[at] = histogram_sums.restarted(self.points[at], self.points[at - 1])
        return self.restarts[at]


@dataclass(slots=True)
class Asked:
    function: str
    kernel: Kernel
    notes: Notes
    place: str
    budget: Budget


def over_row(asked: Asked, windows: Windows, row: int, steps: int, args: list[Values]) -> Row:
    """The function over all windows of one series that has histograms."""
    asked.budget.check_time()
    one = _only(windows, row, None)
    assert one.histograms is not None
    (block,) = blocks(one, steps, args)
    kind = np.asarray(one.histograms != None)  # noqa: E711 (elementwise)
    shape = block.low.shape[1]
    found = Row(
        windows.labels[row].get(NAME, ""),
        block,
        one.histograms,
        kind,
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.bool_),
        np.full(shape, None, dtype=object),
        {},
    )
    upto = np.concatenate(([0], np.cumsum(kind)))
    natives = (upto[block.high] - upto[block.low])[0]
    floats = block.count[0] - natives
    if asked.function in OF_ALL_POINTS:
        _all_points(asked, found)
    elif asked.function in _STEPS:
        _steps(asked, found)
    else:
        _floats(asked, found, _only(windows, row, ~kind), steps, args)
        if asked.function in _LAST_TWO:
            _last_two(asked, found)
        elif asked.function in _SUMS | _RATES:
            both = (floats > 0) & (natives > 0)
            found.present &= ~both
            if both.any():
                asked.notes.mixed(found.name, asked.place)
            only = np.flatnonzero((floats == 0) & (natives > 0))
            (_sums if asked.function in _SUMS else _rates)(asked, found, only)
        elif ((floats > 0) & (natives > 0)).any():
            asked.notes.ignored_in_range(found.name, asked.place)
    return found


def _only(windows: Windows, row: int, kept: Flags | None) -> Windows:
    """One series of a range vector, all its points or some."""
    points = slice(windows.offsets[row], windows.offsets[row + 1])
    assert windows.histograms is not None
    times, values = windows.times[points], windows.values[points]
    histograms = windows.histograms[points]
    if kept is not None:
        times, values, histograms = times[kept], values[kept], histograms[kept]
    return Windows(
        windows.labels[row : row + 1],
        np.array([0, len(times)]),
        times,
        values,
        windows.unnamed[row : row + 1],
        windows.ends,
        windows.width,
        windows.steps,
        windows.moments,
        windows.place,
        histograms,
    )


def _floats(asked: Asked, found: Row, one: Windows, steps: int, args: list[Values]) -> None:
    """The result of the floats alone."""
    if not len(one.times):
        return
    for block in blocks(one, steps, args):
        values, present = asked.kernel(block)
        found.values[:], found.present[:] = values[0], present[0]


def _all_points(asked: Asked, found: Row) -> None:
    values, present = asked.kernel(found.block)
    found.values[:], found.present[:] = values[0], present[0]
    if asked.function in ("last_over_time", "first_over_time"):
        last = asked.function == "last_over_time"
        at = (found.block.last() if last else found.block.first())[0]
        found.histograms[found.present] = found.points[at[found.present]]


def _steps(asked: Asked, found: Row) -> None:
    """From one point to the next: also from a float to a histogram and back."""
    values, kind = found.block.values, found.kind
    happened = kind[1:] != kind[:-1]
    for at in np.flatnonzero(kind[1:] & kind[:-1]).tolist():
        if asked.function == "resets":
            happened[at] = found.restarted(at + 1)
        else:
            happened[at] = not found.points[at].same_as(found.points[at + 1])
    floats = ~kind[1:] & ~kind[:-1]
    happened |= floats & rates.EVENTS[asked.function](values[:-1], values[1:])
    counted, present = rates.count_steps(found.block, happened)
    found.values[:], found.present[:] = counted[0], present[0]


def _sums(asked: Asked, found: Row, only: Indexes) -> None:
    for at in only.tolist():
        points = found.points[found.block.low[0, at] : found.block.high[0, at]]
        try:
            total = mean_or_sum(list(points), mean=asked.function == "avg_over_time")
        except histogram_sums.MixedSchemas:
            asked.notes.mixed_schemas(found.name, asked.place)
            continue
        if total.collision:
            asked.notes.reset_collision("aggregation", asked.place)
        if total.reconciled:
            asked.notes.reconciled("aggregation", asked.place)
        found.histograms[at], found.present[at] = total.histogram, True
        asked.budget.check_time()


def mean_or_sum(points: list[Histogram], *, mean: bool) -> histogram_sums.Sum:
    """The sum, or the mean: divided before adding if the sum would overflow."""
    total = histogram_sums.total(points)
    if not mean:
        return total
    if total.histogram.overflows():
        total = histogram_sums.total([each.divided(len(points)) for each in points])
    else:
        total.histogram = total.histogram.divided(len(points))
    return total


def _rates(asked: Asked, found: Row, only: Indexes) -> None:
    """rate, increase, delta of windows that hold histograms only, two at least."""
    block = found.block
    only = only[(block.high - block.low)[0, only] >= 2]
    if not len(only):
        return
    low, high = block.low[0, only], block.high[0, only]
    natives = np.flatnonzero(found.kind)
    stacked = stack([found.points[at] for at in natives])
    if stacked is not None:
        _stacked_rates(asked, found, only, stacked, natives)
        return
    counter = asked.function in _COUNTERS
    changes = [
        _change(asked, found, begin, end, counter)
        for begin, end in zip(low.tolist(), high.tolist(), strict=True)
    ]
    counts = np.array([0.0 if change is None else change.count for change in changes])
    factors = _factors(asked, found, only, counts)
    for at, change, factor in zip(only.tolist(), changes, factors.tolist(), strict=True):
        if change is not None:
            found.histograms[at] = change.scaled(factor).with_hint(GAUGE)
            found.present[at] = True


def _factors(asked: Asked, found: Row, only: Indexes, counts: Values) -> Values:
    block = found.block
    first, last = block.low[0, only], block.high[0, only] - 1
    starts = np.array([found.points[at].count for at in first], dtype=np.float64)
    factors = rates.extrapolation(
        block.times[first],
        block.times[last],
        last - first + 1,
        np.broadcast_to(block.ends, block.low.shape)[0][only],
        block.width,
        starts if asked.function in _COUNTERS else None,
        counts,
    )
    if asked.function == "rate":
        factors /= block.width / 1000
    return factors


def _stacked_rates(
    asked: Asked, found: Row, only: Indexes, stacked: Stack, natives: Indexes
) -> None:
    """The same for all windows at once, where all histograms of the series are of one schema."""
    place = np.cumsum(found.kind) - 1  # of a point among the histograms
    first, last = place[found.block.low[0, only]], place[found.block.high[0, only] - 1]
    hints = np.array([found.points[at].hint for at in natives])
    gauges = np.concatenate(([0], np.cumsum(hints == GAUGE)))
    change = stacked.rows[last] - stacked.rows[first]
    if asked.function in _COUNTERS:
        if (gauges[last + 1] > gauges[first]).any():
            asked.notes.not_counter(found.name, asked.place)
        fell = np.flatnonzero(restarts(stacked, hints)) - 1  # the histogram before the restart
        begin = np.searchsorted(fell, first)
        within = np.searchsorted(fell, last) - begin
        for nth in range(int(within.max(initial=0))):
            where = within > nth
            change[where] += stacked.rows[fell[begin[where] + nth]]
    elif (hints[first] != GAUGE).any() or (hints[last] != GAUGE).any():
        asked.notes.not_gauge(found.name, asked.place)
    change *= _factors(asked, found, only, change[:, 0])[:, None]
    found.histograms[only] = stacked.histograms(change, GAUGE)
    found.present[only] = True


def _change(asked: Asked, found: Row, low: int, high: int, counter: bool) -> Histogram | None:
    """The last histogram less the first, plus what was lost by restarts between them."""
    asked.budget.check_time()
    notes, points = asked.notes, found.points
    first, last = points[low], points[high - 1]
    custom = first.is_custom
    if counter and found.restarted(low + 1):
        second = points[low + 1]
        first = Histogram(0.0, 0.0, schema=second.schema, custom=second.custom)
        custom = second.is_custom
    if counter:
        if any(each.hint == GAUGE for each in (points[low], *points[low + 1 : high])):
            notes.not_counter(found.name, asked.place)
        alike = all(each.is_custom == custom for each in points[low + 1 : high])
    else:
        alike = last.is_custom == custom
        if points[low].hint != GAUGE or last.hint != GAUGE:
            notes.not_gauge(found.name, asked.place)
    if not alike:
        notes.mixed_schemas(found.name, asked.place)
        return None
    if not custom and counter:
        last = last.reduced(min(each.schema for each in (first, *points[low + 1 : high])))
    change = histogram_sums.subtract(last, first)
    if change.reconciled:
        notes.reconciled("subtraction", asked.place)
    total = change.histogram
    for at in range(low + 2, high) if counter else ():
        if found.restarted(at):
            added = histogram_sums.add(total, points[at - 1])
            if added.reconciled:
                notes.reconciled("addition", asked.place)
            total = added.histogram
    return total.with_hint(GAUGE).compact()


def _last_two(asked: Asked, found: Row) -> None:
    """irate, idelta: the last two points, of whatever kind, must be of one kind."""
    block, notes = found.block, asked.notes
    for at in range(block.low.shape[1]):
        low, high = int(block.low[0, at]), int(block.high[0, at])
        found.present[at] = False
        if high - low < 2:
            continue
        newer, older = found.points[high - 1], found.points[high - 2]
        if (newer is None) != (older is None):
            notes.mixed(found.name, asked.place)
            continue
        if newer is None:
            values = block.values[high - 2 : high]
            found.values[at] = _float_change(asked, values)
        else:
            change = _native_change(asked, found, high - 1)
            if change is None:
                continue
            found.histograms[at] = change
        found.present[at] = True
        if asked.function == "irate":
            seconds = float(block.times[high - 1] - block.times[high - 2]) / 1000
            found.values[at] /= seconds
            if found.histograms[at] is not None:
                found.histograms[at] = found.histograms[at].divided(seconds)


def _float_change(asked: Asked, values: Values) -> float:
    older, newer = values.tolist()
    if asked.function == "irate" and newer < older:
        return float(newer)
    return float(newer - older)


def _native_change(asked: Asked, found: Row, at: int) -> Histogram | None:
    newer, older = found.points[at], found.points[at - 1]
    gauges = [each.hint == GAUGE for each in (newer, older)]
    if asked.function == "irate" and any(gauges):
        asked.notes.not_counter(found.name, asked.place)
    if asked.function == "idelta" and not all(gauges):
        asked.notes.not_gauge(found.name, asked.place)
    change: Histogram = newer
    if asked.function == "idelta" or not found.restarted(at):
        try:
            difference = histogram_sums.subtract(newer, older)
        except histogram_sums.MixedSchemas:
            asked.notes.mixed_schemas(found.name, asked.place)
            return None
        if difference.reconciled:
            asked.notes.reconciled("subtraction", asked.place)
        change = difference.histogram
    return change.with_hint(GAUGE).compact()
