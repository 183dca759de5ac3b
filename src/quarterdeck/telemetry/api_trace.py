"""The routes of one trace, of two compared, and of the flame that many traces make."""

from typing import Annotated

from fastapi import Path, Query, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import flame as flame_query
from quarterdeck.telemetry.query.flame import Flame, flame
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.query.trace import SpanDetails, Trace, span_details, trace
from quarterdeck.telemetry.query.trace_compare import TraceComparison, compare
from quarterdeck.telemetry.query.trace_find import Matches, find_in_trace
from quarterdeck.telemetry.query.trace_links import LinkedFrom, linked_from
from quarterdeck.telemetry.query.trace_outline import Outline, outline
from quarterdeck.telemetry.query.trace_similar import Similar, similar
from quarterdeck.telemetry.query.traces import Filter, Status
from quarterdeck.telemetry.web import Search, Text, WindowDep, json_answer

TraceId = Annotated[str, Path(max_length=64)]


def trace_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api", tag="telemetry")

    @router.get("/flame", permission=Permission.READ, response_model=Flame)
    async def read_flame(
        window: WindowDep,
        q: Search = "",
        service: Text = "",
        operation: Annotated[str, Query(max_length=1_000)] = "",
        status: Status | None = None,
        min_ms: Annotated[float | None, Query(ge=0, le=1e12)] = None,
        max_ms: Annotated[float | None, Query(ge=0, le=1e12)] = None,
        whole: Annotated[
            bool, Query(description="Whole traces, not what lies below a match.")
        ] = False,
        against: flame_query.Against = "none",
    ) -> Response:
        wanted = Filter(q, service, operation, status, min_ms, max_ms)
        return json_answer(
            await threads.run(flame, engine, window, wanted, whole=whole, against=against)
        )

    @router.get("/traces/compare", permission=Permission.READ, response_model=TraceComparison)
    async def compare_traces(
        scope: ScopeDep,
        a: Annotated[str, Query(max_length=64, description="The id of a trace.")],
        b: Annotated[str, Query(max_length=64, description="The id of another.")],
    ) -> Response:
        return json_answer(await threads.run(compare, engine, scope.project.id, a, b))

    @router.get("/traces/{trace_id}", permission=Permission.READ, response_model=Trace)
    async def read_trace(scope: ScopeDep, trace_id: TraceId) -> Response:
        return json_answer(await threads.run(trace, engine, scope.project.id, trace_id))

    @router.get("/traces/{trace_id}/outline", permission=Permission.READ, response_model=Outline)
    async def read_outline(scope: ScopeDep, trace_id: TraceId) -> Response:
        return json_answer(await threads.run(outline, engine, scope.project.id, trace_id))

    @router.get(
        "/traces/{trace_id}/spans/{span_id}",
        permission=Permission.READ,
        response_model=list[SpanDetails],
        summary="Everything a span says; several where an id was given twice, in order of time",
    )
    async def read_span(
        scope: ScopeDep, trace_id: TraceId, span_id: Annotated[str, Path(max_length=64)]
    ) -> Response:
        return json_answer(
            await threads.run(span_details, engine, scope.project.id, trace_id, span_id)
        )

    @router.get("/traces/{trace_id}/find", permission=Permission.READ, response_model=Matches)
    async def find_spans(scope: ScopeDep, trace_id: TraceId, q: Search = "") -> Matches:
        return await threads.run(find_in_trace, engine, scope.project.id, trace_id, q)

    @router.get(
        "/traces/{trace_id}/linked-from",
        permission=Permission.READ,
        response_model=list[LinkedFrom],
        summary="Spans of other traces that link to this one",
    )
    async def read_linked_from(scope: ScopeDep, trace_id: TraceId) -> list[LinkedFrom]:
        return await threads.run(linked_from, engine, scope.project.id, trace_id)

    @router.get(
        "/traces/{trace_id}/similar",
        permission=Permission.READ,
        response_model=Similar,
        summary="A typical, the fastest and the slowest trace of the same operation",
    )
    async def read_similar(scope: ScopeDep, trace_id: TraceId) -> Similar:
        return await threads.run(similar, engine, scope.project.id, trace_id)

    return router
