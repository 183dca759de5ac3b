"""Calls from one service to another: client spans, W3C trace context and baggage, time limits.

A peer has a logical name, which is what the span says (`server.address`), and an
address where it really answers, as in any deployment with a service registry.
"""

import time
from dataclasses import dataclass
from typing import Any

import httpx
from opentelemetry.trace import SpanKind, Status, StatusCode

from quarterdeck.demo.shop.telemetry import PROPAGATOR, Attributes, Telemetry


@dataclass(frozen=True, slots=True)
class Peer:
    """A service that can be called: its name in telemetry and its address."""

    name: str
    url: str  # http://127.0.0.1:41234
    ours: bool = True  # else it is outside the house, and spoken to over the internet
    traced: bool = True  # whether it is handed the trace context


class CallFailed(Exception):
    """The peer did not answer (in time)."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return self.status < 400

    def reason(self) -> str:
        """What a peer of ours said went wrong."""
        if isinstance(self.body, dict):
            return str(self.body.get("error", ""))
        return ""


class Client:
    """One pool of connections and the span around each call."""

    def __init__(
        self,
        telemetry: Telemetry,
        peers: dict[str, Peer],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._telemetry = telemetry
        self._peers = peers
        self._http = httpx.AsyncClient(timeout=10.0, transport=transport, trust_env=False)

    async def call(
        self,
        peer_name: str,
        method: str,
        template: str,
        *,
        fill: dict[str, Any] | None = None,
        json: Any = None,
        params: dict[str, Any] | None = None,
        seconds: float = 10.0,
        resend: int = 0,
        extra: Attributes | None = None,
    ) -> Answer:
        """The peer's answer, whatever its status; `CallFailed` when there is none."""
        peer = self._peers[peer_name]
        path = template.format(**(fill or {}))
        address = httpx.URL(peer.url)
        # Whoever is outside is named as the world would name them, wherever they really answer.
        scheme, port = ("http", address.port or 80) if peer.ours else ("https", 443)
        attributes: Attributes = {
            "http.request.method": method,
            "url.full": str(httpx.URL(f"{scheme}://{peer.name}{path}", params=params or {})),
            "url.template": template,
            "server.address": peer.name,
            "server.port": port,
            "network.peer.address": address.host,
            "network.protocol.version": "1.1",
            **(extra or {}),
        }
        if resend:
            attributes["http.request.resend_count"] = resend
        started = time.perf_counter()
        with self._telemetry.tracer.start_as_current_span(
            f"{method} {template}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            headers: dict[str, str] = {"host": peer.name}
            if peer.traced:
                PROPAGATOR.inject(headers)
            failed = ""
            status = 0
            try:
                response = await self._http.request(
                    method,
                    f"{peer.url}{path}",
                    json=json,
                    params=params,
                    headers=headers,
                    timeout=seconds,
                )
                status = response.status_code
                span.set_attribute("http.response.status_code", status)
                if status >= 400:
                    failed = str(status)
                    span.set_attribute("error.type", failed)
                    span.set_status(Status(StatusCode.ERROR, f"{peer.name} answered {status}"))
                return Answer(status, response.json())
            except (httpx.HTTPError, ValueError) as error:
                failed = type(error).__name__
                span.record_exception(error)
                span.set_attribute("error.type", failed)
                span.set_status(Status(StatusCode.ERROR, f"{peer.name}: {failed}"))
                raise CallFailed(f"{peer.name} did not answer: {failed}") from error
            finally:
                measured: Attributes = {
                    "http__request__method": method,
                    "server__address": peer.name,
                    "url__template": template,
                }
                if status:
                    measured["http__response__status_code"] = status
                if failed:
                    measured["error__type"] = failed
                self._telemetry.measure(
                    "http.client.request.duration", time.perf_counter() - started, **measured
                )

    async def close(self) -> None:
        await self._http.aclose()
