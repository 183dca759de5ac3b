"""Events of an issue: the list, one event in full, and what its events have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from quarterdeck.core.errors import BadInput, NotFound
from quarterdeck.errors.event import titled
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import LIMITS, Window, run

MOST_LISTED = 200
MOST_VALUES = 10
_FIELDS = ("release", "environment", "service", "browser", "os", "device", "transaction", "url", "server_name", "handled", "level")  # fmt: skip
_LISTED = (
    "lower(hex(event_id)) AS id, toUnixTimestamp64Milli(time::DateTime64(3)) AS time_ms, type, message, level, environment,"
    " service, release, user, user_id, user_email, user_name, user_ip, browser, os, device, transaction, url, method,"
    " if(trace_id = toFixedString('', 16), '', lower(hex(trace_id))) AS trace,"
    " if(span_id = toFixedString('', 8), '', lower(hex(span_id))) AS span, replay_id, handled"
)


@dataclass(frozen=True, slots=True)
class Facet:
    """The values that a field has most, with the events of each."""

    field: str
    values: list[tuple[str, int]]


def listed(groups: Sequence[int]) -> str:
    """Groups as SQL; there is always one, so that the list is never empty."""
    return ", ".join(map(str, groups)) or "0"


def newest(engine: Engine, window: Window, groups: Sequence[int]) -> list[dict[str, Any]]:
    """The newest events, each once."""
    sql = f"""
        SELECT {_LISTED} FROM error_events WHERE {window.where()} AND group_id IN ({listed(groups)})
        ORDER BY time DESC LIMIT 1 BY event_id LIMIT {MOST_LISTED}"""
    return run(engine, "error_events_list", sql, window).dicts()


def one(engine: Engine, project: int, event_id: str, groups: Sequence[int]) -> dict[str, Any]:
    """An event with all that was sent; `latest` is the newest of the groups."""
    where = f"project = {project} AND group_id IN ({listed(groups)})"
    params = {}
    if event_id != "latest":
        plain = event_id.replace("-", "").lower()
        if len(plain) != 32 or not set(plain) <= set("0123456789abcdef"):
            raise BadInput("event_id_invalid", "An event's id is 32 hexadecimal digits.", "Copy it from the list.")  # fmt: skip
        where += " AND event_id = unhex({id:String})::FixedString(16)"
        params["id"] = plain
    sql = f"""
        SELECT {_LISTED}, platform, sdk, logger, server_name, culprit, category, severity, tags, grouped_by, grouped_parts,
            toString(group_id) AS of_group, payload
        FROM error_events WHERE {where} ORDER BY time DESC LIMIT 1"""
    found = engine.query("error_event", sql, params, limits=LIMITS).dicts()
    if not found:
        raise NotFound("event_unknown", "There is no such event, or it is no longer kept.", "GET the issue's events lists them.")  # fmt: skip
    event = found[0]
    event["title"] = titled(event["type"], event["message"])
    event["payload"] = orjson.loads(event["payload"])
    return event


def neighbours(
    engine: Engine, project: int, groups: Sequence[int], event_id: str, time_ms: int
) -> tuple[str, str]:
    """The events before and after one, '' where there is none."""
    at = f"fromUnixTimestamp64Milli({time_ms})"
    where = f"project = {project} AND group_id IN ({listed(groups)}) AND event_id != unhex({{id:String}})::FixedString(16)"
    sql = f"""
        SELECT lower(hex(argMaxIf(event_id, time, time < {at}))), countIf(time < {at}),
            lower(hex(argMinIf(event_id, time, time > {at}))), countIf(time > {at})
        FROM error_events WHERE {where}"""
    before, earlier, after, later = engine.query("error_neighbours", sql, {"id": event_id}, limits=LIMITS).rows[0]  # fmt: skip
    return before if earlier else "", after if later else ""


def facets(engine: Engine, window: Window, groups: Sequence[int]) -> list[Facet]:
    """What the events have in common: fields and tags, by their most frequent values."""
    pairs = ", ".join(f"('{name}', {name}::String)" for name in _FIELDS)
    sql = f"""
        SELECT pair.1 AS name, pair.2 AS value, uniqExact(event_id) AS events
        FROM error_events
        ARRAY JOIN arrayConcat([{pairs}], arrayZip(mapKeys(tags)::Array(String), mapValues(tags))) AS pair
        WHERE {window.where()} AND group_id IN ({listed(groups)}) AND value != ''
        GROUP BY name, value ORDER BY events DESC LIMIT {MOST_VALUES} BY name LIMIT 600"""
    found: dict[str, list[tuple[str, int]]] = {}
    for name, value, events in run(engine, "error_facets", sql, window).rows:
        found.setdefault(name, []).append((value[:300], events))
    return [Facet(name, values) for name, values in found.items()]


def users(engine: Engine, window: Window, groups: Sequence[int]) -> int:
    """People affected, each once."""
    sql = f"SELECT uniqIf(user, user != '') FROM error_events WHERE {window.where()} AND group_id IN ({listed(groups)})"
    return int(run(engine, "error_users", sql, window).rows[0][0])


def groups(engine: Engine, project: int, of: Sequence[int]) -> list[dict[str, Any]]:
    """Why the events of each group are alike."""
    sql = f"""
        SELECT toString(group_id) AS of_group, uniqExact(event_id) AS events, any(grouped_by) AS grouped_by,
            any(grouped_parts) AS parts, argMax((type, message), time) AS newest
        FROM error_events WHERE project = {project} AND group_id IN ({listed(of)}) GROUP BY group_id ORDER BY events DESC"""
    found = engine.query("error_groups", sql, limits=LIMITS).dicts()
    for each in found:
        each["title"] = titled(*each.pop("newest"))
    return found


def newest_release(engine: Engine, project: int, of: Sequence[int]) -> str:
    """The release of the newest event that has one."""
    sql = f"SELECT argMax(release, time) FROM error_events WHERE project = {project} AND group_id IN ({listed(of)}) AND release != ''"
    return str(engine.query("error_release", sql, limits=LIMITS).rows[0][0])
