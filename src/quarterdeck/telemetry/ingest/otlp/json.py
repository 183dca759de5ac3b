"""OTLP's JSON, which is protobuf's JSON with three differences: trace and span ids are hex,
enums are integers, and unknown fields are ignored.

Source: opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding". This path costs
Python time for every item; browsers and tests use it, collectors do not.
"""

import base64
import binascii
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.message import Message

from quarterdeck.telemetry.ingest.outcome import Reason, Refused

_IDS = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
_NOT_HEX = base64.b64encode(b"!").decode()  # of a length that no id has: refused by name, alone


MOST_NODES = 500_000
MOST_COMMAS = 4 * MOST_NODES  # JSON unfolds to many times its size, by the number of its parts


def parse(data: bytes, request: type[Message]) -> Message:
    """The request message that the JSON stands for."""
    if data.count(b",") > MOST_COMMAS or data.count(b"{") + data.count(b"[") > 2 * MOST_NODES:
        raise _too_many()
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


def _too_many() -> Refused:
    return Refused(
        Reason.TOO_MANY_ITEMS,
        f"The JSON holds more than {MOST_NODES} objects and lists; send less at once, or protobuf.",
    )


def _hex_ids(root: dict[str, Any]) -> None:
    """Turn every hex id into the base64 that protobuf's JSON wants, in place, without recursion."""
    stack: list[Any] = [root]
    nodes = 0
    while stack:
        node = stack.pop()
        nodes += 1
        if nodes > MOST_NODES:
            raise _too_many()
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
        return base64.b64encode(binascii.unhexlify(text)).decode()
    except ValueError:
        return _NOT_HEX


def render(message: Message) -> bytes:
    """A response message as OTLP JSON; an empty one is `{}`."""
    return orjson.dumps(json_format.MessageToDict(message))
