"""Traces to hold one against: of the same operation, about the same time, that went well."""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.trace import Found, find
from quarterdeck.telemetry.query.window import MINUTE_MS, Window, run

_AROUND_MS = (60 * MINUTE_MS, 24 * 60 * MINUTE_MS)
_ENOUGH = 20


class SimilarTrace(BaseModel):
    trace_id: str
    time_ms: int
    duration_ms: float


class Similar(BaseModel):
    service: str
    operation: str
    count: int = Field(description="Traces that were chosen from.")
    typical: SimilarTrace | None = Field(description="Its duration is the median.")
    fastest: SimilarTrace | None
    slowest: SimilarTrace | None


def similar(engine: Engine, project: int, trace_id: str) -> Similar:
    """The day around the trace is looked at where the hour around it holds too few."""
    found = find(engine, project, trace_id)
    service, operation = _root(engine, found)
    asked = found.others()
    asked.add(f"service = {asked.bind(service)} AND name = {asked.bind(operation)}")
    asked.add("parent_span_id = toFixedString('', 8) AND status != 'error'")
    picked = "tuple(lower(hex(trace_id)), toUnixTimestamp64Milli(time), duration_ns / 1e6)"
    for reach in _AROUND_MS:
        around = Window(project, max(0, found.window.start_ms - reach), found.window.end_ms + reach)
        where = f"FROM spans WHERE {around.where()}{asked.sql}"
        sql = f"""
            WITH (SELECT quantileExactLow(0.5)(duration_ns) {where}) AS middle
            SELECT count(), argMin({picked}, (abs(duration_ns - middle), trace_id)), argMin({picked}, (duration_ns, trace_id)),
                argMax({picked}, (duration_ns, trace_id)) {where}"""
        count, *chosen = run(engine, "trace_similar", sql, around, asked).rows[0]
        if count >= _ENOUGH:
            break
    typical, fastest, slowest = (
        SimilarTrace(trace_id=id, time_ms=at, duration_ms=duration) if count else None
        for id, at, duration in chosen
    )
    return Similar(
        service=service, operation=operation, count=count, typical=typical, fastest=fastest, slowest=slowest
    )  # fmt: skip


def _root(engine: Engine, found: Found) -> tuple[str, str]:
    asked = found.asked()
    sql = f"""
        SELECT argMin((service, name), (parent_span_id != toFixedString('', 8), time))
        FROM spans WHERE {found.window.where()}{asked.sql}"""
    service, name = run(engine, "trace_root", sql, found.window, asked).rows[0][0]
    return service, name
