"""Log records, newest or oldest first, found by words and fields.

Most searches are answered by the end of the range, so that end is read first: a small
part, then a larger one, then all of it. What is rare comes from the text index in any case.
"""

import re
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import (
    ATTRIBUTES,
    LISTED_ATTRIBUTES,
    LISTED_BYTES,
    LISTED_CUT,
    LISTED_RESOURCE,
    RESOURCE,
    hex_id,
    object_of,
)
from quarterdeck.telemetry.query.search_sql import search_logs
from quarterdeck.telemetry.query.window import Asked, Window, run
from quarterdeck.telemetry.search.fields import LEVEL, LEVELS, level_of
from quarterdeck.telemetry.sql.wire import read_json

Order = Literal["desc", "asc"]

MOST = 1_000
HASH = "sipHash64(service, body, span_id, severity_number, mapValues(attributes))"
"""SQL: tells records of the same nanosecond apart, the same in every query."""
_HEX = re.compile(r"[0-9a-f]{16}")


class LogRow(BaseModel):
    id: str
    time_ms: int
    time_ns: str = Field(description="Nanoseconds since 1970, as text.")
    severity: str = Field(description="unspecified, trace, debug, info, warn, error or fatal.")
    severity_number: int
    severity_text: str = Field(description="As the sender wrote it.")
    service: str
    environment: str
    release: str
    event_name: str
    body: Any = Field(description="Text, or a JSON value; of a long one the beginning, as text.")
    body_cut: bool = Field(description="Only the beginning: its context holds it whole.")
    trace_id: str
    span_id: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    attributes_cut: bool = Field(
        description="Only the beginning of long values, of attributes or resource: its context holds them whole."
    )


class Logs(BaseModel):
    items: list[LogRow]
    next_cursor: str | None


def condition(
    asked: Asked,
    *,
    q: str = "",
    service: str = "",
    severity: str = "",
    trace_id: str = "",
    level: str = LEVEL,
) -> None:
    """Add what a page of logs is filtered by; `level` is where a rollup has the severity."""
    if service:
        asked.add(f"service IN {asked.bind(_listed(service), 'Array(String)')}")
    if severity:
        known = [level_of(name) for name in _listed(severity)]
        if None in known:
            raise BadInput(
                "severity_unknown",
                f"`{severity[:60]}` is not a severity.",
                f"Use {', '.join(LEVELS)}, separated by commas.",
            )
        levels = asked.bind([level for level in known if level is not None], "Array(UInt8)")
        asked.add(f"{level} IN {levels}")
    if trace_id:
        search_logs(asked, f'trace_id:"{trace_id[:64]}"')
    search_logs(asked, q)


def search(
    engine: Engine,
    window: Window,
    *,
    q: str = "",
    service: str = "",
    severity: str = "",
    trace_id: str = "",
    limit: int = 100,
    cursor: str = "",
    order: Order = "desc",
) -> Logs:
    asked = Asked()
    condition(asked, q=q, service=service, severity=severity, trace_id=trace_id)
    return page(engine, window, asked, limit=limit, cursor=cursor, order=order)


def page(
    engine: Engine, window: Window, asked: Asked, *, limit: int, cursor: str, order: Order
) -> Logs:
    """The first records of a window that meet the conditions, or those beyond a cursor."""
    items: list[LogRow] = []
    beyond = asked
    if cursor:
        time, hash = _read_cursor(cursor)
        if hash:
            items = _at(engine, window, asked, time, hash, limit + 1, order)
        beyond, window = _beyond(asked, window, time, order)
    within = len(items)  # rows that share the cursor's nanosecond
    parts = window.ends(newest=order == "desc")
    while parts and len(items) <= limit:
        part = parts.pop(0)
        wanted = limit + 1 - within
        items = items[:within] + read(engine, part, beyond, wanted, order)
        # What was found tells how much of the range is likely to hold a page.
        enough = part.seconds * 1.5 * wanted / max(len(items) - within, 1)
        while len(parts) > 1 and parts[0].seconds < enough and len(items) > within:
            parts.pop(0)
    if len(items) <= limit:
        return Logs(items=items, next_cursor=None)
    last = items[limit - 1].time_ns
    if items[limit].time_ns != last:
        return Logs(items=items[:limit], next_cursor=last)
    # The page ends among records of one nanosecond: those come in the order of their hash.
    shown = items[:limit]
    if within <= limit:
        shown = [item for item in shown if item.time_ns != last]
        shown += _at(engine, window, asked, int(last), "", limit - len(shown), order)
    return Logs(items=shown, next_cursor=f"{last}-{shown[-1].id.partition('-')[0]}")


def at_moment(engine: Engine, project: int, time_ns: int, hash: str) -> list[LogRow]:
    """The records of a nanosecond that go by one hash: more than one when they are the same."""
    asked = Asked()
    asked.add(f"time = fromUnixTimestamp64Nano({asked.bind(time_ns, 'Int64')})")
    asked.add(f"{HASH} = {asked.bind(int(hash, 16), 'UInt64')}")
    ms = time_ns // 1_000_000
    return read(engine, Window(project, ms, ms + 1), asked, MOST, by="hash", whole=True)


def read(
    engine: Engine,
    window: Window,
    asked: Asked,
    limit: int,
    order: Order = "desc",
    by: str = "time",
    whole: bool = False,
) -> list[LogRow]:
    """The first records of a window that meet the conditions; what is long cut unless `whole`."""
    cut = f"length(logs.body) > {LISTED_BYTES}"
    body = (
        "logs.body"
        if whole
        else f"if({cut}, toValidUTF8(left(logs.body, {LISTED_BYTES})), logs.body)"
    )
    rest = f"{LISTED_ATTRIBUTES}, {LISTED_RESOURCE}, {LISTED_CUT}"
    if whole:
        rest = f"{ATTRIBUTES}, {RESOURCE}, false AS attributes_cut"
    direction = "DESC" if order == "desc" else "ASC"
    sql = f"""
        SELECT toUnixTimestamp64Nano(time) AS at, {HASH} AS hash, severity_number, severity_text, toString(severity) AS level,
            service, environment, release, event_name, {body} AS shown, {"false" if whole else cut} AS cut, toString(body_type) AS type_of_body,
            {hex_id("trace_id", 16)}, {hex_id("span_id", 8)}, {rest}
        FROM logs WHERE {window.where()}{asked.sql} ORDER BY {by} {direction} LIMIT {int(limit)}"""
    rows = run(engine, "logs", sql, window, asked).rows
    seen: dict[str, int] = {}
    items = []
    for row in rows:
        number = f"{row[1]:016x}"
        again = seen[number] = seen.get(number, -1) + 1
        items.append(_row(row, f"{number}-{row[0]}" + (f"-{again}" if again else "")))
    return items


def _row(row: list[Any], id: str) -> LogRow:
    at, _, number, text, level, service, environment, release, event, body, cut, kind, trace, span, attributes, resource, short = row  # fmt: skip
    return LogRow.model_construct(
        id=id,
        time_ms=at // 1_000_000,
        time_ns=str(at),
        severity=level,
        severity_number=number,
        severity_text=text,
        service=service,
        environment=environment,
        release=release,
        event_name=event,
        body=body if cut or kind in {"string", "none"} else read_json(body),
        body_cut=bool(cut),
        trace_id=trace,
        span_id=span,
        attributes=object_of(attributes),
        resource=object_of(resource),
        attributes_cut=bool(short),
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _read_cursor(cursor: str) -> tuple[int, str]:
    """The time of the last record shown, and its hash when others share that time."""
    time, _, hash = cursor.partition("-")
    valid = time.isdigit() and len(time) <= 19 and (not hash or _HEX.fullmatch(hash))
    if not valid:
        raise BadInput(
            "cursor_invalid", "This cursor is not one of ours.", "Start from the first page."
        )
    return int(time), hash


def _at(
    engine: Engine, window: Window, asked: Asked, time: int, hash: str, limit: int, order: Order
) -> list[LogRow]:
    """Records of exactly one nanosecond, by their hash."""
    narrow = asked.copy()
    narrow.add(f"time = fromUnixTimestamp64Nano({narrow.bind(time, 'Int64')})")
    if hash:
        sign = "<" if order == "desc" else ">"
        narrow.add(f"{HASH} {sign} {narrow.bind(int(hash, 16), 'UInt64')}")
    ms = time // 1_000_000
    moment = Window(window.project, ms, ms + 1, window.environment)
    return read(engine, moment, narrow, limit, order, by="hash")


def _beyond(asked: Asked, window: Window, time: int, order: Order) -> tuple[Asked, Window]:
    """What is left once everything up to and including a time has been shown."""
    rest = asked.copy()
    sign = "<" if order == "desc" else ">"
    rest.add(f"time {sign} fromUnixTimestamp64Nano({rest.bind(time, 'Int64')})")
    ms = min(max(time // 1_000_000, window.start_ms), window.end_ms - 1)
    if order == "desc":
        return rest, Window(window.project, window.start_ms, ms + 1, window.environment)
    return rest, Window(window.project, ms, window.end_ms, window.environment)
