"""The routes of scraping: `/api/scrape/targets` for the page, `/prometheus/api/v1/targets` for others."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.telemetry.scrape import units
from quarterdeck.telemetry.scrape.engine import Scraping
from quarterdeck.telemetry.scrape.job import Job, Point

MOST_SHOWN = 5000


class ScrapeTarget(BaseModel):
    """One target and how it was last; `last_scrape` in milliseconds since 1970, 0 before the first.

    A target that is up has an `error` too when not all that it told could be kept.
    """

    job: str
    instance: str
    url: str
    labels: dict[str, str]
    state: Literal["unknown", "up", "down"]
    error: str
    last_scrape: int
    duration_seconds: float
    samples_scraped: int
    samples_kept: int
    samples_refused: int
    interval_ms: int
    timeout_ms: int
    missed: int


class ScrapeJob(BaseModel):
    """One job: `resource` is the name it is configured under, `flaws` what of its targets cannot
    be found and why."""

    resource: str
    job: str
    targets: int
    dropped: int
    flaws: dict[str, str]


class ScrapeTargets(BaseModel):
    """Targets of a project, worst first; `total` counts those beyond what is shown too."""

    jobs: list[ScrapeJob]
    targets: list[ScrapeTarget]
    total: int


def scrape_router(scraping: Scraping) -> Router:
    router = Router(tag="scraping")

    @router.get("/api/scrape/targets", permission=Permission.READ, response_model=ScrapeTargets)
    async def list_scrape_targets(scope: ScopeDep) -> ScrapeTargets:
        """What is scraped, and how it went."""
        jobs = scraping.jobs(scope.project.id)
        points = sorted(scraping.points(scope.project.id), key=_worst_first)
        return ScrapeTargets(
            jobs=[_job(job) for job in jobs],
            targets=[_target(point) for point in points[:MOST_SHOWN]],
            total=len(points),
        )

    @router.get("/prometheus/api/v1/targets", permission=Permission.READ)
    async def prometheus_targets(
        scope: ScopeDep,
        state: Annotated[str, Query(max_length=16)] = "any",
        pool: Annotated[str, Query(alias="scrapePool", max_length=200)] = "",
    ) -> dict[str, Any]:
        """Targets as Prometheus tells them; `state` is active, dropped or any."""
        return {
            "status": "success",
            "data": targets_as_prometheus(scraping, scope.project.id, state, pool),
        }

    return router


def targets_as_prometheus(
    scraping: Scraping, project: int, state: str = "any", pool: str = ""
) -> dict[str, Any]:
    """`data` of `GET /api/v1/targets` of Prometheus's HTTP API."""
    jobs = [job for job in scraping.jobs(project) if pool in ("", job.name)]
    active = [_as_prometheus(point) for job in jobs for point in job.points.values()]
    dropped = [
        {"discoveredLabels": labels, "scrapePool": job.name}
        for job in jobs
        for labels in job.dropped
    ]
    return {
        "activeTargets": active if state.lower() != "dropped" else [],
        "droppedTargets": dropped if state.lower() != "active" else [],
        "droppedTargetCounts": {job.name: job.dropped_count for job in jobs},
    }


def _as_prometheus(point: Point) -> dict[str, Any]:
    target, health = point.target, point.memory.health
    return {
        "discoveredLabels": target.discovered,
        "labels": target.labels,
        "scrapePool": point.job.name,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": health.error,
        "lastScrape": _rfc3339(health.at_ms),
        "lastScrapeDuration": health.seconds,
        "health": health.state,
        "scrapeInterval": units.duration(target.interval_ms),
        "scrapeTimeout": units.duration(target.timeout_ms),
    }


def _rfc3339(ms: int) -> str:
    """What was never is told as Go tells it."""
    if not ms:
        return "0001-01-01T00:00:00Z"
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def _worst_first(point: Point) -> tuple[int, bool, str, str]:
    health = point.memory.health
    order = ("down", "unknown", "up").index(health.state)
    return order, not health.error, point.job.name, point.target.labels.get("instance", "")


def _job(job: Job) -> ScrapeJob:
    return ScrapeJob(
        resource=job.configured.name,
        job=job.name,
        targets=len(job.points),
        dropped=job.dropped_count,
        flaws=dict(job.discovery.flaws),
    )


def _target(point: Point) -> ScrapeTarget:
    target, health = point.target, point.memory.health
    return ScrapeTarget(
        job=target.labels.get("job", point.job.name),
        instance=target.labels.get("instance", ""),
        url=target.url,
        labels=dict(target.labels),
        state=health.state,
        error=health.error,
        last_scrape=health.at_ms,
        duration_seconds=health.seconds,
        samples_scraped=health.scraped,
        samples_kept=max(0, health.kept - health.refused),
        samples_refused=health.refused,
        interval_ms=target.interval_ms,
        timeout_ms=target.timeout_ms,
        missed=health.missed,
    )
