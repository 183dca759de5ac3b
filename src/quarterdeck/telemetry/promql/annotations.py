"""Warnings and infos of an evaluation, in Prometheus' words, so that its users know them.

Each message is kept once. The words follow Prometheus 3 (`util/annotations`); dashboards and
Grafana show them as they are.
"""

import math
from dataclasses import dataclass, field

MOST = 10
"""Of each kind of annotation, an answer has no more."""


@dataclass(slots=True)
class Notes:
    """What an evaluation has to say, beside its result; in the order in which it was found."""

    warnings: dict[str, None] = field(default_factory=dict)
    infos: dict[str, None] = field(default_factory=dict)
    fixed: "dict[tuple[str, str], Fixed]" = field(default_factory=dict)

    def warn(self, message: str, place: str = "") -> None:
        self.warnings[_said("warning", message, place)] = None

    def info(self, message: str, place: str = "") -> None:
        self.infos[_said("info", message, place)] = None

    def mixed(self, name: str, place: str) -> None:
        self.warn("encountered a mix of histograms and floats for" + _of(name), place)

    def mixed_aggregation(self, place: str) -> None:
        self.warn("encountered a mix of histograms and floats for aggregation", place)

    def mixed_schemas(self, name: str, place: str) -> None:
        self.warn(
            "vector contains a mix of histograms with exponential and custom buckets schemas for"
            + _of(name),
            place,
        )

    def mixed_classic_native(self, name: str, place: str) -> None:
        self.warn("vector contains a mix of classic and native histograms" + _for(name), place)

    def not_counter(self, name: str, place: str) -> None:
        self.warn(f"this native histogram metric is not a counter: {quote(name)}", place)

    def not_gauge(self, name: str, place: str) -> None:
        self.warn(f"this native histogram metric is not a gauge: {quote(name)}", place)

    def maybe_not_counter(self, name: str, place: str) -> None:
        self.info(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "
            + quote(name),
            place,
        )

    def reconciled(self, operation: str, place: str) -> None:
        self.info(f"mismatched custom buckets were reconciled during {operation}", place)

    def reset_collision(self, operation: str, place: str) -> None:
        self.warn(f"conflicting counter resets during histogram {operation}", place)

    def incompatible_layout(self, operator: str, place: str) -> None:
        self.warn(f"incompatible bucket layout encountered for binary operator {operator}", place)

    def incompatible_types(self, operator: str, left: str, right: str, place: str) -> None:
        self.info(
            "incompatible sample types encountered for binary operator "
            f"{quote(operator)}: {left} {operator} {right}",
            place,
        )

    def ignored_in_aggregation(self, op: str, place: str) -> None:
        self.info(f"ignored histograms in {op} aggregation", place)

    def ignored_in_range(self, name: str, place: str) -> None:
        self.info(
            "ignored histograms in a range containing both floats and histograms for" + _of(name),
            place,
        )

    def bad_quantile(self, quantile: float, place: str) -> None:
        self.warn(f"quantile value should be between 0 and 1, got {general(quantile)}", place)

    def bad_ratio(self, ratio: float, capped: float, place: str) -> None:
        self.warn(
            f"ratio value should be between -1 and 1, got {general(ratio)}, "
            f"capping to {general(capped)}",
            place,
        )

    def bad_bucket(self, name: str, le: str, place: str) -> None:
        self.warn(
            f'bucket label "le" is missing or has a malformed value of {quote(le)}' + _for(name),
            place,
        )

    def nan_quantile(self, name: str, place: str) -> None:
        self.info(
            "input to histogram_quantile has NaN observations, result is NaN" + _for(name), place
        )

    def nan_skew(self, name: str, place: str) -> None:
        self.info(
            "input to histogram_quantile has NaN observations, result is skewed higher"
            + _for(name),
            place,
        )

    def nan_fraction(self, name: str, place: str) -> None:
        self.info(
            "input to histogram_fraction has NaN observations, which are excluded from all "
            "fractions" + _for(name),
            place,
        )

    def sorted_range(self, place: str) -> None:
        self.warn(
            "sort is ineffective for range queries since results are always ordered by labels",
            place,
        )

    def forced_monotonic(
        self, name: str, place: str, low: float, high: float, most: float, moment: int
    ) -> None:
        """Said once for a metric, with how much had to be mended over the whole range."""
        fixed = self.fixed.setdefault((name, place), Fixed(low, high, most, moment, moment))
        fixed.low, fixed.high = min(fixed.low, low), max(fixed.high, high)
        fixed.most = max(fixed.most, most)
        fixed.first, fixed.last = min(fixed.first, moment), max(fixed.last, moment)
        fixed.count += 1

    def said(self) -> tuple[list[str], list[str]]:
        """Warnings and infos."""
        for (name, place), fixed in self.fixed.items():
            self.info(
                "input to histogram_quantile needed to be fixed for monotonicity (see "
                "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                f"#histogram_quantile){_for(name)}, from buckets {general(fixed.low)} to "
                f"{general(fixed.high)}, with a max diff of {fixed.most:.2g}, over {fixed.count} "
                f"samples from {fixed.first / 1000:.3f} to {fixed.last / 1000:.3f}",
                place,
            )
        self.fixed.clear()
        return _some("warning", list(self.warnings)), _some("info", list(self.infos))


@dataclass(slots=True)
class Fixed:
    low: float
    high: float
    most: float
    first: int
    last: int
    count: int = 0


def general(value: float) -> str:
    """A number as Go's %g writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits = repr(float(value))
    mantissa, _, exponent = f"{value:.17e}".partition("e")
    power = int(exponent)
    if -5 < power < 21:
        return _plain(digits)
    mantissa = _shortest(value, power)
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _plain(digits: str) -> str:
    if "e" in digits:
        digits = format(float(digits), "f").rstrip("0")
    return digits.removesuffix(".0").rstrip(".") if "." in digits else digits


def _shortest(value: float, power: int) -> str:
    digits = repr(float(value)).lower().partition("e")[0]
    sign = "-" if value < 0 else ""
    bare = digits.lstrip("-").replace(".", "").strip("0") or "0"
    return sign + bare[0] + ("." + bare[1:] if len(bare) > 1 else "")


def quote(text: str) -> str:
    """Text in double quotes, escaped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _some(level: str, said: list[str]) -> list[str]:
    """The first ones, and how many more there are."""
    if len(said) <= MOST:
        return said
    return [*said[:MOST], f"{len(said) - MOST} more {level} annotations omitted"]


def _said(level: str, message: str, place: str) -> str:
    return f"PromQL {level}: {message}" + (f" ({place})" if place else "")


def _of(name: str) -> str:
    return f" metric name {quote(name)}"


def _for(name: str) -> str:
    return f" for metric name {quote(name)}" if name else ""
