"""Where the time of many requests goes: their spans added up by the path that leads to them.

Looked at are the spans that a search finds, the topmost of each trace, with all that lies below
them; or the whole traces that hold one. Of very many traces a sample is taken by the hash of
their ids: evenly over the range, and the same whenever the same is asked. The answer says how
many traces were looked at, and of how many.

Two sets can be added up side by side: the slowest twentieth against the rest, the failed against
the others, this range against the one before.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.flame_paths import FlameNode, Paths, Request
from quarterdeck.telemetry.query.span_tree import Seen, self_times, tree_of
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Asked, Window, run

Against = Literal["none", "slow", "failed", "before"]

MOST_TRACES = 4_000
MOST_SPANS = 100_000
_SLOW = 20  # one of so many
_MATCHES = 9


class FlameSet(BaseModel):
    """Which spans were added up."""

    traces: int = Field(description="Traces looked at.")
    of: int = Field(description="Traces that match, about.")
    requests: int = Field(description="Spans at the top: what the sums are of.")
    spans: int
    time_ns: int = Field(description="The time of the spans at the top together.")


class Flame(BaseModel):
    nodes: list[FlameNode] = Field(description="Parents before their children.")
    seen: FlameSet
    base: FlameSet | None
    slow_ns: int | None = Field(description="From which duration on a request is a slow one.")


def flame(
    engine: Engine,
    window: Window,
    wanted: Filter,
    *,
    whole: bool = False,
    against: Against = "none",
) -> Flame:
    share = 2 if against == "before" else 1
    requests, of = _requests(engine, window, wanted, whole, share)
    others: list[Request] = []
    of_others, slow_ns = of, None
    if against == "before":
        others, of_others = _requests(engine, window.previous, wanted, whole, share)
    elif against == "failed":
        requests, others = _split(requests, lambda r: r.failed)
    elif against == "slow":
        slow_ns = _slow(requests)
        requests, others = _split(requests, lambda r: r.duration >= (slow_ns or 0))
    paths = Paths()
    for request in requests:
        paths.add(request, 0)
    for request in others:
        paths.add(request, 1)
    compared = against != "none"
    return Flame(
        nodes=paths.nodes(compared=compared),
        seen=_told(requests, of),
        base=_told(others, of_others) if compared else None,
        slow_ns=slow_ns,
    )


def _told(requests: list[Request], of: int) -> FlameSet:
    traces = len({id(request.spans) for request in requests})
    return FlameSet(
        traces=traces,
        of=max(of, traces),
        requests=len(requests),
        spans=sum(len(request.below) for request in requests),
        time_ns=sum(request.duration for request in requests),
    )


def _split(
    requests: list[Request], chosen: Callable[[Request], bool]
) -> tuple[list[Request], list[Request]]:
    return [r for r in requests if chosen(r)], [r for r in requests if not chosen(r)]


def _slow(requests: list[Request]) -> int | None:
    """The duration that the slowest twentieth reaches; one request of a few is slow too."""
    slowest = sorted((r.duration for r in requests), reverse=True)
    return slowest[(len(slowest) - 1) // _SLOW] if slowest else None


def _requests(
    engine: Engine, window: Window, wanted: Filter, whole: bool, share: int
) -> tuple[list[Request], int]:
    ids, of = _sample(engine, window, wanted)
    chosen, parts = _bounded(engine, window, ids[: MOST_TRACES // share], MOST_SPANS // share)
    found: list[Request] = []
    for spans in _traces(engine, window, wanted, chosen, parts):
        tree = tree_of([Seen(s[1], s[2], s[3], s[3] + s[4], s[5]) for s in spans])
        selves = self_times(tree)
        inside = [-1] * len(spans)  # the request that a span belongs to
        for i in tree.order:
            above = tree.parents[i]
            if above >= 0 and inside[above] >= 0:
                inside[i] = inside[above]
                found[inside[i]].below.append(i)
            elif (whole and above < 0) or (not whole and spans[i][_MATCHES]):
                inside[i] = len(found)
                found.append(Request(i, [i], spans, tree, selves))
    return found, of


def _sample(engine: Engine, window: Window, wanted: Filter) -> tuple[list[str], int]:
    """Ids of traces that hold a match, in the order of their hash, and about how many do."""
    asked = wanted.conditions()
    sql = f"SELECT uniq(trace_id) FROM spans WHERE {window.where()}{asked.sql}"
    of = run(engine, "flame_count", sql, window, asked).rows[0][0]
    if of > MOST_TRACES * 2:  # keep no more ids in memory than are likely to be drawn
        share = int(2**64 * MOST_TRACES * 1.5 / of)
        asked.add(f"cityHash64(trace_id) < {asked.bind(share, 'UInt64')}")
    sql = f"""
        SELECT lower(hex(trace_id)) FROM spans WHERE {window.where()}{asked.sql}
        GROUP BY trace_id ORDER BY cityHash64(trace_id) LIMIT {MOST_TRACES}"""
    return [row[0] for row in run(engine, "flame_sample", sql, window, asked).rows], of


def _bounded(
    engine: Engine, window: Window, ids: list[str], most: int
) -> tuple[list[str], list[tuple[int, int]]]:
    """As many of the traces as hold so many spans, and the seconds in which these lie."""
    if not ids:
        return [], []
    asked = Asked()
    asked.add(_among(asked, ids))
    days = "day >= toDate(fromUnixTimestamp64Milli({from_ms:Int64})) - 1 AND day <= toDate(fromUnixTimestamp64Milli({to_ms:Int64})) + 1"
    sql = f"""
        SELECT lower(hex(trace_id)) AS id, sum(spans), toUnixTimestamp(min(first)), toUnixTimestamp(max(last)) + 1
        FROM trace_times WHERE project = {{project:UInt32}} AND {days}{asked.sql} GROUP BY trace_id"""
    times = {row[0]: row[1:] for row in run(engine, "flame_times", sql, window, asked).rows}
    chosen: list[str] = []
    for id in ids:
        spans = times.get(id, (0,))[0]
        if chosen and spans > most:
            break
        if spans:
            chosen.append(id)
            most -= spans
    # Joined where they meet, so that the primary key can skip what lies between.
    near = max(60, window.seconds // 100)
    parts: list[tuple[int, int]] = []
    for start, end in sorted((times[id][1], times[id][2]) for id in chosen):
        if parts and start <= parts[-1][1] + near:
            parts[-1] = (parts[-1][0], max(parts[-1][1], end))
        else:
            parts.append((start, end))
    return chosen, parts


def _traces(
    engine: Engine,
    window: Window,
    wanted: Filter,
    ids: list[str],
    parts: list[tuple[int, int]],
) -> Iterator[list[list[Any]]]:
    """The spans of each trace, with whether a span is what was looked for."""
    if not ids:
        return
    asked = wanted.conditions()
    among = _among(asked, ids)
    matches = f"({window.where()}{asked.sql}) AS matches"
    within = " OR ".join(
        f"(time >= fromUnixTimestamp64Nano({start * 10**9}) AND time < fromUnixTimestamp64Nano({end * 10**9}))"
        for start, end in parts
    )
    sql = f"""
        SELECT cityHash64(trace_id) AS trace, reinterpretAsUInt64(span_id) AS id, reinterpretAsUInt64(parent_span_id),
            toUnixTimestamp64Nano(time) AS at, greatest(duration_ns, 0), toString(kind) AS kind_name, status = 'error', service, name, {matches}
        FROM spans WHERE project = {{project:UInt32}} AND ({within}) AND {among}
        ORDER BY trace, at, id LIMIT 1 BY trace, id, at, duration_ns, service, name, kind LIMIT {MOST_SPANS * 2}"""
    rows = run(engine, "flame", sql, window, asked).rows
    for _, spans in groupby(rows, key=itemgetter(0)):
        yield list(spans)


def _among(asked: Asked, ids: list[str]) -> str:
    """Thousands of ids as one value: the engine would take longer to read them one by one."""
    given = asked.bind("".join(ids))
    return f"trace_id IN (SELECT toFixedString(unhex(substring({given}, 1 + 32 * number, 32)), 16) FROM numbers({len(ids)}))"
