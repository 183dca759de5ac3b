"""Sentry's envelope: a line of JSON, then items, each a line of JSON and a payload.

The grammar, from Sentry's documentation of it:

    Envelope = Headers { "\\n" Item } [ "\\n" ]
    Item     = Headers "\\n" Payload

A payload has the `length` that its header gives and is followed by a newline or the end; without
a length it goes on to the next newline or the end. Whatever ends early, or goes on where it
should have ended, makes the whole envelope malformed. Types are not judged here: what nobody
knows is an item like others. Payloads are views of the one buffer, and nothing is copied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.errors.sentry.values import load
from quarterdeck.errors.shapes import hexadecimal, name
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

LARGEST = 200 * 1_048_576  # bytes, decompressed; `max_body_mb` may ask for less
MOST_ITEMS = 1000
_LONGEST_HEADER = 65_536
_NEWLINE = 10


@dataclass(frozen=True, slots=True)
class Item:
    type: str
    headers: Mapping[str, Any]
    payload: memoryview


@dataclass(frozen=True, slots=True)
class Envelope:
    headers: Mapping[str, Any] = field(default_factory=dict)
    items: tuple[Item, ...] = ()

    @property
    def event_id(self) -> str:
        """32 hexadecimal digits, empty when the envelope has none; it wins over that of an item."""
        return hexadecimal(self.headers.get("event_id"), 32)

    @property
    def sent_at(self) -> Any:
        return self.headers.get("sent_at")

    @property
    def dsn(self) -> str:
        return name(self.headers.get("dsn"), 1000)


def parse(data: bytes) -> Envelope:
    """The envelope in a body, or Refused."""
    whole = memoryview(data)
    headers, position = _headers(data, 0, "envelope header")
    items: list[Item] = []
    while position < len(data):
        if data[position] == _NEWLINE:  # blank lines separate nothing from nothing
            position += 1
            continue
        if len(items) == MOST_ITEMS:
            raise Refused(
                Reason.TOO_MANY_ITEMS, f"An envelope may have {MOST_ITEMS} items, not more."
            )
        item, position = _headers(data, position, "item header")
        end = _end(data, position, item.get("length"))
        kind = item.get("type")
        if not isinstance(kind, str):
            raise _malformed("an item without a type")
        items.append(Item(kind, item, whole[position:end]))
        position = end + 1
    return Envelope(headers, tuple(items))


def _headers(data: bytes, begin: int, what: str) -> tuple[dict[str, Any], int]:
    """One line of JSON, and where what follows it begins."""
    end = data.find(b"\n", begin, begin + _LONGEST_HEADER)
    if end < 0:
        end = len(data)
        if end - begin > _LONGEST_HEADER:
            raise _malformed(f"the {what} is over {_LONGEST_HEADER // 1024} KiB")
    try:
        found = load(data[begin:end])
    except ValueError as error:
        raise _malformed(f"the {what} is no JSON") from error
    if not isinstance(found, dict):
        raise _malformed(f"the {what} is no object")
    return found, end + 1


def _end(data: bytes, begin: int, length: Any) -> int:
    """Where a payload ends that begins there."""
    if length is None:
        end = data.find(b"\n", begin)
        return end if end >= 0 else max(begin, len(data))
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise _malformed("a length is no number of bytes")
    end = begin + length
    if end > len(data) and length:  # a header at the very end may announce nothing at all
        raise _malformed("a payload ends too early")
    if end < len(data) and data[end] != _NEWLINE:
        raise _malformed("a payload goes on after its length")
    return end


def _malformed(why: str) -> Refused:
    return Refused(Reason.UNPARSABLE, f"invalid event envelope: {why}")
