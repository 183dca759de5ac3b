"""The routes of the metrics explorer that Prometheus' own API has nothing for."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.errors import BadInput
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.prometheus.cost import MetricsCost, cost
from quarterdeck.telemetry.prometheus.listing import MetricView, listing
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.prometheus.spacing import spacing
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import WindowDep, json_answer


class Metrics(BaseModel):
    items: list[MetricView]


class Spacing(BaseModel):
    seconds: float | None = Field(description="Nothing where too few points tell.")


def metrics_router(
    engine: Engine,
    queries: Queries,
    threads: Threads,
    clock: Clock,
    series_limit: Callable[[int], int],
) -> Router:
    router = Router("/api/metrics", tag="metrics")

    @router.get("", permission=Permission.READ, response_model=Metrics)
    async def read_metrics(window: WindowDep) -> Response:
        """The metrics of the range by their Prometheus names, with type, unit, help and series."""
        found = await threads.run(
            listing, engine, queries.otlp_catalog, window.project, window.start_ms, window.end_ms
        )
        return json_answer(Metrics(items=found))

    @router.get("/spacing", permission=Permission.READ, response_model=Spacing)
    async def read_spacing(
        window: WindowDep, metric: Annotated[str, Query(max_length=1_000)]
    ) -> Response:
        """How often a metric is told in the range: a rate must span some of its points."""
        found = await threads.run(
            spacing, engine, queries, window.project, metric, window.start_ms, window.end_ms
        )
        return json_answer(Spacing(seconds=found))

    @router.get("/cost", permission=Permission.READ, response_model=MetricsCost)
    async def read_cost(
        scope: ScopeDep,
        day: Annotated[
            str, Query(max_length=10, description="YYYY-MM-DD, UTC; today without.")
        ] = "",
    ) -> Response:
        """Which metrics and labels make the project's series, and what they cost."""
        project = scope.project.id
        chosen = _day(day) if day else _today(clock)
        limit = series_limit(project)
        return json_answer(
            await threads.run(cost, engine, queries.otlp_catalog, project, chosen, limit)
        )

    return router


def _today(clock: Clock) -> str:
    return datetime.fromtimestamp(now_ms(clock) / 1000, UTC).date().isoformat()


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadInput("day_invalid", f"{text!r} is no day.", "Send it as YYYY-MM-DD.") from None
