"""Records real traces of the shop, all services in this one process, as templates.

The history repeats these templates over the past hour, so what it shows has exactly
the names, attributes, events and shapes that live telemetry has: there is no second
description of the shop that could differ from the first.
"""

import asyncio
import contextlib
import itertools
import random
import re
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from quarterdeck.demo.shop import goods, outside, schema
from quarterdeck.demo.shop.edge import Line
from quarterdeck.demo.shop.payments import PEERS
from quarterdeck.demo.shop.roster import CANARY, OUTSIDE, ROLES, Role, assemble, assemble_outside
from quarterdeck.demo.shop.telemetry import Attributes, Telemetry, resource
from quarterdeck.demo.switches import Switches
from quarterdeck.demo.traffic.personas import ODD_SEARCHES, SEARCHES, Planner, Step
from quarterdeck.demo.traffic.visitors import (
    Shop,
    Visitor,
    act_as_staff,
    act_as_supplier,
    offers_in,
)

# Addresses of recorded requests: each action has its own, by which its trace is found again.
_MARK = "203.0.113."
_OFFER = re.compile(r"/offers/\d+/")
_IDENTITIES = ("session.id", "user.id", "client.address", "order.number", "payment.id")
RECOUNT = "recount"
# Traces that no visitor begins, by the name of their root.
_JOBS = {"process fulfilment": "fulfil", "recount stock": RECOUNT}
OUTAGE = "checkout/outage"


@dataclass(frozen=True, slots=True)
class Measure:
    """A value given to an instrument, and the span in which it happened."""

    service: str
    name: str
    value: float
    attributes: Attributes
    span: bytes
    at: int


@dataclass(slots=True)
class Template:
    """One recorded trace with all that belongs to it. Times are nanoseconds of the recording."""

    action: str
    start: int = 0
    end: int = 0
    failed: bool = False
    spans: list[tuple[str, str, Span]] = field(default_factory=list)  # service, scope, span
    logs: list[tuple[str, str, LogRecord]] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)  # of the edge functions
    identities: dict[str, str] = field(default_factory=dict)


Pools = dict[str, list[Template]]


class Mesh(httpx.AsyncBaseTransport):
    """HTTP between applications in one process, by host name."""

    def __init__(self) -> None:
        self.apps: dict[str, httpx.ASGITransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        limit = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(limit):
                return await self.apps[request.url.host].handle_async_request(request)
        except TimeoutError:
            raise httpx.ReadTimeout("", request=request) from None


# Which switches are on for the visit that is being followed: the whole shop answers a
# request within the visitor's own task, so that each visit can have its own weather.
weather: ContextVar[frozenset[str]] = ContextVar("weather", default=frozenset())


class Weather(Switches):
    """Switches that differ from visit to visit."""

    def on(self, name: str) -> bool:
        return name in weather.get()


# What a provider seldom does, one after the other; the pause between is for a second attempt.
RARE = "rare"
_SELDOM = (*outside.DECLINES, outside.HICCUP, "")


def fates() -> outside.Fate:
    """All goes well, but in rare weather nothing does."""
    seldom = defaultdict[str, Iterator[str]](lambda: itertools.cycle(_SELDOM))
    return lambda host: next(seldom[host]) if RARE in weather.get() else ""


class Studio:
    """The whole shop in one process, its telemetry kept in memory."""

    def __init__(self, directory: Path, seed: int, sales_days: int = 60) -> None:
        self._sales_days = sales_days
        self.switches = Weather()
        self.spans: dict[str, InMemorySpanExporter] = {}
        self.logs: dict[str, InMemoryLogRecordExporter] = {}
        self.readers: dict[str, InMemoryMetricReader] = {}
        self.lines: list[Line] = []
        self._measures: dict[int, list[Measure]] = defaultdict(list)
        self._directory = directory
        self._seed = seed
        self._actions: list[str] = []

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Shop]:
        """The shop, running."""
        schema.prepare(self._directory, self._seed, self._sales_days)
        names = [role.address for role in (*ROLES, CANARY)] + [OUTSIDE]
        addresses = {name: f"http://{name}:8080" for name in names}
        mesh = Mesh()
        mesh.apps[OUTSIDE] = httpx.ASGITransport(
            assemble_outside(self.switches, self._seed, self.lines.append, fates())
        )
        async with contextlib.AsyncExitStack() as stack:
            for role in (*ROLES, CANARY):
                telemetry = self._telemetry(role)
                app, service = assemble(
                    role, telemetry, addresses, self.switches, self._directory, self._seed, mesh
                )  # fmt: skip
                mesh.apps[role.address] = httpx.ASGITransport(app, raise_app_exceptions=False)
                stack.callback(telemetry.log.handlers.clear)
                stack.push_async_callback(service.client.close)
                await stack.enter_async_context(app.router.lifespan_context(app))
            http = await stack.enter_async_context(httpx.AsyncClient(transport=mesh, timeout=20))
            yield Shop(http, addresses)

    def mark(self, action: str) -> str:
        """An address that ties the next request to the action."""
        self._actions.append(action)
        number = len(self._actions) - 1
        return f"{_MARK}{number}"

    def templates(self) -> Pools:
        """Everything recorded so far, by action."""
        found: dict[bytes, Template] = {}
        for service, exporter in self.spans.items():
            request = encode_spans(exporter.get_finished_spans())
            for scope in (s for r in request.resource_spans for s in r.scope_spans):
                for span in scope.spans:
                    known = found.setdefault(span.trace_id, Template(""))
                    known.spans.append((service, scope.scope.name, span))
        for service, kept in self.logs.items():
            for scope_logs in (
                s for r in encode_logs(kept.get_finished_logs()).resource_logs for s in r.scope_logs
            ):
                for record in scope_logs.log_records:
                    if record.trace_id in found:
                        found[record.trace_id].logs.append((service, scope_logs.scope.name, record))
        for line in self.lines:
            if (called := bytes.fromhex(line.get("trace_id", ""))) in found:
                found[called].lines.append(line)
        pools: Pools = defaultdict(list)
        for trace_id, template in found.items():
            template.measures = self._measures.get(int.from_bytes(trace_id, "big"), [])
            if self._finish(template):
                pools[template.action].append(template)
        return pools

    def _finish(self, template: Template) -> bool:
        root = next((span for _, _, span in template.spans if not span.parent_span_id), None)
        if root is None:
            return False
        strings = _strings(root)
        address = strings.get("client.address", "")
        if root.name in _JOBS:
            template.action = _JOBS[root.name]
        elif address.startswith(_MARK):
            template.action = self._actions[int(address.removeprefix(_MARK))]
        else:
            return False
        template.start, template.end = root.start_time_unix_nano, root.end_time_unix_nano
        template.failed = root.status.code == 2
        for item in [s for _, _, s in template.spans] + [r for _, _, r in template.logs]:
            for name, value in _strings(item).items():
                if name in _IDENTITIES:
                    template.identities.setdefault(name, value)
                elif name == "url.path" and (offer := _OFFER.search(value)):
                    template.identities.setdefault("offer", offer.group())
                elif name == "url.path" and template.action == "product":
                    template.identities.setdefault("sku", value.rpartition("/")[2])
        return True

    def _telemetry(self, role: Role) -> Telemetry:
        name = role.address
        self.spans[name] = InMemorySpanExporter()
        self.logs[name] = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
        self.readers[name] = InMemoryMetricReader()
        return Telemetry(
            resource(role.name, role.version),
            [SimpleSpanProcessor(self.spans[name])],
            [SimpleLogRecordProcessor(self.logs[name])],
            self.readers[name],
            self._listen,
        )

    def _listen(self, service: str, name: str, value: float, attributes: Attributes) -> None:
        current = trace.get_current_span().get_span_context()
        if current.is_valid:
            self._measures[current.trace_id].append(
                Measure(
                    service, name, value, attributes, current.span_id.to_bytes(8, "big"),
                    time.time_ns(),
                )
            )  # fmt: skip


def _strings(item: Any) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in item.attributes}


async def record(directory: Path, seed: int) -> Pools:
    """Let people of every kind through the shop, some of them during a payment outage."""
    studio = Studio(directory, seed)
    rng = random.Random(f"{seed}:record")
    planner = Planner(rng, goods.products(seed), goods.customers(seed))
    async with studio.open() as shop:
        gate = asyncio.Lock()

        async def send(visit: Visit) -> None:
            weather.set(visit.weather)
            drawn = planner.visit("bot" if visit.steps[0][0] == "missing" else "buyer")
            visitor = Visitor(shop, drawn)
            for name, step in visit.steps:
                address = studio.mark(name)
                visitor.plan = replace(drawn, address=address, provider=visit.provider)
                # One at a time: the whole shop is one process here, and whoever waits for another
                # would be slower than in the live shop. Paying is mostly waiting for a provider.
                waits = name.startswith("checkout")
                async with contextlib.nullcontext() if waits else gate:
                    await visitor.act(step)

        visits = [_purchase(planner, OUTAGE, "sahelpay", "payment-outage") for _ in range(14)]
        for provider in PEERS:
            paying = f"checkout/{provider}"
            visits += [_purchase(planner, paying, provider) for _ in range(9)]
            visits += [_purchase(planner, f"{paying}/{RARE}", provider, RARE) for _ in range(4)]
        visits += _browsing(planner, rng)
        # A task each, since the weather belongs to the task.
        # Counting goes on beside them: most of the visitors' time is waiting for a provider.
        counting = asyncio.create_task(shop.send("catalogue", "POST", "/stock/recount", {}))
        await asyncio.gather(*(asyncio.create_task(send(visit)) for visit in visits), counting)
        await _people(studio, shop)
        return studio.templates()


@dataclass(frozen=True, slots=True)
class Visit:
    """What one customer does: steps with their names in the history."""

    steps: list[tuple[str, Step]]
    provider: str = "sahelpay"
    weather: frozenset[str] = frozenset()


def _browsing(planner: Planner, rng: random.Random) -> list[Visit]:
    """Visits that cover every action short of buying."""
    steps = [("home", Step(0, "home"))] * 6
    steps += [("category", Step(0, "category", category=slug)) for slug in goods.CATEGORIES]
    steps += [("product", Step(0, "product", sku=planner.product().sku)) for _ in range(14)]
    steps += [("search", Step(0, "search", text=text)) for text in rng.sample(SEARCHES, 10)]
    steps += [("search_odd", Step(0, "search_odd", text=text)) for text in ODD_SEARCHES]
    steps += [("missing", Step(0, "missing", sku="OLD-117"))] * 2
    return [Visit([step]) for step in steps]


def _purchase(planner: Planner, checkout: str, provider: str, *weather: str) -> Visit:
    adding = [("add", step) for step in planner.buy() if step.action == "add"]
    rest = [("cart", "cart"), ("login", "login"), (checkout, "checkout"), ("track", "track")]
    steps = [*adding, *((name, Step(0, action)) for name, action in rest)]
    return Visit(steps, provider, frozenset(weather))


async def _people(studio: Studio, shop: Shop) -> None:
    """Staff and suppliers, once the paid orders have become offers."""
    for action in (
        "admin_users",
        "admin_user",
        "admin_analytics",
        "admin_settings",
        "admin_change",
    ):
        for number in range(3):
            await act_as_staff(shop, action, f"u_{number + 7:04}", studio.mark(action))
    for state in ("open", "open", "accepted"):
        await act_as_supplier(shop, "offers", state=state, address=studio.mark("offers"))

    gate = asyncio.Lock()

    async def supply(offer: int) -> None:
        async with gate:
            await act_as_supplier(shop, "accept", offer, address=studio.mark("accept"))
        await act_as_supplier(shop, "deliver", offer, address=studio.mark("deliver"))

    await asyncio.gather(*(supply(offer) for offer in (await offers_in(shop, "open"))[:16]))
