"""From a batch of requests to rows: the envelope, the insert, and what the engine refused.

Each request's bytes go to the engine as they came, with the envelope's fields appended and
a length before them. What the engine's views refuse stands in `rejects` under the batch's
number and is read back before anybody is acknowledged. Items whose attributes nest come
back as `complex`; they are rewritten (complex.py) and inserted again as the next number.
"""

import itertools
import time
from collections.abc import Callable

from quarterdeck.store.telemetry import EmbeddedEngine, EngineError, Limits
from quarterdeck.telemetry.ingest.batcher import Pending
from quarterdeck.telemetry.ingest.otlp import complex
from quarterdeck.telemetry.ingest.otlp.probe import LARGE
from quarterdeck.telemetry.ingest.otlp.signals import Signal
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.outcome import Reason

DAY_NS = 86_400_000_000_000
FUTURE_NS = 3_600_000_000_000  # clocks ahead by up to an hour are believed
COMPLEX = "complex"
TOO_LARGE = Reason.VALUE_TOO_LARGE.value

Oldest = Callable[[int, str], int]
"""(project, signal) → days that are kept, so that what retention would drop is refused."""

_REJECTED = "SELECT request, reason, sum(items) FROM rejects WHERE batch = {batch:UInt64} GROUP BY request, reason"

# Unique over restarts, ordered by time, even: the odd number after it is of its second pass.
_batches = itertools.count(time.time_ns() & ~0xFFF, 2)


_BATCH, _REQUEST, _PROJECT, _RECEIVED, _OLDEST, _NEWEST, _LARGE = (
    varint(field << 3 | wire)
    for field, wire in zip(range(1000, 1007), (0, 0, 0, 1, 1, 1, 0), strict=True)
)


def envelope(batch: int, position: int, pending: Pending, days: int) -> bytes:
    """The fields that are appended to a request."""
    oldest = max(0, pending.received_ns - days * DAY_NS)
    newest = pending.received_ns + FUTURE_NS
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


def canonical(signal: Signal, body: bytes) -> bytes:
    """The request as a protobuf library writes it: each field once, the last value of a oneof."""
    return signal.request.FromString(body).SerializeToString()


def writer(
    engine: EmbeddedEngine, signal: Signal, kept_days: Oldest
) -> Callable[[list[Pending]], dict[int, dict[str, int]]]:
    """The function that the signal's batcher calls with each batch."""

    def insert(
        batch: list[Pending], bodies: list[tuple[int, bytes]], number: int
    ) -> dict[int, dict[str, int]]:
        pieces: dict[str, list[bytes]] = {}
        for position, body in bodies:
            pending = batch[position]
            tail = envelope(number, position, pending, kept_days(pending.project, signal.name))
            for table in pending.request.tables:
                pieces.setdefault(table, []).extend((varint(len(body) + len(tail)), body, tail))
        for table, parts in pieces.items():
            engine.insert(table, signal.schema, b"".join(parts))
        refused: dict[int, dict[str, int]] = {}
        answer = engine.query(
            "rejects_of_batch",
            _REJECTED,
            {"batch": number},
            limits=Limits(threads=1),
            reserved=True,
        )
        for position, reason, items in answer.rows:
            refused.setdefault(position, {})[reason] = items
        return refused

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        number = next(_batches)
        try:
            refused = insert(batch, [(i, p.request.body) for i, p in enumerate(batch)], number)
        except EngineError as error:
            if len(batch) > 1 or not error.bad_data:
                raise
            # The engine is stricter than protobuf, where of a oneof given twice the last counts.
            refused = insert(batch, [(0, canonical(signal, batch[0].request.body))], number)
        again = [i for i, reasons in refused.items() if reasons.pop(COMPLEX, 0)]
        if again:
            bodies = [(i, complex.flatten(signal, batch[i].request.body)) for i in again]
            for i, reasons in insert(batch, bodies, number + 1).items():
                # Every other reason was found by the first pass already: it stands before `complex`.
                if large := reasons.get(TOO_LARGE):
                    refused[i][TOO_LARGE] = refused[i].get(TOO_LARGE, 0) + large
        return {i: reasons for i, reasons in refused.items() if reasons}

    return write
