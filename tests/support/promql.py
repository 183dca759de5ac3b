"""Series in memory, as a source for the evaluator, and the notation that tests write them in.

`http_requests{job="api"} 1+2x3 _ 4 stale {{schema:0 sum:1 count:1 buckets:[1]}}`: values at a
fixed interval; `1+2x3` is 1 3 5 7, `_` a gap. The notation is that of Prometheus' unit tests.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from quarterdeck.telemetry.promql.histogram import (
    CUSTOM,
    GAUGE,
    NOT_RESET,
    RESET,
    UNKNOWN,
    Histogram,
)
from quarterdeck.telemetry.promql.histogram_sums import add, restarted, subtract
from quarterdeck.telemetry.promql.matching import matches
from quarterdeck.telemetry.promql.source import (
    STALE_BITS,
    Grid,
    Labels,
    Matcher,
    Matrix,
    Selected,
)

STALE = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]
Value = float | Histogram | None

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_UNITS["y"] = 365 * _UNITS["d"]
_LABEL = re.compile(r'\s*(?:([\w.]+)|"((?:\\.|[^"\\])*)")\s*(?:=\s*"((?:\\.|[^"\\])*)"\s*)?,?')
_NUMBER = r"[+-]?(?:inf|nan|\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?)"
_ITEM = re.compile(rf"({_NUMBER})(?:([+-])({_NUMBER}))?(?:x(\d+))?$", re.IGNORECASE)


def duration(text: str) -> int:
    """Milliseconds of `1h30m` and the like; a bare number is seconds."""
    sign = -1 if text.startswith("-") else 1
    text = text.lstrip("+-")
    if re.fullmatch(r"[\d.]+", text):
        return sign * round(float(text) * 1000)
    parts = re.findall(r"(\d+)(ms|[smhdwy])", text)
    assert "".join(number + unit for number, unit in parts) == text, text
    return sign * sum(int(number) * _UNITS[unit] for number, unit in parts)


def series(line: str) -> tuple[Labels, list[Value]]:
    """Labels and values of a line; None is a gap."""
    labels, rest = metric(line.strip())
    return labels, [value for item in _items(rest) for value in _values(item)]


def metric(text: str) -> tuple[Labels, str]:
    """Labels, and what follows them."""
    name = re.match(r"[a-zA-Z_:][\w:]*", text)
    labels: Labels = {}
    if name:
        labels["__name__"] = name[0]
        text = text[name.end() :]
    if re.match(r"\s*\{(?!\{)", text):
        text = text.lstrip()
    else:
        return labels, text
    at = 1
    while text[at:].lstrip()[:1] != "}":
        match = _LABEL.match(text, at)
        assert match, text[at:]
        key = match[1] or _unescaped(match[2])
        if match[3] is None:
            labels["__name__"] = key
        else:
            labels[key] = _unescaped(match[3])
        at = match.end()
    labels = {name: value for name, value in labels.items() if value}
    return labels, text[text.index("}", at) + 1 :]


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text)


def _items(text: str) -> list[str]:
    return re.findall(r"(?:\{\{.*?\}\}|[^\s{])+", text)


def _values(item: str) -> list[Value]:
    if item == "stale":
        return [STALE]
    if match := re.fullmatch(r"_(?:x(\d+))?", item):
        return [None] * int(match[1] or 1)
    if item.startswith("{{"):
        return _histograms(item)
    match = _ITEM.match(item)
    assert match, item
    start = float(match[1])
    step = float(match[3]) * (-1 if match[2] == "-" else 1) if match[3] else 0.0
    found, values = start, [start]
    for _ in range(int(match[4] or 0)):
        found += step
        values.append(found)
    return list(values)


def _histograms(item: str) -> list[Value]:
    match = re.fullmatch(r"(\{\{.*?\}\})(?:([+-])(\{\{.*?\}\}))?(?:x(\d+))?", item)
    assert match, item
    found = histogram(match[1])
    values: list[Value] = [found]
    for _ in range(int(match[4] or 0)):
        if match[3]:
            step = histogram(match[3])
            joined = add(found, step) if match[2] == "+" else subtract(found, step)
            found = joined.histogram
        values.append(found)
    return values


def histogram(text: str) -> Histogram:
    """`{{schema:0 sum:3 count:2 z_bucket:1 buckets:[1 0 2] offset:-1}}`."""
    fields = dict(re.findall(r"(\w+):(\[[^\]]*\]|\S+)", text.strip("{}")))

    def one(name: str, default: float = 0.0) -> float:
        return float(fields.get(name, default))

    def many(name: str) -> np.ndarray:
        return np.array([float(each) for each in fields.get(name, "[]").strip("[]").split()])

    up, down = many("buckets"), many("n_buckets")
    hints = {"unknown": UNKNOWN, "reset": RESET, "not_reset": NOT_RESET, "gauge": GAUGE}
    return Histogram(
        count=one("count"),
        sum=one("sum"),
        schema=int(one("schema")),
        zero_threshold=one("z_bucket_w"),
        zero_count=one("z_bucket"),
        positive_index=np.arange(len(up)) + int(one("offset")),
        positive_count=up,
        negative_index=np.arange(len(down)) + int(one("n_offset")),
        negative_count=down,
        custom=many("custom_values"),
        hint=hints[fields.get("counter_reset_hint", "unknown")],
    )


@dataclass
class Memory:
    """A Source over series held in memory; select only, nothing is pushed down."""

    points: dict[frozenset[tuple[str, str]], dict[int, float | Histogram]] = field(
        default_factory=dict
    )

    def load(self, interval: int, lines: Sequence[str], start: int = 0) -> None:
        for line in lines:
            labels, values = series(line)
            self.add(labels, [(start + i * interval, value) for i, value in enumerate(values)])

    def add(self, labels: Labels, values: Sequence[tuple[int, Value]]) -> None:
        kept = self.points.setdefault(frozenset(labels.items()), {})
        kept.update((time, value) for time, value in values if value is not None)

    def select(self, matchers: Sequence[Matcher], after: int, until: int) -> Selected:
        found: list[Labels] = []
        offsets, times, values, histograms = [0], [], [], []
        for key, points in self.points.items():
            labels = dict(key)
            if not all(_matches(matcher, labels) for matcher in matchers):
                continue
            hinted = _hinted(points)
            within = [(time, hinted[time]) for time in sorted(points) if after < time <= until]
            if not within:
                continue
            found.append(labels)
            for time, value in within:
                times.append(time)
                values.append(value if isinstance(value, float) else np.nan)
                histograms.append(value if isinstance(value, Histogram) else None)
            offsets.append(len(times))
        any_histogram = any(each is not None for each in histograms)
        return Selected(
            found,
            np.array(offsets, dtype=np.int64),
            np.array(times, dtype=np.int64),
            np.array(values, dtype=np.float64),
            np.array([*histograms, None], dtype=object)[:-1] if any_histogram else None,
        )

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        return None


def _matches(matcher: Matcher, labels: Labels) -> bool:
    return matches(matcher, labels.get(matcher.name, ""))


def _hinted(points: dict[int, float | Histogram]) -> dict[int, float | Histogram]:
    """With the hints that a store works out when it takes histograms in."""
    found: dict[int, float | Histogram] = {}
    before: Histogram | None = None
    for time in sorted(points):
        value = points[time]
        if isinstance(value, Histogram):
            hint = value.hint
            if hint != GAUGE:
                # Prometheus' store forgets that a chunk began with a reset when it is read
                # back (issue 15346 there), so a reset is only found by comparing.
                hint = UNKNOWN
                if before is not None and before.hint != GAUGE and value.hint != RESET:
                    new = restarted(value.with_hint(UNKNOWN), before)
                    hint = UNKNOWN if new else NOT_RESET
            value = value.with_hint(hint)
            before = value
        else:
            before = None
        found[time] = value
    return found


__all__ = ["CUSTOM", "Memory", "duration", "histogram", "metric", "series"]
