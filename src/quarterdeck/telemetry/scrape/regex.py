"""Regular expressions as Prometheus has them: RE2's language, matching the whole of a text.

What `search/regex.py` passes as RE2 is written in the words of Python's `re`, which stands in for
it; what no translation can say (classes of Unicode's categories, the flag U) is refused. Unlike
RE2 that machine may go over a text again and again, so no text longer than MOST_TEXT is given
to it: such a label matches nothing but `.*`.
"""

import re

from quarterdeck.telemetry.search.regex import fault_in

MOST_TEXT = 4096
_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\v\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_SPECIAL = {
    r"\z": r"\Z",
    r"\s": r"[\t\n\f\r ]",
    r"\S": r"[^\t\n\f\r ]",
    r"\a": r"\x07",
}
_TOKEN = re.compile(
    r"\\x\{[0-9A-Fa-f]+\}|\\.|\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\]|\(\?P?<\w+>|\(\?[imsU-]*[:)]|.",
    re.DOTALL,
)
_MEMBER = re.compile(r"\[:\^?[a-z]+:\]|\\x\{[0-9A-Fa-f]+\}|\\.|.", re.DOTALL)
_NAMED = re.compile(r"\(\?P?<[A-Za-z_]\w*>")


def compiled(regex: str) -> re.Pattern[str]:
    """The expression, to be used with `fullmatch`; ValueError that says what is wrong with it."""
    fault = fault_in(_NAMED.sub("(", regex))
    if fault is not None:
        raise ValueError(f"is no regular expression: {fault.message.rstrip('.')}")
    try:
        return re.compile(f"(?s:{_translated(regex)})", re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError("is a regular expression that is not understood here") from error


def _translated(regex: str) -> str:
    """Flags in the middle, `a(?i)b|c`, hold to the end of their group: each becomes a group."""
    out: list[str] = []
    levels: list[list[str]] = [[]]  # of every open parenthesis: the groups that flags have opened
    lines = any("m" in found[1] for found in re.finditer(r"\(\?([imsU-]+)[:)]", regex))
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
        elif part == "$" and not lines:
            part = r"\Z"
        elif part[0] == "[" and len(part) > 1:
            part = _class(part)
        elif part[0] == "\\":
            part = _escape(part)
        out.append(part)
    return "".join(out) + ")" * len(levels[0])


def _flags(token: str) -> str:
    if "U" in token:
        raise ValueError("has the flag U, which is not understood here")
    return token


def _escape(token: str) -> str:
    if token[1] in "pP":
        raise ValueError("names a Unicode category, which is not understood here")
    if token.startswith(r"\x{"):
        return re.escape(chr(int(token[3:-1], 16)))
    return _SPECIAL.get(token) or (token if token[1].isalnum() else re.escape(token[1]))


def _class(token: str) -> str:
    """A set of characters; a negated set inside one becomes an alternative."""
    negated = token.startswith("[^")
    inner = token[2 if negated else 1 : -1]
    members, apart = [], []
    for member in (found[0] for found in _MEMBER.finditer(inner)):
        if member.startswith("[:^"):
            apart.append(f"[^{_POSIX[member[3:-2]]}]")
        elif member.startswith("[:"):
            members.append(_POSIX[member[2:-2]])
        elif member in (r"\D", r"\W", r"\S"):
            apart.append(_SPECIAL.get(member, member))
        elif member == r"\s":
            members.append(r"\t\n\f\r ")
        elif member[0] == "\\":
            members.append(_escape(member))
        else:
            members.append("\\" + member if member in "[]&|~^" else member)
    whole = "|".join([f"[{''.join(members)}]"] * bool(members) + apart)
    return f"(?:(?!{whole})[\\s\\S])" if negated else f"(?:{whole})"
