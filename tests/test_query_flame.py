"""Many traces added up by path: what is looked at, what is folded, what is compared."""

from typing import Any

import pytest

from quarterdeck.telemetry.query import flame as flame_query
from quarterdeck.telemetry.query.flame import Flame, flame
from quarterdeck.telemetry.query.flame_paths import Paths, Request
from quarterdeck.telemetry.query.span_tree import Seen, self_times, tree_of
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Window
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_spans, now_ns

MS = 1_000_000


def request(
    number: int, at: int, *, slow: bool = False, error: bool = False
) -> list[dict[str, Any]]:
    """web: GET /cart (100 ms, or 500) → price: GET /price → two queries side by side."""
    query = 420 if slow else 20

    def span(n: int, parent: int, start: int, ms: int, **more: Any) -> dict[str, Any]:
        return {
            "trace_id": f"{number:032x}", "span_id": f"{number * 16 + n:016x}",
            "parent_span_id": f"{number * 16 + parent:016x}" if parent else "0" * 16,
            "time": at + start * MS, "duration_ns": ms * MS, **more,
        }  # fmt: skip

    return [
        span(1, 0, 0, query + 80, name="GET /cart", service="web", status="error" if error else "unset"),
        span(2, 1, 20, query + 40, name="GET /price", service="price"),
        span(3, 2, 30, query, name="SELECT", service="price", kind="client"),
        span(4, 2, 30, 10, name="cache", service="price", kind="client"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ground() -> tuple[int, int]:
    project, at = new_project().id, now_ns() - 600 * SECOND
    for i in range(1, 41):
        made = request(i, at + i * SECOND, slow=i % 20 == 0, error=i % 10 == 0)
        add_spans(shared_engine(), project, *made)
    for i in range(101, 111):  # an hour before
        add_spans(shared_engine(), project, *request(i, at - 3600 * SECOND + (i - 100) * SECOND))
    return project, at


def look(ground: tuple[int, int], wanted: Filter | None = None, **asked: Any) -> Flame:
    start = ground[1] // MS
    window = Window(ground[0], start - 1_000, start + 3_599_000)
    return flame(shared_engine(), window, wanted or Filter(), **asked)


def paths(found: Flame) -> dict[str, tuple[int, int, int, int]]:
    """Count, total, self and critical time in milliseconds by path."""
    names: list[str] = []
    out = {}
    for node in found.nodes:
        above = names[node.parent] + " > " if node.parent >= 0 else ""
        names.append(above + (node.name or f"+{node.rest}"))
        s = node.sums
        out[names[-1]] = (s.count, s.total_ns // MS, s.self_ns // MS, s.critical_ns // MS)
    return out


def test_requests_add_up_by_path(ground: tuple[int, int]) -> None:
    found = look(ground)
    assert paths(found) == {
        "GET /cart": (40, 4800, 1600, 1600),
        "GET /cart > GET /price": (40, 3200, 1600, 1600),
        "GET /cart > GET /price > SELECT": (40, 1600, 1600, 1600),
        "GET /cart > GET /price > cache": (40, 400, 400, 0),
    }
    assert found.nodes[0].sums.errors == 4
    assert (found.seen.traces, found.seen.of, found.seen.requests, found.seen.spans) == (40, 40, 40, 160)  # fmt: skip
    assert found.seen.time_ns == 4800 * MS
    assert found.base is None
    assert found.nodes[0].base is None


@pytest.mark.parametrize(
    ("wanted", "whole", "tops"),
    [
        (Filter(operation="GET /price"), False, {"GET /price": 40}),
        (Filter(operation="GET /price"), True, {"GET /cart": 40}),
        (Filter(service="price"), False, {"GET /price": 40}),
        (Filter(q="service:price kind:client"), False, {"SELECT": 40, "cache": 40}),
        (Filter(status="error"), False, {"GET /cart": 4}),
        (Filter(min_ms=400), False, {"GET /cart": 2}),
        (Filter(q="nowhere"), False, {}),
    ],
)
def test_the_top_is_what_matches_or_the_trace_that_holds_it(
    ground: tuple[int, int], wanted: Filter, whole: bool, tops: dict[str, int]
) -> None:
    found = look(ground, wanted, whole=whole)
    assert {n.name: n.sums.count for n in found.nodes if n.parent < 0} == tops


def test_the_slowest_twentieth_stands_beside_the_rest(ground: tuple[int, int]) -> None:
    found = look(ground, against="slow")
    assert found.slow_ns == 500 * MS
    assert found.base is not None
    assert (found.seen.requests, found.base.requests) == (2, 38)
    select = next(n for n in found.nodes if n.name == "SELECT")
    assert select.base is not None
    assert (select.sums.self_ns, select.base.self_ns) == (840 * MS, 760 * MS)


def test_failed_requests_stand_beside_the_others(ground: tuple[int, int]) -> None:
    found = look(ground, against="failed")
    assert found.base is not None
    assert (found.seen.requests, found.base.requests) == (4, 36)


def test_a_range_stands_beside_the_one_before(ground: tuple[int, int]) -> None:
    found = look(ground, against="before")
    assert found.base is not None
    assert (found.seen.requests, found.base.requests) == (40, 10)


def test_of_many_traces_a_sample_is_taken_that_is_always_the_same(
    ground: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flame_query, "MOST_TRACES", 10)
    first, again = look(ground), look(ground)
    assert first == again
    assert first.seen.of == 40
    assert 1 <= first.seen.traces <= 10
    monkeypatch.setattr(flame_query, "MOST_SPANS", 20)
    assert look(ground).seen.spans <= 20


def test_an_empty_range_has_an_empty_flame() -> None:
    found = flame(shared_engine(), Window(new_project().id, 0, 1000), Filter(), against="slow")
    assert (found.nodes, found.seen.requests, found.slow_ns) == ([], 0, None)


def one(paths: list[tuple[int, str, int]]) -> Request:
    """A request from (parent, name, duration) of each span; children one after the other."""
    spans: list[Seen] = []
    free: dict[int, int] = {}
    for i, (parent, _, duration) in enumerate(paths):
        start = free.get(parent, spans[parent].start) if parent >= 0 else 0
        free[parent] = start + duration
        spans.append(Seen(i + 1, parent + 1, start, start + duration, "internal"))
    tree = tree_of(spans)
    rows = [[0, 0, 0, 0, 0, "", 0, "shop", name, 1] for _, name, _ in paths]
    return Request(0, tree.order, rows, tree, self_times(tree))


def test_what_is_light_is_folded_and_nothing_is_lost() -> None:
    shapes = [(-1, "root", 1000), (0, "heavy", 500)] + [(0, f"light {i}", 10 + i) for i in range(5)]
    shapes += [(2, "below light 0", 4), (7, "further below", 2)]
    added = Paths()
    added.add(one(shapes), 0)
    nodes = added.nodes(compared=False, most=3)
    assert [(n.name, n.rest, n.parent) for n in nodes] == [
        ("root", 0, -1), ("heavy", 0, 0), ("light 4", 0, 0), ("", 4, 0),
    ]  # fmt: skip
    assert sum(n.sums.self_ns for n in nodes) == 1000
    assert sum(n.sums.critical_ns for n in nodes) == 1000
    assert nodes[-1].sums.total_ns == 10 + 11 + 12 + 13


def test_thousands_of_operations_at_the_top_become_one_rest() -> None:
    added = Paths()
    for i in range(50):
        added.add(one([(-1, f"GET /{i}", 100 - i)]), i % 2)
    nodes = added.nodes(compared=True, most=10)
    assert len(nodes) == 11
    assert (nodes[-1].rest, nodes[-1].parent) == (40, -1)
