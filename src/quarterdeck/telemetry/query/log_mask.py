"""Alike log lines have one pattern: what varies is replaced by a word for its kind.

    Order 8812 placed by ada@example.com in 12ms   →   Order <*> placed by <email> in <*>

`<*>` stands for numbers, durations, hexadecimal and other words that hold a digit, and for lists
of these; `<time>`, `<uuid>`, `<email>`, `<ip>`, `<text>` (what was quoted) and `<query>` (of a URL)
for themselves. Terminal escapes and white space are one blank, and of a long line only
the beginning counts. Of a body that is a JSON object, its message counts.

The engine does it, by expressions that take time in proportion to the text (RE2), 4 to 5 µs a
line. Patterns are computed alike when they are counted and when lines are searched by them.
"""

import re

from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.sql.views import quote

READ_BYTES = 600
PATTERN_CHARACTERS = 240
SAMPLE_BYTES = 300

_MESSAGE_KEYS = ("message", "msg", "event", "error")

_STEPS: tuple[tuple[str, str], ...] = (
    (r"\x1b\[[0-9;?]*[A-Za-z]", " "),
    (
        r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
        r"|\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?"
        r"|\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b",
        "<time>",
    ),
    (r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", "<uuid>"),
    (r"[\w.+-]+@[\w-]+\.[\w.-]*\w", "<email>"),
    (
        r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"
        r"|\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){3,7}\b|\B::[0-9a-fA-F:]+\b",
        "<ip>",
    ),
    # A request line is quoted in many access logs, and is what they are about.
    (r'"((?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) [^"]*)"', r"\1"),
    (r"""\?[\w.%\[\]+~-]+=[^\s"'<>]*""", "?<query>"),
    (r"""\"[^"]*\"|\B'[^']*'\B""", "<text>"),
    (r"(?:\B-)?\w*\d(?:[\w.]*\w)?|\b[a-f]{7,}\b", "<*>"),
    (r"<\*>(?:[,;] ?<\*>)+", "<*>"),
    (r"\s+", " "),
)
_PLACEHOLDER = re.compile(r"<(?:\*|time|uuid|email|ip|text|query)>")
_WORD = re.compile(r"[A-Za-z]{3,}")
_HASH = re.compile(r"[0-9a-f]{16}")


def pattern_of(body: str = "body") -> str:
    """SQL: the pattern of a body."""
    # Quotes are what JSON is made of: without a message it keeps its texts.
    found = ", ".join(f"nullIf(JSONExtractString({body}, '{key}'), '')" for key in _MESSAGE_KEYS)
    read = f"if(startsWith({body}, '{{'), coalesce({found}, replaceAll({body}, '\"', '')), {body})"
    text = f"left({read}, {READ_BYTES})"
    for pattern, word in _STEPS:
        text = f"replaceRegexpAll({text}, {quote(pattern)}, {quote(word)})"
    return f"leftUTF8(trimBoth(toValidUTF8({text})), {PATTERN_CHARACTERS})"


def hash_of(pattern: str) -> str:
    """SQL: the number by which a pattern is known."""
    return f"cityHash64({pattern})"


def sample_of(body: str = "body") -> str:
    """SQL: the beginning of a body, to show what lines of a pattern look like."""
    return f"toValidUTF8(left({body}, {SAMPLE_BYTES}))"


def has_pattern(asked: Asked, wanted: str) -> str:
    """SQL: whether a record has a pattern, given by its text or by its hash in hexadecimal."""
    if _HASH.fullmatch(wanted):
        return f"{hash_of(pattern_of())} = {asked.bind(int(wanted, 16), 'UInt64')}"
    # Words that stand in every such line are quick to look for, and few other lines have them all.
    words = sorted(set(_WORD.findall(_PLACEHOLDER.sub(" ", wanted))), key=len)[-3:]
    found = [f"position(body, {asked.bind(word)}) > 0" for word in words]
    return " AND ".join([*found, f"{pattern_of()} = {asked.bind(wanted)}"])
