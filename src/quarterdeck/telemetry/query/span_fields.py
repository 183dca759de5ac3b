"""What a span can be grouped and compared by: columns, its attributes, its resource's.

A field goes by one name everywhere: as the search knows it, as facets list it, as the pages
show it. Resource attributes that are columns of their own are told by the column.
"""

import re

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.search.fields import RESOURCE_PREFIXES, field_of

COLUMNS = ("service", "name", "kind", "status", "environment", "release", "scope")

OUTCOMES = frozenset({
    "status", "status_message", "error", "error.type", "error.message", "exception.type", "exception.message",
    "http.response.status_code", "http.status_code", "rpc.grpc.status_code", "rpc.response.status_code",
    "rpc.jsonrpc.error_code", "grpc.status_code", "db.response.status_code", "otel.status_code",
    "otel.status_description",
})  # fmt: skip
"""Fields that tell how it ended, not why."""

COLUMN_OF_RESOURCE = {
    "service.name": "service", "service.version": "release", "deployment.environment.name": "environment",
    "deployment.environment": "environment",
}  # fmt: skip

_IDENTITY = re.compile(r"(^|[._-])(id|ids|uuid|guid|number|seq|sequence|offset|pid|hash|key)$")
_INCIDENTAL = re.compile(
    r"^(process|telemetry|thread|code|network|net|otel|scope)([._]|$)"
    r"|[._](port|pid|instance|uid)([._]|$)|instance\.id$|^(url|session)\.|^client\.address$"
)
MAX_NAME = 300


def value_of(asked: Asked, field: str) -> str:
    """SQL: a field's value as text, empty where a span does not have it."""
    if not field or len(field) > MAX_NAME:
        raise BadInput(
            "field_invalid", "This is not the name of a field.", "Name a column or an attribute."
        )
    if column := _column(field):
        return f"toString({column})"
    name = field.removeprefix("resource.").removeprefix("attributes.").removeprefix("@")
    key = asked.bind(name)
    own = f"attributes[{key}]"
    in_resource = field.startswith("resource.")
    if not in_resource and not name.startswith(RESOURCE_PREFIXES):
        return own
    # A resource is one of few texts; reading it as JSON happens once for each.
    shared = f"if(JSONType(resource, {key}) = 'String', JSONExtractString(resource, {key}), JSONExtractRaw(resource, {key}))"
    if in_resource:
        return f"toString({shared})"
    return f"if(JSONHas(resource, {key}), toString({shared}), {own})"


def _column(field: str) -> str | None:
    if field.lower() in COLUMNS:
        return field.lower()
    known = field_of("spans", field)
    return known.sql if known and known.kind == "text" else None


def resource_field(key: str) -> str:
    """The name under which a resource attribute is found."""
    return key if key.startswith(RESOURCE_PREFIXES) else f"resource.{key}"


def is_identity(field: str) -> bool:
    """Whether a number under this name counts things rather than measures one."""
    return bool(_IDENTITY.search(field.lower()))


def standing(field: str) -> int:
    """Which of two fields that say the same is shown: the lower."""
    if field in COLUMNS:
        return 0
    return 2 if _INCIDENTAL.search(field.lower()) or is_identity(field) else 1
