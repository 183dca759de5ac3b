"""When a target is asked: at a moment of its own in every interval, the same over restarts.

The moment comes from a hash of the target, so that thousands of them are spread evenly, and from
the clock rather than from when it was last asked, so that neither a restart nor a pause moves it.
Whoever is later than a whole interval waits for the next moment: what a pause has missed is not
made up for, and nobody is asked by all of us at once.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_AT_ONCE = 50  # that one tick begins


def offset_of(key: bytes, interval_ms: int) -> int:
    """A target's moment within its interval."""
    return int.from_bytes(key[:8], "big") % interval_ms


def next_due(key: bytes, interval_ms: int, after_ms: int) -> int:
    """Its first moment after a time."""
    return after_ms + interval_ms - (after_ms - offset_of(key, interval_ms)) % interval_ms


@dataclass(order=True, slots=True)
class _Entry(Generic[T]):
    due_ms: int
    order: int
    key: bytes = field(compare=False)
    interval_ms: int = field(compare=False)
    item: T = field(compare=False)


class Schedule(Generic[T]):
    """Items by when they are due."""

    def __init__(self) -> None:
        self._heap: list[_Entry[T]] = []
        self._order = itertools.count()

    def add(self, key: bytes, interval_ms: int, item: T, now_ms: int) -> None:
        due = next_due(key, interval_ms, now_ms)
        heapq.heappush(self._heap, _Entry(due, next(self._order), key, interval_ms, item))

    def tick(self, now_ms: int, begin: Callable[[T, int], bool]) -> int:
        """Begin what is due; `begin` gets its moment and says whether it stays in the schedule.

        When to tick again, in milliseconds since 1970: at once where more is due.
        """
        begun = 0
        while self._heap and self._heap[0].due_ms <= now_ms and begun < MOST_AT_ONCE:
            entry = heapq.heappop(self._heap)
            late = now_ms - entry.due_ms >= entry.interval_ms
            if not late:
                begun += 1
            if late or begin(entry.item, entry.due_ms):
                self.add(entry.key, entry.interval_ms, entry.item, now_ms)
        return self._heap[0].due_ms if self._heap else now_ms + 3_600_000
