"""Files that are followed: nothing is lost or doubled over rotation, truncation and restarts."""

import gzip
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from quarterdeck.agent.buffer import Buffer
from quarterdeck.agent.config import FileGroup
from quarterdeck.agent.files import Follower

MIB = 1024 * 1024


class Agent:
    """A follower whose clock is ours; `restart` is a kill, for nothing is told to end."""

    def __init__(self, directory: Path, *patterns: str, most: int = 64 * MIB, **group: Any) -> None:
        self._directory = directory
        self._groups = [FileGroup(tuple(str(directory / p) for p in patterns), **group)]
        self._most = most
        self._now = 1_000.0
        self.restart()

    def restart(self) -> None:
        self.buffer = Buffer(self._directory / "buffer", self._most, keep="all")
        self._follower = Follower(self._groups, {"host.name": "here"}, self.buffer)

    def look(self, seconds: float = 2.0) -> None:
        """Find files, read them, and read them again after a while."""
        self._follower.scan(self._now)
        while self._follower.read(self._now):
            pass
        self._now += seconds
        while self._follower.read(self._now):
            pass

    def sent(self) -> ExportLogsServiceRequest:
        """What has been read since the last time, as the server would get it."""
        found = ExportLogsServiceRequest()
        while (batch := self.buffer.oldest()) is not None:
            found.MergeFromString(batch.payload)
            self.buffer.sent(batch)
        return found

    def lines(self) -> list[str]:
        self.look()
        return bodies(self.sent())


def bodies(request: ExportLogsServiceRequest) -> list[str]:
    return [
        record.body.string_value
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def write(path: Path, *lines: str, mode: str = "a") -> None:
    with path.open(mode) as file:
        file.writelines(f"{line}\n" for line in lines)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    write(path, "one", "two")
    return path


def test_lines_are_read_once_as_they_come(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "*.log")
    assert agent.lines() == ["one", "two"]
    assert agent.lines() == []
    write(log, "three")
    write(tmp_path / "new.log", "new")
    assert sorted(agent.lines()) == ["new", "three"]


def test_a_record_says_where_it_comes_from(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "*.log", service="shop", attributes={"team": "web"})
    agent.look()
    resource = agent.sent().resource_logs[0]
    named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert named == {"host.name": "here", "service.name": "shop"}
    record = resource.scope_logs[0].log_records[0]
    assert {pair.key: pair.value.string_value for pair in record.attributes} == {
        "log.file.path": str(log), "log.file.name": "app.log", "team": "web",
    }  # fmt: skip


def test_a_service_that_is_not_named_is_the_name_of_the_file(tmp_path: Path) -> None:
    for name in ("worker-2026-01-02.log", "worker.log", "queue_7.log"):
        write(tmp_path / name, "x")
    agent = Agent(tmp_path, "*.log")
    agent.look()
    names = {
        pair.value.string_value
        for resource in agent.sent().resource_logs
        for pair in resource.resource.attributes
        if pair.key == "service.name"
    }
    assert names == {"worker", "queue"}


def test_a_line_is_read_when_it_is_complete(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "*.log")
    with log.open("a") as file:
        file.write("thr")
        file.flush()
        assert agent.lines() == ["one", "two"]
        file.write("ee\n")
    assert agent.lines() == ["three"]


def test_a_restart_goes_on_exactly_there(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "*.log")
    assert agent.lines() == ["one", "two"]
    write(log, "three")
    agent.restart()
    write(log, "four")
    assert agent.lines() == ["three", "four"]
    agent.restart()
    assert agent.lines() == []


def test_what_was_read_but_not_sent_is_not_read_again(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "*.log")
    agent.look()
    agent.restart()
    write(log, "three")
    assert agent.lines() == ["one", "two", "three"]


def test_an_event_that_is_not_complete_is_read_again_after_a_restart(
    tmp_path: Path, log: Path
) -> None:
    agent = Agent(tmp_path, "*.log")
    assert agent.lines() == ["one", "two"]
    write(log, "ERROR it broke", "  at a")
    agent.look(seconds=0.1)  # the event may go on
    agent.restart()
    write(log, "  at b", "after")
    assert agent.lines() == ["ERROR it broke\n  at a\n  at b", "after"]


def test_a_renamed_file_is_read_to_its_end(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "app.log")
    assert agent.lines() == ["one", "two"]
    write(log, "three")
    log.rename(tmp_path / "app.log.1")
    write(tmp_path / "app.log.1", "four")  # by a writer that has it open still
    write(log, "five")
    found = agent.lines()
    with (tmp_path / "app.log.1").open("a") as file:
        file.write("no newline at its end")
    agent.look(seconds=4)
    assert [*found, *bodies(agent.sent())] == ["three", "four", "five", "no newline at its end"]
    assert agent.lines() == []


def test_a_file_that_was_renamed_while_nothing_ran_is_read_to_its_end(
    tmp_path: Path, log: Path
) -> None:
    agent = Agent(tmp_path, "app.log")
    assert agent.lines() == ["one", "two"]
    write(log, "three")
    log.rename(tmp_path / "app.log.1")
    write(log, "four")
    agent.restart()
    assert sorted(agent.lines()) == ["four", "three"]
    agent.restart()
    assert agent.lines() == []


def test_a_renamed_file_that_the_pattern_finds_is_not_read_again(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "app.log*")
    assert agent.lines() == ["one", "two"]
    log.rename(tmp_path / "app.log.1")
    write(log, "three")
    assert agent.lines() == ["three"]
    agent.restart()
    assert agent.lines() == []


def test_a_truncated_file_is_read_from_its_start(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "app.log")
    assert agent.lines() == ["one", "two"]
    shutil.copy(log, tmp_path / "app.log.1")
    os.truncate(log, 0)
    write(log, "three")
    assert agent.lines() == ["three"]


def test_a_file_written_anew_and_longer_than_before_is_noticed(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "app.log")
    assert agent.lines() == ["one", "two"]
    write(log, "another beginning", "and more of it", mode="w")
    assert agent.lines() == ["another beginning", "and more of it"]
    agent.restart()
    assert agent.lines() == []


def test_a_copy_made_before_truncating_goes_on_where_the_original_was(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    first = [f"line {number} of a file that can be told from others" for number in range(5)]
    write(log, *first)
    agent = Agent(tmp_path, "app.log*")
    assert agent.lines() == first
    write(log, "written just before the copy")
    shutil.copy(log, tmp_path / "app.log.1")
    os.truncate(log, 0)
    write(log, "after")
    found = agent.lines() + agent.lines()
    assert sorted(found) == ["after", "written just before the copy"]
    agent.restart()
    assert agent.lines() == []


def test_a_file_that_only_begins_like_another_one_is_read_after_a_while(tmp_path: Path) -> None:
    banner = "=== the log of a program that always begins with these words ==="
    write(tmp_path / "app.log", banner, "one")
    agent = Agent(tmp_path, "app.log*")
    assert agent.lines() == [banner, "one"]
    write(tmp_path / "app.log.2", banner, "one", "two")
    assert agent.lines() == []
    agent.look(seconds=61)
    assert agent.lines() == [banner, "one", "two"]


def test_truncated_while_nothing_ran(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "app.log")
    assert agent.lines() == ["one", "two"]
    write(log, "x", mode="w")
    agent.restart()
    assert agent.lines() == ["x"]


def test_another_file_with_the_same_inode_is_another_file(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "*.log")
    assert agent.lines() == ["one", "two"]
    inode = log.stat().st_ino
    agent.restart()
    log.write_text("this is longer than what was there before\nbye\n")  # as a reused inode looks
    assert log.stat().st_ino == inode
    assert agent.lines() == ["this is longer than what was there before", "bye"]


def test_what_was_there_at_the_first_start_may_be_left_out(tmp_path: Path, log: Path) -> None:
    agent = Agent(tmp_path, "*.log", start="end")
    assert agent.lines() == []
    agent.restart()
    write(log, "three")
    write(tmp_path / "later.log", "all of it")
    assert sorted(agent.lines()) == ["all of it", "three"]


def test_compressed_and_excluded_files_and_what_is_no_file_are_left_alone(
    tmp_path: Path, log: Path
) -> None:
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"old\n"))
    write(tmp_path / "debug.log", "noise")
    (tmp_path / "directory.log").mkdir()
    os.mkfifo(tmp_path / "pipe.log")
    agent = Agent(tmp_path, "*.log*", exclude=("debug.*",))
    assert agent.lines() == ["one", "two"]


def test_binary_and_a_line_of_ten_megabytes_come_through(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(bytes(range(256)).replace(b"\n", b"") + b"\n" + b"x" * 10_000_000 + b"\nlast\n")
    agent = Agent(tmp_path, "a.log", multiline="off")
    binary, long, last = agent.lines()
    assert binary.startswith("\ufffd\x01\x02")
    assert len(long) == 256 * 1024
    assert last == "last"
    agent.restart()
    assert agent.lines() == []


def test_when_the_buffer_is_full_reading_waits_and_loses_nothing(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    lines = [f"{number} {os.urandom(400).hex()}" for number in range(6_000)]
    write(log, *lines)
    agent = Agent(tmp_path, "a.log", most=1 * MIB)
    reading = threading.Thread(target=agent.look)
    reading.start()
    seen: list[str] = []
    while reading.is_alive():
        reading.join(0.2)
        assert agent.buffer.waiting_bytes <= 1 * MIB
        seen += bodies(agent.sent())
    assert seen + bodies(agent.sent()) == lines


def test_a_file_that_may_not_be_read_stops_no_other(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "secret.log", "x")
    real = os.open

    def guarded(path: Any, *more: Any) -> int:
        if str(path).endswith("secret.log"):
            raise PermissionError(13, "Permission denied")
        return real(path, *more)

    monkeypatch.setattr(os, "open", guarded)
    agent = Agent(tmp_path, "*.log")
    assert agent.lines() == ["one", "two"]


def test_what_is_gone_is_forgotten(tmp_path: Path, log: Path) -> None:
    write(tmp_path / "stays.log", "x")
    agent = Agent(tmp_path, "*.log")
    agent.look()
    log.unlink()
    agent.look(seconds=4)
    agent.look()
    paths = [mark["path"] for mark in agent.buffer.positions.values() if isinstance(mark, dict)]
    assert paths == [str(tmp_path / "stays.log")]


def test_many_rotations_under_load_lose_nothing(tmp_path: Path) -> None:
    """Sizes and moments differ each time; the agent is killed between them."""
    log = tmp_path / "app.log"
    agent = Agent(tmp_path, "app.log")
    written: list[str] = []
    seen: list[str] = []

    def rename(number: int) -> None:
        log.rename(tmp_path / f"app.log.{number}")

    steps: list[Callable[[int], object]] = [rename, lambda _: agent.restart(), lambda _: None]
    for number in range(24):
        lines = [f"{number}.{each} {'y' * (number * 37 % 300)}" for each in range(number * 7 % 40)]
        write(log, *lines)
        written += lines
        if number % 2:
            seen += agent.lines()
        if log.exists():
            steps[number % 3](number)
    for _ in range(3):
        agent.look(seconds=4)
    seen += bodies(agent.sent())
    assert sorted(seen) == sorted(written)
