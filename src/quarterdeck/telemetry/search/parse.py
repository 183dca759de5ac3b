"""The language of the search fields, read into a tree (docs/search.md has it for people).

    payment "card declined" service:checkout -level:debug duration>=100ms
    (status:error OR http.response.status_code:[500 TO 599]) -http.route:/health*

    search  = both ("OR" both)*
    both    = one ("AND"? one)*              binds tighter than OR
    one     = ("-" | "NOT")* (group | term)
    group   = "(" search ")"
    term    = value | field ":" value | field ">" text | field ":" group of values
    value   = word | "phrase" | word with * or ? | /regex/ | [low TO high] | low..high

What is still being typed is read kindly: a quote or a parenthesis that is open ends with the
text. Everything else that cannot be read is refused with the characters at fault. Length,
number of terms and depth are bounded.
"""

import re

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.search.regex import fault_in
from quarterdeck.telemetry.search.tokens import Token, tokens_of, unescaped
from quarterdeck.telemetry.search.tree import (
    All,
    At,
    Compare,
    Comparison,
    Exists,
    Match,
    Node,
    Not,
    Pattern,
    Range,
    Regex,
    Text,
    Value,
    all_of,
    any_of,
    pattern_of,
    pieces,
)

MAX_CHARACTERS = 4_000
MAX_TERMS = 100
MAX_DEPTH = 20
MAX_REGEX = 500

_HINT = 'Write words, "phrases", field:value, field>=5, OR, parentheses, and - to exclude.'
_QUOTE = "Put it in quotes if these characters are meant as they stand."
_SIDE = r"-?\d+(?:\.\d+)?[A-Za-zµ%]*|[A-Za-z]+|\*"
_DOTS = re.compile(rf"({_SIDE})\.\.({_SIDE})")
_COMPARISONS: dict[str, Comparison] = {">": ">", ">=": ">=", "<": "<", "<=": "<="}


def parse(text: str) -> Node:
    """The tree of a search; an empty text has `All(())`."""
    if len(text) > MAX_CHARACTERS:
        raise invalid(
            f"The search is longer than {MAX_CHARACTERS} characters.",
            At(MAX_CHARACTERS, len(text) - MAX_CHARACTERS),
            "Make it shorter.",
        )
    return _Parser(text).search()


def invalid(message: str, at: At, hint: str = _HINT) -> BadInput:
    details = {"position": at.position, "length": at.length}
    return BadInput("search_invalid", message, hint, details=details)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = tokens_of(text)
        self.next = 0
        self.terms = 0

    def search(self) -> Node:
        if not self.tokens:
            return All(())
        node = self.either("", 0, None)
        if left := self.peek():
            raise invalid("This parenthesis closes nothing.", _at(left), _QUOTE)
        return node

    def peek(self) -> Token | None:
        return self.tokens[self.next] if self.next < len(self.tokens) else None

    def take(self, kind: str = "", text: str = "") -> Token | None:
        """The next token, when it is of this kind."""
        token = self.peek()
        if token and kind in ("", token.kind) and text in ("", token.text):
            self.next += 1
            return token
        return None

    # `field` is the one whose values stand in a group; `before` is the token that needs more.

    def either(self, field: str, depth: int, before: Token | None) -> Node:
        parts = [self.both(field, depth, before)]
        while joined := self.take("keyword", "OR"):
            parts.append(self.both(field, depth, joined))
        return any_of(*parts)

    def both(self, field: str, depth: int, before: Token | None) -> Node:
        parts = [self.one(field, depth, before)]
        while True:
            joined = self.take("keyword", "AND")
            token = self.peek()
            ended = token is None or token.kind == "close" or _is_or(token)
            if ended and not joined:
                return all_of(*parts)
            parts.append(self.one(field, depth, joined))

    def one(self, field: str, depth: int, before: Token | None) -> Node:
        if sign := self.take("minus") or self.take("keyword", "NOT"):
            return Not(self.one(field, self.deeper(depth, sign), sign))
        if opened := self.take("open"):
            return self.group(field, depth, opened)
        token = self.take()
        if token is None or token.kind in ("close", "keyword"):
            raise _lacking(before, token)
        if token.kind != "field":
            return self.value(field, token)
        if field:
            message = f"A field cannot stand among the values of `{field}`."
            raise invalid(message, _at(token), _QUOTE)
        return self.named(token, depth)

    def group(self, field: str, depth: int, opened: Token) -> Node:
        node = self.either(field, self.deeper(depth, opened), opened)
        self.take("close")  # one that is still being typed ends with the text
        return node

    def deeper(self, depth: int, token: Token) -> int:
        if depth == MAX_DEPTH:
            raise invalid(
                f"This is nested deeper than {MAX_DEPTH}.", _at(token), "Make it simpler."
            )
        return depth + 1

    def named(self, name: Token, depth: int) -> Node:
        operator = self.take("operator")
        token = self.peek()
        if not (operator and token and token.start == operator.end) or token.kind == "close":
            raise invalid(
                f"`{name.text}` lacks a value.",
                At(name.start, (operator or name).end - name.start),
                f'Write a value right behind it, {name.text}:* for "has one", or quotes around all of it.',
            )
        if sign := _COMPARISONS.get(operator.text.removeprefix(":")):
            return self.compared(name.text, sign)
        opened = self.take("open")
        node = (
            self.group(name.text, depth, opened) if opened else self.value(name.text, self.take())
        )
        return Not(node) if operator.text == "!=" else node

    def compared(self, field: str, sign: Comparison) -> Compare:
        token = self.take()
        value = _literal(token) if token and token.kind in ("word", "phrase") else None
        if token is None or not isinstance(value, Text):
            at = _at(token) if token else At()
            raise invalid(f"`{field}{sign}` needs one value to compare with.", at)
        self.count(token)
        return Compare(field, sign, value.text, _at(token))

    def value(self, field: str, token: Token | None) -> Node:
        """What stands for a field's value, or for free text."""
        assert token
        if token.kind == "operator":
            return self.compared(field, _COMPARISONS[token.text])
        self.count(token)
        if token.kind == "from":
            return self.range(field, token)
        dots = _DOTS.fullmatch(token.text) if field and token.kind == "word" else None
        if dots:
            low, high = (None if side == "*" else side for side in dots.groups())
            return _range(field, low, high, "[", "]", _at(token))
        value = _literal(token)
        if field and isinstance(value, Pattern) and not value.text.strip("*"):
            return Exists(field, _at(token))
        return Match(field, value, _at(token))

    def range(self, field: str, opened: Token) -> Node:
        low, to, high = self.take(), self.take("to"), self.take()
        closed = self.take("until")
        if not (low and to and high and closed) or {low.kind, high.kind} - {"word", "phrase"}:
            rest = [token for token in self.tokens if token.start >= opened.start]
            end = next((token.end for token in rest if token.kind == "until"), rest[-1].end)
            raise invalid(
                f"`{field}` is given a range that cannot be read.",
                At(opened.start, end - opened.start),
                "Write [10 TO 20], {10 TO 20} without the ends, or * for an open end.",
            )
        at = At(opened.start, closed.end - opened.start)
        return _range(field, _bound(low), _bound(high), opened.text, closed.text, at)

    def count(self, token: Token) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise invalid(
                f"The search has more than {MAX_TERMS} terms.", _at(token), "Make it shorter."
            )


def _range(field: str, low: str | None, high: str | None, opened: str, closed: str, at: At) -> Node:
    if low is None and high is None:
        return Exists(field, at)
    return Range(field, low, high, opened == "[", closed == "]", at)


def _bound(token: Token) -> str | None:
    if token.kind == "phrase":
        return token.text
    return None if token.text == "*" else unescaped(token.text)


def _literal(token: Token) -> Value:
    if token.kind == "phrase":
        return Text(token.text)
    if token.kind == "regex":
        return _regex(token)
    parts = pieces(token.text)
    if any(wild for _, wild in parts):
        return pattern_of(parts)
    return Text(unescaped(token.text))


def _regex(token: Token) -> Regex:
    if len(token.text) > MAX_REGEX:
        raise invalid(
            f"The regular expression is longer than {MAX_REGEX} characters.",
            _at(token),
            "Make it shorter.",
        )
    if fault := fault_in(token.text):
        position = min(token.start + 1 + fault.position, token.end - 1)
        raise invalid(
            f"The regular expression cannot be read: {fault.message}",
            At(position, max(1, min(fault.length, token.end - 1 - position))),
            "Regular expressions are those of RE2; a backslash in front takes a character as it stands.",
        )
    return Regex(token.text)


def _lacking(before: Token | None, found: Token | None) -> BadInput:
    """That a term is expected between these two."""
    if before and before.kind == "open":
        at = At(before.start, (found or before).end - before.start)
        return invalid("These parentheses hold nothing to look for.", at, _QUOTE)
    if before:
        return invalid(
            f"`{before.text}` needs something to look for after it.", _at(before), _QUOTE
        )
    assert found
    if found.kind == "close":
        return invalid("This parenthesis closes nothing.", _at(found), _QUOTE)
    return invalid(f"`{found.text}` needs something to look for before it.", _at(found), _QUOTE)


def _is_or(token: Token) -> bool:
    return token.kind == "keyword" and token.text == "OR"


def _at(token: Token) -> At:
    return At(token.start, token.end - token.start)
