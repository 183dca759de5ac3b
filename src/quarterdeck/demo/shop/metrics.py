"""Every metric of the shop, in one table: live processes and the history share it."""

from dataclasses import dataclass
from typing import Literal

# `gauge` and `total` are observed when they are collected, the others recorded when it happens.
Kind = Literal["histogram", "exponential", "counter", "updown", "gauge", "total"]

# The boundaries that the semantic conventions advise for durations of requests.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


@dataclass(frozen=True, slots=True)
class Metric:
    name: str
    kind: Kind
    unit: str
    description: str


METRICS: tuple[Metric, ...] = (
    Metric("http.server.request.duration", "histogram", "s", "Duration of HTTP server requests."),
    Metric("http.server.active_requests", "updown", "{request}", "Requests being answered."),
    Metric("http.client.request.duration", "histogram", "s", "Duration of HTTP client requests."),
    Metric("db.client.operation.duration", "exponential", "s", "Duration of database operations."),
    Metric("shop.orders", "counter", "{order}", "Orders placed."),
    Metric("shop.revenue", "counter", "XOF", "Value of the orders placed."),
    Metric("shop.payments", "counter", "{payment}", "Payments by provider and outcome."),
    Metric("shop.cart.items", "updown", "{item}", "Items in open carts."),
    Metric("shop.fulfilment.queue.depth", "gauge", "{order}", "Paid orders waiting for a supplier."),
    Metric("shop.fulfilment.wait", "histogram", "s", "Time a paid order waited for its offer."),
    Metric("shop.stock", "gauge", "{item}", "Items in stock by category."),
    Metric("process.memory.usage", "gauge", "By", "Resident memory of the process."),
    Metric("process.memory.virtual", "gauge", "By", "Memory committed to the process."),
    Metric("process.cpu.utilization", "gauge", "1", "Share of one core used by the process."),
    Metric("process.cpu.time", "total", "s", "Processor time by mode."),
    Metric("process.context_switches", "total", "{context_switch}", "Times the process was taken off its core."),
    Metric("process.thread.count", "gauge", "{thread}", "Threads of the process."),
    Metric("process.unix.file_descriptor.count", "gauge", "{file_descriptor}", "Open files and connections."),
    Metric("process.uptime", "gauge", "s", "Time since the process started."),
    Metric("cpython.gc.collections", "total", "{collection}", "Garbage collections by generation."),
    Metric("cpython.gc.collected_objects", "total", "{object}", "Objects that garbage collection freed."),
    Metric("cpython.gc.uncollectable_objects", "total", "{object}", "Objects that it could not free."),
    Metric("asyncio.eventloop.delay", "histogram", "s", "How late the event loop wakes."),
)  # fmt: skip

BY_NAME = {metric.name: metric for metric in METRICS}
