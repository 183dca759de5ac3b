"""What the page of one service asks besides its course: versions side by side, runtime metrics."""

from typing import Annotated

from fastapi import Query, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.runtime import Runtime, runtime
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.query.versions import Versions, versions
from quarterdeck.telemetry.web import WindowDep, json_answer

ServiceName = Annotated[str, Query(min_length=1, max_length=1_000, description="The service.")]


def service_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api/service", tag="telemetry")

    @router.get("/versions", permission=Permission.READ, response_model=Versions)
    async def read_versions(window: WindowDep, service: ServiceName) -> Response:
        """The versions of a service side by side."""
        return json_answer(await threads.run(versions, engine, window, service))

    @router.get("/runtime", permission=Permission.READ, response_model=Runtime)
    async def read_runtime(window: WindowDep, service: ServiceName) -> Response:
        """Metrics of its process and its language's runtime."""
        return json_answer(await threads.run(runtime, engine, window, service))

    return router
