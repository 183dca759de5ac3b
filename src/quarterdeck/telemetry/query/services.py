"""The services of a project: which there are, where and in which releases they run."""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import Window, run


class ServiceSummary(BaseModel):
    service: str
    environments: list[str]
    releases: list[str] = Field(description="The ten seen last, newest first.")
    last_seen: int
    spans: int
    logs: int


def services(engine: Engine, window: Window) -> list[ServiceSummary]:
    """Services that sent spans or logs in the range."""
    sql = f"""
        SELECT service, arraySort(groupUniqArrayArray(environments)), arraySlice(groupUniqArrayArray(releases), 1, 10),
            toUnixTimestamp(max(last)) * 1000, sum(spans_count), sum(logs_count)
        FROM (
            SELECT service, groupUniqArray(environment) AS environments,
                arrayMap(x -> x.2, arrayReverseSort(groupArray((at, release)))) AS releases,
                max(at) AS last, sum(count) AS spans_count, 0 AS logs_count
            FROM (SELECT service, environment, release, max(minute) AS at, sum(spans) AS count
                  FROM red_1m WHERE {window.where_rolled()} GROUP BY service, environment, release)
            GROUP BY service
            UNION ALL
            SELECT service, groupUniqArray(environment), [], max(minute), 0, sum(records)
            FROM logs_1m WHERE {window.where_rolled()} GROUP BY service
        ) GROUP BY service ORDER BY service LIMIT 2000"""
    return [
        ServiceSummary(
            service=service,
            environments=[e for e in environments if e],
            releases=[r for r in releases if r],
            last_seen=last,
            spans=spans,
            logs=logs,
        )
        for service, environments, releases, last, spans, logs in run(
            engine, "services", sql, window
        ).rows
    ]
