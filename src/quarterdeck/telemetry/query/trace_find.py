"""Searching inside a trace, in the language of the search fields.

A word counts wherever a span says it: in its name, its service, its message, the names and
values of its attributes, its events. A span is also found by a log record written in it.
"""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import hex_id
from quarterdeck.telemetry.query.search_sql import search_inside, search_logs
from quarterdeck.telemetry.query.trace import MOST_SPANS, find
from quarterdeck.telemetry.query.window import run
from quarterdeck.telemetry.search.fields import field_of
from quarterdeck.telemetry.search.parse import parse
from quarterdeck.telemetry.search.tree import All, Any, Node, Not


class Matches(BaseModel):
    spans: list[str] = Field(description="Ids of the spans that were found.")


def find_in_trace(engine: Engine, project: int, trace_id: str, q: str) -> Matches:
    found = find(engine, project, trace_id)
    if not q.strip():
        return Matches(spans=[])
    asked = found.asked()
    search_inside(asked, q)
    sql = f"SELECT DISTINCT {hex_id('span_id', 8)} FROM spans WHERE {found.window.where()}{asked.sql} LIMIT {MOST_SPANS}"
    spans = run(engine, "trace_find", sql, found.window, asked).rows
    if _of_records(parse(q)):
        asked = found.asked()
        asked.add("span_id != toFixedString('', 8)")
        search_logs(asked, q)
        sql = f"SELECT DISTINCT {hex_id('span_id', 8)} FROM logs WHERE {found.around.where()}{asked.sql} LIMIT {MOST_SPANS}"
        spans += run(engine, "trace_find_logs", sql, found.around, asked).rows
    return Matches(spans=sorted({row[0] for row in spans}))


def _of_records(node: Node) -> bool:
    """Whether a record can say it: nearly all lack a word, and none has a span's own fields."""
    match node:
        case All(nodes) | Any(nodes):
            return all(map(_of_records, nodes))
        case Not():
            return False
    return not field_of("spans", node.field) or field_of("logs", node.field) is not None
