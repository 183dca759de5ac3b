"""The metrics of the past hour: the repeated traces' own values, given to the SDK's instruments.

The SDK aggregates as it does in a live process; only the times it stamps are moved to
the past. An exemplar keeps the trace it came from and the moment it happened.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Any

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from quarterdeck.demo.history.replay import SECOND, Past, Value
from quarterdeck.demo.history.runtime import Figures
from quarterdeck.demo.shop import goods
from quarterdeck.demo.shop.roster import BEFORE, ROLES
from quarterdeck.demo.shop.telemetry import Instruments, meter_provider, resource

EVERY = 60 * SECOND
ACTIVE = "http.server.active_requests"
EXEMPLAR_OF = 40  # durations, one comes with the trace it was measured in


class _Process:
    """One service process of the past: its instruments, and when it started."""

    def __init__(self, service: str, version: str, started: int, stock: dict[str, int]) -> None:
        self.started = started
        self._figures = Figures(service, started, rng=random.Random(f"{service}:{started}"))
        self._reader = InMemoryMetricReader()
        provider = meter_provider(resource(service, version), self._reader)
        self.instruments = Instruments(provider, f"shop.{service}")
        self._moments: dict[bytes, int] = {}
        self._durations = 0
        self._begun: set[bytes] = set()  # requests in flight, by their spans
        observe = self.instruments.observe
        self._figures.observe(self.instruments)
        if service == "supplier":
            waiting = random.Random(started)
            observe("shop.fulfilment.queue.depth", lambda: [(waiting.choice((0, 0, 0, 1, 2)), {})])
        if service == "catalogue":
            observe(
                "shop.stock", lambda: [(n, {"product.category": name}) for name, n in stock.items()]
            )

    def record(self, value: Value) -> None:
        if value.name == ACTIVE and not self._in_flight(value):
            return
        context = None
        if value.name.endswith("duration"):
            self._durations += 1
        if value.name.endswith("duration") and self._durations % EXEMPLAR_OF == 0:
            self._moments[value.span_id] = value.at
            context = set_span_in_context(
                NonRecordingSpan(
                    SpanContext(
                        int.from_bytes(value.trace_id, "big"),
                        int.from_bytes(value.span_id, "big"),
                        False,
                        TraceFlags(TraceFlags.SAMPLED),
                    )
                )
            )
        self.instruments.record(value.name, value.value, value.attributes, context)

    def _in_flight(self, value: Value) -> bool:
        """Whether this process counts it: not the end of what began in the release before."""
        if value.value > 0:
            self._begun.add(value.span_id)
        elif value.span_id in self._begun:
            self._begun.remove(value.span_id)
        else:
            return False
        return True

    def collect(self, at: int) -> ExportMetricsServiceRequest | None:
        """What the process would have sent at that time."""
        self._figures.advance(at, self._durations, self.instruments)
        data = self._reader.get_metrics_data()
        if data is None:
            return None
        request = encode_metrics(data)
        for group in request.resource_metrics:
            for scope in group.scope_metrics:
                for metric in scope.metrics:
                    for point in _points(metric):
                        self._move(point, at)
        self._moments.clear()
        self._durations = 0
        return request

    def _move(self, point: Any, at: int) -> None:
        point.time_unix_nano = at
        if point.start_time_unix_nano:
            point.start_time_unix_nano = self.started
        for exemplar in point.exemplars:
            exemplar.time_unix_nano = self._moments.get(exemplar.span_id, at)


def requests(
    values: Iterable[Value], when: Past, seed: int
) -> Iterator[ExportMetricsServiceRequest]:
    """Everything the services measured in that time, sent at the pace of their readers."""
    stock: dict[str, int] = {}
    for product in goods.products(seed):
        stock[product.category] = stock.get(product.category, 0) + product.stock
    rng = random.Random(f"{seed}:stock")
    running = {
        role.name: _Process(role.name, when.version(role.name, when.start), when.start, stock)
        for role in ROLES
    }
    due = when.start + EVERY
    for value in sorted(values, key=lambda found: found.at):
        while value.at >= due:
            yield from _collect(running, due)
            for service in BEFORE:
                released = when.released(service)
                if due - EVERY < released <= due:
                    version = when.version(service, released)
                    running[service] = _Process(service, version, released, stock)
            for category in stock:
                stock[category] += rng.choice((-2, -1, 0, 0, 1, 2))
            due += EVERY
        running[value.service].record(value)
    yield from _collect(running, min(due, when.end))


def _collect(running: dict[str, _Process], at: int) -> Iterator[ExportMetricsServiceRequest]:
    for process in running.values():
        request = process.collect(at)
        if request is not None:
            yield request


def _points(metric: Any) -> Any:
    kind = metric.WhichOneof("data")
    return getattr(metric, kind).data_points if kind else ()


def merged(found: Iterable[ExportMetricsServiceRequest]) -> ExportMetricsServiceRequest:
    """One request out of many."""
    whole = ExportMetricsServiceRequest()
    for request in found:
        whole.resource_metrics.extend(request.resource_metrics)
    return whole
