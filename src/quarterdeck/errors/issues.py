"""Issues: what people work on. An issue is one or more groups of events, and what became of it.

A group is known by a hash that an event carries (`grouping.py`), so events never wait for an issue.
An issue is made when the first event of a group is durable; one that was resolved and is heard of again
is a regression and is open again. Everything a person does to an issue stands in its history.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from quarterdeck.accounts.audit import audit
from quarterdeck.core.errors import NotFound
from quarterdeck.core.ids import new_id
from quarterdeck.core.permissions import Principal
from quarterdeck.store.control import metadata, now_of

MOST_LISTED = 5_000

issues = Table(
    "issues",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("project_id", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("title", String(500), nullable=False),
    Column("culprit", String(500), nullable=False),
    Column("type", String(200), nullable=False),
    Column("level", String(16), nullable=False),
    Column("category", String(32), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("platform", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_at", BigInteger, nullable=False),
    Column("after_release", String(200), nullable=False),  # only a release after it reopens it
    Column("ignored_until", BigInteger),  # None: for good
    Column("assignee", String(320), nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("first_release", String(200), nullable=False),
    Column("regressions", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Index("ix_issues_number", "project_id", "number", unique=True),
    Index("ix_issues_status", "project_id", "status"),
)

issue_groups = Table(
    "issue_groups",
    metadata,
    Column("project_id", Integer, primary_key=True, autoincrement=False),
    Column("group_id", BigInteger, primary_key=True, autoincrement=False),  # as a signed number
    Column("issue_id", String(64), nullable=False),
    Index("ix_issue_groups_issue", "issue_id"),
)

issue_history = Table(
    "issue_history",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("project_id", Integer, nullable=False),
    Column("issue_id", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("author", String(320), nullable=False),  # empty: nobody did it, it happened
    Column("what", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_issue_history_issue", "issue_id", "at"),
)


class Status(StrEnum):
    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class First:
    """A group as its first event shows it."""

    group: int  # unsigned
    title: str
    culprit: str
    type: str
    level: str
    category: str
    severity: str
    platform: str
    release: str
    seen_ms: int


@dataclass(frozen=True, slots=True)
class Known:
    """What the ingest must know of a group's issue."""

    issue_id: str
    status: Status
    status_at: int
    after_release: str
    ignored_until: int | None

    def reopened_by(self, seen_ms: int, release: str) -> bool:
        """Whether an event makes it open again."""
        if self.status is Status.RESOLVED:
            if self.after_release:
                return bool(release) and release != self.after_release
            return seen_ms > self.status_at
        if self.status is Status.IGNORED:
            return self.ignored_until is not None and seen_ms >= self.ignored_until
        return False


def signed(group: int) -> int:
    return group - 2**64 if group >= 2**63 else group


def unsigned(group: int) -> int:
    return group % 2**64


def known(conn: Connection, project: int, groups: Iterable[int]) -> dict[int, Known]:
    """The issues of those groups that have one, by group."""
    c, found = issues.c, {}
    chosen = select(
        issue_groups.c.group_id, c.id, c.status, c.status_at, c.after_release, c.ignored_until
    ).join_from(issue_groups, issues, issue_groups.c.issue_id == c.id)
    wanted = [signed(group) for group in groups]
    for at in range(0, len(wanted), 500):
        of = (issue_groups.c.project_id == project) & issue_groups.c.group_id.in_(wanted[at : at + 500])  # fmt: skip
        for group, issue_id, status, status_at, after, until in conn.execute(chosen.where(of)):
            found[unsigned(group)] = Known(issue_id, Status(status), status_at, after, until)
    return found


def make(conn: Connection, project: int, firsts: Sequence[First]) -> dict[int, Known]:
    """Issues for groups that have none yet; those that have one keep it."""
    found = known(conn, project, [first.group for first in firsts])
    now = now_of(conn)
    last = select(func.coalesce(func.max(issues.c.number), 0)).where(issues.c.project_id == project)
    number = int(conn.execute(last).scalar_one())
    for first in firsts:
        if first.group in found:
            continue
        number += 1
        issue_id = new_id("iss")
        conn.execute(
            insert(issues).values(
                id=issue_id, project_id=project, number=number, title=first.title[:500], culprit=first.culprit[:500],
                type=first.type[:200], level=first.level, category=first.category, severity=first.severity,
                platform=first.platform[:64], status=Status.UNRESOLVED, status_at=now, after_release="",
                ignored_until=None, assignee="", first_seen=first.seen_ms, first_release=first.release[:200],
                regressions=0, created_at=now,
            )
        )  # fmt: skip
        row = {"project_id": project, "group_id": signed(first.group), "issue_id": issue_id}
        conn.execute(insert(issue_groups).values(**row))
        found[first.group] = Known(issue_id, Status.UNRESOLVED, now, "", None)
    return found


def reopen(conn: Connection, project: int, issue_ids: Iterable[str], releases: Mapping[str, str]) -> None:  # fmt: skip
    """Issues that were resolved or ignored and were heard of again."""
    now = now_of(conn)
    for issue_id in issue_ids:
        of = (issues.c.id == issue_id) & (issues.c.status != Status.UNRESOLVED)
        status = conn.execute(select(issues.c.status).where(of)).scalar()
        if status is None:
            continue
        again = int(status == Status.RESOLVED)
        change = {"status": Status.UNRESOLVED, "status_at": now, "after_release": "", "ignored_until": None}  # fmt: skip
        conn.execute(
            update(issues).where(of).values(**change, regressions=issues.c.regressions + again)
        )
        what = "regressed" if again else "woken"
        _note(conn, project, issue_id, "", what, releases.get(issue_id, ""))


def change(
    conn: Connection,
    who: Principal,
    project: int,
    issue_id: str,
    *,
    status: Status | None = None,
    after_release: str = "",
    ignored_until: int | None = None,
    assignee: str | None = None,
) -> Any:
    """Set the status or who works on it; the row as it is now."""
    before = one(conn, project, issue_id)
    values: dict[str, Any] = {}
    if status is not None:
        values |= {"status": status, "status_at": now_of(conn), "after_release": "", "ignored_until": None}  # fmt: skip
        if status is Status.RESOLVED:
            values["after_release"] = after_release
        if status is Status.IGNORED:
            values["ignored_until"] = ignored_until
        _note(conn, project, before.id, who.name, status, after_release)
    if assignee is not None:
        values["assignee"] = assignee
        _note(conn, project, before.id, who.name, "assigned", assignee)
    if values:
        conn.execute(update(issues).where(issues.c.id == before.id).values(**values))
        shown: dict[str, Any] = {n: values[n] for n in ("status", "assignee") if n in values}
        audit(conn, who, "issue.change", before.id, after=shown, project_id=project)
    return one(conn, project, before.id)


def comment(conn: Connection, who: Principal, project: int, issue_id: str, text: str) -> None:
    found = one(conn, project, issue_id)
    _note(conn, project, found.id, who.name, "comment", text)
    audit(conn, who, "issue.comment", found.id, project_id=project)


def merge(conn: Connection, who: Principal, project: int, into: str, others: Sequence[str]) -> None:
    """The groups of others go to one issue, and the others go away with their history kept in it."""
    kept = one(conn, project, into)
    for other in others:
        gone = one(conn, project, other)
        if gone.id == kept.id:
            continue
        moved = {"issue_id": kept.id}
        conn.execute(update(issue_groups).where(issue_groups.c.issue_id == gone.id).values(**moved))
        conn.execute(update(issue_history).where(issue_history.c.issue_id == gone.id).values(**moved))  # fmt: skip
        conn.execute(delete(issues).where(issues.c.id == gone.id))
        first = min(kept.first_seen, gone.first_seen)
        conn.execute(update(issues).where(issues.c.id == kept.id).values(first_seen=first))
        _note(conn, project, kept.id, who.name, "merged", f"#{gone.number} {gone.title}"[:500])
        audit(conn, who, "issue.merge", kept.id, after={"from": gone.id}, project_id=project)


def split(conn: Connection, who: Principal, project: int, issue_id: str, first: First) -> dict[int, Known]:  # fmt: skip
    """A group of an issue becomes an issue of its own."""
    found = one(conn, project, issue_id)
    of = (issue_groups.c.issue_id == found.id) & (issue_groups.c.group_id == signed(first.group))
    if conn.execute(delete(issue_groups).where(of)).rowcount == 0:
        raise NotFound("group_unknown", "The issue has no such group.", "GET the issue lists them.")
    made = make(conn, project, [first])
    _note(conn, project, found.id, who.name, "split", first.title)
    audit(conn, who, "issue.split", found.id, after={"group": f"{first.group:016x}"}, project_id=project)  # fmt: skip
    return made


def one(conn: Connection, project: int, issue_id: str) -> Any:
    """An issue by its id, or by its number in the project."""
    of = issues.c.id == issue_id
    if issue_id.isdigit():
        of = issues.c.number == int(issue_id[:9])
    found = conn.execute(select(issues).where((issues.c.project_id == project) & of)).first()
    if found is None:
        raise NotFound("issue_unknown", "There is no such issue.", "GET /api/issues lists them.")
    return found


def listed(conn: Connection, project: int, status: Status | None, words: str) -> list[Any]:
    """Issues, the newest first."""
    chosen = select(issues).where(issues.c.project_id == project)
    if status is not None:
        chosen = chosen.where(issues.c.status == status)
    for word in words.split()[:10]:
        like = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        columns = (issues.c.title, issues.c.culprit, issues.c.category, issues.c.assignee)
        chosen = chosen.where(or_(*(column.ilike(like, escape="\\") for column in columns)))
    return list(conn.execute(chosen.order_by(issues.c.number.desc()).limit(MOST_LISTED)))


def groups_of(conn: Connection, project: int, issue_ids: Sequence[str]) -> dict[str, list[int]]:
    """The groups of issues, by issue."""
    found: dict[str, list[int]] = {}
    for at in range(0, len(issue_ids), 500):
        of = issue_groups.c.issue_id.in_(issue_ids[at : at + 500])
        chosen = select(issue_groups.c.issue_id, issue_groups.c.group_id)
        for issue_id, group in conn.execute(chosen.where((issue_groups.c.project_id == project) & of)):  # fmt: skip
            found.setdefault(issue_id, []).append(unsigned(group))
    return found


def history(conn: Connection, issue_id: str) -> list[Any]:
    of = issue_history.c.issue_id == issue_id
    chosen = select(issue_history).where(of).order_by(issue_history.c.at.desc())
    return list(conn.execute(chosen.limit(500)))


def empty_project(conn: Connection, who: object, project: int) -> None:
    """What goes with a project that goes."""
    for table in (issue_history, issue_groups, issues):
        conn.execute(delete(table).where(table.c.project_id == project))


def _note(conn: Connection, project: int, issue_id: str, author: str, what: str, text: str) -> None:
    conn.execute(
        insert(issue_history).values(
            id=new_id("ish"), project_id=project, issue_id=issue_id, at=now_of(conn), author=author[:320],
            what=what, text=text[:10_000],
        )
    )  # fmt: skip
