"""The data directory: one holder at a time, and a last sign of life."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.store.alive import Alive
from quarterdeck.store.lock import lock_data

HOLD = (
    "import sys, time; from pathlib import Path; from quarterdeck.store.lock import lock_data; "
    "held = lock_data(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
)


def hold_elsewhere(directory: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_second_process_is_refused_and_told_which_one_is_first(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path)
    try:
        with pytest.raises(QuarterdeckError) as refused:
            lock_data(tmp_path, wait_seconds=0.2)
    finally:
        holder.kill()
        holder.wait()
    assert refused.value.code == "data_locked"
    assert f"process {holder.pid}" in refused.value.message


def test_a_killed_holder_is_waited_for(tmp_path: Path) -> None:
    holder = hold_elsewhere(tmp_path)
    holder.kill()
    taken = lock_data(tmp_path, wait_seconds=5)
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    taken.close()
    holder.wait()


def test_a_released_directory_can_be_taken_again(tmp_path: Path) -> None:
    lock_data(tmp_path).close()
    second = lock_data(tmp_path, wait_seconds=0)
    assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    second.close()


def test_the_directory_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    lock_data(tmp_path / "new" / "data").close()
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700


def test_a_directory_that_cannot_be_used_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(QuarterdeckError) as refused:
        lock_data(tmp_path / "file" / "data")
    assert refused.value.code == "data_unwritable"


def test_the_last_sign_of_life_survives_and_says_whether_the_end_was_planned(
    tmp_path: Path,
) -> None:
    alive = Alive(tmp_path)
    assert alive.last() is None
    alive.began()
    alive.beat()
    crashed = alive.last()
    alive.stopped()
    stopped = alive.last()
    assert crashed is not None
    assert stopped is not None
    assert (crashed.planned, stopped.planned) == (False, True)
    assert abs(crashed.until_ms / 1000 - time.time()) < 1
