"""The clock of scraping: every target of every job is asked in its turn, and what it tells is kept.

Guarantees. A target that hangs delays nobody: each has its own connection and its own timeout, and
one that has not answered when its turn comes again misses that turn. What is read at once is
bounded in bytes. A job that changes goes on with what is known of its targets; a target that goes
away ends its series. What the store is too busy for is offered again until the next turn.
"""

import asyncio
import logging
import resource
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.log import fields
from quarterdeck.core.metrics import Registry, Sample
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.resources.service import Resources
from quarterdeck.telemetry.ingest.batcher import Budget
from quarterdeck.telemetry.ingest.outcome import Outcome, Refused
from quarterdeck.telemetry.scrape.clock import Schedule
from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.job import Job, Memory, Point, Resolve
from quarterdeck.telemetry.scrape.spec import ScrapeJobSpec
from quarterdeck.telemetry.scrape.target import targets_of
from quarterdeck.telemetry.scrape.turn import Course, Turn

LOOK_SECONDS = 1.0  # how often jobs and their targets are looked for
MOST_WAITING_BYTES = 256 * 1024 * 1024  # of answers that are being read
_AGAIN_SECONDS = 0.02  # between two handfuls of targets that are due together

Keep = Callable[[ProjectRef, bytes], Awaitable[Outcome]]
log = logging.getLogger(__name__)


class Scraping:
    """All jobs of a server."""

    def __init__(
        self,
        resources: Resources,
        keep: Keep,
        project_of: Callable[[int], ProjectRef | None],
        resolve: Resolve,
        directory: Path,
        clock: Clock,
        registry: Registry,
    ) -> None:
        """`directory` is where targets may be read from files."""
        self._resources = resources
        self._keep = keep
        self._project_of = project_of
        self._resolve = resolve
        self._directory = directory
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._schedule: Schedule[Point] = Schedule()
        self._budget = Budget(MOST_WAITING_BYTES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: set[str] = set()
        self._news = asyncio.Event()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="scrape")
        # A quarter of the files that we may open: for connections that wait, and again for those in use.
        self._most_open = max(16, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        self._room = asyncio.Semaphore(self._most_open)
        self._count = registry.counter(
            "quarterdeck_scrapes_total", "Scrapes of targets, by how they went.", ("result",)
        )
        registry.collect(self._figures)

    def points(self, project: int) -> list[Point]:
        """The targets of a project, by job."""
        return [point for job in self.jobs(project) for point in job.points.values()]

    def jobs(self, project: int) -> list[Job]:
        return [job for job in self._jobs.values() if job.configured.project_id == project]

    async def start(self) -> None:
        self._begin(self._look_again_and_again())
        self._begin(self._tick_again_and_again())

    async def stop(self) -> None:
        """Ends at once; series go on, for we are about to be started again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in self._jobs.values():
            for point in job.points.values():
                await _close(point)
        self._threads.shutdown()

    async def _look_again_and_again(self) -> None:
        while True:
            try:
                self.look()
            except Exception:
                log.exception("Scrape jobs could not be read; they will be tried again.")
            await asyncio.sleep(LOOK_SECONDS)

    async def _tick_again_and_again(self) -> None:
        while True:
            now = now_ms(self._clock)
            due = self._schedule.tick(now, self._turn)
            self._news.clear()
            wait = max(_AGAIN_SECONDS, (due - now_ms(self._clock)) / 1000)
            try:
                async with asyncio.timeout(min(wait, 60.0)):
                    await self._news.wait()
            except TimeoutError:
                pass

    # Jobs and their targets

    def look(self) -> None:
        """Bring jobs up to what is configured, and begin to look for their targets."""
        wanted = {each.id: each for each in self._resources.list_specs(ScrapeJobSpec)}
        for gone in self._jobs.keys() - wanted.keys():
            self._retire(self._jobs.pop(gone).points)
        for id, configured in wanted.items():
            job = self._jobs.get(id)
            if job is None or job.configured != configured:
                before = job.points if job else {}
                job = self._jobs[id] = Job(configured, self._directory, self._resolve)
                job.points = before
            if id not in self._looking and (job.groups is None or job.discovery.changes):
                self._looking.add(id)
                self._begin(self._discover(job))

    async def _discover(self, job: Job) -> None:
        try:
            groups = await job.discovery.look(now_ms(self._clock))
            if groups != job.groups and self._jobs.get(job.configured.id) is job:
                job.groups = groups
                self._place(job)
        except Exception:
            log.exception("Targets could not be found.", extra=fields(job=job.name))
        finally:
            self._looking.discard(job.configured.id)

    def _place(self, job: Job) -> None:
        """The job's targets as they were found now."""
        found = targets_of(job.configured.name, job.spec, job.groups or [])
        job.dropped, job.dropped_count = found.dropped, found.dropped_count
        before, job.points = job.points, {}
        for key, target in found.active.items():
            old = before.pop(key, None)
            if old is not None and old.job is job and old.target == target:
                job.points[key] = old
                continue
            reading = job.reading(target.labels)
            memory = old.memory if old else Memory(Course(reading))
            point = job.points[key] = Point(job, target, reading, memory)
            if old is not None:
                old.gone = True
            seed = sha256(job.configured.id.encode() + key).digest()
            self._schedule.add(seed, target.interval_ms, point, now_ms(self._clock))
        self._retire(before)
        self._news.set()

    def _retire(self, points: dict[bytes, Point]) -> None:
        for point in points.values():
            point.gone = True
            self._begin(self._end(point))

    async def _end(self, point: Point) -> None:
        async with point.memory.lock:
            turn = point.memory.course.ended(now_ms(self._clock))
            await _close(point)
        await self._store(point, turn)

    # One target's turn

    def _turn(self, point: Point, due_ms: int) -> bool:
        if point.gone:
            return False
        if point.memory.lock.locked():
            point.memory.health.missed += 1
            self._count.add(1, "missed")
        else:
            self._begin(self._scrape(point, due_ms))
        return True

    async def _scrape(self, point: Point, due_ms: int) -> None:
        async with self._room, point.memory.lock:
            turn = await self._asked(point, due_ms)
        # The store may take longer than a short interval; what comes later may overtake.
        health = point.memory.health
        health.lost, health.refused = await self._store(point, turn)

    async def _asked(self, point: Point, due_ms: int) -> Turn:
        # Points that stand evenly take less room; a hundredth of the interval hurts no rate.
        now = now_ms(self._clock)
        if 0 <= now - due_ms <= min(50, point.target.interval_ms // 100):
            now = due_ms
        began = time.perf_counter()
        course, health = point.memory.course, point.memory.health
        course.reconfigure(point.reading)
        try:
            turn = await self._answer(point, now)
        except ScrapeFailed as failed:
            turn = course.failed(str(failed), now)
        seconds = time.perf_counter() - began
        course.report(turn, seconds, now)
        health.at_ms, health.seconds = now, seconds
        health.scraped, health.kept = turn.scraped, turn.kept
        health.state, health.failed = "down" if turn.error else "up", turn.error
        self._count.add(1, health.state)
        return turn

    async def _answer(self, point: Point, now: int) -> Turn:
        # Imported here: it brings an HTTP client, which a server without jobs does not need.
        from quarterdeck.telemetry.scrape.fetch import Connection

        job, target, memory = point.job, point.target, point.memory
        if target.flaw:
            raise ScrapeFailed(target.flaw)
        credentials = await job.credentials()
        if memory.connection is None or memory.connected_for is not job:
            await _close(point)
            context = await job.context(_shared_context)
            memory.connection = Connection(context, self._count_open() < self._most_open)
            memory.connected_for = job
        answer = await memory.connection.ask(target, job.ask, credentials, self._budget)
        loop = asyncio.get_running_loop()

        def read() -> Turn:
            body = answer.unpacked(job.ask.most_bytes)
            return memory.course.answer(body, answer.protocol, now)

        return await loop.run_in_executor(self._threads, read)

    async def _store(self, point: Point, turn: Turn) -> tuple[str, int]:
        """Keep a turn; why it could not be kept in full, and how many samples were refused."""
        project = self._project_of(point.job.configured.project_id or 0)
        if project is None:
            return "", 0
        until = time.monotonic() + point.target.interval_ms / 1000
        refused: dict[str, int] = {}
        for request in turn.requests():
            while True:
                try:
                    outcome = await self._keep(project, request)
                except Refused as error:
                    wait = float(error.retry_after or 0)
                    if not wait or time.monotonic() + wait > until:
                        log.warning("A scrape is lost: %s", error, extra=fields(job=point.job.name))
                        return f"What it told could not be kept: {error.message}", turn.kept
                    await asyncio.sleep(wait)
                else:
                    refused = outcome.joined(refused).refused
                    break
        if not refused:
            return "", 0
        outcome = Outcome(0, refused)
        return f"Not all could be kept: {outcome.message()}.", outcome.rejected

    # What else it takes

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("A scrape failed in itself.", exc_info=error)

    def _count_open(self) -> int:
        return sum(len(job.points) for job in self._jobs.values())

    def _figures(self) -> list[Sample]:
        name, help = "quarterdeck_scrape_targets", "Targets that are asked in turn."
        return [Sample(name, help, "gauge", self._count_open())]


async def _close(point: Point) -> None:
    connection, point.memory.connection = point.memory.connection, None
    if connection is not None:
        await connection.close()


@cache
def _shared_context() -> ssl.SSLContext:
    from quarterdeck.telemetry.scrape.fetch import context_of

    return context_of(None, "")
