"""The language of the search fields, parsed into terms.

    payment "card declined" service:checkout -level:debug duration>=100ms http.status_code:5*

Terms stand side by side and all must hold. A term is a word, a phrase in quotes, or
`field:value`, `field>value`, `field>=value`, `field<value`, `field<=value`; `-` in front
denies it. In a value `*` stands for anything, and `field:*` for "has the field".
docs/sql.md has the fields; what cannot be read is refused with its position.
"""

import re
from dataclasses import dataclass

from quarterdeck.core.errors import BadInput

MAX_CHARACTERS = 4_000
MAX_TERMS = 50

_FIELD = re.compile(r"([A-Za-z_@][\w.@/-]*?)(:>=|:<=|:>|:<|>=|<=|:|>|<|=)(?!/)")
_SPACE = re.compile(r"\s*")
_BARE = re.compile(r"[^\s\"]+")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `field` is empty for free text."""

    field: str
    operator: str  # ":", ">", ">=", "<", "<="
    value: str
    quoted: bool
    negated: bool
    position: int


def parse(text: str) -> list[Term]:
    """The terms of a search; an empty text has none."""
    if len(text) > MAX_CHARACTERS:
        raise invalid(f"The search is longer than {MAX_CHARACTERS} characters.", MAX_CHARACTERS)
    terms: list[Term] = []
    at = _skip(text, 0)
    while at < len(text):
        term, at = _term(text, at)
        terms.append(term)
        if len(terms) > MAX_TERMS:
            raise invalid(f"The search has more than {MAX_TERMS} terms.", term.position)
        at = _skip(text, at)
    return terms


def invalid(message: str, position: int) -> BadInput:
    return BadInput(
        "search_invalid",
        message,
        'Write words, "phrases", field:value, field>=number, and - in front to exclude.',
        details={"position": position},
    )


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _term(text: str, start: int) -> tuple[Term, int]:
    at = start
    negated = text[at] == "-" and at + 1 < len(text) and not text[at + 1].isspace()
    at += negated
    named = _FIELD.match(text, at)
    field, operator = "", ":"
    if named:
        field, operator = named.group(1), named.group(2)
        operator = ":" if operator in {":", "="} else operator.removeprefix(":")
        at = named.end()
    value, quoted, at = _value(text, at)
    if named and not value and not quoted:
        raise invalid(f"`{field}` lacks a value.", at)
    return Term(field, operator, value, quoted, negated, start), at


def _value(text: str, at: int) -> tuple[str, bool, int]:
    if at < len(text) and text[at] == '"':
        return _quoted(text, at + 1)
    match = _BARE.match(text, at)
    return (match.group(0), False, match.end()) if match else ("", False, at)


def _quoted(text: str, at: int) -> tuple[str, bool, int]:
    out: list[str] = []
    while at < len(text):
        character = text[at]
        if character == '"':
            return "".join(out), True, at + 1
        if character == "\\" and at + 1 < len(text):
            at += 1
            character = text[at]
        out.append(character)
        at += 1
    return "".join(out), True, at  # a quote that is still being typed ends with the text
