"""Search terms as conditions over the stored tables, every value bound as a parameter.

Words of log bodies are looked up in the text index: a word matches whole words, without
regard to case. A phrase must stand as written; what holds `*` is matched as a pattern and
cannot use the index.
"""

import re
from collections.abc import Callable

from quarterdeck.telemetry.query.search import Term, invalid, parse
from quarterdeck.telemetry.query.window import Asked

_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_WORDS = re.compile(r"[a-z0-9\x80-\U0010ffff]+")
_HEX = re.compile(r"[0-9a-fA-F]+")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)?")
_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9}

LEVELS = ("unspecified", "trace", "debug", "info", "warn", "error", "fatal")
_LEVEL_NAMES = {name: i for i, name in enumerate(LEVELS)} | {"warning": 4, "information": 3, "critical": 6, "err": 5}  # fmt: skip
RESOURCE_PREFIXES = ("host.", "os.", "process.", "container.", "k8s.", "cloud.", "telemetry.", "service.", "deployment.", "device.")  # fmt: skip
"""Attributes by these names are looked for in the resource as well."""

_COLUMNS = {
    "service": "service", "service.name": "service", "environment": "environment", "env": "environment",
    "deployment.environment.name": "environment", "release": "release", "version": "release",
    "service.version": "release", "scope": "scope",
}  # fmt: skip
_LOG_COLUMNS = {**_COLUMNS, "event": "event_name", "event_name": "event_name", "body": "body"}
SPAN_COLUMNS = {
    **_COLUMNS, "name": "name", "operation": "name", "status_message": "status_message",
}  # fmt: skip
_KINDS = {"unspecified", "internal", "server", "client", "producer", "consumer"}
_STATUSES = {"unset", "ok", "error"}

Condition = Callable[[Asked, Term], str]


def search_logs(asked: Asked, text: str) -> None:
    """Add the conditions of a search over log records."""
    _search(asked, text, _log_term)


def search_spans(asked: Asked, text: str) -> None:
    """Add the conditions of a search over spans."""
    _search(asked, text, _span_term)


def level_of(text: str) -> int | None:
    """The class of a severity by its name."""
    return _LEVEL_NAMES.get(text.lower())


def _search(asked: Asked, text: str, one: Condition) -> None:
    for term in parse(text):
        condition = one(asked, term)
        asked.add(f"NOT ({condition})" if term.negated else condition)


def _log_term(asked: Asked, term: Term) -> str:
    field = term.field.lower()
    if not field:
        return _id_or(asked, term, lambda: _in_body(asked, term))
    if field in {"severity", "level"}:
        level = level_of(term.value)
        if level is None:
            return f"lower(severity_text) = {asked.bind(_lower(term.value))}"
        return f"intDiv(toUInt8(severity_number) + 3, 4) {_sign(term)} {level}"
    if field == "severity_number":
        return f"severity_number {_sign(term)} {_number(asked, term)}"
    if field == "body" and term.operator == ":" and "*" not in term.value:
        return _in_body(asked, term)
    return _common(asked, term, _LOG_COLUMNS)


def _span_term(asked: Asked, term: Term) -> str:
    field = term.field.lower()
    if not field:
        return _id_or(asked, term, lambda: _in_span(asked, term))
    if field in {"duration", "duration_ns", "duration_ms"}:
        unit = {"duration_ns": "ns"}.get(field, "ms")
        return f"duration_ns {_sign(term)} {asked.bind(_duration(term, unit), 'Int64')}"
    if field == "kind":
        return f"kind = {asked.bind(_one_of(term, _KINDS))}"
    if field == "status":
        return f"status = {asked.bind(_one_of(term, _STATUSES))}"
    return _common(asked, term, SPAN_COLUMNS)


def _common(asked: Asked, term: Term, columns: dict[str, str]) -> str:
    field = term.field.lower()
    sizes = {"trace_id": 16, "trace": 16, "span_id": 8, "span": 8, "parent_span_id": 8}
    if field in sizes:
        column = {"trace": "trace_id", "span": "span_id"}.get(field, field)
        return _id(asked, column, term.value, sizes[field])
    if field in columns:
        return _text(asked, term, columns[field])
    return _attribute(asked, term)


def _attribute(asked: Asked, term: Term) -> str:
    name = term.field
    in_resource = name.startswith("resource.")
    name = name.removeprefix("resource.").removeprefix("attributes.").removeprefix("@")
    key = asked.bind(name)
    if in_resource or name.startswith(RESOURCE_PREFIXES):
        held = f"JSONHas(resource, {key})"
        value = f"if(JSONType(resource, {key}) = 'String', JSONExtractString(resource, {key}), JSONExtractRaw(resource, {key}))"
        condition = held if term.value == "*" else _text(asked, term, value)
        if in_resource:
            return condition
        return f"({condition}) OR ({_of_map(asked, term, key)})"
    return _of_map(asked, term, key)


def _of_map(asked: Asked, term: Term, key: str) -> str:
    held = f"mapContains(attributes, {key})"
    if term.value == "*" and not term.quoted:
        return held
    condition = _text(asked, term, f"attributes[{key}]")
    return f"{held} AND {condition}" if term.value == "" else condition


def _text(asked: Asked, term: Term, column: str) -> str:
    if term.operator != ":":
        return f"toFloat64OrNull(toString({column})) {_sign(term)} {_number(asked, term)}"
    if "*" in term.value and not term.quoted:
        return f"{column} ILIKE {asked.bind(_like(term.value))}"
    return f"{column} = {asked.bind(term.value)}"


def _in_body(asked: Asked, term: Term) -> str:
    text = _lower(term.value)
    if "*" in text and not term.quoted:
        return f"lower(body) LIKE {asked.bind('%' + _like(text.strip('*')) + '%')}"
    words = _WORDS.findall(text)[:64]
    conditions = []
    if words:
        conditions.append(f"hasAllTokens(lower(body), {asked.bind(words, 'Array(String)')})")
    if words != [text]:  # more than a word: it must also stand as written
        conditions.append(f"position(lower(body), {asked.bind(text)}) > 0")
    return " AND ".join(conditions)


def _in_span(asked: Asked, term: Term) -> str:
    text = asked.bind("%" + _like(_lower(term.value).strip("*")) + "%")
    return f"lower(name) LIKE {text} OR lower(status_message) LIKE {text}"


def _id_or(asked: Asked, term: Term, otherwise: Callable[[], str]) -> str:
    """A word that looks like a trace id is one."""
    if len(term.value) == 32 and _HEX.fullmatch(term.value):
        return _id(asked, "trace_id", term.value, 16)
    return otherwise()


def _id(asked: Asked, column: str, value: str, size: int) -> str:
    if len(value) != size * 2 or not _HEX.fullmatch(value):
        return "1 = 0"
    return f"{column} = toFixedString(unhex({asked.bind(value)}), {size})"


def _sign(term: Term) -> str:
    return "=" if term.operator == ":" else term.operator


def _number(asked: Asked, term: Term) -> str:
    try:
        return asked.bind(float(term.value), "Float64")
    except ValueError:
        raise invalid(f"`{term.field}{term.operator}` needs a number.", term.position) from None


def _duration(term: Term, unit: str) -> int:
    found = _DURATION.fullmatch(term.value)
    if not found:
        raise invalid(f"`{term.value}` is not a duration; write 250ms or 1.5s.", term.position)
    return int(float(found.group(1)) * _UNITS[found.group(2) or unit])


def _one_of(term: Term, known: set[str]) -> str:
    value = term.value.lower()
    if value not in known or term.operator != ":":
        raise invalid(f"`{term.field}` is one of {', '.join(sorted(known))}.", term.position)
    return value


def _like(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%")


def _lower(text: str) -> str:
    """As the engine's `lower` does: ASCII alone."""
    return text.translate(_LOWER)
