"""Deployments, as telemetry shows them: a service begins to speak of another release.

The release that a service was first heard with has replaced none, so it is no deployment; one
that comes back after another has (a rollback) is not seen, since only first times are kept.
"""

from pydantic import BaseModel

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import Asked, Window, run

MOST = 500


class Deployment(BaseModel):
    service: str
    environment: str
    release: str
    previous: str
    time_ms: int


def deployments(engine: Engine, window: Window, service: str = "") -> list[Deployment]:
    """The deployments of a range, oldest first, at most 500."""
    asked = Asked()
    if service:
        asked.add(f"service = {asked.bind(service)}")
    if window.environment:
        asked.add("environment = {environment:String}")
    sql = f"""
        SELECT service, environment, release, previous, at FROM (
            SELECT service, environment, release, toUnixTimestamp64Milli(min(first)) AS at,
                lagInFrame(release, 1, '') OVER (PARTITION BY service, environment ORDER BY at
                    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS previous
            FROM releases WHERE project = {{project:UInt32}}{asked.sql}
                AND day <= toDate(fromUnixTimestamp64Milli({{to_ms:Int64}}))
            GROUP BY service, environment, release
        ) WHERE previous != '' AND at >= {{from_ms:Int64}} AND at < {{to_ms:Int64}}
        ORDER BY at DESC, service DESC LIMIT {MOST}"""
    rows = run(engine, "deployments", sql, window, asked).rows
    return [
        Deployment(
            service=row[0], environment=row[1], release=row[2], previous=row[3], time_ms=row[4]
        )
        for row in reversed(rows)
    ]


def last_deploys(engine: Engine, window: Window) -> dict[str, int]:
    """Service → when its newest deployment before the end of the range was, where it had one."""
    found: dict[str, int] = {}
    for each in deployments(engine, Window(window.project, 0, window.end_ms, window.environment)):
        found[each.service] = max(each.time_ms, found.get(each.service, 0))
    return found
