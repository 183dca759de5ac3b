"""What a search means, as a tree, and how it is printed again.

`print_search` writes the one canonical text of a tree: reading it gives the same tree. Trees
are put together with `all_of` and `any_of`, so that what means the same is the same.
Where a node stood in the text does not count when two are compared.
"""

import dataclasses
import re
from dataclasses import dataclass
from typing import Literal

Comparison = Literal[">", ">=", "<", "<="]

KEYWORDS = ("AND", "OR", "NOT")

# What needs no quotes to stand for itself, whatever comes before and after it.
_PLAIN = re.compile(r"(?!/)[\w.@/$%&#;,|'^~`+-]+")
_NAME = re.compile(r"[A-Za-z_@](?:[\w.@/$-]*[\w@/])?", re.ASCII)
_PLAIN_CHARACTER = re.compile(r"[\w.@/$%&#;,|'^~`+-]")
# Before a letter or a digit a backslash is itself, as in the paths of Windows.
_CHARACTER = re.compile(r"\\([^A-Za-z0-9_])|(.)", re.DOTALL)
_SLASHES = re.compile(r"(\\.)|/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class At:
    """The characters of the text that something was read from."""

    position: int = 0
    length: int = 0


_NOWHERE = At()


@dataclass(frozen=True, slots=True)
class Text:
    """A value as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """A value with wildcards: `*` and `?`, which stand for themselves behind a backslash."""

    text: str


@dataclass(frozen=True, slots=True)
class Regex:
    """A regular expression, without its slashes."""

    text: str


Value = Text | Pattern | Regex


@dataclass(frozen=True, slots=True)
class Match:
    """A field that is like a value; an empty field is the text of a row."""

    field: str
    value: Value
    at: At = dataclasses.field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Compare:
    field: str
    operator: Comparison
    value: str
    at: At = dataclasses.field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """A field between two values, of which one may be missing: open at that end."""

    field: str
    low: str | None
    high: str | None
    with_low: bool = True
    with_high: bool = True
    at: At = dataclasses.field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Exists:
    field: str
    at: At = dataclasses.field(default=_NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    node: "Node"


@dataclass(frozen=True, slots=True)
class All:
    """Every one of them; without any, every row."""

    nodes: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Any:
    nodes: tuple["Node", ...]


Leaf = Match | Compare | Range | Exists
Node = Leaf | Not | All | Any


def all_of(*nodes: Node) -> Node:
    flat = [part for node in nodes for part in (node.nodes if isinstance(node, All) else (node,))]
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(*nodes: Node) -> Node:
    flat = [part for node in nodes for part in (node.nodes if isinstance(node, Any) else (node,))]
    return flat[0] if len(flat) == 1 else Any(tuple(flat))


def fields_in(node: Node) -> set[str]:
    """The names of all fields that a search asks about."""
    match node:
        case All(nodes) | Any(nodes):
            return set().union(*map(fields_in, nodes))
        case Not(inner):
            return fields_in(inner)
        case _:
            return {node.field} - {""}


def print_search(node: Node) -> str:
    match node:
        case All(nodes):
            return " ".join(_inside(part, Any) for part in nodes)
        case Any(nodes):
            return " OR ".join(print_search(part) for part in nodes)
        case Not(inner):
            return f"-{_inside(inner, Any, All, Not)}"
        case Match(name, value):
            if not name and isinstance(value, Text) and value.text.startswith("-"):
                return _quoted(value.text)
            return f"{_field(name)}{_value(value)}"
        case Compare(name, operator, text):
            return f"{print_name(name)}{operator}{print_text(text)}"
        case Range(name, low, high, with_low, with_high):
            opened, closed = "[" if with_low else "{", "]" if with_high else "}"
            return f"{print_name(name)}:{opened}{_bound(low)} TO {_bound(high)}{closed}"
        case Exists(name):
            return f"{print_name(name)}:*"


def print_name(name: str) -> str:
    """The name of a field; odd ones are quoted."""
    return name if _NAME.fullmatch(name) else _quoted(name)


def print_text(text: str) -> str:
    """The value of a field, in quotes where it would mean something else without."""
    plain = _PLAIN.fullmatch(text) and ".." not in text and text not in (*KEYWORDS, "TO")
    return text if plain else _quoted(text)


def _inside(node: Node, *grouped: type) -> str:
    text = print_search(node)
    return f"({text})" if isinstance(node, grouped) else text


def _field(name: str) -> str:
    return f"{print_name(name)}:" if name else ""


def _bound(text: str | None) -> str:
    return "*" if text is None else print_text(text)


def _value(value: Value) -> str:
    match value:
        case Text(text):
            return print_text(text)
        case Regex(text):
            return "/" + _SLASHES.sub(lambda found: found[1] or r"\/", text) + "/"
        case Pattern(text):
            return _wild(text)


def pieces(pattern: str) -> list[tuple[str, bool]]:
    """The parts of a pattern from left to right, and whether each is a wildcard."""
    out: list[tuple[str, bool]] = []
    for escaped, plain in _CHARACTER.findall(pattern):
        wild = plain in ("*", "?")
        if not wild and out and not out[-1][1]:
            out[-1] = (out[-1][0] + (escaped or plain), False)
        else:
            out.append((escaped or plain, wild))
    return out


def pattern_of(parts: list[tuple[str, bool]]) -> Pattern:
    return Pattern(
        "".join(text if wild else re.sub(r"[\\*?]", r"\\\g<0>", text) for text, wild in parts)
    )


def _wild(pattern: str) -> str:
    out: list[str] = []
    for text, wild in pieces(pattern):
        for character in text:
            odd = not wild and not _PLAIN_CHARACTER.fullmatch(character)
            first = not out and character in "-/"
            dots = character == "." and bool(out) and out[-1] == "."
            out.append(f"\\{character}" if odd or first or dots else character)
    return "".join(out)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
