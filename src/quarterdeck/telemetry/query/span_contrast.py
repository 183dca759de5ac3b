"""What stands out in the selection of a sample against the rest.

A value's score is how much more often it is found in the selection, at the least: the lower
end of the 99.7 % interval of the difference of the two shares (Newcombe's, from Wilson's
intervals). So three of three are not yet a finding, and what nearly every span has of its own
never is. Numbers are compared in ten parts of equal size, of which the best run is taken.

Fields come in the order of what they add: a field that picks out the same spans as one
above it is worth little more. What says the same altogether stands below that field.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations
from math import log, sqrt
from operator import and_, or_

from quarterdeck.telemetry.query.span_fields import OUTCOMES, is_identity, standing
from quarterdeck.telemetry.query.span_sample import Field, Sample

_Z = 3.0
_PARTS = 10
_FEW = 12  # so many different numbers are shown one by one
_NEGLIGIBLE = 0.005
_SAME = 0.95
_MOST_FIELDS = 60
_CONDITIONS = 3  # at most, of the first so many fields
_TRIED = 12
_WORTH = 1.05  # how much better one more condition must make it


@dataclass(slots=True)
class Value:
    """A value, a run of numbers from `low` to before `high`, or neither: not there."""

    units: int
    value: str | None = None
    low: float | None = None
    high: float | None = None
    score: float = 0.0


@dataclass(slots=True)
class Standing:
    """A field, its values and which of them stands out most."""

    field: Field
    numeric: bool
    values: list[Value]
    best: Value
    units: int  # those that the best picks out
    score: float
    same_as: "Standing | None" = None

    @property
    def outcome(self) -> bool:
        return self.field.name in OUTCOMES


@dataclass(slots=True)
class Contrast:
    sample: Sample
    fields: list[Standing] = field(default_factory=list)
    together: list[Standing] = field(default_factory=list)

    def shares(self, units: int) -> tuple[float, float]:
        """Which part of the selection, and of the rest, these units are."""
        sample = self.sample
        return (
            (units & sample.chosen).bit_count() / max(sample.chosen.bit_count(), 1),
            (units & sample.others).bit_count() / max(sample.others.bit_count(), 1),
        )


def contrast(sample: Sample, without: set[str]) -> Contrast:
    """`without` are the fields that told the selection."""
    found = Contrast(sample)
    every = sample.chosen | sample.others
    if not sample.chosen or not sample.others:
        return found
    candidates = [
        standing
        for each in sample.fields
        if each.name not in without and (standing := _standing(sample, each, every))
    ]
    candidates.sort(key=lambda each: -each.score)
    found.fields = _ordered(found, candidates[: 3 * _MOST_FIELDS])[:_MOST_FIELDS]
    found.together = _together(found)
    return found


def least_difference(a: int, n: int, b: int, m: int, z: float = _Z) -> float:
    """How much a of n is at least above b of m, as shares; 0 when it may not be."""
    p, q = a / n, b / m
    if p <= q:
        return 0.0
    low, _ = _wilson(p, n, z)
    _, high = _wilson(q, m, z)
    return max(0.0, p - q - sqrt((p - low) ** 2 + (high - q) ** 2))


def _wilson(share: float, n: int, z: float) -> tuple[float, float]:
    weight = z * z / n
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(share * (1 - share) / n + weight / (4 * n))
    return middle - half, middle + half


def _strictness(of: Field) -> float:
    """Wider intervals the more values there are, those too rare to have been handed over too."""
    told = reduce(or_, of.values.values(), 0)
    values = len(of.values) + (of.present & ~told).bit_count()
    return sqrt(_Z * _Z + 2 * log(max(values / _FEW, 1)))


def _standing(sample: Sample, of: Field, every: int) -> Standing | None:
    n, m = sample.chosen.bit_count(), sample.others.bit_count()

    def score(units: int) -> float:
        a, b = (units & sample.chosen).bit_count(), (units & sample.others).bit_count()
        return least_difference(a, n, b, m, z) or -least_difference(b, m, a, n, z)

    numeric = _is_numeric(of)
    z = _Z if numeric else _strictness(of)
    values = _numbers(of) if numeric else [Value(units, text) for text, units in of.values.items()]
    if missing := every & ~of.present:
        values.append(Value(missing))
    for value in values:
        value.score = score(value.units)
    best = max(values, key=lambda value: value.score, default=None)
    if numeric and (run := _best_run([v for v in values if v.low is not None], score)):
        best = run if best is None or run.score > best.score else best
    worst = min(values, key=lambda value: value.score, default=None)
    if best is None or worst is None:
        return None
    # That something is rarer in the selection says less than that another is more frequent.
    picked, strength = best.units, best.score
    if -worst.score * 0.8 > best.score:
        best, picked, strength = worst, every & ~worst.units, -worst.score * 0.8
    if strength < _NEGLIGIBLE:
        return None
    return Standing(of, numeric, values, best, picked, strength)


def _is_numeric(of: Field) -> bool:
    if is_identity(of.name) or len(of.numbers) < 0.9 * of.present.bit_count():
        return False
    return len({number for _, number in of.numbers}) > _FEW


def _numbers(of: Field) -> list[Value]:
    """Ten parts that hold about as many units each."""
    largest = dict(sorted(of.numbers))  # of a trace that has it more than once
    ranked = sorted(largest.values())
    edges = sorted({ranked[len(ranked) * i // _PARTS] for i in range(1, _PARTS)})
    parts = [bytearray(of.present.bit_length() // 8 + 1) for _ in range(len(edges) + 1)]
    for unit, number in largest.items():
        parts[bisect_right(edges, number)][unit >> 3] |= 1 << (unit & 7)
    bounds = [ranked[0], *edges, None]
    return [
        Value(units, low=bounds[i], high=bounds[i + 1])
        for i, part in enumerate(parts)
        if (units := int.from_bytes(part, "little"))
    ]


def _best_run(parts: list[Value], score: Callable[[int], float]) -> Value | None:
    runs = []
    for i in range(len(parts)):
        units = parts[i].units
        for j in range(i + 1, len(parts)):
            units |= parts[j].units
            runs.append(Value(units, low=parts[i].low, high=parts[j].high, score=score(units)))
    return max(runs, key=lambda run: run.score, default=None)


def _overlap(found: Contrast, a: int, b: int) -> float:
    """How far two sets are the same, both sides weighing as much."""
    return sum(found.shares(a & b)) / (sum(found.shares(a | b)) or 1)


def _ordered(found: Contrast, candidates: list[Standing]) -> list[Standing]:
    """Again and again the field that says most beyond those before it."""
    left = [(each, each.score) for each in candidates]
    ordered: list[Standing] = []
    while left and len(ordered) < _MOST_FIELDS:
        most = max(worth for _, worth in left)
        good = [each for each, worth in left if worth >= most * 0.97]
        # Of fields that say the same the one with the better name is shown.
        chosen = min(good, key=lambda each: (each.outcome, standing(each.field.name)))
        ordered.append(chosen)
        rest = []
        for each, worth in left:
            if each is chosen:
                continue
            overlap = _overlap(found, each.units, chosen.units)
            if overlap >= _SAME and each.outcome == chosen.outcome:
                each.same_as = chosen
            rest.append((each, min(worth, each.score * (1 - overlap))))
        left = [(each, worth) for each, worth in rest if each.same_as is None]
        ordered += [each for each, _ in rest if each.same_as is chosen]
    return ordered


def _together(found: Contrast) -> list[Standing]:
    """The conditions that together tell the selection best, and no more than help."""
    pool = [
        each
        for each in found.fields
        if not each.outcome and each.same_as is None and each.best.score > 0
    ][:_TRIED]
    best: tuple[Standing, ...] = ()
    reached = 0.0
    for size in range(1, _CONDITIONS + 1):
        for some in combinations(pool, size):
            told = _told(found, reduce(and_, (each.units for each in some)))
            if told > reached * (_WORTH if size > len(best) else 1):
                best, reached = some, told
    return list(best)


def _told(found: Contrast, units: int) -> float:
    """How well a set tells the selection: coverage and precision in one figure (F1)."""
    covered, beside = found.shares(units)
    inside = covered * found.sample.selected
    outside = max(beside, 1 / (found.sample.others.bit_count() + 1)) * found.sample.rest
    precision = inside / (inside + outside)
    return 2 * precision * covered / ((precision + covered) or 1)
