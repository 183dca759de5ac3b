"""Guessing passwords gets slower: per account and per address, exponentially.

An attempt counts as a failure before it is judged and is taken back when it succeeds, so
guesses sent side by side are not cheaper than guesses sent in a row. Counters live in the
database: a restart forgets none. They lapse a day after the last failure. The longest
block is short enough that an attacker cannot keep the owner of an account out for long.
"""

import hashlib
import ipaddress

from sqlalchemy import Connection, delete, insert, select, update

from quarterdeck.accounts.tables import login_throttle
from quarterdeck.core.errors import TooMany
from quarterdeck.store.control import now_of

FREE_PER_ACCOUNT = 5
FREE_PER_ADDRESS = 20
LONGEST_BLOCK_MS = 15 * 60_000
LAPSE_MS = 24 * 3_600_000
_FIRST_BLOCK_MS = 2_000


def account_subject(email: str) -> str:
    """Hashed, since what people type as their address may be their password."""
    return "account:" + hashlib.sha256(email.encode()).hexdigest()


def address_subject(address: str) -> str:
    """An IPv6 network of 64 bits counts as one address: one person has them all."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return f"address:{address[:64]}"
    if parsed.version == 6:
        if parsed.ipv4_mapped is not None:
            return f"address:{parsed.ipv4_mapped}"
        return f"address:{ipaddress.ip_network((parsed, 64), strict=False)}"
    return f"address:{parsed}"


def take_attempt(conn: Connection, email: str, address: str) -> None:
    """Count an attempt, or raise TooMany without counting while one is blocked."""
    subjects = _subjects(email, address)
    now = now_of(conn)
    failures: dict[str, int] = {}
    for row in conn.execute(
        select(login_throttle).where(login_throttle.c.subject.in_(list(subjects)))
    ):
        if row.blocked_until > now:
            raise TooMany(
                "login_throttled",
                "Too many attempts to sign in.",
                "Wait, or reset the password with `quarterdeck password-reset`.",
                retry_after=(row.blocked_until - now) / 1000,
            )
        failures[row.subject] = row.failures if row.last_at > now - LAPSE_MS else 0
    for subject, free in subjects.items():
        _store(conn, subject, failures, free, now)


def attempt_succeeded(conn: Connection, email: str, address: str) -> None:
    """Forget the account's failures and take this attempt back from the address."""
    conn.execute(delete(login_throttle).where(login_throttle.c.subject == account_subject(email)))
    conn.execute(
        update(login_throttle)
        .where(login_throttle.c.subject == address_subject(address), login_throttle.c.failures > 0)
        .values(failures=login_throttle.c.failures - 1, blocked_until=0)
    )


def prune_throttle(conn: Connection) -> None:
    conn.execute(delete(login_throttle).where(login_throttle.c.last_at < now_of(conn) - LAPSE_MS))


def _subjects(email: str, address: str) -> dict[str, int]:
    return {
        account_subject(email): FREE_PER_ACCOUNT,
        address_subject(address): FREE_PER_ADDRESS,
    }


def _store(conn: Connection, subject: str, failures: dict[str, int], free: int, now: int) -> None:
    count = failures.get(subject, 0) + 1
    pause = 0 if count < free else min(LONGEST_BLOCK_MS, _FIRST_BLOCK_MS * 2 ** (count - free))
    values = {"failures": count, "last_at": now, "blocked_until": now + pause}
    if subject in failures:
        conn.execute(
            update(login_throttle).where(login_throttle.c.subject == subject).values(**values)
        )
    else:
        conn.execute(insert(login_throttle).values(subject=subject, **values))
