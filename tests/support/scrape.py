"""What a scrape made, as anyone who speaks remote write reads it."""

import struct
from collections.abc import Mapping
from typing import Any

from quarterdeck.telemetry.scrape.series import Limits, Naming
from quarterdeck.telemetry.scrape.spec import Protocol
from quarterdeck.telemetry.scrape.turn import Course, Reading, Turn
from support.remote_write import V1

AT = 1_795_000_000_000
STALE_BITS = 0x7FF0000000000002
TEXT: Protocol = "PrometheusText0.0.4"
OPEN: Protocol = "OpenMetricsText1.0.0"
PROTO: Protocol = "PrometheusProto"


def course(labels: Mapping[str, str] | None = None, **reading: Any) -> Course:
    naming = {name: reading.pop(name) for name in ("honor_labels", "relabel") if name in reading}
    limits = Limits(**reading.pop("limits", {}))
    return Course(Reading(Naming(dict(labels or {}), limits=limits, **naming), **reading))


def messages(turn: Turn) -> list[Any]:
    return [V1["WriteRequest"].FromString(request) for request in turn.requests()]


def series(turn: Turn) -> list[Any]:
    return [each for message in messages(turn) for each in message.timeseries]


def key(labels: Any) -> str:
    """`name{a="1"}` of labels in a message, which must stand in their order."""
    pairs = [(label.name, label.value) for label in labels]
    assert pairs == sorted(pairs)
    rest = ",".join(f'{name}="{value}"' for name, value in pairs if name != "__name__")
    name = dict(pairs).get("__name__", "")
    return f"{name}{{{rest}}}" if rest else name


def bits_of(value: float) -> int:
    return int.from_bytes(struct.pack("<d", value), "little")


def samples(turn: Turn) -> dict[str, float | str]:
    """Series → value; `stale` for its end. Own times are told behind an @."""
    found: dict[str, float | str] = {}
    for each in series(turn):
        for sample in each.samples:
            name = key(each.labels) + (f"@{sample.timestamp}" if sample.timestamp != AT else "")
            assert name not in found
            found[name] = "stale" if bits_of(sample.value) == STALE_BITS else sample.value
    return found
