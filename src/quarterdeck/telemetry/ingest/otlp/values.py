"""An AnyValue as plain Python and as the JSON that the store keeps."""

import base64
from collections.abc import Iterable
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def plain(value: AnyValue) -> Any:
    """An AnyValue as plain Python, bytes as {"$bytes": base64}."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(inner) for inner in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return {"$bytes": base64.b64encode(value.bytes_value).decode()}
    return getattr(value, kind)


def json_object(attributes: Iterable[KeyValue]) -> bytes:
    """A JSON object of a list of key-values."""
    return orjson.dumps({pair.key: plain(pair.value) for pair in attributes})


def json_value(value: AnyValue) -> bytes:
    """The JSON of one value."""
    return orjson.dumps(plain(value))
