"""Catalogue: products, categories, search and stock, on a SQLite file with a full-text index."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry import trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from quarterdeck.demo.shop.database import Database, Statement
from quarterdeck.demo.shop.goods import CATEGORIES
from quarterdeck.demo.shop.recount import keep_counting, recount
from quarterdeck.demo.shop.service import App, Refused, Service, fields, whole

FEATURED = Statement(
    "SELECT", "products",
    "SELECT sku, name, category, price, stock FROM products WHERE stock > 0 "
    "ORDER BY (price * 7919) % 104729 LIMIT ?",
)  # fmt: skip
PRODUCT = Statement("SELECT", "products", "SELECT * FROM products WHERE sku = ?")
RELATED = Statement(
    "SELECT", "products",
    "SELECT sku, name, category, price, stock FROM products "
    "WHERE category = ? AND sku <> ? ORDER BY abs(price - ?) LIMIT 4",
)  # fmt: skip
CATEGORY = Statement(
    "SELECT", "products",
    "SELECT sku, name, category, price, stock FROM products WHERE category = ? ORDER BY name",
)  # fmt: skip
POPULAR = Statement(
    "SELECT", "products",
    "SELECT p.sku, p.name, p.category, p.price, p.stock, "
    "(SELECT sum(s.quantity) FROM sales s WHERE s.sku = p.sku) AS sold "
    "FROM products p WHERE p.category = ? ORDER BY sold DESC",
)  # fmt: skip
# The same answer, but both columns are hidden in functions: a full scan for each product.
POPULAR_UNINDEXED = Statement(
    "SELECT", "products",
    "SELECT p.sku, p.name, p.category, p.price, p.stock, "
    "(SELECT sum(s.quantity) FROM sales s "
    "WHERE date(s.day * 86400, 'unixepoch') >= '1970-01-01' AND lower(s.sku) = lower(p.sku)) AS sold "
    "FROM products p WHERE p.category = ? ORDER BY sold DESC",
)  # fmt: skip
SEARCH = Statement(
    "SELECT", "products_fts",
    "SELECT p.sku, p.name, p.category, p.price, p.stock FROM products_fts f "
    "JOIN products p ON p.sku = f.sku WHERE products_fts MATCH ? ORDER BY rank LIMIT 24",
)  # fmt: skip
RESERVE = Statement(
    "UPDATE", "products",
    "UPDATE products SET stock = stock - ? WHERE sku = ? AND stock >= ? RETURNING sku, stock",
)  # fmt: skip
RESTOCK = Statement("UPDATE", "products", "UPDATE products SET stock = stock + ? WHERE sku = ?")
STOCK = Statement(
    "SELECT", "products", "SELECT category, sum(stock) AS stock FROM products GROUP BY category"
)

LOW_STOCK = 10


def build(service: Service) -> Starlette:
    telemetry = service.telemetry
    database = Database(service.directory / "catalogue.db", telemetry)
    app = App(service)
    stock: dict[str, int] = {}
    telemetry.instruments.observe(
        "shop.stock", lambda: [(n, {"product.category": name}) for name, n in stock.items()]
    )

    @app.route("GET", "/featured")
    async def featured(_: Request) -> Response:
        return JSONResponse({"products": await database.rows(FEATURED, 12)})

    @app.route("GET", "/categories/{slug}/products")
    async def category(request: Request) -> Response:
        slug = request.path_params["slug"]
        if slug not in CATEGORIES:
            raise Refused(404, f"There is no category {slug}")
        # Popularity is tried on one category before it comes to all.
        statement = CATEGORY
        if slug == "kitchen":
            statement = POPULAR_UNINDEXED if service.switches.on("slow-queries") else POPULAR
        about = {"product.category": slug}
        trace.get_current_span().set_attributes(about)
        found = await database.rows(statement, slug, about=about)
        telemetry.log.debug(
            "category %s lists %d products",
            slug,
            len(found),
            extra={"product.category": slug, "result.count": len(found)},
        )
        return JSONResponse({"category": slug, "products": found})

    @app.route("GET", "/products/{sku}")
    async def product(request: Request) -> Response:
        sku = request.path_params["sku"]
        found = await database.row(PRODUCT, sku)
        if found is None:
            telemetry.log.warning(
                "product %s is unknown", sku, extra={"product.sku": sku, "known": False}
            )
            raise Refused(404, f"There is no product {sku}")
        about = {"product.category": found["category"]}
        trace.get_current_span().set_attributes(about)
        related = await database.rows(RELATED, found["category"], sku, found["price"], about=about)
        return JSONResponse({"product": found, "related": related})

    @app.route("GET", "/search")
    async def search(request: Request) -> Response:
        text = request.query_params.get("q", "").strip()
        if not text:
            raise Refused(400, "Search for something")
        with service.span("parse query", search__text=text) as span:
            terms = text.lower().split()
            span.set_attribute("search.terms", terms)
        # A quotation mark in the text reaches the index as syntax: a fault that is really there.
        found = await database.rows(SEARCH, " OR ".join(f"{term}*" for term in terms))
        telemetry.log.info(
            "search for %s found %d products",
            text,
            len(found),
            extra={"search.terms": terms, "result.count": len(found), "result.empty": not found},
        )
        return JSONResponse({"products": found})

    @app.route("POST", "/reservations")
    async def reserve(request: Request) -> Response:
        lines = (await fields(request)).get("lines", [])
        taken: list[dict[str, Any]] = []
        for line in lines:
            quantity = whole(line.get("quantity"), "quantity", 1, 50)
            left = await database.run(RESERVE, quantity, line.get("sku"), quantity)
            if not left:
                for back in taken:
                    await database.run(RESTOCK, back["quantity"], back["sku"])
                telemetry.log.warning(
                    "%s is out of stock",
                    line.get("sku"),
                    extra={"product.sku": str(line.get("sku")), "wanted": quantity},
                )
                raise Refused(409, f"{line.get('sku')} is out of stock")
            taken.append({"sku": line["sku"], "quantity": quantity})
            if left[0]["stock"] < LOW_STOCK:
                telemetry.log.warning(
                    "stock of %s is low: %d left",
                    line["sku"],
                    left[0]["stock"],
                    extra={"product.sku": line["sku"], "product.stock": left[0]["stock"]},
                )
        return JSONResponse({"reserved": taken}, 201)

    @app.route("POST", "/restock")
    async def restock(request: Request) -> Response:
        lines = (await fields(request)).get("lines", [])
        for line in lines:
            quantity = whole(line.get("quantity"), "quantity", 1, 50)
            await database.run(RESTOCK, quantity, line.get("sku"))
        telemetry.log.info(
            "%d products restocked",
            len(lines),
            extra={"product.skus": [str(line.get("sku")) for line in lines]},
        )
        return JSONResponse({"restocked": len(lines)})

    @app.route("POST", "/stock/recount")
    async def count(_: Request) -> Response:
        cause = trace.get_current_span().get_span_context()
        await recount(service, database, cause)
        return JSONResponse({"recount": "done"})

    async def watch_stock() -> None:
        while True:
            found = await database.peek(STOCK)
            stock.update({row["category"]: row["stock"] for row in found})
            await asyncio.sleep(10)

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        works = (watch_stock(), keep_counting(service, database))
        beside = [asyncio.create_task(work) for work in works]
        yield
        for work in beside:
            work.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
        database.close()

    return app.asgi(life)
