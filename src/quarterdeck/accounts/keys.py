"""API keys.

A secret key (`qd_…`) has a role, is stored as a hash and shown once. A browser key (32
hexadecimal digits, the form that Sentry SDKs take in a DSN) only writes telemetry, is
public, stored plain and shown again; it works from any origin until it is restricted. A
revoked key stays listed and never works again.
"""

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.tables import key_projects, keys
from quarterdeck.core.errors import NotFound, Unprocessable
from quarterdeck.core.ids import hash_token, new_id, new_token
from quarterdeck.core.permissions import Principal, Role
from quarterdeck.store.control import now_of

KeyKind = Literal["browser", "secret"]

_ORIGIN = re.compile(
    r"https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?"
)
_MAX_ORIGINS = 50


@dataclass(frozen=True, slots=True)
class Key:
    id: str
    name: str
    kind: KeyKind
    role: Role
    projects: frozenset[int] | None
    shown: str
    origins: tuple[str, ...]
    created_at: int
    created_by: str
    last_used_at: int | None
    revoked_at: int | None
    key_hash: str

    @property
    def principal(self) -> Principal:
        return Principal("key", self.id, self.name, self.role, self.projects, self.origins)


def key_in(authorization: str) -> str | None:
    """The key of an Authorization header: a bearer, or the password of Basic. None without one."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        given = base64.b64decode(rest.strip(), validate=True).decode()
    except ValueError:
        return ""
    return given.partition(":")[2].strip()


def clean_origins(origins: Iterable[str]) -> tuple[str, ...]:
    """Origins as browsers send them."""
    cleaned = tuple(dict.fromkeys(origin.strip().lower().rstrip("/") for origin in origins))
    if len(cleaned) > _MAX_ORIGINS or not all(_ORIGIN.fullmatch(origin) for origin in cleaned):
        raise Unprocessable(
            "origin_invalid",
            "An origin has a scheme, a host and perhaps a port, and nothing else.",
            f"Write it like https://shop.example.com; at most {_MAX_ORIGINS}.",
        )
    return cleaned


def origin_allowed(principal: Principal, origin: str | None) -> bool:
    """Whether a browser key may be used from there; without Origin it is no browser."""
    return not origin or not principal.origins or origin.lower() in principal.origins


def list_keys(conn: Connection) -> list[Key]:
    """All keys, revoked ones too, the newest first."""
    limited: dict[str, set[int]] = {}
    for row in conn.execute(select(key_projects)):
        limited.setdefault(row.key_id, set()).add(row.project_id)
    return [
        _make(row, limited.get(row.id, set()))
        for row in conn.execute(select(keys).order_by(keys.c.created_at.desc(), keys.c.id.desc()))
    ]


def find_key(conn: Connection, key_id: str) -> Key:
    row = conn.execute(select(keys).where(keys.c.id == key_id)).first()
    if row is None:
        raise NotFound("key_unknown", "There is no such key.", "GET /api/keys lists them.")
    limited = conn.execute(
        select(key_projects.c.project_id).where(key_projects.c.key_id == key_id)
    ).scalars()
    return _make(row, set(limited))


def create_key(
    conn: Connection,
    who: Principal,
    *,
    name: str,
    kind: KeyKind,
    role: Role,
    projects: frozenset[int] | None,
    origins: tuple[str, ...] = (),
) -> tuple[Key, str]:
    """A new key, and its text: for a secret key the only time that it can be had."""
    text = secrets.token_hex(16) if kind == "browser" else new_token("qd")
    made = Key(
        id=new_id("key"),
        name=name,
        kind=kind,
        role=role,
        projects=projects,
        shown=text if kind == "browser" else f"{text[:9]}…",
        origins=origins,
        created_at=now_of(conn),
        created_by=who.name[:200],
        last_used_at=None,
        revoked_at=None,
        key_hash=hash_token(text),
    )
    conn.execute(
        insert(keys).values(
            id=made.id,
            name=made.name,
            kind=made.kind,
            role=made.role,
            key_hash=made.key_hash,
            shown=made.shown,
            all_projects=projects is None,
            origins=list(origins),
            created_at=made.created_at,
            created_by=made.created_by,
        )
    )
    for project_id in sorted(projects or ()):
        conn.execute(insert(key_projects).values(key_id=made.id, project_id=project_id))
    audit(conn, who, "key.create", name, None, described(made), _only_project(made))
    return made, text


def add_browser_key(conn: Connection, who: Principal, project_id: int, slug: str) -> None:
    """The key of a new project's DSN."""
    create_key(
        conn,
        who,
        name=f"{slug} browser",
        kind="browser",
        role=Role.BROWSER,
        projects=frozenset({project_id}),
    )


def revoke_key(conn: Connection, who: Principal, key_id: str) -> Key:
    """From the commit on the key is refused; revoking twice changes nothing."""
    key = find_key(conn, key_id)
    if key.revoked_at is not None:
        return key
    conn.execute(update(keys).where(keys.c.id == key_id).values(revoked_at=now_of(conn)))
    audit(conn, who, "key.revoke", key.name, described(key), None, _only_project(key))
    return find_key(conn, key_id)


def revoke_keys_of_project(conn: Connection, who: Principal, project_id: int) -> None:
    """Revoke the keys that would be left without any project when this one goes."""
    mine = select(key_projects.c.key_id).where(key_projects.c.project_id == project_id)
    others = select(key_projects.c.key_id).where(key_projects.c.project_id != project_id)
    chosen = select(keys.c.id).where(keys.c.id.in_(mine), keys.c.id.not_in(others))
    for key_id in conn.execute(chosen.order_by(keys.c.id)).scalars().all():
        revoke_key(conn, who, key_id)


def note_use(conn: Connection, used: dict[str, int]) -> None:
    """Key id → when it was last used."""
    for key_id, at in used.items():
        conn.execute(update(keys).where(keys.c.id == key_id).values(last_used_at=at))


def described(key: Key) -> dict[str, Any]:
    """A key as the audit trail tells of it."""
    return {
        "id": key.id,
        "name": key.name,
        "kind": key.kind,
        "role": str(key.role),
        "projects": None if key.projects is None else sorted(key.projects),
        "origins": list(key.origins),
        "shown": key.shown,
    }


def _only_project(key: Key) -> int | None:
    return next(iter(key.projects)) if key.projects and len(key.projects) == 1 else None


def _make(row: Any, limited: set[int]) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        kind=row.kind,
        role=Role(row.role),
        projects=None if row.all_projects else frozenset(limited),
        shown=row.shown,
        origins=tuple(row.origins),
        created_at=row.created_at,
        created_by=row.created_by,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
        key_hash=row.key_hash,
    )
