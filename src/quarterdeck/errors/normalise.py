"""From a Sentry event as an SDK sent it to an `Event`.

`normalise` takes any JSON and never raises: what has the wrong type counts as missing. What it gives
is bounded, whatever came in. Times that cannot be (in the future, or more than 30 days old) are the
time of receipt.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from quarterdeck.errors.agents import read_agent
from quarterdeck.errors.event import LEVELS, Event, User
from quarterdeck.errors.shapes import (
    MESSAGE,
    NAME,
    first,
    hexadecimal,
    is_number,
    listed,
    mapping,
    name,
    pairs,
    text,
)
from quarterdeck.errors.stacks import exceptions_of, other_frames

MOST_TAGS = 100
MOST_FINGERPRINT = 20
URL = 2048
_MOST_AGENT = 512
_MOST_PARAMETERS = 100
_MINUTE_NS = 60 * 10**9
_OLDEST_NS = 30 * 86_400 * 10**9

_LEVELS = {
    **{level: level for level in LEVELS},
    "critical": "fatal",
    "warn": "warning",
    "log": "info",
    "notice": "info",
    "trace": "debug",
}
_PLACEHOLDER = re.compile(
    r"%%|%(?:\((?P<name>\w{1,100})\))?[-+ #0]*\d{0,5}(?:\.\d{0,5})?[sdifrxXeEgGcuo@]"
    r"|\{(?P<braces>\w{0,100})(?:![rsa])?(?::[^{}]{0,20})?\}"
)
_VERSION = re.compile(r"\d+(?:\.\d+)?")


def normalise(document: dict[str, Any], *, received_ns: int, drift_ns: int = 0) -> Event:
    """`drift_ns` is how far the sender's clock is behind ours."""
    document = dict(mapping(document))
    platform = name(document.get("platform"), 64).lower() or "other"
    message, template = _message(document)
    exceptions = exceptions_of(document, platform)
    some = any(thrown.frames for thrown in exceptions)
    tags = _tags(document.get("tags"))
    contexts = mapping(document.get("contexts"))
    trace = mapping(contexts.get("trace"))
    request = mapping(first(document, "request", "sentry.interfaces.Http"))
    browser, system, device = _visitor(contexts, request)
    replay = mapping(contexts.get("replay")).get("replay_id")
    return Event(
        event_id=hexadecimal(document.get("event_id"), 32) or secrets.token_hex(16),
        time_ns=_time(document.get("timestamp"), received_ns, drift_ns),
        level=_level(document.get("level")),
        platform=platform,
        message=message,
        template=template,
        logger=name(document.get("logger")),
        exceptions=exceptions,
        frames=() if some else other_frames(document, platform),
        transaction=name(first(document, "transaction", "culprit")),
        release=name(document.get("release")),
        environment=name(document.get("environment"), 64) or "production",
        dist=name(document.get("dist"), 64),
        service=_service(contexts, tags),
        server_name=name(document.get("server_name")),
        sdk=_sdk(document),
        user=_user(first(document, "user", "sentry.interfaces.User")),
        tags=tags,
        trace_id=hexadecimal(trace.get("trace_id"), 32),
        span_id=hexadecimal(trace.get("span_id"), 16),
        replay_id=hexadecimal(replay, 32) or hexadecimal(tags.get("replayId"), 32),
        fingerprint=_fingerprint(document.get("fingerprint")),
        url=name(request.get("url"), URL),
        method=name(request.get("method"), 16).upper()[:16],
        browser=browser,
        os=system,
        device=device,
    )


def _level(value: Any) -> str:
    return _LEVELS.get(value.lower(), "error") if isinstance(value, str) else "error"


def _time(value: Any, received_ns: int, drift_ns: int) -> int:
    at = _nanoseconds(value)
    if at is None:
        return received_ns
    if abs(drift_ns) > _MINUTE_NS:
        at += drift_ns
    return at if received_ns - _OLDEST_NS <= at <= received_ns else received_ns


def _nanoseconds(value: Any) -> int | None:
    try:
        if isinstance(value, str):
            if len(value) > 64:
                return None
            if value[:10].isdecimal():
                value = float(value)
            else:
                at = datetime.fromisoformat(value.strip())
                value = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
        if is_number(value):
            return int(value * 1_000_000) * 1000
    except (ValueError, OverflowError):
        pass
    return None


# Messages


def _message(document: Mapping[str, Any]) -> tuple[str, str]:
    """The message as people read it, and before its parameters were filled in."""
    entry = first(document, "logentry", "sentry.interfaces.Message", "message")
    if not isinstance(entry, dict):
        written = text(entry)
        return written, written
    template = text(entry.get("message"))
    formatted = text(entry.get("formatted")) or _filled(template, entry.get("params"))
    return formatted, template or formatted


def _filled(template: str, params: Any) -> str:
    """Our own filling in: Python's would obey a width of a billion."""
    if not params or not isinstance(params, list | dict):
        return template
    turn = iter(params[:_MOST_PARAMETERS] if isinstance(params, list) else ())

    def fill(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        key = found["name"] or found["braces"]
        if isinstance(params, dict):
            return text(params[key], NAME) if key in params else found[0]
        if key and key.isdecimal() and len(key) < 4 and int(key) < len(params):
            return text(params[int(key)], NAME)
        if key:
            return found[0]
        return text(next(turn, found[0]), NAME)

    return _PLACEHOLDER.sub(fill, template)[:MESSAGE]


# Names


def _tags(value: Any) -> dict[str, str]:
    tags: dict[str, str] = {}
    for key, told in pairs(value):
        if (key := name(key)) and (told := name(told)):
            tags[key] = told
            if len(tags) >= MOST_TAGS:
                break
    return tags


def _fingerprint(value: Any) -> tuple[str, ...]:
    given = value if isinstance(value, list) else [value]
    return tuple([part for entry in given[:MOST_FINGERPRINT] if (part := name(entry))])


def _service(contexts: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    resource = mapping(mapping(contexts.get("otel")).get("resource"))
    for value in (
        resource.get("service.name"),
        contexts.get("service.name"),
        mapping(contexts.get("service")).get("name") or contexts.get("service"),
        tags.get("service.name"),
        tags.get("service"),
    ):
        if service := name(value):
            return service
    return ""


def _sdk(document: Mapping[str, Any]) -> str:
    sdk = mapping(document.get("sdk"))
    called, version = name(sdk.get("name"), 100), name(sdk.get("version"), 60)
    return f"{called}/{version}" if called and version else called


def _user(value: Any) -> User:
    user = mapping(value)
    address = name(user.get("ip_address"), 64)
    return User(
        id=name(user.get("id")),
        email=name(user.get("email")),
        username=name(first(user, "username", "name")),
        ip="" if "{" in address else address,  # "{{auto}}" asks for the sender's
    )


# The visitor


def _visitor(contexts: Mapping[str, Any], request: Mapping[str, Any]) -> tuple[str, str, str]:
    browser = _product(contexts.get("browser"))
    system = _product(contexts.get("client_os")) or _product(contexts.get("os"))
    device = mapping(contexts.get("device"))
    model = name(first(device, "model", "family", "name"))
    if browser and system and model:
        return browser, system, model
    agent = _agent(request.get("headers"))
    read = read_agent(agent) if agent else ("", "", "")
    return browser or read[0], system or read[1], model or read[2]


def _product(value: Any) -> str:
    """A name and a version as coarse as people compare them."""
    product = mapping(value)
    called = name(product.get("name"), 100)
    version = _VERSION.match(name(product.get("version"), 60))
    return f"{called} {version[0].removesuffix('.0')}" if called and version else called


def _agent(headers: Any) -> str:
    for key, value in pairs(headers):
        if isinstance(key, str) and len(key) == 10 and key.lower() == "user-agent":
            return name(listed(value)[0] if listed(value) else value, _MOST_AGENT)
    return ""
