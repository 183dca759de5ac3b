"""The fixture `control`: every test that takes it runs on SQLite and on a real PostgreSQL."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarterdeck.core.clock import ManualClock
from quarterdeck.store.control import ControlStore, open_control
from support.postgres import shared


@pytest.fixture
def clock() -> ManualClock:
    """The clock of the store, moved by hand."""
    return ManualClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a control store may be opened for the first time: a directory, or an address."""
    yield from _place(request.param, tmp_path, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def control_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The same, migrated already."""
    yield from _place(request.param, tmp_path, _migrated)


def _place(dialect: str, tmp_path: Path, template: Callable[[], str] | None) -> Iterator[str]:
    if dialect == "sqlite":
        yield str(tmp_path / "control")
        return
    url = shared().create_database(template() if template else "")
    yield url
    shared().drop_database(url)


@functools.cache
def _migrated() -> str:
    """A database to copy: copying is faster than migrating."""
    url = shared().create_database()
    open_control(url).close()
    return url


@pytest.fixture
def control(control_place: str, clock: ManualClock) -> Iterator[ControlStore]:
    """A fresh store with all migrations run."""
    store = open_control(control_place, clock)
    yield store
    store.close()
