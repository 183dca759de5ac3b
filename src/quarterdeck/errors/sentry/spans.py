"""Transactions and spans of Sentry's SDKs as OTLP spans, so that one trace holds both.

Three shapes: a transaction, which is a root span with all of its spans in it; a span alone,
written like one in a transaction; and a list of spans with typed attributes, as SDKs of today
stream them. Sentry's `op` gives the kind; tags and data become attributes, under the names that
OpenTelemetry has for them where it has one.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from quarterdeck.errors.sentry.otlp import Resource, package, resource, service_of
from quarterdeck.errors.sentry.received import Context, Received
from quarterdeck.errors.sentry.values import id_bytes, put, tags, time_ns, typed
from quarterdeck.errors.shapes import mapping, name, objects, text

MOST_SPANS = 10_000  # of one transaction
_LONGEST_NAME = 1000
_KINDS = (
    ("http.server", Span.SPAN_KIND_SERVER),
    ("http.client", Span.SPAN_KIND_CLIENT),
    ("websocket.server", Span.SPAN_KIND_SERVER),
    ("grpc.server", Span.SPAN_KIND_SERVER),
    ("grpc.client", Span.SPAN_KIND_CLIENT),
    ("rpc.server", Span.SPAN_KIND_SERVER),
    ("rpc.client", Span.SPAN_KIND_CLIENT),
    ("graphql.server", Span.SPAN_KIND_SERVER),
    ("db", Span.SPAN_KIND_CLIENT),
    ("cache", Span.SPAN_KIND_CLIENT),
    ("queue.publish", Span.SPAN_KIND_PRODUCER),
    ("queue.submit", Span.SPAN_KIND_PRODUCER),
    ("queue.process", Span.SPAN_KIND_CONSUMER),
    ("queue.task", Span.SPAN_KIND_CONSUMER),
)
_BY_NAME = {
    "server": Span.SPAN_KIND_SERVER,
    "client": Span.SPAN_KIND_CLIENT,
    "producer": Span.SPAN_KIND_PRODUCER,
    "consumer": Span.SPAN_KIND_CONSUMER,
    "internal": Span.SPAN_KIND_INTERNAL,
}
# What a client did wrong is no error of the server that says so, as in OpenTelemetry.
_CLIENT_AT_FAULT = {
    "invalid_argument", "not_found", "already_exists", "permission_denied", "unauthenticated",
    "failed_precondition", "out_of_range", "resource_exhausted", "cancelled",
}  # fmt: skip
_NO_ERROR = {"", "ok", "unknown", "unset", "cancelled"}
_MODERN = {
    "http.method": "http.request.method",
    "method": "http.request.method",
    "http.status_code": "http.response.status_code",
    "status_code": "http.response.status_code",
    "url": "url.full",
    "http.url": "url.full",
    "db.statement": "db.query.text",
    "db.operation": "db.operation.name",
    "db.name": "db.namespace",
    "db.system": "db.system.name",
}
_INTEGERS = {"http.response.status_code", "server.port"}


def transaction(document: Mapping[str, Any], context: Context, into: Received) -> None:
    """A root span and the spans below it."""
    trace = mapping(mapping(document.get("contexts")).get("trace"))
    sdk = mapping(document.get("sdk"))
    of = resource(
        service_of(document, context.service),
        document.get("release"),
        document.get("environment"),
        document.get("server_name"),
        sdk.get("name"),
        sdk.get("version"),
    )
    root = {
        **trace,
        "start_timestamp": document.get("start_timestamp"),
        "timestamp": document.get("timestamp"),
        "tags": tags(document.get("tags")),
        "measurements": document.get("measurements"),
    }
    title = name(document.get("transaction"), _LONGEST_NAME)
    _span(root, title, "", _around(document), of, context, into)
    trace_id = name(trace.get("trace_id"))
    spans = objects(document.get("spans"))
    for span in spans[:MOST_SPANS]:
        _span(span, "", trace_id, {}, of, context, into)
    if len(spans) > MOST_SPANS:
        into.items["span", "too_many"] += len(spans) - MOST_SPANS


def _around(document: Mapping[str, Any]) -> dict[str, Any]:
    """What a transaction tells beside its spans: the user, the request, the browser."""
    user, request = mapping(document.get("user")), mapping(document.get("request"))
    contexts = mapping(document.get("contexts"))
    response = mapping(contexts.get("response"))
    return {
        "sentry.event_id": name(document.get("event_id")) or None,
        "user.id": name(user.get("id")) or None,
        "user.email": name(user.get("email")) or None,
        "user.name": name(user.get("username")) or None,
        "http.request.method": name(request.get("method")) or None,
        "url.full": name(request.get("url"), 4000) or None,
        "http.response.status_code": response.get("status_code"),
        "browser.name": name(mapping(contexts.get("browser")).get("name")) or None,
        "os.name": name(mapping(contexts.get("os")).get("name")) or None,
    }


def single(document: Mapping[str, Any], context: Context, into: Received) -> None:
    """A span that came alone, as the first SDKs without transactions send them."""
    found = tags(document.get("sentry_tags"))
    data = mapping(document.get("data"))
    release = data.get("sentry.release") or found.get("release") or document.get("release")
    environment = data.get("sentry.environment") or found.get("environment")
    of = resource(
        name(data.get("service.name")) or package(release) or context.service,
        release,
        environment or document.get("environment"),
        None,
        data.get("sentry.sdk.name") or found.get("sdk.name"),
        data.get("sentry.sdk.version") or found.get("sdk.version"),
    )
    _span(document, "", "", {}, of, context, into)


def _span(
    given: Mapping[str, Any],
    title: str,
    trace_id: str,
    around: Mapping[str, Any],
    of: Resource,
    context: Context,
    into: Received,
) -> None:
    op, described = name(given.get("op")), text(given.get("description"), 100_000)
    status = name(given.get("status"))
    attributes = {**around, **tags(given.get("tags")), **_data(given, op, described)}
    attributes.pop("status", None)  # of which SDKs make a tag as well
    attributes |= {
        "sentry.op": op or None,
        "sentry.origin": name(given.get("origin")) or None,
        "sentry.status": status or None,
        **_measurements(given.get("measurements")),
    }
    span = into.spans.add(of)
    span.trace_id = id_bytes(given.get("trace_id") or trace_id)
    span.span_id = id_bytes(given.get("span_id"))
    span.parent_span_id = id_bytes(given.get("parent_span_id"))
    span.name = title or described[:_LONGEST_NAME] or op or "(no name)"
    span.kind = _kind(op, attributes)
    span.start_time_unix_nano = time_ns(given.get("start_timestamp"), context.shift_ns)
    span.end_time_unix_nano = time_ns(given.get("timestamp"), context.shift_ns)
    _status(span, status)
    put(span.attributes, attributes)


def _data(given: Mapping[str, Any], op: str, described: str) -> dict[str, Any]:
    """A span's data; what old SDKs put into the description alone stands here as well."""
    found = _modern(mapping(given.get("data")))
    if op.startswith("db") and described:
        found.setdefault("db.query.text", described)
    elif op == "http.client" and described:
        method, space, url = described.partition(" ")
        if space and method.isupper():
            found.setdefault("http.request.method", method)
            found.setdefault("url.full", url[:4000])
    return found


def _modern(data: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in data.items():
        modern = _MODERN.get(key, key)
        if modern in _INTEGERS and isinstance(value, str) and value.isdecimal() and len(value) < 10:
            value = int(value)
        if modern == key or modern not in data:  # the new name wins where both are there
            found[modern] = value
    return found


def _measurements(given: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, measured in mapping(given).items():
        value = mapping(measured).get("value")
        if isinstance(value, int | float):
            found[f"sentry.measurement.{key}"] = float(value)
            found[f"sentry.measurement.{key}.unit"] = name(measured.get("unit")) or None
    return found


def _kind(op: str, attributes: Mapping[str, Any]) -> "Span.SpanKind.ValueType":
    told = attributes.get("otel.kind") or attributes.get("span.kind")
    if isinstance(told, str) and told.lower() in _BY_NAME:
        return _BY_NAME[told.lower()]
    for prefix, kind in _KINDS:
        if op == prefix or op.startswith(prefix + "."):
            return kind
    return Span.SPAN_KIND_INTERNAL


def _status(span: Span, status: str) -> None:
    if status == "ok":
        span.status.code = Status.STATUS_CODE_OK
    elif status not in _NO_ERROR and not (
        span.kind == Span.SPAN_KIND_SERVER and status in _CLIENT_AT_FAULT
    ):
        span.status.code = Status.STATUS_CODE_ERROR
        if status != "error":
            span.status.message = status


def streamed(document: Mapping[str, Any], context: Context, into: Received) -> int:
    """Spans with typed attributes; how many there were."""
    spans = objects(document.get("items"))
    for given in spans:
        attributes = typed(given.get("attributes"))
        op = name(attributes.get("sentry.op"))
        kind = _BY_NAME.get(name(given.get("kind"))) or _kind(op, attributes)
        asks = kind in (Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_PRODUCER)
        host = None if asks else attributes.pop("server.address", None)  # else whom it asks
        span = into.spans.add(resource_of(attributes, context, host))
        span.trace_id = id_bytes(given.get("trace_id"))
        span.span_id = id_bytes(given.get("span_id"))
        span.parent_span_id = id_bytes(given.get("parent_span_id"))
        span.name = name(given.get("name"), _LONGEST_NAME) or op or "(no name)"
        span.kind = kind
        span.start_time_unix_nano = time_ns(given.get("start_timestamp"), context.shift_ns)
        span.end_time_unix_nano = time_ns(given.get("end_timestamp"), context.shift_ns)
        _status(span, name(given.get("status")))
        put(span.attributes, _modern(attributes))
        for link in objects(given.get("links")):
            made = span.links.add()
            made.trace_id = id_bytes(link.get("trace_id"))
            made.span_id = id_bytes(link.get("span_id"))
            put(made.attributes, typed(link.get("attributes")))
    return len(spans)


def resource_of(attributes: dict[str, Any], context: Context, host: Any) -> Resource:
    """The resource that the attributes of a streamed item tell of; they are taken out of them."""
    release = attributes.pop("sentry.release", None)
    named = name(attributes.pop("service.name", None))
    version = attributes.pop("service.version", None)
    return resource(
        named or package(release) or context.service,
        release or version,
        attributes.pop("sentry.environment", None),
        host,
        attributes.pop("sentry.sdk.name", None),
        attributes.pop("sentry.sdk.version", None),
    )
