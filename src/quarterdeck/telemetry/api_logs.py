"""The routes that answer questions about logs: what was around a record, which patterns there are."""

from typing import Annotated

from fastapi import Query, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import log_context as context_query
from quarterdeck.telemetry.query import log_patterns as patterns_query
from quarterdeck.telemetry.query.log_context import LogContext, log_context
from quarterdeck.telemetry.query.log_patterns import LogPatterns, log_patterns
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import LogFilterDep, WindowDep, json_answer

Around = Annotated[int, Query(ge=0, le=context_query.MOST)]


def logs_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api/logs", tag="telemetry")

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

    return router
