"""The text of a search, cut into tokens. Never refuses: what makes no sense is for the parser.

The front end colours the text with the same rules (ui/src/lib/explore/tokens.ts); the cases in
tests/data/search_tokens.json hold both to them.
"""

import re
from dataclasses import dataclass
from typing import Literal

from quarterdeck.telemetry.search.tree import KEYWORDS

Kind = Literal[
    "open", "close", "keyword", "minus", "field", "operator",
    "word", "phrase", "regex", "from", "to", "until",
]  # fmt: skip

# Blanks as JavaScript has them.
_B = r"\t\n\v\f\r\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_BLANKS = re.compile(rf"[{_B}]*")
_MINUS = re.compile(rf"-(?=[^{_B})>-])")
_FIELD = re.compile(
    r'(?:([A-Za-z_@](?:[\w.@/$-]*[\w@/])?)|"((?:[^"\\]|\\.)+)")(:>=|:<=|:>|:<|!=|>=|<=|:|>|<|=)(?!//)',
    re.ASCII | re.DOTALL,
)
_SIGN = re.compile(r">=|<=|>|<")
_PHRASE = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)', re.DOTALL)
_REGEX = re.compile(rf"/((?:[^/\\]|\\.)+)/(?=[{_B})]|\Z)", re.DOTALL)
_BARE = re.compile(rf'(?:\\.|\([^{_B}"()\\]*\)|[^{_B}"()\\]|\\\Z)+', re.DOTALL)
_KEYWORD = re.compile(rf"(?:{'|'.join(KEYWORDS)})(?=[{_B}()]|\Z)")
_BOUND = re.compile(rf'(?:\\.|[^{_B}"\]}}\\]|\\\Z)+', re.DOTALL)
# Before a letter or a digit a backslash is itself, as in the paths of Windows.
_ESCAPE = re.compile(r"\\([^A-Za-z0-9_])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Token:
    kind: Kind
    start: int
    end: int
    """Where it stands in the text, quotes and slashes included."""
    text: str
    """What it says: a phrase without its quotes, a word as it was written."""


def tokens_of(text: str) -> list[Token]:
    out: list[Token] = []
    groups: list[bool] = []  # of the open groups, whether each holds the values of a field
    at = 0
    while (at := _end(_BLANKS, text, at)) < len(text):
        of_field = bool(groups) and groups[-1]
        if text[at] == "(":
            groups.append(of_field)
            at = _add(out, "open", text, at, at + 1)
        elif text[at] == ")":
            groups[-1:] = []
            at = _add(out, "close", text, at, at + 1)
        elif _MINUS.match(text, at):
            at = _add(out, "minus", text, at, at + 1)
        else:
            at = _operand(text, at, out, groups, of_field)
    return out


def unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text)


def _operand(text: str, at: int, out: list[Token], groups: list[bool], of_field: bool) -> int:
    operator = False
    if named := _FIELD.match(text, at):
        name, quoted, _ = named.groups()
        out.append(Token("field", at, named.start(3), name or unescaped(quoted)))
        at = _add(out, "operator", text, named.start(3), named.end())
        operator = True
    elif of_field and (sign := _SIGN.match(text, at)):
        at = _add(out, "operator", text, at, sign.end())
        operator = True
    next = text[at : at + 1]
    if operator and next == "(":
        groups.append(True)
        return _add(out, "open", text, at, at + 1)
    if (operator or of_field) and next and next in "[{":
        return _range(text, at, out)
    if phrase := _PHRASE.match(text, at):
        out.append(Token("phrase", at, phrase.end(), unescaped(phrase[1])))
        return phrase.end()
    if regex := _REGEX.match(text, at):
        out.append(Token("regex", at, regex.end(), regex[1].replace("\\/", "/")))
        return regex.end()
    if not operator and (keyword := _KEYWORD.match(text, at)):
        return _add(out, "keyword", text, at, keyword.end())
    end = _end(_BARE, text, at)
    return end if end == at else _add(out, "word", text, at, end)  # or an operator lacks its value


def _range(text: str, at: int, out: list[Token]) -> int:
    """From the bracket to the one that closes it, or to the end of the text."""
    at = _add(out, "from", text, at, at + 1)
    while (at := _end(_BLANKS, text, at)) < len(text):
        if text[at] in "]}":
            return _add(out, "until", text, at, at + 1)
        if phrase := _PHRASE.match(text, at):
            out.append(Token("phrase", at, phrase.end(), unescaped(phrase[1])))
            at = phrase.end()
        else:
            end = _end(_BOUND, text, at)
            at = _add(out, "to" if text[at:end] == "TO" else "word", text, at, end)
    return at


def _add(out: list[Token], kind: Kind, text: str, start: int, end: int) -> int:
    out.append(Token(kind, start, end, text[start:end]))
    return end


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
