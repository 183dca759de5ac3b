"""An AnyValue as plain Python and as the JSON that the store keeps."""

import base64
import math
from collections.abc import Iterable
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def plain(value: AnyValue) -> Any:
    """An AnyValue as JSON has it: bytes as {"$bytes": base64}, infinities and NaN by name."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(inner) for inner in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return {"$bytes": base64.b64encode(value.bytes_value).decode()}
    found = getattr(value, kind)
    return str(found) if kind == "double_value" and not math.isfinite(found) else found


def json_object(attributes: Iterable[KeyValue]) -> bytes:
    """A JSON object of a list of key-values."""
    return orjson.dumps({pair.key: plain(pair.value) for pair in attributes})


def json_value(value: AnyValue) -> bytes:
    """The JSON of one value."""
    return orjson.dumps(plain(value))
