"""Telemetry leaves again: after its days, at the quota, and with its project.

Guarantees. A day is dropped as a whole once every project's retention has passed it; where
one project keeps less than others, its rows are deleted from that day. At the disk quota the
oldest day goes first, over all tables, until there is room; the present day never goes.
All of it is found from the store itself, so a restart forgets nothing and running it twice
does no harm.
"""

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from quarterdeck.core.log import fields
from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.known import forget_known_series
from quarterdeck.telemetry.tables import TABLES, Table

KeptDays = Callable[[int, str], int]
"""(project, signal) → days."""

log = logging.getLogger(__name__)

_LIMITS = Limits(seconds=60, memory_mb=512, threads=1)
_ROOM = 0.05  # of the disk stays free when no quota was set


@dataclass(frozen=True, slots=True)
class Dropped:
    """What a run has removed."""

    table: str
    day: str
    projects: tuple[int, ...] = ()  # empty when the day went for everybody


def today_of(now_ns: int) -> date:
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).date()


def expire(
    engine: Engine, kept_days: KeptDays, projects: Iterable[int], now_ns: int
) -> list[Dropped]:
    """Remove what is older than its project keeps it."""
    today = today_of(now_ns)
    known = sorted(set(projects))
    done: list[Dropped] = []
    if not known:
        return done
    days = days_of(engine)
    for table in TABLES:
        kept = {project: max(kept_days(project, s) for s in table.signals) for project in known}
        done += _expire_table(engine, table, kept, days.get(table.name, []), today)
    _forget(engine, (item.table for item in done))
    for item in done:
        log.info("Telemetry has expired.", extra=fields(table=item.table, day=item.day, projects=list(item.projects)))  # fmt: skip
    return done


def _expire_table(
    engine: Engine, table: Table, kept: Mapping[int, int], days: list[str], today: date
) -> list[Dropped]:
    done = []
    for day in days:
        # The whole day must lie beyond the edge, so a row is kept for at least its days.
        age = (today - date.fromisoformat(day)).days - 1
        over = [project for project, most in kept.items() if age >= most]
        if len(over) == len(kept):
            _drop(engine, table.name, day)
            done.append(Dropped(table.name, day))
        elif over:
            listed = ", ".join(map(str, over))
            where = f"{table.day} = '{day}' AND project IN ({listed})"
            if _count(engine, table.name, where):
                engine.execute(
                    f"ALTER TABLE {table.name} DELETE IN PARTITION '{day}' WHERE project IN ({listed})"
                    " SETTINGS mutations_sync = 1"
                )
                done.append(Dropped(table.name, day, tuple(over)))
    return done


def hold_quota(engine: Engine, quota_bytes: int, now_ns: int) -> list[Dropped]:
    """Drop the oldest days until telemetry fits, but never the present day."""
    done: list[Dropped] = []
    today = today_of(now_ns).isoformat()
    used = used_bytes(engine)
    while used > quota_bytes:
        days = days_of(engine)
        oldest = min((day for found in days.values() for day in found), default=today)
        if oldest >= today:
            log.warning(
                "Telemetry of today alone exceeds the disk quota.",
                extra=fields(used_bytes=used, quota_bytes=quota_bytes),
            )
            break
        for table, found in days.items():
            if oldest in found:
                _drop(engine, table, oldest)
                done.append(Dropped(table, oldest))
        log.warning(
            "The oldest day was dropped to stay within the disk quota.",
            extra=fields(day=oldest, used_bytes=used, quota_bytes=quota_bytes),
        )
        used = used_bytes(engine)
    _forget(engine, (item.table for item in done))
    return done


def quota_of(directory: Path, gigabytes: float, used: int) -> int:
    """Bytes that telemetry may take: the setting, or 80 % of the disk and never its last 5 %."""
    if gigabytes > 0:
        return int(gigabytes * 1e9)
    disk = shutil.disk_usage(directory)
    return max(0, min(int(disk.total * 0.8), used + disk.free - int(disk.total * _ROOM)))


def used_bytes(engine: Engine) -> int:
    """What telemetry takes on disk."""
    sql = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'default'"
    return int(engine.query("used_bytes", sql, limits=_LIMITS).rows[0][0])


def delete_project(engine: Engine, project: int) -> None:
    """Remove every row of a project; for the event `project.deleted`. Safe to repeat."""
    for table in TABLES:
        where = f"project = {int(project)}"
        if _count(engine, table.name, where):
            engine.execute(
                f"ALTER TABLE {table.name} DELETE WHERE {where} SETTINGS mutations_sync = 1"
            )
            _forget(engine, [table.name])


def days_of(engine: Engine) -> dict[str, list[str]]:
    """Table → its days, oldest first."""
    sql = """
        SELECT table, arraySort(groupUniqArray(partition)) FROM system.parts
        WHERE active AND database = 'default' GROUP BY table"""
    names = {table.name for table in TABLES}
    rows = engine.query("days", sql, limits=_LIMITS).rows
    return {table: days for table, days in rows if table in names}


def _drop(engine: Engine, table: str, day: str) -> None:
    date.fromisoformat(day)  # it goes into the statement
    engine.execute(f"ALTER TABLE {table} DROP PARTITION '{day}'")


def _forget(engine: Engine, tables: Iterable[str]) -> None:
    if "prom_series" in tables:
        forget_known_series(engine)


def _count(engine: Engine, table: str, where: str) -> int:
    sql = f"SELECT count() FROM {table} WHERE {where}"
    return int(engine.query("count_rows", sql, limits=_LIMITS).rows[0][0])
