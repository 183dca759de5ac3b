"""From an error event as it was sent to a durable row, and to the issue that it belongs to.

Guarantees. `keep` returns once the events are durable and their issues exist; what it has told the
sender survives a kill. A kill between the two leaves events without an issue: `catch_up` makes it at
the next start. An event that is sent again replaces itself.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import orjson

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.errors import issues
from quarterdeck.errors.event import Event, Grouped
from quarterdeck.errors.grouping import group
from quarterdeck.errors.issues import First, Known
from quarterdeck.errors.normalise import normalise
from quarterdeck.errors.queries.firsts import firsts, recent
from quarterdeck.errors.sentry.received import SentEvent
from quarterdeck.store.control import ControlStore
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Pending, Request, Write
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.outcome import Outcome

SIGNAL = "errors"
TABLE = "raw_error_events"
LONGEST_S = 0.05  # an SDK sends one event after another and waits for each answer
MOST_KNOWN = 100_000  # groups whose issue is remembered
_AT_ONCE = 1_000  # groups whose issues are made after a kill
_INLINE = 65_536  # bytes that are worked on at once; more goes to a thread


def writer(engine: EmbeddedEngine) -> Write:
    """The function that the batcher of events calls with each batch."""

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        engine.insert_json(TABLE, b"\n".join(pending.request.body for pending in batch))
        return {}

    return write


class Errors:
    """Events of all projects on their way in."""

    def __init__(self, intake: Intake, control: ControlStore) -> None:
        self._intake = intake
        self._control = control
        self._lock = threading.Lock()
        self._making = asyncio.Lock()  # two senders of a new group make one issue
        self._known: OrderedDict[tuple[int, int], Known] = OrderedDict()

    async def keep(self, project: ProjectRef, sent: Sequence[SentEvent]) -> Outcome:
        """Keep events; raises Refused when the store is busy and the same may be sent again."""
        if not sent:
            return Outcome(0)
        size = sum(len(each.raw) for each in sent)
        if size > _INLINE:
            rows = await self._intake.apart(_rows, project.id, sent)
        else:
            rows = _rows(project.id, sent)
        body = b"\n".join(row.json for row in rows)
        request = Request(body, b"", len(rows), frozenset({TABLE}))
        outcome = await self._intake.keep(SIGNAL, project, request, by=TABLE)
        await self._belong(project.id, rows)
        return outcome

    async def _belong(self, project: int, rows: Iterable["Row"]) -> None:
        """Make the issues that are missing, and open again those that were closed."""
        firsts: dict[int, First] = {}
        again: dict[str, str] = {}
        groups: list[int] = []
        for row in rows:
            known = self._remembered(project, row.first.group)
            if known is None:
                firsts.setdefault(row.first.group, row.first)
            elif known.reopened_by(row.first.seen_ms, row.first.release):
                again[known.issue_id] = row.first.release
                groups.append(row.first.group)
        if firsts:
            async with self._making:
                found = await self._control.write(
                    lambda conn: issues.make(conn, project, list(firsts.values()))
                )
            for number, known in found.items():
                self._remember(project, number, known)
                first = firsts[number]
                if known.reopened_by(first.seen_ms, first.release):
                    again[known.issue_id] = first.release
                    groups.append(number)
        if again:
            await self._control.write(lambda conn: issues.reopen(conn, project, again, again))
            self.forget(project, groups)

    def _remembered(self, project: int, number: int) -> Known | None:
        with self._lock:
            return self._known.get((project, number))

    def _remember(self, project: int, number: int, known: Known) -> None:
        with self._lock:
            self._known[project, number] = known
            if len(self._known) > MOST_KNOWN:
                self._known.popitem(last=False)

    def forget(self, project: int, groups: Iterable[int]) -> None:
        """Somebody has changed the issues of these groups."""
        with self._lock:
            for number in groups:
                self._known.pop((project, number), None)


@dataclass(frozen=True, slots=True)
class Row:
    """An event as the engine is given it, and what its group's issue would begin with."""

    json: bytes
    first: First


def _rows(project: int, sent: Sequence[SentEvent]) -> list[Row]:
    return [row_of(project, each) for each in sent]


def row_of(project: int, sent: SentEvent) -> Row:
    document = {**sent.document, "event_id": sent.event_id}
    event = normalise(document, received_ns=sent.received_ns, drift_ns=sent.shift_ns)
    grouped = group(project, event)
    return Row(_json(project, event, grouped, sent), _first(event, grouped))


def _first(event: Event, grouped: Grouped) -> First:
    return First(
        group=grouped.group, title=event.title, culprit=grouped.culprit, type=event.type, level=event.level,
        category=grouped.category, severity=grouped.severity, platform=event.platform, release=event.release,
        seen_ms=event.time_ns // 1_000_000,
    )  # fmt: skip


def _json(project: int, event: Event, grouped: Grouped, sent: SentEvent) -> bytes:
    exception, user = event.exception, event.user
    handled = exception.handled if exception else None
    return orjson.dumps(
        {
            "project": project, "time_ns": event.time_ns, "received_ns": sent.received_ns, "environment": event.environment,
            "service": event.service or sent.service, "release": event.release, "group_id": grouped.group, "event_id": event.event_id,
            "level": event.level, "type": event.type, "message": exception.value if exception else event.message,
            "culprit": grouped.culprit, "category": grouped.category, "severity": grouped.severity,
            "handled": "" if handled is None else "yes" if handled else "no", "platform": event.platform, "sdk": event.sdk,
            "logger": event.logger, "transaction": event.transaction, "server_name": event.server_name, "url": event.url,
            "method": event.method, "user": user.identity, "user_id": user.id, "user_email": user.email,
            "user_name": user.username, "user_ip": user.ip, "browser": event.browser, "os": event.os, "device": event.device,
            "trace_id": event.trace_id, "span_id": event.span_id, "replay_id": event.replay_id, "tags": event.tags,
            "grouped_by": grouped.method, "grouped_parts": grouped.parts, "payload": sent.raw.decode("utf-8", "replace"),
        }
    )  # fmt: skip


async def open_errors(intake: Intake, engine: EmbeddedEngine, control: ControlStore) -> Errors:
    """Ready to take events; issues that a kill kept from being made exist."""
    intake.take(SIGNAL, TABLE, writer(engine), LONGEST_S)
    await catch_up(engine, control)
    return Errors(intake, control)


async def catch_up(engine: EmbeddedEngine, control: ControlStore) -> int:
    """Make the issues of groups that have events and no issue: after a kill, or an older backup."""
    made = 0
    for project, groups in (await asyncio.to_thread(recent, engine)).items():
        known = await control.read(partial(issues.known, project=project, groups=groups))
        missing = [group for group in groups if group not in known]
        for at in range(0, len(missing), _AT_ONCE):
            some = await asyncio.to_thread(firsts, engine, project, missing[at : at + _AT_ONCE])
            await control.write(partial(issues.make, project=project, firsts=some))
            made += len(some)
    return made
