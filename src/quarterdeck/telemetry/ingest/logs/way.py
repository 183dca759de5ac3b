"""What the ways in over HTTP other than OTLP have in common: who sends, the body, the answer.

A way is how it reads a body and how it words its answers; the rest is here. Keys come as each
shipper is able to send them: as a bearer, as the password of Basic, as Elasticsearch's ApiKey,
or in the address as `?key=`, for providers that can do no more.
"""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive, Scope, Send

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.web import RawHandler
from quarterdeck.telemetry.ingest import body
from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.lines import Defaults
from quarterdeck.telemetry.ingest.outcome import HTTP_STATUS, Outcome, Reason, Refused

SIGNAL = "logs"
JSON = b"application/json"
_INLINE = 16_384  # bytes on the wire; larger bodies are unpacked off the event loop

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request without its body."""

    headers: dict[bytes, bytes]
    query: dict[str, str]
    params: dict[str, str]  # of the path
    path: str = ""

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1").strip()

    @property
    def media(self) -> str:
        return self.header(b"content-type").split(";", 1)[0].strip().lower()

    @property
    def authorization(self) -> str:
        """The key as a bearer, however it was sent."""
        given = self.header(b"authorization")
        scheme, _, rest = given.partition(" ")
        if scheme.lower() == "basic":
            user, _, password = _decoded(rest).partition(":")
            return f"Bearer {password or user}"
        if scheme.lower() == "apikey":
            return f"Bearer {_decoded(rest).partition(':')[2] or rest}"
        if not given and (key := self.query.get("key")):
            return f"Bearer {key}"
        return given

    def admit(self, intake: Intake) -> ProjectRef:
        """The project that the sender's key may write to, or Refused."""
        origin = self.header(b"origin") or None
        return intake.authorise(self.authorization, self.project, origin)

    @property
    def project(self) -> str | None:
        return self.header(b"x-quarterdeck-project") or self.query.get("project") or None

    @property
    def defaults(self) -> Defaults:
        """Service, environment and release of records that do not say."""
        asked = (self.query.get(name, "")[:256] for name in ("service", "environment", "release"))
        return Defaults(*asked)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    media: bytes = JSON
    headers: Headers = field(default_factory=list)


Unpacked = tuple[Request, Callable[[Outcome], Answer]]
"""A request, and how to tell what became of it."""


def _by_encoding(asked: Asked, raw: bytes, limit: int) -> bytes:
    return body.decompress(raw, asked.header(b"content-encoding").lower(), limit)


@dataclass(frozen=True, slots=True)
class Way:
    """One protocol: from a decompressed body to a request, and the words of its refusals."""

    unpack: Callable[[Asked, bytes], Unpacked]
    refuse: Callable[[Refused], Answer]
    decompress: Callable[[Asked, bytes, int], bytes] = _by_encoding
    signal: str = SIGNAL


def asked_of(scope: Scope) -> Asked:
    query = scope["query_string"][:8192].decode("latin-1")
    return Asked(
        dict(scope["headers"]),
        dict(parse_qsl(query, keep_blank_values=True)),
        scope.get("path_params", {}),
        scope["path"],
    )


def handler(intake: Intake, way: Way) -> RawHandler:
    """The ASGI handler of a way whose senders have keys."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        asked = asked_of(scope)

        async def work() -> Answer:
            began = time.perf_counter()
            project = asked.admit(intake)
            intake.steps.add(time.perf_counter() - began, way.signal, "authorise")
            return await keep(intake, way, asked, project, receive)

        await respond(intake, asked, send, way.refuse, work(), signal=way.signal)

    return handle


async def keep(
    intake: Intake,
    way: Way,
    asked: Asked,
    project: ProjectRef,
    receive: Receive,
    check: Callable[[bytes], None] | None = None,
) -> Answer:
    """Read, unpack and store a request; `check` sees its bytes as they came, and may refuse."""
    limit = intake.limits.body

    def unpack(raw: bytes) -> Unpacked:
        if check is not None:
            check(raw)
        return way.unpack(asked, way.decompress(asked, raw, limit))

    length = asked.header(b"content-length")
    if length.isdigit() and int(length) > limit:
        raise Refused(Reason.TOO_LARGE, f"The body is over {limit // 1048576} MiB.")
    began = time.perf_counter()
    raw = await body.read(receive, limit, intake.budget)
    intake.steps.add((arrived := time.perf_counter()) - began, way.signal, "read")
    if len(raw) > _INLINE:
        with intake.budget.held(len(raw)):
            request, answer = await intake.apart(unpack, raw)
    else:
        request, answer = unpack(raw)
    intake.steps.add(time.perf_counter() - arrived, way.signal, "validate")
    sender = (asked.path, asked.header(b"user-agent"))
    (table,) = request.tables
    return answer(await intake.keep(way.signal, project, request, by=table, sender=sender))


async def respond(
    intake: Intake,
    asked: Asked,
    send: Send,
    refuse: Callable[[Refused], Answer],
    work: Awaitable[Answer],
    headers: Headers | None = None,
    signal: str = SIGNAL,
) -> None:
    """Send the answer of the work, or of its refusal, which is counted."""
    try:
        answer = await work
    except Refused as refused:
        intake.count_refused(signal, refused)
        if refused.reason is Reason.DISCONNECTED:
            return
        answer = refuse(refused)
        if refused.retry_after:
            answer.headers.append((b"retry-after", str(refused.retry_after).encode()))
    answer.headers.extend(headers or [])
    await send_answer(send, asked, answer)


async def send_answer(send: Send, asked: Asked, answer: Answer, *, bodiless: bool = False) -> None:
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    if answer.body:
        headers.append((b"content-type", answer.media))
    if origin := asked.headers.get(b"origin"):
        headers += [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", b"retry-after"),
            (b"vary", b"origin"),
        ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if bodiless else answer.body})


def told(outcome: Outcome) -> Answer:
    """What became of each line, by reason; 400 only when not one of them was JSON."""
    unreadable = outcome.refused.get(Reason.UNPARSABLE_LINE, 0)
    status = 400 if outcome.items and unreadable == outcome.items else 200
    return Answer(
        status,
        orjson.dumps(
            {
                "accepted": outcome.items - outcome.rejected,
                "rejected": outcome.rejected,
                "reasons": outcome.refused,
                "message": outcome.message(),
            }
        ),
    )


def refusal(refused: Refused) -> Answer:
    """A whole request refused, in the words of our own routes."""
    status = HTTP_STATUS.get(refused.reason, 400)
    nothing = {"accepted": 0, "rejected": 0, "reasons": {refused.reason.value: 1}}
    answer = Answer(status, orjson.dumps({**nothing, "message": refused.message}))
    if status == 401:
        answer.headers.append((b"www-authenticate", b"Bearer"))
    return answer


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
