"""Fixtures that more than one file of tests uses."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import Server, temporary_data


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A running server that tests of one worker share: make your own project in it."""
    data = temporary_data()
    with Server(data) as running:
        yield running
    shutil.rmtree(data.parent, ignore_errors=True)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, not yet started, that may be killed."""
    running = Server(tmp_path / "data")
    yield running
    if running.process is not None:
        running.stop()
