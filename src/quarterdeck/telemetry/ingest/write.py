"""From a batch of requests to rows: the envelope, the insert, and what the engine refused.

Each request's bytes go to the engine as they came, with the envelope's fields appended and
a length before them. What the engine's views refuse stands in `rejects` under the batch's
number and is read back before anybody is acknowledged.
"""

import itertools
import time
from collections.abc import Callable, Iterable

from quarterdeck.store.telemetry import EmbeddedEngine, Limits
from quarterdeck.telemetry.ingest.batcher import Pending
from quarterdeck.telemetry.ingest.otlp.probe import LARGE
from quarterdeck.telemetry.ingest.otlp.wire import varint

DAY_NS = 86_400_000_000_000
FUTURE_NS = 3_600_000_000_000  # clocks ahead by up to an hour are believed

Oldest = Callable[[int, str], int]
"""(project, signal) → days that are kept, so that what retention would drop is refused."""

_REJECTED = (
    "SELECT request, reason, sum(items), groupArrayArray(lines) FROM rejects"
    " WHERE batch = {batch:UInt64} GROUP BY request, reason"
)

# Unique over restarts, ordered by time, even: the odd number after it is of a second pass.
_batches = itertools.count(time.time_ns() & ~0xFFF, 2)


_BATCH, _REQUEST, _PROJECT, _RECEIVED, _OLDEST, _NEWEST, _LARGE = (
    varint(field << 3 | wire)
    for field, wire in zip(range(1000, 1007), (0, 0, 0, 1, 1, 1, 0), strict=True)
)


def next_batch() -> int:
    """The number of a new batch."""
    return next(_batches)


def bounds(pending: Pending, days: int) -> tuple[int, int]:
    """The oldest and the newest time, in nanoseconds, that is believed of what a request holds."""
    return max(0, pending.received_ns - days * DAY_NS), pending.received_ns + FUTURE_NS


def envelope(batch: int, position: int, pending: Pending, days: int) -> bytes:
    """The fields that are appended to a request."""
    oldest, newest = bounds(pending, days)
    return b"".join(
        (
            pending.request.resources,
            _BATCH + varint(batch),
            _REQUEST + varint(position),
            _PROJECT + varint(pending.project),
            _RECEIVED + pending.received_ns.to_bytes(8, "little"),
            _OLDEST + oldest.to_bytes(8, "little"),
            _NEWEST + newest.to_bytes(8, "little"),
            _LARGE + (b"\1" if len(pending.request.body) > LARGE else b"\0"),
        )
    )


def insert(
    engine: EmbeddedEngine,
    schema: str,
    batch: list[Pending],
    bodies: Iterable[tuple[int, bytes]],
    number: int,
    days: Callable[[int], int],
) -> dict[int, dict[str, int]]:
    """Insert requests, each given as position and bytes; what was refused, by position and reason."""
    pieces: dict[str, list[bytes]] = {}
    for position, body in bodies:
        pending = batch[position]
        tail = envelope(number, position, pending, days(pending.project))
        for table in pending.request.tables:
            pieces.setdefault(table, []).extend((varint(len(body) + len(tail)), body, tail))
    for table, parts in pieces.items():
        engine.insert(table, schema, b"".join(parts))
    answer = engine.query(
        "rejects_of_batch", _REJECTED, {"batch": number}, limits=Limits(threads=1), reserved=True
    )
    refused: dict[int, dict[str, int]] = {}
    for position, reason, items, lines in answer.rows:
        refused.setdefault(position, {})[reason] = items
        batch[position].lines[reason] = lines
    return refused
