"""`POST /api/sql`: one SELECT over the views of docs/sql.md, bound to the request's project."""

import orjson
from fastapi import Response
from pydantic import BaseModel, Field

from quarterdeck.core.permissions import Permission
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.sql import SqlAnswer, run_sql


class SqlQuestion(BaseModel):
    sql: str = Field(description="One SELECT statement.", examples=["SELECT count() FROM spans"])


def sql_router(engine: Engine, settings: Settings) -> Router:
    router = Router("/api/sql", tag="sql")
    threads = Threads(max(1, int(settings.query_concurrency) - 1), waiting=32)

    @router.post(
        "",
        permission=Permission.READ,
        response_model=SqlAnswer,
        summary="Run one SELECT",
    )
    async def sql(question: SqlQuestion, scope: ScopeDep) -> Response:
        answer = await threads.run(run_sql, engine, settings, question.sql, [scope.project])
        # Checked by our own code a moment ago: validating every cell again would double the time.
        return Response(orjson.dumps(answer.model_dump()), media_type="application/json")

    return router
