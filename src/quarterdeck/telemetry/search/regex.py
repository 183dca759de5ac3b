"""Whether the engine will take a regular expression (RE2), and where it goes wrong if not.

What is passed here the engine compiles: tests/test_search_regex.py holds it to that with the
engine itself. Left out of RE2 are names of groups, octal numbers, `\\Q…\\E` and `\\C`, which no
search needs. RE2 takes time in proportion to the text whatever the expression; its size is
bounded here by what its repetitions unfold to.
"""

import re
from dataclasses import dataclass

MOST_REPEATS = 1000
MOST_STATES = 20_000

_ESCAPE = re.compile(
    r"\\(?:(?P<set>[dDsSwW])|(?P<edge>[bBAz])|(?P<category>[pP](?:[CLMNPSZ]|\{\^?(?:[CLMNPSZ][a-z]?)\}))"
    r"|(?P<character>x[0-9A-Fa-f]{2}|x\{(?:10|[0-9A-Fa-f])?[0-9A-Fa-f]{1,4}\}|[afnrtv]|[!-/:-@\[-^`{-~ ]))"
)
_CATEGORIES = frozenset(
    [
        "C",
        "Cc",
        "Cf",
        "Co",
        "Cs",
        "L",
        "Ll",
        "Lm",
        "Lo",
        "Lt",
        "Lu",
        "M",
        "Mc",
        "Me",
        "Mn",
        "N",
        "Nd",
        "Nl",
        "No",
        "P",
        "Pc",
        "Pd",
        "Pe",
        "Pf",
        "Pi",
        "Po",
        "Ps",
        "S",
        "Sc",
        "Sk",
        "Sm",
        "So",
        "Z",
        "Zl",
        "Zp",
        "Zs",
    ]
)
_GROUP = re.compile(r"\((?:\?(?:[imsU]*(?:-[imsU]+)?)?:)?")
_FLAGS = re.compile(r"\(\?(?=[imsU-])[imsU]*(?:-[imsU]+)?\)")
_REPEAT = re.compile(r"(?:[*+?]|\{(\d+)(,(\d*))?\})\??")
_POSIX = re.compile(
    r"\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):\]"
)


@dataclass(frozen=True, slots=True)
class Fault:
    message: str
    position: int
    length: int = 1


@dataclass(slots=True)
class _Part:
    """What a part unfolds to: its states, and how often its innermost is repeated."""

    start: int
    states: int = 1
    repeats: int = 1

    def hold(self, other: "_Part") -> None:
        self.states += other.states
        self.repeats = max(self.repeats, other.repeats)


def fault_in(regex: str) -> Fault | None:
    try:
        _check(regex)
    except _Refused as refused:
        return refused.fault
    return None


class _Refused(Exception):
    def __init__(self, message: str, position: int, length: int = 1) -> None:
        self.fault = Fault(message, position, length)


def _check(regex: str) -> None:
    whole = _Part(0)
    groups: list[_Part] = []
    last: _Part | None = None  # what a repetition would repeat
    at = 0
    while at < len(regex):
        inside = groups[-1] if groups else whole
        start = at
        if flags := _FLAGS.match(regex, at):
            at, last = flags.end(), None
        elif regex[at] == "(":
            at = _open(regex, at)
            groups.append(_Part(start, 2))
            last = None
        elif regex[at] == ")":
            if not groups:
                raise _Refused("this parenthesis closes nothing.", at)
            at, last = at + 1, groups.pop()
            (groups[-1] if groups else whole).hold(last)
        elif regex[at] == "|":
            at, last = at + 1, None
            inside.states += 1
        elif repeat := _REPEAT.match(regex, at):
            at = repeat.end()
            _repeat(repeat, inside, last)
            last = None
        else:
            at, states = _atom(regex, at)
            last = _Part(start, states)
            inside.hold(last)
    if groups:
        raise _Refused("this parenthesis is not closed.", groups[-1].start)
    if whole.states > MOST_STATES:
        raise _Refused("it unfolds to too much.", 0, len(regex))


def _open(regex: str, at: int) -> int:
    group = _GROUP.match(regex, at)
    assert group
    if group.end() == at + 1 and regex.startswith("?", at + 1):
        raise _Refused("this kind of group is not known; (…), (?:…) and (?i) are.", at, 3)
    return group.end()


def _repeat(repeat: re.Match[str], inside: _Part, last: _Part | None) -> None:
    start, length = repeat.start(), len(repeat[0])
    if last is None:
        raise _Refused(f"`{repeat[0]}` repeats nothing.", start, length)
    low, _, high = repeat.groups()
    if low is None:
        inside.states += 2
        return
    most = max(int(low), int(high or 0))
    if (high and int(high) < int(low)) or most > MOST_REPEATS:
        raise _Refused(f"`{repeat[0]}` is no number of times up to {MOST_REPEATS}.", start, length)
    repeats = last.repeats * max(most, 1)
    if repeats > MOST_REPEATS:
        raise _Refused(f"it repeats more than {MOST_REPEATS} times.", start, length)
    inside.repeats = max(inside.repeats, repeats)
    inside.states += last.states * max(most - 1, 0) + 2


def _atom(regex: str, at: int) -> tuple[int, int]:
    """The end of one character, escape or class, and the states that it takes."""
    if regex[at] == "\\":
        return _escape(regex, at, "`%s` is not known.", edges=True)
    if regex[at] == "[":
        return _class(regex, at)
    return at + 1, 12 if regex[at] == "." or not regex[at].isascii() else 2


def _escape(regex: str, at: int, message: str, *, edges: bool) -> tuple[int, int]:
    found = _ESCAPE.match(regex, at)
    if at + 1 == len(regex):
        raise _Refused("nothing follows the last backslash.", at)
    category = found and found["category"] and found["category"][1:].strip("{^}") not in _CATEGORIES
    if not found or category or (found["edge"] and not edges):
        length = found.end() - at if found else 2
        raise _Refused(message % regex[at : at + length], at, length)
    return found.end(), 600 if found["category"] else 12


def _class(regex: str, start: int) -> tuple[int, int]:
    """Set of characters in brackets."""
    at, states = start + 1, 12
    at += regex.startswith("^", at)
    first = at
    while at < len(regex):
        if regex[at] == "]" and at > first:
            return at + 1, states
        if posix := _POSIX.match(regex, at):
            at, states = posix.end(), states + 12
            continue
        if regex.startswith("[:", at) and ":]" in regex[at:]:
            raise _Refused("this name of a class of characters is not known.", at, 2)
        low, end, more = _member(regex, at)
        states += more
        if regex.startswith("-", end) and not regex.startswith("-]", end) and end + 1 < len(regex):
            high, end, _ = _member(regex, end + 1)
            if low is None or high is None or high < low:
                raise _Refused(f"`{regex[at:end]}` is no range of characters.", at, end - at)
            states += 12
        at = end
    raise _Refused("this bracket is not closed.", start)


def _member(regex: str, at: int) -> tuple[int | None, int, int]:
    """A character of a class by its number, None for a set of them; its end and its states."""
    if regex[at] != "\\":
        return ord(regex[at]), at + 1, 4
    end, states = _escape(regex, at, "`%s` cannot stand in brackets.", edges=False)
    text = regex[at + 1 : end]
    if text[0] in "dDsSwWpP":
        return None, end, states
    if text[0] == "x":
        return int(text[1:].strip("{}"), 16), end, states
    return (
        ord({"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}.get(text, text)),
        end,
        states,
    )
