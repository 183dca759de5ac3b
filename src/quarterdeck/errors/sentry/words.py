"""Answers as Sentry's SDKs read them: what was taken, what was not, when to come back.

An error is `{"detail": …, "causes": […]}` with the same words in X-Sentry-Error. An SDK that is told
a limit, by 429 or in X-Sentry-Rate-Limits beside any answer, sends nothing of these categories
until it has passed. Every answer may be read by a page of any origin.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.types import Send

from quarterdeck.telemetry.ingest.outcome import HTTP_STATUS, Reason, Refused

Headers = list[tuple[bytes, bytes]]
WAIT_S = 5  # where nobody has said how long
_ALLOWED = (
    b"x-sentry-auth, x-requested-with, x-forwarded-for, origin, referer, accept, content-type,"
    b" content-encoding, authentication, authorization, sentry-trace, baggage, traceparent"
)
_EXPOSED = b"x-sentry-error, x-sentry-rate-limits, retry-after"
_REJECTED = "event submission rejected with_reason: "
_DETAIL = {
    Reason.KEY_UNKNOWN: _REJECTED + "ProjectId",
    Reason.NOT_PERMITTED: _REJECTED + "ProjectId",
    Reason.PROJECT_UNKNOWN: _REJECTED + "ProjectId",
    Reason.ORIGIN_REFUSED: _REJECTED + "Cors",
    Reason.TOO_LARGE: "envelope exceeded size limits",
    Reason.OVERLOADED: _REJECTED + "RateLimited",
    Reason.STORE_FAILED: _REJECTED + "RateLimited",
}
_FORBIDDEN = {
    Reason.KEY_MISSING,
    Reason.KEY_UNKNOWN,
    Reason.NOT_PERMITTED,
    Reason.PROJECT_UNKNOWN,
    Reason.ORIGIN_REFUSED,
}
BUSY = {Reason.OVERLOADED, Reason.STORE_FAILED}


@dataclass(slots=True)
class Answer:
    status: int
    document: dict[str, Any]
    headers: Headers = field(default_factory=list)


def taken(event_id: str) -> Answer:
    return Answer(200, {"id": event_id} if event_id else {})


def refusal(refused: Refused, categories: Iterable[str] = ()) -> Answer:
    """A whole request refused."""
    detail = _DETAIL.get(refused.reason, refused.message)
    causes = [] if detail == refused.message else [refused.message]
    words = detail.encode("ascii", "replace").replace(b"\n", b" ").replace(b"\r", b" ")[:400]
    answer = Answer(_status(refused.reason), {"detail": detail, "causes": causes})
    answer.headers.append((b"x-sentry-error", words))
    if answer.status == 429:
        wait = refused.retry_after or WAIT_S
        answer.headers += [(b"retry-after", str(wait).encode()), limits(wait, categories)]
    return answer


def limits(wait_s: int, categories: Iterable[str]) -> tuple[bytes, bytes]:
    """The header that asks for silence in these categories; in all, when none is named."""
    told = f"{wait_s}:{';'.join(sorted(categories))}:project:overloaded"
    return b"x-sentry-rate-limits", told.encode()


def _status(reason: Reason) -> int:
    if reason in _FORBIDDEN:
        return 403
    return 429 if reason in BUSY else HTTP_STATUS.get(reason, 400)


async def send_answer(send: Send, answer: Answer, origin: bytes | None) -> None:
    body = orjson.dumps(answer.document)
    await _send(send, answer.status, body, [*_cors(origin), *answer.headers])


async def send_preflight(send: Send, origin: bytes | None) -> None:
    allowed = [
        (b"access-control-allow-methods", b"POST, OPTIONS"),
        (b"access-control-allow-headers", _ALLOWED),
        (b"access-control-max-age", b"86400"),
    ]
    await _send(send, 204, b"", [*_cors(origin), *allowed])


def _cors(origin: bytes | None) -> Headers:
    return [
        (b"access-control-allow-origin", origin or b"*"),
        (b"access-control-expose-headers", _EXPOSED),
        (b"vary", b"origin"),
    ]


async def _send(send: Send, status: int, body: bytes, headers: Headers) -> None:
    headers.append((b"content-length", str(len(body)).encode()))
    if body:
        headers.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
