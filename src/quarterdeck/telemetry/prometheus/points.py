"""Points of many series in one place, and how points from several places become one answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quarterdeck.telemetry.promql.source import Labels, Selected, Times, Values

Places = npt.NDArray[np.int64]

FARTHEST_MS = 9_000_000_000_000  # the year 2255: within what the engine's times hold


@dataclass(slots=True)
class Points:
    """`series[i]` is the place of a point's series among the labels of the answer."""

    series: Places
    times: Times
    values: Values
    histograms: npt.NDArray[Any] | None = None

    def at(self, index: Any) -> "Points":
        """Some of the points, in this order."""
        histograms = None if self.histograms is None else self.histograms[index]
        return Points(self.series[index], self.times[index], self.values[index], histograms)


def none() -> Points:
    return Points(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


class Series:
    """The series of an answer: each set of labels has one place."""

    def __init__(self) -> None:
        self.labels: list[Labels] = []
        self._places: dict[frozenset[tuple[str, str]], int] = {}

    def places(self, labels: Sequence[Labels]) -> Places:
        """The place of each; those that are new get one."""
        found = []
        for one in labels:
            place = self._places.setdefault(frozenset(one.items()), len(self.labels))
            if place == len(self.labels):
                self.labels.append(one)
            found.append(place)
        return np.array(found, np.int64)


def between(after: int, until: int) -> str:
    """SQL: `after < time <= until`, in milliseconds."""
    first, last = (min(max(ms, 0), FARTHEST_MS) for ms in (after, until))
    opens = ">" if after >= 0 else ">="
    return f"time {opens} fromUnixTimestamp64Milli({first}) AND time <= fromUnixTimestamp64Milli({last})"


def joined(parts: Sequence[Points]) -> Points:
    """In the order of series and time; of points of one series at one time the last counts."""
    parts = [part for part in parts if len(part.times)]
    if not parts:
        return none()
    if len(parts) == 1:
        return _in_order(parts[0])
    histograms = None
    if any(part.histograms is not None for part in parts):
        each = [
            np.full(len(part.times), None, object) if part.histograms is None else part.histograms
            for part in parts
        ]
        histograms = np.concatenate(each)
    whole = Points(
        np.concatenate([part.series for part in parts]),
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        histograms,
    )
    return _in_order(whole)


def _in_order(points: Points) -> Points:
    series, times = points.series, points.times
    same = series[1:] == series[:-1]
    if not ((series[1:] > series[:-1]) | (same & (times[1:] > times[:-1]))).all():
        points = points.at(np.lexsort((times, series)))
        series, times = points.series, points.times
        again = (series[1:] == series[:-1]) & (times[1:] == times[:-1])
        if again.any():
            points = points.at(np.append(~again, True))
    return points


def selected(labels: Sequence[Labels], points: Points) -> Selected:
    """Only the series that have points, in the order of the points."""
    starts = np.flatnonzero(np.diff(points.series, prepend=-1))
    return Selected(
        labels=[labels[place] for place in points.series[starts].tolist()],
        offsets=np.append(starts, len(points.series)).astype(np.int64),
        times=points.times,
        values=points.values,
        histograms=points.histograms,
    )
