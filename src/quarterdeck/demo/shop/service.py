"""What every service of the shop is built from: routes with server spans, peers, a database.

    app = App(service)

    @app.route("GET", "/products/{sku}")
    async def product(request: Request) -> Response: ...

A handler raises `Refused` for what the caller did wrong; any other exception is a
fault: it is recorded on the span, logged with its traceback and answered with 500.
"""

import asyncio
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl

from opentelemetry import baggage, context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from quarterdeck.demo.shop.client import CallFailed, Client
from quarterdeck.demo.shop.telemetry import PROPAGATOR, Attributes, Telemetry
from quarterdeck.demo.switches import Switches

# What a visitor's browser brings along, and every service hears of.
_COOKIES = {"session.id": "sid", "user.id": "uid", "customer.country": "country"}

Handler = Callable[[Request], Awaitable[Response]]
Problem = Callable[[Request, int, str], Response]


@dataclass(frozen=True, slots=True)
class Service:
    """The surroundings of one service process."""

    name: str
    telemetry: Telemetry
    client: Client
    switches: Switches
    rng: random.Random
    directory: Path  # where the database files are
    seed: int
    port: int = 80

    async def pause(self, milliseconds: float, spread: float = 0.4) -> None:
        """Wait about so long, as work elsewhere would: log-normal, so with a long tail."""
        factor = math.exp(self.rng.gauss(0, spread))
        await asyncio.sleep(milliseconds * factor / 1000)

    @contextmanager
    def span(
        self, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Any
    ) -> Iterator[Span]:
        """A span around a part of the work; an exception is recorded on it and goes on."""
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        with self.telemetry.tracer.start_as_current_span(name, kind=kind, attributes=named) as span:
            yield span


class Refused(Exception):
    """The request cannot be met, and that is not a fault of the service."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def json_problem(_: Request, status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)


class App:
    """The routes of a service."""

    def __init__(
        self, service: Service, problem: Problem = json_problem, access_log: bool = False
    ) -> None:
        self._service = service
        self._problem = problem
        self._access_log = access_log
        self._routes: list[Route] = []

    def route(self, method: str, path: str) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self._add(method, path, handler)
            return handler

        return declare

    def asgi(
        self, lifespan: Callable[[], AbstractAsyncContextManager[None]] | None = None
    ) -> Starlette:
        """The application; an unknown path is answered, and traced without a route."""

        async def unknown(request: Request) -> Response:
            raise Refused(404, f"{request.url.path} does not exist")

        for method in ("GET", "POST"):
            self._add(method, "/{path:path}", unknown, known=False)

        @asynccontextmanager
        async def life(_: Starlette) -> AsyncIterator[None]:
            if lifespan is None:
                yield
            else:
                async with lifespan():
                    yield

        return Starlette(routes=self._routes, lifespan=life)

    def _add(self, method: str, path: str, handler: Handler, known: bool = True) -> None:
        service, problem = self._service, self._problem

        async def traced(request: Request) -> Response:
            parent = PROPAGATOR.extract(dict(request.headers), context.Context())
            for name, cookie in _COOKIES.items():
                value = request.cookies.get(cookie)
                if value:
                    parent = baggage.set_baggage(name, value[:64], parent)
            token = context.attach(parent)
            try:
                route = path if known else ""
                return await _answer(service, request, handler, problem, route, self._access_log)
            finally:
                context.detach(token)

        self._routes.append(Route(path, traced, methods=[method]))


async def _answer(
    service: Service,
    request: Request,
    handler: Handler,
    problem: Problem,
    route: str,
    access_log: bool,
) -> Response:
    telemetry = service.telemetry
    method = request.method
    attributes = _request_attributes(service, request, route)
    fixed = {"http__request__method": method, "url__scheme": "http"}
    started = time.perf_counter()
    with (
        telemetry.tracer.start_as_current_span(
            f"{method} {route}" if route else method,
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span,
        _counted(telemetry, fixed),
    ):
        measured: Attributes = dict(fixed)
        if route:
            measured["http__route"] = route
        try:
            response = await handler(request)
        except Refused as refusal:
            span.add_event("request.refused", {"reason": refusal.message})
            response = problem(request, refusal.status, refusal.message)
        except CallFailed as error:
            span.record_exception(error)
            telemetry.log.error("%s %s: %s", method, request.url.path, error)
            response = problem(request, 502, "A service we depend on does not answer")
        except Exception as error:
            kind = type(error).__name__
            span.record_exception(error)
            span.set_attribute("error.type", kind)
            span.set_status(Status(StatusCode.ERROR, f"{kind}: {error}"))
            measured["error__type"] = kind
            telemetry.log.exception("%s %s failed: %s", method, request.url.path, error)
            response = problem(request, 500, "Something went wrong on our side")
        status = response.status_code
        span.set_attribute("http.response.status_code", status)
        if status >= 500 and "error__type" not in measured:
            measured["error__type"] = str(status)
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR, f"answered {status}"))
        measured["http__response__status_code"] = status
        telemetry.measure("http.server.request.duration", time.perf_counter() - started, **measured)
        if access_log:  # within the span, so that the line leads to it
            telemetry.log.info("%s", _combined(request, response))
    return response


@contextmanager
def _counted(telemetry: Telemetry, attributes: Attributes) -> Iterator[None]:
    """A request in flight, up to its end, also if its caller gives up and it is cancelled."""
    telemetry.measure("http.server.active_requests", 1, **attributes)
    try:
        yield
    finally:
        telemetry.measure("http.server.active_requests", -1, **attributes)


def clf_time(at: float) -> str:
    """A moment as web servers write it."""
    return datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def _combined(request: Request, response: Response) -> str:
    """A line in the combined format of web servers."""
    about = request.headers
    user = str(baggage.get_baggage("user.id") or "-")
    now = clf_time(time.time())
    return (
        f"{about.get('x-forwarded-for', '-')[:64]} - {user} [{now}] "
        f'"{request.method} {request.url.path} HTTP/1.1" {response.status_code} '
        f'{response.headers.get("content-length", "-")} "-" "{about.get("user-agent", "-")[:200]}"'
    )


def _request_attributes(service: Service, request: Request, route: str) -> Attributes:
    attributes: Attributes = {
        "http.request.method": request.method,
        "url.scheme": "http",
        "url.path": request.url.path,
        "server.address": service.name,
        "server.port": service.port,
        "network.protocol.version": "1.1",
        "user_agent.original": request.headers.get("user-agent", "")[:200],
    }
    if route:
        attributes["http.route"] = route
    if request.url.query:
        attributes["url.query"] = request.url.query[:200]
    if client := request.headers.get("x-forwarded-for"):
        attributes["client.address"] = client[:64]
    if session := baggage.get_baggage("session.id"):
        attributes["session.id"] = str(session)
    if user := baggage.get_baggage("user.id"):
        attributes["user.id"] = str(user)
        attributes["enduser.id"] = str(user)
    if country := baggage.get_baggage("customer.country"):
        attributes["customer.country"] = str(country)
    return attributes


class Closable(Protocol):
    def close(self) -> None: ...


def closing(*things: Closable) -> Callable[[], AbstractAsyncContextManager[None]]:
    """A lifespan that closes what it is given at its end."""

    @asynccontextmanager
    async def life() -> AsyncIterator[None]:
        yield
        for thing in things:
            thing.close()

    return life


async def fields(request: Request) -> dict[str, Any]:
    """What the caller sent, as JSON or as a form."""
    body = await request.body()
    if len(body) > 64 * 1024:
        raise Refused(413, "That is too much")
    try:
        if request.headers.get("content-type", "").startswith("application/json"):
            found = await request.json()
            if not isinstance(found, dict):
                raise Refused(400, "A JSON object is needed")
            return found
        return dict(parse_qsl(body.decode()))
    except ValueError as error:
        raise Refused(400, "The body cannot be read") from error


def whole(value: Any, name: str, low: int, high: int) -> int:
    """A whole number within limits, or a refusal that names it."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise Refused(400, f"{name} must be a whole number") from None
    if not low <= number <= high:
        raise Refused(400, f"{name} must lie between {low} and {high}")
    return number
