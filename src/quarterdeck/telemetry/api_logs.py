"""The routes that answer questions about logs: what was around a record, which patterns there are,
what a field holds, and all of them as a file."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.responses import StreamingResponse

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.exports import Exports
from quarterdeck.telemetry.query import log_context as context_query
from quarterdeck.telemetry.query import log_export as export_query
from quarterdeck.telemetry.query import log_patterns as patterns_query
from quarterdeck.telemetry.query.log_context import LogContext, log_context
from quarterdeck.telemetry.query.log_export import export_logs
from quarterdeck.telemetry.query.log_field import FieldStats, log_field
from quarterdeck.telemetry.query.log_patterns import LogPatterns, log_patterns
from quarterdeck.telemetry.query.logs import condition
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.web import SHORT, LogFilterDep, WindowDep, json_answer

_MEDIA = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}
Around = Annotated[int, Query(ge=0, le=context_query.MOST)]


def logs_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api/logs", tag="telemetry")
    exports = Exports()

    @router.get("/context", permission=Permission.READ, response_model=LogContext)
    async def read_log_context(
        scope: ScopeDep,
        id: Annotated[str, Query(max_length=64, description="Of a record, as lists have it.")],
        by: context_query.By = "service",
        before: Around = 25,
        after: Around = 25,
    ) -> Response:
        return json_answer(
            await threads.run(log_context, engine, scope.project.id, id, by, before, after)
        )

    @router.get("/patterns", permission=Permission.READ, response_model=LogPatterns)
    async def list_log_patterns(
        window: WindowDep,
        wanted: LogFilterDep,
        sort: patterns_query.Sort = "new",
        limit: Annotated[int, Query(ge=1, le=patterns_query.MOST)] = 200,
    ) -> Response:
        return json_answer(
            await threads.run(
                log_patterns, engine, window, **wanted.model_dump(), sort=sort, limit=limit
            )
        )

    @router.get("/field", permission=Permission.READ, response_model=FieldStats)
    async def read_log_field(
        window: WindowDep,
        wanted: LogFilterDep,
        field: Annotated[str, Query(min_length=1, max_length=SHORT)],
    ) -> Response:
        return json_answer(
            await threads.run(log_field, engine, window, field, **wanted.model_dump())
        )

    @router.get(
        "/export",
        permission=Permission.READ,
        response_class=StreamingResponse,
        summary="All records of a search as a file, oldest first, of any size",
        responses={200: {"content": {media: {} for media in _MEDIA.values()}}},
    )
    async def export(
        request: Request,
        scope: ScopeDep,
        window: WindowDep,
        wanted: LogFilterDep,
        format: export_query.Format = "ndjson",
        column: Annotated[
            list[Annotated[str, Query(max_length=SHORT)]],
            Query(max_length=100, description="Fields, in order; without any, all there is."),
        ] = [],  # noqa: B006
    ) -> StreamingResponse:
        asked = Asked()
        condition(asked, **wanted.model_dump())
        moment = datetime.fromtimestamp(window.end_ms / 1000, UTC)
        return await exports.respond(
            export_logs(engine, window, asked, format, column),
            accepts_gzip="gzip" in request.headers.get("accept-encoding", ""),
            filename=f"logs-{scope.project.slug}-{moment:%Y%m%dT%H%M%SZ}.{format}",
            media_type=_MEDIA[format],
        )

    return router
