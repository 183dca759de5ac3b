"""How often groups of errors happened in a range, to how many people, and when."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import Grid, Window, grid_of, run

MOST_GROUPS = 10_000
_POINTS = 40
_ROLLED_MS = 24 * 3_600_000  # longer ranges are read by the hour
_HOUR_MS = 3_600_000


@dataclass(slots=True)
class Counts:
    """Of one group or of several together; `users` of several may count one person twice."""

    events: int = 0
    users: int = 0
    first_ms: int = 0
    last_ms: int = 0
    course: dict[int, int] = field(default_factory=dict)  # events by the place of a step

    def add(self, other: "Counts") -> None:
        self.first_ms = min(filter(None, (self.first_ms, other.first_ms)), default=0)
        self.last_ms = max(self.last_ms, other.last_ms)
        self.events += other.events
        self.users += other.users
        for place, events in other.course.items():
            self.course[place] = self.course.get(place, 0) + events


def course_of(window: Window) -> Grid:
    """The steps of a course."""
    rolled = window.end_ms - window.start_ms > _ROLLED_MS
    return grid_of(window, _POINTS, _HOUR_MS if rolled else 1000)


def by_group(engine: Engine, window: Window) -> dict[int, Counts]:
    """The groups that happened most."""
    grid = course_of(window)
    if window.end_ms - window.start_ms > _ROLLED_MS:
        place = grid.index("hour")
        sql = f"""
            SELECT group_id, sum(count), uniqCombinedMerge(14)(people), toUnixTimestamp64Milli(min(first)), toUnixTimestamp64Milli(max(last)),
                sumMap([place], [count]) AS course
            FROM (
                SELECT group_id, {place} AS place, sum(events) AS count, uniqCombinedMergeState(14)(users) AS people,
                    min(first_seen) AS first, max(last_seen) AS last
                FROM error_groups_1h WHERE {window.where_rolled("hour")} GROUP BY group_id, place
            )
            GROUP BY group_id ORDER BY 2 DESC LIMIT {MOST_GROUPS}"""
    else:
        sql = f"""
            SELECT group_id, sum(count), uniqCombinedMerge(14)(people), toUnixTimestamp64Milli(min(first)::DateTime64(3)),
                toUnixTimestamp64Milli(max(last)::DateTime64(3)), sumMap([place], [count]) AS course
            FROM (
                SELECT group_id, {grid.index("time")} AS place, uniqExact(event_id) AS count,
                    uniqCombinedStateIf(14)(user, user != '') AS people, min(time) AS first, max(time) AS last
                FROM error_events WHERE {window.where()} GROUP BY group_id, place
            )
            GROUP BY group_id ORDER BY 2 DESC LIMIT {MOST_GROUPS}"""
    return {
        group: Counts(events, users, first, last, dict(zip(*course, strict=True)))
        for group, events, users, first, last, course in run(
            engine, "errors_by_group", sql, window
        ).rows
    }


def together(found: dict[int, Counts], groups: Iterable[int]) -> Counts:
    """The counts of an issue."""
    whole = Counts()
    for group in groups:
        if group in found:
            whole.add(found[group])
    return whole
