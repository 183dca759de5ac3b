"""Browser sessions: a cookie that nobody can guess, kept here as a hash.

A session ends when it is not used for `session_days`, when its owner ends it, and when
its user is disabled, deleted or gets a new password. The CSRF token is derived from the
cookie: a page of ours can ask for it, another site can neither read nor compute it, and
nothing of it is stored.
"""

import hmac
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from quarterdeck.accounts.audit import audit, client_address
from quarterdeck.accounts.tables import sessions, users
from quarterdeck.accounts.users import COLUMNS, User, make_user
from quarterdeck.core.errors import NotFound
from quarterdeck.core.ids import hash_token, new_id, new_token
from quarterdeck.core.permissions import Principal
from quarterdeck.store.control import now_of


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    user_id: str
    created_at: int
    last_seen_at: int
    address: str
    user_agent: str


_COLUMNS = tuple(sessions.c[name] for name in Session.__slots__)


def csrf_token_of(cookie: str) -> str:
    return hash_token(f"csrf {cookie}")


def csrf_matches(cookie: str, given: str) -> bool:
    return hmac.compare_digest(csrf_token_of(cookie).encode(), given.encode())


def open_session(conn: Connection, user: User, user_agent: str, how: str) -> str:
    """A new session; answers with its cookie. `how` stands in the audit trail."""
    now = now_of(conn)
    cookie = new_token("qds")
    conn.execute(
        insert(sessions).values(
            id=new_id("ses"),
            token_hash=hash_token(cookie),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            address=client_address.get()[:64],
            user_agent=user_agent[:400],
        )
    )
    conn.execute(update(users).where(users.c.id == user.id).values(last_seen_at=now))
    audit(conn, user.principal, "login", user.email, None, {"by": how})
    return cookie


def session_user(conn: Connection, cookie: str, idle_ms: int) -> tuple[Session, User] | None:
    """The live session behind a cookie, and whose it is."""
    found = conn.execute(
        select(*_COLUMNS).where(
            sessions.c.token_hash == hash_token(cookie),
            sessions.c.last_seen_at > now_of(conn) - idle_ms,
        )
    ).first()
    if found is None:
        return None
    row = conn.execute(
        select(*COLUMNS).where(users.c.id == found.user_id, users.c.disabled_at.is_(None))
    ).first()
    return (Session(*found), make_user(row)) if row is not None else None


def list_sessions(conn: Connection, user_id: str, idle_ms: int) -> list[Session]:
    chosen = (
        select(*_COLUMNS)
        .where(sessions.c.user_id == user_id, sessions.c.last_seen_at > now_of(conn) - idle_ms)
        .order_by(sessions.c.last_seen_at.desc())
    )
    return [Session(*row) for row in conn.execute(chosen)]


def touch_sessions(conn: Connection, seen: dict[str, tuple[str, int]]) -> None:
    """Note use: session id → (user id, when)."""
    for session_id, (user_id, at) in seen.items():
        conn.execute(update(sessions).where(sessions.c.id == session_id).values(last_seen_at=at))
        conn.execute(update(users).where(users.c.id == user_id).values(last_seen_at=at))


def close_session(conn: Connection, who: Principal, session_id: str) -> None:
    """End one of one's own sessions."""
    gone = conn.execute(
        delete(sessions).where(sessions.c.id == session_id, sessions.c.user_id == who.id)
    ).rowcount
    if gone == 0:
        raise NotFound(
            "session_unknown", "There is no such session.", "GET /api/account/sessions lists them."
        )
    audit(conn, who, "session.end", session_id)


def close_cookie(conn: Connection, who: Principal, cookie: str) -> None:
    """Sign out."""
    gone = conn.execute(
        delete(sessions).where(sessions.c.token_hash == hash_token(cookie))
    ).rowcount
    if gone:
        audit(conn, who, "logout", who.name)


def close_sessions_of(conn: Connection, user_id: str, keep: str | None = None) -> None:
    """End all sessions of a user, but the one to keep."""
    ending = delete(sessions).where(sessions.c.user_id == user_id)
    conn.execute(ending if keep is None else ending.where(sessions.c.id != keep))


def prune_sessions(conn: Connection, idle_ms: int) -> None:
    conn.execute(delete(sessions).where(sessions.c.last_seen_at < now_of(conn) - idle_ms))
