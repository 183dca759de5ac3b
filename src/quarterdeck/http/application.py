"""The HTTP side put together: routers, errors, UI, frame, and ingest in front of it all."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from quarterdeck import __version__
from quarterdeck.core.metrics import Registry
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import Gate, RawRoute, Router
from quarterdeck.http import errors
from quarterdeck.http.compression import Compression
from quarterdeck.http.dispatch import Dispatch
from quarterdeck.http.frame import Frame
from quarterdeck.http.openapi import openapi_router
from quarterdeck.http.static import Static


def build_api(
    routers: Iterable[Router], raw: Sequence[RawRoute], gate: Gate, static: Static | None = None
) -> FastAPI:
    """The framework's application, which documents itself and serves the UI."""
    api = FastAPI(
        title="Quarterdeck",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    api.state.gate = gate
    errors.install(api)
    for router in routers:
        api.include_router(router.api)
    api.include_router(openapi_router(api, raw).api)
    pages = static or Static()
    raw_paths = frozenset(route.path for route in raw)

    async def fallback(scope: Scope, receive: Receive, send: Send) -> None:
        response = await pages.answer(Request(scope), raw_paths)
        await response(scope, receive, send)

    api.router.default = fallback
    return api


def build_app(
    api: FastAPI, raw: Sequence[RawRoute], registry: Registry, settings: Settings
) -> Dispatch:
    """What the HTTP server calls."""
    framed = Frame(
        Compression(api),
        registry,
        max_body=int(settings.max_body_mb) * 1_048_576,
    )
    proxies = [part.strip() for part in str(settings.trusted_proxies).split(",") if part.strip()]
    behind = ProxyHeadersMiddleware(cast("Any", framed), trusted_hosts=proxies)
    return Dispatch(raw, cast("ASGIApp", behind))


def _operation_id(route: APIRoute) -> str:
    tag = str(route.tags[0]) if route.tags else "api"
    return f"{tag}_{route.name}"
