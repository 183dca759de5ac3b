"""Values of a search as the engine wants them: numbers, durations, words, patterns."""

import re

from quarterdeck.telemetry.search.tree import pieces

MOST_WORDS = 64

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_WORD = r"a-z0-9\x80-\U0010ffff"
_NO_WORD = r"[^a-z0-9\x{80}-\x{10ffff}]"
_WORDS = re.compile(rf"[{_WORD}]+")
_NUMBER = re.compile(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)(?:([kKMGT]i?)?[bB])?")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86400e9}
_SIZES = "kmgt"
_LONGEST = 2**62


def lower(text: str) -> str:
    """As the engine's `lower` does: ASCII alone."""
    return text.translate(_LOWER)


def number_of(text: str) -> float | None:
    """A number, perhaps of bytes: 500, -1.5, 10KB, 4MiB."""
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    scale = found[2] or ""
    base = 1024 if scale.endswith("i") else 1000
    power = _SIZES.index(scale[0].lower()) + 1 if scale else 0
    return float(found[1]) * float(base**power)


def duration_of(text: str, unit: float) -> int | None:
    """Nanoseconds of 250ms or 2m30s; a bare number is in `unit` nanoseconds."""
    if re.fullmatch(r"\d+(?:\.\d+)?", text):
        return int(min(float(text) * unit, _LONGEST))
    if not re.fullmatch(rf"(?:{_DURATION.pattern})+", text):
        return None
    return int(min(sum(float(n) * _UNITS[u] for n, u in _DURATION.findall(text)), _LONGEST))


def as_stored(text: str) -> list[str]:
    """The texts that an attribute of this value may be stored as."""
    forms = [text]
    if re.fullmatch(r"-?\d{1,15}(?:\.\d{1,15})?", text):
        number = float(text)
        forms += [repr(number), str(int(number))] if number.is_integer() else [repr(number)]
    if lower(text) in ("true", "false"):
        forms.append(lower(text))
    return list(dict.fromkeys(forms))


def words_of(text: str) -> list[str]:
    """The words of a text as the text index has them."""
    return _WORDS.findall(text)[:MOST_WORDS]


def like_of(text: str, *, wild: bool = True) -> str:
    """A pattern for LIKE; without `wild` every character stands for itself."""
    parts = pieces(text) if wild else [(text, False)]
    return "".join(
        {"*": "%", "?": "_"}[part] if star else re.sub(r"[\\%_]", r"\\\g<0>", part)
        for part, star in parts
    )


def word_pattern_of(text: str) -> tuple[list[str], str]:
    """The whole words of a pattern, and a regular expression for all of it.

    A wildcard stands for characters that are not blank. Where the pattern has none at its
    ends, a word begins and ends there.
    """
    parts = pieces(text)
    words: list[str] = []
    regex = ""
    for i, (part, wild) in enumerate(parts):
        if wild:
            regex += r"\S*" if part == "*" else r"\S"
            continue
        regex += "".join(c if c.isalnum() or c == "_" else f"\\x{{{ord(c):x}}}" for c in part)
        whole = part if i == 0 else re.sub(rf"^[{_WORD}]+", "", part)
        words += words_of(whole if i + 1 == len(parts) else re.sub(rf"[{_WORD}]+$", "", whole))
    before = "" if re.match(rf"\*|[^?{_WORD}]", text) else rf"(?:^|{_NO_WORD})"
    after = "" if re.search(rf"(?:\*|[^?{_WORD}])$", text) else rf"(?:$|{_NO_WORD})"
    return words[:MOST_WORDS], before + regex + after
