"""The composition root: what there is, in the order in which it starts.

    app = App(settings)
    await app.start()     # all or nothing: a failed start undoes itself
    await app.stop()      # the reverse order

Each part that starts leaves its ending on a stack; stopping unwinds the stack, and a
start that fails is a stop. Tests embed the real application with `free_ports=True`.
"""

import asyncio
import inspect
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI

from quarterdeck.accounts.api import accounts_routers
from quarterdeck.accounts.gate import Accounts
from quarterdeck.core.clock import Clock, SystemClock
from quarterdeck.core.log import fields
from quarterdeck.core.metrics import Registry
from quarterdeck.core.settings import Settings
from quarterdeck.core.sse import Streams
from quarterdeck.core.web import RawRoute, Router
from quarterdeck.http import checks
from quarterdeck.http.application import build_api, build_app
from quarterdeck.http.health import Check, HealthChecks, health_router
from quarterdeck.http.protocol import Bounds
from quarterdeck.http.self_metrics import collect_process
from quarterdeck.http.server import (
    DRAIN_SECONDS,
    HttpServer,
    affordable,
    bind,
    bind_near,
    refuse_or_warn,
    url_of,
)
from quarterdeck.registry import KINDS
from quarterdeck.resources.api import resources_router
from quarterdeck.resources.service import Resources
from quarterdeck.store.alive import BEAT_SECONDS, Alive
from quarterdeck.store.backup.api import backup_router
from quarterdeck.store.blobs import open_blobs
from quarterdeck.store.control import ControlStore, open_control
from quarterdeck.store.control.delivery import Delivery
from quarterdeck.store.lock import lock_data
from quarterdeck.store.telemetry import EmbeddedEngine, open_engine
from quarterdeck.telemetry.derived.engine import EVERY_SECONDS, DerivedMetrics
from quarterdeck.telemetry.ingest import senders
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.intake import Limits as IntakeLimits
from quarterdeck.telemetry.ingest.logs.syslog import open_syslog
from quarterdeck.telemetry.ingest.otlp import grpc as otlp_grpc
from quarterdeck.telemetry.ingest.prometheus.own import keep_series
from quarterdeck.telemetry.ingest.routes import ingest_routes
from quarterdeck.telemetry.jobs import Jobs
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.prometheus.rules.api import rules_router
from quarterdeck.telemetry.prometheus.rules.engine import EVERY_SECONDS as RULES_SECONDS
from quarterdeck.telemetry.prometheus.rules.engine import RecordingRules
from quarterdeck.telemetry.routes import Parts, telemetry_routers
from quarterdeck.telemetry.stream import Live
from quarterdeck.wiring import (
    EMPTYING,
    DeletedProjects,
    EnvironmentWatch,
    IngestKeys,
    KeptDays,
    OwnHost,
    Recorder,
    account_for_gap,
    open_errors,
    scraping_of,
    series_limit,
    shown_gap,
)

Ending = Callable[[], Awaitable[None] | None]

REFRESH_SECONDS = 5.0

_log = logging.getLogger("quarterdeck.app")


class App:
    """A whole Quarterdeck in this process."""

    control: ControlStore
    engine: EmbeddedEngine
    api: FastAPI

    def __init__(
        self,
        settings: Settings,
        *,
        explicit: frozenset[str] = frozenset(),
        told: Mapping[str, Any] | None = None,
        free_ports: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """`explicit` names the settings that somebody chose, `told` comes from a supervisor."""
        # Absolute, for the engine's library changes the working directory while it loads.
        absolute = str(settings.data_dir.absolute())
        self.settings = Settings({**settings.values, "data": absolute})
        self.clock = clock or SystemClock()
        self.metrics = Registry()
        self.streams = Streams()
        self.url = ""
        self.otlp_http_port = 0
        self.otlp_grpc_port = 0
        self.raw_routes: list[RawRoute] = []
        self._routers: list[Router] = []
        self._checks: dict[str, Check] = {}
        self._explicit = explicit
        self._told = dict(told or {})
        self._free_ports = free_ports
        self._alive = Alive(self.settings.data_dir)
        self._sockets: list[socket.socket] = []
        self._endings: list[Ending] = []

    async def start(self) -> None:
        """Returns once requests are answered."""
        began = time.perf_counter()
        try:
            for step in (
                self._take_directory,
                self._take_ports,
                self._open_stores,
                self._open_accounts,
                self._open_resources,
                self._open_backup,
                self._open_ingest,
                self._open_errors,
                self._open_housekeeping,
                self._open_query,
                self._open_demo,
                self._account_for_gap,
                self._listen,
                self._open_grpc,
                self._open_syslog,
                self._open_scraping,
                self._show_life,
            ):
                await step()
        except BaseException:
            await self.stop()
            raise
        seconds = round(time.perf_counter() - began, 3)
        _log.info("Answering.", extra=fields(url=self.url, seconds=seconds))

    async def setup_link(self) -> str:
        """Where the first account is made from any machine; empty once there is one."""
        path = await self.accounts.setup_path()
        base = str(self.settings.public_url).rstrip("/") or self.url
        return base + path if path and int(self.settings.port) else ""

    async def stop(self) -> None:
        """End what was started, last first; one part's failure does not keep the others."""
        while self._endings:
            ending = self._endings.pop()
            try:
                result = ending()
                if inspect.isawaitable(result):
                    await result
            except Exception:
                _log.exception("A part did not stop well.")

    # The steps, in their order.

    async def _take_directory(self) -> None:
        lock = await asyncio.to_thread(lock_data, self.settings.data_dir)
        self._endings += [lock.close, self._alive.stopped]

    async def _take_ports(self) -> None:
        """Before the slow parts, so that a taken port is known at once and clients can queue."""
        host, port = str(self.settings.host), int(self.settings.port)
        if port:
            main = bind_near(
                host,
                0 if self._free_ports else port,
                setting="port",
                explicit="port" in self._explicit,
            )
            self._sockets.append(main)
            self.url = url_of(main)
        if port := int(self.settings.otlp_http_port):
            second = bind(
                host,
                0 if self._free_ports else port,
                setting="otlp_http_port",
                explicit="otlp_http_port" in self._explicit,
            )
            if second is not None:
                self._sockets.append(second)
                self.otlp_http_port = second.getsockname()[1]
                self.url = self.url or url_of(second)
        self._endings.append(self._close_sockets)

    def _close_sockets(self) -> None:
        for listener in self._sockets:
            listener.close()

    async def _open_stores(self) -> None:
        opened = await asyncio.gather(
            self._open_control(), self._open_telemetry(), return_exceptions=True
        )
        for result in opened:
            if isinstance(result, BaseException):
                raise result
        self._checks["disk"] = checks.disk_check(self.settings.data_dir)
        self._checks["memory"] = checks.memory_check()

    async def _open_control(self) -> None:
        where = str(self.settings.control_url) or self.settings.data_dir
        self.control = await asyncio.to_thread(open_control, where, self.clock)
        self._endings.append(self.control.close)
        self._checks["control"] = checks.control_check(self.control)

    async def _open_telemetry(self) -> None:
        self.engine = await asyncio.to_thread(open_engine, self.settings)
        self._endings.append(self.engine.close)
        self._checks["telemetry"] = checks.telemetry_check(self.engine)

    async def _open_accounts(self) -> None:
        self.accounts = Accounts(self.control, self.settings)
        await self.accounts.start()
        self._endings.append(self.accounts.stop)
        self._routers += accounts_routers(self.accounts)

    async def _open_resources(self) -> None:
        self.resources = Resources(self.control, KINDS)
        await self.resources.refresh()
        self.accounts.emptying += [self.resources.empty_project, *EMPTYING]
        self._every(REFRESH_SECONDS, self.resources.refresh)
        self._routers.append(resources_router(self.resources, self.accounts.project_by_id))

    async def _open_backup(self) -> None:
        blobs = open_blobs(str(self.settings.blobs_url), self.settings.data_dir / "blobs")
        self._routers.append(
            backup_router(
                self.settings.data_dir,
                self.control,
                self.engine,
                blobs.directory,
                self.clock,
                Recorder(self.control),
            )
        )

    async def _open_ingest(self) -> None:
        limits = IntakeLimits.of(self.settings)
        self.intake = Intake(
            self.engine, IngestKeys(self.accounts), limits, self.clock, self.metrics,
            KeptDays(self.resources, self.settings), series_limit(self.resources, self.settings),
        )  # fmt: skip
        self._endings.append(lambda: asyncio.to_thread(self.intake.stop))
        self._checks["ingest"] = checks.ingest_check(
            lambda: self.metrics.collected("quarterdeck_ingest_waiting_bytes"), limits.queue
        )
        self.raw_routes += ingest_routes(self.intake, self.resources, self.accounts.vault.resolve)
        if seconds := int(self.settings.host_metrics_seconds):
            self._every(seconds, OwnHost(self.intake, self.accounts).measure)
        self.scraping = scraping_of(
            self.resources, self.intake, self.accounts, self.settings, self.clock, self.metrics
        )

    async def _open_errors(self) -> None:
        routes, router = await open_errors(
            self.intake, self.engine, self.control, self.accounts, self.clock, self.metrics
        )
        self.raw_routes += routes
        self._routers.append(router)

    async def _open_housekeeping(self) -> None:
        """Jobs, derived metrics, what follows a deleted project, environments that appear."""
        jobs = Jobs(
            self.engine, self.settings, self.clock,
            lambda: [project.id for project in self.accounts.directory.projects],
            KeptDays(self.resources, self.settings), self.intake.settled_ns,
        )  # fmt: skip
        await jobs.start()
        self._endings.append(jobs.stop)

        delivery = Delivery(self.control, {"project.deleted": DeletedProjects(self.engine)})
        await delivery.start()
        self._endings.append(delivery.stop)

        self._every(REFRESH_SECONDS, lambda: senders.keep_book(self.control, self.intake.senders))
        derived = DerivedMetrics(
            self.engine, self.resources, self.intake, self.accounts.project_by_id, self.clock
        )
        self.intake.on_commit.append(derived.committed)
        self._every(EVERY_SECONDS, derived.tick)

        watch = EnvironmentWatch(self.engine, self.accounts)
        self.intake.on_commit.append(watch.committed)
        self._every(REFRESH_SECONDS, watch.look)

    async def _open_query(self) -> None:
        live = Live(self.engine, self.streams, self.clock)
        self.intake.on_commit.append(live.committed)
        queries = Queries(self.engine, self.settings, self.clock)
        self.intake.on_commit.append(queries.committed)
        rules = RecordingRules(
            queries, self.engine, self.resources, partial(keep_series, self.intake),
            self.accounts.project_by_id, self.clock, self.metrics,
        )  # fmt: skip
        self._every(RULES_SECONDS, rules.tick)
        self._routers.append(rules_router(rules))
        self._routers += telemetry_routers(
            Parts(
                self.engine, self.control, self.resources, self.intake, live, queries,
                self.settings, self.clock, self.accounts.project_by_id, self.scraping,
            )
        )  # fmt: skip

    async def _open_demo(self) -> None:
        if self.settings.demo_url:
            # Imported here: it brings an HTTP client, which no other server needs.
            from quarterdeck.demo.api import demo_router

            self._routers.append(demo_router(self.settings, Recorder(self.control)))

    async def _open_grpc(self) -> None:
        port = int(self.settings.otlp_grpc_port)
        if not port:
            return
        try:
            server, self.otlp_grpc_port = await otlp_grpc.start(
                self.intake, str(self.settings.host), 0 if self._free_ports else port
            )
        except OSError as error:
            explicit = "otlp_grpc_port" in self._explicit
            refuse_or_warn(error, port, setting="otlp_grpc_port", explicit=explicit)
            return
        self._endings.append(lambda: server.stop(DRAIN_SECONDS))

    async def _open_syslog(self) -> None:
        listen = partial(bind, str(self.settings.host), explicit=True)
        self._endings += await open_syslog(self.intake, self.settings, listen)

    async def _open_scraping(self) -> None:  # once we answer, for we may be asked ourselves
        await self.scraping.start()
        self._endings.append(self.scraping.stop)

    def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Repeat until we stop; a failure is logged and tried again next time."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                try:
                    await work()
                except Exception:
                    _log.exception("Work on a clock failed; it will be tried again.")

        task = asyncio.create_task(repeat())

        async def end() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._endings.append(end)

    async def _account_for_gap(self) -> None:
        """Report how long nothing ran, and why."""
        gap = await account_for_gap(
            self.control, self._alive.last(), self._told, self.clock, self.metrics
        )
        collect_process(self.metrics)
        health = HealthChecks(
            self._checks,
            self.clock,
            restarts=int(self._told.get("restarts", 0)),
            last_gap=shown_gap(gap) if gap is not None and not gap.planned else None,
        )
        self._routers.append(health_router(health, self.metrics))

    async def _listen(self) -> None:
        self.api = build_api(self._routers, self.raw_routes, self.accounts)
        dispatch = build_app(self.api, self.raw_routes, self.metrics, self.settings)
        dispatch.ingest_only_port = self.otlp_http_port or None
        bounds = Bounds(affordable(int(self.settings.max_connections)))
        server = HttpServer(dispatch, self._sockets, bounds)
        self._endings.append(server.stop)
        self._endings.append(self.streams.close)  # before the server waits for them to end
        await server.start()

    async def _show_life(self) -> None:
        self._alive.began(self.url)
        self._every(BEAT_SECONDS, partial(asyncio.to_thread, self._alive.beat))

    async def _beat(self) -> None:
        self._alive.beat()
