"""The envelope's part about resources: what repeats in every request is put into words once.

Resources and scopes are few and come again with every request, so Python turns them into
text and remembers it, while the engine alone touches the items. The result is appended to
the request as fields 1010 to 1014 (signals.py), in the order of the request's resources.
"""

from typing import Any

from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.otlp.signals import Signal
from quarterdeck.telemetry.ingest.otlp.values import json_object, plain
from quarterdeck.telemetry.ingest.otlp.wire import text_field
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

_RESOURCE, _SERVICE, _ENVIRONMENT, _RELEASE, _SCOPES = range(1010, 1015)
_NO_SCOPE = text_field(1, b"")
_MOST_PARTS = 10_000
_LARGEST = 65_536  # bytes of JSON; it is kept once a row, though compressed
_REMEMBERED = 4096  # resources; beyond it the memory starts anew
_known: dict[bytes, bytes] = {}


def inspect(signal: Signal, message: Any, body: bytes) -> Request:
    """What a parsed request holds: its items, where they go, the fields to append about its resources."""
    items = parts = 0
    pieces = []
    tables: set[str] = set()
    for resource in getattr(message, signal.resources):
        pieces.append(_resource(resource.resource))
        texts = []
        scopes = getattr(resource, signal.scopes)
        parts += 1 + len(scopes)
        if parts > _MOST_PARTS:
            raise Refused(
                Reason.TOO_MANY_RESOURCES,
                f"The request holds more than {_MOST_PARTS} resources and scopes; send them in several.",
            )
        for scope in scopes:
            items += signal.count(scope)
            tables |= signal.tables(scope)
            attributes = scope.scope.attributes
            texts.append(text_field(1, _json(attributes)) if attributes else _NO_SCOPE)
        pieces.append(text_field(_SCOPES, b"".join(texts)))
    return Request(body, b"".join(pieces), items, frozenset(tables))


def _json(attributes: Any) -> bytes:
    text = json_object(attributes)
    if len(text) > _LARGEST:
        raise Refused(
            Reason.RESOURCE_TOO_LARGE,
            f"The attributes of a resource or scope are over {_LARGEST} bytes.",
        )
    return text


def _resource(resource: Any) -> bytes:
    key = resource.SerializeToString()
    known = _known.get(key)
    if known is None:
        if len(_known) >= _REMEMBERED:
            _known.clear()
        known = _known[key] = _describe(resource)
    return known


def _describe(resource: Any) -> bytes:
    texts = {pair.key: plain(pair.value) for pair in resource.attributes if pair.key in _NAMED}
    service = texts.get("service.name") or "unknown_service"
    environment = (
        texts.get("deployment.environment.name") or texts.get("deployment.environment") or ""
    )
    return (
        text_field(_RESOURCE, _json(resource.attributes))
        + text_field(_SERVICE, str(service).encode())
        + text_field(_ENVIRONMENT, str(environment).encode())
        + text_field(_RELEASE, str(texts.get("service.version") or "").encode())
    )


_NAMED = {
    "service.name",
    "service.version",
    "deployment.environment.name",
    "deployment.environment",
}
