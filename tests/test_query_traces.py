"""Traces: the list, its pages, one trace whole, and the time each span spent itself."""

from typing import Any

import pytest

from quarterdeck.core.errors import NotFound
from quarterdeck.telemetry.query.trace import span_details, trace
from quarterdeck.telemetry.query.traces import Filter, traces
from quarterdeck.telemetry.query.window import Window, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns

MS = 1_000_000


def tree(number: int, at: int, *, error: bool = False, ms: int = 100) -> list[dict[str, Any]]:
    """A request through two services: root, call, the other service, its query."""
    trace_id = f"{number:032x}"

    def span(n: int, parent: int, **more: Any) -> dict[str, Any]:
        return {
            "trace_id": trace_id, "span_id": f"{number * 16 + n:016x}",
            "parent_span_id": f"{number * 16 + parent:016x}" if parent else "0" * 16, **more,
        }  # fmt: skip

    return [
        span(1, 0, name="GET /cart", service="web", kind="server", time=at, duration_ns=ms * MS, status="error" if error else "unset"),
        span(2, 1, name="GET", service="web", kind="client", time=at + 10 * MS, duration_ns=60 * MS),
        span(3, 2, name="GET /price", service="price", kind="server", time=at + 20 * MS, duration_ns=40 * MS),
        span(4, 3, name="SELECT", service="price", kind="client", time=at + 30 * MS, duration_ns=10 * MS),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ground() -> tuple[int, int]:
    project, at = new_project().id, now_ns() - 600 * SECOND
    spans = [
        s for i in range(1, 13) for s in tree(i, at + i * SECOND, error=i % 4 == 0, ms=100 * i)
    ]
    add_spans(shared_engine(), project, *spans)
    return project, at


def window(ground: tuple[int, int]) -> Window:
    return window_of(ground[0], ground[1] // 10**6 - 3_600_000, ground[1] // 10**6 + 600_000)


def numbers(items: list[Any]) -> list[int]:
    return [int(row.trace_id, 16) for row in items]


def test_the_list_describes_whole_traces_newest_first(ground: tuple[int, int]) -> None:
    answer = traces(shared_engine(), window(ground), Filter())
    assert numbers(answer.items) == list(range(12, 0, -1))
    first = answer.items[0]
    assert (first.root_service, first.root_name) == ("web", "GET /cart")
    assert (first.spans, first.errors, first.services) == (4, 1, ["price", "web"])
    assert first.duration_ms == 1200
    assert answer.next_cursor is None
    assert answer.histogram is not None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(status="error"), [12, 8, 4]),
        (Filter(status="ok"), [11, 10, 9, 7, 6, 5, 3, 2, 1]),
        (Filter(min_ms=1000), [12, 11, 10]),
        (Filter(max_ms=250), [2, 1]),
        (Filter(min_ms=300, max_ms=400), [4, 3]),
        (Filter(service="price"), list(range(12, 0, -1))),
        (Filter(service="price", min_ms=300), []),
        (Filter(operation="SELECT"), list(range(12, 0, -1))),
        (Filter(service="web", operation="SELECT"), []),
        (Filter(service="none"), []),
    ],
)
def test_filters_find_these_traces(
    ground: tuple[int, int], wanted: Filter, found: list[int]
) -> None:
    assert numbers(traces(shared_engine(), window(ground), wanted).items) == found


@pytest.mark.parametrize("sort", ["recent", "slowest"])
@pytest.mark.parametrize("wanted", [Filter(), Filter(q="GET"), Filter(service="web")])
def test_pages_show_every_trace_once(ground: tuple[int, int], sort: Any, wanted: Filter) -> None:
    found: list[int] = []
    cursor = ""
    for _ in range(10):
        page = traces(shared_engine(), window(ground), wanted, sort=sort, limit=5, cursor=cursor)
        found += numbers(page.items)
        cursor = page.next_cursor or ""
        if not cursor:
            break
    assert found == list(range(12, 0, -1))


def test_traces_of_one_moment_are_not_lost_between_pages() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    add_spans(
        shared_engine(), project, *({"trace_id": f"{i:032x}", "time": at} for i in range(1, 24))
    )
    found: list[int] = []
    cursor = ""
    for _ in range(10):
        page = traces(
            shared_engine(),
            window_of(project, at // 10**6 - 1000, at // 10**6 + 1000),
            Filter(),
            limit=5,
            cursor=cursor,
        )
        found += numbers(page.items)
        cursor = page.next_cursor or ""
        if not cursor:
            break
    assert sorted(found) == list(range(1, 24))


def test_a_trace_whose_root_never_came_is_listed_by_its_first_span() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    add_spans(shared_engine(), project, *tree(1, at)[2:])
    answer = traces(
        shared_engine(), window_of(project, at // 10**6 - 1000, at // 10**6 + 1000), Filter()
    )
    assert [(t.root_service, t.root_name, t.spans) for t in answer.items] == [
        ("price", "GET /price", 2)
    ]


def test_one_trace_comes_whole_with_its_logs(ground: tuple[int, int]) -> None:
    project, at = ground
    number, start = 3, at + 3 * SECOND
    add_logs(
        shared_engine(),
        project,
        {
            "body": "priced",
            "trace_id": f"{number:032x}",
            "span_id": f"{number * 16 + 3:016x}",
            "time": start + 25 * MS,
        },
    )
    found = trace(shared_engine(), project, f"{number:032X}")
    assert found.start_ns == str(start)
    assert found.duration_ns == 300 * MS
    assert [s.name for s in found.spans] == ["GET /cart", "GET", "GET /price", "SELECT"]
    assert [s.offset_ns for s in found.spans] == [0, 10 * MS, 20 * MS, 30 * MS]
    assert [s.self_ns for s in found.spans] == [240 * MS, 20 * MS, 30 * MS, 10 * MS]
    assert found.spans[0].parent_span_id == ""
    assert [row.body for row in found.logs] == ["priced"]
    assert not found.truncated


@pytest.mark.parametrize("trace_id", ["f" * 32, "short", "z" * 32, ""])
def test_an_unknown_trace_is_said_to_be_unknown(ground: tuple[int, int], trace_id: str) -> None:
    with pytest.raises(NotFound) as refused:
        trace(shared_engine(), ground[0], trace_id)
    assert refused.value.code == "trace_unknown"


def test_a_trace_of_another_project_is_unknown(ground: tuple[int, int]) -> None:
    with pytest.raises(NotFound):
        trace(shared_engine(), new_project().id, f"{1:032x}")


def test_events_and_links_have_their_place_and_their_types() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    events = f'[{{"time":{at + 5},"name":"retry","dropped":0,"attributes":{{"n":1,"d":2.0}}}}]'
    links = '[{"trace_id":"ab","span_id":"cd","trace_state":"","flags":0,"dropped":0,"attributes":{"k":true}}]'
    add_spans(shared_engine(), project, {"time": at, "events": events, "links": links})
    span = trace(shared_engine(), project, f"{1:032x}").spans[0]
    assert [(e.name, e.offset_ns, e.attributes) for e in span.events] == [
        ("retry", 5, {"n": 1, "d": 2.0})
    ]
    assert [(li.trace_id, li.attributes) for li in span.links] == [("ab", {"k": True})]


def test_a_trace_holds_the_beginning_of_long_values_and_the_span_itself_all_of_them() -> None:
    project = new_project().id
    add_spans(shared_engine(), project, {"attributes": {"dump": "x" * 100_000, "n": 1}})
    (span,) = trace(shared_engine(), project, f"{1:032x}").spans
    assert span.attributes == {"dump": "x" * 16_384, "n": 1}
    assert span.attributes_cut
    (whole,) = span_details(shared_engine(), project, f"{1:032x}", span.span_id)
    assert whole.attributes["dump"] == "x" * 100_000
    assert not whole.attributes_cut
