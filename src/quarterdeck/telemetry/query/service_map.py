"""The map of a range: who calls whom, how each is doing, and what became worse.

Calls come from the roll-up of calls (telemetry/edges.py), which lags two minutes behind. A
service's own figures are those of the other pages: everything it was asked for, whoever asked.
"""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.edge_figures import (
    CallFigures,
    Compared,
    Health,
    Kind,
    Pair,
    calls_between,
    compare,
    end_of,
    node_id,
)
from quarterdeck.telemetry.query.latency import latency
from quarterdeck.telemetry.query.window import Grid, Window, run

MOST_SERVICES = 500


class Node(BaseModel):
    id: str
    kind: Kind
    system: str = Field(description="Of a database or queue: the product, such as postgresql.")
    name: str = Field(
        description="Empty for the world outside, and for those too many to be named."
    )
    figures: CallFigures | None = Field(
        description="What it was asked for; null for the world outside."
    )
    before: CallFigures | None
    health: Health


class ServiceMap(BaseModel):
    nodes: list[Node]
    edges: list[Pair]


def service_map(engine: Engine, window: Window) -> ServiceMap:
    calls = calls_between(engine, window)
    known = {**calls.into, **_services(engine, window, calls.measured)}
    ends = {end for edge in calls.pairs for end in (edge.source, edge.target)}
    nodes = []
    for id in sorted(ends | known.keys()):
        kind, system, name = end_of(id)
        own = known.get(id)
        nodes.append(
            Node(
                id=id,
                kind=kind,
                system=system,
                name=name,
                figures=own.figures if own else None,
                before=own.before if own else None,
                health=own.health if own else "good",
            )
        )
    return ServiceMap(nodes=nodes, edges=calls.pairs)


def _services(engine: Engine, window: Window, measured: bool) -> dict[str, Compared]:
    """Every service by its own spans, under the id of its node."""
    now, before = _requests(engine, window), _requests(engine, window.previous)
    found = {}
    for name, (calls, figures) in now.items():
        earlier = before.get(name, (0, None))
        found[node_id("service", "", name)] = compare(
            figures, earlier[1] if measured else None, min(calls, earlier[0])
        )
    return found


def _requests(engine: Engine, window: Window) -> dict[str, tuple[int, CallFigures]]:
    sql = f"""
        SELECT service, sum(spans) AS count, sum(errors) FROM red_1m
        WHERE {window.where_rolled()} AND entry GROUP BY service ORDER BY count DESC LIMIT {MOST_SERVICES}"""
    rows = run(engine, "map_services", sql, window).rows
    quantiles = latency(engine, window, Grid(window.start_ms, window.end_ms - window.start_ms, 1))
    return {
        name: (
            count,
            CallFigures(
                rate=count / window.seconds,
                error_rate=errors / max(count, 1),
                p95_ms=quantiles.get((name, None), (None, None, None))[1],
            ),
        )
        for name, count, errors in rows
    }
