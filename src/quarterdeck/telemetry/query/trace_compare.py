"""Two traces laid over each other: which spans both have, how they differ, what only one has.

Spans meet when the way to them is the same: below spans that meet, the first of a service and
operation with the first, the second with the second. Where each trace has one root these meet
whatever they are called, so that two versions of a request can be compared.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import ATTRIBUTES, object_of
from quarterdeck.telemetry.query.span_tree import Seen, Tree, critical_path, self_times, tree_of
from quarterdeck.telemetry.query.trace import IDS, MOST_SPANS, ONCE, find, unknown
from quarterdeck.telemetry.query.window import run


class PairSide(BaseModel):
    """A span in one of the two traces."""

    span_id: str
    service: str
    name: str
    error: bool
    offset_ns: int = Field(description="Since the start of its trace.")
    duration_ns: int
    self_ns: int
    critical_ns: int


class SpanPair(BaseModel):
    parent: int = Field(description="The place in this list of the pair above; -1 at the top.")
    a: PairSide | None
    b: PairSide | None
    differs: int = Field(description="Attributes that only one has or whose values differ.")


class ComparedTrace(BaseModel):
    trace_id: str
    start_ns: str = Field(description="Nanoseconds since 1970, as text.")
    duration_ns: int
    spans: int
    errors: int
    truncated: bool


class TraceComparison(BaseModel):
    a: ComparedTrace
    b: ComparedTrace
    pairs: list[SpanPair] = Field(description="Parents before their children, in order of time.")
    both: int
    only_a: int
    only_b: int


class _Loaded(NamedTuple):
    about: ComparedTrace
    rows: list[list[Any]]
    tree: Tree
    sides: list[PairSide]


def compare(engine: Engine, project: int, a: str, b: str) -> TraceComparison:
    left, right = _load(engine, project, a), _load(engine, project, b)
    pairs: list[SpanPair] = []
    tops = _met(left, right, left.tree.roots, right.tree.roots, alone=True)
    stack = [(-1, i, j) for i, j in tops][::-1]
    while stack:
        parent, i, j = stack.pop()
        here = len(pairs)
        pairs.append(
            SpanPair.model_construct(
                parent=parent,
                a=None if i is None else left.sides[i],
                b=None if j is None else right.sides[j],
                differs=0 if i is None or j is None else _differs(left.rows[i][-1], right.rows[j][-1]),
            )
        )  # fmt: skip
        below = (
            [] if i is None else left.tree.children[i],
            [] if j is None else right.tree.children[j],
        )
        stack.extend([(here, c, d) for c, d in _met(left, right, *below)][::-1])
    return TraceComparison.model_construct(
        a=left.about,
        b=right.about,
        pairs=pairs,
        both=sum(pair.a is not None and pair.b is not None for pair in pairs),
        only_a=sum(pair.b is None for pair in pairs),
        only_b=sum(pair.a is None for pair in pairs),
    )


def _met(
    left: _Loaded, right: _Loaded, some: list[int], others: list[int], *, alone: bool = False
) -> Iterator[tuple[int | None, int | None]]:
    """Those of both sides that meet and those that do not, in the order of their beginning."""
    if alone and len(some) == len(others) == 1:
        yield some[0], others[0]
        return
    theirs = dict(_numbered(right.rows, others))
    mine = dict(_numbered(left.rows, some))
    first = left.tree.starts[some[0]] if some else 0
    other_first = right.tree.starts[others[0]] if others else 0
    rows: list[tuple[int, int | None, int | None]] = [
        (left.tree.starts[i] - first, i, theirs.get(key)) for key, i in mine.items()
    ]
    rows += [
        (right.tree.starts[j] - other_first, None, j)
        for key, j in theirs.items()
        if key not in mine
    ]
    for _, i, j in sorted(rows, key=lambda row: row[0]):
        yield i, j


def _numbered(
    rows: list[list[Any]], spans: list[int]
) -> Iterator[tuple[tuple[str, str, int], int]]:
    """Service, operation, and the how manyth of them."""
    met: Counter[tuple[str, str]] = Counter()
    for i in spans:
        key = (rows[i][_SERVICE], rows[i][_NAME])
        yield (*key, met[key]), i
        met[key] += 1


_SERVICE, _NAME = 5, 6


def _differs(mine: str, theirs: str) -> int:
    if mine == theirs:
        return 0
    a, b = object_of(mine), object_of(theirs)
    return sum(key not in a or key not in b or a[key] != b[key] for key in {*a, *b})


def _load(engine: Engine, project: int, trace_id: str) -> _Loaded:
    found = find(engine, project, trace_id)
    asked = found.asked()
    sql = f"""
        SELECT {IDS}, toUnixTimestamp64Nano(time) AS at, greatest(duration_ns, 0), toString(kind), service, name,
            status = 'error', {ATTRIBUTES}
        FROM spans WHERE {found.window.where()}{asked.sql} ORDER BY time, span_id {ONCE} LIMIT {MOST_SPANS + 1}"""
    rows = run(engine, "trace_compare", sql, found.window, asked).rows
    if not rows:
        raise unknown(trace_id)
    about = ComparedTrace(
        trace_id=found.trace_id,
        start_ns=str(found.start_ns),
        duration_ns=max(row[2] + row[3] for row in rows) - found.start_ns,
        spans=min(len(rows), MOST_SPANS),
        errors=sum(row[7] for row in rows),
        truncated=len(rows) > MOST_SPANS,
    )
    rows = rows[:MOST_SPANS]
    tree = tree_of([Seen(row[0], row[1], row[2], row[2] + row[3], row[4]) for row in rows])
    critical: Counter[int] = Counter()
    for i, start, end in critical_path(tree):
        critical[i] += end - start
    sides = [
        PairSide.model_construct(
            span_id=id, service=service, name=name, error=bool(error), offset_ns=at - found.start_ns,
            duration_ns=duration, self_ns=own, critical_ns=critical[i],
        )
        for i, ((id, _, at, duration, _, service, name, error, _), own) in enumerate(
            zip(rows, self_times(tree), strict=True)
        )
    ]  # fmt: skip
    return _Loaded(about, rows, tree, sides)
