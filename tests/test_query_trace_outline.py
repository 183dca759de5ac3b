"""A trace in lines, and what one span says beyond its line."""

import pytest

from quarterdeck.core.errors import NotFound
from quarterdeck.telemetry.query.trace import span_details, trace
from quarterdeck.telemetry.query.trace_outline import outline
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns

MS = 1_000_000
ONE = f"{1:032x}"


def test_an_outline_has_every_span_in_a_line_with_its_place() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    events = "[" + ",".join(
        f'{{"time":{at + i},"name":"try {i}","dropped":0,"attributes":{{"n":{i}}}}}' for i in range(30)
    ) + "]"  # fmt: skip
    links = f'[{{"trace_id":"{2:032x}","span_id":"{2:016x}","attributes":{{}}}}]'
    root = {"trace_id": ONE, "time": at, "duration_ns": 10 * MS, "events": events, "links": links}
    call = {
        "trace_id": ONE, "span_id": f"{9:016x}", "parent_span_id": f"{1:016x}", "time": at + 2 * MS, "duration_ns": 5 * MS,
        "name": "SELECT", "kind": "client", "status": "error", "status_message": "no " * 500, "service": "db",
        "attributes": {"db.query.text": "SELECT 1 " * 100, "other": 1, "http.route": "/é"},
    }  # fmt: skip
    add_spans(shared_engine(), project, root, call)
    add_logs(
        shared_engine(), project,
        {"trace_id": ONE, "span_id": f"{9:016x}", "time": at + 3 * MS, "body": "slow " * 200, "severity_number": 13},
    )  # fmt: skip
    found = outline(shared_engine(), project, ONE)
    assert (found.trace_id, found.start_ns, found.duration_ns) == (ONE, str(at), 10 * MS)
    first, second = found.spans
    assert (first.parent, first.self_ns, first.links) == (-1, 5 * MS, 1)
    assert [tuple(e) for e in first.events[:2]] == [("try 0", 0), ("try 1", 1)]
    assert len(first.events) == 20
    assert (second.parent, second.parent_span_id, second.kind) == (0, first.span_id, "client")
    assert (second.status, second.service, second.offset_ns) == ("error", "db", 2 * MS)
    assert len(second.status_message) == 160
    assert [(k, v[:8]) for k, v in second.telling] == [("http.route", "/é"), ("db.query.text", "SELECT 1")]  # fmt: skip
    assert [tuple(part) for part in found.critical] == [
        (0, 7 * MS, 10 * MS), (1, 2 * MS, 7 * MS), (0, 0, 2 * MS),
    ]  # fmt: skip
    log = found.logs[0]
    assert (log.span_id, log.offset_ns, log.severity) == (second.span_id, 3 * MS, "warn")
    assert len(log.text) == 320
    assert not found.truncated


def test_a_span_sent_twice_is_shown_once_and_two_of_one_id_both() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    span = {"trace_id": ONE, "time": at, "duration_ns": MS, "attributes": {"try": 1}}
    again = {**span, "time": at + 5 * MS, "attributes": {"try": 2}}
    add_spans(shared_engine(), project, span, {**again, "span_id": f"{1:016x}"})
    add_spans(shared_engine(), project, span)
    assert [s.offset_ns for s in outline(shared_engine(), project, ONE).spans] == [0, 5 * MS]
    assert len(trace(shared_engine(), project, ONE).spans) == 2
    twins = span_details(shared_engine(), project, ONE, f"{1:016x}")
    assert [t.attributes for t in twins] == [{"try": 1}, {"try": 2}]


def test_a_span_tells_everything_when_it_is_asked() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    events = f'[{{"time":{at + 7},"name":"retry","dropped":0,"attributes":{{"n":1}}}}]'
    add_spans(
        shared_engine(), project, {"time": at, "events": events, "attributes": {"a": [1, 2], "b": 2.0}}
    )  # fmt: skip
    found = span_details(shared_engine(), project, ONE, f"{1:016x}")[0]
    assert found.attributes == {"a": [1, 2], "b": 2.0}
    assert found.resource == {"service.name": "shop"}
    assert (found.environment, found.release, found.scope.name) == ("prod", "1.0", "scope")
    assert [(e.name, e.offset_ns, e.attributes) for e in found.events] == [("retry", 7, {"n": 1})]


@pytest.mark.parametrize("span_id", ["f" * 16, "short", "z" * 16, ""])
def test_an_unknown_span_is_said_to_be_unknown(span_id: str) -> None:
    project = new_project().id
    add_spans(shared_engine(), project, {"time": now_ns() - SECOND})
    with pytest.raises(NotFound) as refused:
        span_details(shared_engine(), project, ONE, span_id)
    assert refused.value.code == "span_unknown"


def test_a_clock_that_is_behind_is_told_with_the_span() -> None:
    project, at = new_project().id, now_ns() - 60 * SECOND
    add_spans(
        shared_engine(), project,
        {"trace_id": ONE, "time": at, "duration_ns": 10 * MS, "kind": "client"},
        {"trace_id": ONE, "parent_span_id": f"{1:016x}", "time": at - 3 * MS, "duration_ns": 4 * MS, "kind": "server"},
    )  # fmt: skip
    found = outline(shared_engine(), project, ONE)
    assert [(s.offset_ns, s.shift_ns) for s in found.spans] == [(0, 3 * MS), (3 * MS, 0)]
