"""`/api/issues`: what goes wrong, how often, for whom, and what is done about it."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from quarterdeck.core.errors import NotFound
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.errors import issues
from quarterdeck.errors.issues import Status
from quarterdeck.errors.keep import Errors
from quarterdeck.errors.queries import counts, events
from quarterdeck.errors.queries.counts import Counts
from quarterdeck.errors.queries.firsts import firsts
from quarterdeck.store.control import ControlStore
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import WindowDep

_LATEST_MS = 4_102_444_800_000
_AT_ONCE = 4  # queries of these pages
IssueId = Annotated[str, Path(max_length=64, description="The issue's id, or its number.")]
Sort = Literal["last", "first", "events", "users"]


class IssueView(BaseModel):
    id: str
    number: int
    title: str
    culprit: str
    type: str
    level: str
    category: str
    severity: str
    platform: str
    status: Status
    after_release: str = Field(description="Resolved until a release other than this one has it.")
    ignored_until: int | None
    assignee: str
    regressions: int
    first_seen_ms: int
    first_release: str = Field(description="The release that it was first seen in: the suspect.")
    last_seen_ms: int = Field(description="Within the range; 0 when it did not happen there.")
    events: int = Field(description="Within the range.")
    users: int = Field(description="People affected within the range.")
    course: list[int] = Field(description="Events by step of the range.")


class IssueList(BaseModel):
    issues: list[IssueView]
    total: int
    start_ms: int = Field(description="Where the first step of a course begins.")
    step_ms: int


class GroupView(BaseModel):
    of_group: str = Field(description="What tells the group from others; to split it off.")
    events: int
    grouped_by: str
    parts: list[str] = Field(description="What made the events alike.")
    title: str


class HistoryView(BaseModel):
    at_ms: int
    author: str = Field(description="Empty for what happened without anybody.")
    what: str
    text: str


class FacetView(BaseModel):
    field: str
    values: list[tuple[str, int]]


class IssueDetail(BaseModel):
    issue: IssueView
    groups: list[GroupView]
    history: list[HistoryView]
    facets: list[FacetView]
    start_ms: int
    step_ms: int


class Change(BaseModel):
    status: Status | None = None
    in_next_release: bool = Field(False, description="With `resolved`: events of the newest release do not reopen it.")  # fmt: skip
    ignored_until: int | None = Field(None, ge=0, le=_LATEST_MS, description="With `ignored`: else for good.")  # fmt: skip
    assignee: str | None = Field(None, max_length=320)


class Comment(BaseModel):
    text: str = Field(min_length=1, max_length=10_000)


class Merge(BaseModel):
    issues: list[str] = Field(min_length=1, max_length=100, description="Ids of those that go into it.")  # fmt: skip


class Split(BaseModel):
    group: str = Field(pattern="^[0-9]{1,20}$")


def errors_router(engine: Engine, control: ControlStore, kept: Errors) -> Router:
    router = Router("/api/issues", tag="issues")
    threads = Threads(_AT_ONCE)

    async def groups_of(project: int, issue_id: str) -> tuple[Any, list[int]]:
        def look(conn: Connection) -> tuple[Any, list[int]]:
            found = issues.one(conn, project, issue_id)
            return found, issues.groups_of(conn, project, [found.id]).get(found.id, [])

        return await control.read(look)

    @router.get("", permission=Permission.READ)
    async def list_issues(
        window: WindowDep,
        status: Annotated[Literal["unresolved", "resolved", "ignored", "all"], Query()] = "unresolved",
        q: Annotated[str, Query(max_length=300, description="Words of the title, culprit, category or assignee.")] = "",
        sort: Sort = "last",
        quiet: Annotated[bool, Query(description="Those too that did not happen in the range.")] = False,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> IssueList:  # fmt: skip
        """Issues of the project, with what happened in the range."""

        def look(conn: Connection) -> tuple[list[Any], dict[str, list[int]]]:
            wanted = None if status == "all" else Status(status)
            rows = issues.listed(conn, window.project, wanted, q)
            return rows, issues.groups_of(conn, window.project, [row.id for row in rows])

        rows, groups = await control.read(look)
        found = await threads.run(counts.by_group, engine, window)
        grid = counts.course_of(window)
        shown = []
        for row in rows:
            whole = counts.together(found, groups.get(row.id, []))
            if whole.events or quiet:
                shown.append(_view(row, whole, grid.place(whole.course, 0)))
        order = {"last": "last_seen_ms", "first": "first_seen_ms", "events": "events", "users": "users"}[sort]  # fmt: skip
        shown.sort(key=lambda each: (getattr(each, order), each.number), reverse=True)
        return IssueList(
            issues=shown[:limit], total=len(shown), start_ms=grid.start_ms, step_ms=grid.step_ms
        )

    @router.get("/{issue_id}", permission=Permission.READ)
    async def read_issue(window: WindowDep, issue_id: IssueId) -> IssueDetail:
        """An issue: why its events are grouped, what they have in common, what was done about it."""
        row, groups = await groups_of(window.project, issue_id)
        grid = counts.course_of(window)

        def read() -> tuple[Counts, list[events.Facet], list[dict[str, Any]]]:
            whole = counts.together(counts.by_group(engine, window), groups)
            whole.users = events.users(engine, window, groups)
            return (
                whole,
                events.facets(engine, window, groups),
                events.groups(engine, window.project, groups),
            )

        whole, facets, why = await threads.run(read)
        told = await control.read(lambda conn: issues.history(conn, row.id))
        return IssueDetail(
            issue=_view(row, whole, grid.place(whole.course, 0)),
            groups=[GroupView(**each) for each in why],
            history=[HistoryView(at_ms=h.at, author=h.author, what=h.what, text=h.text) for h in told],
            facets=[FacetView(field=each.field, values=each.values) for each in facets],
            start_ms=grid.start_ms,
            step_ms=grid.step_ms,
        )  # fmt: skip

    @router.get("/{issue_id}/events", permission=Permission.READ)
    async def list_events(window: WindowDep, issue_id: IssueId) -> list[dict[str, Any]]:
        """The newest events of the range."""
        _, groups = await groups_of(window.project, issue_id)
        return await threads.run(events.newest, engine, window, groups)

    @router.get("/{issue_id}/events/{event_id}", permission=Permission.READ)
    async def read_event(
        scope: ScopeDep, issue_id: IssueId, event_id: Annotated[str, Path(max_length=64)]
    ) -> dict[str, Any]:
        """An event in full, as it was sent; `latest` is the newest."""
        _, groups = await groups_of(scope.project.id, issue_id)

        def read() -> dict[str, Any]:
            found = events.one(engine, scope.project.id, event_id, groups)
            before, after = events.neighbours(
                engine, scope.project.id, groups, found["id"], found["time_ms"]
            )
            return {**found, "before": before, "after": after}

        return await threads.run(read)

    @router.patch("/{issue_id}", permission=Permission.RESPOND)
    async def change_issue(scope: ScopeDep, issue_id: IssueId, body: Change) -> IssueView:
        """Resolve, ignore, reopen, assign."""
        _, groups = await groups_of(scope.project.id, issue_id)
        after = ""
        if body.status is Status.RESOLVED and body.in_next_release:
            after = await threads.run(events.newest_release, engine, scope.project.id, groups)
        row = await control.write(
            lambda conn: issues.change(
                conn, scope.principal, scope.project.id, issue_id, status=body.status, after_release=after,
                ignored_until=body.ignored_until, assignee=body.assignee,
            )
        )  # fmt: skip
        kept.forget(scope.project.id, groups)
        return _view(row, Counts(), [])

    @router.post("/{issue_id}/comments", permission=Permission.RESPOND, status_code=204)
    async def add_comment(scope: ScopeDep, issue_id: IssueId, body: Comment) -> None:
        await control.write(
            lambda conn: issues.comment(
                conn, scope.principal, scope.project.id, issue_id, body.text
            )
        )

    @router.post("/{issue_id}/merge", permission=Permission.RESPOND, status_code=204)
    async def merge_issues(scope: ScopeDep, issue_id: IssueId, body: Merge) -> None:
        """Other issues become part of this one, and so do the events to come."""

        def merge(conn: Connection) -> list[int]:
            issues.merge(conn, scope.principal, scope.project.id, issue_id, body.issues)
            found = issues.one(conn, scope.project.id, issue_id)
            return issues.groups_of(conn, scope.project.id, [found.id]).get(found.id, [])

        kept.forget(scope.project.id, await control.write(merge))

    @router.post("/{issue_id}/split", permission=Permission.RESPOND, status_code=204)
    async def split_issue(scope: ScopeDep, issue_id: IssueId, body: Split) -> None:
        """A group of events leaves the issue and becomes one of its own."""
        group = int(body.group)
        found = await threads.run(firsts, engine, scope.project.id, [group])
        if not found:
            raise NotFound("group_unknown", "The issue has no such group.", "GET the issue lists them.")  # fmt: skip
        await control.write(
            lambda conn: issues.split(conn, scope.principal, scope.project.id, issue_id, found[0])
        )
        kept.forget(scope.project.id, [group])

    return router


def _view(row: Any, found: Counts, course: list[int]) -> IssueView:
    return IssueView(
        id=row.id, number=row.number, title=row.title, culprit=row.culprit, type=row.type, level=row.level,
        category=row.category, severity=row.severity, platform=row.platform, status=Status(row.status),
        after_release=row.after_release, ignored_until=row.ignored_until, assignee=row.assignee,
        regressions=row.regressions, first_seen_ms=row.first_seen, first_release=row.first_release,
        last_seen_ms=found.last_ms, events=found.events, users=found.users, course=course,
    )  # fmt: skip
