"""The fields that every log record or span has, by the names that a search may call them.

Any other name is an attribute. An attribute that bears one of these names is reached as
`attributes.NAME`.
"""

from dataclasses import dataclass
from typing import Literal

Signal = Literal["logs", "spans"]
Kind = Literal["text", "words", "pattern", "level", "number", "duration", "id", "choice", "flag"]

LEVELS = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")
_LEVEL_NAMES = {name: i for i, name in enumerate(LEVELS)} | {"warning": 4, "information": 3, "critical": 6, "err": 5}  # fmt: skip

LEVEL = "intDiv(toUInt8(severity_number) + 3, 4)"
"""The class of a record's severity, as `LEVELS` counts them."""

ENTRY = "kind IN ('server', 'consumer') OR parent_span_id = toFixedString('', 8)"
"""Spans that a service was asked for, or that began a trace: what a person means by a request."""


@dataclass(frozen=True, slots=True)
class Field:
    names: tuple[str, ...]
    """What it may be called; the first is offered."""
    kind: Kind
    sql: str
    """The column, or what it means that a flag is true."""
    choices: tuple[str, ...] = ()
    """The only values there are; of a level the usual ones."""
    unit: float = 1
    """Nanoseconds of a bare number of a duration."""
    size: int = 0
    """Bytes of an id."""


_BOTH = (
    Field(("service", "service.name"), "text", "service"),
    Field(("environment", "env", "deployment.environment.name"), "text", "environment"),
    Field(("release", "version", "service.version"), "text", "release"),
    Field(("scope",), "text", "scope"),
    Field(("trace_id", "trace"), "id", "trace_id", size=16),
    Field(("span_id", "span"), "id", "span_id", size=8),
)
_TRUTH = ("true", "false")

FIELDS: dict[Signal, tuple[Field, ...]] = {
    "logs": (
        Field(("level", "severity"), "level", LEVEL, LEVELS[1:]),
        Field(("body",), "words", "body"),
        Field(("pattern",), "pattern", "body"),
        Field(("event_name", "event"), "text", "event_name"),
        Field(("severity_number",), "number", "severity_number"),
        *_BOTH,
    ),
    "spans": (
        Field(("name", "operation"), "text", "name"),
        Field(("duration", "duration_ms"), "duration", "duration_ns", unit=1e6),
        Field(("duration_ns",), "duration", "duration_ns"),
        Field(("status",), "choice", "status", ("error", "ok", "unset")),
        Field(("has_error",), "flag", "status = 'error'", _TRUTH),
        Field(
            ("kind",), "choice", "kind",
            ("server", "client", "internal", "producer", "consumer", "unspecified"),
        ),
        Field(("entry",), "flag", ENTRY, _TRUTH),
        Field(("root",), "flag", "parent_span_id = toFixedString('', 8)", _TRUTH),
        Field(("status_message",), "text", "status_message"),
        Field(("parent_span_id",), "id", "parent_span_id", size=8),
        *_BOTH,
    ),
}  # fmt: skip

_BY_NAME = {
    signal: {name: field for field in fields for name in field.names}
    for signal, fields in FIELDS.items()
}

RESOURCE_PREFIXES = ("host.", "os.", "process.", "container.", "k8s.", "cloud.", "telemetry.", "service.", "deployment.", "device.")  # fmt: skip
"""Attributes by these names are looked for in the resource as well."""


def field_of(signal: Signal, name: str) -> Field | None:
    return _BY_NAME[signal].get(name.lower())


def level_of(text: str) -> int | None:
    """The class of a severity by its name."""
    return _LEVEL_NAMES.get(text.lower())
