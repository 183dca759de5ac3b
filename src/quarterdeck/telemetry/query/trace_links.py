"""Which spans of other traces link to a trace: work that was queued and done later, mostly.

A link points back in time, so the hours after the trace are looked at, and a few minutes before.
"""

from pydantic import BaseModel

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import hex_id
from quarterdeck.telemetry.query.trace import find
from quarterdeck.telemetry.query.window import MINUTE_MS, Window, run

MOST = 50
_BEFORE_MS = 10 * MINUTE_MS
_AFTER_MS = 24 * 60 * MINUTE_MS


class LinkedFrom(BaseModel):
    trace_id: str
    span_id: str
    time_ms: int
    service: str
    name: str


def linked_from(engine: Engine, project: int, trace_id: str) -> list[LinkedFrom]:
    found = find(engine, project, trace_id)
    around = Window(
        project,
        max(0, found.window.start_ms - _BEFORE_MS),
        found.window.end_ms + _AFTER_MS,
    )
    asked = found.others()
    # As it stands in the stored JSON: a name cannot hold it, its quotes would be escaped.
    link = '"trace_id":"' + found.trace_id + '"'
    asked.add(f"position(links, {asked.bind(link)}) > 0")
    sql = f"""
        SELECT {hex_id("trace_id", 16)}, {hex_id("span_id", 8)}, toUnixTimestamp64Milli(time), service, name
        FROM spans WHERE {around.where()}{asked.sql} ORDER BY time LIMIT {MOST}"""
    return [
        LinkedFrom(trace_id=trace, span_id=span, time_ms=at, service=service, name=name)
        for trace, span, at, service, name in run(engine, "trace_linked", sql, around, asked).rows
    ]
