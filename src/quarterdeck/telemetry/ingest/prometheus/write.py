"""How a batch of remote write becomes durable: series first, then their points.

Guarantees. When `write` returns, every point that was not refused is durable, and so is the row of
its series, which was written before it: a kill between two parts leaves a series without points,
never the other way round. Written again, a point replaces itself.
"""

from collections.abc import Iterable

from quarterdeck.store.telemetry import EmbeddedEngine, Limits
from quarterdeck.telemetry.ingest import write as rows
from quarterdeck.telemetry.ingest.batcher import Pending, Write
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.prometheus.messages import Version

LONGEST_S = 1.0

_PHASE = varint(1010 << 3)
_SERIES, _POINTS = _PHASE + b"\1", _PHASE + b"\2"
_OUTCOMES = (
    "SELECT request, reason, kind, sum(items) FROM prom_outcomes"
    " WHERE batch = {batch:UInt64} GROUP BY request, reason, kind"
)


def writer(engine: EmbeddedEngine, version: Version, kept_days: rows.Oldest) -> Write:
    """The function that the version's batcher calls with each batch."""

    def insert(batch: list[Pending], positions: Iterable[int], number: int, phase: bytes) -> None:
        parts: list[bytes] = []
        for position in positions:
            pending = batch[position]
            days = kept_days(pending.project, "metrics")
            body, tail = pending.request.body, rows.envelope(number, position, pending, days)
            parts += (varint(len(body) + len(tail) + len(phase)), body, tail, phase)
        engine.insert(version.table, version.schema, b"".join(parts))

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        number = rows.next_batch()
        everything = range(len(batch))
        insert(batch, everything, number, _SERIES)
        insert(batch, everything, number, _POINTS)
        return _outcomes(engine, batch, number)

    return write


def _outcomes(
    engine: EmbeddedEngine, batch: list[Pending], number: int
) -> dict[int, dict[str, int]]:
    """What was refused, by position and reason; what was kept is noted with each request."""
    answer = engine.query(
        "outcomes_of_batch", _OUTCOMES, {"batch": number}, limits=Limits(threads=1), reserved=True
    )
    refused: dict[int, dict[str, int]] = {}
    for pending in batch:
        pending.counted = {}
    for position, reason, kind, items in answer.rows:
        if reason:
            reasons = refused.setdefault(position, {})
            reasons[reason] = reasons.get(reason, 0) + items
        else:
            counted = batch[position].counted or {}
            batch[position].counted = {**counted, kind: items}
    return refused
