"""`/api/health` for people and load balancers, `/metrics` for Prometheus.

Each component is a named check that the composition hands in; it answers with a
status and how long the answer took. The whole is `ok`, `degraded` (something is
wrong, requests are still answered) or `down` (503). The answer is kept for a second,
since anybody may ask.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from fastapi import Response
from pydantic import BaseModel

from quarterdeck import __version__
from quarterdeck.accounts.web import require_everywhere
from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import PrincipalDep, Router

Status = Literal["ok", "degraded", "down"]
CHECK_SECONDS = 3.0
KEPT_SECONDS = 1.0
_WORST: dict[Status, int] = {"ok": 0, "degraded": 1, "down": 2}


class Component(BaseModel):
    """One part of the server."""

    status: Status
    message: str = ""
    ms: float = 0.0
    values: dict[str, float] = {}


class Gap(BaseModel):
    """A time in which nothing ran."""

    from_ms: int
    to_ms: int
    seconds: float
    reason: str


class Health(BaseModel):
    """The answer of `/api/health`."""

    status: Status
    version: str
    time_ms: int
    uptime_seconds: float
    restarts: int
    last_gap: Gap | None
    components: dict[str, Component]


Check = Callable[[], Awaitable[Component]]


class HealthChecks:
    """Runs the checks, all at once, at most once a second."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        clock: Clock,
        *,
        restarts: int = 0,
        last_gap: Gap | None = None,
    ) -> None:
        self._checks = dict(checks)
        self._clock = clock
        self._restarts = restarts
        self._last_gap = last_gap
        self._started = time.monotonic()
        self._lock = asyncio.Lock()
        self._kept: tuple[float, Health] | None = None

    async def read(self) -> Health:
        async with self._lock:
            if self._kept is not None and time.monotonic() - self._kept[0] < KEPT_SECONDS:
                return self._kept[1]
            answers = await asyncio.gather(*(_run(check) for check in self._checks.values()))
            components = dict(zip(self._checks, answers, strict=True))
            health = Health(
                status=max((a.status for a in answers), key=_WORST.__getitem__, default="ok"),
                version=__version__,
                time_ms=now_ms(self._clock),
                uptime_seconds=round(time.monotonic() - self._started, 3),
                restarts=self._restarts,
                last_gap=self._last_gap,
                components=components,
            )
            self._kept = (time.monotonic(), health)
            return health


async def _run(check: Check) -> Component:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            component = await check()
    except TimeoutError:
        component = Component(status="down", message=f"No answer within {CHECK_SECONDS:g} s.")
    except Exception as error:
        # The kind alone: the text of an engine's error may quote what it was asked.
        component = Component(status="down", message=type(error).__name__)
    component.ms = round((time.perf_counter() - started) * 1000, 2)
    return component


def health_router(checks: HealthChecks, registry: Registry) -> Router:
    """`GET` and `HEAD /api/health`, `GET /metrics`."""
    router = Router(tag="health")

    async def health(response: Response) -> Health:
        found = await checks.read()
        response.status_code = 503 if found.status == "down" else 200
        return found

    for method in ("GET", "HEAD"):
        router.route(
            method,
            "/api/health",
            permission=Permission.PUBLIC,
            operation_id=f"health_{method.lower()}",
            summary="Whether the server works, part by part",
            responses={503: {"model": Health, "description": "A part is down"}},
        )(health)

    @router.get(
        "/metrics",
        permission=Permission.READ,
        summary="Figures about Quarterdeck itself, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def metrics(principal: PrincipalDep) -> Response:
        """Figures about Quarterdeck itself, for Prometheus; needs a key for all projects."""
        require_everywhere(principal)
        return Response(registry.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
