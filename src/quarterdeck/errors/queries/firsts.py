"""Groups as their first event shows them: what an issue begins with."""

from collections.abc import Sequence

from quarterdeck.errors.event import titled
from quarterdeck.errors.issues import First
from quarterdeck.errors.queries.events import listed
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import LIMITS

MOST_GROUPS = 100_000  # of a project
RECENT = "INTERVAL 2 DAY"


def recent(engine: Engine) -> dict[int, list[int]]:
    """The groups of the last days by project: hours are read, and no event."""
    sql = f"""
        SELECT project, groupUniqArray({MOST_GROUPS})(group_id) FROM error_groups_1h
        WHERE hour > now() - {RECENT} GROUP BY project"""
    return dict(engine.query("error_recent_groups", sql, limits=LIMITS).rows)


def firsts(engine: Engine, project: int, groups: Sequence[int]) -> list[First]:
    """Those of the groups that still have events."""
    sql = f"""
        SELECT group_id, argMin((type, message, culprit, level, category, severity, platform, release), time) AS first,
            toUnixTimestamp64Milli(min(time)::DateTime64(3))
        FROM error_events WHERE project = {project} AND group_id IN ({listed(groups)}) GROUP BY group_id"""
    found = []
    for group, first, seen_ms in engine.query("error_firsts", sql, limits=LIMITS).rows:
        type_, message, culprit, level, category, severity, platform, release = first
        title = titled(type_, message)
        found.append(
            First(group, title, culprit, type_, level, category, severity, platform, release, seen_ms)
        )  # fmt: skip
    return found
