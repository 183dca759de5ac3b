"""Every router of telemetry, one line each, and what they are built from."""

from collections.abc import Callable
from dataclasses import dataclass

from quarterdeck.core.clock import Clock
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import Router
from quarterdeck.resources.service import Resources
from quarterdeck.store.control import ControlStore
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.api import telemetry_router
from quarterdeck.telemetry.api_annotations import annotations_router
from quarterdeck.telemetry.api_bottlenecks import bottlenecks_router
from quarterdeck.telemetry.api_dashboard import dashboard_router
from quarterdeck.telemetry.api_data import data_router
from quarterdeck.telemetry.api_health import health_router
from quarterdeck.telemetry.api_hosts import hosts_router
from quarterdeck.telemetry.api_logs import logs_router
from quarterdeck.telemetry.api_map import map_router
from quarterdeck.telemetry.api_metrics import metrics_router
from quarterdeck.telemetry.api_search import search_router
from quarterdeck.telemetry.api_service import service_router
from quarterdeck.telemetry.api_spans import spans_router
from quarterdeck.telemetry.api_sql import sql_router
from quarterdeck.telemetry.api_trace import trace_router
from quarterdeck.telemetry.dashboards.api import dashboards_router
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.prometheus.api import prometheus_router
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.prometheus.status import status_router
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.scrape.api import scrape_router
from quarterdeck.telemetry.scrape.engine import Scraping
from quarterdeck.telemetry.stream import Live


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition hands in."""

    engine: EmbeddedEngine
    control: ControlStore
    resources: Resources
    intake: Intake
    live: Live
    queries: Queries
    settings: Settings
    clock: Clock
    project_by_id: Callable[[int], ProjectRef | None]
    scraping: Scraping


def telemetry_routers(parts: Parts) -> list[Router]:
    """Built once; the pages share one pool of threads."""
    engine, settings = parts.engine, parts.settings
    threads = Threads(max(2, int(settings.query_concurrency)))
    return [
        telemetry_router(engine, threads, parts.live),
        data_router(engine, settings, parts.control, parts.project_by_id),
        sql_router(engine, settings),
        search_router(engine, threads),
        bottlenecks_router(engine, threads),
        service_router(engine, threads),
        map_router(engine, threads),
        health_router(engine, parts.control, parts.intake, threads),
        dashboard_router(engine, threads, parts.clock),
        annotations_router(engine, parts.control, threads),
        spans_router(engine, threads),
        trace_router(engine, threads),
        hosts_router(engine, threads),
        logs_router(engine, threads),
        metrics_router(engine, parts.queries, threads, parts.clock, parts.intake.series_limit),
        scrape_router(parts.scraping),
        prometheus_router(
            parts.queries, Threads(max(2, int(settings.query_concurrency)), waiting=64)
        ),
        status_router(parts.clock, settings),
        dashboards_router(parts.resources),
    ]
