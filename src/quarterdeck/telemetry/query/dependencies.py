"""What a service depends on and who depends on it: its neighbours on the map, with their course."""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.edge_course import CallCourse, courses
from quarterdeck.telemetry.query.edge_figures import (
    Compared,
    Kind,
    calls_between,
    end_of,
    node_id,
)
from quarterdeck.telemetry.query.window import MINUTE_MS, Window, grid_of

MOST = 50


class Dependency(Compared):
    """The calls between the service and one neighbour."""

    id: str = Field(description="The neighbour's node on the map.")
    kind: Kind
    system: str
    name: str
    course: CallCourse


class Dependencies(BaseModel):
    start_ms: int
    step_ms: int
    upstream: list[Dependency] = Field(description="Who calls the service, the busiest first.")
    downstream: list[Dependency] = Field(description="What the service calls, the busiest first.")


def dependencies(engine: Engine, window: Window, service: str) -> Dependencies:
    grid = grid_of(window, 40, MINUTE_MS)
    me = node_id("service", "", service)
    calls = calls_between(engine, window, service)
    lines = courses(engine, window, grid, service)
    found = Dependencies(start_ms=grid.start_ms, step_ms=grid.step_ms, upstream=[], downstream=[])
    for pair in calls.pairs:
        into = pair.target == me
        id = pair.source if into else pair.target
        side = found.upstream if into else found.downstream
        if len(side) == MOST:
            continue
        kind, system, name = end_of(id)
        side.append(
            Dependency(
                id=id,
                kind=kind,
                system=system,
                name=name,
                course=lines.get((pair.source, pair.target)) or CallCourse.empty(grid),
                figures=pair.figures,
                before=pair.before,
                health=pair.health,
            )
        )
    return found
