"""Values of Sentry's JSON as the rest of Quarterdeck wants them: bounded, typed, never trusted."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from quarterdeck.errors.shapes import mapping, pairs

MIB = 1_048_576
_DEEPEST = 6  # lists and objects in each other that stay so; below it they are text
_INT64 = 1 << 63
_LATEST_S = 1 << 33  # the year 2242; later is no time but a mistake
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def load(data: bytes | memoryview) -> Any:
    """JSON, or ValueError."""
    return load_kept(data)[0]


def load_kept(data: bytes | memoryview) -> tuple[Any, bytes]:
    """JSON and its text as it can be kept, or ValueError.

    SDKs cut texts in the middle of a surrogate pair and some write NaN; both are mended, since
    the rest of the document is as good as ever.
    """
    try:
        return orjson.loads(data), bytes(data)
    except orjson.JSONDecodeError:
        mended = _mended(data)
        return orjson.loads(mended), mended


def _mended(data: bytes | memoryview) -> bytes:
    try:
        found = json.loads(bytes(data).decode("utf-8", "replace"), parse_constant=lambda _: None)
        whole = json.dumps(found, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise ValueError("the JSON nests too deeply") from None
    return whole.encode("utf-8", "replace")


def json_text(value: Any) -> str:
    """A value as JSON; the engine's own libraries know no more than 254 levels."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return "(nests too deeply)"


def whole(value: Any, most: int = 1 << 31) -> int:
    """A number from 1 on; 0 where it is none, or beyond all that is sensible."""
    known = isinstance(value, int) and not isinstance(value, bool) and 0 < value < most
    return value if known else 0


def tags(value: Any) -> dict[str, str]:
    """Tags in any of the ways in which SDKs send them."""
    return {str(key): _tag(one) for key, one in pairs(value) if one is not None}


def _tag(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json_text(value)


def id_bytes(value: Any) -> bytes:
    """The bytes of a trace or span id; none when it is not written in hexadecimal digits."""
    found = value.replace("-", "") if isinstance(value, str) and len(value) < 64 else ""
    return bytes.fromhex(found) if found and len(found) % 2 == 0 and _is_hex(found) else b""


def _is_hex(found: str) -> bool:
    return all(character in "0123456789abcdefABCDEF" for character in found)


def time_ns(value: Any, shift_ns: int = 0) -> int:
    """Seconds since 1970 or an ISO date, put right by the sender's clock; 0 is no time."""
    at_ns = _iso_ns(value) if isinstance(value, str) else _epoch_ns(value)
    return max(at_ns + shift_ns, 0) if at_ns else 0


def _epoch_ns(seconds: Any) -> int:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return 0
    if not 0 < seconds < _LATEST_S:
        return 0
    whole = int(seconds)  # a double holds microseconds of our time, and no more
    return whole * 1_000_000_000 + round((seconds - whole) * 1e6) * 1000


def _iso_ns(written: str) -> int:
    try:
        return _epoch_ns(float(written))
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(written[:64].strip())
        since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        return 0
    micros = since // timedelta(microseconds=1)
    return micros * 1000 if 0 < micros < _LATEST_S * 1_000_000 else 0


def put(attributes: Any, values: Mapping[str, Any]) -> None:
    """Add to the attributes of an OTLP message what is there, each with its type."""
    for key, value in values.items():
        if value is not None:
            _fill(attributes.add(key=key).value, value, _DEEPEST)


def any_value(value: Any) -> AnyValue:
    found = AnyValue()
    _fill(found, value, _DEEPEST)
    return found


def _fill(into: AnyValue, value: Any, deeper: int) -> None:
    if isinstance(value, str):
        into.string_value = value
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int) and -_INT64 <= value < _INT64:
        into.int_value = value
    elif isinstance(value, int | float):
        into.double_value = value
    elif isinstance(value, dict | list) and not deeper:
        into.string_value = json_text(value)
    elif isinstance(value, list):
        into.array_value.SetInParent()
        for one in value:
            _fill(into.array_value.values.add(), one, deeper - 1)
    elif isinstance(value, dict):
        into.kvlist_value.SetInParent()
        for key, one in value.items():
            _fill(into.kvlist_value.values.add(key=key).value, one, deeper - 1)


def typed(attributes: Any) -> dict[str, Any]:
    """Attributes as logs, spans and metrics of today have them: `{"value": …, "type": …}`."""
    found = {}
    for key, one in mapping(attributes).items():
        value = one.get("value") if isinstance(one, dict) else one
        if isinstance(one, dict) and one.get("type") == "double" and isinstance(value, int):
            value = float(value)
        if value is not None:
            found[key] = value
    return found
