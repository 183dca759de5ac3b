"""Regular expressions as Prometheus has them: RE2's language, matching the whole of a text.

What `search/regex.py` passes as RE2 is written in the words of two other machines. Rust's, which
pydantic brings, takes time in proportion to the text, and judges whether it matches; only a text
that does is given to Python's `re`, which tells the groups but may go over a text that does not
match again and again: an exporter could hold the server with a label. What neither can say
(classes of Unicode's categories, the flag U) is refused, and no text longer than MOST_TEXT is
looked at: such a label matches nothing but `.*`.
"""

import re

from pydantic_core import SchemaError, SchemaValidator, core_schema

from quarterdeck.telemetry.search.regex import fault_in

MOST_TEXT = 4096
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_TOKEN = re.compile(
    r"\\x\{[0-9A-Fa-f]+\}|\\.|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\]|\(\?P?<\w+>|\(\?[imsU-]*[:)]|.",
    re.DOTALL,
)
_MEMBER = re.compile(r"\[:\^?[a-z]+:\]|\\x\{[0-9A-Fa-f]+\}|\\.|.", re.DOTALL)
_NAMED = re.compile(r"\(\?P?<[A-Za-z_]\w*>")


class Regex:
    """A compiled expression."""

    __slots__ = ("_groups", "_matches")

    def __init__(self, regex: str) -> None:
        self._groups = re.compile(f"(?s:{_translated(regex, rust=False)})", re.ASCII)
        rust = core_schema.str_schema(
            pattern=f"^(?s:{_translated(regex, rust=True)})$", regex_engine="rust-regex"
        )
        try:
            self._matches = SchemaValidator(rust).isinstance_python
        except SchemaError as error:
            raise ValueError("is a regular expression that is not understood here") from error

    def fullmatch(self, text: str) -> re.Match[str] | None:
        return self._groups.fullmatch(text) if self._matches(text) else None


def compiled(regex: str) -> Regex:
    """ValueError that says what is wrong with it."""
    fault = fault_in(_NAMED.sub("(", regex))
    if fault is not None:
        raise ValueError(f"is no regular expression: {fault.message.rstrip('.')}")
    try:
        return Regex(regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError("is a regular expression that is not understood here") from error


def _translated(regex: str, *, rust: bool) -> str:
    """Flags in the middle, `a(?i)b|c`, hold to the end of their group: each becomes a group."""
    out: list[str] = []
    levels: list[list[str]] = [[]]  # of every open parenthesis: the groups that flags have opened
    lines = any("m" in found[1] for found in re.finditer(r"\(\?([imsU-]+)[:)]", regex))
    end = r"\z" if rust else r"\Z"
    for part in (found[0] for found in _TOKEN.finditer(regex)):
        if part.startswith("(?") and part.endswith(")"):
            part = part[:-1] + ":"
            levels[-1].append(_flags(part))
        elif part.startswith("("):
            levels.append([])
            part = part.replace("(?<", "(?P<") if "<" in part else _flags(part)
        elif part == ")":
            part = ")" * len(levels.pop()) + ")"
        elif part == "|" and levels[-1]:
            part = ")" * len(levels[-1]) + "|" + "".join(levels[-1])
        elif part == r"\z" or (part == "$" and not lines):
            part = end
        elif part in (r"\b", r"\B") and rust:
            part = f"(?-u:{part})"
        elif part[0] == "[" and len(part) > 1:
            part = _class(part, rust)
        elif part[0] == "\\":
            part = _escape(part)
        out.append(part)
    return "".join(out) + ")" * len(levels[0])


def _flags(token: str) -> str:
    if "U" in token:
        raise ValueError("has the flag U, which is not understood here")
    return token


def _escape(token: str) -> str:
    kind = token[1]
    if kind in "pP":
        raise ValueError("names a Unicode category, which is not understood here")
    if kind.lower() in _SETS:
        return f"[{'^' if kind.isupper() else ''}{_SETS[kind.lower()]}]"
    if kind == "a":
        return r"\x07"
    if token.startswith(r"\x{"):
        return re.escape(chr(int(token[3:-1], 16)))
    return token if kind.isalnum() else re.escape(kind)


def _class(token: str, rust: bool) -> str:
    """A set of characters; in Python a negated set inside one becomes an alternative."""
    negated = token.startswith("[^")
    members, apart = [], []
    for member in (found[0] for found in _MEMBER.finditer(token[2 if negated else 1 : -1])):
        if member.startswith("[:^"):
            apart.append(f"[^{_POSIX[member[3:-2]]}]")
        elif member.startswith("[:"):
            members.append(_POSIX[member[2:-2]])
        elif member in (r"\D", r"\W", r"\S"):
            apart.append(_escape(member))
        elif member in (r"\d", r"\w", r"\s"):
            members.append(_SETS[member[1]])
        elif member[0] == "\\":
            members.append(_escape(member))
        else:
            members.append("\\" + member if member in "[]&|~^" else member)
    if rust:
        return f"[{'^' if negated else ''}{''.join(members + apart)}]"
    whole = "|".join([f"[{''.join(members)}]"] * bool(members) + apart)
    return f"(?:(?!{whole})[\\s\\S])" if negated else f"(?:{whole})"
