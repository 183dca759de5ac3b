"""The versions of a service side by side: rate, errors and durations, altogether and by operation."""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.latency import milliseconds
from quarterdeck.telemetry.query.operations import KIND
from quarterdeck.telemetry.query.window import Asked, Window, run
from quarterdeck.telemetry.search.fields import ENTRY

MOST = 8
MOST_OPERATIONS = 40
SAMPLE = 1_000_000  # entry spans, the newest, that quantiles are taken from


class Figures(BaseModel):
    requests: int
    error_rate: float
    mean_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Version(BaseModel):
    release: str
    first_seen: int
    last_seen: int
    rate: float = Field(description="Requests a second while it was seen.")
    figures: Figures


class VersionedOperation(BaseModel):
    name: str
    kind: str
    figures: list[Figures | None] = Field(description="In the order of the versions.")


class Versions(BaseModel):
    versions: list[Version] = Field(description="The newest first, at most 8.")
    operations: list[VersionedOperation]


def versions(engine: Engine, window: Window, service: str) -> Versions:
    asked = Asked()
    asked.add(f"service = {asked.bind(service)} AND entry AND release != ''")
    sql = f"""
        SELECT release, toUnixTimestamp(min(minute)) * 1000 AS first, toUnixTimestamp(max(minute)) * 1000 AS last,
            sum(spans) AS count, sum(errors), sum(total_ns)
        FROM red_1m WHERE {window.where_rolled()}{asked.sql}
        GROUP BY release ORDER BY last DESC, first DESC LIMIT {MOST}"""
    rows = run(engine, "versions", sql, window, asked).rows
    releases = [row[0] for row in rows]
    if not releases:
        return Versions(versions=[], operations=[])
    quantiles = _quantiles(engine, window, service, releases)
    found = []
    for release, first, last, count, errors, total in rows:
        seconds = max((min(last + 60_000, window.end_ms) - max(first, window.start_ms)) / 1000, 1)
        found.append(
            Version(
                release=release,
                first_seen=first,
                last_seen=last,
                rate=count / seconds,
                figures=_figures(count, errors, total, quantiles.get((release, None))),
            )
        )
    return Versions(
        versions=found, operations=_operations(engine, window, service, releases, quantiles)
    )


_Quantiles = dict[tuple[str, tuple[str, str] | None], list[float]]


def _quantiles(engine: Engine, window: Window, service: str, releases: list[str]) -> _Quantiles:
    """Quantiles by (release, operation); None stands for all operations."""
    asked = Asked()
    asked.add(f"service = {asked.bind(service)}")
    asked.add(f"release IN {asked.bind(releases, 'Array(String)')}")
    asked.add(ENTRY)
    sql = f"""
        SELECT release, name, toString(kind) AS kind_name, grouping(name) AS every,
            quantilesExactWeighted(0.5, 0.95, 0.99)(bucket, 1) AS buckets
        FROM (
            SELECT release, name, kind, toUInt16(floor(log2(greatest(duration_ns, 1)) * 8)) AS bucket
            FROM spans WHERE {window.where()}{asked.sql} LIMIT {SAMPLE} BY release
        ) GROUP BY GROUPING SETS ((release, name, kind), (release))"""
    found: _Quantiles = {}
    for release, name, kind, every, buckets in run(
        engine, "version_quantiles", sql, window, asked
    ).rows:
        key = None if every else (name, kind)
        found[release, key] = [milliseconds(bucket) for bucket in buckets]
    return found


def _operations(
    engine: Engine, window: Window, service: str, releases: list[str], quantiles: _Quantiles
) -> list[VersionedOperation]:
    asked = Asked()
    asked.add(f"service = {asked.bind(service)} AND entry")
    asked.add(f"release IN {asked.bind(releases, 'Array(String)')}")
    sql = f"""
        SELECT name, {KIND} AS kind_name, groupArray((release, count, failed, total)) FROM (
            SELECT name, kind, release, sum(spans) AS count, sum(errors) AS failed, sum(total_ns) AS total
            FROM red_1m WHERE {window.where_rolled()}{asked.sql} GROUP BY name, kind, release
        ) GROUP BY name, kind ORDER BY sum(total) DESC LIMIT {MOST_OPERATIONS}"""
    found = []
    for name, kind, cells in run(engine, "version_operations", sql, window, asked).rows:
        by_release: dict[str, tuple[int, int, int]] = {cell[0]: tuple(cell[1:]) for cell in cells}
        figures = [
            _figures(*by_release[release], quantiles.get((release, (name, kind))))
            if release in by_release
            else None
            for release in releases
        ]
        found.append(VersionedOperation(name=name, kind=kind, figures=figures))
    return found


def _figures(count: int, errors: int, total_ns: int, quantiles: list[float] | None) -> Figures:
    p50, p95, p99 = quantiles or (None, None, None)
    return Figures(
        requests=count,
        error_rate=errors / max(count, 1),
        mean_ms=total_ns / count / 1e6 if count else None,
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )
