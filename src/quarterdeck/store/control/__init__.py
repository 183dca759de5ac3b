"""The control store: accounts, resources, state, outbox and audit, on SQLite or PostgreSQL.

`open_control` brings the database to the newest revision and gives the store; `write`
and `read` are the only way to it (guarantees in `base.py`).
"""

from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from quarterdeck.core.clock import Clock, SystemClock
from quarterdeck.store.control.base import ControlStore, NestedTransaction, now_of, unavailable
from quarterdeck.store.control.delivery import Delivery, DeliveryFailed, Handler
from quarterdeck.store.control.migrate import migrate
from quarterdeck.store.control.outbox import Event, emit
from quarterdeck.store.control.postgres import PostgresStore, postgres_engine, postgres_url
from quarterdeck.store.control.sqlite import SqliteStore, create_private, sqlite_engine
from quarterdeck.store.control.tables import Json, metadata

__all__ = [
    "Connection",
    "ControlStore",
    "Delivery",
    "DeliveryFailed",
    "Event",
    "Handler",
    "Json",
    "NestedTransaction",
    "emit",
    "metadata",
    "now_of",
    "open_control",
]

FILE = "control.db"
_MIGRATION_SECONDS = 3600


def open_control(where: str | Path, clock: Clock | None = None) -> ControlStore:
    """The store at a PostgreSQL address, or in a directory (SQLite, `control.db`)."""
    clock = clock or SystemClock()
    try:
        if isinstance(where, str) and "://" in where:
            return _open_postgres(where, clock)
        return _open_sqlite(Path(where) / FILE, clock)
    except SQLAlchemyError as error:
        raise unavailable(error) from error


def _open_sqlite(path: Path, clock: Clock) -> ControlStore:
    create_private(path)
    engine = sqlite_engine(
        path, clock, begin="BEGIN IMMEDIATE", pool_size=1, pragmas=("foreign_keys=OFF",)
    )
    try:
        migrate(engine)
    finally:
        engine.dispose()
    return SqliteStore(path, clock)


def _open_postgres(address: str, clock: Clock) -> ControlStore:
    url = postgres_url(address)
    engine = postgres_engine(
        url, clock, isolation="READ COMMITTED", statement_seconds=_MIGRATION_SECONDS
    )
    try:
        migrate(engine)
    finally:
        engine.dispose()
    return PostgresStore(url, clock)
