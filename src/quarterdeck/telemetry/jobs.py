"""What telemetry does on a clock, one job at a time, in a thread: facets, releases, self time, edges,
patterns, retention, quota.

Every job finds its work from the store, so nothing is lost by a restart and a missed run is
made up by the next. A job that fails is logged and tried again.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from quarterdeck.core.clock import Clock
from quarterdeck.core.log import fields
from quarterdeck.core.settings import Settings
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry import edges, patterns, retention, self_time
from quarterdeck.telemetry.facets import count_new
from quarterdeck.telemetry.releases import note_new

MINUTE_NS = 60_000_000_000
_LOOK_SECONDS = 5.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Job:
    name: str
    every_ns: int
    run: Callable[[int], object]
    due_ns: int = 0


class Jobs:
    """The jobs of one engine; `tick` runs what is due."""

    def __init__(
        self,
        engine: EmbeddedEngine,
        settings: Settings,
        clock: Clock,
        projects: Callable[[], Iterable[int]],
        kept_days: retention.KeptDays,
        settled_ns: Callable[[], int],
    ) -> None:
        """`settled_ns`: a moment before which everything that arrived is durable."""
        self._engine = engine
        self._settings = settings
        self._clock = clock
        self._projects = projects
        self._kept_days = kept_days
        self._task: asyncio.Task[None] | None = None
        self._stopping = threading.Event()
        stopping = self._stopping.is_set
        self._jobs = [
            _Job("facets", MINUTE_NS, lambda now: count_new(engine, settled_ns())),
            _Job("releases", MINUTE_NS // 2, lambda now: note_new(engine, settled_ns())),
            _Job(
                "self time",
                MINUTE_NS,
                lambda now: self_time.count_new(engine, settled_ns(), now, stopping),
            ),
            _Job(
                "edges", MINUTE_NS, lambda now: edges.count_new(engine, settled_ns(), now, stopping)
            ),
            _Job("patterns", MINUTE_NS, lambda now: patterns.count_new(engine, settled_ns())),
            _Job("quota", MINUTE_NS, self._hold_quota),
            _Job("retention", 60 * MINUTE_NS, self._expire),
        ]

    def tick(self, now_ns: int) -> list[str]:
        """Run the jobs that are due; the names of those that ran through."""
        done = []
        for job in self._jobs:
            if now_ns < job.due_ns or self._stopping.is_set():
                continue
            job.due_ns = now_ns + job.every_ns
            try:
                job.run(now_ns)
                done.append(job.name)
            except Exception:
                log.exception("A job failed and will be tried again.", extra=fields(job=job.name))
        return done

    async def start(self) -> None:
        self._task = asyncio.create_task(self._repeat())

    async def stop(self) -> None:
        """Ends after the job that is running, which breaks off where it can."""
        self._stopping.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            running = asyncio.ensure_future(asyncio.to_thread(self.tick, self._clock.now_ns()))
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                await asyncio.gather(running, return_exceptions=True)
                raise

    def _hold_quota(self, now_ns: int) -> None:
        used = retention.used_bytes(self._engine)
        quota = retention.quota_of(self._engine.path, float(self._settings.disk_quota_gb), used)
        if used > quota:
            retention.hold_quota(self._engine, quota, now_ns)

    def _expire(self, now_ns: int) -> None:
        retention.expire(self._engine, self._kept_days, self._projects(), now_ns)
