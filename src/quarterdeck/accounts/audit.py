"""The audit trail: who changed what, when, from where; written with the change itself.

`audit` is called inside the transaction of the change, so there is an entry exactly when
there is a change. What happens outside the control store (a backup is handed out, a person
is erased, a switch of the demo is turned) has its entry before it begins: there may be one
for what then failed, but nothing happens without one. Passwords, tokens, keys and
credentials in addresses are taken out before anything is stored; references to secrets
(`${secret:NAME}`) stay, for they are names. Entries are never changed.
"""

import json
import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from quarterdeck.accounts.tables import audit_trail
from quarterdeck.core.ids import new_id
from quarterdeck.core.log import redact
from quarterdeck.core.permissions import Principal, Role
from quarterdeck.store.control import now_of

client_address: ContextVar[str] = ContextVar("client_address", default="")
"""Where the request being answered came from; set by the gate."""

SYSTEM = Principal("system", "", "system", Role.ADMIN, None)
"""The actor of what the program does by itself."""

_REMOVED = "[removed]"
_MAX_BYTES = 64 * 1024
_LONG = re.compile(r"[\w-]{256,}")
_REFERENCE = re.compile(r"(\$\{secret:[^}]*\})")
_SENSITIVE = re.compile(
    r"(?i)(passw|secret|token|credential|authorization|cookie|private|api_?key|key_hash)"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the audit trail."""

    id: str
    at: int
    actor_kind: str
    actor_id: str
    actor: str
    action: str
    target: str
    project_id: int | None
    before: Any
    after: Any
    address: str


def audit(
    conn: Connection,
    principal: Principal,
    action: str,
    target: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    project_id: int | None = None,
) -> None:
    """Add an entry to the caller's transaction."""
    conn.execute(
        insert(audit_trail).values(
            id=new_id("aud"),
            at=now_of(conn),
            actor_kind=principal.kind,
            actor_id=principal.id,
            actor=principal.name[:320],
            action=action[:64],
            target=_plain(target)[:400],
            project_id=project_id,
            before=_storable(before),
            after=_storable(after),
            address=client_address.get()[:64],
        )
    )


def without_secrets(value: Any, *, sensitive: bool = False) -> Any:
    """The value with everything that grants access replaced."""
    if isinstance(value, Mapping):
        return {
            str(name): without_secrets(
                inner, sensitive=sensitive or bool(_SENSITIVE.search(str(name)))
            )
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(inner, sensitive=sensitive) for inner in value]
    if isinstance(value, str):
        parts = _REFERENCE.split(value)
        if sensitive:
            return value if len(parts) == 3 and not parts[0] and not parts[2] else _REMOVED
        return "".join(part if index % 2 else _plain(part) for index, part in enumerate(parts))
    return _REMOVED if sensitive and not isinstance(value, bool | None) else value


def list_entries(
    conn: Connection,
    *,
    limit: int,
    before: str | None = None,
    project_id: int | None = None,
    within: frozenset[int] | None = None,
) -> list[Entry]:
    """The newest entries, or those older than the entry `before`.

    `within` keeps to these projects, for keys that may not see the others.
    """
    chosen = select(*(audit_trail.c[name] for name in Entry.__slots__)).order_by(
        audit_trail.c.id.desc()
    )
    if before is not None:
        chosen = chosen.where(audit_trail.c.id < before)
    if project_id is not None:
        chosen = chosen.where(audit_trail.c.project_id == project_id)
    if within is not None:
        chosen = chosen.where(audit_trail.c.project_id.in_(sorted(within)))
    return [Entry(*row) for row in conn.execute(chosen.limit(limit))]


def _plain(text: str) -> str:
    """Without secrets, and without unbroken runs: nobody reads them, and they may be keys."""
    return redact(_LONG.sub(lambda run: f"[{len(run[0])} characters]", text))


def _storable(value: Mapping[str, Any] | None) -> Any:
    if value is None:
        return None
    clean = without_secrets(value)
    size = len(json.dumps(clean, default=str))
    return clean if size <= _MAX_BYTES else {"too_large": size}
