"""Telemetry leaves: after its days, at the quota, with its project, and with a person."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from quarterdeck.core.clock import SystemClock
from quarterdeck.core.errors import BadInput
from quarterdeck.core.settings import load
from quarterdeck.errors.keep import row_of
from quarterdeck.errors.sentry.received import SentEvent
from quarterdeck.telemetry import retention
from quarterdeck.telemetry.erase import erase_person
from quarterdeck.telemetry.jobs import Jobs
from quarterdeck.telemetry.sql.views import quote
from quarterdeck.telemetry.tables import TABLES
from support.engine import new_project, shared_engine
from support.rows import add_logs, add_samples, add_spans, now_ns

DAY = 86_400 * 10**9
# Days in the past of these tests are far from those of all others, which share the engine.
LONG_AGO = int(datetime(2021, 6, 15, 12, tzinfo=UTC).timestamp()) * 10**9


def count(table: str, project: int) -> int:
    rows = (
        shared_engine()
        .query("count", f"SELECT count() FROM {table} WHERE project = {project}")
        .rows
    )
    return int(rows[0][0])


def fill(project: int, *ages: int, now: int = LONG_AGO) -> None:
    for age in ages:
        at = now - age * DAY
        add_spans(shared_engine(), project, {"time": at, "trace_id": f"{age + 1:032x}"})
        add_logs(shared_engine(), project, {"time": at})


def days(table: str, project: int) -> int:
    sql = f"SELECT uniqExact(toDate(time)) FROM {table} WHERE project = {project}"
    return int(shared_engine().query("days", sql).rows[0][0])


def test_every_table_of_the_schema_is_known_to_retention() -> None:
    sql = """
        SELECT name, partition_key FROM system.tables WHERE database = 'default'
        AND engine LIKE '%MergeTree' AND name NOT IN ('schema_versions', 'facet_marks')"""
    found = dict(shared_engine().query("tables", sql).rows)
    assert {table.name: table.day for table in TABLES} == found


def test_a_day_goes_once_every_project_has_passed_it() -> None:
    long, short = new_project().id, new_project().id
    fill(long, 1, 6, 9, 12)
    fill(short, 1, 6, 9, 12)
    kept = {long: 10, short: 5}
    done = retention.expire(shared_engine(), lambda p, _: kept[p], [long, short], LONG_AGO)
    assert (days("spans", long), days("logs", long)) == (3, 3)
    assert (days("spans", short), days("logs", short)) == (1, 1)
    assert any(item.projects == () for item in done)
    assert any(item.projects == (short,) for item in done)
    for table in ("red_1m", "trace_times", "latency_1m", "latency_15m", "logs_1m"):
        assert count(table, short) < count(table, long), table
    assert retention.expire(shared_engine(), lambda p, _: kept[p], [long, short], LONG_AGO) == []


def test_signals_are_kept_apart() -> None:
    project = new_project().id
    now = LONG_AGO + 100 * DAY
    fill(project, 1, 20, now=now)
    kept = {"traces": 30, "logs": 5, "metrics": 90, "errors": 90}
    retention.expire(shared_engine(), lambda _, signal: kept[signal], [project], now)
    assert (days("spans", project), days("logs", project)) == (2, 1)


def test_a_row_is_kept_for_at_least_its_days() -> None:
    project = new_project().id
    now = LONG_AGO + 200 * DAY
    fill(project, 5, 6, now=now)
    retention.expire(shared_engine(), lambda *_: 5, [project], now)
    assert days("spans", project) == 1


def test_without_projects_nothing_expires() -> None:
    project = new_project().id
    fill(project, 1, now=LONG_AGO + 300 * DAY)
    assert retention.expire(shared_engine(), lambda *_: 1, [], LONG_AGO + 400 * DAY) == []
    assert count("spans", project) == 1


def test_at_the_quota_the_oldest_day_goes_first_and_today_never() -> None:
    project = new_project().id
    now = now_ns()
    old = LONG_AGO - 300 * DAY
    add_logs(shared_engine(), project, {"time": old}, {"time": old + DAY}, {"time": now})
    oldest = (datetime.fromtimestamp(old // 10**9, UTC)).date().isoformat()
    used = retention.used_bytes(shared_engine())
    done = retention.hold_quota(shared_engine(), used - 1, now)
    assert {item.day for item in done} == {oldest}
    assert count("logs", project) == 2
    retention.hold_quota(shared_engine(), 0, now)
    assert count("logs", project) == 1


def test_the_quota_follows_the_setting_or_leaves_room_on_the_disk() -> None:
    path = shared_engine().path
    assert retention.quota_of(path, 2.5, 0) == 2_500_000_000
    free = retention.quota_of(path, 0, 0)
    assert free > 0
    assert retention.quota_of(path, 0, 10**18) >= free


def test_deleting_a_project_leaves_nothing_of_it_and_all_of_the_others() -> None:
    gone, stays = new_project().id, new_project().id
    for project in (gone, stays):
        add_spans(shared_engine(), project, {})
        add_logs(shared_engine(), project, {})
        add_samples(shared_engine(), project, "cpu", project, {now_ns(): 1.0})
    retention.delete_project(shared_engine(), gone)
    retention.delete_project(shared_engine(), gone)
    assert {table.name: count(table.name, gone) for table in TABLES} == {t.name: 0 for t in TABLES}
    for table in (
        "spans",
        "logs",
        "samples",
        "series",
        "red_1m",
        "trace_times",
        "latency_1m",
        "latency_15m",
        "logs_1m",
    ):
        assert count(table, stays) == 1, table


def add_errors(project: int, *documents: dict[str, Any]) -> None:
    """Error events as an SDK would have sent them."""
    now = now_ns()
    sent = (SentEvent(uuid4().hex, "error", d, orjson.dumps(d), now, 0, "") for d in documents)
    rows = b"\n".join(row_of(project, each).json for each in sent)
    shared_engine().insert_json("raw_error_events", rows)


def test_a_person_is_gone_from_every_table_and_the_others_stay() -> None:
    project, other = new_project().id, new_project().id
    who, at = "o'Hara\\42", now_ns()
    engine = shared_engine()
    for owner in (project, other):
        add_spans(
            engine,
            owner,
            {"attributes": {"user.id": who}}, {"attributes": {"enduser.id": who}}, {"resource": {"enduser.id": who}},
            {"events": '[{"time":1,"name":"e","attributes":{"user.id":"o\'Hara\\\\42"},"dropped":0}]'},
            {"attributes": {"user.id": "somebody else"}}, {},
        )  # fmt: skip
        add_logs(engine, owner, {"attributes": {"user.id": who}}, {"resource": {"user.id": who}}, {"attributes": {"user.id": who + "3"}}, {"body": who})  # fmt: skip
        add_samples(engine, owner, "clicks", owner, {at: 1.0, at + 1: 2.0}, {"user.id": who})
        add_samples(engine, owner, "clicks", owner + 10**6, {at: 1.0}, {"user.id": "x"})
        engine.execute(
            "INSERT INTO exemplars (project, series_id, time, value, value_int, value_type, trace_id, span_id, attributes, attribute_types)"
            f" VALUES ({owner}, 1, now64(9), 1, 1, 'int', '', '', map('user.id', 'o\\'Hara\\\\42'), ['string'])"
        )
        add_errors(owner, {"user": {"id": who}}, {"extra": {"for": who}}, {"user": {"id": who + "3"}, "message": f"hello {who}"})  # fmt: skip
        engine.execute(f"INSERT INTO facets_15m (project, signal, field, quarter, value, items) VALUES ({owner}, 'logs', 'user.id', now(), 'o\\'Hara\\\\42', 1)")  # fmt: skip
    erased = erase_person(engine, project, who)
    assert erased.model_dump() == {
        "spans": 4, "logs": 2, "exemplars": 1, "series": 1, "points": 2, "errors": 2, "facets": 1, "rejects": 0,
    }  # fmt: skip
    assert (count("spans", project), count("logs", project), count("samples", project)) == (2, 2, 1)
    assert (count("error_events", project), count("error_events", other)) == (1, 3)
    assert (count("spans", other), count("logs", other), count("samples", other)) == (6, 4, 3)
    again = erase_person(engine, project, who)
    assert set(again.model_dump().values()) == {0}


def test_a_person_in_a_list_or_behind_a_link_is_found_too() -> None:
    project = new_project().id
    link = [
        {
            "trace_id": "",
            "span_id": "",
            "trace_state": "",
            "flags": 0,
            "dropped": 0,
            "attributes": {"user.id": "u1"},
        }
    ]
    add_spans(
        shared_engine(),
        project,
        {"name": "listed", "attributes": {"user.id": ["u0", "u1"]}},
        {"name": "linked", "links": json.dumps(link)},
        {"name": "another", "attributes": {"user.id": ["u10"]}},
    )
    assert erase_person(shared_engine(), project, "u1").spans == 2
    assert erase_person(shared_engine(), project, "u1").spans == 0


def test_a_person_known_by_a_number_is_found_too() -> None:
    project = new_project().id
    add_spans(
        shared_engine(),
        project,
        {"attributes": {"user.id": 4711}},
        {"resource": {"user.id": 4711}},
        {"attributes": {"user.id": 471}},
    )
    assert erase_person(shared_engine(), project, "4711").spans == 2
    assert count("spans", project) == 1


WHO = 'o"Hara/\\ é\u2028😀'
NESTED: dict[str, Any] = {
    "a map": {"user.id": WHO},
    "maps in maps": {"x": {"y": {"enduser.id": WHO}}},
    "a list of maps": [{"k": 1}, {"user.id": WHO}],
    "behind other things": {"n": [1.5, {"t": '}]\\"'}], "enduser.pseudo.id": WHO, "z": None},
    "a list in a map": {"user.id": ["somebody", WHO]},
    "a map of the same name": {"user.id": {"user.id": WHO}},
    "after another person": {"user.id": "x", "enduser.id": WHO},
}
OTHERS: dict[str, Any] = {
    "another person": {"user.id": WHO + "1"},
    "another key": {"xuser.id": WHO, "user.id2": WHO, "user": WHO, "user_id": WHO},
    "the id as a key": {WHO: "user.id"},
    "text that looks like it": {"t": json.dumps({"user.id": WHO})},
    "a key that looks like it": {'{"user.id': WHO, ',"user.id': WHO},
    "the key as a value": ["user.id", WHO],
}


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_person_is_found_at_every_depth_and_nobody_else(ascii_only: bool) -> None:
    engine, project = shared_engine(), new_project().id

    def text(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii_only)

    for number, value in enumerate((*NESTED.values(), *OTHERS.values())):
        add_spans(
            engine,
            project,
            {"events": text([{"time": 1, "name": "e", "attributes": {"a": value}}])},
            {"links": text([{"trace_id": "", "attributes": {"a": value}}])},
            {"resource": {"a": value}},
        )
        for table in ("spans", "logs", "exemplars"):
            engine.execute(
                f"INSERT INTO {table} (project, time, attributes, attribute_types)"
                f" VALUES ({project}, now64(9), map('a', {quote(text(value))}), ['json'])"
            )
        engine.execute(
            f"INSERT INTO logs (project, time, body, body_type) VALUES ({project}, now64(9), {quote(text(value))}, 'json')"
        )
        add_samples(engine, project, "m", project * 100 + number, {now_ns(): 1.0}, {"a": value})
    text_only = f"({project}, now64(9), map('a', {quote(text({'user.id': WHO}))}), ['string'])"
    engine.execute(
        f"INSERT INTO logs (project, time, attributes, attribute_types) VALUES {text_only}"
    )
    found, others = len(NESTED), len(OTHERS)
    erased = erase_person(engine, project, WHO)
    assert (erased.spans, erased.logs, erased.exemplars) == (4 * found, 2 * found, found)
    assert (erased.series, erased.points) == (found, found)
    assert (count("spans", project), count("logs", project)) == (4 * others, 2 * others + 1)
    assert (count("exemplars", project), count("series", project)) == (others, others)


def test_a_number_is_found_at_every_depth() -> None:
    project = new_project().id
    add_spans(
        shared_engine(),
        project,
        {"attributes": {"a": {"user.id": 4711}}},
        {"attributes": {"a": [{"b": {"user.id": [1, 4711]}}]}},
        {"attributes": {"a": {"user.id": 47110, "b": 4711}}},
    )
    assert erase_person(shared_engine(), project, "4711").spans == 2
    assert count("spans", project) == 1


@pytest.mark.parametrize("user_id", ["", "  ", "x" * 1001, "a\0b"])
def test_what_cannot_be_a_user_id_is_refused(user_id: str) -> None:
    with pytest.raises(BadInput) as refused:
        erase_person(shared_engine(), new_project().id, user_id)
    assert refused.value.code == "user_id_invalid"


def test_jobs_run_when_due_and_one_that_fails_does_not_stop_the_others() -> None:
    def broken() -> list[int]:
        raise RuntimeError("no projects today")

    jobs = Jobs(
        shared_engine(),
        load({"disk_quota_gb": 1000}, environ={}),
        SystemClock(),
        broken,
        lambda *_: 30,
        now_ns,
    )
    now = now_ns()
    every_minute = {"facets", "quota"}
    done = jobs.tick(now)
    assert set(done) >= every_minute
    assert "retention" not in done
    assert jobs.tick(now + 10**9) == []
    assert set(jobs.tick(now + 61 * 10**9)) >= every_minute


async def test_jobs_start_and_stop() -> None:
    jobs = Jobs(shared_engine(), load({}, environ={}), SystemClock(), list, lambda *_: 30, now_ns)
    await jobs.start()
    assert jobs._task is not None
    await jobs.stop()
    assert jobs._task is None


def test_the_day_of_a_moment_is_told_in_utc() -> None:
    late = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    assert retention.today_of(int(late.timestamp()) * 10**9) == late.date()
    assert retention.today_of(int((late + timedelta(minutes=1)).timestamp()) * 10**9) > late.date()
