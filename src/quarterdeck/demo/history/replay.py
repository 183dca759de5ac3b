"""Repeats recorded traces over a stretch of past time, as OTLP requests.

Sessions come from the same rhythm and the same plans as the live ones. A repetition
gets new ids, the session's own identities and a slightly different pace; everything
else is what was recorded. What happened in that hour: a release of `web` and one of
`orders`, which says something that the one before did not, and six minutes in which the
provider sahelpay did not answer.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from quarterdeck.demo.history import renaming
from quarterdeck.demo.history.record import OUTAGE, RARE, RECOUNT, Pools, Template
from quarterdeck.demo.shop import goods
from quarterdeck.demo.shop.edge import Line
from quarterdeck.demo.shop.outside import DECLINED, HICCUPS
from quarterdeck.demo.shop.roster import BEFORE, ROLES
from quarterdeck.demo.shop.telemetry import Attributes, resource
from quarterdeck.demo.traffic.personas import Planner
from quarterdeck.demo.traffic.rhythm import sessions_per_second
from quarterdeck.demo.traffic.visitors import STAFF_EVERY, SUPPLIER_EVERY

SECOND = 1_000_000_000
MINUTE = 60 * SECOND

LENGTH = 60 * MINUTE
RELEASES_BEFORE_END = {"web": 40 * MINUTE, "orders": 25 * MINUTE}
# Lines that began to be written with a release.
NEW_LINES = {"orders": "shipping of "}
RECOUNTS_BEFORE_END = (43 * MINUTE, 7 * MINUTE)
OUTAGE_BEFORE_END = 35 * MINUTE
OUTAGE_LENGTH = 6 * MINUTE


@dataclass(frozen=True, slots=True)
class Past:
    """A stretch of past time, and what happened in it."""

    start: int
    end: int

    def released(self, service: str) -> int:
        """When the service's present release came; the start if it was there all along."""
        return self.end - RELEASES_BEFORE_END.get(service, self.end - self.start)

    def version(self, service: str, at: int) -> str:
        if at < self.released(service):
            return BEFORE[service]
        return next(role.version for role in ROLES if role.name == service)

    def unheard(self, service: str, at: int, line: str) -> bool:
        """Whether the release of that time did not write such a line yet."""
        return (
            service in NEW_LINES
            and at < self.released(service)
            and line.startswith(NEW_LINES[service])
        )

    def outage(self, at: int) -> bool:
        begin = self.end - OUTAGE_BEFORE_END
        return begin <= at < begin + OUTAGE_LENGTH


@dataclass(slots=True)
class Event:
    """One trace to be: when, of which pool, and for whom."""

    at: int
    action: str
    identities: dict[str, str]


@dataclass(frozen=True, slots=True)
class Value:
    """A value for an instrument, at a time, within a trace."""

    at: int
    service: str
    name: str
    value: float
    attributes: Attributes
    trace_id: bytes
    span_id: bytes


@dataclass(slots=True)
class Chunk:
    """Some minutes of the history."""

    traces: ExportTraceServiceRequest = field(default_factory=ExportTraceServiceRequest)
    logs: ExportLogsServiceRequest = field(default_factory=ExportLogsServiceRequest)
    lines: list[Line] = field(default_factory=list)  # of the edge functions' log
    values: list[Value] = field(default_factory=list)
    spans: int = 0
    records: int = 0


def events(when: Past, seed: int) -> list[Event]:
    """Everything that people did in that time, in order."""
    rng = random.Random(f"{seed}:history")
    products = goods.products(seed)
    planner = Planner(rng, products, goods.customers(seed))
    category_of = {product.sku: product.category for product in products}
    found: list[Event] = []
    at = float(when.start)
    while True:
        # The rhythm changes slowly against the distance of two arrivals.
        at += rng.expovariate(sessions_per_second(at / SECOND, seed)) * SECOND
        if at >= when.end:
            break
        _session(found, int(at), when, planner, rng, category_of)
    at = float(when.start)
    while (at := at + rng.expovariate(1 / STAFF_EVERY) * SECOND) < when.end:
        moment = at
        for step in planner.staff():
            moment += step.wait * SECOND
            found.append(Event(int(moment), step.action, _staff("staff_awa")))
        at = moment
    at = float(when.start)
    while (at := at + SUPPLIER_EVERY * rng.uniform(0.5, 1.5) * SECOND) < when.end:
        found.append(Event(int(at), "offers", _staff("supplier_kora")))
    found += [Event(when.end - before, RECOUNT, {}) for before in RECOUNTS_BEFORE_END]
    found = [event for event in found if event.at < when.end - 4 * SECOND]
    found.sort(key=lambda event: event.at)
    return found


def _session(
    found: list[Event],
    at: int,
    when: Past,
    planner: Planner,
    rng: random.Random,
    category_of: dict[str, str],
) -> None:
    plan = planner.visit()
    country, zone, _ = goods.CITIES[plan.customer.city]
    identities = {
        "session.id": f"s_{rng.getrandbits(64):016x}",
        "user.id": plan.customer.id,
        "client.address": plan.address,
        "customer.country": country,
        "shipping.city": plan.customer.city,
        "shipping.zone": zone,
    }
    ordered = ""
    for step in plan.steps:
        at += int((step.wait + 0.05) * SECOND)
        action, known = step.action, dict(identities)
        if step.sku:
            known["sku"] = step.sku
            known["product.category"] = category_of.get(step.sku, "")
        if action == "checkout":
            ordered = f"SH-{rng.getrandbits(40):010X}"
            known["payment.id"] = f"ch_{rng.getrandbits(64):016x}"
            action = f"checkout/{plan.provider}"
            if rng.random() < DECLINED + HICCUPS:
                action = f"{action}/{RARE}"
            if plan.provider == "sahelpay" and when.outage(at):
                action = OUTAGE
        if ordered:
            known["order.number"] = ordered
        found.append(Event(at, action, known))


def _staff(name: str) -> dict[str, str]:
    return {"user.id": name, "client.address": "10.20.0.7"}


class Replayer:
    """Turns events into requests, a chunk of time after the other.

    Two with the same seed make the same history, so that one process can build the
    traces and logs while another, with `values_only`, builds the metrics.
    """

    def __init__(self, pools: Pools, when: Past, seed: int, values_only: bool = False) -> None:
        self._pools = pools
        self._values_only = values_only
        self._when = when
        self._rng = random.Random(f"{seed}:replay")
        self._places = renaming.Places()
        self._offers = 0
        self._failed: set[str] = set()  # orders that could not be placed

    def chunks(self, planned: list[Event], length: int) -> Iterator[Chunk]:
        """The history in pieces of about `length`; what an order sets off follows it in time."""
        waiting = planned[::-1]
        later: list[tuple[int, Event, tuple[bytes, bytes]]] = []
        border = self._when.start + length
        chunk, scopes = Chunk(), _Scopes(self._when)
        while waiting or later:
            due = min(later, key=lambda item: item[0]) if later else None
            if due is not None and (not waiting or due[0] <= waiting[-1].at):
                later.remove(due)
                event, cause = due[1], due[2]
            else:
                event, cause = waiting.pop(), (b"", b"")
            if event.at >= border:
                yield chunk
                chunk, scopes = Chunk(), _Scopes(self._when)
                border += length
            later.extend(self._repeat(event, cause, chunk, scopes))
        yield chunk

    def _repeat(
        self, event: Event, cause: tuple[bytes, bytes], chunk: Chunk, scopes: "_Scopes"
    ) -> list[tuple[int, Event, tuple[bytes, bytes]]]:
        order = event.identities.get("order.number", "")
        if event.action == "track" and order in self._failed:
            return []  # there is nothing to track
        template = self._rng.choice(self._pools[event.action])
        trace_id, ids = self._copy(template, event, cause, chunk, scopes)
        if not event.action.startswith("checkout"):
            return self._next(event)
        sent = [span.span_id for _, _, span in template.spans if span.name == "send fulfilment"]
        if not sent:
            self._failed.add(order)
            return []
        at = event.at + int(self._rng.uniform(0.4, 1.6) * SECOND)
        return self._soon(at, "fulfil", {"order.number": order}, (trace_id, ids[sent[0]]))

    def _next(self, event: Event) -> list[tuple[int, Event, tuple[bytes, bytes]]]:
        """What follows in the life of an order: fulfilled, accepted, delivered."""
        after = {"fulfil": ("accept", 3.0), "accept": ("deliver", 11.0)}.get(event.action)
        if after is None:
            return []
        action, delay = after
        at = event.at + int(self._rng.uniform(0.5, 1.5) * delay * SECOND)
        identities = dict(event.identities)
        if action == "accept":
            self._offers += 1
            identities = {
                **_staff("supplier_kora"),
                "order.number": event.identities["order.number"],
                "offer": f"/offers/{self._offers}/",
            }
        return self._soon(at, action, identities, (b"", b""))

    def _soon(
        self, at: int, action: str, identities: dict[str, str], cause: tuple[bytes, bytes]
    ) -> list[tuple[int, Event, tuple[bytes, bytes]]]:
        if at >= self._when.end - SECOND:
            return []
        return [(at, Event(at, action, identities), cause)]

    def _copy(
        self,
        template: Template,
        event: Event,
        cause: tuple[bytes, bytes],
        chunk: Chunk,
        scopes: "_Scopes",
    ) -> tuple[bytes, dict[bytes, bytes]]:
        rng = self._rng
        pace = min(math.exp(rng.gauss(0, 0.22)), 2.0)
        trace_id = rng.randbytes(16)
        ids = {span.span_id: rng.randbytes(8) for _, _, span in template.spans}

        def moved(at: int) -> int:
            return event.at + int((at - template.start) * pace)

        if self._values_only:
            for found in template.measures:
                value = found.value * pace if found.name.endswith("duration") else found.value
                chunk.values.append(
                    Value(
                        moved(found.at), found.service, found.name, value,
                        renaming.whole(found.attributes, event.identities),
                        trace_id, ids.get(found.span, b""),
                    )
                )  # fmt: skip
            return trace_id, ids
        renamed = renaming.Renaming(template.identities, event.identities, self._places)
        for service, scope, recorded in template.spans:
            span = scopes.spans(chunk, service, scope, event.at).add()
            span.CopyFrom(recorded)
            span.trace_id = trace_id
            span.span_id = ids[recorded.span_id]
            if recorded.parent_span_id:
                span.parent_span_id = ids[recorded.parent_span_id]
            span.start_time_unix_nano = moved(recorded.start_time_unix_nano)
            span.end_time_unix_nano = moved(recorded.end_time_unix_nano)
            for happened in span.events:
                happened.time_unix_nano = moved(happened.time_unix_nano)
            if not cause[0]:
                del span.links[:]  # what it followed is not part of the past
            for link in span.links:
                link.trace_id, link.span_id = cause
                renamed.link(link)
            renamed.attributes(span, recorded)
        for service, scope, written in template.logs:
            line = written.body.string_value
            if self._when.unheard(service, event.at, line):
                continue
            record = scopes.logs(chunk, service, scope, event.at).add()
            record.CopyFrom(written)
            record.trace_id = trace_id
            record.span_id = ids.get(written.span_id, b"")
            record.time_unix_nano = moved(written.time_unix_nano)
            record.observed_time_unix_nano = moved(written.observed_time_unix_nano)
            renamed.attributes(record, written)
            said = renaming.at_time(renamed.text(line), record.time_unix_nano)
            if said != line:
                record.body.string_value = said
            chunk.records += 1
        for written_line in template.lines:
            at = moved(renaming.nanoseconds(written_line["timestamp"]))
            chunk.lines.append(renamed.line(written_line, at, trace_id, ids))
        chunk.records += len(template.lines)
        chunk.spans += len(template.spans)
        return trace_id, ids


class _Scopes:
    """The places in a chunk's requests where a service's spans and records go."""

    def __init__(self, when: Past) -> None:
        self._when = when
        self._known: dict[tuple[str, str, str, str], Any] = {}

    def spans(self, chunk: Chunk, service: str, scope: str, at: int) -> Any:
        return self._place(chunk, "spans", service, scope, at).spans

    def logs(self, chunk: Chunk, service: str, scope: str, at: int) -> Any:
        return self._place(chunk, "logs", service, scope, at).log_records

    def _place(self, chunk: Chunk, signal: str, service: str, scope: str, at: int) -> Any:
        version = self._when.version(service, at)
        key = (signal, service, scope, version)
        place = self._known.get(key)
        if place is None:
            if signal == "spans":
                group: Any = chunk.traces.resource_spans.add()
                place = group.scope_spans.add()
                place.scope.version = version
            else:
                group = chunk.logs.resource_logs.add()
                place = group.scope_logs.add()
            place.scope.name = scope
            fill_resource(group.resource, service, version)
            self._known[key] = place
        return place


def fill_resource(target: Any, service: str, version: str) -> None:
    """Write a service's resource attributes as the SDK would."""
    for name, value in resource(service, version).attributes.items():
        pair = target.attributes.add()
        pair.key = name
        if isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.string_value = str(value)
