"""An hour of a small shop as OTLP JSON: requests, a failing checkout, its logs, a new release."""

import json
import time
from typing import Any

import httpx

from support.server import Server

SECOND = 1_000_000_000
HOSTILE = "<img src=x onerror=alert(1)> ${7*7}"
FAILED_TRACE = f"{0xFA11ED:032x}"
STACK = (
    'Traceback (most recent call last):\n  File "shop/pay.py", line 41, in charge\nCardDeclined: no'
)


def send_hour(server: Server) -> None:
    """One request every 20 seconds; every tenth one fails in payments; a release at half time."""
    now = time.time_ns()
    start = now - 3600 * SECOND
    web, pay, records = [], [], []
    for i in range(180):
        at = start + i * 20 * SECOND
        failed = i % 10 == 3
        trace = FAILED_TRACE if i == 173 else f"{i + 1:032x}"
        release = "2.0.0" if i > 90 else "1.9.0"
        web.append(
            (release, _span(trace, f"{2 * i + 1:016x}", "", "POST /checkout", at, 400, failed))
        )
        pay.append(("1.1.0", _charge(trace, i, at, failed)))
        text = "payment declined by the provider" if failed else "order paid"
        records.append(log(text, at + SECOND // 5, 17 if failed else 9, trace, f"{2 * i + 2:016x}"))
    _post(server, "traces", "resourceSpans", "scopeSpans", "spans", "web", web)
    _post(server, "traces", "resourceSpans", "scopeSpans", "spans", "payments", pay)
    send_logs(server, *records)


def log(
    text: str, at: int, severity: int = 9, trace: str = "", span: str = "", **attributes: Any
) -> dict[str, Any]:
    return {
        "timeUnixNano": str(at),
        "severityNumber": severity,
        "body": {"stringValue": text},
        "traceId": trace,
        "spanId": span,
        "attributes": _attributes({"tenant": "acme", "attempt": 2, "note": HOSTILE, **attributes}),
    }


def send_logs(server: Server, *records: dict[str, Any]) -> None:
    rows = [("1.1.0", record) for record in records]
    _post(server, "logs", "resourceLogs", "scopeLogs", "logRecords", "payments", rows)


def _span(
    trace: str, span: str, parent: str, name: str, at: int, ms: int, failed: bool
) -> dict[str, Any]:
    return {
        "traceId": trace,
        "spanId": span,
        "parentSpanId": parent,
        "name": name,
        "kind": 2,
        "startTimeUnixNano": str(at),
        "endTimeUnixNano": str(at + ms * 1_000_000),
        "status": {"code": 2, "message": "payments answered 502"} if failed else {},
        "attributes": _attributes({"http.route": "/checkout", "http.request.method": "POST"}),
    }


def _charge(trace: str, i: int, at: int, failed: bool) -> dict[str, Any]:
    span = _span(
        trace, f"{2 * i + 2:016x}", f"{2 * i + 1:016x}", "charge", at + SECOND // 10, 250, failed
    )
    span["attributes"] = _attributes(
        {"payment.provider": "northcard", "payment.amount": 18500, "note": HOSTILE}
    )
    if failed:
        exception = {
            "exception.type": "CardDeclined",
            "exception.message": HOSTILE,
            "exception.stacktrace": STACK,
        }
        span["events"] = [
            {
                "name": "exception",
                "timeUnixNano": str(at + SECOND // 4),
                "attributes": _attributes(exception),
            }
        ]
    return span


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]  # fmt: skip


def _post(
    server: Server,
    signal: str,
    outer: str,
    inner: str,
    items: str,
    service: str,
    rows: list[tuple[str, dict[str, Any]]],
) -> None:
    groups = []
    for release in dict.fromkeys(release for release, _ in rows):
        resource = {"service.name": service, "service.version": release, "host.name": "shop-1"}
        mine = [row for of, row in rows if of == release]
        groups.append(
            {"resource": {"attributes": _attributes(resource)}, inner: [{"scope": {"name": "shop"}, items: mine}]}
        )  # fmt: skip
    with server.client() as client:
        answer: httpx.Response = client.post(
            f"/v1/{signal}",
            content=json.dumps({outer: groups}),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == 200, answer.text
    assert not answer.json().get("partialSuccess"), answer.text
