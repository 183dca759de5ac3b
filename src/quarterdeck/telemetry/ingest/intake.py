"""The signal path as one object: who sends, may they, is there room, is it durable.

`Intake` owns the batchers and the figures about them; the protocols (otlp/http.py, otlp/grpc.py,
logs/, prometheus/) turn bytes into calls of `authorise` and `keep` and outcomes into their words.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.metrics import Registry, Sample
from quarterdeck.core.permissions import Permission, Principal, ProjectRef
from quarterdeck.core.settings import Settings
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Batcher, Budget, Request, Write
from quarterdeck.telemetry.ingest.logs import lines
from quarterdeck.telemetry.ingest.otlp.signals import SIGNALS
from quarterdeck.telemetry.ingest.otlp.write import writer
from quarterdeck.telemetry.ingest.outcome import Outcome, Reason, Refused, overloaded
from quarterdeck.telemetry.ingest.prometheus import write as remote_write
from quarterdeck.telemetry.ingest.prometheus.limit import ActiveSeries, SeriesLimit
from quarterdeck.telemetry.ingest.prometheus.messages import VERSIONS
from quarterdeck.telemetry.ingest.senders import Senders
from quarterdeck.telemetry.ingest.write import Oldest

P = ParamSpec("P")
T = TypeVar("T")
_MIB = 1_048_576
_MOST_WAITING = 256  # large requests, whose bodies are already in memory
_BEING_QUEUED_NS = 1_000_000_000  # a request is given its time just before it is queued

Committed = Callable[[str, set[int]], None]


class Keys(Protocol):
    """What ingest needs from accounts: answers from memory, since it asks for every request."""

    def authenticate_key(self, raw: str) -> Principal | None: ...
    def ingest_project(self, principal: Principal, slug: str | None) -> ProjectRef | None: ...
    def project(self, slug: str | None) -> ProjectRef | None: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """From the settings, in bytes and milliseconds."""

    body: int
    queue: int
    flush_ms: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        return cls(
            body=int(settings.max_body_mb) * _MIB,
            queue=int(settings.ingest_queue_mb) * _MIB,
            flush_ms=int(settings.ingest_flush_ms),
        )


@dataclass(frozen=True, slots=True)
class RefusedRequests:
    """Requests refused for one reason since the server began."""

    count: int
    last_ms: int
    message: str


class Intake:
    """Everything between an authenticated request and its durable rows."""

    def __init__(
        self,
        engine: EmbeddedEngine,
        keys: Keys,
        limits: Limits,
        clock: Clock,
        registry: Registry,
        kept_days: Oldest,
        series_limit: SeriesLimit,
    ) -> None:
        self.limits = limits
        self.series_limit = series_limit
        self._keys = keys
        self._clock = clock
        self.on_commit: list[Committed] = []
        self.senders = Senders()
        self.refused_requests: dict[tuple[str, Reason], RefusedRequests] = {}
        self._apart = asyncio.Semaphore(2)
        self._apart_waiting = 0
        self.budget = Budget(limits.queue)
        self._kept = registry.counter("quarterdeck_ingest_items_total", "Items kept.", ("signal",))
        self._refused = registry.counter(
            "quarterdeck_ingest_refused_total",
            "Items refused; requests where items cannot be counted.",
            ("signal", "reason"),
        )
        self.steps = registry.counter(
            "quarterdeck_ingest_seconds_total",
            "Time spent in each step of the signal path.",
            ("signal", "step"),
        )
        registry.collect(self._figures)

        batcher = self._batcher
        self._batchers = {
            s.name: batcher(s.name, writer(engine, s, kept_days), s.longest_s) for s in SIGNALS
        }
        # Log lines have tables of their own, whose views alone their batches pay for.
        for table in lines.TABLES:
            self._batchers[table] = batcher(
                "logs", lines.writer(engine, kept_days), lines.LONGEST_S
            )

        active = ActiveSeries(engine, series_limit)
        for version in VERSIONS:
            self._batchers[version.known.table] = batcher(
                "metrics",
                remote_write.writer(engine, version, kept_days, active),
                remote_write.LONGEST_S,
            )

    def _batcher(self, signal: str, write: Write, longest_s: float) -> Batcher:
        return Batcher(
            signal,
            write,
            self.budget,
            flush_ms=self.limits.flush_ms,
            longest_s=longest_s,
            committed=self._committed,
        )

    def take(self, signal: str, table: str, write: Write, longest_s: float) -> None:
        """Take requests for a table of a higher floor: `keep(…, by=table)` then gives them to `write`."""
        self._batchers[table] = self._batcher(signal, write, longest_s)

    def authorise(self, authorization: str, project: str | None, origin: str | None) -> ProjectRef:
        """The project that the sender may write to, or Refused."""
        scheme, _, key = authorization.partition(" ")
        if not key or scheme.lower() != "bearer":
            raise Refused(
                Reason.KEY_MISSING,
                "Send `Authorization: Bearer KEY` with an ingest key of your project.",
            )
        principal = self._keys.authenticate_key(key.strip())
        if principal is None:
            raise Refused(Reason.KEY_UNKNOWN, "This key is unknown or has been revoked.")
        if not principal.may(Permission.INGEST):
            raise Refused(Reason.NOT_PERMITTED, "This key may not write telemetry.")
        if origin and principal.origins and origin not in principal.origins:
            raise Refused(Reason.ORIGIN_REFUSED, f"This key may not be used from {origin}.")
        found = self._keys.ingest_project(principal, project)
        if found is None:
            raise Refused(Reason.PROJECT_UNKNOWN, "This key has no such project.")
        return found

    def project(self, slug: str | None) -> ProjectRef | None:
        """The project of a sender who is known by something else than a key."""
        return self._keys.project(slug)

    async def apart(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run work that may take long or much memory in a thread, a few at a time."""
        if self._apart_waiting >= _MOST_WAITING:
            raise overloaded()
        self._apart_waiting += 1
        try:
            async with self._apart:
                return await asyncio.to_thread(work, *args, **kwargs)
        finally:
            self._apart_waiting -= 1

    async def keep(
        self,
        signal: str,
        project: ProjectRef,
        request: Request,
        *,
        by: str = "",
        sender: tuple[str, str] | None = None,
    ) -> Outcome:
        """Queue a validated request; returns once its rows are durable.

        `by` names the batcher where it is not the signal's own, `sender` the path that it came
        in at and its User-Agent.
        """
        outcome = Outcome(0)
        if request.items:
            began = time.perf_counter()
            outcome = await self._batchers[by or signal].submit(
                project.id, request, self._clock.now_ns()
            )
            self.steps.add(time.perf_counter() - began, signal, "store")
        if request.refused:
            outcome = outcome.joined(request.refused)
        self._kept.add(outcome.items - outcome.rejected, signal)
        for reason, count in outcome.refused.items():
            self._refused.add(count, signal, reason)
        if sender and outcome.items > outcome.rejected:
            kept = outcome.items - outcome.rejected
            self.senders.note(project.id, *sender, kept, now_ms(self._clock))
        return outcome

    def settled_ns(self) -> int:
        """A moment before which everything that arrived is durable or was refused."""
        now = self._clock.now_ns() - _BEING_QUEUED_NS
        waiting = [batcher.oldest_ns() for batcher in self._batchers.values()]
        return min([now, *(at for at in waiting if at is not None)])

    def count_refused(self, signal: str, refused: Refused) -> None:
        """A whole request was refused; the last word about each reason is remembered."""
        self._refused.add(1, signal, refused.reason.value)
        known = self.refused_requests.get((signal, refused.reason))
        count = known.count + 1 if known else 1
        last = RefusedRequests(count, now_ms(self._clock), refused.message[:400])
        self.refused_requests[signal, refused.reason] = last

    def _committed(self, signal: str, projects: set[int], items: int) -> None:
        for listener in self.on_commit:
            listener(signal, projects)

    def _figures(self) -> list[Sample]:
        return [
            Sample(
                "quarterdeck_ingest_waiting_bytes",
                "Telemetry accepted but not yet durable.",
                "gauge",
                self.budget.used,
            )
        ]

    def stop(self) -> None:
        """Write what waits; nothing is accepted any more."""
        for batcher in self._batchers.values():
            batcher.stop()
