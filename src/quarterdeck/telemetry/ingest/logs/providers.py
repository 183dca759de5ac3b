"""What hosting providers send, in the names of OpenTelemetry.

One table of names a provider; what is not in it keeps its name behind the provider's. Beyond
renaming, a record gets what the pages need: a message, a level, and for functions `faas.name`
and `faas.duration` in milliseconds. Costs Python about 10 µs an item, which drains can afford.
Sources: vercel.com/docs/drains/reference/logs, docs.netlify.com/manage/monitoring/log-drains,
supabase.com/docs/guides/monitoring-and-debugging/log-field-reference.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from quarterdeck.telemetry.ingest.logs.spec import LogDrainSpec

Item = dict[str, Any]

_COMMON = {
    "timestamp": "timestamp",
    "message": "message",
    "level": "level",
    "environment": "environment",
}
_STATUS, _METHOD, _PATH = "http.response.status_code", "http.request.method", "url.path"

_VERCEL = {
    **_COMMON,
    "traceId": "trace_id",
    "spanId": "span_id",
    "projectName": "service",
    "deploymentId": "release",
    "requestId": "request.id",
    "entrypoint": "faas.name",
    "executionRegion": "cloud.region",
    "statusCode": _STATUS,
    "path": "http.route",
    "proxy.path": "url.full",
    "proxy.method": _METHOD,
    "proxy.statusCode": "vercel.proxy.status_code",
    "proxy.scheme": "url.scheme",
    "proxy.host": "server.address",
    "proxy.clientIp": "client.address",
    "proxy.userAgent": "user_agent.original",
    "proxy.referer": "http.request.header.referer",
}
_NETLIFY = {
    **_COMMON,
    "deploy_id": "release",
    "deploy_context": "environment",
    "site_name": "service",
    "request_id": "request.id",
    "function_name": "faas.name",
    "edge_function_name": "faas.name",
    "status_code": _STATUS,
    "method": _METHOD,
    "path": _PATH,
    "url": "url.full",
    "client_ip": "client.address",
    "country": "client.geo.country_iso_code",
    "user_agent": "user_agent.original",
    "referrer": "http.request.header.referer",
    "request_size": "http.request.size",
    "response_size": "http.response.size",
}
_SUPABASE = {
    **_COMMON,
    "event_message": "message",
    "metadata.level": "level",
    "metadata.execution_time_ms": "faas.duration",
    "metadata.function_id": "faas.id",
    "metadata.execution_id": "faas.invocation_id",
    "metadata.deployment_id": "release",
    "metadata.version": "faas.version",
    "metadata.region": "cloud.region",
    "metadata.host": "host.name",
    "metadata.request.method": _METHOD,
    "metadata.request.path": _PATH,
    "metadata.request.pathname": _PATH,
    "metadata.request.url": "url.full",
    "metadata.request.host": "server.address",
    "metadata.request.protocol": "url.scheme",
    "metadata.request.headers.user_agent": "user_agent.original",
    "metadata.request.headers.cf_connecting_ip": "client.address",
    "metadata.response.status_code": _STATUS,
    "metadata.response.origin_time": "http.server.duration",
    "metadata.parsed.error_severity": "level",
    "metadata.parsed.sql_state_code": "db.response.status_code",
    "metadata.parsed.query": "db.query.text",
    "metadata.parsed.database_name": "db.namespace",
    "metadata.parsed.user_name": "db.user",
    "metadata.parsed.process_id": "process.pid",
}

# As functions end their report: "Duration: 1472.20 ms … Max Memory Used: 147 MB".
_DURATION = re.compile(r"\bDuration: ([\d.]+) ms")
_MEMORY = re.compile(r"\b(?:Max )?Memory (?:Used|Usage): (\d+) MB")
_DEEPEST = 6


def record(drain: LogDrainSpec, item: Item) -> Item:
    """One line of `POST /api/logs` for one item of a provider."""
    names, finish = _PROVIDERS[drain.provider]
    found: Item = {}
    for key, value in _flat(item):
        name = names.get(key) or f"{drain.provider}.{key.removeprefix('metadata.')}"
        if value is not None and found.get(name) in (None, ""):
            found[name] = value
    _address(found)
    finish(found, item)
    if drain.service:
        found["service"] = drain.service
    if drain.environment:
        found.setdefault("environment", drain.environment)
    if not found.get("message"):
        path = found.get(_PATH) or found.get("http.route")
        parts = (found.get(_METHOD), path, found.get(_STATUS))
        found["message"] = " ".join(str(part) for part in parts if part)
    if not found.get("level"):
        found["level"] = _level(found.get(_STATUS))
    return found


def _flat(item: Item) -> list[tuple[str, Any]]:
    """The item's values by their path; a list of one object, as BigQuery has it, is that object."""
    found: list[tuple[str, Any]] = []
    left: list[tuple[str, Any, int]] = [("", item, 0)]
    while left:
        path, value, depth = left.pop()
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            value = value[0]
        if isinstance(value, dict) and depth < _DEEPEST:
            below = f"{path}." if path else ""
            left += [(f"{below}{key}", inner, depth + 1) for key, inner in reversed(value.items())]
        else:
            found.append((path, value))
    return found


def _address(found: Item) -> None:
    """A whole address or a path with a query, taken apart."""
    full = found.pop("url.full", None)
    given = full if isinstance(full, str) else found.get(_PATH)
    if not isinstance(given, str):
        return
    try:
        parts = urlsplit(given)
    except ValueError:
        return
    found[_PATH] = "/" + parts.path.lstrip("/")
    if parts.query:
        found["url.query"] = parts.query
    if parts.hostname:
        found.setdefault("url.scheme", parts.scheme)
        found.setdefault("server.address", parts.hostname)


def _level(status: object) -> str:
    if not isinstance(status, int):
        return "info"
    return "error" if status >= 500 or status < 0 else "warn" if status >= 400 else "info"


def _report(found: Item) -> None:
    """Duration and memory, where a function's report has them in its text."""
    text = found.get("message")
    if not isinstance(text, str):
        return
    if "faas.duration" not in found and (took := _DURATION.search(text)):
        found["faas.duration"] = float(took[1])
    if memory := _MEMORY.search(text):
        found["faas.memory_used_mb"] = int(memory[1])


def _vercel(found: Item, item: Item) -> None:
    agent = found.get("user_agent.original")
    if isinstance(agent, list):
        found["user_agent.original"] = " ".join(map(str, agent))
    if found.get("level") in (None, "") and item.get("type") == "stderr":
        found["level"] = "error"
    if found.get(_STATUS) == -1:  # no answer: the function crashed
        del found[_STATUS]
        found["level"] = "error"
    if item.get("source") in ("lambda", "edge") and not found.get("faas.name"):
        found["faas.name"] = str(found.get("http.route", "")).strip("/") or "index"
    _report(found)


def _netlify(found: Item, item: Item) -> None:
    took = found.pop("netlify.duration", None)
    if took is not None:
        found["faas.duration" if "faas.name" in found else "http.server.duration"] = took
    if str(found.get("level", "")).upper() == "REPORT":
        found["level"] = "info"
    _report(found)


def _supabase(found: Item, item: Item) -> None:
    path = str(found.get(_PATH, ""))
    if "faas.id" in found:
        name = path.removeprefix("/functions/v1").strip("/").split("/")[0]
        found["faas.name"] = name or found["faas.id"]
        component = "edge-functions"
    elif "supabase.parsed.backend_type" in found or "db.response.status_code" in found:
        component = "postgres"
    else:
        component = "api" if _STATUS in found else "platform"
    found.setdefault("service", f"supabase-{component}")


_PROVIDERS: dict[str, tuple[dict[str, str], Callable[[Item, Item], None]]] = {
    "vercel": (_VERCEL, _vercel),
    "netlify": (_NETLIFY, _netlify),
    "supabase": (_SUPABASE, _supabase),
}
