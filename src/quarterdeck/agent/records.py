"""One event of a log file as a log record.

A line of JSON gives its fields under the names that loggers commonly use: time, level,
message, trace and span id; the others become attributes, nested ones under dotted names. Any
other line is kept as it is, with the time that stands at its beginning and a level only where
it plainly states one. What is not text (invalid UTF-8, NUL) is replaced; nothing here fails.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, SeverityNumber

from quarterdeck.agent.lines import Event
from quarterdeck.agent.otlp import Attributes, Value, put_attributes

MOST_ATTRIBUTES = 128
_LONGEST_NAME = 200
_DEEPEST = 8
_AHEAD_NS = 600 * 1_000_000_000  # of our clock; a time beyond it is not believed

_TIME = (
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "datetime",
    "date",
    "@t",
    "time_iso8601",
    "time_local",
)
_LEVEL = (
    "level",
    "severity",
    "severity_text",
    "lvl",
    "levelname",
    "log.level",
    "loglevel",
    "log_level",
    "@l",
)
_BODY = ("message", "msg", "body", "event", "log", "text", "@m", "@mt")
_TRACE = ("trace_id", "traceId", "traceID", "trace.id", "traceid", "otelTraceID", "@tr")
_SPAN = ("span_id", "spanId", "spanID", "span.id", "spanid", "otelSpanID", "@sp")

_LEVELS = {
    "trace": 1, "verbose": 1, "silly": 1, "finest": 1, "finer": 1, "debug": 5, "dbg": 5, "fine": 5,
    "info": 9, "inf": 9, "information": 9, "informational": 9, "log": 9, "config": 9, "notice": 10,
    "warn": 13, "warning": 13, "wrn": 13, "error": 17, "err": 17, "severe": 17, "critical": 18, "crit": 18,
    "alert": 19, "fatal": 21, "ftl": 21, "panic": 21, "dpanic": 21, "emerg": 22, "emergency": 22,
}  # fmt: skip
_PINO = {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21}
_KLOG = {"D": "debug", "I": "info", "W": "warning", "E": "error", "F": "fatal"}

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\d* ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?(?!\w)"
)
_COMMON_LOG = re.compile(r"\[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]")
_STATED = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC|ALERT|EMERG|SEVERE)\b"
    r"|\b(?:level|lvl|severity)=\"?([A-Za-z]+)"
    r"|\[(trace|debug|info|notice|warn|warning|error|crit|alert|emerg|fatal)\]"
    r"|^([DIWEF])\d{4} \d\d:\d\d:\d\d"
)
_HEAD = 200  # characters in which a time or a level is looked for; further on it is but a word
_HEX = re.compile(r"[0-9a-fA-F]+")


def record_of(event: Event, attributes: Attributes, now_ns: int) -> LogRecord:
    """A record of the event, with the attributes of its file."""
    record = LogRecord(observed_time_unix_nano=now_ns, time_unix_nano=now_ns)
    put_attributes(record.attributes, attributes)
    text = clean(event.text.decode("utf-8", "replace").rstrip())
    if event.is_cut:
        cut: Attributes = {"log.truncated": True, "log.original_bytes": event.size}
        put_attributes(record.attributes, cut)
    fields = _object(text)
    if fields.keys() >= {"log", "stream", "time"} and len(fields) <= 4:  # Docker's own wrapping
        put_attributes(record.attributes, {"log.iostream": str(fields["stream"])})
        _set_time(record, _time(fields["time"]), now_ns)
        text = str(fields["log"]).rstrip()
        fields = _object(text)
    if fields:
        _structured(record, text, fields, now_ns)
    else:
        _plain(record, text, now_ns)
    return record


def clean(text: str) -> str:
    """Text that every store takes: no NUL, no half of a surrogate pair."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _plain(record: LogRecord, text: str, now_ns: int) -> None:
    record.body.string_value = text
    head = _COLOUR.sub("", text[:_HEAD])
    _set_time(record, _written(head), now_ns)
    if stated := _STATED.search(head):
        word = next(filter(None, stated.groups()))
        _set_level(record, _KLOG[word] if stated.group(4) else word)
    elif head.startswith("Traceback (most recent call last)"):
        _set_level(record, "error")


def _structured(record: LogRecord, text: str, fields: dict[str, Value], now_ns: int) -> None:
    _set_time(record, _time(_pop(fields, _TIME)), now_ns)
    _set_level(record, _pop(fields, _LEVEL))
    record.trace_id = _id(fields, _TRACE, 16)
    record.span_id = _id(fields, _SPAN, 8)
    body = _pop(fields, _BODY)
    record.body.string_value = text if body is None else str(body).rstrip()
    kept = dict(list(fields.items())[:MOST_ATTRIBUTES])
    record.dropped_attributes_count = len(fields) - len(kept)
    put_attributes(record.attributes, kept)


def _object(text: str) -> dict[str, Value]:
    """The fields of a line of JSON; none when it is no object."""
    if not text.startswith("{"):
        return {}
    flat: dict[str, Value] = {}
    try:
        found = json.loads(text)
        if isinstance(found, dict):
            _flatten(found, "", flat, 1)
    except (ValueError, RecursionError):
        return {}
    return flat


def _flatten(fields: dict[str, Any], prefix: str, into: dict[str, Value], depth: int) -> None:
    for name, value in fields.items():
        key = clean(f"{prefix}{name}")[:_LONGEST_NAME] or "_"
        if isinstance(value, dict) and value and depth < _DEEPEST:
            _flatten(value, f"{key}.", into, depth + 1)
        elif isinstance(value, str):
            into[key] = clean(value)
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            into[key] = str(value)
        elif isinstance(value, bool | int | float):
            into[key] = value
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            into[key] = [clean(item) for item in value]
        elif value is not None:
            into[key] = clean(json.dumps(value, ensure_ascii=False))


def _pop(fields: dict[str, Value], names: tuple[str, ...]) -> str | int | float | None:
    """The first of the fields that is there and says something."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            del fields[name]
            return value
    return None


def _id(fields: dict[str, Value], names: tuple[str, ...], size: int) -> bytes:
    """An id in hexadecimal; what is none stays among the attributes."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and len(value) == 2 * size and _HEX.fullmatch(value):
            del fields[name]
            return bytes.fromhex(value) if value.strip("0") else b""
    return b""


def _set_level(record: LogRecord, level: str | float | None) -> None:
    if level is None:
        return
    number = _LEVELS.get(level.lower()) if isinstance(level, str) else _PINO.get(int(level))
    record.severity_text = level.upper() if isinstance(level, str) else str(level)
    if number:
        record.severity_number = SeverityNumber.ValueType(number)


def _set_time(record: LogRecord, found_ns: int, now_ns: int) -> None:
    if 0 < found_ns <= now_ns + _AHEAD_NS:
        record.time_unix_nano = found_ns


def _time(value: Value | None) -> int:
    """Nanoseconds of what a logger calls time; 0 when it cannot be told."""
    if isinstance(value, str):
        return _written(value[:_HEAD]) or (_number(value) if value[:1].isdigit() else 0)
    return _number(value) if isinstance(value, int | float) else 0


def _number(value: str | float) -> int:
    """Seconds, milliseconds, microseconds or nanoseconds, by their size."""
    try:
        number = float(value)
        scale = next((10**power for most, power in _SIZES if abs(number) < most), 1)
        if isinstance(value, int):
            return value * scale
        return round(number * scale / 1000) * 1000  # more than microseconds it cannot tell
    except (ValueError, OverflowError):
        return 0


_SIZES = ((1e11, 9), (1e14, 6), (1e17, 3))


def _written(text: str) -> int:
    """The time in a text: ISO 8601, of this machine's zone if it names none, or as Apache writes it."""
    try:
        if found := _ISO.search(text):
            day, clock, fraction, zone = found.groups()
            moment = datetime.fromisoformat(f"{day}T{clock}{_offset(zone)}").astimezone(UTC)
            return int(moment.timestamp()) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))
        if found := _COMMON_LOG.search(text):
            moment = datetime.strptime(found.group(1), "%d/%b/%Y:%H:%M:%S %z")
            return int(moment.timestamp()) * 1_000_000_000
    except (ValueError, OverflowError, OSError):
        pass
    return 0


def _offset(zone: str | None) -> str:
    return "+00:00" if zone in ("Z", "UTC", "GMT") else zone or ""
