"""The stock count: a job that goes through every product, and through its sales month by month.

It asks the database once a month of sales where one question would do, so its trace has
more than two thousand spans: the sort of job that every shop has somewhere.
"""

import asyncio
import time
from typing import Any

from opentelemetry import context
from opentelemetry.trace import Link, SpanContext

from quarterdeck.demo.shop.database import Database, Statement
from quarterdeck.demo.shop.goods import CATEGORIES
from quarterdeck.demo.shop.service import Service

ON_SHELF = Statement(
    "SELECT", "products", "SELECT sku, stock FROM products WHERE category = ? ORDER BY sku"
)
SOLD = Statement(
    "SELECT", "sales",
    "SELECT sum(quantity) AS sold FROM sales WHERE sku = ? AND day >= ? AND day < ?",
)  # fmt: skip

EVERY = 600.0  # seconds
FIRST_AFTER = 75.0
MONTHS, DAYS = 20, 30


async def recount(service: Service, database: Database, cause: SpanContext | None = None) -> None:
    """Count everything, in a trace of its own that links to what asked for it."""
    token = context.attach(context.Context())
    started = time.perf_counter()
    links = [Link(cause)] if cause is not None else []
    try:
        with service.telemetry.tracer.start_as_current_span(
            "recount stock", links=links, attributes={"job.name": "recount-stock"}
        ) as span:
            sold = await asyncio.gather(
                *(_category(service, database, slug) for slug in CATEGORIES)
            )
            span.set_attribute("stock.sold", sum(sold))
            service.telemetry.event(
                "stock.recounted",
                {
                    "categories": dict(zip(CATEGORIES, sold, strict=True)),
                    "seconds": round(time.perf_counter() - started, 3),
                },
            )
    finally:
        context.detach(token)


async def _category(service: Service, database: Database, slug: str) -> int:
    with service.span("recount category", product__category=slug):
        products = await database.rows(ON_SHELF, slug, about={"product.category": slug})
        return sum([await _product(service, database, found) for found in products])


async def _product(service: Service, database: Database, found: dict[str, Any]) -> int:
    with service.span("recount product", product__sku=found["sku"]) as span:
        months = [(found["sku"], n * DAYS, (n + 1) * DAYS) for n in range(MONTHS)]
        sold = sum(rows[0]["sold"] or 0 for rows in await database.each(SOLD, months))
        span.set_attributes({"stock.sold": sold, "stock.left": found["stock"]})
        return sold


async def keep_counting(service: Service, database: Database) -> None:
    """Count now and then, as a nightly job would if nights were ten minutes long."""
    await asyncio.sleep(FIRST_AFTER)
    while True:
        await recount(service, database)
        await asyncio.sleep(EVERY)
