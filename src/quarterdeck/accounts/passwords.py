"""Passwords: what we accept, how they are kept (argon2id), how they are compared.

Guarantees: comparing takes as long for an unknown user as for a known one; at most two
hashes are computed at once (each takes 64 MiB), and when many wait the rest is told to
come back, so that a flood of logins cannot take the machine's memory.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from quarterdeck.core.errors import Unavailable, Unprocessable

T = TypeVar("T")

MIN_LENGTH = 8
MAX_LENGTH = 256
_AT_ONCE = 2
_MAX_WAITING = 32
_COMMON = {"password", "passw0rd", "quarterdeck", "changeme", "letmein", "iloveyou", "qwertyui"}


def check_password(password: str, email: str) -> None:
    """Refuse what is guessed first. Length beats character classes (NIST SP 800-63B)."""
    lower = password.lower()
    reason = ""
    if len(password) < MIN_LENGTH:
        reason = f"has fewer than {MIN_LENGTH} characters"
    elif len(password) > MAX_LENGTH:
        reason = f"has more than {MAX_LENGTH} characters"
    elif lower in (email.lower(), email.lower().partition("@")[0]):
        reason = "is the email address"
    elif len(set(password)) < 3 or lower.rstrip("0123456789!") in _COMMON or lower.isdigit():
        reason = "is too easy to guess"
    if reason:
        raise Unprocessable(
            "password_weak",
            f"The password {reason}.",
            "Take a sentence of a few words, or let a password manager make one.",
        )


class Passwords:
    """Hashes and compares, in threads, a few at a time."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("nobody has this password")
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        return await self._take_turn(lambda: self._hasher.hash(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; None, for no such user, takes as long to deny."""

        def compare() -> bool:
            try:
                return self._hasher.verify(stored or self._nobody, password) and bool(stored)
            except (VerificationError, InvalidHashError):
                return False

        return await self._take_turn(compare)

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    async def _take_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MAX_WAITING:
            raise Unavailable(
                "login_busy",
                "Too many people sign in at this moment.",
                "Try again in a few seconds.",
                retry_after=3,
            )
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
