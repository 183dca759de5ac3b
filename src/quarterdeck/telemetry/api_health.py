"""Data health and who sends: the routes of the pages Send data and Data health."""

from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import PrincipalDep, Router, ScopeDep
from quarterdeck.store.control import ControlStore
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.ingest import senders
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.query.cardinality import Cardinality, cardinality
from quarterdeck.telemetry.query.health import (
    Arrivals,
    Clock,
    Refusal,
    arrivals,
    clocks,
    refusals,
)
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import WindowDep, json_answer


class SenderView(BaseModel):
    way: str = Field(
        description="The way in: otlp, ndjson, loki, elasticsearch, syslog, a provider's drain."
    )
    agent: str = Field(description="The program, as its User-Agent names it; Mozilla for browsers.")
    first_seen: int
    last_seen: int
    items: int


class RequestRefusal(BaseModel):
    signal: str
    reason: str
    explanation: str = Field(description="What the last sender was told.")
    count: int
    last_ms: int


class Refusals(BaseModel):
    items: list[Refusal] = Field(description="Single items of this project, within the range.")
    requests: list[RequestRefusal] | None = Field(
        description="Whole requests of all projects since the server began; null for a key that is limited to some projects."
    )


def health_router(
    engine: Engine, control: ControlStore, intake: Intake, threads: Threads
) -> Router:
    router = Router("/api/data-health", tag="data")

    @router.get("/senders", permission=Permission.READ)
    async def list_senders(
        scope: ScopeDep,
        since: Annotated[int, Query(ge=0, description="Only those heard since, in ms.")] = 0,
    ) -> list[SenderView]:
        """Who sends to the project, the most recent first; news within five seconds."""
        found = await control.read(lambda conn: senders.of_project(conn, scope.project.id))
        return [
            SenderView(
                way=way, agent=agent, first_seen=each.first_seen, last_seen=each.last_seen, items=each.items
            )
            for way, agent, each in found
            if each.last_seen >= since
        ]  # fmt: skip

    @router.get("/arrivals", permission=Permission.READ, response_model=Arrivals)
    async def read_arrivals(window: WindowDep) -> Response:
        """What arrives, by signal, service and environment."""
        return json_answer(await threads.run(arrivals, engine, window))

    @router.get("/refusals", permission=Permission.READ)
    async def read_refusals(window: WindowDep, principal: PrincipalDep) -> Refusals:
        """What was refused and why, with a sample."""
        return Refusals(
            items=await threads.run(refusals, engine, window),
            requests=[
                RequestRefusal(
                    signal=signal,
                    reason=reason,
                    explanation=each.message,
                    count=each.count,
                    last_ms=each.last_ms,
                )
                for (signal, reason), each in sorted(intake.refused_requests.items())
            ]
            if principal.everywhere
            else None,
        )

    @router.get("/clocks", permission=Permission.READ)
    async def read_clocks(window: WindowDep) -> list[Clock]:
        """Clock skew and late data by service."""
        return await threads.run(clocks, engine, window)

    @router.get("/cardinality", permission=Permission.READ, response_model=Cardinality)
    async def read_cardinality(window: WindowDep) -> Response:
        """Series by metric, and what each attribute takes."""
        return json_answer(await threads.run(cardinality, engine, window))

    return router
