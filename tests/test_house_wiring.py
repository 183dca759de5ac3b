"""What the parts do for each other in a running server."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.server import Server


def wait(found: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():
            return True
        time.sleep(0.2)
    return False


def send_log(client: httpx.Client, project: str, environment: str) -> None:
    attributes = {"service.name": "shop", "deployment.environment.name": environment}
    body = {
        "resourceLogs": [
            {
                "resource": {
                    "attributes": [
                        {"key": key, "value": {"stringValue": value}}
                        for key, value in attributes.items()
                    ]
                },
                "scopeLogs": [
                    {
                        "logRecords": [
                            {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "hello"}}
                        ]
                    }
                ],
            }
        ]
    }
    answer = client.post("/v1/logs", json=body, headers={"X-Quarterdeck-Project": project})
    assert answer.status_code == 200, answer.text


@pytest.fixture
def project(server: Server, request: pytest.FixtureRequest) -> str:
    slug = f"wiring-{abs(hash(request.node.name)) % 10**8}"
    with server.client() as client:
        made = client.post("/api/projects", json={"slug": slug, "name": "Wiring"})
        assert made.status_code in (200, 201), made.text
    return slug


def test_an_environment_exists_once_telemetry_has_spoken_of_it(
    server: Server, project: str
) -> None:
    with server.client() as client:
        send_log(client, project, "staging")

        def known() -> bool:
            answer: dict[str, Any] = client.get(f"/api/projects/{project}").json()
            return "staging" in answer["environments"]

        assert wait(known)


COUNT_ROWS = """
import json, sys
from pathlib import Path
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.tables import TABLES

engine = EmbeddedEngine(Path(sys.argv[1]), memory_mb=1024)
try:
    found = {}
    for table in TABLES:
        for project, rows in engine.query(
            "count", f"SELECT project, count() FROM {table.name} GROUP BY project"
        ).rows:
            found.setdefault(project, {})[table.name] = rows
    print(json.dumps(found))
finally:
    engine.close()
"""


def rows_on_disk(data: Path) -> dict[int, dict[str, int]]:
    """Project → table → rows, from the engine itself; no server may be running."""
    done = subprocess.run(
        [sys.executable, "-c", COUNT_ROWS, str(data / "telemetry")],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, dict[str, int]] = json.loads(done.stdout)
    return {int(project): tables for project, tables in found.items()}


def test_the_telemetry_of_a_deleted_project_goes_with_it(own_server: Server) -> None:
    own_server.start()
    with own_server.client() as client:
        numbers = {}
        for slug in ("kept", "gone"):
            made = client.post("/api/projects", json={"slug": slug, "name": slug})
            numbers[slug] = made.raise_for_status().json()["id"]
            send_log(client, slug, "production")
    own_server.stop()
    before = rows_on_disk(own_server.data)
    assert before[numbers["gone"]] == before[numbers["kept"]]
    assert before[numbers["gone"]]["logs"] == 1

    own_server.start()
    with own_server.client() as client:
        deleted = client.request("DELETE", "/api/projects/gone", json={"confirm": "gone"})
        assert deleted.status_code in (200, 204), deleted.text

        def only_the_other() -> bool:
            tables = client.get("/api/storage").json()["server"]["tables"]  # of whatever project
            rows = {table["name"]: table["rows"] for table in tables}
            return all(rows[name] <= count for name, count in before[numbers["kept"]].items())

        assert wait(only_the_other)
    own_server.stop()
    after = rows_on_disk(own_server.data)
    assert numbers["gone"] not in after
    assert after[numbers["kept"]]["logs"] == 1


def test_a_watcher_is_told_that_data_has_arrived(server: Server, project: str) -> None:
    query = {"project": project, "topics": "logs"}
    with (
        server.client() as client,
        client.stream("GET", "/api/stream", params=query) as stream,
    ):
        lines = stream.iter_lines()
        assert next(lines) == "event: ping"
        with server.client() as sender:
            send_log(sender, project, "production")
        assert any(line == "event: log" for line in lines)
