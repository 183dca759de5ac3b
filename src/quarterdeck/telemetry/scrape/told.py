"""What one answer told: filled by the parsers, read by `turn.py`."""

from dataclasses import dataclass, field

from quarterdeck.telemetry.scrape import wire
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.relabel import Labels
from quarterdeck.telemetry.scrape.series import DROPPED, Series

MOST_LINES = 500_000  # of an answer; a series costs about half a kilobyte to know
MOST_EXEMPLAR = 128  # characters of an exemplar's labels (OpenMetrics 1.0)


def too_long() -> ScrapeFailed:
    return ScrapeFailed(f"The answer has more than {MOST_LINES} lines.")


@dataclass(frozen=True, slots=True)
class Family:
    kind: str = "unknown"
    help: str = ""
    unit: str = ""


@dataclass(slots=True)
class Told:
    """Samples at the time of the scrape stand in `series` and `values`; others, exemplars and
    native histograms in `apart`, as finished bytes."""

    now_ms: int
    honor_timestamps: bool = True
    track_timestamps: bool = False
    series: list[Series] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    apart: list[bytes] = field(default_factory=list)
    tracked: list[Series] = field(default_factory=list)  # of `apart`: those that can end
    total: int = 0
    kept_apart: int = 0
    families: dict[str, Family] | None = None  # None while they are what they were

    def sample(self, series: Series, value: float, time_ms: int | None = None) -> None:
        self.total += 1
        if series is DROPPED:
            return
        if time_ms is None or not self.honor_timestamps:
            self.series.append(series)
            self.values.append(value)
            return
        self.kept_apart += 1
        self.apart.append(wire.sample(series.labels, value, time_ms))
        if self.track_timestamps:
            self.tracked.append(series)

    def histogram(self, series: Series, body: bytes, exemplars: bytes, own_time: bool) -> None:
        self.total += 1
        if series is DROPPED:
            return
        self.kept_apart += 1
        self.apart.append(wire.histogram(series.labels, body, exemplars))
        if not own_time or self.track_timestamps:
            self.tracked.append(series)

    def exemplar(self, series: Series, labels: Labels, value: float, time_ms: int | None) -> None:
        """Left out while it is the last one again, and when its labels are too long."""
        seen = (labels, value, time_ms)
        if series is DROPPED or series.exemplar == seen:
            return
        series.exemplar = seen
        if sum(len(name) + len(text) for name, text in labels.items()) <= MOST_EXEMPLAR:
            encoded = wire.exemplar(labels, value, self.now_ms if time_ms is None else time_ms)
            self.apart.append(wire.field(1, series.labels + encoded))
