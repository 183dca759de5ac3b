"""Count what a large request holds before it is parsed whole.

Twenty kilobytes of gzip can hold ten million empty spans or attributes, and a parsed message
takes a hundred times the room of an empty one. The probe parses the same bytes with messages
that leave parts as they are (16 bytes each): first the items, then what they hold.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from quarterdeck.telemetry.ingest.otlp.signals import Signal
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

LARGE = 262_144  # bytes; smaller requests cannot hold enough to hurt
MOST_ITEMS = 250_000
MOST_PARTS = 2_000_000  # attributes, events, links and exemplars of all items together

_Field = descriptor_pb2.FieldDescriptorProto
# A message's fields: number → the shape inside, None for bytes left as they are.
Shape = dict[int, "Shape | None"]
_EXEMPLAR: Shape = {7: None}
_ITEMS: dict[str, Shape] = {
    "traces": {9: None, 11: {3: None}, 13: {4: None}},
    "logs": {6: None},
}
_POINTS: dict[int, Shape] = {
    5: {7: None, 5: _EXEMPLAR},  # gauge
    7: {7: None, 5: _EXEMPLAR},  # sum
    9: {9: None, 8: _EXEMPLAR},  # histogram
    10: {1: None, 11: _EXEMPLAR},  # exponential histogram
    11: {7: None, 6: None},  # summary
}


def _request(item: Shape | None) -> Shape:
    return {1: {2: {2: item}}}


_ITEM_PROBES: dict[str, Shape] = {
    "traces": _request(None),
    "logs": _request(None),
    "metrics": _request({kind: {1: None} for kind in _POINTS}),
}
_PART_PROBES: dict[str, Shape] = {
    "traces": _request(_ITEMS["traces"]),
    "logs": _request(_ITEMS["logs"]),
    "metrics": _request({kind: {1: shape} for kind, shape in _POINTS.items()}),
}


def shaped(name: str, shape: Shape) -> Any:
    """A message class of the shape, every field repeated and named by its number."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"quarterdeck/probe/{name}.proto", package=f"quarterdeck.probe.{name}", syntax="proto3"
    )

    def add(path: str, fields: Shape) -> None:
        message = file.message_type.add(name=path)
        for number, inner in fields.items():
            field = message.field.add(name=f"f{number}", number=number, label=_Field.LABEL_REPEATED)
            field.type = _Field.TYPE_BYTES if inner is None else _Field.TYPE_MESSAGE
            if inner is not None:
                field.type_name = f".{file.package}.{path}_{number}"
                add(f"{path}_{number}", inner)

    add("M", shape)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.M"))


_ITEM_MESSAGES = {name: shaped(f"items_{name}", shape) for name, shape in _ITEM_PROBES.items()}
_PART_MESSAGES = {name: shaped(f"parts_{name}", shape) for name, shape in _PART_PROBES.items()}


def leaves(message: Any, shape: Shape) -> int:
    total = 0
    for number, inner in shape.items():
        values = getattr(message, f"f{number}")
        total += len(values)
        if inner is not None:
            total += sum(leaves(value, inner) for value in values)
    return total


def count_items(signal: Signal, data: bytes) -> None:
    """Refused when the request holds more items, or more in its items, than the limits."""
    steps = ((_ITEM_MESSAGES, _ITEM_PROBES, MOST_ITEMS), (_PART_MESSAGES, _PART_PROBES, MOST_PARTS))
    for messages, probes, most in steps:
        if leaves(messages[signal.name].FromString(data), probes[signal.name]) > most:
            raise Refused(
                Reason.TOO_MANY_ITEMS,
                f"The request holds more than {MOST_ITEMS} items or {MOST_PARTS} attributes; send them in several.",
            )
