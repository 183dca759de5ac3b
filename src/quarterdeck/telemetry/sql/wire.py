"""Typed values on their way out: JSON text from the engine, parsed once here.

The engine's JSON writes the double 2.0 as `2`, so that a value would come back as an
integer. Where a result column is a view's own map, list or one key of a map, the view
gives its exact JSON as text instead. Within an expression, a subquery or a group the engine's
own type holds the value, and in lists of keys and values that type keeps no nulls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from quarterdeck.telemetry.sql.accessors import TextMap
from quarterdeck.telemetry.sql.tree import Node, arguments, literal_text
from quarterdeck.telemetry.sql.views import quote

if TYPE_CHECKING:
    from quarterdeck.telemetry.sql.filters import Scope
    from quarterdeck.telemetry.sql.rewrite import Source


@dataclass(frozen=True, slots=True)
class Wire:
    """How the text of a result column is read."""

    type: str
    read: Callable[[Any], Any]


def json_of_text(value: str, type: str) -> str:
    """SQL: the JSON of a stored text and its type."""
    number = f"multiIf(match({value}, '^-?[0-9]+$'), concat({value}, '.0'), {value} IN ('nan', 'inf', '-inf'), concat('\"', {value}, '\"'), {value})"
    return f"multiIf({type} = 'string', toJSONString({value}), {type} = 'double', {number}, {type} = 'none', 'null', {value})"


def json_of_map(values: TextMap) -> str:
    """SQL: a whole map as one JSON object."""
    pairs = f"arrayMap((k, v, t) -> concat(toJSONString(k), ':', {json_of_text('v', 't')}), mapKeys({values.map}), mapValues({values.map}), {values.types})"
    return f"concat('{{', arrayStringConcat({pairs}, ','), '}}')"


def read_json(text: str) -> Any:
    """What stands in a stored JSON text; text that no parser takes is shown as it is."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _read_map(text: str) -> Any:
    return read_json(text) if text else {}


def _read_list(text: str) -> Any:
    return read_json(text) if text else []


def _read_events(text: str) -> Any:
    events = _read_list(text)
    for event in events if isinstance(events, list) else []:
        event["time"] = iso(event["time"])
    return events


def iso(ns: int) -> str:
    """ISO 8601 in UTC to the nanosecond, as the engine writes it."""
    seconds, rest = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def _read_key(pair: Any) -> Any:
    """A key, and the whole map that it is picked from."""
    key, text = pair
    whole = _read_map(text)
    return whole.get(key) if isinstance(whole, dict) else None


MAP = Wire("map", _read_map)
ANY = Wire("any", lambda text: None if text is None else read_json(text))
KEYED = Wire("any", _read_key)
_LISTS = {"events": Wire("array", _read_events), "links": Wire("array", _read_list)}


def possible(select: Node) -> bool:
    """Whether the result's columns are just what the select lists, a row for a row."""
    grouped = {
        "distinct",
        "group_by",
        "group_by_all",
        "having",
        "limit_by",
        "order_by_all",
        "qualify",
    }
    if grouped & select.keys():
        return False
    ordered = (select.get("order_by") or {}).get("children", [])
    return not any(item.get("expression", {}).get("type") == "Literal" for item in ordered)


def expand(items: list[Node], scope: "Scope") -> list[Node]:
    """A plain `*` over one view, as the names it stands for."""
    if len(scope.tables) != 1 or len(scope.elements) != 1 or len(scope.sources) != 1:
        return items
    out: list[Node] = []
    for item in items:
        if item["type"] == "Asterisk" and "transformers" not in item:
            out += [{"type": "Identifier", "name": n} for n in scope.sources[0].view.names]
        else:
            out.append(item)
    return out


def of_item(item: Node, scope: "Scope") -> "tuple[Source, str, str, Wire] | None":
    """A result column that can travel as text: its view, what was written, SQL, how to read it."""
    column = scope.column_of(item, scope.names - {item.get("alias")})
    if column:
        source, name = column
        if name in source.view.maps:
            whole = source.view.maps[name]
            sql = json_of_map(whole) if isinstance(whole, TextMap) else f"{whole.text}::String"
            return source, name, sql, MAP
        if name in _LISTS and source.view.name == "spans":
            return source, name, f"__t.{name}", _LISTS[name]
        return None
    if item["type"] != "Function" or item["name"] != "arrayElement":
        return None
    given = arguments(item)
    key = literal_text(given[1]) if len(given) == 2 else None
    found = scope.map_of(given[0], scope.names - {item.get("alias")}) if given else None
    if key is None or not found:
        return None
    source, name, values = found
    if not isinstance(values, TextMap):  # the engine would lose the point of 2.0, and keys of nulls
        return source, f"{name}['{key}']", f"({quote(key)}, {values.text}::String)", KEYED
    at = f"arrayElement({values.types}, indexOf(mapKeys({values.map}), {quote(key)}))"
    text = json_of_text(f"arrayElement({values.map}, {quote(key)})", at)
    return source, f"{name}['{key}']", f"if({at} = 'none', NULL, {text})", ANY
