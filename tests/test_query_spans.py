"""Spans over many traces: durations counted exactly, points, groups, and the list one by one."""

from typing import Any

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.span_durations import durations
from quarterdeck.telemetry.query.span_groups import groups
from quarterdeck.telemetry.query.span_list import spans
from quarterdeck.telemetry.query.span_points import MOST, points
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Window, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_spans, now_ns
from support.server import Server

MS = 1_000_000
COUNT = 1_200


@pytest.fixture(scope="module")
def ground() -> Window:
    """Requests of 1 to 400 ms over twenty minutes, each with a query inside; every tenth fails."""
    project, at = new_project().id, now_ns() - 1300 * SECOND
    made: list[dict[str, Any]] = []
    for i in range(COUNT):
        failed = i % 10 == 0
        made.append({
            "trace_id": f"{i + 1:032x}", "span_id": f"{2 * i + 1:016x}", "name": f"GET /{i % 4}", "time": at + i * SECOND,
            "service": "web", "duration_ns": (1 + i % 400) * MS, "status": "error" if failed else "unset",
            "release": "2.0" if i % 3 == 0 else "1.0",
            "attributes": {"tenant": f"t{i % 7}", "order": f"o{i}", "size": i} if i % 2 == 0 else {},
            "resource": {"service.name": "web", "host.name": f"h{i % 2}", "region": "north"},
        })  # fmt: skip
        made.append({
            "trace_id": f"{i + 1:032x}", "span_id": f"{2 * i + 2:016x}", "parent_span_id": f"{2 * i + 1:016x}",
            "name": "SELECT", "kind": "client", "service": "web", "time": at + i * SECOND, "duration_ns": 500_000,
        })  # fmt: skip
    add_spans(shared_engine(), project, *made)
    now = now_ns() // MS
    return window_of(project, now - 1_800_000, now + 1_000)


def test_durations_count_every_span_once_and_tell_failures(ground: Window) -> None:
    answer = durations(shared_engine(), ground, Filter())
    assert (answer.count, answer.errors) == (COUNT, COUNT // 10)
    assert sum(answer.ok) + sum(answer.error) == COUNT
    assert sum(answer.error) == answer.errors
    assert len(answer.edges_ms) - 1 <= 44 + 1
    assert max(answer.row) < len(answer.edges_ms) - 1
    assert max(answer.column) < answer.columns
    assert answer.edges_ms[0] <= 1 <= answer.edges_ms[1]
    assert answer.edges_ms[-2] <= 400 <= answer.edges_ms[-1]
    assert answer.p50_ms == pytest.approx(200, rel=0.06)
    assert answer.p95_ms == pytest.approx(380, rel=0.06)


def test_durations_keep_to_the_filter_and_may_be_empty(ground: Window) -> None:
    engine = shared_engine()
    assert durations(engine, ground, Filter(of="spans")).count == 2 * COUNT
    assert durations(engine, ground, Filter("tenant:t0")).count == COUNT // 14 + 1
    assert durations(engine, ground, Filter("tenant:*", of="requests")).count == COUNT // 2
    nothing = durations(engine, ground, Filter(service="nobody"))
    assert (nothing.count, nothing.p50_ms, nothing.column) == (0, None, [])
    assert len(nothing.edges_ms) > 2


def test_few_spans_are_all_points_and_many_are_a_sample_with_the_slowest(ground: Window) -> None:
    few = points(shared_engine(), ground, Filter(status="error"))
    assert few.complete
    assert len(few.items) == COUNT // 10
    assert all(each.error for each in few.items)
    many = points(shared_engine(), ground, Filter())
    assert not many.complete
    assert len(many.items) <= MOST
    assert sum(each.error for each in many.items) >= COUNT // 10
    assert max(each.duration_ms for each in many.items) == 400
    assert len({each.span_id for each in many.items}) == len(many.items)


def test_groups_add_up_and_are_sorted_as_asked(ground: Window) -> None:
    answer = groups(shared_engine(), ground, Filter(), ["name"])
    assert answer.count == COUNT == sum(each.count for each in answer.items)
    assert [each.values for each in answer.items] == [[f"GET /{i}"] for i in range(4)]
    assert sum(each.share for each in answer.items) == pytest.approx(1)
    first = answer.items[0]
    assert sum(first.series) == first.count
    assert first.errors == COUNT // 20
    assert first.p50_ms <= first.p95_ms <= first.p99_ms
    assert first.max_ms <= 400
    assert first.rate == pytest.approx(first.count / ground.seconds)
    slow = groups(shared_engine(), ground, Filter(), ["name"], "max").items
    assert [each.max_ms for each in slow] == sorted((each.max_ms for each in slow), reverse=True)
    failing = groups(shared_engine(), ground, Filter(), ["name"], "error_rate").items
    assert failing[0].error_rate == max(each.error_rate for each in failing)


def test_spans_are_grouped_by_attributes_resources_and_two_fields(ground: Window) -> None:
    engine = shared_engine()
    tenants = groups(engine, ground, Filter(), ["tenant"])
    assert tenants.items[0].values == [""]  # half of them have none
    assert {each.values[0] for each in tenants.items[1:]} == {f"t{i}" for i in range(7)}
    hosts = groups(engine, ground, Filter(), ["host.name", "service.version"])
    assert {tuple(each.values) for each in hosts.items} == {
        (host, release) for host in ("h0", "h1") for release in ("1.0", "2.0")
    }
    region = groups(engine, ground, Filter(), ["resource.region"])
    assert [each.values for each in region.items] == [["north"]]


def test_many_groups_are_cut_and_the_others_told_as_one(ground: Window) -> None:
    answer = groups(shared_engine(), ground, Filter("order:*"), ["order"])
    assert len(answer.items) == 200
    assert answer.others is not None
    assert answer.others.groups == COUNT // 2 - 200
    assert answer.others.count == COUNT // 2 - 200
    assert answer.complete
    with pytest.raises(BadInput):
        groups(shared_engine(), ground, Filter(), [])
    with pytest.raises(BadInput):
        groups(shared_engine(), ground, Filter(), ["a", "b", "c"])


@pytest.mark.parametrize("sort", ["recent", "slowest"])
def test_the_list_of_spans_goes_on_without_gap_or_repetition(ground: Window, sort: Any) -> None:
    seen: list[str] = []
    ranks: list[float] = []
    cursor = ""
    while True:
        page = spans(
            shared_engine(), ground, Filter(of="spans"), sort=sort, limit=350, cursor=cursor
        )
        seen += [each.span_id for each in page.items]
        ranks += [each.time_ms if sort == "recent" else each.duration_ms for each in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert len(seen) == len(set(seen)) == 2 * COUNT
    assert ranks == sorted(ranks, reverse=True)


def test_the_list_of_spans_shows_the_columns_asked_for(ground: Window) -> None:
    page = spans(
        shared_engine(), ground, Filter("order:o40"), columns=["tenant", "host.name", "size", "x"]
    )
    assert [each.values for each in page.items] == [["t5", "h0", "40", ""]]
    with pytest.raises(BadInput):
        spans(shared_engine(), ground, Filter(), columns=[str(i) for i in range(13)])
    with pytest.raises(BadInput):
        spans(shared_engine(), ground, Filter(), cursor="nonsense")


def test_hostile_fields_and_values_are_only_text(ground: Window) -> None:
    hostile = "a'] OR 1=1 --\\\x00\u202e"
    assert groups(shared_engine(), ground, Filter(), [hostile]).items[0].values == [""]
    assert spans(shared_engine(), ground, Filter(), columns=[hostile], limit=1).items[0].values == [
        ""
    ]
    with pytest.raises(BadInput):
        groups(shared_engine(), ground, Filter(), ["x" * 400])


def test_the_routes_answer_and_refuse(server: Server) -> None:
    now = now_ns() // MS
    range_ = {"from": now - 60_000, "to": now}
    with server.client() as client:
        for path in ("", "/durations", "/points", "/groups?by=name", "/compare?sel=status:error"):
            name, _, query = path.partition("?")
            asked: dict[str, Any] = {**range_, **dict(p.split("=") for p in query.split("&") if p)}
            assert client.get(f"/api/spans{name}", params=asked).status_code == 200, path
        refused = client.get("/api/spans/compare", params=range_)
        assert refused.json()["error"]["code"] == "selection_empty"
        assert client.get("/api/spans/groups", params=range_).status_code == 422
        many = client.get("/api/spans/groups", params={**range_, "by": "a,b,c"})
        assert many.json()["error"]["code"] == "group_invalid"
