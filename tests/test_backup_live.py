"""A backup taken while writes go on, by the real server and commands, and brought back."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from quarterdeck.store.backup import verify
from support.postgres import shared
from support.server import ADMIN_KEY, Server

# Counts of a telemetry store, by a process of its own: an engine opens one directory a process.
_COUNT = """
import json, sys
from pathlib import Path
from quarterdeck.store.telemetry import EmbeddedEngine
engine = EmbeddedEngine(Path(sys.argv[1]), memory_mb=1024)
bodies = [row[0] for row in engine.query("t", "SELECT body FROM logs").rows]
rolled = engine.query("t", "SELECT sum(records) FROM logs_1m").rows[0][0]
print(json.dumps({"bodies": bodies, "rolled": int(rolled)}))
engine.close()
"""


@dataclass
class Writers:
    """Log lines and resources, written without a pause until told to stop."""

    server: Server
    logs: list[str] = field(default_factory=list)  # acknowledged
    names: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def __enter__(self) -> "Writers":
        for work in (self._send_logs, self._put_resources):
            thread = threading.Thread(target=self._run, args=(work,))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, lines: int) -> None:
        deadline = time.monotonic() + 60
        while len(self.logs) < lines and not self.failures:
            assert time.monotonic() < deadline, f"only {len(self.logs)} lines in a minute"
            time.sleep(0.02)

    def _run(self, work: Any) -> None:
        with self.server.client() as client:
            number = 0
            while not self._stop.is_set():
                number += 1
                try:
                    work(client, number)
                except (httpx.HTTPError, AssertionError) as error:
                    self.failures.append(repr(error))
                    return

    def _send_logs(self, client: httpx.Client, number: int) -> None:
        lines = [f"line {number}.{part}" for part in range(20)]
        now = str(time.time_ns())
        records = [
            {"timeUnixNano": now, "severityNumber": 9, "body": {"stringValue": line}}
            for line in lines
        ]
        body = {"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": records}]}]}
        answer = client.post("/v1/logs", json=body)
        assert answer.status_code == 200, answer.text
        self.logs += lines

    def _put_resources(self, client: httpx.Client, number: int) -> None:
        name = f"search-{number}"
        spec = {"title": name, "signal": "logs"}
        answer = client.put(f"/api/resources/saved-search/{name}", json={"spec": spec})
        assert answer.status_code == 201, answer.text
        self.names.append(name)


def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quarterdeck", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "QUARTERDECK_KEY": ADMIN_KEY, **environment},
    )


def counts(telemetry: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", _COUNT, str(telemetry)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Where the control store is, and where it is restored to, as environment."""
    if request.param == "sqlite":
        yield {}, {}
        return
    urls = [shared().create_database() for _ in range(2)]
    yield {"QUARTERDECK_CONTROL_URL": urls[0]}, {"QUARTERDECK_CONTROL_URL": urls[1]}
    for url in urls:
        shared().drop_database(url)


def test_a_backup_taken_while_writes_go_on_holds_all_that_came_before(
    tmp_path: Path, place: tuple[dict[str, str], dict[str, str]]
) -> None:
    before, after = place
    file = tmp_path / "deck.tar.zst"
    with Server(tmp_path / "data", environment=before) as server:
        with server.client() as client:
            answer = client.put("/api/secrets/TOKEN", json={"value": "s3cret"})
            assert answer.status_code < 300, answer.text
        (tmp_path / "data" / "blobs" / "maps").mkdir(parents=True)
        (tmp_path / "data" / "blobs" / "maps" / "app.js.map").write_bytes(b"{}")
        with Writers(server) as writers:
            writers.wait_for(100)
            logs, names = list(writers.logs), list(writers.names)
            taken = run("backup", file, "--url", server.url)
            assert taken.returncode == 0, taken.stderr
            writers.wait_for(len(logs) + 100)
        assert writers.failures == []
        assert len(writers.names) > len(names) > 10
        staged = tmp_path / "data" / "backup-staging"
        assert not staged.exists() or not any(staged.iterdir())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "data.log", "deck.tar.zst"]

    restored = tmp_path / "restored"
    brought = run("restore", file, "--data", restored, **after)
    assert brought.returncode == 0, brought.stderr
    found = counts(restored / "telemetry")
    assert set(logs) <= set(found["bodies"]), "an acknowledged line is missing"
    assert set(found["bodies"]) <= set(writers.logs)
    assert len(found["bodies"]) == len(set(found["bodies"])) == found["rolled"]
    assert (restored / "blobs" / "maps" / "app.js.map").read_bytes() == b"{}"

    with Server(restored, environment=after) as server, server.client() as client:
        items = client.get("/api/resources/saved-search").json()["items"]
        assert set(names) <= {item["name"] for item in items} <= set(writers.names)
        audited = client.get("/api/audit", params={"limit": 1}).json()
        assert audited
        assert [s["name"] for s in client.get("/api/secrets").json()] == ["TOKEN"]
        # The restored server writes on: nothing that counts by itself starts anew.
        made = client.post("/api/projects", json={"slug": "shop", "name": "Shop"})
        assert made.status_code in (200, 201), made.text
        answer = client.put(
            "/api/resources/saved-search/new", json={"spec": {"title": "n", "signal": "logs"}}
        )
        assert answer.status_code == 201


def test_a_stopped_server_is_backed_up_from_its_directory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Server(data) as server:
        with Writers(server) as writers:
            writers.wait_for(40)
        refused = run("backup", tmp_path / "no.tar.zst", "--data", data)
        assert refused.returncode == 2
        assert "--url" in refused.stderr
    file = tmp_path / "deck.tar.zst"
    done = run("backup", file, "--data", data)
    assert done.returncode == 0, done.stderr
    assert run("backup", file, "--data", data).returncode == 2  # the name is taken
    restored = tmp_path / "restored"
    assert run("restore", file, "--data", restored).returncode == 0
    assert sorted(counts(restored / "telemetry")["bodies"]) == sorted(writers.logs)
    assert "data/control.db" in verify(file).files
    nothing = run("backup", tmp_path / "x.tar.zst", "--data", tmp_path / "nothing")
    assert (nothing.returncode, "data_unknown" in nothing.stderr) == (2, True)
    assert not (tmp_path / "nothing").exists()


def test_only_an_admin_of_all_projects_takes_a_backup(own_server: Server) -> None:
    with own_server as server, server.client() as client:
        made = client.post("/api/keys", json={"name": "k", "kind": "secret", "role": "deployer"})
        assert made.status_code in (200, 201), made.text
        with server.client(made.json()["secret"]) as other:
            assert other.post("/api/backup").status_code == 403
        made = client.post(
            "/api/keys",
            json={"name": "p", "kind": "secret", "role": "admin", "projects": ["default"]},
        )
        with server.client(made.json()["secret"]) as other:
            assert other.post("/api/backup").status_code == 403
        with server.client(None) as nobody:
            assert nobody.post("/api/backup").status_code == 401


def test_a_client_that_goes_away_leaves_nothing_behind(own_server: Server) -> None:
    with own_server as server, server.client() as client:
        for _ in range(2):
            with client.stream("POST", "/api/backup") as response:
                assert response.status_code == 200
                next(response.iter_raw(10))
            staged = server.data / "backup-staging"
            deadline = time.monotonic() + 10
            while staged.exists() and any(staged.iterdir()):
                assert time.monotonic() < deadline, "the staging directory stays"
                time.sleep(0.05)
        with client.stream("POST", "/api/backup") as response:
            assert len(response.read()) > 1000
