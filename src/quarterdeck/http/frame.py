"""What surrounds every request that is not ingest: an id, headers, a measure, a last resort.

Ingest routes are dispatched before this (`dispatch.py`); the headers that never
change (`FIXED_HEADERS`) are added to all responses by the HTTP server itself.
"""

import logging
import re
import secrets
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from quarterdeck.core.errors import TooLarge
from quarterdeck.core.log import fields, request_id
from quarterdeck.core.metrics import Registry
from quarterdeck.http.errors import render

FIXED_HEADERS = [
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
]
HSTS = "max-age=31536000; includeSubDomains"
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"

_log = logging.getLogger("quarterdeck.http")
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class Frame:
    """ASGI middleware around the whole API."""

    def __init__(self, app: ASGIApp, registry: Registry, max_body: int) -> None:
        self._app = app
        self._max_body = max_body
        self._count = registry.counter(
            "quarterdeck_http_requests_total",
            "Requests to the API and the UI, without ingest.",
            ("method", "route", "status"),
        )
        self._seconds = registry.histogram(
            "quarterdeck_http_request_seconds",
            "Time until a request to the API or the UI was answered, without streams of events.",
            ("route",),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        identity = _request_id(scope)
        token = request_id.set(identity)
        started = time.perf_counter()
        status, endless = 0, False

        async def send_framed(message: Message) -> None:
            nonlocal status, endless
            if message["type"] == "http.response.start":
                status = message["status"]
                endless = _endless(message)
                _add_headers(scope, message, identity)
            await send(message)

        try:
            if too_large := self._declared_too_large(scope):
                await render(too_large, scope["path"])(scope, receive, send_framed)
            else:
                await self._app(scope, self._limited(receive), send_framed)
        except ClientDisconnect:
            pass
        except Exception:
            # The framework has answered 500 already; the stack trace is for us alone.
            _log.exception(
                "A request failed inside the server.",
                extra=fields(method=scope["method"], path=scope["path"]),
            )
        finally:
            route = _route(scope)
            self._count.add(1, _method(scope), route, str(status))
            if not endless:
                self._seconds.observe(time.perf_counter() - started, route)
            request_id.reset(token)

    def _declared_too_large(self, scope: Scope) -> TooLarge | None:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._max_body:
                return _too_large(self._max_body)
        return None

    def _limited(self, receive: Receive) -> Receive:
        seen = 0

        async def receive_limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_body:
                raise _too_large(self._max_body)
            return message

        return receive_limited


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        "body_too_large",
        f"The request is larger than {limit // 1_048_576} MiB.",
        "Send less at once, or raise the setting max_body_mb.",
    )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text = value.decode("latin-1")
            if _GIVEN_ID.fullmatch(text):
                return str(text)
    return secrets.token_hex(8)


def _add_headers(scope: Scope, message: MutableMapping[str, Any], identity: str) -> None:
    headers = MutableHeaders(raw=message["headers"])
    headers["x-request-id"] = identity
    headers.setdefault("content-security-policy", DATA_POLICY)
    headers.setdefault("cache-control", "no-store")
    if scope.get("scheme") == "https":
        headers["strict-transport-security"] = HSTS


def _endless(message: Message) -> bool:
    """Whether a stream of events begins: how long somebody looks on is not how slow we are."""
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return kind.startswith("text/event-stream")


def _route(scope: Scope) -> str:
    """The route's template, so that ids in addresses do not multiply the series."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "other"


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    known = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    return method if method in known else "other"
