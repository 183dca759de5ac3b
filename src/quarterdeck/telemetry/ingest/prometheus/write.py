"""How a batch of remote write becomes durable: what is known at once, else series before points.

Guarantees. When `write` returns, every point that was not refused is durable, and so is the row of
its series, which was written before it: a kill between two parts leaves a series without points,
never the other way round. Written again, a point replaces itself.

Most samples are of series that have their row for the hour: the engine compares hashes and takes
nothing apart. Only what is left of a request goes the long way, after which its series are known.
"""

from collections.abc import Iterable

from quarterdeck.store.telemetry import EmbeddedEngine, Limits
from quarterdeck.telemetry.ingest import write as rows
from quarterdeck.telemetry.ingest.batcher import Pending, Write
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.prometheus.messages import Version, Way
from quarterdeck.telemetry.tables import forget_known_series

LONGEST_S = 1.0
MOST_KNOWN = 4_000_000  # series and hours that are remembered, at some 30 bytes

_PHASE = varint(1010 << 3)
_KNOWN, _SERIES, _POINTS = (_PHASE + varint(phase) for phase in range(3))
_OUTCOMES = (
    "SELECT request, reason, kind, sum(items), groupArrayArray(places) FROM prom_outcomes"
    " WHERE batch = {batch:UInt64} GROUP BY request, reason, kind"
)
_REST = "rest"


def writer(engine: EmbeddedEngine, version: Version, kept_days: rows.Oldest) -> Write:
    """The function that the version's batcher calls with each batch."""

    def insert(
        way: Way,
        batch: list[Pending],
        bodies: Iterable[tuple[int, bytes]],
        number: int,
        phase: bytes,
    ) -> None:
        parts: list[bytes] = []
        for position, body in bodies:
            pending = batch[position]
            tail = rows.envelope(number, position, pending, kept_days(pending.project, "metrics"))
            parts += (varint(len(body) + len(tail) + len(phase)), body, tail, phase)
        engine.insert(way.table, way.schema, b"".join(parts))

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        for pending in batch:
            pending.counted = {}
        refused: dict[int, dict[str, int]] = {}
        number = rows.next_batch()
        bodies = [(i, pending.request.body) for i, pending in enumerate(batch)]
        insert(version.known, batch, bodies, number, _KNOWN)
        rest = _settle(engine, batch, number, refused)
        if rest:
            number = rows.next_batch()
            bodies = [(i, version.only(batch[i].request.body, at)) for i, at in rest.items()]
            insert(version.full, batch, bodies, number, _SERIES)
            insert(version.full, batch, bodies, number, _POINTS)
            _settle(engine, batch, number, refused)
            _forget_when_full(engine)
        return refused

    return write


def _settle(
    engine: EmbeddedEngine, batch: list[Pending], number: int, refused: dict[int, dict[str, int]]
) -> dict[int, list[int]]:
    """Note what was kept and refused, by position; the places of series that are still to be written."""
    answer = engine.query(
        "outcomes_of_batch", _OUTCOMES, {"batch": number}, limits=Limits(threads=1), reserved=True
    )
    rest: dict[int, list[int]] = {}
    for position, reason, kind, items, places in answer.rows:
        if reason == _REST:
            rest[position] = sorted(places)
            continue
        counts = refused.setdefault(position, {}) if reason else batch[position].counted
        if counts is not None and items:
            key = reason or kind
            counts[key] = counts.get(key, 0) + items
    return rest


def _forget_when_full(engine: EmbeddedEngine) -> None:
    sql = "SELECT total_rows FROM system.tables WHERE database = 'default' AND name = 'prom_known'"
    answer = engine.query("known_series", sql, limits=Limits(threads=1), reserved=True)
    if answer.rows[0][0] > MOST_KNOWN:
        forget_known_series(engine)
