"""Durations and sizes as Prometheus writes them: 1m30s, 10MB."""

import re

_DURATION = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?"
)
_MILLISECONDS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGTPE])i?)?B?")
_LONGEST_MS = 100 * 365 * 86_400_000


def milliseconds(text: str) -> int:
    """A duration in milliseconds; ValueError when it is none. `0` needs no unit."""
    if text == "0":
        return 0
    found = _DURATION.fullmatch(text)
    if not text or not found or len(text) > 64:
        raise ValueError("must be a duration such as 15s or 1m30s")
    total = sum(int(n or 0) * unit for n, unit in zip(found.groups(), _MILLISECONDS, strict=True))
    if total > _LONGEST_MS:
        raise ValueError("is longer than a hundred years")
    return total


def duration(ms: int) -> str:
    """The shortest way to write a number of milliseconds: 90000 is 1m30s."""
    out = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        many, ms = divmod(ms, size)
        out += f"{many}{unit}" if many else ""
    return out or "0s"


def size_bytes(text: str) -> int:
    """A size in bytes, in powers of 1024 as Prometheus counts; ValueError when it is none."""
    found = _SIZE.fullmatch(text)
    if not found or len(text) > 32:
        raise ValueError("must be a size such as 512KB or 10MB")
    number, unit = found.groups()
    return int(float(number) * 1024 ** (" KMGTPE".index(unit) if unit else 0))
