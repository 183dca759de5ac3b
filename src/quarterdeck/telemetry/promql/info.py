"""`info(v, {…})`: adds to each series the labels of the info series of the same target.

Info series belong to a series if `instance` and `job` are equal. Of several that do at a moment,
the one with the newest point counts.
"""

from dataclasses import dataclass

import numpy as np

from quarterdeck.telemetry.promql import selecting
from quarterdeck.telemetry.promql.binary import both, merged
from quarterdeck.telemetry.promql.context import Context
from quarterdeck.telemetry.promql.matching import matches
from quarterdeck.telemetry.promql.source import Grid, Labels, Matcher
from quarterdeck.telemetry.promql.syntax import (
    Aggregate,
    Binary,
    Call,
    Negate,
    Node,
    Parens,
    Selector,
    Subquery,
)
from quarterdeck.telemetry.promql.values import NAME, Indexes, Vector, empty, execution

IDENTITY = ("instance", "job")
_Key = tuple[str, str]


@dataclass(slots=True)
class Wanted:
    """What the second argument says: which info series, and which of their labels."""

    names: list[Matcher]
    data: list[Matcher]

    @property
    def required(self) -> bool:
        """Whether a series without a match is dropped."""
        return any(not matches(matcher, "") for matcher in self.data)

    def labels_of(self, info: Labels) -> Labels:
        wanted = {matcher.name for matcher in self.data}
        return {
            name: value
            for name, value in info.items()
            if name != NAME and name not in IDENTITY and (not wanted or name in wanted)
        }


def info(context: Context, node: Call, vector: Vector, grid: Grid) -> Vector:
    """The vector with the labels of its info series; these themselves stay as they are."""
    wanted = _wanted(node)
    is_info = [
        all(matches(matcher, labels.get(NAME, "")) for matcher in wanted.names)
        for labels in vector.labels
    ]
    as_it_is = vector.take(np.flatnonzero(is_info))
    base = vector.take(np.flatnonzero(~np.array(is_info, dtype=np.bool_)))
    if not base.labels:
        return as_it_is
    looked = _looked(context, node.args[0], grid)
    selector = Selector((*wanted.names, *wanted.data), 0, None, None, node.place)
    seen = selecting.seen(context, selector, looked)
    if seen.vector.histograms is not None:
        raise execution("info series must have float samples")
    if looked.count != grid.count:
        times = np.broadcast_to(seen.times, (len(seen.times), grid.count))
        seen = selecting.Seen(selecting.spread(seen.vector, grid.count), times)
    return both(as_it_is, _enriched(base, seen, wanted))


def _wanted(node: Call) -> Wanted:
    matchers: list[Matcher] = []
    if len(node.args) > 1:
        assert isinstance(node.args[1], Selector)
        matchers = list(node.args[1].matchers)
    names = [matcher for matcher in matchers if matcher.name == NAME]
    if not names:
        names = [Matcher(NAME, "=", "target_info")]
    elif all(matcher.op in ("!=", "!~") for matcher in names):
        names.append(Matcher(NAME, "=~", ".+_info"))
    return Wanted(names, [matcher for matcher in matchers if matcher.name != NAME])


def _looked(context: Context, node: Node, grid: Grid) -> Grid:
    """The moments that the first selector looks at: info series are read at the same."""
    match node:
        case Selector():
            return context.moved(node, grid)
        case Subquery():
            return _looked(context, node.expr, context.moved(node, grid))
        case Parens() | Negate() | Aggregate():
            return _looked(context, node.expr, grid)
        case Binary():
            return _looked(context, node.left, grid)
        case Call() if node.args:
            inner = [each for each in node.args if each.kind in ("vector", "matrix")]
            return _looked(context, inner[0], grid) if inner else grid
    return grid


def _enriched(base: Vector, seen: selecting.Seen, wanted: Wanted) -> Vector:
    candidates: dict[_Key, dict[str, list[int]]] = {}
    for row, labels in enumerate(seen.vector.labels):
        by_name = candidates.setdefault(_key(labels), {})
        by_name.setdefault(labels.get(NAME, ""), []).append(row)
    steps = base.values.shape[1]
    parts = [empty(steps)]
    for row, labels in enumerate(base.labels):
        one = base.take([row])
        named = candidates.get(_key(labels), {}) if any(_key(labels)) else {}
        chosen = [_newest(seen, rows) for rows in named.values()]
        for pick in _distinct(chosen, steps):
            here = np.ones(steps, dtype=np.bool_)
            for each, at in zip(chosen, pick, strict=True):
                here &= each == at
            found = [seen.vector.labels[at] for at in pick if at >= 0]
            if not found and wanted.required:
                continue
            present = one.present & here
            if present.any():
                named_labels = _joined(labels, found, wanted)
                parts.append(
                    Vector([named_labels], one.values, present, one.unnamed, one.histograms)
                )
    joined = parts[0]
    if len(parts) > 1:
        joined = Vector(
            [each for part in parts for each in part.labels],
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.present for part in parts]),
            np.concatenate([part.unnamed for part in parts]),
        )
        if base.histograms is not None:
            joined.histograms = np.concatenate(
                [part.histograms for part in parts if part.histograms is not None]
            )
    return merged(joined)


def _key(labels: Labels) -> _Key:
    return labels.get("instance", ""), labels.get("job", "")


def _newest(seen: selecting.Seen, rows: list[int]) -> Indexes:
    """The row with the newest point at each moment, -1 if none has one."""
    times = np.where(seen.vector.present[rows], seen.times[rows], -1)
    best = times.max(axis=0)
    if ((times == best) & (best >= 0)).sum(axis=0).max(initial=0) > 1:
        first, second = (seen.vector.labels[row] for row in rows[:2])
        raise execution(f"found duplicate series for info metric: {first}, {second}")
    return np.where(best >= 0, np.array(rows)[times.argmax(axis=0)], -1)


def _distinct(chosen: list[Indexes], steps: int) -> list[tuple[int, ...]]:
    if not chosen:
        return [()]
    return sorted(set(zip(*(each.tolist() for each in chosen), strict=True)), reverse=True)


def _joined(labels: Labels, found: list[Labels], wanted: Wanted) -> Labels:
    added: Labels = {}
    for each in found:
        for name, value in wanted.labels_of(each).items():
            if added.setdefault(name, value) != value:
                raise execution(f"conflicting label: {name}")
    return {**added, **labels}
