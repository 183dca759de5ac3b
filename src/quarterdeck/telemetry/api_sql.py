"""SQL for users: one SELECT over the views of docs/sql.md, and what a console needs to help."""

import orjson
from fastapi import Response
from pydantic import BaseModel, Field

from quarterdeck.core.permissions import Permission
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.sql import SqlAnswer, run_sql
from quarterdeck.telemetry.sql.accessors import ACCESSORS
from quarterdeck.telemetry.sql.functions import AGGREGATES, SCALARS, WINDOWS
from quarterdeck.telemetry.sql.views import VIEWS


class SqlQuestion(BaseModel):
    sql: str = Field(description="One SELECT statement.", examples=["SELECT count() FROM spans"])


class ColumnHelp(BaseModel):
    name: str
    help: str


class ViewHelp(BaseModel):
    name: str
    help: str
    columns: list[ColumnHelp]


class SqlLimits(BaseModel):
    seconds: int
    rows: int
    memory_mb: int
    at_once: int


class SqlReference(BaseModel):
    views: list[ViewHelp]
    accessors: list[ColumnHelp] = Field(description="Functions that give one key of a map, typed.")
    functions: list[str]
    aggregates: list[str]
    limits: SqlLimits


def reference(settings: Settings) -> SqlReference:
    """What may stand in a statement, and how much it may take."""
    return SqlReference(
        views=[
            ViewHelp(
                name=view.name,
                help=view.help,
                columns=[ColumnHelp(name=c.name, help=c.help) for c in view.columns],
            )
            for view in VIEWS.values()
        ],
        accessors=[ColumnHelp(name=name, help=text) for name, text in ACCESSORS.items()],
        functions=sorted(SCALARS | WINDOWS),
        aggregates=sorted(AGGREGATES),
        limits=SqlLimits(
            seconds=int(settings.query_seconds),
            rows=int(settings.query_rows),
            memory_mb=int(settings.query_memory_mb),
            at_once=int(settings.query_concurrency),
        ),
    )


def sql_router(engine: Engine, settings: Settings) -> Router:
    router = Router("/api/sql", tag="sql")
    known = reference(settings)
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

    @router.get("/reference", permission=Permission.READ)
    async def read_reference() -> SqlReference:
        """Views, columns, functions and limits: what completion offers and the console explains."""
        return known

    return router
