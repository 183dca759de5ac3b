"""A syslog message in any of the shapes that are sent: RFC 5424, RFC 3164, and neither.

Nothing is lost: what cannot be read is a record with all of it as its body and the attribute
`syslog.unparsed`. Reading one takes 10 to 30 µs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp", "ntp", "audit", "alert", "clock", *(f"local{n}" for n in range(8)),
)  # fmt: skip
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
OURS = "quarterdeck"  # the structured data that brings a key: [quarterdeck@0 key="…"]
_MOST_PRIORITY = 191
_QUARTER = timedelta(minutes=15)

_PRIORITY = re.compile(r"<(\d{1,3})>")
_MODERN = re.compile(r"1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|\[)")
_ELEMENT = re.compile(r'\[([^ =\]"]{1,64})((?: [^ =\]"]{1,64}="(?:[^"\\\]]|\\.)*")*)\]', re.DOTALL)
_PARAM = re.compile(r' ([^ =\]"]{1,64})="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r'\\(["\\\]])')
_OLD = re.compile(
    r"(?:([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?|(\d{4}-\d\d-\d\dT\S+)) "
)
_HOST = re.compile(r"([\w.:\-]{1,255}) (?=[^ ])")
_TAG = re.compile(r"([\w./\-@]{1,128})(?:\[([^\]]{1,128})\])?: ?", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class Message:
    """What a message says; a time of 0 is the time of its arrival."""

    text: str
    time_ns: int = 0
    pairs: list[tuple[str, str]] = field(default_factory=list)  # names as log lines have them
    key: str = ""
    project: str = ""


def parse(raw: bytes, now: datetime) -> Message:
    """The message in `raw`, whatever it is."""
    text = raw.decode("utf-8", "replace").rstrip("\r\n\0")
    priority = _PRIORITY.match(text)
    if priority is None or int(priority[1]) > _MOST_PRIORITY:
        return Message(text, pairs=[("syslog.unparsed", "true")])
    facility, severity = divmod(int(priority[1]), 8)
    about = [("severity", SEVERITIES[severity]), ("syslog.facility", FACILITIES[facility])]
    rest = text[priority.end() :]
    message = _modern(rest) or _old(rest, now) or Message(rest)
    message.pairs = about + message.pairs
    return message


def _modern(rest: str) -> Message | None:
    """RFC 5424."""
    head = _MODERN.match(rest)
    if head is None:
        return None
    stamp, host, app, process, kind, begin = head.groups()
    at = _time_of(stamp) if stamp != "-" else 0
    if at is None:
        return None
    message = Message("", at, list(_named(host, app, process)))
    if kind != "-":
        message.pairs.append(("syslog.msgid", kind))
    end = head.end()
    if begin == "[":
        end -= 1
        while (element := _ELEMENT.match(rest, end)) is not None:
            _take(message, element[1], element[2])
            end = element.end()
        if end == head.end() - 1:
            return None  # structured data that is none
    if rest[end : end + 1] not in ("", " "):
        return None
    message.text = rest[end + 1 :].removeprefix("\ufeff")
    return message


def _take(message: Message, name: str, params: str) -> None:
    """One element of structured data; ours is for us alone, and is kept nowhere."""
    ours = name.split("@", 1)[0] == OURS
    for param, raw in _PARAM.findall(params):
        value = _ESCAPED.sub(r"\1", raw)
        if not ours:
            message.pairs.append((f"syslog.{name}.{param}", value))
        elif param == "key":
            message.key = value
        elif param == "project":
            message.project = value


def _old(rest: str, now: datetime) -> Message | None:
    """RFC 3164, and the same with a time that says its year."""
    head = _OLD.match(rest)
    if head is None:
        return None
    month, day, hour, minute, second, fraction, stamp = head.groups()
    if stamp:
        at = _time_of(stamp)
    else:
        micros = int((fraction or "0").ljust(6, "0"))
        clock = (int(hour), int(minute), int(second), micros)
        at = _guess(month, int(day), clock, now)
    if at is None:
        return None
    end, host = head.end(), "-"
    # Local senders leave out the host: what ends in a colon is the tag already.
    tag = _TAG.match(rest, end)
    if tag is None and (named := _HOST.match(rest, end)) is not None:
        host, end = named[1], named.end()
        tag = _TAG.match(rest, end)
    app, process = (tag[1], tag[2] or "-") if tag else ("-", "-")
    return Message(rest[tag.end() if tag else end :], at, list(_named(host, app, process)))


def _named(host: str, app: str, process: str) -> Iterator[tuple[str, str]]:
    given = (("host.name", host), ("service.name", app), ("process.pid", process))
    return ((name, value) for name, value in given if value != "-")


def _time_of(stamp: str) -> int | None:
    """Nanoseconds of RFC 3339; a time without a zone is none."""
    try:
        at = datetime.fromisoformat(stamp)
        return _ns(at) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _guess(month: str, day: int, clock: tuple[int, int, int, int], now: datetime) -> int | None:
    """A time without year and zone: the nearest year, and never ahead of the clock.

    It is read as UTC. What then lies ahead was written in a zone east of it, and is moved
    back by quarters of an hour.
    """
    if month not in _MONTHS:
        return None
    found = []
    for year in (now.year - 1, now.year, now.year + 1):
        try:
            found.append(datetime(year, _MONTHS.index(month) + 1, day, *clock, tzinfo=UTC))
        except ValueError:  # 29 February, or no time at all
            continue
    if not found:
        return None
    at = min(found, key=lambda one: abs(one - now))
    ahead = at - now
    if timedelta(minutes=5) < ahead < timedelta(hours=15):
        at -= _QUARTER * -(-ahead // _QUARTER)
    return _ns(at)


def _ns(at: datetime) -> int:
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000
