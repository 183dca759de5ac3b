"""The envelope's part about resources: what repeats in every request is put into words once.

Resources and scopes are few and come again with every request, so Python turns them into
text and remembers it, while the engine alone touches the items. The result is appended to
the request as fields 1010 to 1014 (signals.py), in the order of the request's resources.
Resources whose attributes are too large are taken out with their items, the others are kept.
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
_LONGEST_NAME = 256  # characters; the resource keeps the whole text
_REMEMBERED = 4096  # resources; beyond it the memory starts anew
_known: dict[bytes, bytes] = {}


def inspect(signal: Signal, message: Any, body: bytes) -> Request:
    """What a parsed request holds: its items, where they go, the fields to append about its resources."""
    items = parts = left_out = 0
    pieces = []
    tables: set[str] = set()
    resources = getattr(message, signal.resources)
    given = len(resources)
    for position in reversed(range(given)):  # from the end, for some may be taken out
        resource = resources[position]
        scopes = getattr(resource, signal.scopes)
        parts += 1 + len(scopes)
        if parts > _MOST_PARTS:
            raise Refused(
                Reason.TOO_MANY_RESOURCES,
                f"The request holds more than {_MOST_PARTS} resources and scopes; send them in several.",
            )
        count = sum(map(signal.count, scopes))
        try:
            texts = [_scope(scope.scope.attributes) for scope in scopes]
            pieces.append(_resource(resource.resource) + text_field(_SCOPES, b"".join(texts)))
        except _TooLargeError:
            left_out += count
            del resources[position]
            continue
        items += count
        tables.update(*map(signal.tables, scopes))
    if len(resources) < given:
        body = message.SerializeToString()
    refused = {Reason.RESOURCE_TOO_LARGE.value: left_out} if left_out else {}
    return Request(body, b"".join(reversed(pieces)), items, frozenset(tables), refused)


class _TooLargeError(Exception):
    """The attributes of a resource or scope; its items are left out."""


def _scope(attributes: Any) -> bytes:
    return text_field(1, _json(attributes)) if attributes else _NO_SCOPE


def _json(attributes: Any) -> bytes:
    text = json_object(attributes)
    if len(text) > _LARGEST:
        raise _TooLargeError
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
        + text_field(_SERVICE, _name(service))
        + text_field(_ENVIRONMENT, _name(environment))
        + text_field(_RELEASE, _name(texts.get("service.version") or ""))
    )


def _name(value: Any) -> bytes:
    return str(value)[:_LONGEST_NAME].encode()


_NAMED = {
    "service.name",
    "service.version",
    "deployment.environment.name",
    "deployment.environment",
}
