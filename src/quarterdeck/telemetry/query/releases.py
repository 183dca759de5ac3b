"""Deployments, as telemetry shows them: a service begins to speak of another release.

The release that a service was first heard with has replaced none, so it is no deployment; one
that comes back after another has (a rollback) is not seen, since only first times are kept.
"""

from pydantic import BaseModel

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import Asked, Window, run

MOST = 500
MOST_SERVICES = 5_000


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
    return _read(engine, window, asked, f"LIMIT {MOST}")[::-1]


def newest_deployments(engine: Engine, window: Window) -> dict[str, Deployment]:
    """Service → its newest deployment before the end of the range, where it had one."""
    ever = Window(window.project, 0, window.end_ms, window.environment)
    found = _read(engine, ever, Asked(), f"LIMIT 1 BY service LIMIT {MOST_SERVICES}")
    return {each.service: each for each in found}


def last_deploys(engine: Engine, window: Window) -> dict[str, int]:
    """Service → when its newest deployment before the end of the range was, where it had one."""
    return {name: each.time_ms for name, each in newest_deployments(engine, window).items()}


def _read(engine: Engine, window: Window, asked: Asked, limit: str) -> list[Deployment]:
    """Newest first."""
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
        ORDER BY at DESC, service DESC {limit}"""
    rows = run(engine, "deployments", sql, window, asked).rows
    return [
        Deployment(
            service=row[0], environment=row[1], release=row[2], previous=row[3], time_ms=row[4]
        )
        for row in rows
    ]
