"""OTLP over HTTP: `POST /v1/traces`, `/v1/logs`, `/v1/metrics`.

Plain ASGI handlers, since every microsecond here is paid for each request. Answers follow
opentelemetry-proto docs/specification.md: 200 with partial success when single items were
refused (the sender must not send them again), 400 for what can never succeed, 413 over the
limit, 503 with Retry-After when the store is behind (only 429, 502, 503 and 504 are sent
again by clients). The body of an error is a google.rpc.Status in the request's encoding.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from starlette.types import Receive, Scope, Send

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import RawRoute
from quarterdeck.telemetry.ingest import body
from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.otlp import json as otlp_json
from quarterdeck.telemetry.ingest.otlp.probe import LARGE, count_items
from quarterdeck.telemetry.ingest.otlp.resources import inspect
from quarterdeck.telemetry.ingest.otlp.signals import SIGNALS, Signal
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.outcome import HTTP_STATUS, Outcome, Reason, Refused

_INLINE = 16_384  # bytes on the wire; larger bodies are unpacked off the event loop
# Field 100 of AnyValue, see complex.py; the others are the same number written with leading zeros.
_JSON_TAGS = (b"\xa2\x06", b"\xa2\x86\x00", b"\xa2\x86\x80")

PROTOBUF, JSON = b"application/x-protobuf", b"application/json"

_CODES = {400: 3, 401: 16, 403: 7, 408: 4, 413: 8, 415: 3, 503: 14}  # of google.rpc, by status

Headers = list[tuple[bytes, bytes]]
_CORS: Headers = [
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"authorization, content-type, content-encoding, x-quarterdeck-project",
    ),
    (b"access-control-max-age", b"86400"),
]


def routes(intake: Intake) -> list[RawRoute]:
    """The ingest routes and their CORS preflights."""
    found = []
    for signal in SIGNALS:
        summary = f"OTLP {signal.name} (protobuf or JSON; gzip, deflate, zstd or plain)"
        found.append(
            RawRoute("POST", signal.path, Permission.INGEST, _handler(intake, signal), summary)
        )
        found.append(
            RawRoute("OPTIONS", signal.path, Permission.PUBLIC, _preflight, "CORS preflight")
        )
    return found


def _handler(intake: Intake, signal: Signal) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    steps, name, limit = intake.steps, signal.name, intake.limits.body

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        media = headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower()
        origin = headers.get(b"origin", b"").decode("latin-1")
        try:
            began = time.perf_counter()
            project = intake.authorise(
                headers.get(b"authorization", b"").decode("latin-1"),
                headers.get(b"x-quarterdeck-project", b"").decode("latin-1") or None,
                origin or None,
            )
            if media not in (PROTOBUF, JSON):
                raise Refused(Reason.MEDIA_TYPE, "Send application/x-protobuf or application/json.")
            if int(headers.get(b"content-length", b"0") or 0) > limit:
                raise Refused(Reason.TOO_LARGE, f"The body is over {limit // 1048576} MiB.")
            steps.add((authorised := time.perf_counter()) - began, name, "authorise")
            raw = await body.read(receive, limit, intake.budget)
            encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip().lower()
            steps.add((arrived := time.perf_counter()) - authorised, name, "read")
            if media == JSON or len(raw) > _INLINE:
                with intake.budget.held(len(raw)):
                    request = await intake.apart(_unpack, signal, media, raw, encoding, limit)
            else:
                request = _unpack(signal, media, raw, encoding, limit)
            steps.add(time.perf_counter() - arrived, name, "validate")
            agent = headers.get(b"user-agent", b"").decode("latin-1")
            outcome = await intake.keep(name, project, request, sender=(signal.path, agent))
        except Refused as refused:
            intake.count_refused(name, refused)
            await _refuse(send, refused, media, origin)
        else:
            answer = response(signal, outcome)
            payload = otlp_json.render(answer) if media == JSON else answer.SerializeToString()
            await _send(send, 200, payload, media, origin, [])

    return handle


def _unpack(signal: Signal, media: bytes, raw: bytes, encoding: str, limit: int) -> Request:
    """The request in a body: decompressed, parsed, counted."""
    data = body.decompress(raw, encoding, limit)
    if media == JSON:
        message = otlp_json.parse(data, signal.request)
        return inspect(signal, message, message.SerializeToString())
    return check(signal, data)


def check(signal: Signal, data: bytes) -> Request:
    """A protobuf request that parses; Refused when it does not."""
    try:
        if len(data) > LARGE:
            count_items(signal, data)
        message = signal.request.FromString(data)
    except DecodeError as error:
        raise Refused(
            Reason.UNPARSABLE,
            f"The body is no {signal.request.DESCRIPTOR.name}, or ends in the middle of one.",
        ) from error
    if any(tag in data for tag in _JSON_TAGS) or len(UnknownFieldSet(message)):
        # Fields that we append ourselves, or a value that only our slow path may write.
        message.DiscardUnknownFields()
        data = message.SerializeToString()
    return inspect(signal, message, data)


def response(signal: Signal, outcome: Outcome) -> Message:
    """The response message; `partial_success` is set only when something was refused."""
    answer: Any = signal.response()
    if outcome.rejected:
        setattr(answer.partial_success, signal.rejected_field, outcome.rejected)
        answer.partial_success.error_message = outcome.message()
    return answer  # type: ignore[no-any-return]


async def _refuse(send: Send, refused: Refused, media: bytes, origin: str) -> None:
    if refused.reason is Reason.DISCONNECTED:
        return
    status = HTTP_STATUS.get(refused.reason, 400)
    code = _CODES[status]
    extra: Headers = []
    if refused.retry_after:
        extra.append((b"retry-after", str(refused.retry_after).encode()))
    if status == 401:
        extra.append((b"www-authenticate", b"Bearer"))
    if media == JSON or media != PROTOBUF:
        media, payload = JSON, orjson.dumps({"code": code, "message": refused.message})
    else:
        text = refused.message.encode()
        payload = b"\x08" + varint(code) + b"\x12" + varint(len(text)) + text
    await _send(send, status, payload, media, origin, extra)


async def _send(
    send: Send, status: int, payload: bytes, media: bytes, origin: str, extra: Headers
) -> None:
    headers = [(b"content-type", media), (b"content-length", str(len(payload)).encode()), *extra]
    if origin:
        headers += [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", b"retry-after"),  # else no script may read it
            (b"vary", b"origin"),
        ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})


async def _preflight(scope: Scope, receive: Receive, send: Send) -> None:
    origin = dict(scope["headers"]).get(b"origin", b"*")
    headers = [(b"access-control-allow-origin", origin), (b"vary", b"origin"), *_CORS]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
