"""Loki's push protocol: `POST /loki/api/v1/push`, as Promtail, Alloy, Vector and Fluent Bit speak it.

Protobuf in snappy goes to the engine as it is; Python reads the labels of each stream and
touches no entry. JSON is turned into the same message first, at a microsecond or two an entry.
Source: grafana/loki docs/sources/reference/loki-http-api.md and pkg/push/push.proto.
"""

import re
from typing import Any

import cramjam
import orjson
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import RawRoute
from quarterdeck.telemetry.ingest import body
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.lines import document, of_streams
from quarterdeck.telemetry.ingest.logs.way import (
    Answer,
    Asked,
    Unpacked,
    Way,
    handler,
)
from quarterdeck.telemetry.ingest.otlp.probe import shaped
from quarterdeck.telemetry.ingest.outcome import HTTP_STATUS, Outcome, Reason, Refused

PUSH = "/loki/api/v1/push"
_TEXT = b"text/plain; charset=utf-8"
_PAIR = re.compile(r'\s*([a-zA-Z_][\w.\-]*)\s*=\s*("(?:[^"\\]|\\.)*")\s*(?:,|$)')
_SERVICES = ("service_name", "service", "app", "application", "app_kubernetes_io_name", "job")
_MOST_STREAMS = 10_000
_REMEMBERED = 4096  # streams' labels; beyond it the memory starts anew
_known: dict[str, dict[str, str]] = {}


def routes(intake: Intake) -> list[RawRoute]:
    way = Way(unpack, refuse, decompress)
    return [
        RawRoute(
            "POST", PUSH, Permission.INGEST, handler(intake, way), "Loki push (protobuf or JSON)"
        ),
    ]


def answer(outcome: Outcome) -> Answer:
    """204 when all was kept; else 400, which shippers log and do not send again, as Loki does."""
    if not outcome.rejected:
        return Answer(204)
    return Answer(400, f"{outcome.message()}\n".encode(), _TEXT)


def refuse(refused: Refused) -> Answer:
    # 429 and 5xx are what shippers send again.
    return Answer(HTTP_STATUS.get(refused.reason, 400), f"{refused.message}\n".encode(), _TEXT)


def decompress(asked: Asked, raw: bytes, limit: int) -> bytes:
    if asked.media != "application/json":
        return unsnap(raw, limit)
    return body.decompress(raw, asked.header(b"content-encoding").lower(), limit)


def unsnap(raw: bytes, limit: int) -> bytes:
    """Undo snappy's block format, whose length stands at its beginning."""
    try:
        if cramjam.snappy.decompress_raw_len(raw) > limit:
            raise Refused(
                Reason.TOO_LARGE, f"The body is over {limit // 1048576} MiB after decompression."
            )
        return bytes(cramjam.snappy.decompress_raw(raw))
    except cramjam.DecompressionError as error:
        raise Refused(Reason.COMPRESSION_BROKEN, "The body is not valid snappy.") from error


def unpack(asked: Asked, data: bytes) -> Unpacked:
    if asked.media == "application/json":
        data = _of_json(document(data)).SerializeToString()
    elif asked.media not in ("", "application/x-protobuf"):
        raise Refused(Reason.MEDIA_TYPE, "Send application/x-protobuf or application/json.")
    try:
        push = _Outline.FromString(data)
    except DecodeError as error:
        raise Refused(
            Reason.UNPARSABLE, "The body is no PushRequest, or ends in the middle of one."
        ) from error
    if len(UnknownFieldSet(push)):  # fields that we append ourselves
        push.DiscardUnknownFields()
        data = push.SerializeToString()
    if len(push.f1) > _MOST_STREAMS:
        raise Refused(Reason.TOO_MANY_RESOURCES, f"At most {_MOST_STREAMS} streams in one push.")
    entries = sum(len(stream.f2) for stream in push.f1)
    labels = [_labels(b"".join(stream.f1).decode("utf-8", "replace")) for stream in push.f1]
    return of_streams(data, labels, entries, asked.defaults), answer


def _labels(text: str) -> dict[str, str]:
    """A stream's labels, with the service that Loki's users mean by them."""
    known = _known.get(text)
    if known is None:
        if len(_known) >= _REMEMBERED:
            _known.clear()
        known = _known[text] = parse_labels(text)
    return known


def parse_labels(text: str) -> dict[str, str]:
    """`{app="shop", level="info"}` as a mapping; Refused when it is something else."""
    inner = text.strip()
    labels: dict[str, str] = {}
    if inner.startswith("{") and inner.endswith("}") and len(inner) <= 65_536:
        inner, at = inner[1:-1].strip(), 0
        while at < len(inner) and (pair := _PAIR.match(inner, at)):
            labels[pair[1]] = _unquoted(pair[2])
            at = pair.end()
        if at == len(inner):
            return with_service(labels)
    raise Refused(Reason.UNPARSABLE, f"These are no labels of a stream: {text[:100]}")


def with_service(labels: dict[str, str]) -> dict[str, str]:
    named = next((labels[name] for name in _SERVICES if labels.get(name)), "")
    return {"service.name": named, **labels} if named else labels


def _unquoted(text: str) -> str:
    try:
        return str(orjson.loads(text))
    except orjson.JSONDecodeError:  # an escape of Go that JSON has not
        return text[1:-1]


def _of_json(given: Any) -> Any:
    """The message that Loki's JSON stands for."""
    push = Push()
    try:
        for stream in given["streams"]:
            labels = {str(name): str(value) for name, value in stream["stream"].items()}
            made = push.streams.add(labels=_label_text(labels))
            for at, line, *more in stream["values"]:
                seconds, nanos = divmod(int(at), 1_000_000_000)
                entry = made.entries.add(line=line)
                entry.timestamp.seconds, entry.timestamp.nanos = seconds, nanos
                for name, value in (more[0] if more else {}).items():
                    entry.metadata.add(name=name, value=_text(value))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refused(
            Reason.UNPARSABLE, f"The body is no push of streams and values: {error}"[:300]
        ) from error
    return push


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _label_text(labels: dict[str, str]) -> str:
    pairs = (f"{name}={orjson.dumps(value).decode()}" for name, value in labels.items())
    return "{" + ", ".join(pairs) + "}"


def _push_message() -> Any:
    """The class of Loki's PushRequest."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="quarterdeck/loki.proto", package="quarterdeck.loki", syntax="proto3"
    )
    shapes: dict[str, list[tuple[str, int, Any, bool]]] = {
        "Pair": [("name", 1, kinds.TYPE_STRING, False), ("value", 2, kinds.TYPE_STRING, False)],
        "Timestamp": [
            ("seconds", 1, kinds.TYPE_INT64, False),
            ("nanos", 2, kinds.TYPE_INT32, False),
        ],
        "Entry": [
            ("timestamp", 1, "Timestamp", False),
            ("line", 2, kinds.TYPE_STRING, False),
            ("metadata", 3, "Pair", True),
        ],
        "Stream": [("labels", 1, kinds.TYPE_STRING, False), ("entries", 2, "Entry", True)],
        "Push": [("streams", 1, "Stream", True)],
    }
    for name, fields in shapes.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            made = message.field.add(name=field, number=number, label=label)
            if isinstance(kind, str):
                made.type, made.type_name = kinds.TYPE_MESSAGE, f".{file.package}.{kind}"
            else:
                made.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.Push"))


Push = _push_message()
_Outline = shaped("loki", {1: {1: None, 2: None}})  # streams, their labels; entries as bytes
