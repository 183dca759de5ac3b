"""The tree that the spans of a trace make, whatever they say of each other, and what follows
from it: the time a span spent itself, and the path that the end of the trace waited for.

Guarantees. Every span has one place and no path goes round in a circle: a span whose parent is
missing, or that is its own ancestor, stands at the top. Spans that share an id (a retry, or the
two sides of a call in B3) all stay. The parts of the critical path touch each other, so that
their lengths and the gaps between roots add up to the time from the first root to the last end.

Clocks differ between machines. The server's side of a call happened while the call was running,
so where it seems not to, it is moved with all below it, as little as puts it there. Times of
the path are told as they were recorded, so that they lie on the spans as these are shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Seen(NamedTuple):
    """What the tree needs to know of a span; times in nanoseconds, the end not before the start."""

    id: str | int  # empty or 0 for none
    parent: str | int
    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Tree:
    """Places by index into the spans that it was made of."""

    parents: list[int]  # -1 at the top
    children: list[list[int]]  # in the order in which they began
    order: list[int]  # parents before children, each followed by all that is below it
    starts: list[int]  # by the clock of the root
    ends: list[int]
    shifts: list[int]  # what was added to a span's own clock
    calls: list[bool]  # whether it is the server's side of the call above it

    @property
    def roots(self) -> list[int]:
        return [i for i in self.order if self.parents[i] < 0]


class Part(NamedTuple):
    """A stretch of the critical path: this span was what the end waited for."""

    span: int
    start: int
    end: int


def tree_of(spans: Sequence[Seen]) -> Tree:
    parents = _parents(spans)
    children: list[list[int]] = [[] for _ in spans]
    roots: list[int] = []
    for i in sorted(range(len(spans)), key=lambda i: spans[i].start):
        (roots if parents[i] < 0 else children[parents[i]]).append(i)
    order: list[int] = []
    stack = roots[::-1]
    while stack:
        i = stack.pop()
        order.append(i)
        stack.extend(reversed(children[i]))
    starts, ends, shifts = [s.start for s in spans], [s.end for s in spans], [0] * len(spans)
    calls = [False] * len(spans)
    for i in order:
        above = parents[i]
        if above < 0:
            continue
        calls[i] = spans[i].kind == "server" and spans[above].kind == "client"
        shift = shifts[above]
        if calls[i]:
            shift += _into(starts[i] + shift, ends[i] + shift, starts[above], ends[above])
        if shift:
            shifts[i] = shift
            starts[i] += shift
            ends[i] += shift
    return Tree(parents, children, order, starts, ends, shifts, calls)


def self_times(tree: Tree) -> list[int]:
    """Of each span: its duration less the time in which a child was running."""
    starts, ends = tree.starts, tree.ends
    selves = []
    for i, children in enumerate(tree.children):
        start, end = starts[i], ends[i]
        own = end - start
        if children:
            reached = start
            for first, last in sorted((starts[c], ends[c]) for c in children):
                if last > end:
                    last = end
                if first < reached:
                    first = reached
                if last > first:
                    own -= last - first
                    reached = last
        selves.append(own)
    return selves


def critical_path(tree: Tree) -> list[Part]:
    """What the end waited for, walked back from it; the latest part comes first.

    Of a span's children the last to end is what its end waited for, then the last to end
    before that one began, and so on; what lies between is the span itself. A child that
    outlives its parent was not waited for, except the other side of a call.
    """
    starts, ends = tree.starts, tree.ends
    parts: list[Part] = []
    reached: int | None = None
    for root in sorted(tree.roots, key=lambda i: (-ends[i], starts[i])):
        if reached is None or ends[root] <= reached:
            parts += path_below(tree, root)
            reached = starts[root]
    shifts = tree.shifts
    return [Part(i, start - shifts[i], end - shifts[i]) for i, start, end in parts]


def path_below(tree: Tree, root: int) -> list[Part]:
    """The critical path of one span and all below it, by the clock of the tree's root."""
    starts, ends, calls = tree.starts, tree.ends, tree.calls
    parts: list[Part] = []
    # What is still to be told, the latest on top: a span with its limits, or a stretch of it alone.
    stack = [(root, starts[root], ends[root], False)]
    while stack:
        span, start, end, alone = stack.pop()
        if alone or not tree.children[span]:
            if end > start:
                parts.append(Part(span, start, end))
            continue
        todo: list[tuple[int, int, int, bool]] = []
        edge, limit = end, ends[span]
        for child in sorted(tree.children[span], key=lambda c: (-ends[c], starts[c])):
            first, last = max(starts[child], start), ends[child]
            if last > limit and calls[child]:
                last = limit
            if end == edge < last <= limit:  # cut off with its parent
                last = edge
            if last > edge or first >= last:
                continue
            todo.append((span, last, edge, True))
            todo.append((child, first, last, False))
            edge = first
        todo.append((span, start, edge, True))
        stack.extend(reversed(todo))
    return parts


def _into(start: int, end: int, low: int, high: int) -> int:
    """How far a stretch must move to lie within another; nothing when it is longer."""
    if end - start > high - low:
        return 0
    return max(low - start, 0) or min(high - end, 0)


def _parents(spans: Sequence[Seen]) -> list[int]:
    first: dict[str | int, int] = {}
    inner: dict[str | int, int] = {}  # the server's side where a call's two sides share an id
    for i, span in enumerate(spans):
        if not span.id:
            continue
        known = first.setdefault(span.id, i)
        if known != i and {spans[known].kind, span.kind} == {"client", "server"}:
            first[span.id], inner[span.id] = (known, i) if span.kind == "server" else (i, known)
    parents = []
    for i, span in enumerate(spans):
        if inner.get(span.id) == i:
            parents.append(first[span.id])
        elif not span.parent or span.parent == span.id:
            parents.append(-1)
        else:
            parents.append(inner.get(span.parent, first.get(span.parent, -1)))
    _cut_circles(spans, parents)
    return parents


def _cut_circles(spans: Sequence[Seen], parents: list[int]) -> None:
    """The earliest span of a circle becomes a root."""
    settled = [False] * len(parents)
    for i in range(len(parents)):
        path: list[int] = []
        on_path: set[int] = set()
        at = i
        while at >= 0 and not settled[at]:
            if at in on_path:
                circle = path[path.index(at) :]
                parents[min(circle, key=lambda j: (spans[j].start, j))] = -1
                break
            path.append(at)
            on_path.add(at)
            at = parents[at]
        for j in path:
            settled[j] = True
