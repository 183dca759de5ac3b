"""How stored spans and log records become rows of the API: ids in hex, attributes typed.

In lists the attributes of an item, and its resource, take 32 KB each at most: beyond that every
value is cut to its equal share, and what is cut is text.
"""

from collections.abc import Iterable
from typing import Any

from quarterdeck.telemetry.sql.accessors import TextMap
from quarterdeck.telemetry.sql.wire import json_of_map, json_of_text, read_json

LISTED_BYTES = 32_768  # of a body, of the attributes, of a resource, in lists
_LISTED_KEY = 128

ATTRIBUTES = f"{json_of_map(TextMap('attributes', 'attribute_types'))} AS attributes_json"
RESOURCE = "resource::String AS resource_json"

_SHARE = f"greatest(16, intDiv({LISTED_BYTES}, length(mapKeys(attributes))))"
_ATTRIBUTES_LARGE = f"arraySum(arrayMap((k, v) -> length(k) + length(v), mapKeys(attributes), mapValues(attributes))) > {LISTED_BYTES}"
_RESOURCE_LARGE = f"length(resource) > {LISTED_BYTES}"
_PAIRS = "JSONExtractKeysAndValuesRaw(resource::String)"


def _beginning(text: str, bytes: int | str) -> str:
    return f"toValidUTF8(left({text}, {bytes}))"


def _listed_attributes() -> str:
    value = f"if(length(v) > {_SHARE}, toJSONString({_beginning('v', _SHARE)}), {json_of_text('v', 't')})"
    pair = f"concat(toJSONString({_beginning('k', _LISTED_KEY)}), ':', {value})"
    pairs = f"arrayMap((k, v, t) -> {pair}, mapKeys(attributes), mapValues(attributes), attribute_types)"
    whole = ATTRIBUTES.rpartition(" AS ")[0]
    return f"if({_ATTRIBUTES_LARGE}, concat('{{', arrayStringConcat({pairs}, ','), '}}'), {whole})"


def _listed_resource() -> str:
    share = f"greatest(16, intDiv({LISTED_BYTES}, length({_PAIRS})))"
    text = "if(startsWith(p.2, '\"'), JSONExtractString(p.2), p.2)"
    value = f"if(length(p.2) > {share}, toJSONString({_beginning(text, share)}), p.2)"
    pair = f"concat(toJSONString({_beginning('p.1', _LISTED_KEY)}), ':', {value})"
    pairs = f"arrayStringConcat(arrayMap(p -> {pair}, {_PAIRS}), ',')"
    return f"if({_RESOURCE_LARGE}, concat('{{', {pairs}, '}}'), resource::String)"


LISTED_ATTRIBUTES = f"{_listed_attributes()} AS attributes_json"
LISTED_RESOURCE = f"{_listed_resource()} AS resource_json"
LISTED_CUT = f"({_ATTRIBUTES_LARGE} OR {_RESOURCE_LARGE}) AS attributes_cut"


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
