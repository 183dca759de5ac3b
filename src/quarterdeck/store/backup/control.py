"""A consistent copy of the control store: SQLite's own online backup, or every row of PostgreSQL.

Neither stops a writer. SQLite's copy is a database file; PostgreSQL's is a file of JSON
lines for each table, read in one snapshot, and needs no tool of its own version.
"""

import base64
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import JSON, Connection, Engine, LargeBinary, MetaData, Table, inspect, select, text

from quarterdeck.core.clock import Clock
from quarterdeck.core.errors import Conflict, Internal, Unprocessable
from quarterdeck.store.control.base import ControlStore
from quarterdeck.store.control.migrate import VERSION_TABLE, migrate
from quarterdeck.store.control.postgres import postgres_engine, postgres_url

_BATCH = 1000


async def control_snapshot(control: ControlStore, directory: Path) -> str:
    """Copy the store into `directory`; the answer is its revision."""
    if control.path is not None:
        copy_sqlite(control.path, directory / control.path.name)
    else:
        await control.read(lambda conn: dump_tables(conn, directory))
    return await control.read(control_revision)


def control_revision(conn: Connection) -> str:
    return str(conn.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())  # noqa: S608


def copy_sqlite(source: Path, target: Path) -> str:
    """A whole database file, while others write to the source; its revision."""
    address = f"{source.absolute().as_uri()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(address, uri=True, timeout=30)) as live,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise Internal(
                "control_damaged",
                "The copy of the control store is not sound.",
                "Check the disk; `PRAGMA integrity_check` on control.db tells more.",
            )
        return str(copy.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone()[0])  # noqa: S608


def dump_tables(conn: Connection, directory: Path) -> None:
    """One file of JSON lines for each table: its columns, its sequences, then its rows."""
    for table in _tables(conn):
        with (directory / f"{table.name}.jsonl").open("wb") as out:
            names = [column.name for column in table.columns]
            head = {"columns": names, "sequences": _sequences(conn, table)}
            out.write(orjson.dumps(head) + b"\n")
            rows = conn.execution_options(yield_per=_BATCH).execute(select(table))
            for row in rows:
                out.write(orjson.dumps([_plain(value) for value in row]) + b"\n")


def load_tables(address: str, directory: Path, revision: str, clock: Clock) -> None:
    """Fill an empty PostgreSQL database, in one transaction; Conflict when it is not empty."""
    engine = postgres_engine(
        postgres_url(address), clock, isolation="READ COMMITTED", statement_seconds=3600
    )
    try:
        with engine.connect() as conn:
            if inspect(conn).get_table_names():
                raise Conflict(
                    "restore_not_empty",
                    "The PostgreSQL database already holds tables.",
                    "Restore into an empty database.",
                )
        migrate(engine, revision)
        _fill(engine, directory)
    finally:
        engine.dispose()


def _fill(engine: Engine, directory: Path) -> None:
    with engine.begin() as conn:
        tables = _tables(conn)
        for table in reversed(tables):
            conn.execute(table.delete())  # rows that the revisions wrote themselves
        for table in tables:
            path = directory / f"{table.name}.jsonl"
            if not path.exists():
                raise Unprocessable(
                    "backup_damaged",
                    f"The backup lacks the table {table.name}.",
                    "Take another backup.",
                )
            with path.open("rb") as lines:
                head = orjson.loads(lines.readline())
                for batch in _batches(table, head["columns"], lines):
                    conn.execute(table.insert(), batch)
            for column, value in head["sequences"].items():
                conn.execute(
                    text("SELECT setval(pg_get_serial_sequence(:table, :column), :value, true)"),
                    {"table": table.name, "column": column, "value": value},
                )


def _tables(conn: Connection) -> list[Table]:
    """What the database itself says it holds, those referred to first."""
    found = MetaData()
    found.reflect(conn)
    for table in found.tables.values():
        for column in table.columns:
            if isinstance(column.type, JSON):
                column.type.none_as_null = True  # as in our own tables
    return [table for table in found.sorted_tables if table.name != VERSION_TABLE]


def _sequences(conn: Connection, table: Table) -> dict[str, int]:
    """How far each numbered column has counted: a deleted project's number is not used again."""
    counted = {}
    for column in table.columns:
        name = conn.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"),
            {"table": table.name, "column": column.name},
        ).scalar()
        if name:
            row = conn.execute(text(f"SELECT last_value, is_called FROM {name}")).one()  # noqa: S608
            if row.is_called:
                counted[column.name] = int(row.last_value)
    return counted


def _batches(table: Table, names: list[str], lines: Any) -> Iterator[list[dict[str, Any]]]:
    binary = {c.name for c in table.columns if isinstance(c.type, LargeBinary)}
    batch: list[dict[str, Any]] = []
    for line in lines:
        row = dict(zip(names, orjson.loads(line), strict=True))
        for name in binary:
            if row.get(name) is not None:
                row[name] = base64.b64decode(row[name])
        batch.append(row)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    return value
