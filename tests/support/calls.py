"""Fills a server's telemetry before it starts: a small shop whose calls have been counted.

    python tests/support/calls.py DATA/telemetry

Runs in a process of its own, since a process can open one directory only. Calls are counted once
their spans have had two minutes; here that time has passed at once.
"""

import sys
import time
from pathlib import Path
from typing import Any

from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry import edges
from quarterdeck.telemetry.minutes import LATE_MS
from support.rows import SECOND, add_spans, now_ns

MS = 1_000_000
HTTP = {"http.request.method": "POST"}
QUEUE = {"messaging.system": "kafka", "messaging.destination.name": "orders"}


def shop(number: int) -> list[dict[str, Any]]:
    """One order: web asks pay, which asks a database and a provider, and tells a queue."""
    spans: list[dict[str, Any]] = []

    def span(service: str, kind: str, parent: int, name: str, attributes: dict[str, Any] | None = None,
             **more: Any) -> int:  # fmt: skip
        id = number * 100 + len(spans) + 1
        spans.append({
            "service": service, "kind": kind, "name": name, "trace_id": f"{number + 1:032x}", "span_id": f"{id:016x}",
            "parent_span_id": f"{parent:016x}", "time": now_ns() - (300 - number) * SECOND + len(spans) * MS,
            "duration_ns": 40 * MS, "attributes": attributes or {}, **more,
        })  # fmt: skip
        return id

    web = span("web", "server", 0, "POST /orders")
    asks = span("web", "client", web, "POST", {**HTTP, "server.address": "pay", "server.port": 80})
    pay = span("pay", "server", asks, "POST /charges")
    span("pay", "client", pay, "SELECT shop", {"db.system.name": "postgresql", "db.namespace": "shop"})  # fmt: skip
    span("pay", "client", pay, "POST", {**HTTP, "server.address": "api.provider.example"},
         status="error" if number % 4 == 0 else "ok")  # fmt: skip
    send = span("web", "producer", web, "send orders", QUEUE)
    span("mail", "consumer", send, "process orders", QUEUE)
    return spans


def main(path: str) -> None:
    engine = EmbeddedEngine(Path(path), memory_mb=512)
    add_spans(engine, 1, *(span for number in range(40) for span in shop(number)))
    time.sleep(0.01)
    edges.count_new(engine, now_ns() + LATE_MS * MS, now_ns())
    engine.close()


if __name__ == "__main__":
    main(sys.argv[1])
