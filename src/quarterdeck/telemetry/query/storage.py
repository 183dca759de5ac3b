"""What telemetry takes on disk: by table, by project (estimated), and how long there is room."""

import shutil
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.tables import SIGNALS, Signal, tables_of

_LIMITS = Limits(seconds=20, memory_mb=512, threads=1)


class TableSize(BaseModel):
    name: str
    rows: int
    bytes: int
    raw_bytes: int = Field(description="Before compression.")


class ProjectSize(BaseModel):
    project: str
    signal: str
    rows: int
    bytes: int = Field(description="Estimated: the table's bytes, shared out by rows.")


class ServerStorage(BaseModel):
    disk_bytes: int
    quota_bytes: int
    free_bytes: int = Field(description="Left on the disk.")
    days_until_quota: float | None = Field(
        description="At the growth of the last days; null when it is unknown."
    )
    tables: list[TableSize]
    oldest_day: str | None


class Storage(BaseModel):
    server: ServerStorage | None = Field(
        description="The whole server; null for a key that is limited to some projects."
    )
    by_project: list[ProjectSize] = Field(description="The projects that the asker may see.")


def storage(
    engine: Engine,
    directory: Path,
    quota_bytes: int,
    slug_of: Callable[[int], str | None],
    *,
    whole: bool,
) -> Storage:
    """Sizes now; `slug_of` gives None for projects, and `whole` is false for a server, that the
    asker may not see."""
    tables = _tables(engine)
    return Storage(
        server=_server(engine, directory, quota_bytes, tables) if whole else None,
        by_project=_by_project(engine, tables, slug_of),
    )


def _server(
    engine: Engine, directory: Path, quota_bytes: int, tables: list[TableSize]
) -> ServerStorage:
    used = sum(table.bytes for table in tables)
    growth = _daily_growth(engine)
    left = max(0, quota_bytes - used)
    return ServerStorage(
        disk_bytes=used,
        quota_bytes=quota_bytes,
        free_bytes=shutil.disk_usage(directory).free,
        days_until_quota=round(left / growth, 1) if growth else None,
        tables=tables,
        oldest_day=_oldest_day(engine),
    )


def _tables(engine: Engine) -> list[TableSize]:
    sql = """
        SELECT table, sum(rows), sum(bytes_on_disk) AS bytes, sum(data_uncompressed_bytes)
        FROM system.parts WHERE active AND database = 'default' GROUP BY table ORDER BY bytes DESC"""
    return [
        TableSize(name=name, rows=rows, bytes=size, raw_bytes=raw)
        for name, rows, size, raw in engine.query("storage_tables", sql, limits=_LIMITS).rows
    ]


def _daily_growth(engine: Engine) -> float | None:
    """Bytes a day, over the last seven whole days that have data."""
    sql = """
        SELECT partition, sum(bytes_on_disk) FROM system.parts
        WHERE active AND database = 'default' AND match(partition, '^\\\\d{4}-\\\\d{2}-\\\\d{2}$') AND partition < toString(today())
        GROUP BY partition ORDER BY partition DESC LIMIT 7"""
    days = [row[1] for row in engine.query("storage_growth", sql, limits=_LIMITS).rows]
    return sum(days) / len(days) if days else None


def _oldest_day(engine: Engine) -> str | None:
    sql = """
        SELECT min(partition) FROM system.parts
        WHERE active AND database = 'default' AND match(partition, '^\\\\d{4}-\\\\d{2}-\\\\d{2}$')"""
    day = engine.query("storage_oldest", sql, limits=_LIMITS).rows[0][0]
    return str(day) or None


_COUNTS: dict[Signal, str] = {
    "traces": "SELECT project, sum(spans) FROM red_1m GROUP BY project",
    "logs": "SELECT project, sum(records) FROM logs_1m GROUP BY project",
    "metrics": "SELECT project, sum(points) FROM ("
    + " UNION ALL ".join(
        f"SELECT project, count() AS points FROM {table} GROUP BY project"
        for table in ("samples", "histograms", "exponential_histograms", "summaries")
    )
    + ") GROUP BY project",
    "errors": "SELECT project, sum(events) FROM error_groups_1h GROUP BY project",
}


def _by_project(
    engine: Engine, tables: list[TableSize], slug_of: Callable[[int], str | None]
) -> list[ProjectSize]:
    sizes = {table.name: table.bytes for table in tables}
    found = []
    for signal in SIGNALS:
        rows = engine.query(f"storage_{signal}", _COUNTS[signal], limits=_LIMITS).rows
        total = sum(count for _, count in rows) or 1
        size = sum(sizes.get(name, 0) for name in tables_of(signal))
        for project, count in rows:
            slug = slug_of(project)
            if slug is not None and count:
                share = int(size * count / total)
                found.append(ProjectSize(project=slug, signal=signal, rows=count, bytes=share))
    return sorted(found, key=lambda item: -item.bytes)
