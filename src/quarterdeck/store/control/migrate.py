"""Bring a control database to the newest revision, in one transaction, from inside the program.

The revisions ship in this package, so there is no alembic.ini; each file's name begins with
its revision. Processes that start together take turns: SQLite by BEGIN IMMEDIATE, PostgreSQL
by an advisory lock. A database that a newer release has already migrated is refused, not
touched. Where nothing is missing, which is nearly every start, Alembic is not even imported.
"""

from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table, text

from quarterdeck.core.errors import Conflict, Internal

VERSION_TABLE = "alembic_version"
_MIGRATIONS = Path(__file__).parent / "migrations"
_ADVISORY_LOCK = 0x51_44_43_4B  # "QDCK"


def migrate(engine: Engine, revision: str = "head") -> None:
    """Run what is missing. The engine's foreign keys must not be enforced (SQLite)."""
    with engine.begin() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
        known = known_revisions()
        present = _present(conn)
        if present - set(known):
            raise Conflict(
                "control_schema_newer",
                f"The control store has revision {', '.join(sorted(present - set(known)))}, "
                "which this release does not know.",
                "Run the newer release, or restore a backup made by this one.",
            )
        if present == {known[-1] if revision == "head" else revision}:
            return
        _upgrade(conn, revision)
        if conn.dialect.name == "sqlite":
            broken = conn.execute(text("PRAGMA foreign_key_check")).fetchall()
            if broken:
                raise Internal(
                    "control_migration_failed",
                    f"{len(broken)} rows point nowhere after the migration.",
                    "Nothing was changed; report this with the release you came from.",
                )


def known_revisions() -> list[str]:
    """The revisions of this release, oldest first."""
    files = (_MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return sorted(file.name.partition("_")[0] for file in files)


def _present(conn: Connection) -> set[str]:
    if not inspect(conn).has_table(VERSION_TABLE):
        return set()
    version = table(VERSION_TABLE, column("version_num"))
    return set(conn.execute(select(version.c.version_num)).scalars())


def _upgrade(conn: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = conn
    command.upgrade(config, revision)
