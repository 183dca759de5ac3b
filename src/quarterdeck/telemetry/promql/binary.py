"""Operators between vectors: which series meet, and what labels the result has."""

from collections.abc import Iterable, Sequence

import numpy as np

from quarterdeck.telemetry.promql.aggregate import any_of
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.operators import (
    ARITHMETIC,
    COMPARISONS,
    Operands,
    Outcome,
    apply,
)
from quarterdeck.telemetry.promql.source import Labels, Values
from quarterdeck.telemetry.promql.syntax import Binary, Matching
from quarterdeck.telemetry.promql.values import (
    DROPPED,
    NAME,
    Flags,
    Indexes,
    Objects,
    Vector,
    empty,
    execution,
    in_columns,
    in_rows,
    key_of,
)


def with_scalar(
    context: Context, node: Binary, vector: Vector, scalar: Values, *, swapped: bool
) -> Vector:
    """A vector and a scalar; a comparison keeps the vector's points, whichever side they are."""
    shape = vector.values.shape
    other = np.broadcast_to(scalar, shape)
    if swapped:
        operands = Operands(other, vector.values, vector.present, None, vector.histograms)
    else:
        operands = Operands(vector.values, other, vector.present, vector.histograms, None)
    outcome = apply(node.op, operands, context, node.place)
    if swapped and node.op in COMPARISONS:
        outcome.values, outcome.histograms = vector.values, vector.histograms
    return _finished(node, vector.labels, vector.unnamed, outcome)


def _finished(node: Binary, labels: list[Labels], unnamed: Flags, outcome: Outcome) -> Vector:
    if node.as_bool:
        values = outcome.kept.astype(np.float64)
        named = np.ones(len(labels), dtype=np.bool_)
        return Vector(labels, values, outcome.present, named).without_empty()
    if node.op in ARITHMETIC:
        unnamed = np.ones(len(labels), dtype=np.bool_)
    return Vector(labels, outcome.values, outcome.kept, unnamed, outcome.histograms).without_empty()


def signatures(
    left: list[Labels], right: list[Labels], matching: Matching
) -> tuple[Indexes, Indexes, int]:
    """A number for each series; series meet if they have the same."""
    found: dict[object, int] = {}
    names = sorted(set(matching.labels))
    dropped = {*names, NAME}

    def numbered(all_labels: list[Labels]) -> Indexes:
        rows = np.empty(len(all_labels), dtype=np.int64)
        for row, labels in enumerate(all_labels):
            key: object
            if matching.on:
                key = tuple(labels.get(name, "") for name in names)
            else:
                key = frozenset(item for item in labels.items() if item[0] not in dropped)
            rows[row] = found.setdefault(key, len(found))
        return rows

    return numbered(left), numbered(right), len(found)


def set_operation(node: Binary, left: Vector, right: Vector) -> Vector:
    """and, or, unless."""
    lefts, rights, count = signatures(left.labels, right.labels, node.matching)
    if node.op == "or":
        taken = any_of(left.present, lefts, count)
        rest = Vector(
            right.labels,
            right.values,
            right.present & ~taken[rights],
            right.unnamed,
            right.histograms,
        ).without_empty()
        return both(left, rest)
    there = any_of(right.present, rights, count)[lefts]
    present = left.present & (there if node.op == "and" else ~there)
    return Vector(left.labels, left.values, present, left.unnamed, left.histograms).without_empty()


def both(left: Vector, right: Vector) -> Vector:
    """The series of both, one after another."""
    histograms = None
    if left.histograms is not None or right.histograms is not None:
        histograms = np.concatenate([_histograms(left), _histograms(right)])
    return Vector(
        left.labels + right.labels,
        np.concatenate([left.values, right.values]),
        np.concatenate([left.present, right.present]),
        np.concatenate([left.unnamed, right.unnamed]),
        histograms,
    )


def _histograms(vector: Vector) -> Objects:
    if vector.histograms is not None:
        return vector.histograms
    return np.full(vector.present.shape, None, dtype=object)


def with_vector(context: Context, node: Binary, left: Vector, right: Vector) -> Vector:
    """Arithmetic and comparison, one-to-one or many-to-one."""
    matching = node.matching
    swapped = matching.card == "one-to-many"
    many, one = (right, left) if swapped else (left, right)
    # As in Prometheus, the fills do not change sides with the operands.
    fill_one, fill_many = matching.fill_right, matching.fill_left
    steps = left.values.shape[1]
    if not left.labels and not right.labels:
        return empty(steps)
    if (not left.labels or not right.labels) and fill_one is None and fill_many is None:
        return empty(steps)
    manys, ones, count = signatures(many.labels, one.labels, matching)
    filled = fill_one is not None or fill_many is not None
    active = in_columns(many.present) & in_columns(one.present)
    _refuse_twins(node, one, ones, active | filled, "left" if swapped else "right")
    if fill_one is not None:
        one, ones = _filled(one, ones, many, manys, count, fill_one, matching)
    if fill_many is not None:
        many, manys = _filled(many, manys, one, ones, count, fill_many, matching)
    # Series that follow each other in time, as containers do, are one to their other side.
    included = [tuple(each.get(name) for name in matching.include) for each in one.labels]
    one, rows = collapsed(one, list(zip(ones.tolist(), included, strict=True)))
    pairs = _pairs(context, manys, ones[rows], steps)
    return _paired(context, node, many, one, pairs, manys, swapped)


def _pairs(context: Context, manys: Indexes, ones: Indexes, steps: int) -> tuple[Indexes, Indexes]:
    """All pairs of rows with the same signature, in the order of the many side."""
    order = np.argsort(ones, kind="stable")
    sorted_ones = ones[order]
    low = np.searchsorted(sorted_ones, manys, side="left")
    times = np.searchsorted(sorted_ones, manys, side="right") - low
    context.budget.check_points(int(times.sum()), steps)
    rows = np.repeat(np.arange(len(manys)), times)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(times) - times, times)
    return rows, order[low[rows] + within]


def _refuse_twins(node: Binary, one: Vector, ones: Indexes, active: Flags, side: str) -> None:
    """Raises if two series of the one side have the same signature at the same moment."""
    if len(np.unique(ones)) == len(ones):
        return
    seen: dict[int, list[int]] = {}
    for row, signature in enumerate(ones.tolist()):
        seen.setdefault(signature, []).append(row)
    for rows in seen.values():
        if len(rows) < 2:
            continue
        twice = (one.present[rows].sum(axis=0) > 1) & active
        if not twice.any():
            continue
        column = int(np.flatnonzero(twice)[0])
        here = [row for row in rows if one.present[row, column]][:2]
        first, second = sorted(written(one.labels[row]) for row in here)
        group = written(_matched(one.labels[here[0]], node.matching))
        raise execution(
            f"found duplicate series for the match group {group} on the {side} hand-side of the "
            f"operation: [{first}, {second}];many-to-many matching not allowed: matching labels "
            "must be unique on one side"
        )


def _matched(labels: Labels, matching: Matching) -> Labels:
    if matching.on:
        return {name: value for name, value in labels.items() if name in matching.labels}
    dropped = {*matching.labels, NAME}
    return {name: value for name, value in labels.items() if name not in dropped}


def _filled(
    short: Vector,
    shorts: Indexes,
    full: Vector,
    fulls: Indexes,
    count: int,
    value: float,
    matching: Matching,
) -> tuple[Vector, Indexes]:
    """With a value for each signature of the other side at the moments it lacks one."""
    missing = any_of(full.present, fulls, count) & ~any_of(short.present, shorts, count)
    rows = np.flatnonzero(in_rows(missing))
    labels: dict[int, Labels] = {}
    for row, signature in enumerate(fulls.tolist()):
        labels.setdefault(signature, _matched(full.labels[row], matching))
    added = Vector(
        [labels[row] for row in rows.tolist()],
        np.full((len(rows), missing.shape[1]), value),
        missing[rows],
        np.zeros(len(rows), dtype=np.bool_),
    )
    return both(short, added), np.concatenate([shorts, rows])


def _paired(
    context: Context,
    node: Binary,
    many: Vector,
    one: Vector,
    pairs: tuple[Indexes, Indexes],
    manys: Indexes,
    swapped: bool,
) -> Vector:
    rows, others = pairs
    present = many.present[rows] & one.present[others]
    sides = [
        (many.values[rows], None if many.histograms is None else many.histograms[rows]),
        (one.values[others], None if one.histograms is None else one.histograms[others]),
    ]
    left, right = reversed(sides) if swapped else sides
    operands = Operands(left[0], right[0], present, left[1], right[1])
    outcome = apply(node.op, operands, context, node.place)
    labels = [
        result_labels(many.labels[row], one.labels[other], node.matching, node.op)
        for row, other in zip(rows.tolist(), others.tolist(), strict=True)
    ]
    _refuse_many(node, labels, manys[rows], outcome.present)
    unnamed = many.unnamed[rows] | False
    found = _finished(node, labels, unnamed, outcome)
    return merged(found)


def result_labels(many: Labels, one: Labels, matching: Matching, op: str) -> Labels:
    """Those of the many side; in one-to-one only what was matched on; plus the included ones."""
    if matching.card == "one-to-one":
        if matching.on:
            kept = {name: many[name] for name in sorted(many) if name in matching.labels}
        else:
            kept = {name: value for name, value in many.items() if name not in matching.labels}
    else:
        kept = dict(many)
    if op in ARITHMETIC:
        kept = {name: value for name, value in kept.items() if name not in DROPPED}
    for name in matching.include:
        if one.get(name):
            kept[name] = one[name]
        else:
            kept.pop(name, None)
    return kept


def _refuse_many(node: Binary, labels: list[Labels], groups: Indexes, present: Flags) -> None:
    """Raises if a match gives two results, or two with the same labels, at one moment."""
    if node.matching.card == "one-to-one":
        keys: Iterable[object] = groups.tolist()
        message = "many-to-one matching must be explicit (group_left/group_right)"
    else:
        keys = [(group, key_of(each)) for group, each in zip(groups.tolist(), labels, strict=True)]
        message = "grouping labels must ensure unique matches"
    seen: dict[object, Flags] = {}
    for row, key in enumerate(keys):
        before = seen.get(key)
        if before is None:
            seen[key] = present[row]
            continue
        if (before & present[row]).any():
            raise execution(f"multiple matches for labels: {message}")
        seen[key] = before | present[row]


def merged(vector: Vector) -> Vector:
    """Rows that became the same series and have no moment in common are one."""
    return collapsed(vector, [key_of(labels) for labels in vector.labels])[0]


def collapsed(vector: Vector, keys: Sequence[object]) -> tuple[Vector, Indexes]:
    """One row for the rows of a key, if no two of them have a moment in common.

    Gives the vector, and which of its rows were kept; their labels are those of the first.
    """
    if len(set(keys)) == len(keys):
        return vector, np.arange(len(keys))
    kept: dict[object, int] = {}
    target = [kept.setdefault(key, row) for row, key in enumerate(keys)]
    values, present = vector.values.copy(), vector.present.copy()
    histograms = None if vector.histograms is None else vector.histograms.copy()
    rows = []
    for row, to in enumerate(target):
        if row == to or (present[to] & present[row]).any():
            rows.append(row)
            continue
        here = present[row]
        values[to, here] = values[row, here]
        if histograms is not None:
            histograms[to, here] = histograms[row, here]
        present[to] |= here
    found = Vector(vector.labels, values, present, vector.unnamed, histograms).take(rows)
    return found, np.array(rows, dtype=np.int64)


def written(labels: Labels) -> str:
    """`{a="b", c="d"}`, sorted, the name among the labels as Prometheus writes it in errors."""
    inner = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))
    return "{" + inner + "}"
