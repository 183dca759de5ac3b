"""The checkout: what turns a cart into a paid order that a supplier will fulfil.

The steps are a list that reads as it runs: validate, reserve, quote, charge, store,
queue. Whatever was reserved is given back when a later step fails.
"""

import secrets
import time
from typing import Any

from opentelemetry.trace import SpanKind

from quarterdeck.demo.shop.client import CallFailed
from quarterdeck.demo.shop.database import Database, Statement
from quarterdeck.demo.shop.goods import CITIES
from quarterdeck.demo.shop.outside import CARRIER
from quarterdeck.demo.shop.service import Refused, Service
from quarterdeck.demo.shop.telemetry import PROPAGATOR

INSERT_ORDER = Statement(
    "INSERT", "orders",
    "INSERT INTO orders (number, customer, city, goods, shipping, total, status, payment, "
    "created_ms) VALUES (?, ?, ?, ?, ?, ?, 'paid', ?, ?)",
)  # fmt: skip
INSERT_LINES = Statement(
    "INSERT", "order_lines",
    "INSERT INTO order_lines (number, sku, name, price, quantity) VALUES (?, ?, ?, ?, ?)",
)  # fmt: skip
ENQUEUE = Statement(
    "INSERT", "fulfilment_queue",
    "INSERT INTO fulfilment_queue (number, traceparent, created_ms) VALUES (?, ?, ?)",
)  # fmt: skip
EMPTY_CART = Statement("DELETE", "cart_lines", "DELETE FROM cart_lines WHERE cart = ?")

PROVIDERS = ("sahelpay", "northcard")

# XOF a kilogram by zone.
TARIFF = {"coast": 900, "inland": 1600, "island": 2400}
FREE_FROM = 75_000  # XOF of goods
TARIFF_NEXT = {"inland": 1550, "island": 2300, "desert": 3200}
CANARY_SHARE = 0.67  # of the charges go to the new release while there is one


async def place(
    service: Service, database: Database, sent: dict[str, Any], lines: list[dict[str, Any]]
) -> dict[str, Any]:
    """Place the order of a cart, or refuse with what stands in the way."""
    telemetry, client = service.telemetry, service.client
    cart, customer = str(sent.get("cart", "")), str(sent.get("customer", ""))[:32]
    city, provider = str(sent.get("city", "")), str(sent.get("provider", ""))
    with service.span("validate cart", cart__lines=len(lines), shipping__city=city) as span:
        if not lines:
            raise Refused(409, "The cart is empty")
        if city not in CITIES or provider not in PROVIDERS or not customer:
            raise Refused(400, "City, payment provider and customer are needed")
        goods = sum(line["price"] * line["quantity"] for line in lines)
        span.set_attribute("cart.total", goods)
        await service.pause(3)
    wanted = [{"sku": line["sku"], "quantity": line["quantity"]} for line in lines]
    reserved = await client.call(
        "catalogue", "POST", "/reservations", json={"lines": wanted}, seconds=3
    )
    if not reserved.ok:
        raise Refused(reserved.status, reserved.reason() or "The goods cannot be reserved")
    try:
        grams = sum(line["weight"] * line["quantity"] for line in lines)
        shipping = await _shipping(service, city, grams, free=goods >= FREE_FROM)
        total = goods + shipping
        number = f"SH-{secrets.token_hex(5).upper()}"
        payment = await _charge(service, number, total, provider)
    except (Refused, CallFailed, LookupError):
        await client.call("catalogue", "POST", "/restock", json={"lines": wanted}, seconds=3)
        raise
    await database.run(
        INSERT_ORDER, number, customer, city, goods, shipping, total, payment, _now()
    )
    await database.many(
        INSERT_LINES,
        [(number, line["sku"], line["name"], line["price"], line["quantity"]) for line in lines],
    )
    await _enqueue(service, database, number)
    await database.run(EMPTY_CART, cart)
    items = sum(line["quantity"] for line in lines)
    telemetry.measure("shop.cart.items", -items)
    telemetry.measure("shop.orders", 1, shipping__city=city)
    telemetry.measure("shop.revenue", total, shipping__city=city, payment__provider=provider)
    telemetry.log.info(
        "order %s placed: %d items for %d XOF",
        number,
        items,
        total,
        extra={
            "order.number": number,
            "order.total": total,
            "order.currency": "XOF",
            "order.skus": [line["sku"] for line in lines],
            "order.quantities": [line["quantity"] for line in lines],
            "shipping.free": shipping == 0,
            "shipping.city": city,
            "payment.provider": provider,
        },
    )
    telemetry.event(
        "order.placed",
        {
            "number": number,
            "total": total,
            "lines": [{"sku": line["sku"], "quantity": line["quantity"]} for line in lines],
            "shipping": {"city": city, "cost": shipping},
        },
        payment__provider=provider,
    )
    return {"number": number, "total": total, "shipping": shipping, "status": "paid"}


async def _shipping(service: Service, city: str, grams: int, free: bool) -> int:
    tariff = TARIFF_NEXT if service.switches.on("checkout-errors") else TARIFF
    zone = CITIES[city][1]
    with service.span("quote shipping", shipping__city=city, shipping__zone=zone) as span:
        cost = quote(tariff, zone, grams)
        surcharge = await _surcharge(service, zone, grams)
        cost = 0 if free else round(cost * (1 + surcharge) / 25) * 25
        span.set_attribute("shipping.cost", cost)
        service.telemetry.log.info(
            "shipping of %d g to the %s costs %d XOF, fuel included",
            grams,
            zone,
            cost,
            extra={"shipping.zone": zone, "shipping.cost": cost, "shipping.grams": grams},
        )
        return cost


async def _surcharge(service: Service, zone: str, grams: int) -> float:
    """The carrier's surcharge for fuel; an order does not wait for a carrier who does not answer."""
    try:
        answer = await service.client.call(
            CARRIER, "GET", "/v1/rates", params={"zone": zone, "grams": grams}, seconds=1
        )
        return float(answer.body["fuel_surcharge"])
    except CallFailed:
        service.telemetry.log.warning("%s does not answer, the order goes without it", CARRIER)
        return 0.0


def quote(tariff: dict[str, int], zone: str, grams: int) -> int:
    """XOF for a parcel, in steps of 25; every started kilogram counts."""
    kilograms = -(-grams // 1000)
    return round(tariff[zone] * kilograms / 25) * 25


async def _charge(service: Service, number: str, total: int, provider: str) -> str:
    canary = service.switches.on("bad-release") and service.rng.random() < CANARY_SHARE
    charged = await service.client.call(
        "payments-next" if canary else "payments",
        "POST",
        "/charges",
        json={"reference": number, "amount": total, "currency": "XOF", "provider": provider},
        seconds=12,
    )
    if charged.status == 402:
        raise Refused(402, charged.reason() or "The payment was declined")
    if not charged.ok:
        service.telemetry.log.error(
            "order %s could not be paid: payments answered %d",
            number,
            charged.status,
            extra={"order.number": number, "payment.provider": provider, "order.total": total},
        )
        raise Refused(503, "Payments are not available just now")
    return str(charged.body["id"])


async def _enqueue(service: Service, database: Database, number: str) -> None:
    """Leave the order for a supplier, with the trace it came from."""
    with service.span(
        "send fulfilment",
        SpanKind.PRODUCER,
        messaging__system="sqlite",
        messaging__destination__name="fulfilment",
        messaging__operation__type="send",
        messaging__operation__name="send",
        messaging__message__id=number,
        order__number=number,
    ):
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        await database.run(ENQUEUE, number, carrier.get("traceparent", ""), _now())


def _now() -> int:
    return time.time_ns() // 1_000_000
