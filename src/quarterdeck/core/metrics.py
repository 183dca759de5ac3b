"""Quarterdeck's figures about itself, in the Prometheus text format.

    requests = registry.counter("quarterdeck_http_requests_total", "Requests.", ("status",))
    requests.add(1, "200")

A metric is made once and found again by its name. Adding costs one dictionary
operation, so that hot paths may count; values that already stand elsewhere (queue
lengths, file sizes) are read by a callback when somebody asks.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Sample:
    """One value as a callback gives it: the name's suffix is already in `name`."""

    name: str
    help: str
    kind: str  # "counter" or "gauge"
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class Counter:
    """A number that only grows; `set` is for totals that are kept elsewhere."""

    kind = "counter"

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()) -> None:
        self.name, self.help, self.labels = name, help, tuple(labels)
        self._values: dict[tuple[str, ...], float] = {}
        if not labels:
            self._values[()] = 0.0

    def add(self, amount: float = 1.0, *labels: str) -> None:
        self._values[labels] = self._values.get(labels, 0.0) + amount

    def set(self, value: float, *labels: str) -> None:
        self._values[labels] = value

    def value(self, *labels: str) -> float:
        return self._values.get(labels, 0.0)

    def lines(self) -> Iterator[str]:
        for labels, value in list(self._values.items()):
            yield _line(self.name, zip(self.labels, labels, strict=True), value)


class Gauge(Counter):
    """A number that goes up and down."""

    kind = "gauge"


class Histogram:
    """Observations in cumulative buckets."""

    kind = "histogram"

    def __init__(
        self,
        name: str,
        help: str,
        labels: Sequence[str] = (),
        buckets: Sequence[float] = LATENCY_SECONDS,
    ) -> None:
        self.name, self.help, self.labels = name, help, tuple(labels)
        self._bounds = tuple(buckets)
        self._series: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}

    def observe(self, value: float, *labels: str) -> None:
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = ([0] * (len(self._bounds) + 1), [0.0])
        series[0][bisect_left(self._bounds, value)] += 1
        series[1][0] += value

    def lines(self) -> Iterator[str]:
        for labels, (counts, total) in list(self._series.items()):
            pairs = tuple(zip(self.labels, labels, strict=True))
            seen = 0
            for bound, count in zip((*self._bounds, float("inf")), counts, strict=True):
                seen += count
                yield _line(f"{self.name}_bucket", (*pairs, ("le", _number(bound))), seen)
            yield _line(f"{self.name}_sum", pairs, total[0])
            yield _line(f"{self.name}_count", pairs, seen)


Metric = Counter | Histogram
M = TypeVar("M", bound=Metric)


class Registry:
    """All metrics of one application."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._callbacks: list[Callable[[], Iterable[Sample]]] = []

    def counter(self, name: str, help: str, labels: Sequence[str] = ()) -> Counter:
        return self._get(Counter, name, help, labels)

    def gauge(self, name: str, help: str, labels: Sequence[str] = ()) -> Gauge:
        return self._get(Gauge, name, help, labels)

    def histogram(self, name: str, help: str, labels: Sequence[str] = ()) -> Histogram:
        return self._get(Histogram, name, help, labels)

    def collect(self, callback: Callable[[], Iterable[Sample]]) -> None:
        """Ask the callback for samples at every scrape."""
        self._callbacks.append(callback)

    def collected(self, name: str) -> float:
        """The sum of what the callbacks say now of one name."""
        samples = (sample for callback in self._callbacks for sample in callback())
        return sum(sample.value for sample in samples if sample.name == name)

    def render(self) -> str:
        """The text that `GET /metrics` answers."""
        out: list[str] = []
        for metric in self._metrics.values():
            out += _head(metric.name, metric.help, metric.kind)
            out += metric.lines()
        seen: set[str] = set()
        for sample in _grouped(s for callback in self._callbacks for s in callback()):
            if sample.name not in seen:
                seen.add(sample.name)
                out += _head(sample.name, sample.help, sample.kind)
            out.append(_line(sample.name, sample.labels, sample.value))
        return "\n".join(out) + "\n"

    def _get(self, kind: type[M], name: str, help: str, labels: Sequence[str]) -> M:
        known = self._metrics.get(name)
        if known is None:
            known = self._metrics[name] = kind(name, help, labels)
        if type(known) is not kind or known.labels != tuple(labels):
            raise ValueError(f"{name} already exists as another metric")
        return known


def _grouped(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The format wants all samples of one name together."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.name, []).append(sample)
    for group in groups.values():
        yield from group


def _head(name: str, help: str, kind: str) -> tuple[str, str]:
    text = help.replace("\\", "\\\\").replace("\n", "\\n")
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _line(name: str, labels: Iterable[tuple[str, str]], value: float) -> str:
    inner = ",".join(f'{key}="{_escape(text)}"' for key, text in labels)
    return f"{name}{{{inner}}} {_number(value)}" if inner else f"{name} {_number(value)}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    if value == float("-inf"):
        return "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
