"""What a lower floor needs from a higher one, handed in by `app.py`.

Ingest asks for every request who may write where and how long it is kept, so the
answers come from memory.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.projects import DEFAULT_SLUG
from quarterdeck.agent.host import host_resource
from quarterdeck.agent.processes import PROCESSES_EVERY_S, Processes
from quarterdeck.agent.system import System
from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.log import fields
from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import Principal, ProjectRef
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import RawRoute, Router
from quarterdeck.errors import issues, keep
from quarterdeck.errors.api import errors_router
from quarterdeck.errors.sentry.http import sentry_routes
from quarterdeck.http.health import Gap as ShownGap
from quarterdeck.resources.service import Resources
from quarterdeck.store.alive import LastLife
from quarterdeck.store.control import ControlStore
from quarterdeck.store.control.gaps import Gap, GapTotals, record_gap, unplanned_totals
from quarterdeck.store.control.outbox import Event
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry import annotations, retention
from quarterdeck.telemetry.ingest import senders
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.otlp.resources import inspect
from quarterdeck.telemetry.ingest.otlp.signals import METRICS
from quarterdeck.telemetry.ingest.outcome import Refused
from quarterdeck.telemetry.ingest.prometheus.own import keep_series
from quarterdeck.telemetry.query.environments import environments
from quarterdeck.telemetry.scrape.engine import Scraping
from quarterdeck.telemetry.spec import RetentionSpec, Signal

EMPTYING = (annotations.empty_project, senders.empty_project)
"""What telemetry keeps in the control store about a project, and takes along when it goes."""

_log = logging.getLogger("quarterdeck.app")


class IngestKeys:
    """Accounts as ingest needs them."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self.authenticate_key = accounts.authenticate_key

    def ingest_project(self, principal: Principal, slug: str | None) -> ProjectRef | None:
        """The project named; else `default`, or the only rule of a limited key: its first."""
        directory = self._accounts.directory
        found = directory.by_slug.get(slug or DEFAULT_SLUG)
        if found is not None and principal.sees(found.id):
            return found
        if slug or not principal.projects:
            return None
        return directory.by_id.get(min(principal.projects))

    def project(self, slug: str | None) -> ProjectRef | None:
        return self._accounts.directory.by_slug.get(slug or DEFAULT_SLUG)


class Recorder:
    """The audit trail as floors below it need it: who did what to what."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control

    async def __call__(self, who: Principal, action: str, target: str) -> None:
        await self._control.write(lambda conn: audit(conn, who, action, target))


class KeptDays:
    """(project, signal) → days, from the resource `retention` and the setting behind it."""

    def __init__(self, resources: Resources, settings: Settings) -> None:
        self._resources = resources
        self._default = int(settings.retention_days)

    def __call__(self, project_id: int, signal: str) -> int:
        spec = self._resources.get(RetentionSpec, project_id)
        return spec.days(cast(Signal, signal), self._default)


def series_limit(resources: Resources, settings: Settings) -> Callable[[int], int]:
    """project → active series, from the resource `retention` and the setting behind it."""

    def of(project_id: int) -> int:
        chosen = resources.get(RetentionSpec, project_id).series_limit
        return int(settings.series_limit) if chosen is None else chosen

    return of


class DeletedProjects:
    """Takes `project.deleted` from the outbox: its telemetry goes too. Doing it twice is harmless."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine

    async def __call__(self, event: Event) -> None:
        project_id = int(event.payload["project_id"])
        await asyncio.to_thread(retention.delete_project, self._engine, project_id)


class EnvironmentWatch:
    """Environments create themselves when telemetry first speaks of them.

    The engine is asked only after something has been written, so an idle server rests.
    """

    def __init__(self, engine: EmbeddedEngine, accounts: Accounts) -> None:
        self._engine = engine
        self._accounts = accounts
        self._news = True

    def committed(self, signal: str, projects: set[int]) -> None:
        """May be called from any thread."""
        self._news = True

    async def look(self) -> None:
        if not self._news:
            return
        self._news = False
        for project_id, name in await asyncio.to_thread(environments, self._engine):
            self._accounts.touch_environment(project_id, name)


class OwnHost:
    """The server's own machine, told of as the agent tells of others, into the project `default`.

    Writing costs a hundred times what measuring does, so what was measured is written once a
    minute: an idle server rests.
    """

    def __init__(self, intake: Intake, accounts: Accounts) -> None:
        self._intake = intake
        self._accounts = accounts
        self._system = System(host_resource())
        self._processes = Processes()
        self._written = -PROCESSES_EVERY_S
        self._waiting = METRICS.request()

    async def measure(self) -> None:
        points = await asyncio.to_thread(self._system.points)
        due = time.monotonic() - self._written > PROCESSES_EVERY_S - 1
        if due:
            await asyncio.to_thread(self._processes.add, points)
        self._waiting.MergeFrom(points.request)
        project = self._accounts.directory.by_slug.get(DEFAULT_SLUG)
        if not due or project is None:
            return
        self._written = time.monotonic()
        request = inspect(METRICS, self._waiting, self._waiting.SerializeToString())
        self._waiting = METRICS.request()
        try:
            await self._intake.keep("metrics", project, request)
        except Refused as refused:  # the next ones come soon
            _log.warning("Measurements of this host were lost: %s", refused.message)


def scraping_of(
    resources: Resources,
    intake: Intake,
    accounts: Accounts,
    settings: Settings,
    clock: Clock,
    metrics: Registry,
) -> Scraping:
    """Scraping as the server does it; not yet started."""
    given = str(settings.scrape_files)
    return Scraping(
        resources,
        partial(keep_series, intake),
        accounts.project_by_id,
        accounts.vault.resolve,
        Path(given) if given else settings.data_dir / "targets",
        clock,
        metrics,
    )


async def open_errors(
    intake: Intake,
    engine: EmbeddedEngine,
    control: ControlStore,
    accounts: Accounts,
    clock: Clock,
    metrics: Registry,
) -> tuple[list[RawRoute], Router]:
    """Errors as the server takes them in and shows them."""
    kept = await keep.open_errors(intake, engine, control)
    accounts.emptying.append(issues.empty_project)
    routes = sentry_routes(intake, kept.keep, accounts.project_by_id, clock, metrics)
    return routes, errors_router(engine, control, kept)


async def account_for_gap(
    control: ControlStore,
    last: LastLife | None,
    told: Mapping[str, Any],
    clock: Clock,
    metrics: Registry,
) -> Gap | None:
    """Put on record how long nothing ran, and why; None at the very first start."""
    gap = None
    if last is not None:
        why = "stopped" if last.planned else str(told.get("reason", "killed from outside"))
        gap = recorded = Gap(last.until_ms, now_ms(clock), why, last.planned)
        await control.write(lambda conn: record_gap(conn, recorded))
        if not gap.planned:
            _log.warning(
                "Nothing ran for a while.", extra=fields(seconds=gap.seconds, reason=gap.reason)
            )
    totals: GapTotals = await control.read(unplanned_totals)
    metrics.counter(
        "quarterdeck_restarts_total", "Times that the server ended without being asked to."
    ).set(totals.count)
    metrics.counter("quarterdeck_gap_seconds_total", "Time in which nothing ran, unplanned.").set(
        totals.seconds
    )
    return gap


def shown_gap(gap: Gap) -> ShownGap:
    return ShownGap(
        from_ms=gap.from_ms, to_ms=gap.to_ms, seconds=round(gap.seconds, 3), reason=gap.reason
    )
