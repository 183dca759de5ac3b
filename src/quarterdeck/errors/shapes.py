"""Reading JSON that nobody has checked: every function takes any value and gives a bounded one.

A value of the wrong kind is empty. Nothing here raises.
"""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, TypeGuard

NAME = 200
PLACE = 512
MESSAGE = 8192

# Control characters, marks that reverse or hide text, and halves of surrogate pairs.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+"
)
# What a text of several lines may not have, though it may have lines and tabs.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]+")
_HEX = re.compile("[0-9a-f]+")
_EMPTY: Mapping[str, Any] = {}


def name(value: Any, most: int = NAME) -> str:
    """One line without anything unseen."""
    line: str = value if type(value) is str else _written(value)
    if len(line) > most:
        line = line[: 2 * most]  # more than enough to leave something of, after what is unseen
    if not line.isprintable():
        line = _UNSEEN.sub(" ", line).strip()
    return line if len(line) <= most else line[:most]


def text(value: Any, most: int = MESSAGE) -> str:
    """Text of any number of lines."""
    lines: str = value if type(value) is str else _written(value)
    if len(lines) > most:
        lines = lines[:most]
    return lines if lines.isprintable() else _UNFIT.sub(" ", lines)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(2**64) < value < 2**64 else ""
    return repr(value) if isinstance(value, float) and isfinite(value) else ""


def mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _EMPTY


def listed(value: Any) -> list[Any]:
    """The values of a list, of `{"values": […]}`, or one object by itself."""
    if isinstance(value, dict):
        if "values" not in value:
            return [value] if value else []
        value = value["values"]
    return value if isinstance(value, list) else []


def objects(value: Any) -> list[Mapping[str, Any]]:
    """As `listed`, without what is no object."""
    return [entry for entry in listed(value) if isinstance(entry, dict)]


def pairs(value: Any) -> Iterator[tuple[Any, Any]]:
    """Name and value of an object, of a list of pairs, or of a list of `{"key", "value"}`."""
    if isinstance(value, dict) and not isinstance(value.get("values"), list):
        yield from value.items()
        return
    for entry in listed(value):
        if isinstance(entry, list) and len(entry) == 2:
            yield entry[0], entry[1]
        elif isinstance(entry, dict):
            yield entry.get("key"), entry.get("value")


def first(document: Mapping[str, Any], *keys: str) -> Any:
    """The first of several names of a field under which something stands."""
    for key in keys:
        if value := document.get(key):
            return value
    return None


def whole(value: Any) -> int:
    """A line or a column: 0 when there is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 < value < 2**31 else 0


def truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def hexadecimal(value: Any, digits: int) -> str:
    """An id in lower case without dashes; empty when it is none, or nothing but zeros."""
    if not isinstance(value, str) or len(value) > 64:
        return ""
    value = value.replace("-", "").lower()
    sound = len(value) == digits and _HEX.fullmatch(value) and value.strip("0")
    return value if sound else ""


def is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
