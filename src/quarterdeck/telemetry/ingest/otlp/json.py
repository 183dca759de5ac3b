"""OTLP's JSON, which is protobuf's JSON with three differences: trace and span ids are hex,
enums are integers, and unknown fields are ignored.

Source: opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding". This path costs
Python time for every item; browsers and tests use it, collectors do not.
"""

import base64
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message

from quarterdeck.telemetry.ingest.outcome import Reason, Refused

_IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
_NOT_HEX = base64.b64encode(b"!").decode()  # of a length that no id has: refused by name, alone


LARGEST = (
    4 * 1024 * 1024
)  # bytes; JSON unfolds to many times its size, and protobuf has no such limit
MOST_NODES = 500_000


def parse(data: bytes, request: type[Message]) -> Message:
    """The request message that the JSON stands for."""
    if len(data) > LARGEST:
        raise Refused(
            Reason.TOO_LARGE,
            f"JSON is taken up to {LARGEST // 1048576} MiB; send protobuf, or less at once.",
        )
    try:
        document = orjson.loads(data)
        if not isinstance(document, dict):
            raise Refused(Reason.UNPARSABLE, "The body is not a JSON object.")
        _hex_ids(document)
        return json_format.ParseDict(document, request(), ignore_unknown_fields=True)
    except (orjson.JSONDecodeError, json_format.ParseError, RecursionError, ValueError) as error:
        raise Refused(
            Reason.UNPARSABLE, f"The body is not valid OTLP JSON: {error}"[:400]
        ) from error


def _hex_ids(root: dict[str, Any]) -> None:
    """Turn every hex id into the base64 that protobuf's JSON wants, in place, without recursion."""
    stack: list[Any] = [root]
    nodes = 0
    while stack:
        node = stack.pop()
        nodes += 1
        if nodes > MOST_NODES:
            raise Refused(
                Reason.TOO_MANY_ITEMS,
                f"The JSON holds more than {MOST_NODES} objects; send less at once.",
            )
        if isinstance(node, list):
            stack.extend(x for x in node if isinstance(x, dict | list))
            continue
        for key, value in node.items():
            if isinstance(value, dict | list):
                stack.append(value)
            elif key in _IDS and isinstance(value, str):
                node[key] = _base64_of_hex(value)


def _base64_of_hex(text: str) -> str:
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except ValueError:
        return _NOT_HEX


def render(message: Message) -> bytes:
    """A response message as OTLP JSON; an empty one is `{}`."""
    return orjson.dumps(json_format.MessageToDict(message))
