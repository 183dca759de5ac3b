"""One answer, or its lack, as requests to remote write: what is new of a target and what ended.

Guarantees. A series that was told last time and not this time ends (the stale marker of
Prometheus), all of them end when the target fails, and when it is no longer asked its own figures
end too. An answer that breaks a limit or its format counts as a failure as a whole. Of a series
told twice in one answer the first sample stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from quarterdeck.telemetry.ingest.otlp.probe import MOST_ITEMS
from quarterdeck.telemetry.scrape import wire
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.families import read_families
from quarterdeck.telemetry.scrape.series import Known, Naming, Series
from quarterdeck.telemetry.scrape.spec import Protocol
from quarterdeck.telemetry.scrape.text import read_text
from quarterdeck.telemetry.scrape.told import Family, Told

_DAY_MS = 86_400_000
_FIGURES = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a target's answers are to be read."""

    naming: Naming
    honor_timestamps: bool = True
    track_timestamps: bool = False
    native: bool = False  # native histograms are kept as such
    classic_too: bool = False


@dataclass(slots=True)
class Turn:
    """What came of one scrape; `error` is empty when it went well."""

    error: str = ""
    scraped: int = 0
    kept: int = 0
    added: int = 0
    parts: list[bytes] = field(default_factory=list)  # fields of a WriteRequest
    items: list[int] = field(default_factory=list)  # how many are in each part

    def put(self, part: bytes, items: int) -> None:
        if items:
            self.parts.append(part)
            self.items.append(items)

    def put_first(self, part: bytes, items: int) -> None:
        self.parts.insert(0, part)
        self.items.insert(0, items)

    def requests(self) -> Iterator[bytes]:
        """WriteRequests that are each within what ingest takes."""
        begin = total = 0
        for place, items in enumerate(self.items):
            if total and total + items > MOST_ITEMS:
                yield b"".join(self.parts[begin:place])
                begin, total = place, 0
            total += items
        if total:
            yield b"".join(self.parts[begin:])


class Course:
    """What is remembered of one target from scrape to scrape; not for two threads at once."""

    def __init__(self, reading: Reading) -> None:
        self._use(reading)
        self._last: list[Series] | None = None  # None when it does not tell all that is alive
        self._alive: set[Series] = set()
        self._families: dict[str, Family] = {}
        self._families_day = 0

    def _use(self, reading: Reading) -> None:
        self._reading = reading
        self._known = Known(reading.naming)
        self._figures = [wire.head_of(self._known.own(name)) for name in _FIGURES]

    def reconfigure(self, reading: Reading) -> None:
        """The job has changed: series that get other names now end at the next scrape."""
        if reading == self._reading:
            return
        before = {series.labels: series for series in self._alive}
        self._use(reading)
        self._known.adopt(before)
        self._last = None

    def answer(self, body: bytes, protocol: Protocol, now_ms: int) -> Turn:
        """Read an answer; the figures are added by `report`."""
        reading = self._reading
        told = Told(now_ms, reading.honor_timestamps, reading.track_timestamps)
        try:
            if protocol == "PrometheusProto":
                read_families(body, self._known, told, reading.native, reading.classic_too)
            else:
                openmetrics = protocol.startswith("OpenMetrics")
                read_text(body, self._known, told, openmetrics=openmetrics)
            return self._kept(told)
        except ScrapeFailed as failed:
            turn = self.failed(str(failed), now_ms)
            turn.scraped = told.total
            return turn

    def failed(self, why: str, now_ms: int) -> Turn:
        turn = Turn(why)
        self._end(self._alive, turn, now_ms)
        self._last, self._alive = [], set()
        return turn

    def ended(self, now_ms: int) -> Turn:
        """The target is no longer asked."""
        turn = self.failed("", now_ms)
        turn.put(wire.stale(self._figures, now_ms), len(self._figures))
        return turn

    def report(self, turn: Turn, seconds: float, now_ms: int) -> None:
        """Its own figures come first: a limit of series shall refuse what it tells rather than `up`."""
        values = (float(not turn.error), seconds, turn.scraped, turn.kept, turn.added)
        turn.put_first(wire.samples(self._figures, values, now_ms), len(values))

    def _kept(self, told: Told) -> Turn:
        same = told.series == self._last and not told.tracked
        if not same:
            _without_repeats(told)
        turn = Turn(scraped=told.total, kept=len(told.series) + told.kept_apart)
        limit = self._reading.naming.limits.samples
        if limit and turn.kept > limit:
            raise ScrapeFailed(f"sample_limit is {limit}, but {turn.kept} samples are left.")
        turn.added = self._known.new
        for at in range(0, len(told.series), MOST_ITEMS):
            heads = [series.head for series in told.series[at : at + MOST_ITEMS]]
            part = wire.samples(heads, told.values[at : at + MOST_ITEMS], told.now_ms)
            turn.put(part, len(heads))
        for part in told.apart:
            turn.put(part, 1)
        if not same:
            alive = {*told.series, *told.tracked}
            self._end(self._alive - alive, turn, told.now_ms)
            self._last = None if told.tracked else told.series
            self._alive = alive
        self._tell_families(told, turn)
        self._known.forget(self._alive, turn.scraped)
        return turn

    def _end(self, series: set[Series], turn: Turn, now_ms: int) -> None:
        turn.put(wire.stale((each.head for each in series), now_ms), len(series))

    def _tell_families(self, told: Told, turn: Turn) -> None:
        """Type, help and unit, when they change and once a day."""
        day = told.now_ms // _DAY_MS
        before = self._families if day == self._families_day else {}
        if told.families is not None:
            self._families = told.families
        elif before:
            return
        for name, family in self._families.items():
            if before.get(name) != family:
                turn.put(wire.metadata(name, family.kind, family.help, family.unit), 1)
        self._families_day = day


def _without_repeats(told: Told) -> None:
    if len(set(told.series)) == len(told.series):
        return
    first: dict[Series, float] = {}
    for series, value in zip(told.series, told.values, strict=True):
        first.setdefault(series, value)
    told.series, told.values = list(first), list(first.values())
