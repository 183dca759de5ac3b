"""Every metric of the shop, in one table: live processes and the history share it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["histogram", "exponential", "counter", "updown", "gauge"]

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
    Metric("process.cpu.utilization", "gauge", "1", "Share of one core used by the process."),
)  # fmt: skip

BY_NAME = {metric.name: metric for metric in METRICS}
