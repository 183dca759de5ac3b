"""Orders: carts, orders and their tracking, and the queue from which suppliers fulfil them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from quarterdeck.demo.shop import edge
from quarterdeck.demo.shop.checkout import place
from quarterdeck.demo.shop.client import CallFailed
from quarterdeck.demo.shop.database import Database, Statement
from quarterdeck.demo.shop.outside import MAIL
from quarterdeck.demo.shop.service import App, Refused, Service, fields, whole

CART = Statement(
    "SELECT", "cart_lines",
    "SELECT sku, name, price, weight, quantity FROM cart_lines WHERE cart = ? ORDER BY sku",
)  # fmt: skip
ADD = Statement(
    "INSERT", "cart_lines",
    "INSERT INTO cart_lines (cart, sku, name, price, weight, quantity, updated_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (cart, sku) DO UPDATE "
    "SET quantity = min(quantity + excluded.quantity, 20), updated_ms = excluded.updated_ms",
)  # fmt: skip
EXPIRE = Statement(
    "DELETE", "cart_lines", "DELETE FROM cart_lines WHERE updated_ms < ? RETURNING quantity"
)
EXPIRED = Statement("SELECT", "cart_lines", "SELECT 1 FROM cart_lines WHERE updated_ms < ? LIMIT 1")
ORDER = Statement("SELECT", "orders", "SELECT * FROM orders WHERE number = ?")
LINES = Statement(
    "SELECT", "order_lines", "SELECT sku, name, price, quantity FROM order_lines WHERE number = ?"
)
STATUS = Statement(
    "UPDATE", "orders", "UPDATE orders SET status = ? WHERE number = ? RETURNING number"
)
REVENUE = Statement(
    "SELECT", "orders",
    "SELECT city, count(*) AS orders, sum(total) AS revenue, avg(total) AS mean "
    "FROM orders WHERE created_ms >= ? GROUP BY city ORDER BY revenue DESC",
)  # fmt: skip
BEST = Statement(
    "SELECT", "order_lines",
    "SELECT l.sku, l.name, sum(l.quantity) AS sold FROM order_lines l "
    "JOIN orders o ON o.number = l.number WHERE o.created_ms >= ? "
    "GROUP BY l.sku, l.name ORDER BY sold DESC LIMIT 10",
)  # fmt: skip
OF_CUSTOMER = Statement(
    "SELECT", "orders",
    "SELECT number, total, status, created_ms FROM orders WHERE customer = ? "
    "ORDER BY id DESC LIMIT 20",
)  # fmt: skip

CART_LIFE_MS = 20 * 60_000
STATES = ("paid", "accepted", "delivered")


def build(service: Service) -> Starlette:
    telemetry = service.telemetry
    database = Database(service.directory / "orders.db", telemetry)
    app = App(service)

    @app.route("GET", "/carts/{cart}")
    async def cart(request: Request) -> Response:
        lines = await database.rows(CART, request.path_params["cart"])
        total = sum(line["price"] * line["quantity"] for line in lines)
        return JSONResponse({"lines": lines, "total": total})

    @app.route("POST", "/carts/{cart}/items")
    async def add(request: Request) -> Response:
        sent = await fields(request)
        sku = str(sent.get("sku", ""))[:32]
        quantity = whole(sent.get("quantity", 1), "quantity", 1, 20)
        answer = await service.client.call(
            "catalogue", "GET", "/products/{sku}", fill={"sku": sku}, seconds=3
        )
        if not answer.ok:
            raise Refused(404, f"There is no product {sku}")
        product = answer.body["product"]
        if product["stock"] < quantity:
            raise Refused(409, f"{sku} is out of stock")
        cart = request.path_params["cart"]
        await database.run(
            ADD, cart, sku, product["name"], product["price"], product["weight"], quantity, _now()
        )
        telemetry.measure("shop.cart.items", quantity)
        telemetry.log.info(
            "%d of %s put into the cart",
            quantity,
            sku,
            extra={
                "product.sku": sku,
                "product.category": product["category"],
                "cart.quantity": quantity,
                "product.price": product["price"],
            },
        )
        return JSONResponse({"sku": sku, "quantity": quantity}, 201)

    @app.route("POST", "/orders")
    async def order(request: Request) -> Response:
        sent = await fields(request)
        lines = await database.rows(CART, str(sent.get("cart", "")))
        placed = await place(service, database, sent, lines)
        return JSONResponse(placed, 201)

    @app.route("GET", "/orders/{number}")
    async def track(request: Request) -> Response:
        number = request.path_params["number"]
        found = await database.row(ORDER, number)
        if found is None:
            raise Refused(404, f"There is no order {number}")
        lines = await database.rows(LINES, number)
        return JSONResponse({"order": found, "lines": lines})

    @app.route("POST", "/orders/{number}/status")
    async def status(request: Request) -> Response:
        number = request.path_params["number"]
        state = str((await fields(request)).get("status", ""))
        if state not in STATES:
            raise Refused(400, f"status must be one of {', '.join(STATES)}")
        if not await database.run(STATUS, state, number):
            raise Refused(404, f"There is no order {number}")
        if state == "delivered":
            await _thank(service, number)
        telemetry.log.info(
            "order %s is %s", number, state, extra={"order.number": number, "order.status": state}
        )
        return JSONResponse({"number": number, "status": state})

    @app.route("GET", "/customers/{customer}/orders")
    async def of_customer(request: Request) -> Response:
        return JSONResponse(
            {"orders": await database.rows(OF_CUSTOMER, request.path_params["customer"])}
        )

    @app.route("GET", "/reports/revenue")
    async def revenue(request: Request) -> Response:
        days = whole(request.query_params.get("days", 7), "days", 1, 90)
        since = _now() - days * 86_400_000
        with service.span("build report", report__name="revenue", report__days=days):
            cities = await database.rows(REVENUE, since)
            best = await database.rows(BEST, since)
        return JSONResponse({"days": days, "cities": cities, "best": best})

    async def expire_carts() -> None:
        """Forget carts that nobody came back for."""
        while True:
            await asyncio.sleep(60)
            before = _now() - CART_LIFE_MS
            if not await database.peek(EXPIRED, before):
                continue
            with service.span("expire carts") as span:
                gone = await database.run(EXPIRE, before)
                items = sum(row["quantity"] for row in gone)
                span.set_attribute("cart.items", items)
                telemetry.measure("shop.cart.items", -items)
                telemetry.log.info("%d items of abandoned carts dropped", items)

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        expiring = asyncio.create_task(expire_carts())
        yield
        expiring.cancel()
        await asyncio.gather(expiring, return_exceptions=True)
        database.close()

    return app.asgi(life)


async def _thank(service: Service, number: str) -> None:
    """Mail the customer; a mail that is not taken is not worth an order's fault."""
    mail = {"template": "delivered", "order": number}
    try:
        await service.client.call(
            edge.HOST,
            "POST",
            "/receipt-pdf",
            json={"order": number},
            seconds=3,
            extra={"faas.invoked_name": "receipt-pdf"},
        )
        answer = await service.client.call(MAIL, "POST", "/v3/messages", json=mail, seconds=2)
        problem = "" if answer.ok else f"answered {answer.status}"
    except CallFailed:
        problem = "did not answer"
    if problem:
        service.telemetry.log.warning(
            "mail %s for order %s not sent: %s %s", mail["template"], number, MAIL, problem,
            extra={"order.number": number, "mail.template": mail["template"]},
        )  # fmt: skip


def _now() -> int:
    return time.time_ns() // 1_000_000
