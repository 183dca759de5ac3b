"""Signing in and proving who one is: throttled, as slow for unknown users as for known ones."""

from sqlalchemy import Connection

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.invitations import accept, find_invitation
from quarterdeck.accounts.links import linked_user, spend_link
from quarterdeck.accounts.passwords import check_password
from quarterdeck.accounts.sessions import close_sessions_of, open_session
from quarterdeck.accounts.setup import check_setup_token, forget_setup_token
from quarterdeck.accounts.throttle import attempt_succeeded, take_attempt
from quarterdeck.accounts.users import (
    User,
    any_user,
    clean_email,
    clean_name,
    create_first_admin,
    password_hash_of,
    set_password,
    set_up_already,
    user_by_email,
)
from quarterdeck.core.errors import Forbidden, Unauthenticated
from quarterdeck.core.permissions import ANONYMOUS

Signed = tuple[User, str]
"""Who has signed in, and the cookie of their new session."""


async def admit_setup(accounts: Accounts, token: str, *, here: bool) -> None:
    """Raise unless whoever asks may create the first account; `here` is on this machine."""
    if await accounts.store.read(any_user):
        raise set_up_already()
    if not here:
        check_setup_token(accounts.settings.data_dir, token)


async def set_up(accounts: Accounts, email: str, name: str, password: str, agent: str) -> Signed:
    """Create the first admin and sign them in."""
    address, known_as = clean_email(email), clean_name(name)
    check_password(password, address)
    hashed = await accounts.passwords.hash(password)

    def create(conn: Connection) -> Signed:
        user = create_first_admin(conn, email=address, name=known_as, password_hash=hashed)
        return user, open_session(conn, user, agent, "setup")

    signed = await accounts.store.write(create)
    forget_setup_token(accounts.settings.data_dir)
    return signed


async def sign_in(
    accounts: Accounts, email: str, password: str, address: str, agent: str
) -> Signed:
    typed = email.strip().lower()
    await accounts.store.write(lambda conn: take_attempt(conn, typed, address))

    def look_up(conn: Connection) -> tuple[User, str] | None:
        user = user_by_email(conn, typed)
        if user is None or user.disabled_at is not None:
            return None
        return user, password_hash_of(conn, user.id)

    found = await accounts.store.read(look_up)
    stored = found[1] if found else None
    if not await accounts.passwords.matches(stored, password) or found is None:
        await accounts.store.write(lambda conn: _note_failure(conn, typed))
        raise Unauthenticated(
            "login_failed",
            "The email address or the password is wrong.",
            "Try again; an admin can reset it with `quarterdeck password-reset EMAIL`.",
        )
    fresh = (
        await accounts.passwords.hash(password) if accounts.passwords.outdated(found[1]) else None
    )

    def enter(conn: Connection) -> Signed:
        again = look_up(conn)
        if again is None or again[1] != stored:  # disabled, deleted or changed meanwhile
            raise Unauthenticated(
                "login_failed",
                "The account has changed in this moment.",
                "Try again.",
            )
        attempt_succeeded(conn, typed, address)
        if fresh is not None:
            set_password(conn, again[0].principal, again[0], fresh)
        return again[0], open_session(conn, again[0], agent, "password")

    return await accounts.store.write(enter)


async def sign_in_by_link(accounts: Accounts, token: str, agent: str) -> str:
    def enter(conn: Connection) -> str:
        return open_session(conn, spend_link(conn, "login", token), agent, "link")

    return await accounts.store.write(enter)


async def accept_invitation(
    accounts: Accounts, token: str, name: str, password: str, agent: str
) -> Signed:
    invitation = await accounts.store.read(lambda conn: find_invitation(conn, token))
    known_as = clean_name(name)
    check_password(password, invitation.email)
    hashed = await accounts.passwords.hash(password)

    def enter(conn: Connection) -> Signed:
        user = accept(conn, token, known_as, hashed)
        return user, open_session(conn, user, agent, "invitation")

    return await accounts.store.write(enter)


async def reset_password(accounts: Accounts, token: str, password: str, agent: str) -> Signed:
    """Set a new password, end all sessions, and sign in."""
    user = await accounts.store.read(lambda conn: linked_user(conn, "reset", token))
    check_password(password, user.email)
    hashed = await accounts.passwords.hash(password)

    def enter(conn: Connection) -> Signed:
        owner = spend_link(conn, "reset", token)
        set_password(conn, owner.principal, owner, hashed)
        close_sessions_of(conn, owner.id)
        attempt_succeeded(conn, owner.email, "")
        return owner, open_session(conn, owner, agent, "reset")

    return await accounts.store.write(enter)


async def change_password(
    accounts: Accounts, user: User, current: str, new: str, address: str, session_id: str
) -> None:
    """One's own password; asks for the old one, ends all other sessions."""
    check_password(new, user.email)
    await accounts.store.write(lambda conn: take_attempt(conn, user.email, address))
    stored = await accounts.store.read(lambda conn: password_hash_of(conn, user.id))
    if not await accounts.passwords.matches(stored, current):
        await accounts.store.write(lambda conn: _note_failure(conn, user.email))
        raise Forbidden(
            "password_wrong", "The current password is wrong.", "Type the one you signed in with."
        )
    hashed = await accounts.passwords.hash(new)

    def store(conn: Connection) -> None:
        attempt_succeeded(conn, user.email, address)
        set_password(conn, user.principal, user, hashed)
        close_sessions_of(conn, user.id, keep=session_id)

    await accounts.store.write(store)


def _note_failure(conn: Connection, typed: str) -> None:
    """Of unknown users nothing is kept: what was typed may be a password."""
    user = user_by_email(conn, typed)
    audit(conn, ANONYMOUS, "login.failed", user.email if user else "unknown user")
