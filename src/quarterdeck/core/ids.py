"""Identifiers and secrets.

`new_id` sorts by creation time (48 bits of milliseconds, 80 random), so that
tables keyed by it append at their end. `new_token` is for anything that grants
access: 256 random bits behind a readable prefix that secret scanners can match.
"""

import hashlib
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32, lower case


def new_id(prefix: str) -> str:
    """`prefix_` followed by 26 characters, unique and ordered by time."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    text = "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))
    return f"{prefix}_{text}"


def new_token(prefix: str) -> str:
    """`prefix_` followed by 43 URL-safe characters (256 bits)."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def hash_token(token: str) -> str:
    """SHA-256 in hex: enough for tokens of 256 random bits, which cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
