"""Error events become issues, and issues live: resolved, ignored, back again, merged, split."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import orjson
import pytest

from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.testkit import MEMBER as WHO
from quarterdeck.core.testkit import ManualClock
from quarterdeck.errors import issues
from quarterdeck.errors.issues import Status
from quarterdeck.errors.keep import Errors, catch_up, open_errors
from quarterdeck.errors.queries import counts, events
from quarterdeck.errors.queries.firsts import firsts
from quarterdeck.errors.sentry.received import SentEvent
from quarterdeck.store.control import ControlStore
from quarterdeck.telemetry.ingest.intake import Intake, Limits
from quarterdeck.telemetry.query.window import window_of
from support.control import clock, control, control_place
from support.engine import new_project, shared_engine

__all__ = ["clock", "control", "control_place"]


def event(function: str = "pay", *, release: str = "1.0", **more: Any) -> dict[str, Any]:
    frames = [
        {"filename": "app.py", "function": "main", "lineno": 4, "in_app": True},
        {"filename": "shop.py", "function": function, "lineno": 7, "in_app": True},
    ]
    thrown = {"type": "ValueError", "value": "no money", "stacktrace": {"frames": frames}}
    return {
        "event_id": uuid4().hex, "timestamp": time.time(), "platform": "python", "level": "error",
        "release": release, "exception": {"values": [thrown]}, **more,
    }  # fmt: skip


def set_now(clock: ManualClock) -> None:
    clock.advance((time.time_ns() - clock.now_ns()) / 1e9)


@dataclass
class Desk:
    """The way in for errors, over the real engine and a real control store."""

    control: ControlStore
    intake: Intake
    errors: Errors
    project: ProjectRef

    async def keep(self, *documents: dict[str, Any]) -> None:
        now = time.time_ns()
        sent = [
            SentEvent(each["event_id"], "error", each, orjson.dumps(each), now, 0, "shop")
            for each in documents
        ]
        outcome = await self.errors.keep(self.project, sent)
        assert outcome.rejected == 0

    async def issues(self, status: Status | None = None, words: str = "") -> list[Any]:
        return await self.control.read(
            lambda conn: issues.listed(conn, self.project.id, status, words)
        )

    async def groups(self, issue_id: str) -> list[int]:
        found = await self.control.read(
            lambda conn: issues.groups_of(conn, self.project.id, [issue_id])
        )
        return found[issue_id]

    async def change(self, issue_id: str, **given: Any) -> None:
        await self.control.write(
            lambda conn: issues.change(conn, WHO, self.project.id, issue_id, **given)
        )
        self.errors.forget(self.project.id, await self.groups(issue_id))


@pytest.fixture
async def desk(control: ControlStore, clock: ManualClock) -> AsyncIterator[Desk]:
    set_now(clock)
    limits = Limits(body=2**24, queue=2**26, flush_ms=10)
    nobody = cast(Any, None)
    intake = Intake(
        shared_engine(), nobody, limits, clock, Registry(), lambda p, s: 30, lambda p: 1_000
    )
    errors = await open_errors(intake, shared_engine(), control)
    yield Desk(control, intake, errors, new_project())
    await asyncio.to_thread(intake.stop)


async def test_events_become_issues_and_an_event_that_is_sent_again_is_one(desk: Desk) -> None:
    twice = event(user={"id": "7"})
    await desk.keep(twice, event(user={"id": "8"}), event("refund"))
    await desk.keep(twice)
    found = await desk.issues()
    assert [(row.number, row.title, row.status) for row in found] == [
        (2, "ValueError: no money", "unresolved"),
        (1, "ValueError: no money", "unresolved"),
    ]
    assert {row.culprit for row in found} == {"pay in shop.py", "refund in shop.py"}
    groups = await desk.groups(found[1].id)
    now = time.time_ns() // 1_000_000
    window = window_of(desk.project.id, now - 3_600_000, now + 60_000)
    whole = counts.together(counts.by_group(shared_engine(), window), groups)
    assert (whole.events, whole.users, sum(whole.course.values())) == (2, 2, 2)
    listed = events.newest(shared_engine(), window, groups)
    assert sorted(each["user"] for each in listed) == ["7", "8"]
    one = events.one(shared_engine(), desk.project.id, twice["event_id"], groups)
    assert one["payload"] == twice
    why = events.groups(shared_engine(), desk.project.id, groups)
    assert why[0]["events"] == 2
    assert any("pay" in part for part in why[0]["parts"])


async def test_many_senders_at_once_make_one_issue(desk: Desk) -> None:
    await asyncio.gather(*(desk.keep(event(), event("refund")) for _ in range(30)))
    assert sorted(row.number for row in await desk.issues()) == [1, 2]


async def test_a_resolved_issue_that_is_heard_of_again_is_a_regression(
    desk: Desk, clock: ManualClock
) -> None:
    await desk.keep(event())
    (row,) = await desk.issues()
    set_now(clock)
    await desk.change(row.id, status=Status.RESOLVED)
    await desk.keep(event(timestamp=time.time() - 3_600))  # it happened before
    assert len(await desk.issues(Status.RESOLVED)) == 1
    await asyncio.sleep(0.01)
    set_now(clock)
    await desk.keep(event(timestamp=time.time()))
    (row,) = await desk.issues(Status.UNRESOLVED)
    assert row.regressions == 1
    told = await desk.control.read(lambda conn: issues.history(conn, row.id))
    assert {(h.what, h.author) for h in told} == {("regressed", ""), ("resolved", WHO.name)}


async def test_resolved_in_the_next_release_bears_events_of_this_one(desk: Desk) -> None:
    await desk.keep(event(release="1.0"))
    (row,) = await desk.issues()
    release = events.newest_release(shared_engine(), desk.project.id, await desk.groups(row.id))
    await desk.change(row.id, status=Status.RESOLVED, after_release=release)
    await desk.keep(event(release="1.0"), event(release=""))
    assert len(await desk.issues(Status.RESOLVED)) == 1
    await desk.keep(event(release="1.1"))
    assert len(await desk.issues(Status.UNRESOLVED)) == 1


async def test_an_ignored_issue_stays_quiet_until_its_time(desk: Desk) -> None:
    await desk.keep(event())
    (row,) = await desk.issues()
    await desk.change(row.id, status=Status.IGNORED)
    await desk.keep(event())
    assert len(await desk.issues(Status.IGNORED)) == 1
    await desk.change(row.id, status=Status.IGNORED, ignored_until=int(time.time() * 1000) - 1000)
    await desk.keep(event())
    (row,) = await desk.issues(Status.UNRESOLVED)
    assert row.regressions == 0


async def test_merged_issues_are_one_for_what_comes_and_a_group_can_leave_again(desk: Desk) -> None:
    await desk.keep(event(), event("refund"))
    second, first = await desk.issues()
    project = desk.project.id
    await desk.control.write(lambda conn: issues.merge(conn, WHO, project, first.id, [second.id]))
    desk.errors.forget(project, groups := await desk.groups(first.id))
    assert len(groups) == 2
    await desk.keep(event("refund"))
    assert [row.number for row in await desk.issues()] == [1]
    (new,) = firsts(shared_engine(), project, groups[:1])
    await desk.control.write(lambda conn: issues.split(conn, WHO, project, first.id, new))
    assert [len(await desk.groups(row.id)) for row in await desk.issues()] == [1, 1]


async def test_events_whose_issue_a_kill_prevented_have_one_after_the_next_start(
    desk: Desk,
) -> None:
    await desk.keep(event(), event("refund"))
    await desk.control.write(lambda conn: issues.empty_project(conn, WHO, desk.project.id))
    assert await desk.issues() == []
    assert await catch_up(shared_engine(), desk.control) >= 2
    assert sorted(row.title for row in await desk.issues()) == ["ValueError: no money"] * 2
    assert await catch_up(shared_engine(), desk.control) == 0


async def test_issues_are_found_by_words_of_their_title_and_culprit(desk: Desk) -> None:
    await desk.keep(event(), event("100%_off"))
    assert len(await desk.issues(words="VALUE money")) == 2
    assert len(await desk.issues(words="100%_")) == 1
    assert await desk.issues(words="nothing") == []
