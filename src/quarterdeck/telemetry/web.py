"""What the routes of telemetry have in common: range, search, filters, answers."""

from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Response
from pydantic import BaseModel

from quarterdeck.core.web import ScopeDep
from quarterdeck.telemetry.query.window import Window, window_of

SHORT = 300


def window_dep(
    scope: ScopeDep,
    start: Annotated[int, Query(alias="from", description="Milliseconds since 1970, inclusive.")],
    end: Annotated[int, Query(alias="to", description="Milliseconds since 1970, exclusive.")],
    environment: Annotated[str, Query(max_length=SHORT, description="Only this environment.")] = "",
) -> Window:
    return window_of(scope.project.id, start, end, environment)


WindowDep = Annotated[Window, Depends(window_dep)]
Search = Annotated[str, Query(max_length=4_000, description="A search, as docs/search.md has it.")]
Text = Annotated[str, Query(max_length=SHORT)]


class LogFilter(BaseModel):
    q: str
    service: str
    severity: str
    trace_id: str


def log_filter(
    q: Search = "",
    service: Annotated[
        str, Query(max_length=2_000, description="Services, separated by commas.")
    ] = "",
    severity: Annotated[
        str, Query(max_length=SHORT, description="Severities, separated by commas.")
    ] = "",
    trace_id: Annotated[str, Query(max_length=64)] = "",
) -> LogFilter:
    return LogFilter(q=q, service=service, severity=severity, trace_id=trace_id)


LogFilterDep = Annotated[LogFilter, Depends(log_filter)]


def json_answer(answer: Any) -> Response:
    """Our own models, made a moment ago: checking thousands of rows again would double the time."""
    return Response(orjson.dumps(answer, default=vars), media_type="application/json")
