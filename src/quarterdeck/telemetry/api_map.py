"""The routes of the service map and of what a service depends on."""

from typing import Annotated

from fastapi import Query, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.dependencies import Dependencies, dependencies
from quarterdeck.telemetry.query.edge_detail import EdgeDetail, edge_detail
from quarterdeck.telemetry.query.service_map import ServiceMap, service_map
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import WindowDep, json_answer

Node = Annotated[str, Query(max_length=1_000, description="The id of a node of the map.")]


def map_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api", tag="telemetry")

    @router.get("/map", permission=Permission.READ, response_model=ServiceMap)
    async def read_map(window: WindowDep) -> Response:
        """Services, databases, queues and third parties, and the calls between them."""
        return json_answer(await threads.run(service_map, engine, window))

    @router.get("/map/calls", permission=Permission.READ, response_model=EdgeDetail)
    async def read_calls(window: WindowDep, source: Node = "", target: Node = "") -> Response:
        """The calls from a node, to a node or between two: their course, operations, the slowest."""
        return json_answer(await threads.run(edge_detail, engine, window, source, target))

    @router.get("/dependencies", permission=Permission.READ, response_model=Dependencies)
    async def read_dependencies(
        window: WindowDep, service: Annotated[str, Query(min_length=1, max_length=1_000)]
    ) -> Response:
        """Who calls a service and what it calls."""
        return json_answer(await threads.run(dependencies, engine, window, service))

    return router
