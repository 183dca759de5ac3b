"""Supplier: turns paid orders from the queue into offers, which suppliers view, accept and deliver.

A worker claims a batch from the queue table in the orders' file. Each order is worked
on in a trace of its own that links to the trace which placed it.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Link, SpanKind
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from quarterdeck.demo.shop.client import CallFailed
from quarterdeck.demo.shop.database import Database, Statement
from quarterdeck.demo.shop.goods import SUPPLIERS
from quarterdeck.demo.shop.service import App, Refused, Service
from quarterdeck.demo.shop.telemetry import PROPAGATOR

WAITING = Statement(
    "SELECT", "fulfilment_queue",
    "SELECT count(*) AS depth FROM fulfilment_queue WHERE state = 'waiting'",
)  # fmt: skip
CLAIM = Statement(
    "UPDATE", "fulfilment_queue",
    "UPDATE fulfilment_queue SET state = 'claimed' WHERE id = "
    "(SELECT min(id) FROM fulfilment_queue WHERE state = 'waiting') AND state = 'waiting' "
    "RETURNING id, number, traceparent, created_ms",
)  # fmt: skip
DONE = Statement("DELETE", "fulfilment_queue", "DELETE FROM fulfilment_queue WHERE id = ?")
RETURN = Statement(
    "UPDATE", "fulfilment_queue", "UPDATE fulfilment_queue SET state = 'waiting' WHERE id = ?"
)
RETURN_ALL = Statement(
    "UPDATE", "fulfilment_queue",
    "UPDATE fulfilment_queue SET state = 'waiting' WHERE state = 'claimed'",
)  # fmt: skip
INSERT_OFFER = Statement(
    "INSERT", "offers",
    "INSERT INTO offers (number, supplier, lines, created_ms) VALUES (?, ?, ?, ?)",
)  # fmt: skip
OFFERS = Statement(
    "SELECT", "offers",
    "SELECT id, number, supplier, state, created_ms FROM offers WHERE state = ? "
    "ORDER BY id LIMIT 25",
)  # fmt: skip
MOVE = Statement(
    "UPDATE", "offers", "UPDATE offers SET state = ? WHERE id = ? AND state = ? RETURNING *"
)

POLL = 1.0  # seconds
DELAY = 20.0  # seconds for an order, while the switch is on
LEAK_STEP = 2 * 1024 * 1024
LEAK_LIMIT = 160 * 1024 * 1024


def build(service: Service) -> Starlette:
    telemetry = service.telemetry
    queue = Database(service.directory / "orders.db", telemetry, threads=1)
    database = Database(service.directory / "supplier.db", telemetry, threads=2)
    drawn: list[bytes] = []
    waiting = [0]
    telemetry.instruments.observe("shop.fulfilment.queue.depth", lambda: [(waiting[0], {})])
    app = App(service, access_log=True)

    @app.route("GET", "/offers")
    async def offers(request: Request) -> Response:
        state = request.query_params.get("state", "open")
        found = await database.rows(OFFERS, state)
        telemetry.log.debug(
            "%d offers are %s",
            len(found),
            state,
            extra={"offer.state": state, "result.count": len(found)},
        )
        return JSONResponse({"offers": found})

    @app.route("POST", "/offers/{offer:int}/accept")
    async def accept(request: Request) -> Response:
        offer = await _move(request.path_params["offer"], "open", "accepted")
        await _tell_orders(offer["number"], "accepted")
        telemetry.log.info(
            "%s accepted order %s",
            offer["supplier"],
            offer["number"],
            extra={"order.number": offer["number"], "supplier.name": offer["supplier"]},
        )
        return JSONResponse({"id": offer["id"], "state": "accepted"})

    @app.route("POST", "/offers/{offer:int}/deliver")
    async def deliver(request: Request) -> Response:
        offer = await _move(request.path_params["offer"], "accepted", "delivered")
        with service.span("draw delivery note", order__number=offer["number"]):
            await service.pause(14)
            _keep(drawn, service, offer["number"])
        await _tell_orders(offer["number"], "delivered")
        # A supplier delivers to the shop's shelf what the shop sent out of it.
        await service.client.call(
            "catalogue", "POST", "/restock", json={"lines": json.loads(offer["lines"])}, seconds=3
        )
        return JSONResponse({"id": offer["id"], "state": "delivered"})

    async def _move(offer: int, before: str, after: str) -> dict[str, Any]:
        moved = await database.run(MOVE, after, offer, before)
        if not moved:
            raise Refused(409, f"Offer {offer} is not {before}")
        return moved[0]

    async def _tell_orders(number: str, state: str) -> None:
        told = await service.client.call(
            "orders",
            "POST",
            "/orders/{number}/status",
            fill={"number": number},
            json={"status": state},
            seconds=3,
        )
        if not told.ok:
            raise Refused(502, f"Orders answered {told.status}")

    async def fulfil(job: dict[str, Any]) -> None:
        """Work on one order, in its own trace."""
        origin = PROPAGATOR.extract({"traceparent": job["traceparent"]}, context.Context())
        placed = trace.get_current_span(origin).get_span_context()
        token = context.attach(context.Context())
        try:
            with telemetry.tracer.start_as_current_span(
                "process fulfilment",
                kind=SpanKind.CONSUMER,
                links=[Link(placed, {"order.number": job["number"]})] if placed.is_valid else [],
                attributes={
                    "messaging.system": "sqlite",
                    "messaging.destination.name": "fulfilment",
                    "messaging.operation.type": "process",
                    "messaging.operation.name": "process",
                    "messaging.message.id": job["number"],
                    "order.number": job["number"],
                },
            ) as span:
                waited = max(0.0, time.time() - job["created_ms"] / 1000)
                span.set_attribute("fulfilment.wait_s", round(waited, 3))
                telemetry.measure("shop.fulfilment.wait", waited)
                await _offer(job)
                await queue.run(DONE, job["id"])
        finally:
            context.detach(token)

    async def _offer(job: dict[str, Any]) -> None:
        number = job["number"]
        answer = await service.client.call(
            "orders", "GET", "/orders/{number}", fill={"number": number}, seconds=3
        )
        if not answer.ok:
            raise Refused(502, f"Orders answered {answer.status}")
        supplier = service.rng.choice(SUPPLIERS)
        with service.span(
            "choose supplier", order__number=number, supplier__candidates=list(SUPPLIERS)
        ):
            await service.pause(9)
        lines = [{"sku": ln["sku"], "quantity": ln["quantity"]} for ln in answer.body["lines"]]
        await database.run(INSERT_OFFER, number, supplier, json.dumps(lines), _now())
        telemetry.log.info(
            "order %s offered to %s",
            number,
            supplier,
            extra={
                "order.number": number,
                "supplier.name": supplier,
                "order.skus": [ln["sku"] for ln in lines],
            },
        )

    async def work() -> None:
        await queue.peek(RETURN_ALL)  # what a crash left half done
        while True:
            waiting[0] = (await queue.peek(WAITING))[0]["depth"]
            if service.switches.on("supplier-delay"):
                await asyncio.sleep(DELAY)
            elif not waiting[0]:
                await asyncio.sleep(POLL)
            job = next(iter(await queue.peek(CLAIM)), None)
            if job is None:
                continue
            try:
                await fulfil(job)
            except (CallFailed, Refused) as error:
                telemetry.log.error("order %s waits again: %s", job["number"], error)
                await queue.peek(RETURN, job["id"])
                await asyncio.sleep(5)

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        working = asyncio.create_task(work())
        yield
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        database.close()
        queue.close()

    return app.asgi(life)


def _keep(drawn: list[bytes], service: Service, number: str) -> None:
    """The leak: every note drawn is kept while the switch is on, within a limit."""
    if not service.switches.on("memory-leak"):
        drawn.clear()
        return
    size = sum(map(len, drawn))
    if size < LEAK_LIMIT:
        # Written, so that the memory is really taken.
        drawn.append(number.encode().ljust(16, b".") * (LEAK_STEP // 16))
    service.telemetry.log.warning(
        "%d delivery notes in memory",
        len(drawn),
        extra={"notes.count": len(drawn), "notes.bytes": size, "notes.full": size >= LEAK_LIMIT},
    )


def _now() -> int:
    return time.time_ns() // 1_000_000
