"""Projects and their environments.

Project 1 is `default`: it and its browser key exist from the first start, and it cannot
be deleted or given another slug, since requests that name no project mean it. Ids are
small integers, stand in every row of telemetry, and are never used twice.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.accounts.audit import SYSTEM, audit
from quarterdeck.accounts.keys import add_browser_key, revoke_keys_of_project
from quarterdeck.accounts.tables import environments, projects
from quarterdeck.core.errors import Conflict, NotFound, Unprocessable
from quarterdeck.core.permissions import Principal
from quarterdeck.store.control import emit, now_of

Empty = Callable[[Connection, Principal, int], None]
"""Deletes what a floor above keeps of a project: (transaction, who, project id)."""

DEFAULT_ID = 1
DEFAULT_SLUG = "default"
MAX_ENVIRONMENTS = 100
_SLUG = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_ENVIRONMENT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]{1,64}")


@dataclass(frozen=True, slots=True)
class Project:
    id: int
    slug: str
    name: str
    created_at: int


_COLUMNS = tuple(projects.c[name] for name in Project.__slots__)


def check_slug(slug: str) -> str:
    if not _SLUG.fullmatch(slug):
        raise Unprocessable(
            "slug_invalid",
            "A slug has 1 to 63 lower-case letters, digits and hyphens, begins with a letter "
            "and does not end with a hyphen.",
            "Such as `shop` or `web-frontend`.",
        )
    return slug


def ensure_default(conn: Connection) -> None:
    """At every start; does something at the first one only."""
    if conn.execute(select(projects.c.id).limit(1)).first() is not None:
        return
    made = Project(DEFAULT_ID, DEFAULT_SLUG, "Default", now_of(conn))
    conn.execute(insert(projects).values(**described(made), created_at=made.created_at))
    audit(conn, SYSTEM, "project.create", made.slug, None, described(made), made.id)
    add_browser_key(conn, SYSTEM, made.id, made.slug)


def list_projects(conn: Connection) -> list[Project]:
    return [Project(*row) for row in conn.execute(select(*_COLUMNS).order_by(projects.c.id))]


def find_project(conn: Connection, slug: str) -> Project:
    row = conn.execute(select(*_COLUMNS).where(projects.c.slug == slug)).first()
    if row is None:
        raise project_unknown(slug)
    return Project(*row)


def create_project(conn: Connection, who: Principal, slug: str, name: str) -> Project:
    """A project with a browser key, so that its DSN exists."""
    _refuse_taken(conn, slug)
    now = now_of(conn)
    project_id = conn.execute(
        insert(projects).values(slug=slug, name=name, created_at=now).returning(projects.c.id)
    ).scalar_one()
    made = Project(project_id, slug, name, now)
    audit(conn, who, "project.create", slug, None, described(made), made.id)
    add_browser_key(conn, who, made.id, slug)
    return made


def change_project(
    conn: Connection, who: Principal, slug: str, *, new_slug: str | None, name: str | None
) -> Project:
    before = find_project(conn, slug)
    after = Project(before.id, new_slug or before.slug, name or before.name, before.created_at)
    if after == before:
        return before
    if after.slug != before.slug:
        if before.id == DEFAULT_ID:
            raise _default_stays("given another slug")
        _refuse_taken(conn, after.slug)
    conn.execute(
        update(projects).where(projects.c.id == before.id).values(slug=after.slug, name=after.name)
    )
    audit(conn, who, "project.update", after.slug, described(before), described(after), before.id)
    return after


def delete_project(
    conn: Connection, who: Principal, slug: str, confirm: str, empty: Sequence[Empty] = ()
) -> Project:
    """Delete it with all it owns; telemetry follows by the event `project.deleted`.

    `empty` are the floors above: each deletes what it keeps of the project, on the record.
    """
    gone = find_project(conn, slug)
    if confirm != slug:
        raise Unprocessable(
            "confirmation_missing",
            "Deleting a project erases all its data.",
            f'Send {{"confirm": "{slug}"}} if that is meant.',
        )
    if gone.id == DEFAULT_ID:
        raise _default_stays("deleted")
    revoke_keys_of_project(conn, who, gone.id)
    for part in empty:
        part(conn, who, gone.id)
    try:
        conn.execute(delete(projects).where(projects.c.id == gone.id))
    except IntegrityError as error:
        raise Conflict(
            "project_in_use",
            f"Something outside the project {slug} refers to what it holds.",
            "Remove those references first.",
        ) from error
    audit(conn, who, "project.delete", slug, described(gone), None, gone.id)
    emit(conn, "project.deleted", str(gone.id), {"project_id": gone.id, "slug": slug})
    return gone


def all_environments(conn: Connection) -> dict[int, list[str]]:
    """Project id → the names of its environments, in order."""
    found: dict[int, list[str]] = {}
    for row in conn.execute(select(environments).order_by(environments.c.name)):
        found.setdefault(row.project_id, []).append(row.name)
    return found


def acceptable_environment(name: str) -> bool:
    return _ENVIRONMENT.fullmatch(name) is not None


def add_environments(conn: Connection, seen: set[tuple[int, str]]) -> None:
    """Note environments that telemetry spoke of; of a project that is gone, none."""
    now = now_of(conn)
    for project_id, name in sorted(seen):
        if not conn.execute(select(projects.c.id).where(projects.c.id == project_id)).first():
            continue
        mine = environments.c.project_id == project_id
        if conn.execute(
            select(environments.c.name).where(mine, environments.c.name == name)
        ).first():
            continue
        count = conn.execute(
            select(func.count()).select_from(environments).where(mine)
        ).scalar_one()
        if count < MAX_ENVIRONMENTS:
            conn.execute(
                insert(environments).values(project_id=project_id, name=name, first_seen_at=now)
            )
            audit(conn, SYSTEM, "environment.create", name, None, {"name": name}, project_id)


def described(project: Project) -> dict[str, Any]:
    return {"id": project.id, "slug": project.slug, "name": project.name}


def project_unknown(slug: str) -> NotFound:
    return NotFound(
        "project_unknown",
        f"There is no project {slug[:64]!r}, or it is not yours to see.",
        "GET /api/projects lists yours.",
    )


def _refuse_taken(conn: Connection, slug: str) -> None:
    if conn.execute(select(projects.c.id).where(projects.c.slug == slug)).first() is not None:
        raise Conflict(
            "project_exists", f"There is a project {slug} already.", "Take another slug."
        )


def _default_stays(done: str) -> Conflict:
    return Conflict(
        "project_default",
        f"The project {DEFAULT_SLUG} cannot be {done}.",
        "Requests that name no project mean it; its name can be changed.",
    )
