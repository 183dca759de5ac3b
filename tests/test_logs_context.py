"""Around a record: what its service, its host and its trace logged before and after."""

import pytest

from quarterdeck.core.errors import BadInput, NotFound
from quarterdeck.telemetry.query.log_context import LogContext, log_context
from quarterdeck.telemetry.query.logs import search
from quarterdeck.telemetry.query.window import window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, now_ns


def id_of(project: int, at: int, q: str) -> str:
    window = window_of(project, at // 10**6 - 3_600_000, at // 10**6 + 3_600_000)
    return search(shared_engine(), window, q=q).items[0].id


def bodies(found: LogContext) -> tuple[list[str], list[str]]:
    return [row.body for row in found.before], [row.body for row in found.after]


def test_a_record_stands_among_those_of_its_service() -> None:
    project, at = new_project().id, now_ns() - 600 * SECOND
    add_logs(
        shared_engine(),
        project,
        *({"body": f"line {i}", "time": at + i * SECOND} for i in range(10)),
        {"body": "elsewhere", "service": "other", "time": at + 4 * SECOND + 1},
        {"body": "test run", "environment": "test", "time": at + 4 * SECOND + 2},
    )
    here = id_of(project, at, '"line 5"')
    found = log_context(shared_engine(), project, here, before=3, after=2)
    assert bodies(found) == (["line 2", "line 3", "line 4"], ["line 6", "line 7"])
    assert (found.record.body, found.field, found.value) == ("line 5", "service", "shop")
    assert (found.more_before, found.more_after) == (True, True)
    further = log_context(shared_engine(), project, found.before[0].id, before=10, after=0)
    assert bodies(further) == (["line 0", "line 1"], [])
    assert further.more_before is False


def test_records_of_one_nanosecond_stand_on_either_side_once() -> None:
    project, at = new_project().id, now_ns()
    add_logs(shared_engine(), project, *({"body": f"same {i}", "time": at} for i in range(20)))
    here = id_of(project, at, '"same 7"')
    found = log_context(shared_engine(), project, here)
    shown = [row.id for row in (*found.before, found.record, *found.after)]
    assert len(shown) == len(set(shown)) == 20


def test_a_host_and_a_trace_cross_services() -> None:
    project, at = new_project().id, now_ns() - 600 * SECOND
    host = {"resource": {"host.name": "web-1", "service.instance.id": "a"}}
    trace = {"trace_id": "ab" * 16}
    add_logs(
        shared_engine(),
        project,
        {"body": "one", "time": at, "service": "db", **host},
        {"body": "two", "time": at + 1, **host, **trace},
        {"body": "three", "time": at + 2, "service": "mail", "environment": "test", **trace},
        {"body": "four", "time": at + 3},
    )
    here = id_of(project, at, "two")
    by_host = log_context(shared_engine(), project, here, "host")
    assert bodies(by_host) == (["one"], [])
    assert (by_host.field, by_host.value) == ("host.name", "web-1")
    assert bodies(log_context(shared_engine(), project, here, "trace")) == ([], ["three"])
    lone = log_context(shared_engine(), project, id_of(project, at, "four"), "trace")
    assert (bodies(lone), lone.field) == (([], []), "")


def test_a_record_of_another_project_is_not_found() -> None:
    project, at = new_project().id, now_ns()
    add_logs(shared_engine(), project, {"body": "mine", "time": at})
    here = id_of(project, at, "mine")
    with pytest.raises(NotFound):
        log_context(shared_engine(), new_project().id, here)
    for wrong in ("", "x", "../etc", "0" * 16, "0" * 16 + "-" + "9" * 30):
        with pytest.raises(BadInput):
            log_context(shared_engine(), project, wrong)
