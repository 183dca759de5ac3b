"""Prometheus's text format 0.0.4 (and 1.0.0, with quoted names) and OpenMetrics 1.0.

A line that is known by what stands before its last space costs one look into a dict; all numbers
are read at once at the end. Every other line is taken apart by the grammar. A body that breaks the
grammar anywhere fails as a whole, and the failure tells the line, not what stands in it.
"""

import re
from collections.abc import Sequence

from quarterdeck.telemetry.scrape import wire
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.number import canonical, legal, number
from quarterdeck.telemetry.scrape.relabel import Labels
from quarterdeck.telemetry.scrape.series import DROPPED, NAME, Known, Series
from quarterdeck.telemetry.scrape.told import MOST_LINES, Family, Told, too_long

_TEXT = rb'"(?:[^"\\\n]|\\.)*+"'
_BRACES = rb'\{(?:[^"{}\n]|' + _TEXT + rb")*+\}"
_LINE = re.compile(
    rb"[ \t]*+((?:[a-zA-Z_:][a-zA-Z0-9_:]*+)?+[ \t]*+(?:" + _BRACES + rb")?+)[ \t]*+"
    rb"([^ \t{#]+)(?:[ \t]++([^ \t{#]+))?[ \t]*+(#.*)?"
)
_LABEL = re.compile(
    rb"[ \t]*+(?:([a-zA-Z_][a-zA-Z0-9_]*+)|(" + _TEXT + rb"))[ \t]*+"
    rb"(?:=[ \t]*+(" + _TEXT + rb")[ \t]*+)?(,|$)"
)
_EXEMPLAR = re.compile(rb"#[ \t]*+(" + _BRACES + rb")[ \t]++([^ \t]+)(?:[ \t]++([^ \t]+))?[ \t]*+")
_COMMENT = re.compile(
    rb"#[ \t]++(HELP|TYPE|UNIT)[ \t]++([a-zA-Z_:][a-zA-Z0-9_:]*+|" + _TEXT + rb")(?:[ \t]++(.*))?"
)
_ESCAPES = {rb"\\": b"\\", rb"\"": b'"', rb"\n": b"\n"}
_ESCAPE = re.compile(rb"\\[\\\"n]")
_EOF = b"# EOF"
_MOST_MS = 2**63


class _Malformed(Exception):
    """What is wrong with a line."""


def read_text(body: bytes, known: Known, told: Told, *, openmetrics: bool) -> None:
    """Fill `told` from an answer; ScrapeFailed when it is malformed."""
    if body.count(b"\n") > MOST_LINES:
        raise too_long()
    lines = body.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    if openmetrics:
        _until_eof(lines)
    reader = _Reader(known, told, openmetrics)
    series: list[Series] = []
    numbers: list[bytes] = []
    get = known.by_text.get
    for line in lines:
        text, _, value = line.rpartition(b" ")
        found = get(text)
        if found is not None:
            series.append(found)
            numbers.append(value)
            continue
        try:
            reader.read(line)
        except _Malformed as error:
            raise ScrapeFailed(f"Line {lines.index(line) + 1}: {error}") from None
    try:
        if not legal(b"".join(numbers)):
            raise ValueError
        values = list(map(float, numbers))
    except ValueError:
        raise ScrapeFailed(f"Line {_faulty(lines, known)}: the value is no number.") from None
    told.total += len(values)
    if DROPPED in series:
        kept = [(s, value) for s, value in zip(series, values, strict=True) if s is not DROPPED]
        series, values = [s for s, _ in kept], [value for _, value in kept]
    told.series += series
    told.values += values
    reader.finish()


def _until_eof(lines: list[bytes]) -> None:
    if _EOF not in lines:
        raise ScrapeFailed("The answer does not end with `# EOF`, so part of it may be missing.")
    if lines.index(_EOF) != len(lines) - 1:
        raise ScrapeFailed("Something follows `# EOF`.")
    lines.pop()


def _faulty(lines: Sequence[bytes], known: Known) -> int:
    for place, line in enumerate(lines, 1):
        text, _, value = line.rpartition(b" ")
        if text in known.by_text:
            try:
                number(value)
            except ValueError:
                return place
    return 0


class _Reader:
    """The lines that are not known by their beginning."""

    def __init__(self, known: Known, told: Told, openmetrics: bool) -> None:
        self._known = known
        self._told = told
        self._openmetrics = openmetrics
        self._comments: list[bytes] = []
        self._families: dict[bytes, Family] = {}
        self._understood = 0

    def read(self, line: bytes) -> None:
        if line.startswith(b"#"):
            self._comments.append(line)
        elif line.strip(b" \t"):
            self._sample(line)
        elif self._openmetrics:
            raise _Malformed("OpenMetrics has no empty lines.")

    def _sample(self, line: bytes) -> None:
        found = _LINE.fullmatch(line)
        if found is None:
            raise _Malformed("this is no sample: a name, labels in braces, a value, a time.")
        text, value, time, exemplar = found.groups()
        text = text.rstrip(b" \t")
        if exemplar and not self._openmetrics:
            raise _Malformed("something follows the sample; only OpenMetrics has exemplars.")
        series = self._known.by_text.get(text)
        if series is None:
            series = self._known.add(text, self._labels(text))
        self._told.sample(series, _number(value), self._time(time))
        if exemplar and series is not DROPPED:
            self._exemplar(series, exemplar)

    def _labels(self, text: bytes) -> Labels:
        name, brace, rest = text.partition(b"{")
        name = name.rstrip(b" \t")
        labels = _pairs(rest[:-1]) if brace else {}
        if name:
            if NAME in labels:
                raise _Malformed("the series has two names.")
            labels[NAME] = name.decode()
        if not labels.get(NAME):
            raise _Malformed("the series has no name.")
        for special, suffix, kind in (("le", "_bucket", "histogram"), ("quantile", "", "summary")):
            if special in labels and self._kind(labels[NAME].removesuffix(suffix)) == kind:
                labels[special] = _canonical(labels[special])
        return labels

    def _kind(self, family: str) -> str:
        self._understand()
        return self._families.get(family.encode(), Family()).kind.removeprefix("gauge")

    def _time(self, text: bytes | None) -> int | None:
        if text is None:
            return None
        try:
            time = number(text) * 1000 if self._openmetrics else int(text)
            time = int(time)
        except (ValueError, OverflowError):
            raise _Malformed("the time is none.") from None
        if b"_" in text or not -_MOST_MS <= time < _MOST_MS:
            raise _Malformed("the time is none.")
        return time

    def _exemplar(self, series: Series, text: bytes) -> None:
        found = _EXEMPLAR.fullmatch(text)
        if found is None:
            raise _Malformed("what follows `#` is no exemplar.")
        labels = _pairs(found[1][1:-1])
        if NAME in labels:
            raise _Malformed("what follows `#` is no exemplar.")
        self._told.exemplar(series, labels, _number(found[2]), self._time(found[3]))

    def finish(self) -> None:
        """What comments said, unless they said it before."""
        if self._comments == self._known.comments:
            return
        self._understand()
        self._known.comments = self._comments
        self._told.families = {name.decode(): family for name, family in self._families.items()}

    def _understand(self) -> None:
        for line in self._comments[self._understood :]:
            try:
                self._comment(line)
            except _Malformed as error:
                raise ScrapeFailed(f"A comment: {error}") from None
        self._understood = len(self._comments)

    def _comment(self, line: bytes) -> None:
        found = _COMMENT.fullmatch(line)
        if found is None:
            return  # a remark
        what, name, rest = found[1], found[2], (found[3] or b"").strip(b" \t")
        if name.startswith(b'"'):
            name = _unescaped(name[1:-1])
        told = self._families.get(name, Family())
        if what == b"TYPE":
            kind = rest.decode(errors="replace")
            if kind not in wire.TYPES:
                raise _Malformed("this TYPE is none.")
            told = Family(kind, told.help, told.unit)
        elif what == b"HELP":
            told = Family(told.kind, _text(_unescaped(rest)), told.unit)
        else:
            told = Family(told.kind, told.help, _text(rest))
        self._families[name] = told


def _pairs(text: bytes) -> Labels:
    """What stands in braces; a quoted text alone is the name of the metric."""
    labels: Labels = {}
    at = 0
    while at < len(text) and text[at:].strip(b" \t"):
        found = _LABEL.match(text, at)
        if found is None:
            raise _Malformed("the labels are not separated by commas and quoted.")
        bare, quoted, value, _ = found.groups()
        name = bare.decode() if bare else _text(_unescaped(quoted[1:-1]))
        if value is None:
            if bare or NAME in labels:
                raise _Malformed("a label has no value.")
            name, told = NAME, name
        else:
            told = _text(_unescaped(value[1:-1]))
        if name in labels or not name:
            raise _Malformed("a label stands twice, or has no name.")
        labels[name] = told
        at = found.end()
    return labels


def _unescaped(text: bytes) -> bytes:
    r"""`\\`, `\"` and `\n`; any other backslash is one."""
    return _ESCAPE.sub(lambda found: _ESCAPES[found[0]], text) if b"\\" in text else text


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _Malformed("the text is no UTF-8.") from None


def _number(text: bytes) -> float:
    try:
        return number(text)
    except ValueError:
        raise _Malformed("the value is no number.") from None


def _canonical(text: str) -> str:
    try:
        return canonical(number(text.encode()))
    except ValueError:
        return text
