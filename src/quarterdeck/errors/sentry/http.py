"""Sentry's endpoints: `POST /api/PROJECT_ID/envelope/`, `/store/`, `/security/`.

SDKs call the content whatever their platform lets them; it is not looked at. Each body becomes an
envelope and walks the same steps: authorise, read, unfold, take its items by the table, keep what
came of them, answer. Bad input is 400, 403 or 413 and never more; where there is no room, or the
store is behind, it is 429 with the categories that are to wait, for SDKs do not send again after
5xx either.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from starlette.types import Receive, Scope, Send

from quarterdeck.core.clock import Clock
from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import Permission, ProjectRef
from quarterdeck.core.web import RawHandler, RawRoute
from quarterdeck.errors.sentry import auth, words
from quarterdeck.errors.sentry.body import unfold, unfold_store
from quarterdeck.errors.sentry.envelope import LARGEST, Envelope, Item, parse
from quarterdeck.errors.sentry.items import SECURITY_HEADERS, take
from quarterdeck.errors.sentry.received import Context, KeepEvents, Received
from quarterdeck.errors.sentry.values import time_ns
from quarterdeck.telemetry.ingest import body
from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.way import Asked, asked_of
from quarterdeck.telemetry.ingest.outcome import Outcome, Reason, Refused

SIGNAL = "errors"
PATH = "/api/{project_id:int}"
WAY = "sentry"  # as senders are told of
_INLINE = 4096  # bytes on the wire; larger bodies are unfolded off the event loop
_INLINE_UNFOLDED = 65_536
_AHEAD_NS = 60_000_000_000
_BEHIND_NS = 3_300_000_000_000

T = TypeVar("T")
Read = Callable[[Asked, bytes, int], Envelope]
ProjectById = Callable[[int], ProjectRef | None]

_log = logging.getLogger("quarterdeck.errors")


def sentry_routes(
    intake: Intake,
    keep_events: KeepEvents,
    project_by_id: ProjectById,
    clock: Clock,
    registry: Registry,
) -> list[RawRoute]:
    """The routes; error events go to `keep_events`, all else into the intake's signals."""
    endpoint = Endpoint(intake, keep_events, project_by_id, clock, registry)
    ways: tuple[tuple[str, Read, str], ...] = (
        ("envelope", _read_envelope, "Envelopes of Sentry SDKs"),
        ("store", _read_store, "Single events of old Sentry SDKs"),
        ("security", _read_security, "Reports of browsers: CSP, Expect-CT, the Reporting API"),
    )
    found = []
    for name, read, summary in ways:
        path = f"{PATH}/{name}"
        found.append(RawRoute("POST", path, Permission.INGEST, endpoint.handler(read), summary))
        found.append(RawRoute("OPTIONS", path, Permission.PUBLIC, _preflight, "CORS preflight"))
    return found


def _read_envelope(asked: Asked, data: bytes, limit: int) -> Envelope:
    return parse(data)


def _read_store(asked: Asked, data: bytes, limit: int) -> Envelope:
    if asked.media == "application/x-sentry-envelope":
        return parse(data)
    event = unfold_store(data, limit)
    return Envelope(items=(Item("event", {}, memoryview(event)),))


def _read_security(asked: Asked, data: bytes, limit: int) -> Envelope:
    release, environment, _ = SECURITY_HEADERS
    told = {
        **{name: asked.query.get(name, "") for name in (release, environment)},
        "user_agent": asked.header(b"user-agent"),
    }
    return Envelope(items=(Item("raw_security", told, memoryview(data)),))


def shift_ns(sent_ns: int, received_ns: int) -> int:
    """How wrong the sender's clock is; 0 where it may be right.

    What was sent in the future comes from a clock that is ahead. What was sent long ago may have
    waited for a network, so that only what is nearly an hour late speaks of a clock that is behind.
    """
    wrong = received_ns - sent_ns if sent_ns else 0
    return wrong if wrong < -_AHEAD_NS or wrong > _BEHIND_NS else 0


async def _preflight(scope: Scope, receive: Receive, send: Send) -> None:
    await words.send_preflight(send, dict(scope["headers"]).get(b"origin"))


@dataclass(frozen=True, slots=True)
class _Part:
    """Something of an envelope that is kept by itself, and the categories of the items it is of."""

    signal: str
    categories: frozenset[str]
    work: Coroutine[Any, Any, Outcome]


class Endpoint:
    """What the endpoints have in common."""

    def __init__(
        self,
        intake: Intake,
        keep_events: KeepEvents,
        project_by_id: ProjectById,
        clock: Clock,
        registry: Registry,
    ) -> None:
        self._intake = intake
        self._keep_events = keep_events
        self._project_by_id = project_by_id
        self._clock = clock
        self._limit = min(LARGEST, intake.limits.body)
        self._queued: set[asyncio.Task[Outcome]] = set()  # answered, not yet durable
        self._items = registry.counter(
            "quarterdeck_sentry_items_total",
            "Items of Sentry's envelopes, by type and what became of them.",
            ("type", "outcome"),
        )
        self._discarded = registry.counter(
            "quarterdeck_sentry_discarded_total",
            "What SDKs say that they threw away before it was sent.",
            ("category", "reason"),
        )

    def handler(self, read: Read) -> RawHandler:
        async def handle(scope: Scope, receive: Receive, send: Send) -> None:
            asked = asked_of(scope)
            try:
                answer = await self._serve(asked, receive, read)
            except Refused as refused:
                self._intake.count_refused(SIGNAL, refused)
                if refused.reason is Reason.DISCONNECTED:
                    return
                answer = words.refusal(refused)
            await words.send_answer(send, answer, asked.headers.get(b"origin"))

        return handle

    async def _serve(self, asked: Asked, receive: Receive, read: Read) -> words.Answer:
        intake, limit = self._intake, self._limit
        began = time.perf_counter()
        project = self._project_by_id(int(asked.params["project_id"]))
        origin = asked.header(b"origin") or None
        x_sentry_auth = asked.header(b"x-sentry-auth")
        keys = auth.keys_of(x_sentry_auth, asked.header(b"authorization"), asked.query)
        if keys:  # else only the envelope can tell
            auth.admit(intake, keys, project, origin)
        length = asked.header(b"content-length")
        if length.isdigit() and int(length) > limit:
            raise Refused(Reason.TOO_LARGE, f"The body is over {limit // 1048576} MiB.")
        intake.steps.add((authorised := time.perf_counter()) - began, SIGNAL, "authorise")
        raw = await body.read(receive, limit, intake.budget)
        intake.steps.add((arrived := time.perf_counter()) - authorised, SIGNAL, "read")

        def open_envelope() -> Envelope:
            encoding = asked.header(b"content-encoding").lower()
            return read(asked, unfold(raw, encoding, limit), limit)

        with intake.budget.held(len(raw)):
            envelope = await self._run(len(raw) > _INLINE, open_envelope)
            keys |= auth.key_of_dsn(envelope.dsn, project)
            admitted = auth.admit(intake, keys, project, origin)
            context = self._context(envelope, admitted)
            size = sum(len(item.payload) for item in envelope.items)
            work = partial(_made_of, envelope, context)
            received, requests = await self._run(size > _INLINE_UNFOLDED, work)
        intake.steps.add(time.perf_counter() - arrived, SIGNAL, "validate")
        self._count(received)
        _refuse_nothing(envelope, received)
        client = auth.client_of(x_sentry_auth, asked.query, asked.header(b"user-agent"))
        parts = self._parts(admitted, received, requests, client)
        event_id = envelope.event_id or next((one.event_id for one in received.events), "")
        return await self._kept(parts, event_id)

    async def _run(self, large: bool, work: Callable[[], T]) -> T:
        return await self._intake.apart(work) if large else work()

    def _context(self, envelope: Envelope, project: ProjectRef) -> Context:
        now = self._clock.now_ns()
        shift = shift_ns(time_ns(envelope.sent_at), now)
        return Context(envelope.event_id, project.slug, now, shift)

    def _count(self, received: Received) -> None:
        for labels, count in received.items.items():
            self._items.add(count, *labels)
        for labels, count in received.discarded.items():
            self._discarded.add(count, *labels)

    def _parts(
        self,
        project: ProjectRef,
        received: Received,
        requests: dict[str, Request],
        client: str,
    ) -> list[_Part]:
        async def events() -> Outcome:
            outcome = await self._keep_events(project, received.events)
            if kept := outcome.items - outcome.rejected:
                at_ms = self._clock.now_ns() // 1_000_000
                self._intake.senders.note(project.id, WAY, client, kept, at_ms)
            return outcome

        parts = []
        if received.events:
            parts.append(_Part(SIGNAL, _ERRORS & received.categories, events()))
        for signal, request in requests.items():
            keep = self._intake.keep(signal, project, request, sender=(WAY, client))
            parts.append(_Part(signal, _CATEGORIES[signal] & received.categories, keep))
        return parts

    async def _kept(self, parts: list[_Part], event_id: str) -> words.Answer:
        """Keep all parts at once; what has no room does not keep the others from being kept."""
        tasks = [(part, asyncio.create_task(part.work)) for part in parts]
        queued = [task for part, task in tasks if part.signal != SIGNAL]
        durable = [task for part, task in tasks if part.signal == SIGNAL]
        if durable:
            await asyncio.wait(durable)
        if queued:
            await asyncio.wait(queued, timeout=0)  # long enough to be refused by a full queue
        waiting: set[str] = set()
        refusals = []
        for part, task in tasks:
            if not task.done():
                self._queued.add(task)
                task.add_done_callback(partial(self._settled, part.signal))
            elif (refused := _refused(task)) is not None:
                self._intake.count_refused(part.signal, refused)
                refusals.append(refused)
                waiting |= part.categories if refused.reason in words.BUSY else set()
        if refusals and len(refusals) == len(parts):
            return words.refusal(refusals[0], waiting)
        answer = words.taken(event_id)
        if waiting:
            wait = max(refused.retry_after or words.WAIT_S for refused in refusals)
            answer.headers.append(words.limits(wait, waiting))
        return answer

    def _settled(self, signal: str, task: "asyncio.Task[Outcome]") -> None:
        """What was answered already is durable, or lost; the store has logged why."""
        self._queued.discard(task)
        if not task.cancelled() and (refused := _refused(task)) is not None:
            self._intake.count_refused(signal, refused)


_ERRORS = frozenset({"error", "security", "attachment"})
_CATEGORIES = {
    "traces": frozenset({"transaction", "span"}),
    "logs": frozenset({"log_item"}),
    "metrics": frozenset({"session", "trace_metric"}),
}


def _made_of(envelope: Envelope, context: Context) -> tuple[Received, dict[str, Request]]:
    """What an envelope comes to; the requests as the intake wants them, by signal."""
    received = take(envelope, context)
    exports = (received.spans, received.logs, received.metrics)
    found = ((export.signal.name, export.request()) for export in exports)
    return received, {signal: request for signal, request in found if request is not None}


def _refuse_nothing(envelope: Envelope, received: Received) -> None:
    """Refused, when there was something and nothing of it can be used or will ever be."""
    whys = {why for _, why in received.items}
    if not envelope.items or whys & {"taken", "unknown", "unsupported"}:
        return
    if "too_large" in whys:
        raise Refused(Reason.TOO_LARGE, "Every item is larger than its kind may be.")
    if "unparsable" in whys:
        raise Refused(Reason.UNPARSABLE, "invalid JSON data")
    raise Refused(Reason.UNPARSABLE, f"nothing in it can be used: {', '.join(sorted(whys))}")


def _refused(task: "asyncio.Task[Outcome]") -> Refused | None:
    """Why nothing was kept; None when it was."""
    error = task.exception()
    if error is None or isinstance(error, Refused):
        return error
    if isinstance(error, QuarterdeckError):
        _log.error("Errors could not be kept: %s", error.message)
        return Refused(Reason.STORE_FAILED, "The store is busy; send again.")
    raise error
