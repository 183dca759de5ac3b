"""Who may do what: permissions, the roles that grant them, and the principal that holds them.

Roles are cumulative for people (viewer < responder < deployer < admin); `ingest`
and `browser` are for keys that only write telemetry.
"""

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """What a route or a resource kind may demand."""

    PUBLIC = "public"  # no credentials at all
    SESSION = "session"  # anyone who has signed in, for their own account
    INGEST = "ingest"  # write telemetry
    READ = "read"  # telemetry, resources, state
    RESPOND = "respond"  # acknowledge, silence, write incidents, edit what is watched
    DEPLOY = "deploy"  # releases, flags, migrations, backups
    ADMIN = "admin"  # users, keys, projects, retention, erasure


class Role(StrEnum):
    BROWSER = "browser"
    INGEST = "ingest"
    VIEWER = "viewer"
    RESPONDER = "responder"
    DEPLOYER = "deployer"
    ADMIN = "admin"


_VIEWER = {Permission.PUBLIC, Permission.SESSION, Permission.READ}
_RESPONDER = _VIEWER | {Permission.RESPOND}
_DEPLOYER = _RESPONDER | {Permission.DEPLOY}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.BROWSER: frozenset({Permission.PUBLIC, Permission.INGEST}),
    Role.INGEST: frozenset({Permission.PUBLIC, Permission.INGEST}),
    Role.VIEWER: frozenset(_VIEWER),
    Role.RESPONDER: frozenset(_RESPONDER),
    Role.DEPLOYER: frozenset(_DEPLOYER),
    Role.ADMIN: frozenset(_DEPLOYER | {Permission.ADMIN, Permission.INGEST}),
}

PEOPLE = (Role.VIEWER, Role.RESPONDER, Role.DEPLOYER, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking. `projects` is None when every project is open to them."""

    kind: str  # "anonymous", "user", "key"
    id: str
    name: str
    role: Role | None
    projects: frozenset[int] | None = frozenset()
    origins: tuple[str, ...] = ()  # browser keys: the origins allowed, empty for any

    def may(self, permission: Permission) -> bool:
        if permission is Permission.PUBLIC:
            return True
        if permission is Permission.SESSION:
            return self.kind == "user"
        return self.role is not None and permission in GRANTS[self.role]

    @property
    def everywhere(self) -> bool:
        """Whether what belongs to no project, such as figures of the whole server, is theirs."""
        return self.projects is None

    def sees(self, project_id: int) -> bool:
        return self.projects is None or project_id in self.projects


ANONYMOUS = Principal("anonymous", "", "anonymous", None)


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """A project as the layers above accounts know it."""

    id: int
    slug: str
    name: str
