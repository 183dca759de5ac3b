"""What every request asks of accounts, in memory: projects, environments, live keys.

A directory is a value: it is loaded whole and replaced whole, so that no request ever
sees half a change.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from quarterdeck.accounts.keys import list_keys
from quarterdeck.accounts.projects import Project, all_environments, list_projects
from quarterdeck.core.ids import hash_token
from quarterdeck.core.permissions import Principal, ProjectRef, Role

ADMIN_KEY = Principal("key", "admin_key", "admin key", Role.ADMIN, None)
"""Who comes with the key of the setting `admin_key`."""


@dataclass(frozen=True, slots=True)
class Directory:
    projects: tuple[Project, ...]
    by_id: Mapping[int, ProjectRef]
    by_slug: Mapping[str, ProjectRef]
    environments: Mapping[int, tuple[str, ...]]
    keys: Mapping[str, Principal]
    dsn_keys: Mapping[int, str]

    def visible(self, principal: Principal) -> list[Project]:
        return [project for project in self.projects if principal.sees(project.id)]

    def slugs(self, ids: frozenset[int] | None) -> list[str] | None:
        """The slugs of these projects; None, for all of them, stays None."""
        if ids is None:
            return None
        return [self.by_id[number].slug for number in sorted(ids) if number in self.by_id]


EMPTY = Directory((), {}, {}, {}, {}, {})


def load_directory(conn: Connection, admin_key: str) -> Directory:
    projects = tuple(list_projects(conn))
    live = [key for key in list_keys(conn) if key.revoked_at is None]
    refs = {project.id: ProjectRef(project.id, project.slug, project.name) for project in projects}
    by_hash = {key.key_hash: key.principal for key in live}
    if admin_key:
        by_hash[hash_token(admin_key)] = ADMIN_KEY
    dsn_keys: dict[int, str] = {}
    for key in live:  # newest first, so the oldest one stays
        if key.kind == "browser":
            dsn_keys.update(dict.fromkeys(key.projects or (), key.shown))
    return Directory(
        projects=projects,
        by_id=refs,
        by_slug={ref.slug: ref for ref in refs.values()},
        environments={number: tuple(names) for number, names in all_environments(conn).items()},
        keys=by_hash,
        dsn_keys=dsn_keys,
    )
