"""Reading JSON that somebody else wrote: what is not of the type it should be counts as absent."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]
_EMPTY: Json = {}


def text(of: Any, *names: str, most: int = 20_000) -> str:
    """The first of these fields that is a text, cut to `most` characters and without NUL."""
    for name in names:
        value = of.get(name) if isinstance(of, Mapping) else None
        if isinstance(value, str) and value:
            return value.replace("\0", "")[:most]
    return ""


def number(of: Any, name: str) -> float | None:
    """A finite number; one that was written as text is one too."""
    value = of.get(name) if isinstance(of, Mapping) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, int) and abs(value) > 2**63:
        return None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def whole(of: Any, name: str, low: int, high: int, otherwise: int) -> int:
    """A whole number brought between two bounds."""
    value = number(of, name)
    return otherwise if value is None else int(min(high, max(low, value)))


def flag(of: Any, name: str) -> bool:
    return isinstance(of, Mapping) and of.get(name) is True


def inside(of: Any, *path: str) -> Json:
    """The object at the end of a path of fields; an empty one when there is none."""
    for name in path:
        of = of.get(name) if isinstance(of, Mapping) else None
    return of if isinstance(of, Mapping) else _EMPTY


def items(of: Any, name: str) -> Iterator[Json]:
    """The objects of a list; everything else in it is passed over."""
    value = of.get(name) if isinstance(of, Mapping) else None
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, Mapping))


def texts(of: Any, name: str) -> list[str]:
    """A text, or the texts of a list."""
    value = of.get(name) if isinstance(of, Mapping) else None
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return []
    return [each.replace("\0", "") for each in value if isinstance(each, str)]
