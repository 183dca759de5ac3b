"""The routes about where time goes."""

from fastapi import Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.bottlenecks import Bottlenecks, bottlenecks
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import Text, WindowDep, json_answer


def bottlenecks_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api/bottlenecks", tag="telemetry")

    @router.get("", permission=Permission.READ, response_model=Bottlenecks)
    async def read_bottlenecks(window: WindowDep, service: Text = "") -> Response:
        """Operations by self time, and those that became slower within the range."""
        return json_answer(await threads.run(bottlenecks, engine, window, service))

    return router
