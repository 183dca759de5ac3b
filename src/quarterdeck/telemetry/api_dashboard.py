"""`GET /api/monitoring/dashboard`: the state of a project in one answer."""

from typing import Annotated

from fastapi import Query, Response

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.dashboard import Dashboard, dashboard
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.query.window import window_of
from quarterdeck.telemetry.web import Text, json_answer

_HOUR_MS = 3_600_000

Moment = Annotated[int | None, Query(ge=0, description="Milliseconds since 1970.")]


def dashboard_router(engine: Engine, threads: Threads, clock: Clock) -> Router:
    router = Router("/api/monitoring", tag="telemetry")

    @router.get("/dashboard", permission=Permission.READ, response_model=Dashboard)
    async def read_dashboard(
        scope: ScopeDep,
        start: Annotated[Moment, Query(alias="from")] = None,
        end: Annotated[Moment, Query(alias="to")] = None,
        environment: Text = "",
    ) -> Response:
        """Health, performance, errors, throughput, hosts and deployments; of the last hour unless told."""
        until = end if end is not None else now_ms(clock)
        since = start if start is not None else max(0, until - _HOUR_MS)
        window = window_of(scope.project.id, since, until, environment)
        return json_answer(await threads.run(dashboard, engine, window))

    return router
