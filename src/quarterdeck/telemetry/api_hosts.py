"""The routes of the machines: all of them, one of them, and the services that run on it."""

from typing import Annotated

from fastapi import Path, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.host import Host, HostService, host, host_services
from quarterdeck.telemetry.query.hosts import Hosts, hosts
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import SHORT, WindowDep, json_answer

Name = Annotated[str, Path(max_length=SHORT)]


def hosts_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api", tag="telemetry")

    @router.get("/hosts", permission=Permission.READ, response_model=Hosts)
    async def list_hosts(window: WindowDep) -> Response:
        """Hosts that sent metrics in the range or the week before its end."""
        return json_answer(await threads.run(hosts, engine, window))

    @router.get("/hosts/{name}", permission=Permission.READ, response_model=Host)
    async def read_host(window: WindowDep, name: Name) -> Response:
        return json_answer(await threads.run(host, engine, window, name))

    @router.get(
        "/hosts/{name}/services", permission=Permission.READ, response_model=list[HostService]
    )
    async def list_host_services(window: WindowDep, name: Name) -> list[HostService]:
        """Services whose spans or logs name this host."""
        return await threads.run(host_services, engine, window, name)

    return router
