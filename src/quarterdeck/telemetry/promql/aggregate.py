"""Aggregations over series: all groups and all moments together."""

from collections.abc import Callable

import numpy as np

from quarterdeck.telemetry.promql import sums
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.histogram_ranges import mean_or_sum
from quarterdeck.telemetry.promql.histogram_sums import MixedSchemas
from quarterdeck.telemetry.promql.source import Labels, Values
from quarterdeck.telemetry.promql.syntax import Aggregate
from quarterdeck.telemetry.promql.values import NAME, Flags, Indexes, Vector, empty
from quarterdeck.telemetry.promql.windows import columns


def groups_of(
    labels: list[Labels], names: tuple[str, ...], without: bool
) -> tuple[Indexes, list[Labels]]:
    """The group of each series, and the labels of the groups in the order they were met."""
    found: dict[object, int] = {}
    kept: list[Labels] = []
    rows = np.empty(len(labels), dtype=np.int64)
    dropped = {*names, NAME}
    wanted = sorted(set(names))
    for row, each in enumerate(labels):
        if without:
            group = {name: value for name, value in each.items() if name not in dropped}
        else:
            group = {name: each[name] for name in wanted if name in each}
        key = frozenset(group.items()) if without else tuple(group.items())
        at = found.setdefault(key, len(found))
        if at == len(kept):
            kept.append(group)
        rows[row] = at
    return rows, kept


def any_of(flags: Flags, groups: Indexes, count: int) -> Flags:
    """By group, whether any of its rows has it."""
    found = np.zeros((count, *flags.shape[1:]), dtype=np.bool_)
    np.logical_or.at(found, groups, flags)
    return found


def aggregate(context: Context, node: Aggregate, vector: Vector, param: Values | None) -> Vector:
    """sum, avg, min, max, count, group, stddev, stdvar and quantile."""
    steps = vector.values.shape[1]
    if not vector.labels:
        return empty(steps)
    groups, labels = groups_of(vector.labels, node.labels, node.without)
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    floats = vector.floats
    if node.op not in ("sum", "avg", "count", "group") and (floats != vector.present).any():
        context.notes.ignored_in_aggregation(node.op, node.expr.place)
    counted = vector.present if node.op in ("count", "group") else floats
    values = np.empty((len(labels), steps))
    present = np.empty((len(labels), steps), dtype=np.bool_)
    for part in columns(len(order), steps):
        context.budget.check_time()
        here = counted[order, part]
        count = np.add.reduceat(here, starts, axis=0, dtype=np.int64)
        present[:, part] = count > 0
        if node.op == "quantile":
            assert param is not None
            found = quantiles(vector.values[order, part], here, starts, param[part])
        else:
            reduce = _REDUCERS[node.op]
            found = reduce(vector.values[order, part], here, ordered, starts, count)
        values[:, part] = found
    unnamed = any_of(vector.unnamed, groups, len(labels))
    result = Vector(labels, values, present, unnamed)
    if vector.histograms is not None and node.op in ("sum", "avg"):
        _with_histograms(context, node, vector, groups, result)
    return result


def _with_histograms(
    context: Context, node: Aggregate, vector: Vector, groups: Indexes, found: Vector
) -> None:
    """Adds the sums of histograms; a group that has both kinds at a moment has no result."""
    assert vector.histograms is not None
    members: dict[tuple[int, int], list[int]] = {}
    for row, column in context.budget.each(vector.is_histogram):
        members.setdefault((int(groups[row]), column), []).append(row)
    if not members:
        return
    found.histograms = np.full(found.present.shape, None, dtype=object)
    notes, place = context.notes, node.expr.place
    for at, rows in members.items():
        context.budget.check_time()
        if found.present[at]:
            found.present[at] = False
            notes.mixed_aggregation(place)
            continue
        try:
            total = mean_or_sum(
                [vector.histograms[row, at[1]] for row in rows], mean=node.op == "avg"
            )
        except MixedSchemas:
            notes.mixed_schemas(vector.labels[rows[0]].get(NAME, ""), place)
            continue
        if total.collision:
            notes.reset_collision("aggregation", place)
        if total.reconciled:
            notes.reconciled("aggregation", place)
        found.histograms[at] = total.histogram.compact()
        found.present[at] = True


def _sum(values: Values, here: Flags, groups: Indexes, starts: Indexes, count: Indexes) -> Values:
    filled = values if here.all() else np.where(here, values, 0.0)
    total, error = sums.over_groups(sums.pairs(filled), groups, sums.add)
    return sums.finish(total, error)


def _avg(values: Values, here: Flags, groups: Indexes, starts: Indexes, count: Indexes) -> Values:
    filled = np.where(here, values, 0.0)
    total, error = sums.over_groups(sums.pairs(filled), groups, sums.add)
    found = np.where(np.isfinite(total), total / count + error / count, total)
    overflown = ~np.isfinite(found) & np.logical_and.reduceat(np.isfinite(filled), starts, axis=0)
    if overflown.any():
        shares = filled / count[groups]
        careful = sums.finish(*sums.over_groups(sums.pairs(shares), groups, sums.add))
        found = np.where(overflown, careful, found)
    return found


def _extreme(of: np.ufunc) -> Callable[..., Values]:
    def extreme(
        values: Values, here: Flags, groups: Indexes, starts: Indexes, count: Indexes
    ) -> Values:
        found: Values = of.reduceat(np.where(here, values, np.nan), starts, axis=0)
        return found

    return extreme


def _stdvar(
    values: Values, here: Flags, groups: Indexes, starts: Indexes, count: Indexes
) -> Values:
    filled = np.where(here, values, 0.0)
    parts = (here.astype(np.float64), filled, np.where(np.isfinite(filled), 0.0, np.nan))
    _, _, squares = sums.over_groups(parts, groups, sums.moments)
    return squares / count


def _count(values: Values, here: Flags, groups: Indexes, starts: Indexes, count: Indexes) -> Values:
    return count.astype(np.float64)


_REDUCERS: dict[str, Callable[..., Values]] = {
    "sum": _sum,
    "avg": _avg,
    "min": _extreme(np.fmin),
    "max": _extreme(np.fmax),
    "stdvar": _stdvar,
    "stddev": lambda *args: np.sqrt(_stdvar(*args)),
    "count": _count,
    "group": lambda *args: np.ones_like(_count(*args)),
}


def quantiles(values: Values, here: Flags, starts: Indexes, wanted: Values) -> Values:
    """Of each group at each moment. Groups of a size are sorted together.

    NaN counts as the least: it sorts among the negative infinities, whose first are then NaN. What
    is not there sorts last, beyond the greatest rank.
    """
    found = np.full((len(starts), values.shape[1]), np.nan)
    missing = np.isnan(values) & here
    keys = np.where(here, np.where(missing, -np.inf, values), np.inf)
    sizes = np.diff(starts, append=len(values))
    for size, groups in sums.by_size(sizes):
        rows = starts[groups][:, None] + np.arange(size)
        ordered = np.sort(keys[rows], axis=1)
        count = here[rows].sum(axis=1)
        rank = wanted * np.maximum(count - 1, 0)
        lower = np.clip(np.nan_to_num(np.floor(rank)), 0, size - 1).astype(np.int64)
        upper = np.minimum(lower + 1, np.maximum(count - 1, 0))
        weight = rank - np.floor(rank)
        absent = missing[rows].sum(axis=1)
        low, high = (
            np.where(
                at < absent, np.nan, np.take_along_axis(ordered, at[:, None, :], axis=1)[:, 0, :]
            )
            for at in (np.minimum(lower, upper), upper)
        )
        found[groups] = low * (1 - weight) + high * weight
    found = np.where(wanted < 0, -np.inf, np.where(wanted > 1, np.inf, found))
    return np.where(np.isnan(wanted), np.nan, found)
