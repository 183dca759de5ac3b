"""Where the parts of an expression stand in its text: `promql-parser` does not tell.

Warnings say `(line:column)`. The parts of an expression come in the same order in its text as
in a walk over its tree, so one pass over the tokens notes the starts, and the walk takes them.
"""

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<number>0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+|[a-z][a-z0-9]*)?)
      | (?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)
      | (?P<sign>==|!=|>=|<=|=~|!~|.)""",
    re.VERBOSE | re.DOTALL,
)
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_FILLS = {"fill", "fill_left", "fill_right"}
_OPERATORS = set("+-*/%^<>=,([@") | {"==", "!=", ">=", "<="}
_BINARY = set("+-*/%^<>") | {"==", "!=", ">=", "<="}
_NAMED = {"and", "or", "unless", "atan2"}
_WORD_OPERATORS = {"and", "or", "unless", "atan2", "bool", "offset"} | _LISTS | _FILLS
_CLOSING = {"(": ")", "{": "}", "[": "]"}

Token = tuple[str, str, int]  # kind, text, start


@dataclass(slots=True)
class Starts:
    """The starts of calls, selectors, numbers, strings, signs and parentheses, in order."""

    text: str
    items: list[tuple[str, int]] = field(default_factory=list)
    moments: list[tuple[float, str]] = field(default_factory=list)  # sign, number after each `@`
    depth: int = 0  # of brackets
    operators: int = 0
    taken: int = 0

    def take(self, kind: str) -> int:
        """The start of the next part of that kind."""
        at = self.taken
        while at < len(self.items):
            found, start = self.items[at]
            at += 1
            if found == kind:
                signs = [
                    begin for sign, begin in self.items[self.taken : at - 1] if sign == "unary"
                ]
                self.taken = at
                # The parser folds the sign of a number into it.
                return signs[0] if kind == "number" and signs else start
        return 0

    def place(self, start: int) -> str:
        """`line:column`, both counted from 1."""
        line = self.text.count("\n", 0, start)
        return f"{line + 1}:{start - (self.text.rfind(chr(10), 0, start) + 1) + 1}"


def scan(text: str) -> Starts:
    """Notes all starts; never fails, whatever the text is."""
    starts = Starts(text)
    tokens: list[Token] = [
        (match.lastgroup or "", match[0], match.start())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]
    depth = 0
    for kind, word, _ in tokens:
        starts.operators += word in _BINARY or (kind == "word" and word.lower() in _NAMED)
        depth += (word in "([{") - (word in ")]}")
        starts.depth = max(starts.depth, depth)
    at = 0
    while at < len(tokens):
        at = _note(starts, tokens, at)
    return starts


def _note(starts: Starts, tokens: list[Token], at: int) -> int:
    kind, word, start = tokens[at]
    following = tokens[at + 1][1] if at + 1 < len(tokens) else ""
    if kind == "word":
        return _note_word(starts, tokens, at, following)
    if kind in ("number", "string"):
        starts.items.append((kind, start))
    elif word == "{":
        starts.items.append(("selector", start))
        return _closed(tokens, at)
    elif word == "[":
        return _closed(tokens, at)
    elif word == "(":
        starts.items.append(("paren", start))
    elif word in "+-" and _wants_operand(tokens, at):
        starts.items.append(("unary", start))
    elif word == "@":
        return _note_moment(starts, tokens, at)
    return at + 1


def _note_word(starts: Starts, tokens: list[Token], at: int, following: str) -> int:
    _, word, start = tokens[at]
    lower = word.lower()
    if lower in _LISTS | _FILLS and following == "(":
        return _closed(tokens, at + 1)
    if lower == "offset":
        at += 1 + (following in ("+", "-"))
        return at + 1
    if lower in _WORD_OPERATORS:
        return at + 1
    if following == "(":
        starts.items.append(("call", start))
        return at + 2
    if following.lower() in ("by", "without"):
        starts.items.append(("call", start))
        at = _closed(tokens, at + 2)
        return at + (at < len(tokens) and tokens[at][1] == "(")
    if lower in ("nan", "inf") and following != "{":
        starts.items.append(("number", start))
        return at + 1
    starts.items.append(("selector", start))
    return _closed(tokens, at + 1) if following == "{" else at + 1


def _note_moment(starts: Starts, tokens: list[Token], at: int) -> int:
    at += 1
    sign = 1.0
    while at < len(tokens) and tokens[at][1] in ("+", "-"):
        sign, at = (-sign if tokens[at][1] == "-" else sign), at + 1
    if at < len(tokens) and tokens[at][0] == "number":
        text, at = tokens[at][1], at + 1
    else:
        text, at = "", _closed(tokens, at + 1)
    starts.moments.append((sign, text))
    return at


def _wants_operand(tokens: list[Token], at: int) -> bool:
    if at == 0:
        return True
    kind, word, _ = tokens[at - 1]
    return word in _OPERATORS or (kind == "word" and word.lower() in _WORD_OPERATORS)


def _closed(tokens: list[Token], at: int) -> int:
    """Past the bracket that closes the one at `at`."""
    if at >= len(tokens) or tokens[at][1] not in _CLOSING:
        return at
    opening, depth = tokens[at][1], 0
    closing = _CLOSING[opening]
    while at < len(tokens):
        depth += (tokens[at][1] == opening) - (tokens[at][1] == closing)
        at += 1
        if depth == 0:
            break
    return at
