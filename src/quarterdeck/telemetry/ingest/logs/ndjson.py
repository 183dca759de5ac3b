"""`POST /api/logs`: lines of JSON, an array, one object, or plain text.

Answered after the lines are durable with how many were kept and, by reason, how many were not.
"""

from starlette.types import Receive, Scope, Send

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import RawRoute
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.lines import of_json, of_lines
from quarterdeck.telemetry.ingest.logs.way import (
    Answer,
    Asked,
    Unpacked,
    Way,
    asked_of,
    handler,
    refusal,
    send_answer,
    told,
)
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

PATH = "/api/logs"
_JSON = {
    "",
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json-lines",
    "application/octet-stream",
    "application/x-www-form-urlencoded",  # what curl says unless it is told
}


def routes(intake: Intake) -> list[RawRoute]:
    way = Way(unpack, refusal)
    summary = "Log lines (NDJSON, a JSON array or object, or text; gzip, deflate, zstd or plain)"
    return [
        RawRoute("POST", PATH, Permission.INGEST, handler(intake, way), summary, shared=True),
        RawRoute("OPTIONS", PATH, Permission.PUBLIC, preflight, "CORS preflight", shared=True),
    ]


def unpack(asked: Asked, data: bytes) -> Unpacked:
    if asked.media in _JSON:
        return of_json(data, asked.defaults), told
    if asked.media == "text/plain":
        return of_lines(data, asked.defaults, plain=True), told
    raise Refused(Reason.MEDIA_TYPE, "Send application/x-ndjson, application/json or text/plain.")


async def preflight(scope: Scope, receive: Receive, send: Send) -> None:
    allowed = b"authorization, content-type, content-encoding, x-quarterdeck-project"
    headers = [
        (b"access-control-allow-methods", b"POST, OPTIONS"),
        (b"access-control-allow-headers", allowed),
        (b"access-control-max-age", b"86400"),
    ]
    await send_answer(send, asked_of(scope), Answer(204, headers=headers))
