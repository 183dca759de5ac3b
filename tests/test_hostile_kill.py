"""The plug is pulled under load: what was acknowledged is there, and the server comes back."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.load import Load, Sender, query, traces
from support.server import Server
from support.usage import MIB, Peak, anonymous_bytes

KILLS = 10
ANSWER_SECONDS = 5.0


def limit() -> float:
    """Five seconds of a machine to ourselves; what else it does at once is not the server's time."""
    return ANSWER_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def answering_after(server: Server, began: float) -> float:
    server.wait_answering()
    return time.monotonic() - began


@pytest.mark.timeout(600)
def test_nothing_acknowledged_is_missing_after_ten_kills_under_load(own_server: Server) -> None:
    own_server.start()
    acknowledged = 0
    for turn in range(KILLS):
        load = Load(own_server, f"kill-{turn}").start()
        time.sleep(0.4 + 0.05 * (turn % 8))  # at another moment of the group commit each time
        own_server.kill()
        load.stop()
        began = time.monotonic()
        own_server.start()
        assert answering_after(own_server, began) < limit()
        assert load.missing() == []
        acknowledged += load.acknowledged
    assert acknowledged > KILLS * 50


@pytest.mark.timeout(240)
def test_a_killed_child_is_back_with_everything_and_the_gap_is_reported(
    own_server: Server,
) -> None:
    own_server.start()
    load = Load(own_server, "child").start()
    time.sleep(1.0)
    child = own_server.child()
    supervisor = own_server.pid
    killed_at = time.monotonic()
    os.kill(child, signal.SIGKILL)
    assert own_server.wait_ready().startswith("ready http")
    assert answering_after(own_server, killed_at) < limit()
    time.sleep(1.0)
    load.stop()
    assert own_server.pid == supervisor
    assert own_server.child() != child
    assert load.missing() == []
    with own_server.client() as client:
        health = client.get("/api/health").json()
        metrics = client.get("/metrics").text
    assert health["restarts"] == 1
    assert health["last_gap"]["reason"] == "killed by SIGKILL"
    assert 0 < health["last_gap"]["seconds"] < 2 * limit()
    assert "quarterdeck_restarts_total 1" in metrics.splitlines()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 160 MiB."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={160 * MIB}", "tmpfs", str(where)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs rights that this user lacks")
    yield where
    subprocess.run(["umount", "--lazy", str(where)], check=True)


@pytest.mark.timeout(240)
def test_a_full_disk_is_told_to_senders_and_recovers_by_itself(small_disk: Path) -> None:
    server = Server(small_disk / "data")
    server.start()
    try:
        sender = Sender(server)
        body = traces("disk", 20).SerializeToString()
        acknowledged = 0
        assert sender.send("/v1/traces", body).status == 200
        acknowledged += 1
        ballast = small_disk / "ballast"
        _fill(ballast)
        statuses = []
        with Peak(lambda: anonymous_bytes(server.child())) as memory:
            for _ in range(12):
                answer = sender.send("/v1/traces", body)
                statuses.append(answer.status)
                acknowledged += answer.status == 200
                if answer.status == 503:
                    assert int(answer.retry_after or 0) > 0
        assert set(statuses) <= {200, 503}
        assert 503 in statuses, "a full disk took everything"
        assert memory.highest < 1024 * MIB
        ballast.unlink()
        deadline = time.monotonic() + 30
        while (answer := sender.send("/v1/traces", body)).status != 200:
            assert time.monotonic() < deadline, "no recovery after space was freed"
            time.sleep(0.2)
        acknowledged += 1
        [[stored]] = query(server, "SELECT count() FROM spans WHERE name = 'disk'")
        assert int(str(stored)) >= acknowledged * 20
    finally:
        server.stop()


def _fill(path: Path) -> None:
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 65536):
                pass
        except OSError:
            return
