"""Migrations: what they make is what the code declares, on both engines."""

import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text

import quarterdeck.accounts.tables
import quarterdeck.registry
import quarterdeck.resources.tables
import quarterdeck.store.control.gaps
import quarterdeck.telemetry.annotations
import quarterdeck.telemetry.ingest.senders  # noqa: F401
from quarterdeck.core.errors import Conflict, Unavailable
from quarterdeck.store.control import ControlStore, metadata, open_control
from quarterdeck.store.control.migrate import known_revisions, migrate
from support.control import clock, control, control_place, empty_place

__all__ = ["clock", "control", "control_place", "empty_place"]


async def test_the_migrations_make_the_tables_that_the_code_declares(
    control: ControlStore,
) -> None:
    def differences(conn: Connection) -> list[Any]:
        context = MigrationContext.configure(conn, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    assert await control.read(differences) == []


async def test_opening_again_changes_nothing(control: ControlStore, control_place: str) -> None:
    version = text("SELECT version_num FROM alembic_version")
    before = await control.read(lambda conn: conn.execute(version).scalars().all())
    again = open_control(control_place)
    after = await again.read(lambda conn: conn.execute(version).scalars().all())
    again.close()
    assert before == after
    assert len(after) == 1


def test_the_names_of_the_files_tell_the_revisions_in_their_order() -> None:
    config = Config()
    config.set_main_option("script_location", "quarterdeck:store/control/migrations")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert [script.revision for script in reversed(scripts)] == known_revisions()


def test_alembic_is_imported_only_when_something_is_missing(empty_place: str) -> None:
    script = (
        "import sys; from quarterdeck.store.control import open_control;"
        "open_control(sys.argv[1]).close(); print('alembic' in sys.modules)"
    )
    starts = [
        subprocess.run(
            [sys.executable, "-c", script, empty_place], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert starts == ["True", "False"]


def test_an_older_schema_is_brought_to_the_newest(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'control.db'}")
    tables = []
    for revision in ("0001", "head"):
        migrate(engine, revision)
        tables.append(set(inspect(engine).get_table_names()))
    engine.dispose()
    assert "gaps" not in tables[0]
    assert tables[1] > tables[0]
    assert "gaps" in tables[1]


def test_processes_that_start_together_take_turns(empty_place: str) -> None:
    stores: list[ControlStore] = []
    failures: list[BaseException] = []

    def start() -> None:
        try:
            stores.append(open_control(empty_place))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert failures == []


async def test_a_newer_schema_is_refused_untouched(
    control: ControlStore, control_place: str
) -> None:
    newer = text("UPDATE alembic_version SET version_num = '9999'")
    await control.write(lambda conn: conn.execute(newer))
    with pytest.raises(Conflict) as caught:
        open_control(control_place)
    assert caught.value.code == "control_schema_newer"


def test_the_database_file_is_its_owners_alone(tmp_path: Path) -> None:
    store = open_control(tmp_path / "deck")
    assert store.path is not None
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    store.close()


def test_a_database_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable) as caught:
        open_control("postgresql://nobody:hunter22@127.0.0.1:1/none")
    assert caught.value.code == "control_store_unavailable"
    assert "hunter22" not in str(caught.value.body())


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_text("this is not a database" * 100)
    with pytest.raises(Unavailable):
        open_control(tmp_path)
