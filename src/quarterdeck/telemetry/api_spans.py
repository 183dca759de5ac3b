"""Questions over many traces: how long spans took, by what they differ, one by one."""

from typing import Annotated

from fastapi import Depends, Query, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import span_groups as groups_query
from quarterdeck.telemetry.query import span_list as list_query
from quarterdeck.telemetry.query.span_compare import Comparison, compare
from quarterdeck.telemetry.query.span_durations import Durations, durations
from quarterdeck.telemetry.query.span_groups import Groups
from quarterdeck.telemetry.query.span_list import Spans
from quarterdeck.telemetry.query.span_points import Points, points
from quarterdeck.telemetry.query.span_sample import Scope
from quarterdeck.telemetry.query.span_selection import Selection
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.query.traces import Filter, Of, Status
from quarterdeck.telemetry.web import Search, Text, WindowDep, json_answer

Millis = Annotated[float | None, Query(ge=0, le=1e12)]
Moment = Annotated[
    int | None, Query(ge=0, le=4_102_444_800_000, description="Milliseconds since 1970.")
]


def span_filter(
    q: Search = "",
    service: Text = "",
    operation: Annotated[str, Query(max_length=1_000)] = "",
    status: Status | None = None,
    min_ms: Millis = None,
    max_ms: Millis = None,
    of: Annotated[
        Of, Query(description="Without it, requests, or all spans where a search is given.")
    ] = "",
) -> Filter:
    return Filter(q, service, operation, status, min_ms, max_ms, of)


SpanFilterDep = Annotated[Filter, Depends(span_filter)]


def selection(
    sel: Annotated[str, Query(max_length=4_000, description="A search for what is selected.")] = "",
    sel_from: Moment = None,
    sel_to: Moment = None,
) -> Selection:
    return Selection(sel, sel_from, sel_to)


SelectionDep = Annotated[Selection, Depends(selection)]
Fields = Annotated[
    str, Query(max_length=2_000, description="Columns and attributes, separated by commas.")
]


def _names(text: str) -> list[str]:
    return [name for each in text.split(",") if (name := each.strip())]


def spans_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api/spans", tag="telemetry")

    @router.get("", permission=Permission.READ, response_model=Spans)
    async def list_spans(
        window: WindowDep,
        wanted: SpanFilterDep,
        columns: Fields = "",
        sort: list_query.Sort = "recent",
        limit: Annotated[int, Query(ge=1, le=list_query.MOST)] = 50,
        cursor: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        return json_answer(
            await threads.run(
                list_query.spans,
                engine,
                window,
                wanted,
                columns=_names(columns),
                sort=sort,
                limit=limit,
                cursor=cursor,
            )
        )

    @router.get("/durations", permission=Permission.READ, response_model=Durations)
    async def read_durations(window: WindowDep, wanted: SpanFilterDep) -> Response:
        return json_answer(await threads.run(durations, engine, window, wanted))

    @router.get("/points", permission=Permission.READ, response_model=Points)
    async def read_points(window: WindowDep, wanted: SpanFilterDep) -> Response:
        return json_answer(await threads.run(points, engine, window, wanted))

    @router.get("/groups", permission=Permission.READ, response_model=Groups)
    async def read_groups(
        window: WindowDep, wanted: SpanFilterDep, by: Fields, sort: groups_query.Sort = "count"
    ) -> Response:
        return json_answer(
            await threads.run(groups_query.groups, engine, window, wanted, _names(by), sort)
        )

    @router.get("/compare", permission=Permission.READ, response_model=Comparison)
    async def read_comparison(
        window: WindowDep, wanted: SpanFilterDep, selected: SelectionDep, scope: Scope = "spans"
    ) -> Response:
        return json_answer(await threads.run(compare, engine, window, wanted, selected, scope))

    return router
