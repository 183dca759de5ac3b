"""How a batch of remote write becomes durable: what is known at once, else series before points.

Guarantees. When `write` returns, every point that was not refused is durable, and so is the row of
its series, which was written before it: a kill between two parts leaves a series without points,
never the other way round. Written again, a point replaces itself.

Most samples are of series that have their row for the hour: the engine compares hashes and takes
nothing apart. Only what is left of a request goes the long way, after which its series are known.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from quarterdeck.core.errors import Unavailable
from quarterdeck.store.telemetry import EmbeddedEngine, Limits
from quarterdeck.telemetry.ingest import write as rows
from quarterdeck.telemetry.ingest.batcher import Pending, Write
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.prometheus.limit import ActiveSeries
from quarterdeck.telemetry.ingest.prometheus.messages import Version, Way
from quarterdeck.telemetry.tables import forget_known_series

Bodies = Iterable[tuple[int, bytes]]
"""Position in the batch, and the request's bytes."""
Places = dict[int, list[int]]
"""Position in the batch → places of series in the request, counted from 1."""
More = Callable[[int], bytes]
"""Position in the batch → fields to append."""

LONGEST_S = 1.0
MOST_KNOWN = 4_000_000  # series and hours that are remembered, at some 30 bytes

_PHASE = varint(1010 << 3)
_KNOWN, _SERIES, _POINTS = (_PHASE + varint(phase) for phase in range(3))
_ROOM = varint(1011 << 3)
_OUTCOMES = (
    "SELECT request, reason, kind, sum(items), groupArrayArray(places) FROM prom_outcomes"
    " WHERE batch = {batch:UInt64} GROUP BY request, reason, kind"
)
_REST = "rest"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What the engine has told of a batch: items by position, and the series still to be written."""

    items: Counter[int]
    rest: Places


def writer(
    engine: EmbeddedEngine, version: Version, kept_days: rows.Oldest, active: ActiveSeries
) -> Write:
    """The function that the version's batcher calls with each batch."""

    def insert(way: Way, batch: list[Pending], bodies: Bodies, number: int, more: More) -> None:
        parts: list[bytes] = []
        for position, body in bodies:
            pending = batch[position]
            days = kept_days(pending.project, "metrics")
            tail = rows.envelope(number, position, pending, days) + more(position)
            parts += (varint(len(body) + len(tail)), body, tail)
        engine.insert(way.table, way.schema, b"".join(parts))

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        for pending in batch:
            pending.counted = {}
        refused: dict[int, dict[str, int]] = {}
        number = rows.next_batch()
        bodies = [(i, pending.request.body) for i, pending in enumerate(batch)]
        insert(version.known, batch, bodies, number, lambda _: _KNOWN)
        told = _settle(engine, batch, number, refused)
        if any(told.items[i] != pending.request.items for i, pending in enumerate(batch)):
            raise _lost()
        if told.rest:
            write_rest(batch, told.rest, refused)
        return refused

    def write_rest(batch: list[Pending], rest: Places, refused: dict[int, dict[str, int]]) -> None:
        number = rows.next_batch()
        bodies = [(i, version.only(batch[i].request.body, at)) for i, at in rest.items()]
        asked = Counter[int]()
        for position, places in rest.items():
            asked[batch[position].project] += len(places)
        with active.admitting(active.crowded(asked)) as room:
            rooms = _shared(batch, rest, room)
            insert(version.full, batch, bodies, number, lambda i: _SERIES + _limited(rooms.get(i)))
            closed = dict.fromkeys(rooms, 0)  # who was not let in by now stays outside
            insert(version.full, batch, bodies, number, lambda i: _POINTS + _limited(closed.get(i)))
        if _settle(engine, batch, number, refused).items.keys() != rest.keys():
            raise _lost()
        _forget_when_full(engine)

    return write


def _shared(batch: list[Pending], rest: Places, room: dict[int, int]) -> dict[int, int]:
    """The room of each request in a project that is nearly full: first come, first served."""
    left, rooms = dict(room), {}
    for position, places in rest.items():
        project = batch[position].project
        if project in left:
            rooms[position] = left[project]
            left[project] = max(0, left[project] - len(places))
    return rooms


def _limited(room: int | None) -> bytes:
    """The field that says how many of the request's series may be new; absent where all may."""
    return b"" if room is None else _ROOM + varint(room + 1)


def _settle(
    engine: EmbeddedEngine, batch: list[Pending], number: int, refused: dict[int, dict[str, int]]
) -> Outcomes:
    """Note what was kept and refused, by position; what the engine has told altogether."""
    answer = engine.query(
        "outcomes_of_batch", _OUTCOMES, {"batch": number}, limits=Limits(threads=1), reserved=True
    )
    told = Outcomes(Counter(), {})
    for position, reason, kind, items, places in answer.rows:
        told.items[position] += items
        if reason == _REST:
            told.rest[position] = sorted(places)
            continue
        counts = refused.setdefault(position, {}) if reason else batch[position].counted
        if counts is not None and items:
            key = reason or kind
            counts[key] = counts.get(key, 0) + items
    return told


def _lost() -> Unavailable:
    """Not all of a batch's outcomes were there to be read: nobody may be told that it was kept."""
    return Unavailable(
        "remote_write_outcome", "What became of a batch could not be read.", "Send it again."
    )


def _forget_when_full(engine: EmbeddedEngine) -> None:
    sql = "SELECT total_rows FROM system.tables WHERE database = 'default' AND name = 'prom_known'"
    answer = engine.query("known_series", sql, limits=Limits(threads=1), reserved=True)
    if answer.rows[0][0] > MOST_KNOWN:
        forget_known_series(engine)
