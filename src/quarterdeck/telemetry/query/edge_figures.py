"""What the map and its lists have in common: ends of a call, figures of a pair, and its health.

A node is told by one text: `service:NAME`, `database:SYSTEM:NAME`, `queue:SYSTEM:NAME`,
`external:NAME` or `outside`. A database, queue or third party without a name stands for all that
are too many to be named.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.edges import counted_ms
from quarterdeck.telemetry.query.latency import milliseconds
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Window, run

Kind = Literal["service", "database", "queue", "external", "outside"]
Health = Literal["good", "worse", "failing"]

MOST_PAIRS = 2_000
MOST_NAMES = 40  # of a kind that is not a service
FAILING = 0.05
WORSE = 0.01
_SLOWER = 1.5
_NOTICED_MS = 5.0
_ENOUGH = 20  # calls in each period, before a change is called one

End = tuple[Kind, str, str]
"""Kind, system and name."""


class CallFigures(BaseModel):
    rate: float = Field(description="Calls a second.")
    error_rate: float = Field(description="Share that failed, 0 to 1.")
    p95_ms: float | None


class Compared(BaseModel):
    """CallFigures, those of the period before, and what to make of them."""

    figures: CallFigures
    before: CallFigures | None = Field(
        description="The period before; null when nothing is known of it."
    )
    health: Health


class Pair(Compared):
    """The calls from one node to another."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Calls:
    """Who calls whom, the busiest first, and what each node was asked for, whoever asked."""

    pairs: list[Pair]
    into: dict[str, Compared]
    measured: bool  # the period before was seen from its start


def node_id(kind: Kind, system: str, name: str) -> str:
    if kind == "outside":
        return kind
    return f"{kind}:{name}" if kind in ("service", "external") else f"{kind}:{system}:{name}"


def end_of(node: str) -> End:
    """The kind, system and name of a node."""
    kind, _, rest = node.partition(":")
    system, parted, name = rest.partition(":")
    match kind:
        case "outside" if not rest:
            return kind, "", ""
        case "service" | "external":
            return kind, "", rest
        case "database" | "queue" if parted:
            return kind, system, name
    raise BadInput(
        "node_invalid",
        "This is not the id of a node of the map.",
        "Send an id from /api/map, such as service:NAME.",
    )


def newest(window: Window) -> str:
    """SQL: the rows of the newest version of each minute, which holds for every environment."""
    everywhere = Window(window.project, window.start_ms, window.end_ms)
    return f"""(
        SELECT * FROM edges_1m WHERE {window.where_rolled()} AND (minute, version) IN (
            SELECT minute, max(version) FROM edges_1m WHERE {everywhere.where_rolled()} GROUP BY minute)
    )"""


def counted(engine: Engine, window: Window) -> float:
    """Seconds of the window that have been counted: the job lags behind by two minutes or so."""
    until = counted_ms(engine)
    end = min(window.end_ms, until // MINUTE_MS * MINUTE_MS + MINUTE_MS) if until else window.end_ms
    return max(end - window.start_ms, MINUTE_MS) / 1000


def calls_between(engine: Engine, window: Window, service: str = "") -> Calls:
    """The calls of the window, all of them or those of one service, beside the period before."""
    asked = Asked()
    if service:
        name = asked.bind(service)
        asked.add(
            f"(source_kind = 'service' AND source = {name}) OR (target_kind = 'service' AND target = {name})"
        )
    both = Window(window.project, window.previous.start_ms, window.end_ms, window.environment)
    rows = f"""(
        SELECT *, minute >= toStartOfMinute(fromUnixTimestamp64Milli({asked.bind(window.start_ms, "Int64")})) AS current,
            if(target_kind = 'service', (source_kind, system, source), (target_kind, system, target)) AS far
        FROM {newest(both)} WHERE 1{asked.sql})"""
    named = f"""(far.1 IN ('service', 'outside') OR far IN (
            SELECT far FROM {rows} WHERE current AND far.1 NOT IN ('service', 'outside')
            GROUP BY far ORDER BY sum(calls) DESC LIMIT {MOST_NAMES} BY far.1))"""
    sql = f"""
        SELECT toString(source_kind) AS from_kind, if(source_kind IN ('service', 'outside') OR {named}, source, '') AS from_name,
            toString(target_kind) AS to_kind, if(target_kind = 'service' OR {named}, target, '') AS to_name,
            system, grouping(from_kind) AS whoever,
            sumIf(calls, current) AS now, sumIf(errors, current), quantileExactWeightedIf(0.95)(bucket, calls, current),
            sumIf(calls, NOT current), sumIf(errors, NOT current), quantileExactWeightedIf(0.95)(bucket, calls, NOT current)
        FROM {rows}
        GROUP BY GROUPING SETS ((from_kind, from_name, to_kind, to_name, system), (to_kind, to_name, system))
        HAVING now > 0 ORDER BY now DESC, from_kind, from_name, to_kind, to_name, system LIMIT {MOST_PAIRS}"""
    seconds, measured = counted(engine, window), _measured(engine, window.previous)
    found = Calls([], {}, measured)
    for from_kind, source, to_kind, target, system, whoever, *counts in run(
        engine, "edges_pairs", sql, both, asked
    ).rows:
        now, before = _figures(counts[:3], seconds), _figures(counts[3:], window.seconds)
        compared = compare(now, before if measured else None, min(counts[0], counts[3]))
        to = node_id(to_kind, system, target)
        if whoever:
            found.into[to] = compared
        else:
            from_ = node_id(from_kind, system, source)
            found.pairs.append(Pair(source=from_, target=to, **dict(compared)))
    return found


def _measured(engine: Engine, before: Window) -> bool:
    """Half an hour is no measure for an hour: calls must have been seen from its start on."""
    sql = f"SELECT toUnixTimestamp(min(minute)) * 1000, count() FROM edges_1m WHERE {before.where_rolled()}"
    first_ms, rows = run(engine, "edges_first", sql, before).rows[0]
    late = first_ms - before.start_ms
    return bool(rows and late <= before.seconds * 100 + MINUTE_MS)


def _figures(counts: list[Any], seconds: float) -> CallFigures:
    calls, errors, bucket = counts
    return CallFigures(
        rate=calls / seconds,
        error_rate=errors / max(calls, 1),
        p95_ms=milliseconds(bucket) if calls else None,
    )


def compare(now: CallFigures, before: CallFigures | None, calls: int) -> Compared:
    """`calls` in the lesser of the two periods: a change between few is none."""
    return Compared(
        figures=now, before=before, health=_health(now, before if calls >= _ENOUGH else None)
    )


def _health(now: CallFigures, before: CallFigures | None) -> Health:
    """Failing by its errors alone; worse also where it fails more or waits longer than before."""
    if now.error_rate >= FAILING:
        return "failing"
    if now.error_rate >= WORSE:
        return "worse"
    if before is None or now.p95_ms is None or before.p95_ms is None:
        return "good"
    slower = now.p95_ms >= before.p95_ms * _SLOWER and now.p95_ms >= before.p95_ms + _NOTICED_MS
    return "worse" if slower else "good"
