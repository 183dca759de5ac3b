"""Aggregations that choose among the series: topk, bottomk, limitk, limit_ratio; count_values."""

import hashlib
import math

import numpy as np

from quarterdeck.telemetry.promql.aggregate import groups_of
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.histogram import text_of
from quarterdeck.telemetry.promql.source import Labels, Values
from quarterdeck.telemetry.promql.syntax import Aggregate
from quarterdeck.telemetry.promql.values import (
    Flags,
    Vector,
    empty,
    execution,
    key_of,
)
from quarterdeck.telemetry.promql.windows import columns


def choose(context: Context, node: Aggregate, vector: Vector, param: Values) -> Vector:
    """The chosen series with their own labels; best first if there is only one moment."""
    steps = vector.values.shape[1]
    if node.op == "limit_ratio":
        _check_ratio(context, node, param)
    elif not (param >= 1).any() and not np.isnan(param).any():
        return empty(steps)
    else:
        _check_number(param)
    if not vector.labels:
        return vector
    groups, labels = groups_of(vector.labels, node.labels, node.without)
    ranked = node.op in ("topk", "bottomk")
    floats = vector.floats
    if ranked and (floats != vector.present).any():
        context.notes.ignored_in_aggregation(node.op, node.place)
    chosen = np.zeros(vector.present.shape, dtype=np.bool_)
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(len(labels) + 1))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        context.budget.check_time()
        rows = order[start:end]
        if ranked:
            sign = 1.0 if node.op == "topk" else -1.0
            for part in columns(len(rows), steps):
                values = vector.values[rows, part] * sign
                chosen[rows, part] = best(values, floats[rows, part], param[part])
        elif node.op == "limitk":
            present = vector.present[rows]
            chosen[rows] = present & (np.cumsum(present, axis=0) <= np.floor(param))
        else:
            shares = np.array([share_of(vector.labels[row]) for row in rows.tolist()])
            chosen[rows] = vector.present[rows] & within_ratio(shares[:, None], param)
    found = Vector(vector.labels, vector.values, chosen, vector.unnamed, vector.histograms)
    if steps == 1 and ranked:
        return _best_first(found, groups, node.op == "topk")
    return found.without_empty()


def best(values: Values, here: Flags, wanted: Values) -> Flags:
    """The k greatest at each moment; NaN only where there are not enough numbers."""
    count = len(values)
    if count == 1:
        chosen: Flags = here & (wanted >= 1)
        return chosen
    numbers = here & ~np.isnan(values)
    keys = np.where(numbers, values, -np.inf)
    found = np.zeros(values.shape, dtype=np.bool_)
    limit = np.clip(np.floor(wanted), 0, count).astype(np.int64)
    for k in np.unique(limit).tolist():
        at = np.flatnonzero(limit == k)
        if k == 0:
            continue
        some, there = keys[:, at], numbers[:, at]
        threshold = np.partition(some, count - k, axis=0)[count - k]
        above = there & (some > threshold)
        even = there & (some == threshold)
        left = k - above.sum(axis=0)
        above |= even & (np.cumsum(even, axis=0) <= left)
        missing = here[:, at] & ~there
        left = k - above.sum(axis=0)
        above |= missing & (np.cumsum(missing, axis=0) <= left)
        found[:, at] = above
    return found


def _best_first(vector: Vector, groups: np.ndarray, top: bool) -> Vector:
    values = vector.values[:, 0]
    missing = np.isnan(values)
    ranked = np.where(missing, 0.0, -values if top else values)
    order = np.lexsort((ranked, missing, groups))
    found = vector.take(order[vector.present[order, 0]])
    found.ordered = True
    return found


def _check_number(param: Values) -> None:
    if np.isnan(param).any():
        raise execution("Parameter value is NaN")
    if (param <= -(2.0**63)).any():
        raise execution(f"Scalar value {_e(param.min())} underflows int64")
    if (param >= 2.0**63).any():
        raise execution(f"Scalar value {_e(param.max())} overflows int64")


def _e(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))


def _check_ratio(context: Context, node: Aggregate, param: Values) -> None:
    assert node.param is not None
    if np.isnan(param).any():
        raise execution("Ratio value is NaN")
    if param.max() > 1:
        context.notes.bad_ratio(float(param.max()), 1.0, node.param.place)
    if param.min() < -1:
        context.notes.bad_ratio(float(param.min()), -1.0, node.param.place)


def share_of(labels: Labels) -> float:
    """A number from 0 to 1 that depends on the labels alone, evenly spread."""
    text = "\xff".join(f"{name}\xff{value}" for name, value in sorted(labels.items()))
    digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def within_ratio(shares: Values, ratio: Values) -> Flags:
    """A negative ratio takes exactly what the positive one that completes it leaves."""
    ratio = np.clip(ratio, -1.0, 1.0)
    found: Flags = np.where(ratio >= 0, shares < ratio, shares >= 1.0 + ratio)
    return found


def count_values(context: Context, node: Aggregate, vector: Vector, label: str) -> Vector:
    """How many series of each group have each value; the value becomes a label."""
    steps = vector.values.shape[1]
    names = node.labels if node.without else tuple(n for n in node.labels if n != label)
    groups, group_labels = groups_of(
        [{name: value for name, value in each.items() if name != label} for each in vector.labels],
        names,
        node.without,
    )
    shown = not (node.without and label in node.labels)
    counts: dict[frozenset[tuple[str, str]], Values] = {}

    def count(group: int, value: str, found: Values) -> None:
        labels = {**group_labels[group], **({label: value} if shown else {})}
        key = key_of(labels)
        counts[key] = counts.get(key, 0.0) + found

    rows, places = np.nonzero(vector.floats)
    values, which = np.unique(vector.values[rows, places], return_inverse=True)
    pairs, which = np.unique(groups[rows] * len(values) + which, return_inverse=True)
    context.budget.check_points(len(pairs), steps)
    found = np.bincount(which * steps + places, minlength=len(pairs) * steps)
    for pair, each in zip(pairs.tolist(), found.reshape(len(pairs), steps), strict=True):
        group, value = divmod(pair, len(values))
        count(group, shortest(values[value]), each.astype(np.float64))
    if vector.histograms is not None:
        for row, column in context.budget.each(vector.is_histogram):
            context.budget.check_points(len(counts) + 1, steps)
            here = (np.arange(steps) == column).astype(np.float64)
            count(int(groups[row]), text_of(vector.histograms[row, column]), here)
    if not counts:
        return empty(steps)
    total = np.array(list(counts.values()))
    unnamed = np.zeros(len(counts), dtype=np.bool_)
    return Vector([dict(key) for key in counts], total, total > 0, unnamed)


def shortest(value: float) -> str:
    """A number as Go's shortest 'f' format writes it."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = np.format_float_positional(value, trim="-")
    return text.removesuffix(".0")
