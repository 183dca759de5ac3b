"""Lines of JSON on their way to the engine: cleaned, counted, and never looked into.

Blank lines are left out here, so that the engine numbers the lines as the sender's answer
counts them. A JSON document becomes lines too: NDJSON is the fast form, an array costs about
a microsecond an item.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Pending, Request
from quarterdeck.telemetry.ingest.otlp.json import MOST_NODES
from quarterdeck.telemetry.ingest.otlp.probe import MOST_ITEMS
from quarterdeck.telemetry.ingest.otlp.wire import text_field, varint
from quarterdeck.telemetry.ingest.outcome import Reason, Refused
from quarterdeck.telemetry.ingest.write import Oldest, insert, next_batch

LINES, STREAMS = "raw_log_lines", "raw_log_streams"
TABLES = (LINES, STREAMS)
"""Each has a batcher of its own: a batch that the engine refuses is tried again in parts, and what
another table had taken of it already would be there twice."""

LONGEST_S = 1.0
# Streams as Loki's clients have them (grafana/loki pkg/push/push.proto), their labels as our own.
SCHEMA = """\
syntax = "proto3";
message Pair { string name = 1; string value = 2; }
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Entry { Timestamp timestamp = 1; string line = 2; repeated Pair metadata = 3; }
message Stream { repeated Entry entries = 2; }
message Labels { repeated string names = 1; repeated string raws = 2; }
message Envelope { repeated Stream streams = 1; bytes body = 16; bool plain = 17; bool numbered = 18;
 uint64 batch = 1000; uint32 request = 1001; uint32 project = 1002; fixed64 received = 1003; fixed64 oldest = 1004;
 fixed64 newest = 1005; bool large = 1006; string service = 1011; string environment = 1012; string release = 1013;
 repeated Labels labels = 1020; }
"""
_BODY, _PLAIN, _NUMBERED, _SERVICE, _LABELS = 16, 17, 18, 1011, 1020
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a record has where its line does not say."""

    service: str = ""
    environment: str = ""
    release: str = ""

    def fields(self) -> bytes:
        texts = (self.service, self.environment, self.release)
        return b"".join(
            text_field(number, text.encode()) for number, text in enumerate(texts, _SERVICE) if text
        )


NONE = Defaults()


def of_lines(data: bytes, defaults: Defaults = NONE, *, plain: bool = False) -> Request:
    """Lines as they came; `plain` makes a record of every line that is no JSON object too."""
    if data.count(b"\n") >= MOST_ITEMS:
        raise _too_many()
    kept = list(filter(None, map(bytes.strip, data.removeprefix(_BOM).split(b"\n"))))
    return _request(kept, defaults, plain=plain)


def of_items(
    items: Iterable[bytes], defaults: Defaults = NONE, *, numbered: bool = False
) -> Request:
    """Lines that stand apart already, none of them blank; `numbered` asks which are refused."""
    return _request(list(items), defaults, numbered=numbered)


def _request(
    kept: list[bytes], defaults: Defaults, *, plain: bool = False, numbered: bool = False
) -> Request:
    if len(kept) > MOST_ITEMS:
        raise _too_many()
    flags = b"".join(
        varint(field << 3) + b"\1" for field, on in ((_PLAIN, plain), (_NUMBERED, numbered)) if on
    )
    body = text_field(_BODY, b"\n".join(kept))
    return Request(body, flags + defaults.fields(), len(kept), frozenset({LINES}))


def of_streams(
    data: bytes, labels: Iterable[Mapping[str, Any]], entries: int, defaults: Defaults = NONE
) -> Request:
    """Streams in Loki's protobuf, and what each is labelled with."""
    if entries > MOST_ITEMS:
        raise _too_many()
    given = b"".join(text_field(_LABELS, _labels(pairs)) for pairs in labels)
    return Request(data, given + defaults.fields(), entries, frozenset({STREAMS}))


def _labels(pairs: Mapping[str, Any]) -> bytes:
    names = b"".join(text_field(1, name.encode()) for name in pairs)
    return names + b"".join(text_field(2, orjson.dumps(value)) for value in pairs.values())


def _too_many() -> Refused:
    return Refused(
        Reason.TOO_MANY_ITEMS,
        f"The request has more than {MOST_ITEMS} lines; send them in several.",
    )


def document(data: bytes) -> Any:
    """A JSON document that may be unfolded without harm; Refused when it is none."""
    if data.count(b"{") + data.count(b"[") > MOST_NODES or data.count(b",") > 4 * MOST_NODES:
        raise Refused(
            Reason.TOO_MANY_ITEMS, "The JSON holds too many values; send less at once, or lines."
        )
    try:
        return orjson.loads(data.removeprefix(_BOM))
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Refused(Reason.UNPARSABLE, f"The body is not valid JSON: {error}"[:400]) from error


def of_json(data: bytes, defaults: Defaults = NONE) -> Request:
    """Lines of JSON, one array of objects, or one object, told apart by how they begin."""
    begin = data.removeprefix(_BOM).lstrip()
    if begin[:1] == b"[":
        return of_items(map(orjson.dumps, document(data)), defaults)
    if begin[:1] == b"{" and begin.find(b"\n") in range(200):  # perhaps one object on many lines
        try:
            return of_items([orjson.dumps(document(data))], defaults)
        except Refused:
            pass
    return of_lines(data, defaults)


def writer(
    engine: EmbeddedEngine, kept_days: Oldest
) -> Callable[[list[Pending]], dict[int, dict[str, int]]]:
    """The function that the batcher of lines calls with each batch."""

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        bodies = ((i, p.request.body) for i, p in enumerate(batch))
        return insert(engine, SCHEMA, batch, bodies, next_batch(), lambda of: kept_days(of, "logs"))

    return write
