"""Log drains of hosting providers: `POST /api/drains/PROVIDER/NAME?project=PROJECT`.

A drain is a resource (spec.py). Who sends is known by the signature of the body where the drain
has a secret (Vercel: HMAC-SHA1 in x-vercel-signature), else by a key in the header
Authorization or in the address as `?key=`, because not every provider can send headers.
"""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import orjson
from starlette.types import Receive, Scope, Send

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.permissions import Permission, ProjectRef
from quarterdeck.core.web import RawRoute
from quarterdeck.resources.service import Resources
from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.lines import Defaults, document, of_items
from quarterdeck.telemetry.ingest.logs.providers import record
from quarterdeck.telemetry.ingest.logs.spec import LogDrainSpec
from quarterdeck.telemetry.ingest.logs.way import (
    Answer,
    Asked,
    Unpacked,
    Way,
    asked_of,
    keep,
    refusal,
    respond,
    told,
)
from quarterdeck.telemetry.ingest.otlp.probe import MOST_ITEMS
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

PATH = "/api/drains/{provider}/{name}"
SIGNATURE = b"x-vercel-signature"
_VERIFY = b"x-vercel-verify"
_SECRET_SECONDS = 5.0  # that a secret is remembered, as settings and keys are

Resolve = Callable[[str], Awaitable[str]]
"""The text with the secrets in it that it refers to."""


class Drains:
    """The drains that are configured, and how each knows its sender."""

    def __init__(self, intake: Intake, resources: Resources, resolve: Resolve) -> None:
        self._intake = intake
        self._resources = resources
        self._resolve = resolve
        self._secrets: dict[str, tuple[float, str]] = {}

    def routes(self) -> list[RawRoute]:
        return [
            RawRoute("POST", PATH, Permission.INGEST, self._serve, "Log drain of a provider"),
            RawRoute(
                "GET", PATH, Permission.INGEST, self._serve, "What Vercel asks of a new drain"
            ),
        ]

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = asked_of(scope)
        project, drain = self._find(asked)
        code = drain.verification.encode() if drain else b""

        async def work() -> Answer:
            if drain is None or project is None:
                asked.admit(self._intake)  # a stranger does not learn which drains there are
                raise Refused(Reason.DRAIN_UNKNOWN, "There is no such drain in this project.")
            if scope["method"] == "GET":
                if not code:
                    asked.admit(self._intake)
                return Answer(200, b"{}")
            way = Way(partial(unpack, drain), refusal)
            if drain.secret is None:
                return await keep(self._intake, way, asked, asked.admit(self._intake), receive)
            given = _signature(asked)
            check = partial(verify, await self._secret(drain.secret), given, asked.path)
            return await keep(self._intake, way, asked, project, receive, check)

        def refuse(refused: Refused) -> Answer:
            answer = refusal(refused)
            # Vercel does not sign what it verifies a new drain with.
            if code and refused.reason is Reason.SIGNATURE_MISSING:
                answer = Answer(200, answer.body)
            return answer

        headers = [(_VERIFY, code)] if code else []
        await respond(self._intake, asked, send, refuse, work(), headers)

    def _find(self, asked: Asked) -> tuple[ProjectRef | None, LogDrainSpec | None]:
        project = self._intake.project(asked.project)
        if project is None:
            return None, None
        try:
            drain = self._resources.get(LogDrainSpec, project.id, asked.params["name"])
        except QuarterdeckError:
            return project, None
        return project, drain if drain.provider == asked.params["provider"] else None

    async def _secret(self, reference: str) -> bytes:
        at, secret = self._secrets.get(reference, (0.0, ""))
        now = time.monotonic()
        if not at or now - at > _SECRET_SECONDS:
            try:
                secret = await self._resolve(reference)
            except QuarterdeckError as error:
                raise Refused(
                    Reason.SIGNATURE_WRONG, "The drain's secret is not there; see its settings."
                ) from error
            self._secrets[reference] = now, secret
        return secret.encode()


def _signature(asked: Asked) -> str:
    """What the sender claims, before anything is read of what it sends."""
    given = asked.header(SIGNATURE)
    if not given:
        raise Refused(
            Reason.SIGNATURE_MISSING, f"{asked.path} wants a signature in {SIGNATURE.decode()}."
        )
    return given.lower()


def verify(secret: bytes, given: str, path: str, raw: bytes) -> None:
    """Refused unless the body was signed with the secret."""
    expected = hmac.new(secret, raw, hashlib.sha1).hexdigest()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise Refused(
            Reason.SIGNATURE_WRONG, f"What came to {path} was signed with another secret."
        )


def unpack(drain: LogDrainSpec, asked: Asked, data: bytes) -> Unpacked:
    """An array, one object, or lines."""
    found, unreadable = _items(data)
    lines = [orjson.dumps(record(drain, item)) for item in found if isinstance(item, dict)]
    unreadable += len(found) - len(lines)
    request = of_items(lines, Defaults(drain.service or drain.provider, drain.environment))
    refused = {Reason.UNPARSABLE_LINE.value: unreadable} if unreadable else {}
    return Request(request.body, request.resources, request.items, request.tables, refused), told


def _items(data: bytes) -> tuple[list[Any], int]:
    """What the body holds, and how many of its lines are no JSON."""
    begin = data.lstrip()[:1]
    if begin == b"[":
        return list(document(data)), 0
    if data.count(b"\n") >= MOST_ITEMS:
        raise Refused(Reason.TOO_MANY_ITEMS, f"At most {MOST_ITEMS} lines in one request.")
    found: list[Any] = []
    unreadable = 0
    for line in filter(None, map(bytes.strip, data.split(b"\n"))):
        try:
            found.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            unreadable += 1
    return found, unreadable
