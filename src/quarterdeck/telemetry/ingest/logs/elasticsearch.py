"""Elasticsearch's bulk API under `/elasticsearch`, for shippers that know no other way.

Documents are log lines in the Elastic Common Schema, or in any other shape that `POST /api/logs`
takes. Each is answered for itself, as Filebeat and Vector expect it. What shippers ask of a
cluster before they begin is answered harmlessly: everything that they set up is "there".
Source: elastic/elasticsearch docs, "Bulk API" and "Info API".
"""

from functools import partial

import orjson
from starlette.types import Receive, Scope, Send

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import RawHandler, RawRoute
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.lines import Defaults, of_items
from quarterdeck.telemetry.ingest.logs.way import (
    SIGNAL,
    Answer,
    Asked,
    Unpacked,
    Way,
    asked_of,
    handler,
    send_answer,
)
from quarterdeck.telemetry.ingest.otlp.probe import MOST_ITEMS
from quarterdeck.telemetry.ingest.outcome import (
    EXPLAIN,
    HTTP_STATUS,
    Outcome,
    Reason,
    Refused,
)

PREFIX = "/elasticsearch"
VERSION = "8.15.0"  # whose clients speak a protocol that we answer
_PRODUCT = (b"x-elastic-product", b"Elasticsearch")  # without it clients refuse to go on
_WRITES = ("create", "index")


def routes(intake: Intake) -> list[RawRoute]:
    bulk = handler(intake, Way(unpack, refuse))
    info: dict[str, dict[str, object]] = {
        "": {
            "name": "quarterdeck",
            "cluster_name": "quarterdeck",
            "cluster_uuid": "quarterdeck",
            "version": {
                "number": VERSION,
                "build_flavor": "default",
                "build_type": "tar",
                "lucene_version": "9.11.1",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "You Know, for Search",
        },
        "/_license": {"license": {"status": "active", "type": "basic", "uid": "quarterdeck"}},
        "/_cluster/health": {
            "cluster_name": "quarterdeck",
            "status": "green",
            "timed_out": False,
            "number_of_nodes": 1,
            "number_of_data_nodes": 1,
        },
        "/_nodes/http": {
            "_nodes": {"total": 0, "successful": 0, "failed": 0},
            "cluster_name": "quarterdeck",
            "nodes": {},
        },
    }
    told = [
        RawRoute("GET", PREFIX + path, Permission.INGEST, _fixed(intake, text), "What shippers ask")
        for path, text in info.items()
    ]
    rest = PREFIX + "/{rest}"
    there, done = _fixed(intake, {}), _fixed(intake, {"acknowledged": True})
    return [
        *(
            RawRoute(method, PREFIX + path, Permission.INGEST, bulk, "Elasticsearch bulk")
            for method in ("POST", "PUT")
            for path in ("/_bulk", "/{index}/_bulk")
        ),
        *told,
        RawRoute("HEAD", PREFIX, Permission.INGEST, there, "What shippers ask"),
        RawRoute("HEAD", rest, Permission.INGEST, there, "Templates, policies: there already"),
        RawRoute("GET", rest, Permission.INGEST, there, "Templates, policies: there already"),
        RawRoute("PUT", rest, Permission.INGEST, done, "Templates, policies: nothing is changed"),
    ]


def unpack(asked: Asked, data: bytes) -> Unpacked:
    """Action and document in turns; an action that is no writing is refused by itself."""
    if data.count(b"\n") > 2 * MOST_ITEMS:
        raise Refused(Reason.TOO_MANY_ITEMS, f"At most {MOST_ITEMS} documents in one request.")
    rows = list(filter(None, map(bytes.strip, data.split(b"\n"))))
    actions, documents = _pairs(rows, asked.params.get("index", ""))
    indices = {index for _, index in actions}
    defaults = asked.defaults
    if not defaults.service and len(indices) == 1:
        defaults = Defaults(indices.pop(), defaults.environment, defaults.release)
    request = of_items(documents, defaults, numbered=True)
    return request, partial(answer, actions)


Actions = list[tuple[str, str]]
"""What is to be done, and in which index."""


def _pairs(rows: list[bytes], index: str) -> tuple[Actions, list[bytes]]:
    """The actions, and the documents of those that write."""
    try:  # mostly one action again and again
        known = {row: _action(row, index) for row in set(rows[0::2])}
        if len(rows) % 2 == 0 and all(kind in _WRITES for kind, _ in known.values()):
            return [known[row] for row in rows[0::2]], rows[1::2]
    except Refused:
        pass
    actions, documents = [], []
    left = iter(rows)
    for row in left:
        kind, _ = action = _action(row, index)
        actions.append(action)
        document = None if kind == "delete" else next(left, None)
        if kind in _WRITES:
            if document is None:
                raise Refused(Reason.UNPARSABLE, "The last action has no document.")
            documents.append(document)
    return actions, documents


def _action(row: bytes, index: str) -> tuple[str, str]:
    try:
        ((kind, about),) = orjson.loads(row).items()
        if kind in (*_WRITES, "delete", "update"):
            return kind, str(about.get("_index") or index)[:256]
    except (ValueError, AttributeError, TypeError):
        pass
    raise Refused(Reason.UNPARSABLE, "Malformed action/metadata line, expected create or index.")


def answer(actions: Actions, outcome: Outcome) -> Answer:
    """One item an action, in their order."""
    good = {action: _item(action, 201, {"result": "created"}) for action in set(actions)}
    items = [good[action] for action in actions]
    errors = outcome.rejected > 0
    written = []
    for place, (kind, index) in enumerate(actions):
        if kind in _WRITES:
            written.append(place)
            continue
        errors = True
        why = {"type": "action_request_validation_exception", "reason": "only create and index"}
        items[place] = _item((kind, index), 400, {"error": why})
    for reason, lines in outcome.lines.items():
        why = {"type": "document_parsing_exception", "reason": EXPLAIN.get(Reason(reason), reason)}
        for line in lines:
            place = written[line - 1]
            items[place] = _item(actions[place], 400, {"error": why})
    text = b'{"took":1,"errors":%b,"items":[%b]}' % (
        b"true" if errors else b"false", b",".join(items),
    )  # fmt: skip
    return Answer(200, text, headers=[_PRODUCT])


def _item(action: tuple[str, str], status: int, more: dict[str, object]) -> bytes:
    kind, index = action
    return orjson.dumps({kind: {"_index": index, "_id": "", "status": status, **more}})


def refuse(refused: Refused) -> Answer:
    status = HTTP_STATUS.get(refused.reason, 400)
    kind = {401: "security_exception", 403: "security_exception"}.get(
        status, "es_rejected_execution_exception" if status == 503 else "illegal_argument_exception"
    )
    why = {"type": kind, "reason": refused.message}
    text = orjson.dumps({"error": {"root_cause": [why], **why}, "status": status})
    headers = [_PRODUCT]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="quarterdeck"'))
    return Answer(status, text, headers=headers)


def _fixed(intake: Intake, document: dict[str, object]) -> RawHandler:
    """Always the same answer, to those who have a key."""
    text = orjson.dumps(document)

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        asked = asked_of(scope)
        try:
            asked.admit(intake)
            answered = Answer(200, text, headers=[_PRODUCT])
        except Refused as refused:
            intake.count_refused(SIGNAL, refused)
            answered = refuse(refused)
        await send_answer(send, asked, answered, bodiless=scope["method"] == "HEAD")

    return handle
