"""A native histogram: counts in exponential buckets, or in custom ones (schema -53).

Exponential bucket `i` of schema `s` holds values in (b^(i-1), b^i] with b = 2^(2^-s), negative
ones mirrored; the zero bucket holds [-zero_threshold, zero_threshold]. Custom bucket `i` holds
(custom[i-1], custom[i]], the last one everything above. Indexes ascend; a histogram never changes.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from quarterdeck.telemetry.promql.annotations import general
from quarterdeck.telemetry.promql.source import Values

CUSTOM = -53

UNKNOWN, RESET, NOT_RESET, GAUGE = 0, 1, 2, 3
"""Hints: whether this histogram restarted from zero after the one before it."""

Index = npt.NDArray[np.int64]


def _no_index() -> Index:
    return np.empty(0, dtype=np.int64)


def _no_counts() -> Values:
    return np.empty(0)


@dataclass(slots=True, eq=False)
class Histogram:
    """Counts are floats, also those of integer histograms."""

    count: float
    sum: float
    schema: int = 0
    zero_threshold: float = 0.0
    zero_count: float = 0.0
    positive_index: Index = field(default_factory=_no_index)
    positive_count: Values = field(default_factory=_no_counts)
    negative_index: Index = field(default_factory=_no_index)
    negative_count: Values = field(default_factory=_no_counts)
    custom: Values = field(default_factory=_no_counts)
    hint: int = UNKNOWN

    @property
    def is_custom(self) -> bool:
        return self.schema == CUSTOM

    def with_hint(self, hint: int) -> "Histogram":
        return self if self.hint == hint else replace(self, hint=hint)

    def without_reset(self) -> "Histogram":
        """As a subquery hands it on: what its hint said of its neighbour is not true any more."""
        return self.with_hint(UNKNOWN) if self.hint in (RESET, NOT_RESET) else self

    def compact(self) -> "Histogram":
        """Without empty buckets."""
        if self.positive_count.all() and self.negative_count.all():
            return self
        up, down = self.positive_count != 0, self.negative_count != 0
        return replace(
            self,
            positive_index=self.positive_index[up],
            positive_count=self.positive_count[up],
            negative_index=self.negative_index[down],
            negative_count=self.negative_count[down],
        )

    def scaled(self, factor: float) -> "Histogram":
        return replace(
            self,
            count=self.count * factor,
            sum=self.sum * factor,
            zero_count=self.zero_count * factor,
            positive_count=self.positive_count * factor,
            negative_count=self.negative_count * factor,
            hint=GAUGE if factor < 0 else self.hint,
        )

    def divided(self, by: float) -> "Histogram":
        """Division by zero leaves no buckets."""
        divide = np.float64(by)
        found = replace(
            self,
            count=float(self.count / divide),
            sum=float(self.sum / divide),
            zero_count=float(self.zero_count / divide),
            positive_count=self.positive_count / divide,
            negative_count=self.negative_count / divide,
            hint=GAUGE if by < 0 else self.hint,
        )
        if by == 0:
            found = replace(
                found,
                positive_index=_no_index(),
                positive_count=_no_counts(),
                negative_index=_no_index(),
                negative_count=_no_counts(),
            )
        return found

    def reduced(self, schema: int) -> "Histogram":
        """With the coarser buckets of a lower schema."""
        if schema == self.schema:
            return self
        shift = self.schema - schema
        up = _merged(((self.positive_index - 1) >> shift) + 1, self.positive_count)
        down = _merged(((self.negative_index - 1) >> shift) + 1, self.negative_count)
        return replace(
            self,
            schema=schema,
            positive_index=up[0],
            positive_count=up[1],
            negative_index=down[0],
            negative_count=down[1],
        )

    def same_as(self, other: "Histogram") -> bool:
        """Equal in every number and bucket; hints aside."""
        return (
            self.schema == other.schema
            and _same(self.count, other.count)
            and _same(self.sum, other.sum)
            and np.array_equal(self.custom, other.custom)
            and self.zero_threshold == other.zero_threshold
            and _same(self.zero_count, other.zero_count)
            and np.array_equal(self.positive_index, other.positive_index)
            and np.array_equal(self.negative_index, other.negative_index)
            and np.array_equal(self.positive_count, other.positive_count, equal_nan=True)
            and np.array_equal(self.negative_count, other.negative_count, equal_nan=True)
        )

    def overflows(self) -> bool:
        return bool(
            math.isinf(self.count)
            or math.isinf(self.sum)
            or math.isinf(self.zero_count)
            or np.isinf(self.positive_count).any()
            or np.isinf(self.negative_count).any()
        )

    def counts(self) -> Values:
        """Of all buckets, from the least to the greatest; the zero bucket only if it has any."""
        zero = [self.zero_count] if self.zero_count > 0 and not self.is_custom else []
        return np.concatenate([self.negative_count[::-1], zero, self.positive_count])

    def buckets(self) -> "Buckets":
        """All buckets that have a count, from the least to the greatest, with their bounds.

        Bounds within the zero bucket are moved to its edge.
        """
        low, high = bounds(self.negative_index, self)
        lower, upper = [-high[::-1]], [-low[::-1]]
        if not self.is_custom:
            edge = self.zero_threshold
            upper[0] = np.where((upper[0] < 0) & (upper[0] > -edge), -edge, upper[0])
            if self.zero_count > 0:
                lower.append(np.array([-edge]))
                upper.append(np.array([edge]))
        low, high = bounds(self.positive_index, self)
        if not self.is_custom:
            low = np.where((low > 0) & (low < self.zero_threshold), self.zero_threshold, low)
        return Buckets(
            np.concatenate([*lower, low]),
            np.concatenate([*upper, high]),
            self.counts(),
        )


@dataclass(slots=True)
class Buckets:
    lower: Values
    upper: Values
    counts: Values


def bounds(index: Index, histogram: Histogram) -> tuple[Values, Values]:
    """Lower and upper bounds of positive buckets."""
    if histogram.is_custom:
        edges = np.concatenate(([-math.inf], histogram.custom, [math.inf]))
        return edges[index], edges[index + 1]
    return edge(index - 1, histogram.schema), edge(index, histogram.schema)


def edge(index: Index, schema: int) -> Values:
    """The upper bound of exponential buckets; the last finite one is the greatest float."""
    power = index * 2.0**-schema
    whole = np.floor(power)
    found = np.ldexp(np.exp2(power - whole), np.clip(whole, -2000, 2000).astype(np.int64))
    return np.where(power == 1024, np.finfo(np.float64).max, found)


def _merged(index: Index, counts: Values) -> tuple[Index, Values]:
    if not len(index):
        return index, counts
    starts = np.flatnonzero(np.concatenate(([True], index[1:] != index[:-1])))
    return index[starts], np.add.reduceat(counts, starts)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def text_of(histogram: Histogram) -> str:
    """As Prometheus shows a histogram, for example as the value of a label."""
    parts = [f"count:{general(histogram.count)}", f"sum:{general(histogram.sum)}"]
    custom = histogram.is_custom
    found = histogram.buckets()
    for low, high, count in zip(found.lower, found.upper, found.counts, strict=True):
        if count == 0:
            continue
        zero = not custom and low == -histogram.zero_threshold and high == -low
        opens = "[" if (zero or (low < 0 and not custom)) else "("
        if custom and low == -math.inf:
            opens = "["
        closes = "]" if (zero or custom or high > 0) else ")"
        parts.append(f"{opens}{general(low)},{general(high)}{closes}:{general(count)}")
    return "{" + ", ".join(parts) + "}"
