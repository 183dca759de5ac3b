"""One-time links to an account: to sign in, or to set a new password.

A link is spent by deleting it in the transaction that acts on it, so it works once even
when it is opened twice at the same time.
"""

from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.tables import links
from quarterdeck.accounts.users import User, find_user
from quarterdeck.core.errors import NotFound
from quarterdeck.core.ids import hash_token, new_token
from quarterdeck.core.permissions import Principal
from quarterdeck.store.control import now_of

Kind = Literal["login", "reset"]

LIFETIME_MS: dict[Kind, int] = {"login": 12 * 3_600_000, "reset": 24 * 3_600_000}


def create_link(conn: Connection, who: Principal, kind: Kind, user: User) -> str:
    """The token of a new link; an older reset link of the user stops working."""
    if kind == "reset":
        conn.execute(delete(links).where(links.c.user_id == user.id, links.c.kind == kind))
    token = new_token(f"qd{kind}")
    now = now_of(conn)
    conn.execute(
        insert(links).values(
            token_hash=hash_token(token),
            kind=kind,
            user_id=user.id,
            created_at=now,
            expires_at=now + LIFETIME_MS[kind],
        )
    )
    audit(conn, who, f"link.{kind}", user.email)
    return token


def linked_user(conn: Connection, kind: Kind, token: str) -> User:
    """Whose link it is, without spending it."""
    user_id = conn.execute(
        select(links.c.user_id).where(
            links.c.token_hash == hash_token(token),
            links.c.kind == kind,
            links.c.expires_at > now_of(conn),
        )
    ).scalar()
    if user_id is None:
        raise _spent()
    user = find_user(conn, user_id)
    if user.disabled_at is not None:
        raise _spent()
    return user


def spend_link(conn: Connection, kind: Kind, token: str) -> User:
    """Whose link it is; it does not work again."""
    user = linked_user(conn, kind, token)
    gone = conn.execute(delete(links).where(links.c.token_hash == hash_token(token))).rowcount
    if gone != 1:
        raise _spent()
    return user


def prune_links(conn: Connection) -> None:
    conn.execute(delete(links).where(links.c.expires_at < now_of(conn)))


def _spent() -> NotFound:
    return NotFound(
        "link_invalid",
        "This link has been used, has expired or never was.",
        "Ask for a new one.",
    )
