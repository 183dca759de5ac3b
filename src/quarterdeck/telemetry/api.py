"""The routes of the telemetry pages. Each answers for one project and a range of time."""

from typing import Annotated

from fastapi import Path, Query, Response
from starlette.responses import StreamingResponse

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import facets as facets_query
from quarterdeck.telemetry.query import logs as logs_query
from quarterdeck.telemetry.query import traces as traces_query
from quarterdeck.telemetry.query.facets import Facet
from quarterdeck.telemetry.query.logs import Logs
from quarterdeck.telemetry.query.logs_histogram import LogHistogram, logs_histogram
from quarterdeck.telemetry.query.overview import Overview, overview
from quarterdeck.telemetry.query.service import Service, service
from quarterdeck.telemetry.query.services import ServiceSummary, services
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.query.traces import Filter, Sort, Status, Traces
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.stream import Live
from quarterdeck.telemetry.web import SHORT, LogFilterDep, Search, Text, WindowDep, json_answer


def telemetry_router(engine: Engine, threads: Threads, live: Live) -> Router:
    router = Router("/api", tag="telemetry")

    @router.get("/overview", permission=Permission.READ, response_model=Overview)
    async def read_overview(window: WindowDep) -> Response:
        return json_answer(await threads.run(overview, engine, window))

    @router.get("/services", permission=Permission.READ, response_model=list[ServiceSummary])
    async def read_services(window: WindowDep) -> list[ServiceSummary]:
        return await threads.run(services, engine, window)

    @router.get("/services/{name:path}", permission=Permission.READ, response_model=Service)
    async def read_service(
        window: WindowDep, name: Annotated[str, Path(max_length=1_000)]
    ) -> Response:
        return json_answer(await threads.run(service, engine, window, name))

    @router.get("/traces", permission=Permission.READ, response_model=Traces)
    async def list_traces(
        window: WindowDep,
        q: Search = "",
        service: Text = "",
        operation: Annotated[str, Query(max_length=1_000)] = "",
        status: Status | None = None,
        min_ms: Annotated[float | None, Query(ge=0, le=1e12)] = None,
        max_ms: Annotated[float | None, Query(ge=0, le=1e12)] = None,
        sort: Sort = "recent",
        limit: Annotated[int, Query(ge=1, le=traces_query.MOST)] = 50,
        cursor: Annotated[str, Query(max_length=20_000)] = "",
    ) -> Response:
        wanted = Filter(q, service, operation, status, min_ms, max_ms)
        return json_answer(
            await threads.run(
                traces_query.traces, engine, window, wanted, sort=sort, limit=limit, cursor=cursor
            )
        )

    @router.get("/logs", permission=Permission.READ, response_model=Logs)
    async def list_logs(
        window: WindowDep,
        wanted: LogFilterDep,
        limit: Annotated[int, Query(ge=1, le=logs_query.MOST)] = 100,
        cursor: Annotated[str, Query(max_length=64)] = "",
        order: logs_query.Order = "desc",
    ) -> Response:
        return json_answer(
            await threads.run(
                logs_query.search,
                engine,
                window,
                **wanted.model_dump(),
                limit=limit,
                cursor=cursor,
                order=order,
            )
        )

    @router.get("/logs/histogram", permission=Permission.READ, response_model=LogHistogram)
    async def read_logs_histogram(window: WindowDep, wanted: LogFilterDep) -> Response:
        return json_answer(await threads.run(logs_histogram, engine, window, **wanted.model_dump()))

    @router.get("/facets", permission=Permission.READ, response_model=list[Facet])
    async def list_facets(
        window: WindowDep,
        signal: facets_query.Signal,
        q: Search = "",
        service: Text = "",
        find: Annotated[
            str, Query(max_length=SHORT, description="Only fields whose name holds this.")
        ] = "",
    ) -> list[Facet]:
        return await threads.run(
            facets_query.facets, engine, window, signal, q=q, service=service, find=find
        )

    @router.get(
        "/stream",
        permission=Permission.READ,
        response_class=StreamingResponse,
        summary="Live events: `tick` when data arrived, `log` with new records, `ping`",
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def stream(
        scope: ScopeDep,
        wanted: LogFilterDep,
        topics: Annotated[
            str,
            Query(
                max_length=SHORT, description="`logs` to follow records; ticks come in any case."
            ),
        ] = "",
        environment: Text = "",
    ) -> StreamingResponse:
        follow: Asked | None = None
        if "logs" in topics.split(","):
            follow = Asked()
            logs_query.condition(follow, **wanted.model_dump())
        return live.respond(scope.project.id, environment, follow)

    return router
