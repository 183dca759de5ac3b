"""Runs files in the language of Prometheus' `promqltest` (load, clear, eval) over the evaluator.

Each instant query is also run as a range query around its moment, as Prometheus' runner does.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.telemetry.promql.evaluate import evaluate
from quarterdeck.telemetry.promql.histogram import UNKNOWN, Histogram
from quarterdeck.telemetry.promql.source import Grid, Labels
from quarterdeck.telemetry.promql.values import Result
from support.promql import Memory, Value, duration, metric, series

_INSTANT = re.compile(r"eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+))?\s+(.+)")
_RANGE = re.compile(
    r"eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)"
)
_LOAD = re.compile(r"load(?:_(with_nhcb))?\s+(\S+)")
_EXPECT = re.compile(
    r"expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):\s*(.+))?$"
)
_VECTOR = re.compile(r"expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)")
_MINUTE = 60_000


@dataclass
class Case:
    """One `eval` and what it should give."""

    file: str
    line: int
    text: str
    when: Grid | int
    loaded: Memory
    ordered: bool = False
    number: float | None = None
    string: str | None = None
    vector: Grid | None = None  # the moments of an expected range vector
    expected: list[tuple[Labels, list[Value], bool]] = field(default_factory=list)
    annotations: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.file}:{self.line}"


def read(file: str, text: str) -> Iterator[Case]:
    """The cases of a file, each with the data loaded when it is reached."""
    lines = [re.sub(r"^\s*#.*", "", line).strip() for line in text.split("\n")]
    loaded = Memory()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line == "clear":
            loaded = Memory()
            at += 1
        elif match := _LOAD.match(line):
            block, at = _block(lines, at + 1)
            fresh = Memory({key: dict(points) for key, points in loaded.points.items()})
            fresh.load(duration(match[2]), [each for each in block if "@st" not in each])
            loaded = fresh
            if match[1]:
                add_native(loaded, duration(match[2]), block)
        elif line.startswith("eval"):
            block, after = _block(lines, at + 1)
            yield _case(file, at + 1, line, block, loaded)
            at = after
        else:
            at += 1


def _block(lines: list[str], at: int) -> tuple[list[str], int]:
    start = at
    while at < len(lines) and lines[at]:
        at += 1
    return lines[start:at], at


def _case(file: str, number: int, line: str, block: list[str], loaded: Memory) -> Case:
    when: Grid | int
    if match := _RANGE.match(line):
        when = Grid(*(duration(match[i]) for i in (2, 3, 4)))
        mode, text = match[1], match[5]
    else:
        match = _INSTANT.match(line)
        assert match, f"{file}:{number}: {line}"
        when, mode, text = duration(match[2] or "0"), match[1], match[3]
    case = Case(file, number, text, when, loaded)
    if mode == "ordered":
        case.ordered = True
    elif mode:
        case.annotations[mode] = [("", "")]
    for each in block:
        _expect(case, each)
    return case


def _expect(case: Case, line: str) -> None:
    if match := _EXPECT.match(line):
        if match[1] == "ordered":
            case.ordered = True
        else:
            case.annotations.setdefault(match[1], []).append((match[2] or "", match[3] or ""))
    elif match := re.match(r"expected_fail_(message|regexp)\s+(.*)", line):
        kind = "msg" if match[1] == "message" else "regex"
        case.annotations["fail"] = [(kind, match[2])]
    elif match := _VECTOR.match(line):
        case.vector = Grid(*(duration(match[i]) for i in (1, 2, 3)))
    elif match := re.match(r'expect string\s+(["`])(.*)\1$', line):
        case.string = match[2].replace('\\"', '"') if match[1] == '"' else match[2]
    else:
        try:
            case.number = float(line)
        except ValueError:
            labels, values = series(line)
            case.expected.append((labels, values, "counter_reset_hint" in line))


def run(case: Case) -> list[str]:
    """What is wrong with the results of a case; nothing if all is well."""
    try:
        result = evaluate(case.text, case.loaded, case.when)
    except QuarterdeckError as error:
        if "fail" not in case.annotations:
            return [f"failed: {error.message}"]
        return _unsaid(case, "fail", [error.message])
    if "fail" in case.annotations:
        return ["should have failed"]
    problems = _compare(case, result) + _notes(case, result)
    if problems or not isinstance(case.when, int) or case.vector or case.string is not None:
        return problems
    if re.search(r"\b(range|step|start|end)\(\)", case.text):
        return []
    around = Grid(case.when - _MINUTE, case.when + _MINUTE, _MINUTE)
    ranged = evaluate(case.text, case.loaded, around)
    if case.ordered:
        return []
    return [f"as a range: {each}" for each in _compare(case, _middle(ranged, case.when, result))]


def _middle(ranged: Result, moment: int, like: Result) -> Result:
    column = 1
    histograms = None if ranged.histograms is None else ranged.histograms[:, [column]]
    kept = np.flatnonzero(ranged.present[:, column])
    return Result(
        like.kind,
        np.array([moment]),
        [ranged.labels[row] for row in kept.tolist()],
        ranged.values[kept][:, [column]],
        ranged.present[kept][:, [column]],
        None if histograms is None else histograms[kept],
    )


def _notes(case: Case, result: Result) -> list[str]:
    problems = _unsaid(case, "warn", result.warnings) + _unsaid(case, "info", result.infos)
    if "no_warn" in case.annotations and result.warnings:
        problems.append(f"unexpected warnings {result.warnings}")
    if "no_info" in case.annotations and result.infos:
        problems.append(f"unexpected infos {result.infos}")
    return problems


def _unsaid(case: Case, kind: str, said: list[str]) -> list[str]:
    wanted = case.annotations.get(kind, [])
    if not wanted:
        return []
    if not said:
        return [f"expected {kind} {wanted}"]
    problems = [f"expected {kind} {each}, got {said}" for each in wanted if not _any(each, said)]
    problems += [
        f"unexpected {kind} {each!r}" for each in said if not any(_says(w, each) for w in wanted)
    ]
    return problems


def _any(wanted: tuple[str, str], said: list[str]) -> bool:
    return any(_says(wanted, each) for each in said)


def _says(wanted: tuple[str, str], said: str) -> bool:
    how, text = wanted
    if how == "msg":
        return said == text
    return re.search(text, said) is not None


def _compare(case: Case, result: Result) -> list[str]:
    if result.kind == "string" or case.string is not None:
        right = result.kind == "string" and result.string == case.string
        return [] if right else [f"expected the string {case.string!r}"]
    if case.number is not None:
        if result.kind != "scalar" or not close(float(result.values[0, 0]), case.number):
            return [f"expected {case.number}, got {result.kind} {result.values}"]
        return []
    found = [(points.labels, points) for points in result.series()]
    problems = []
    got = {frozenset(labels.items()): points for labels, points in found}
    if len(got) != len(found):
        problems.append("the same series twice")
    wanted = {frozenset(labels.items()) for labels, _, _ in case.expected}
    problems += [f"unexpected series {dict(key)}" for key in got if key not in wanted]
    if case.ordered and not problems:
        order = [frozenset(labels.items()) for labels, _, _ in case.expected]
        if list(got) != order:
            problems.append(f"order is {[dict(key) for key in got]}")
    grid = case.vector or case.when
    for labels, values, hinted in case.expected:
        points = got.get(frozenset(labels.items()))
        if points is None:
            problems.append(f"missing series {labels}")
            continue
        times = (
            [grid]
            if isinstance(grid, int)
            else [grid.start + i * grid.step for i in range(len(values))]
        )
        expected: dict[int, Value] = {
            t: v for t, v in zip(times, values, strict=False) if v is not None
        }
        actual: dict[int, Value] = {}
        for i, (time, value) in enumerate(zip(points.times, points.values, strict=True)):
            one = None if points.histograms is None else points.histograms[i]
            actual[int(time)] = float(value) if one is None else one
        problems += _points(labels, expected, actual, hinted)
    return problems


def _points(
    labels: Labels, expected: dict[int, Value], actual: dict[int, Value], hinted: bool
) -> list[str]:
    if expected.keys() != actual.keys():
        return [f"{labels}: points at {sorted(actual)}, expected {sorted(expected)}"]
    problems = []
    for time, want in expected.items():
        have = actual[time]
        if isinstance(want, Histogram) and isinstance(have, Histogram):
            same = _alike(want.compact(), have.compact(), hinted)
        elif isinstance(want, Histogram) or isinstance(have, Histogram):
            same = False
        else:
            assert want is not None
            assert have is not None
            same = close(have, want)
        if not same:
            problems.append(f"{labels} at {time}: {have}, expected {want}")
    return problems


def _alike(one: Histogram, other: Histogram, hinted: bool) -> bool:
    numbers = (
        (one.count, other.count),
        (one.sum, other.sum),
        (one.zero_count, other.zero_count),
        *zip(one.positive_count, other.positive_count, strict=False),
        *zip(one.negative_count, other.negative_count, strict=False),
    )
    return (
        one.schema == other.schema
        and one.zero_threshold == other.zero_threshold
        and np.array_equal(one.custom, other.custom)
        and np.array_equal(one.positive_index, other.positive_index)
        and np.array_equal(one.negative_index, other.negative_index)
        and all(close(a, b) for a, b in numbers)
        and (not hinted or one.hint == other.hint)
    )


def close(one: float, other: float) -> bool:
    """Equal within a millionth, as Prometheus' tests ask."""
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    if one == other:
        return True
    if one == 0 or other == 0 or abs(one) + abs(other) < 2.2250738585072014e-308:
        return abs(one - other) < 1e-6 * 2.2250738585072014e-308
    return abs(one - other) / min(abs(one) + abs(other), 1.7976931348623157e308) < 1e-6


def add_native(loaded: Memory, interval: int, block: list[str]) -> None:
    """For each classic histogram of a block, the native one with custom buckets."""
    found: dict[frozenset[tuple[str, str]], dict[int, dict[str, object]]] = {}
    for line in block:
        labels, values = series(line)
        name = labels.get("__name__", "")
        match = re.fullmatch(r"(.+)_(bucket|count|sum)", name)
        if not match:
            continue
        base = {k: v for k, v in labels.items() if k != "le"} | {"__name__": match[1]}
        le = labels.get("le", "")
        for i, value in enumerate(values):
            if not isinstance(value, float):
                continue
            at = found.setdefault(frozenset(base.items()), {}).setdefault(
                i * interval, {"buckets": {}}
            )
            if match[2] == "bucket":
                try:
                    at["buckets"][float(le)] = value  # type: ignore[index]
                except ValueError:
                    continue
            else:
                at[match[2]] = value
    for key, moments in found.items():
        loaded.add(dict(key), [(time, _native(at)) for time, at in moments.items()])


def _native(at: dict[str, object]) -> Histogram:
    buckets = dict(at["buckets"])  # type: ignore[call-overload]
    count = at.get("count", buckets.get(math.inf, max(buckets.values(), default=0.0)))
    buckets.setdefault(math.inf, count)
    bounds = sorted(buckets)
    counts = np.diff([0.0, *(buckets[bound] for bound in bounds)])
    index = np.flatnonzero(counts)
    return Histogram(
        count=float(count),  # type: ignore[arg-type]
        sum=float(at.get("sum", 0.0)),  # type: ignore[arg-type]
        schema=-53,
        positive_index=index,
        positive_count=counts[index],
        custom=np.array(bounds[:-1]),
        hint=UNKNOWN,
    )


__all__ = ["Case", "metric", "read", "run"]
