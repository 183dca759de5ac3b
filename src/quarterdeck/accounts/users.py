"""Users: people with an email address, a password and a role.

Guarantee: there is always an admin who can sign in, once there has been one.
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.tables import sessions, users
from quarterdeck.core.errors import Conflict, NotFound, Unprocessable
from quarterdeck.core.ids import new_id
from quarterdeck.core.permissions import PEOPLE, Principal, Role
from quarterdeck.store.control import now_of

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f<>\"(),;:\\]{1,64}@[^@\s\x00-\x1f\x7f<>\"(),;:\\]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str
    name: str
    role: Role
    created_at: int
    last_seen_at: int | None
    disabled_at: int | None

    @property
    def principal(self) -> Principal:
        return Principal("user", self.id, self.name, self.role, None)


COLUMNS = tuple(users.c[name] for name in User.__slots__)


def clean_email(text: str) -> str:
    """The address in the form in which it is stored and compared."""
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise Unprocessable(
            "email_invalid", "This is not an email address.", "Write it like mia@example.com."
        )
    return email


def clean_name(text: str, what: str = "name") -> str:
    """One line of visible text; direction overrides could disguise it."""
    name = _CONTROL.sub("", text).strip()
    if not name or len(name) > 200:
        raise Unprocessable(
            "name_invalid", f"The {what} must have 1 to 200 characters.", "Choose another one."
        )
    return name


def person_role(text: str) -> Role:
    for role in PEOPLE:
        if role == text:
            return role
    raise Unprocessable(
        "role_unknown",
        f"There is no role {text[:40]!r} for people.",
        f"Choose one of {', '.join(PEOPLE)}.",
    )


def make_user(row: Any) -> User:
    values = {name: getattr(row, name) for name in User.__slots__}
    return User(**{**values, "role": Role(values["role"])})


def any_user(conn: Connection) -> bool:
    return conn.execute(select(users.c.id).limit(1)).first() is not None


def list_users(conn: Connection) -> list[User]:
    return [make_user(row) for row in conn.execute(select(*COLUMNS).order_by(users.c.created_at))]


def find_user(conn: Connection, user_id: str) -> User:
    row = conn.execute(select(*COLUMNS).where(users.c.id == user_id)).first()
    if row is None:
        raise NotFound("user_unknown", "There is no such user.", "GET /api/users lists them.")
    return make_user(row)


def user_by_email(conn: Connection, email: str) -> User | None:
    row = conn.execute(select(*COLUMNS).where(users.c.email == email)).first()
    return make_user(row) if row is not None else None


def password_hash_of(conn: Connection, user_id: str) -> str:
    return str(conn.execute(select(users.c.password_hash).where(users.c.id == user_id)).scalar())


def first_admin(conn: Connection) -> User | None:
    row = conn.execute(
        select(*COLUMNS)
        .where(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None))
        .order_by(users.c.created_at)
        .limit(1)
    ).first()
    return make_user(row) if row is not None else None


def add_user(conn: Connection, *, email: str, name: str, role: Role, password_hash: str) -> User:
    """A new user; the caller writes the audit entry, since it knows how they came."""
    if user_by_email(conn, email) is not None:
        raise user_exists(email)
    user = User(new_id("usr"), email, name, role, now_of(conn), None, None)
    conn.execute(
        insert(users).values(
            id=user.id,
            email=email,
            name=name,
            role=role,
            password_hash=password_hash,
            created_at=user.created_at,
        )
    )
    return user


def create_first_admin(conn: Connection, *, email: str, name: str, password_hash: str) -> User:
    """Only while there is no user: writes are serializable, so two cannot both win."""
    if any_user(conn):
        raise set_up_already()
    user = add_user(conn, email=email, name=name, role=Role.ADMIN, password_hash=password_hash)
    audit(conn, user.principal, "setup", user.email, None, described(user))
    return user


def change_user(
    conn: Connection,
    who: Principal,
    user_id: str,
    *,
    name: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> User:
    """Change what is given; a disabled user's sessions end at once."""
    before = find_user(conn, user_id)
    disabled_at = before.disabled_at
    if disabled is not None:
        disabled_at = (before.disabled_at or now_of(conn)) if disabled else None
    after = User(
        before.id,
        before.email,
        name if name is not None else before.name,
        role if role is not None else before.role,
        before.created_at,
        before.last_seen_at,
        disabled_at,
    )
    if after == before:
        return before
    if after.role is not Role.ADMIN or after.disabled_at is not None:
        _keep_an_admin(conn, before)
    conn.execute(
        update(users)
        .where(users.c.id == user_id)
        .values(name=after.name, role=after.role, disabled_at=after.disabled_at)
    )
    if after.disabled_at is not None:
        conn.execute(delete(sessions).where(sessions.c.user_id == user_id))
    audit(conn, who, "user.update", after.email, described(before), described(after))
    return after


def set_password(conn: Connection, who: Principal, user: User, password_hash: str) -> None:
    conn.execute(update(users).where(users.c.id == user.id).values(password_hash=password_hash))
    audit(conn, who, "user.password", user.email)


def delete_user(conn: Connection, who: Principal, user_id: str) -> None:
    user = find_user(conn, user_id)
    _keep_an_admin(conn, user)
    conn.execute(delete(users).where(users.c.id == user_id))
    audit(conn, who, "user.delete", user.email, described(user), None)


def described(user: User) -> dict[str, Any]:
    """A user as the audit trail tells of them."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": str(user.role),
        "disabled": user.disabled_at is not None,
    }


def set_up_already() -> Conflict:
    return Conflict(
        "setup_done",
        "Quarterdeck is set up already.",
        "Sign in, or ask an admin for an invitation.",
    )


def user_exists(email: str) -> Conflict:
    return Conflict(
        "user_exists",
        f"{email} has an account already.",
        "They can sign in, or reset the password.",
    )


def _keep_an_admin(conn: Connection, losing: User) -> None:
    if losing.role is not Role.ADMIN or losing.disabled_at is not None:
        return
    others = conn.execute(
        select(func.count())
        .select_from(users)
        .where(users.c.role == Role.ADMIN, users.c.disabled_at.is_(None), users.c.id != losing.id)
    ).scalar_one()
    if others == 0:
        raise Conflict(
            "last_admin",
            f"{losing.email} is the last admin.",
            "Make somebody else an admin first.",
        )
