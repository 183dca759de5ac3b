"""How a batch of remote write becomes durable: what is known at once, else series before points.

Guarantees. When `write` returns, every point that was not refused is durable, and so is the row of
its series, which was written before it: a kill between two parts leaves a series without points,
never the other way round. Written again, a point replaces itself.

Most samples are of series that have their row for the hour: hashes are compared and nothing is taken
apart, for 1.0 here, whose samples go to their table as columns, for 2.0 by the engine. Only what is
left of a request goes the long way, after which its series are known.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from quarterdeck.core.errors import Unavailable
from quarterdeck.store.telemetry import EmbeddedEngine, Limits, columns
from quarterdeck.telemetry.ingest import write as rows
from quarterdeck.telemetry.ingest.batcher import Pending, Write
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.prometheus.limit import ActiveSeries
from quarterdeck.telemetry.ingest.prometheus.messages import V1, Version, Way
from quarterdeck.telemetry.ingest.prometheus.samples import Ends, ends_of, samples_of
from quarterdeck.telemetry.known import forget_known_series, known_keys, known_series

Bodies = Iterable[tuple[int, bytes]]
"""Position in the batch, and the request's bytes."""
Places = dict[int, list[int]]
"""Position in the batch → places of series in the request, counted from 1."""
More = Callable[[int], bytes]
"""Position in the batch → fields to append."""

LONGEST_S = 1.0
MOST_KNOWN = 3_000_000  # series and hours that are remembered

_PHASE = varint(1010 << 3)
_KNOWN, _SERIES, _POINTS = (_PHASE + varint(phase) for phase in range(3))
_ROOM = varint(1011 << 3)
_OUTCOMES = (
    "SELECT request, reason, kind, sum(items), groupArrayArray(places), groupArrayArray(known)"
    " FROM prom_outcomes WHERE batch = {batch:UInt64} GROUP BY request, reason, kind"
)
_REST = "rest"


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of a batch: items by position, series still to be written, and those known now."""

    items: Counter[int]
    rest: Places
    known: list[tuple[int, int]]  # key and place


def writer(
    engine: EmbeddedEngine, version: Version, kept_days: rows.Oldest, active: ActiveSeries
) -> Write:
    """The function that the version's batcher calls with each batch."""
    known = known_series(engine)

    def days_of(pending: Pending) -> int:
        return kept_days(pending.project, "metrics")

    def insert(way: Way, batch: list[Pending], bodies: Bodies, number: int, more: More) -> None:
        parts: list[bytes] = []
        for position, body in bodies:
            pending = batch[position]
            tail = rows.envelope(number, position, pending, days_of(pending)) + more(position)
            parts += (varint(len(body) + len(tail)), body, tail)
        engine.insert(way.table, way.schema, b"".join(parts))

    def write(batch: list[Pending]) -> dict[int, dict[str, int]]:
        for pending in batch:
            pending.counted = {}
        refused: dict[int, dict[str, int]] = {}
        write_known = write_known_1 if version is V1 else write_known_2
        told = write_known(batch, refused)
        if any(told.items[i] != pending.request.items for i, pending in enumerate(batch)):
            raise _lost()
        if told.rest:
            write_rest(batch, told.rest, refused)
        return refused

    def write_known_1(batch: list[Pending], refused: dict[int, dict[str, int]]) -> Outcomes:
        told = Outcomes(Counter(), {}, [])
        ends: dict[int, Ends] = {}
        metadata: list[tuple[int, bytes]] = []
        for position, pending in enumerate(batch):
            message = version.outline.FromString(pending.request.body)
            if message.f1:
                ends[position] = ends_of(list(message.f1))
            if message.f3:
                message.ClearField("f1")
                metadata.append((position, message.SerializeToString()))
        if ends:
            write_ends({position: batch[position] for position in ends}, list(ends.values()), told)
        if metadata:
            number = rows.next_batch()
            insert(version.known, batch, metadata, number, lambda _: _KNOWN)
            told.items.update(_settle(engine, batch, number, refused).items)
        return told

    def write_ends(batch: dict[int, Pending], ends: list[Ends], told: Outcomes) -> None:
        """Write the samples of known series; the others are told as the rest."""
        sizes = [len(one.hashes) for one in ends]
        bounds = [rows.bounds(pending, days_of(pending)) for pending in batch.values()]
        oldest, newest = np.repeat(np.array(bounds, np.int64) // 1_000_000, sizes, axis=0).T
        projects = np.array([pending.project for pending in batch.values()], np.uint32)
        samples = samples_of(ends, np.repeat(projects, sizes))
        is_known = samples.simple & (oldest <= samples.times) & (samples.times <= newest)
        places = known.find(known_keys(samples.hashes, samples.times))
        is_known &= places != 0
        if is_known.any():
            columns.insert(engine, "prom_samples", samples.only(is_known, places))
        end = 0
        for (position, pending), size in zip(batch.items(), sizes, strict=True):
            of_request = is_known[end : (end := end + size)]
            told.items[position] += size
            if count := int(of_request.sum()):
                pending.counted = {"sample": count}
            if rest := (np.flatnonzero(~of_request) + 1).tolist():
                told.rest[position] = rest

    def write_known_2(batch: list[Pending], refused: dict[int, dict[str, int]]) -> Outcomes:
        number = rows.next_batch()
        bodies = ((i, pending.request.body) for i, pending in enumerate(batch))
        insert(version.known, batch, bodies, number, lambda _: _KNOWN)
        return _settle(engine, batch, number, refused)

    def write_rest(batch: list[Pending], rest: Places, refused: dict[int, dict[str, int]]) -> None:
        number, forgotten = rows.next_batch(), known.forgotten
        bodies = [(i, version.only(batch[i].request.body, at)) for i, at in rest.items()]
        asked = Counter[int]()
        for position, places in rest.items():
            asked[batch[position].project] += len(places)
        with active.admitting(active.crowded(asked)) as room:
            rooms = _shared(batch, rest, room)
            insert(version.full, batch, bodies, number, lambda i: _SERIES + _limited(rooms.get(i)))
            known.changed()
            closed = dict.fromkeys(rooms, 0)  # who was not let in by now stays outside
            insert(version.full, batch, bodies, number, lambda i: _POINTS + _limited(closed.get(i)))
        told = _settle(engine, batch, number, refused)
        if told.items.keys() != rest.keys():
            raise _lost()
        keys = np.array([key for key, _ in told.known], np.uint64)
        known.add(keys, np.array([place for _, place in told.known], np.uint32), forgotten)
        if len(known) > MOST_KNOWN:
            forget_known_series(engine)

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
    told = Outcomes(Counter(), {}, [])
    for position, reason, kind, items, places, known in answer.rows:
        told.items[position] += items
        told.known.extend(known)
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
