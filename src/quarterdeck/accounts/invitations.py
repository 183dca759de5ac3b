"""Invitations: an admin names an email address and a role, the person chooses the rest."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.tables import invitations
from quarterdeck.accounts.users import User, add_user, described, user_by_email, user_exists
from quarterdeck.core.errors import NotFound
from quarterdeck.core.ids import hash_token, new_id, new_token
from quarterdeck.core.permissions import Principal, Role
from quarterdeck.store.control import now_of

LIFETIME_MS = 7 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Invitation:
    id: str
    email: str
    role: Role
    invited_by: str
    created_at: int
    expires_at: int


_COLUMNS = tuple(invitations.c[name] for name in Invitation.__slots__)


def list_invitations(conn: Connection) -> list[Invitation]:
    """Open ones, and expired ones until they are withdrawn or sent anew."""
    return [
        _make(row)
        for row in conn.execute(select(*_COLUMNS).order_by(invitations.c.created_at.desc()))
    ]


def invite(conn: Connection, who: Principal, email: str, role: Role) -> tuple[Invitation, str]:
    """A new invitation and its token; an older one to the same address stops working."""
    if user_by_email(conn, email) is not None:
        raise user_exists(email)
    conn.execute(delete(invitations).where(invitations.c.email == email))
    now = now_of(conn)
    made = Invitation(new_id("inv"), email, role, who.name[:200], now, now + LIFETIME_MS)
    token = new_token("qdinvite")
    conn.execute(
        insert(invitations).values(
            **{name: getattr(made, name) for name in Invitation.__slots__},
            token_hash=hash_token(token),
        )
    )
    audit(conn, who, "invitation.create", email, None, {"email": email, "role": str(role)})
    return made, token


def withdraw(conn: Connection, who: Principal, invitation_id: str) -> None:
    row = conn.execute(select(*_COLUMNS).where(invitations.c.id == invitation_id)).first()
    if row is None:
        raise NotFound(
            "invitation_unknown", "There is no such invitation.", "GET /api/invitations lists them."
        )
    conn.execute(delete(invitations).where(invitations.c.id == invitation_id))
    audit(conn, who, "invitation.delete", row.email, {"email": row.email, "role": row.role})


def find_invitation(conn: Connection, token: str) -> Invitation:
    row = conn.execute(
        select(*_COLUMNS).where(
            invitations.c.token_hash == hash_token(token), invitations.c.expires_at > now_of(conn)
        )
    ).first()
    if row is None:
        raise NotFound(
            "invitation_invalid",
            "This invitation has been used, withdrawn or has expired.",
            "Ask an admin for a new one.",
        )
    return _make(row)


def accept(conn: Connection, token: str, name: str, password_hash: str) -> User:
    """Turn the invitation into a user; it does not work again."""
    invitation = find_invitation(conn, token)
    conn.execute(delete(invitations).where(invitations.c.id == invitation.id))
    user = add_user(
        conn,
        email=invitation.email,
        name=name,
        role=invitation.role,
        password_hash=password_hash,
    )
    audit(conn, user.principal, "invitation.accept", user.email, None, described(user))
    return user


def prune_invitations(conn: Connection) -> None:
    """Forget what expired a month ago."""
    conn.execute(
        delete(invitations).where(invitations.c.expires_at < now_of(conn) - 4 * LIFETIME_MS)
    )


def _make(row: Any) -> Invitation:
    values = {name: getattr(row, name) for name in Invitation.__slots__}
    return Invitation(**{**values, "role": Role(values["role"])})
