"""The supervisor: what it starts again, what it passes on, what it leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from quarterdeck.supervisor import REFUSED, describe

CHILD = """
import json, os, sys, time, signal
from quarterdeck import supervisor
told = supervisor.told_by_supervisor()
supervisor.watch_parent(told)
print(json.dumps({"pid": os.getpid(), **{k: v for k, v in told.items() if k != "pid"}}), flush=True)
"""
ANSWERS = CHILD + "supervisor.tell_answering(told)\ntime.sleep(60)\n"
DRAINS = (
    CHILD
    + "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
    + "supervisor.tell_answering(told)\ntime.sleep(60)\n"
)
STUBBORN = (
    CHILD
    + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    + "supervisor.tell_answering(told)\ntime.sleep(60)\n"
)

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def start_supervisor(child: str) -> "subprocess.Popen[str]":
        program = (
            "import sys; from quarterdeck.supervisor import supervise; "
            "sys.exit(supervise([sys.executable, '-c', sys.argv[1]]))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program, child],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start_supervisor
    for process in running:
        process.kill()
        process.wait()


def said(process: "subprocess.Popen[str]") -> dict[str, object]:
    assert process.stdout is not None
    line: dict[str, object] = json.loads(process.stdout.readline())
    return line


def gone(pid: int, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_killed_child_is_back_at_once_and_is_told_since_when_and_why(start: Start) -> None:
    supervisor = start(ANSWERS)
    first = said(supervisor)
    assert first["restarts"] == 0
    assert "since_ms" not in first
    time.sleep(0.1)
    killed_at = time.time()
    os.kill(int(str(first["pid"])), signal.SIGKILL)
    second = said(supervisor)
    assert time.time() - killed_at < 2
    assert second["restarts"] == 1
    assert second["reason"] == "killed by SIGKILL"
    assert abs(float(str(second["since_ms"])) / 1000 - killed_at) < 0.5


def test_a_child_that_never_answers_is_tried_again_with_growing_pauses(start: Start) -> None:
    supervisor = start(CHILD + "sys.exit(3)\n")
    assert supervisor.stderr is not None
    lines = [json.loads(supervisor.stderr.readline()) for _ in range(4)]
    assert [line["pause_seconds"] for line in lines] == [0.5, 1.0, 2.0, 4.0]
    assert supervisor.poll() is None


def test_a_child_that_refuses_to_start_ends_the_supervisor_with_its_exit_code(start: Start) -> None:
    assert start(CHILD + f"sys.exit({REFUSED})\n").wait(10) == REFUSED


def test_a_refusal_after_the_server_has_answered_is_tried_again(
    start: Start, tmp_path: Path
) -> None:
    mark = tmp_path / "second"
    supervisor = start(
        CHILD
        + f"mark = {str(mark)!r}\n"
        + f"if os.path.exists(mark): sys.exit({REFUSED})\n"
        + "open(mark, 'w').close()\nsupervisor.tell_answering(told)\ntime.sleep(0.2)\nos._exit(9)\n"
    )
    assert [said(supervisor)["restarts"] for _ in range(3)] == [0, 1, 2]


def test_sigterm_lets_the_child_drain_and_ends_well(start: Start) -> None:
    supervisor = start(DRAINS)
    child = int(str(said(supervisor)["pid"]))
    time.sleep(0.2)
    supervisor.terminate()
    assert supervisor.wait(5) == 0
    assert gone(child)


def test_a_second_sigterm_kills_a_child_that_does_not_stop(start: Start) -> None:
    supervisor = start(STUBBORN)
    child = int(str(said(supervisor)["pid"]))
    time.sleep(0.2)
    supervisor.terminate()
    supervisor.terminate()  # a manager that signals the group as well asks once, not twice
    with pytest.raises(subprocess.TimeoutExpired):
        supervisor.wait(0.8)
    supervisor.terminate()
    assert supervisor.wait(5) == 1
    assert gone(child)


def test_a_killed_supervisor_leaves_no_child_behind(start: Start) -> None:
    supervisor = start(STUBBORN)
    child = int(str(said(supervisor)["pid"]))
    supervisor.kill()
    assert gone(child)


def test_the_supervisor_stays_small(start: Start) -> None:
    supervisor = start(ANSWERS)
    said(supervisor)
    status = Path(f"/proc/{supervisor.pid}/status").read_text()
    anonymous_kb = int(next(x for x in status.splitlines() if x.startswith("RssAnon")).split()[1])
    assert anonymous_kb < 16_000


def test_an_ending_is_described_in_words() -> None:
    assert describe(9) == "killed by SIGKILL"
    assert describe(3 << 8) == "exit code 3"
