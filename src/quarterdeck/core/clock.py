"""Time as a dependency, so that a test can replay a month in a second.

Every engine takes a `Clock`; nothing above this module calls `time.time` or
`datetime.now` for a decision. Times are integers: nanoseconds where telemetry
needs them, milliseconds in the control store and on the wire.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Where the present comes from."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now_ns(self) -> int:
        return time.time_ns()


class ManualClock:
    """A clock that a test moves by hand."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self._now = now_ns

    def now_ns(self) -> int:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += int(seconds * 1e9)


def now_ms(clock: Clock) -> int:
    """Milliseconds since the Unix epoch, the unit of the control store."""
    return clock.now_ns() // 1_000_000
