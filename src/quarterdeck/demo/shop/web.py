"""Web: the storefront. The same routes answer browsers in HTML and the shop's app in JSON."""

import secrets
import time
from collections.abc import Callable
from contextvars import Token
from typing import Any

from opentelemetry import baggage, context, trace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from quarterdeck.demo.shop import edge, pages
from quarterdeck.demo.shop.client import Answer, CallFailed
from quarterdeck.demo.shop.goods import CATEGORIES, CITIES
from quarterdeck.demo.shop.service import App, Handler, Refused, Service, fields

IMAGE_MISSED = 0.15  # of the product pages find no picture in the cache


def build(service: Service) -> Starlette:
    app = App(service, problem=_problem)

    def page(method: str, path: str) -> Callable[[Handler], Handler]:
        """A route whose answer is logged as a web server would, and sets the session's cookie."""

        def declare(handler: Handler) -> Handler:
            async def visited(request: Request) -> Response:
                started = time.perf_counter()
                status = 500
                token = _begin(service, request)
                try:
                    response = await handler(request)
                    status = response.status_code
                    _remember(request, response)
                    return response
                except Refused as refusal:
                    status = refusal.status
                    raise
                finally:
                    _access_log(service, request, status, time.perf_counter() - started)
                    context.detach(token)

            app.route(method, path)(visited)
            return visited

        return declare

    @page("GET", "/")
    async def home(request: Request) -> Response:
        found = await _ask(service, "catalogue", "GET", "/featured")
        return await _show(service, request, "home", found.body, _featured)

    @page("GET", "/c/{category}")
    async def category(request: Request) -> Response:
        slug = request.path_params["category"]
        trace.get_current_span().set_attribute("product.category", slug)
        found = await _ask(
            service, "catalogue", "GET", "/categories/{slug}/products", fill={"slug": slug}
        )
        return await _show(service, request, "category", found.body, _category)

    @page("GET", "/p/{sku}")
    async def product(request: Request) -> Response:
        sku = request.path_params["sku"]
        found = await _ask(service, "catalogue", "GET", "/products/{sku}", fill={"sku": sku})
        if service.rng.random() < IMAGE_MISSED:
            await _resize(service, sku)
        category = found.body["product"]["category"]
        trace.get_current_span().set_attribute("product.category", category)
        return await _show(
            service,
            request,
            "product",
            found.body,
            lambda b: pages.product(b["product"], b["related"]),
        )

    @page("GET", "/search")
    async def search(request: Request) -> Response:
        text = request.query_params.get("q", "")[:100]
        found = await _ask(service, "catalogue", "GET", "/search", params={"q": text})
        return await _show(
            service, request, "results", found.body,
            lambda b: pages.listing(f"Results for {text}", b["products"]),
        )  # fmt: skip

    @page("GET", "/cart")
    async def cart(request: Request) -> Response:
        found = await _ask(
            service, "orders", "GET", "/carts/{cart}", fill={"cart": _session(request)}
        )
        return await _show(
            service, request, "cart", found.body, lambda b: pages.cart(b["lines"], b["total"])
        )

    @page("POST", "/cart/items")
    async def add(request: Request) -> Response:
        sent = await fields(request)
        added = await _ask(
            service, "orders", "POST", "/carts/{cart}/items",
            fill={"cart": _session(request)},
            json={"sku": sent.get("sku"), "quantity": sent.get("quantity", 1)},
        )  # fmt: skip
        return _done(request, "/cart", added.body)

    @page("POST", "/login")
    async def login(request: Request) -> Response:
        customer = str((await fields(request)).get("customer", ""))[:32]
        found = await _ask(service, "admin", "GET", "/admin/users/{user}", fill={"user": customer})
        with service.span("verify password", user__id=customer):
            await service.pause(45, spread=0.15)
        service.telemetry.log.info(
            "signed in", extra={"user.id": customer, "login.method": "password"}
        )
        response = _done(request, "/cart", {"user": found.body["user"]["id"]})
        country = CITIES[found.body["user"]["city"]][0]
        for name, value in (("uid", customer), ("country", country)):
            response.set_cookie(name, value, httponly=True, samesite="lax")
        return response

    @page("POST", "/checkout")
    async def checkout(request: Request) -> Response:
        sent = await fields(request)
        city, provider = str(sent.get("city", "")), str(sent.get("provider", ""))
        trace.get_current_span().set_attributes(
            {"shipping.city": city, "payment.provider": provider}
        )
        placed = await _ask(
            service, "orders", "POST", "/orders", seconds=15,
            json={
                "cart": _session(request),
                "customer": request.cookies.get("uid", "guest"),
                "city": city,
                "provider": provider,
            },
        )  # fmt: skip
        number = str(placed.body["number"])
        return _done(request, f"/orders/{number}", placed.body)

    @page("GET", "/orders/{number}")
    async def order(request: Request) -> Response:
        found = await _ask(
            service, "orders", "GET", "/orders/{number}",
            fill={"number": request.path_params["number"]},
        )  # fmt: skip
        return await _show(
            service, request, "order", found.body, lambda b: pages.order(b["order"], b["lines"])
        )

    @app.route("GET", "/health")
    async def health(_: Request) -> Response:
        return JSONResponse(
            {"status": "ok", "service": "web", "version": service.telemetry.version}
        )

    return app.asgi()


async def _ask(service: Service, peer: str, method: str, path: str, **options: Any) -> Answer:
    """Call a service; its refusal becomes ours, its fault a 502."""
    options.setdefault("seconds", 6.0)
    answer = await service.client.call(peer, method, path, **options)
    if answer.status in (400, 402, 404, 409):
        raise Refused(answer.status, answer.reason() or "Not possible")
    if not answer.ok:
        service.telemetry.log.error(
            "%s answered %d to %s %s",
            peer,
            answer.status,
            method,
            path,
            extra={"peer.service": peer, "http.response.status_code": answer.status},
        )
        raise Refused(503 if answer.status == 503 else 502, answer.reason() or "Please try again")
    return answer


async def _resize(service: Service, sku: str) -> None:
    """Have the product's picture made; a page is shown without one rather than not at all."""
    try:
        answer = await service.client.call(
            edge.HOST,
            "GET",
            "/image-resize",
            params={"sku": sku, "width": 640},
            seconds=2,
            extra={"faas.invoked_name": "image-resize"},
        )
        status = answer.status
    except CallFailed:
        status = 504
    if status != 200:
        service.telemetry.log.warning(
            "no picture of %s: image-resize answered %d", sku, status, extra={"product.sku": sku}
        )


async def _show(
    service: Service,
    request: Request,
    name: str,
    body: dict[str, Any],
    render: Callable[[dict[str, Any]], str],
) -> Response:
    if not _wants_html(request):
        return JSONResponse(body)
    with service.span(f"render {name}", view__name=f"{name}.html") as span:
        await service.pause(6)
        text = render(body)
        span.set_attribute("view.bytes", len(text.encode()))
    return HTMLResponse(text)


def _done(request: Request, where: str, body: dict[str, Any]) -> Response:
    if _wants_html(request):
        return RedirectResponse(where, 303)
    return JSONResponse(body, 201)


def _featured(body: dict[str, Any]) -> str:
    return pages.listing("Good things from near and far", body["products"])


def _category(body: dict[str, Any]) -> str:
    return pages.listing(CATEGORIES[body["category"]][0], body["products"])


def _problem(request: Request, status: int, message: str) -> Response:
    if _wants_html(request):
        return HTMLResponse(pages.problem(status, message), status)
    return JSONResponse({"error": message}, status)


def _wants_html(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _begin(service: Service, request: Request) -> Token[context.Context]:
    """Know the session from its cookie, or begin one that the peers learn of too."""
    session = request.cookies.get("sid", "")[:64] or f"s_{secrets.token_hex(8)}"
    request.state.session = session
    trace.get_current_span().set_attribute("session.id", session)
    return context.attach(baggage.set_baggage("session.id", session))


def _session(request: Request) -> str:
    return str(request.state.session)


def _remember(request: Request, response: Response) -> None:
    if not request.cookies.get("sid"):
        response.set_cookie("sid", _session(request), httponly=True, samesite="lax")


def _access_log(service: Service, request: Request, status: int, seconds: float) -> None:
    extra: dict[str, Any] = {
        "http.request.method": request.method,
        "url.path": request.url.path,
        "http.response.status_code": status,
        "duration_ms": round(seconds * 1000, 1),
        "client.app": not _wants_html(request),
    }
    for name in ("session.id", "user.id", "customer.country"):
        if value := baggage.get_baggage(name):
            extra[name] = str(value)
    log = service.telemetry.log
    say = log.error if status >= 500 else log.warning if status >= 400 else log.info
    say("%s %s %d", request.method, request.url.path, status, extra=extra)
