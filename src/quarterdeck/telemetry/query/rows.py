"""How stored spans and log records become rows of the API: ids in hex, attributes typed."""

from collections.abc import Iterable
from typing import Any

from quarterdeck.telemetry.sql.accessors import TextMap
from quarterdeck.telemetry.sql.wire import json_of_map, read_json

ATTRIBUTES = f"{json_of_map(TextMap('attributes', 'attribute_types'))} AS attributes_json"
RESOURCE = "resource::String AS resource_json"


def hex_id(column: str, size: int, name: str = "") -> str:
    """SQL: an id in lower-case hex, empty when it is all zeros."""
    shown = f"if({column} = toFixedString('', {size}), '', lower(hex({column})))"
    return f"{shown} AS {name or column + '_hex'}"


def trace_ids(ids: Iterable[str]) -> str:
    """SQL: a list that the primary key and the bloom filters can use; the ids are hexadecimal."""
    return ", ".join(f"toFixedString(unhex('{bytes.fromhex(i).hex()}'), 16)" for i in ids)


def object_of(text: str) -> dict[str, Any]:
    """A stored JSON object; anything else shows as nothing rather than failing the page."""
    value = read_json(text) if text else {}
    return value if isinstance(value, dict) else {}


def list_of(text: str) -> list[dict[str, Any]]:
    value = read_json(text) if text else []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
