"""Requests added up by path: one node for each way of services and operations down from the top.

Guarantees: a node's self times and critical times add up, with those of all nodes below it, to
those of its requests, whatever is folded; the heaviest nodes are kept, and what is lighter
stands beside them as one rest, so that nothing is missing from the sums.
"""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.telemetry.query.span_tree import Tree, path_below

MOST_NODES = 2_000
ERROR, SERVICE, NAME = 6, 7, 8  # places in the row of a span


class FlameSums(BaseModel):
    """What the spans of a path add up to."""

    count: int
    errors: int
    total_ns: int
    self_ns: int = Field(description="Without the time in which a child was running.")
    critical_ns: int = Field(description="What the end of the request waited for.")


class FlameNode(BaseModel):
    parent: int = Field(description="The place in this list of the node above; -1 at the top.")
    service: str
    name: str
    rest: int = Field(description="Paths folded into this node because they are small; 0 else.")
    sums: FlameSums
    base: FlameSums | None = Field(description="Of what it is compared with.")


@dataclass(frozen=True, slots=True)
class Request:
    """A span at the top and what lies below it, by their places among the spans of the trace."""

    root: int
    below: list[int]  # the root first, parents before children
    spans: list[list[Any]]  # of the trace
    tree: Tree
    selves: list[int]

    @property
    def duration(self) -> int:
        return self.tree.ends[self.root] - self.tree.starts[self.root]

    @property
    def failed(self) -> bool:
        return bool(self.spans[self.root][ERROR])


_COUNT, _ERRORS, _TOTAL, _SELF, _CRITICAL = range(5)
_Sums = list[int]


@dataclass(slots=True)
class Paths:
    """Nodes with two sets of sums each: of what is looked at, and of what it is compared with."""

    known: dict[tuple[int, str, str], int] = field(default_factory=dict)
    parents: list[int] = field(default_factory=list)
    names: list[tuple[str, str]] = field(default_factory=list)
    sums: tuple[list[_Sums], list[_Sums]] = field(default_factory=lambda: ([], []))

    def add(self, request: Request, side: int) -> None:
        tree, spans, selves, sums = request.tree, request.spans, request.selves, self.sums[side]
        places: dict[int, int] = {}
        for i in request.below:
            span = spans[i]
            above = places.get(tree.parents[i], -1)
            node = places[i] = self._node(above, span[SERVICE], span[NAME])
            sum = sums[node]
            sum[_COUNT] += 1
            sum[_ERRORS] += span[ERROR]
            sum[_TOTAL] += tree.ends[i] - tree.starts[i]
            sum[_SELF] += selves[i]
        for i, start, end in path_below(tree, request.root):
            sums[places[i]][_CRITICAL] += end - start

    def nodes(self, *, compared: bool, most: int = MOST_NODES) -> list[FlameNode]:
        """Parents before their children; the sums themselves are used up."""
        kept = self._heaviest(most)
        rests = self._fold(kept)
        places: dict[int, int] = {-1: -1}
        out: list[FlameNode] = []
        for node in sorted(kept):
            places[node] = len(out)
            service, name = self.names[node]
            out.append(self._told(places[self.parents[node]], service, name, [node], 0, compared))
        for parent, folded in rests.items():
            out.append(self._told(places[parent], "", "", folded, len(folded), compared))
        return out

    def _node(self, parent: int, service: str, name: str) -> int:
        key = (parent, service, name)
        node = self.known.get(key)
        if node is None:
            node = self.known[key] = len(self.parents)
            self.parents.append(parent)
            self.names.append((service, name))
            for sums in self.sums:
                sums.append([0] * 5)
        return node

    def _heaviest(self, most: int) -> set[int]:
        """Nobody is heavier than the node above, which is older: nobody is kept without it."""
        weights = [a[_SELF] + b[_SELF] for a, b in zip(*self.sums, strict=True)]
        for node in range(len(weights) - 1, -1, -1):
            if self.parents[node] >= 0:
                weights[self.parents[node]] += weights[node]
        return set(sorted(range(len(weights)), key=lambda node: (-weights[node], node))[:most])

    def _fold(self, kept: set[int]) -> dict[int, list[int]]:
        """What is not kept, its times gathered in the topmost of it, by the kept node above."""
        rests: dict[int, list[int]] = {}
        for node in range(len(self.parents) - 1, -1, -1):
            if node in kept:
                continue
            parent = self.parents[node]
            if parent < 0 or parent in kept:
                rests.setdefault(parent, []).append(node)
                continue
            for sums in self.sums:
                for each in (_ERRORS, _SELF, _CRITICAL):
                    sums[parent][each] += sums[node][each]
        return rests

    def _told(
        self, parent: int, service: str, name: str, nodes: list[int], rest: int, compared: bool
    ) -> FlameNode:
        first, second = (_told([side[node] for node in nodes]) for side in self.sums)
        return FlameNode.model_construct(
            parent=parent,
            service=service,
            name=name,
            rest=rest,
            sums=first,
            base=second if compared else None,
        )


def _told(sums: list[_Sums]) -> FlameSums:
    count, errors, total, own, critical = (sum(each) for each in zip(*sums, strict=True))
    return FlameSums.model_construct(
        count=count, errors=errors, total_ns=total, self_ns=own, critical_ns=critical
    )
