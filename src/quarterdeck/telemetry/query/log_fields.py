"""What a log record can be asked for by name: its columns, its attributes, its resource's.

A field goes by the name that the search and the facets know it by. An attribute of the record goes
before one of the resource by the same name; `attributes.NAME` and `resource.NAME` mean one of them.
"""

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.log_mask import pattern_of
from quarterdeck.telemetry.query.rows import hex_id
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.search.fields import field_of
from quarterdeck.telemetry.sql.wire import json_of_text

MAX_NAME = 300
TIME = "concat(replaceOne(toString(time, 'UTC'), ' ', 'T'), 'Z')"
"""SQL: the time of a record in ISO 8601, to the nanosecond."""

_COLUMNS = {
    "level": "toString(severity)",
    "severity_number": "toString(severity_number)",
    "severity_text": "toString(severity_text)",
    "body": "body",
    "pattern": pattern_of(),
    "trace_id": hex_id("trace_id", 16).rpartition(" AS ")[0],
    "span_id": hex_id("span_id", 8).rpartition(" AS ")[0],
    "time": TIME,
}


def text_of(asked: Asked, field: str) -> str:
    """SQL: a field's value as text, empty where a record does not have it."""
    if column := _column(field):
        return column
    name, own, shared = _attribute(asked, field)
    return _chosen(own, shared, f"attributes[{name}]", f"if(JSONType(resource, {name}) = 'String', JSONExtractString(resource, {name}), JSONExtractRaw(resource, {name}))", "''")  # fmt: skip


def json_of(asked: Asked, field: str) -> str:
    """SQL: a field's value as JSON, with its type; null where a record does not have it."""
    if field == "body":
        return "multiIf(body_type = 'string', toJSONString(body), body_type = 'none', 'null', isValidJSON(body), body, toJSONString(body))"
    if column := _column(field):
        number = field.lower() == "severity_number"
        return column if number else f"toJSONString(toString({column}))"
    name, own, shared = _attribute(asked, field)
    type = f"toString(arrayElement(attribute_types, indexOf(mapKeys(attributes), {name})))"
    return _chosen(
        own,
        shared,
        json_of_text(f"attributes[{name}]", type),
        f"JSONExtractRaw(resource, {name})",
        "'null'",
    )


def _column(field: str) -> str:
    """SQL: the column of a field, or nothing when it is an attribute."""
    if not field or len(field) > MAX_NAME or "\0" in field:
        raise BadInput(
            "field_invalid", "This is not the name of a field.", "Name a column or an attribute."
        )
    known = field_of("logs", field)
    name = known.names[0] if known else field.lower()
    return _COLUMNS.get(name) or (f"toString({known.sql})" if known else "")


def _attribute(asked: Asked, field: str) -> tuple[str, str, str]:
    """SQL: the name, whether the record has it, and whether its resource does."""
    name = field.removeprefix("resource.").removeprefix("attributes.").removeprefix("@")
    key = asked.bind(name)
    own = "" if field.startswith("resource.") else f"mapContains(attributes, {key})"
    shared = "" if field.startswith(("attributes.", "@")) else f"JSONHas(resource, {key})"
    return key, own, shared


def _chosen(own: str, shared: str, of_own: str, of_shared: str, otherwise: str) -> str:
    cases = [(own, of_own), (shared, f"toString({of_shared})")]
    listed = ", ".join(f"{held}, {value}" for held, value in cases if held)
    return f"multiIf({listed}, {otherwise})"
