"""What stands beside a trace: matches inside it, links to it, its like, and another laid over it."""

from typing import Any

import pytest

from quarterdeck.core.errors import BadInput, NotFound
from quarterdeck.telemetry.query.trace_compare import TraceComparison, compare
from quarterdeck.telemetry.query.trace_find import find_in_trace
from quarterdeck.telemetry.query.trace_links import linked_from
from quarterdeck.telemetry.query.trace_similar import similar
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns

MS = 1_000_000
ONE = f"{1:032x}"


def span(
    trace: int, number: int, parent: int, at: int, ms: int, name: str, **more: Any
) -> dict[str, Any]:
    return {
        "trace_id": f"{trace:032x}", "span_id": f"{trace * 100 + number:016x}",
        "parent_span_id": f"{trace * 100 + parent:016x}" if parent else "0" * 16,
        "time": at, "duration_ns": ms * MS, "name": name, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def searched() -> int:
    project, at = new_project().id, now_ns() - 60 * SECOND
    events = f'[{{"time":{at},"name":"exception","dropped":0,"attributes":{{"exception.type":"CardDeclined"}}}}]'
    add_spans(
        shared_engine(), project,
        span(1, 1, 0, at, 100, "GET /Cart", service="web", status="error", status_message="Bad gateway"),
        span(1, 2, 1, at, 50, "charge", service="pay", events=events, attributes={"amount": 185, "provider": "Sahel 100%"}),
        span(1, 3, 1, at, 5, "SELECT", service="web", attributes={"db.query.text": "SELECT one"}),
        span(2, 1, 0, at, 5, "GET /Cart", service="web"),
    )  # fmt: skip
    add_logs(
        shared_engine(), project,
        {"trace_id": ONE, "span_id": f"{103:016x}", "time": at, "body": "pool exhausted", "severity_number": 17},
        {"trace_id": ONE, "time": at, "body": "pool of nobody"},
    )  # fmt: skip
    return project


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", []),
        ("cart", [1]),
        ("gateway", [1]),
        ("PAY", [2]),  # a service
        ("carddeclined", [2]),  # in an event
        ("sahel", [2]),
        ("100%", [2]),  # no wildcard of ours
        ("amount", [2]),  # the name of an attribute
        (f"{103:016x}", [3]),
        ("pool", [3]),  # in a record; the one without a span finds nothing
        ("severity:error", [3]),
        ("service:web", [1, 3]),
        ("service:web -status:error", [3]),
        ("amount>=100", [2]),
        ("duration>40ms", [1, 2]),
        ("-cart", [2, 3]),
        ('db.query.text:"SELECT one"', [3]),
        ("sel*", [3]),
        ("/Card.*ined/", [2]),
        ("gateway OR pool", [1, 3]),
        ("pool OR duration>90ms", [1]),  # no record has a duration: only spans are asked
        ("nowhere", []),
    ],
)
def test_a_search_inside_a_trace_looks_everywhere(searched: int, q: str, found: list[int]) -> None:
    matches = find_in_trace(shared_engine(), searched, ONE, q)
    assert matches.spans == [f"{100 + number:016x}" for number in found]


def test_a_search_that_cannot_be_read_is_refused(searched: int) -> None:
    with pytest.raises(BadInput) as refused:
        find_in_trace(shared_engine(), searched, ONE, "duration>=soon")
    assert refused.value.code == "search_invalid"


def test_who_links_to_a_trace_is_found() -> None:
    project, at = new_project().id, now_ns() - 7200 * SECOND
    links = f'[{{"trace_id":"{ONE}","span_id":"{101:016x}","trace_state":"","flags":0,"dropped":0,"attributes":{{}}}}]'
    quoted = f'[{{"trace_id":"{9:032x}","span_id":"","attributes":{{"note":"\\"trace_id\\":\\"{ONE}\\""}}}}]'
    add_spans(
        shared_engine(), project,
        span(1, 1, 0, at, 100, "POST /orders", links=links),  # to itself
        span(2, 1, 0, at + 3600 * SECOND, 100, "deliver", service="supplier", links=links),
        span(3, 1, 0, at + 3600 * SECOND, 100, "other", links=quoted),
    )  # fmt: skip
    found = linked_from(shared_engine(), project, ONE)
    assert [(row.trace_id, row.service, row.name) for row in found] == [(f"{2:032x}", "supplier", "deliver")]  # fmt: skip


def test_similar_traces_are_of_the_same_operation_and_went_well() -> None:
    project, at = new_project().id, now_ns() - 7200 * SECOND
    add_spans(
        shared_engine(), project,
        span(1, 1, 0, at, 900, "GET /cart", service="web"),
        *(span(i, 1, 0, at + i * SECOND, i * 10, "GET /cart", service="web") for i in range(2, 31)),
        span(40, 1, 0, at, 1, "GET /cart", service="web", status="error"),
        span(41, 1, 0, at, 1, "GET /cart", service="other"),
        span(42, 1, 0, at + 5000 * SECOND, 1, "GET /cart", service="web"),  # more than an hour off
    )  # fmt: skip
    found = similar(shared_engine(), project, ONE)
    assert (found.service, found.operation, found.count) == ("web", "GET /cart", 29)
    assert found.typical is not None
    assert found.fastest is not None
    assert found.slowest is not None
    assert [int(t.trace_id, 16) for t in (found.typical, found.fastest, found.slowest)] == [16, 2, 30]  # fmt: skip
    assert found.typical.duration_ms == 160
    lonely = similar(shared_engine(), project, f"{41:032x}")
    assert (lonely.count, lonely.typical) == (0, None)


def told(found: TraceComparison) -> list[str]:
    """The merged tree: depth, names, durations in A and B."""
    depths: list[int] = []
    out = []
    for pair in found.pairs:
        depths.append(depths[pair.parent] + 1 if pair.parent >= 0 else 0)
        side = pair.a or pair.b
        assert side is not None
        times = [str(s.duration_ns // MS) if s else "–" for s in (pair.a, pair.b)]
        out.append(">" * depths[-1] + f"{side.name} {'/'.join(times)}")
    return out


def test_two_traces_meet_by_the_way_to_their_spans() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    add_spans(
        shared_engine(), project,
        span(1, 1, 0, at, 100, "GET /cart", attributes={"user": "a", "same": 1}),
        span(1, 2, 1, at + 10 * MS, 10, "SELECT"),
        span(1, 3, 1, at + 30 * MS, 20, "SELECT"),
        span(1, 4, 1, at + 60 * MS, 5, "render"),
        span(1, 5, 4, at + 61 * MS, 1, "SELECT"),
        span(2, 1, 0, at, 300, "GET /cart", attributes={"user": "b", "same": 1, "new": True}),
        span(2, 2, 1, at + 10 * MS, 11, "SELECT"),
        span(2, 3, 1, at + 30 * MS, 12, "SELECT", status="error"),
        span(2, 4, 1, at + 45 * MS, 13, "SELECT"),
        span(2, 5, 1, at + 250 * MS, 6, "render"),
        span(2, 6, 5, at + 251 * MS, 2, "encode"),
    )  # fmt: skip
    found = compare(shared_engine(), project, ONE, f"{2:032x}")
    assert told(found) == [
        "GET /cart 100/300", ">SELECT 10/11", ">SELECT 20/12", ">SELECT –/13", ">render 5/6", ">>SELECT 1/–", ">>encode –/2",
    ]  # fmt: skip
    assert (found.both, found.only_a, found.only_b) == (4, 1, 2)
    assert [pair.differs for pair in found.pairs] == [2, 0, 0, 0, 0, 0, 0]
    assert (found.a.spans, found.a.errors, found.b.spans, found.b.errors) == (5, 0, 6, 1)
    assert found.b.duration_ns == 300 * MS
    root = found.pairs[0].a
    assert root is not None
    assert (root.self_ns, root.critical_ns) == (65 * MS, 65 * MS)


def test_roots_meet_whatever_they_are_called_when_each_trace_has_one() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    add_spans(
        shared_engine(), project,
        span(1, 1, 0, at, 10, "GET /v1"), span(2, 1, 0, at, 20, "GET /v2"),
        span(3, 1, 0, at, 20, "GET /v2"), span(3, 2, 99, at, 20, "an orphan"),
    )  # fmt: skip
    assert told(compare(shared_engine(), project, ONE, f"{2:032x}")) == ["GET /v1 10/20"]
    assert len(compare(shared_engine(), project, ONE, f"{3:032x}").pairs) == 3
    assert told(compare(shared_engine(), project, ONE, ONE)) == ["GET /v1 10/10"]


def test_a_trace_that_is_not_there_cannot_be_compared() -> None:
    project = new_project().id
    add_spans(shared_engine(), project, span(1, 1, 0, now_ns() - SECOND, 10, "GET /"))
    for a, b in ((ONE, "f" * 32), ("short", ONE)):
        with pytest.raises(NotFound):
            compare(shared_engine(), project, a, b)
