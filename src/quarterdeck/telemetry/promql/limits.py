"""What a query may cost, and the errors that say which limit it met.

A limit is checked before the memory is taken: a query that would touch a billion points is
refused, or stopped, with bounded memory.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from quarterdeck.core.errors import BadInput, Unavailable, Unprocessable

HISTOGRAM = 32
"""A native histogram counts for so many samples or points."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Points are values at a moment: read from the store, or in a result on the way."""

    series: int = 100_000  # of one selector
    samples: int = 50_000_000  # read by one query; 16 bytes each
    steps: int = 11_000  # of a range query, as in Prometheus
    points: int = 20_000_000  # series times steps of one intermediate result
    seconds: float = 30.0


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one query runs."""

    limits: Limits
    samples: int = 0
    until: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.until = time.monotonic() + self.limits.seconds

    def check_time(self) -> None:
        if time.monotonic() > self.until:
            raise Unavailable(
                "promql_timeout",
                f"the query ran longer than {self.limits.seconds:g} s",
                "Ask for a shorter range, a longer step or fewer series.",
            )

    def check_series(self, count: int) -> None:
        if count > self.limits.series:
            raise too_many_series(count, self.limits.series)

    def add_samples(self, count: int) -> None:
        self.samples += count
        if self.samples > self.limits.samples:
            raise too_many_samples(self.limits.samples)

    def check_points(self, series: int, steps: int) -> None:
        self.check_time()
        if series * steps > self.limits.points:
            raise Unprocessable(
                "promql_too_many_points",
                f"an intermediate result of {series} series at {steps} moments has more than "
                f"{self.limits.points} points",
                "Aggregate or select fewer series, or ask for a longer step.",
            )

    def check_histograms(self, count: int) -> None:
        """Before as many native histograms are worked out."""
        self.check_time()
        if count * HISTOGRAM > self.limits.points:
            raise Unprocessable(
                "promql_too_many_points",
                f"an intermediate result of {count} native histograms counts for more than "
                f"{self.limits.points} points",
                "Aggregate or select fewer series, or ask for a longer step.",
            )

    def each(self, flags: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
        """Where the flags are set, row by row, with an eye on the time."""
        for row in np.flatnonzero(flags.any(axis=1)).tolist():
            for number, column in enumerate(np.flatnonzero(flags[row]).tolist()):
                if number % 256 == 0:
                    self.check_time()
                yield row, column


def too_many_series(count: int, limit: int) -> Unprocessable:
    """For sources too: a selector matches more series than a query may read."""
    return Unprocessable(
        "promql_too_many_series",
        f"a selector matches {count} series; a query may read {limit}",
        "Add matchers that narrow it.",
    )


def too_many_samples(limit: int) -> Unprocessable:
    """For sources too: a query would read more samples than it may."""
    return Unprocessable(
        "promql_too_many_samples",
        f"the query would read more than {limit} samples",
        "Ask for a shorter range or fewer series, or read a recorded series instead.",
    )


def check_steps(count: int, limit: int) -> None:
    if count > limit:
        raise BadInput(
            "promql_too_many_steps",
            f"exceeded maximum resolution of {limit:,} points per timeseries",
            "Ask for a longer step or a shorter range.",
        )
