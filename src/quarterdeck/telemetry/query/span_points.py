"""Single spans for a picture of many: all where they are few, else the slowest, newest and failed."""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import hex_id
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Asked, Window, run

MOST = 800


class Point(BaseModel):
    trace_id: str
    span_id: str
    time_ms: float
    duration_ms: float
    error: bool
    service: str
    name: str


class Points(BaseModel):
    items: list[Point]
    complete: bool = Field(description="Whether these are all spans, rather than some of them.")


def points(engine: Engine, window: Window, wanted: Filter) -> Points:
    asked = wanted.conditions()
    rows: list[list[Any]] = []
    for part in window.ends():
        rows = _first(engine, part, asked, "time", MOST + 1)
        if len(rows) > MOST:
            break
    complete = len(rows) <= MOST
    if not complete:
        failed = asked.copy()
        failed.add("status = 'error'")
        found = (
            *_first(engine, window, asked, "duration_ns", MOST // 2),
            *_first(engine, window, failed, "time", MOST * 3 // 8),
            *rows[: MOST // 8],
        )
        rows = list({(row[0], row[1]): row for row in found}.values())
    return Points(
        items=[
            Point(
                trace_id=trace_id, span_id=span_id, time_ms=at / 1e6, duration_ms=duration / 1e6,
                error=status == "error", service=service, name=name,
            )
            for trace_id, span_id, at, duration, status, service, name in rows
        ],
        complete=complete,
    )  # fmt: skip


def _first(engine: Engine, window: Window, asked: Asked, by: str, limit: int) -> list[list[Any]]:
    sql = f"""
        SELECT {hex_id("trace_id", 16)}, {hex_id("span_id", 8)}, toUnixTimestamp64Nano(time), duration_ns,
            toString(status), service, name
        FROM spans WHERE {window.where()}{asked.sql} ORDER BY {by} DESC LIMIT {limit}"""
    return run(engine, "span_points", sql, window, asked).rows
