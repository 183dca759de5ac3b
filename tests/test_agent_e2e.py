"""A real agent beside a real server: what is measured and written arrives, whoever is killed."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.agent import Agent
from support.server import Server
from support.usage import MIB, resident_bytes

PATIENCE_S = 40.0


def wait(found: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """The first answer that is something."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, "it has not come"
        time.sleep(0.2)
    return answer


def rows(server: Server, sql: str) -> list[list[Any]]:
    with server.client() as client:
        answer = client.post("/api/sql", json={"sql": sql})
    assert answer.status_code == 200, answer.text
    found: list[list[Any]] = answer.json()["rows"]
    return found


def lines(server: Server, service: str) -> list[str]:
    sql = f"SELECT body FROM logs WHERE service = '{service}' ORDER BY time LIMIT 10000"
    return [str(body) for (body,) in rows(server, sql)]


def write(path: Path, *texts: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{text}\n" for text in texts)


def test_a_machine_appears_among_the_hosts(server: Server, tmp_path: Path) -> None:
    with Agent(server, tmp_path, ("--name", "tower", "--environment", "lab")) as agent:
        now = int(time.time() * 1000)
        span = {"from": now - 600_000, "to": now + 600_000}

        def listed() -> list[Any]:
            with server.client() as client:
                items = client.get("/api/hosts", params=span).raise_for_status().json()["items"]
            return [each for each in items if each["host"] == "tower" and each["network_points"]]

        [row] = wait(listed)
        assert row["environment"] == "lab"
        assert 0 <= row["cpu"] <= 1
        assert row["memory_bytes"] > 0
        assert row["disk"]["size_bytes"] > 0
        with server.client() as client:
            host = client.get("/api/hosts/tower", params=span).raise_for_status().json()
        assert {"host.id", "host.arch", "os.type", "os.description"} <= host["resource"].keys()
        assert {"used", "free"} <= host["memory"].keys()
        assert any(each["name"].startswith("python") for each in host["programs"])
        assert resident_bytes(agent.pid) < 60 * MIB
        assert agent.stop() == 0


def test_lines_wait_for_a_server_that_is_away_and_arrive_once(
    own_server: Server, tmp_path: Path
) -> None:
    server, log = own_server.start(), tmp_path / "app.log"
    write(log, "before")
    with Agent(server, tmp_path, ("--file", str(log), "--service", "waiting")) as agent:
        wait(lambda: lines(server, "waiting") == ["before"])
        server.kill()
        write(log, *(f"while it was away {number}" for number in range(50)))
        wait(lambda: "does not take data" in agent.log)
        server.start()
        write(log, "after")
        wait(lambda: "after" in lines(server, "waiting"))
        sent = ["before", *(f"while it was away {number}" for number in range(50)), "after"]
        assert sorted(lines(server, "waiting")) == sorted(sent)
        # Points that were measured meanwhile came too: one a second, and none is missing.
        seconds = wait(
            lambda: rows(
                server,
                "SELECT max(gap) FROM (SELECT dateDiff('second', lagInFrame(time, 1, time) OVER"
                " (ORDER BY time), time) AS gap FROM samples WHERE metric = 'system.uptime')",
            )
        )
        assert int(seconds[0][0]) <= 4


def test_a_killed_agent_goes_on_where_it_was(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    agent = Agent(server, tmp_path, ("--file", str(log), "--service", "killed", "--no-metrics"))
    written: list[str] = []
    for turn in range(4):
        texts = [f"{turn}.{number} {'z' * 200}" for number in range(2_000)]
        write(log, *texts)
        written += texts
        agent.start()
        time.sleep(0.4 + 0.3 * turn)  # in the middle of reading, or of sending
        agent.kill()
    with agent:
        wait(lambda: written[-1] in lines(server, "killed"))
    found = lines(server, "killed")
    assert set(found) == set(written)
    # What a kill keeps from being noted as sent is sent again: a request, not more.
    assert len(found) - len(written) <= 4 * 2_000


def test_an_agent_that_is_told_to_end_sends_what_it_has(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    write(log, "the first")
    options = ("--file", str(log), "--service", "ending", "--no-metrics", "--name", "quay")
    with Agent(server, tmp_path, options) as agent:
        wait(lambda: lines(server, "ending"))
        write(log, "the last")
        time.sleep(2)  # it has been read, or it will be
        assert agent.stop() == 0
    assert lines(server, "ending") == ["the first", "the last"]
    now = int(time.time() * 1000)
    span = {"from": now - 600_000, "to": now + 600_000}
    with server.client() as client:
        found = client.get("/api/logs", params={**span, "q": 'host.name:"quay"'}).json()["items"]
        services = client.get("/api/hosts/quay/services", params=span).json()
    assert {each["service"] for each in found} == {"ending"}
    assert services == [{"service": "ending", "spans": 0, "logs": 2}]


def test_a_wrong_key_loses_nothing(server: Server, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    write(log, "patience")
    options = ("--file", str(log), "--service", "keyless", "--no-metrics")
    with Agent(server, tmp_path, options, key="qd_not_a_key") as agent:
        wait(lambda: '"status": 401' in agent.log)
    with Agent(server, tmp_path, options):
        wait(lambda: lines(server, "keyless") == ["patience"])


def test_two_agents_do_not_share_a_buffer(server: Server, tmp_path: Path) -> None:
    with Agent(server, tmp_path) as first:
        wait(lambda: "The agent runs" in first.log)
        second = Agent(server, tmp_path).start()
        assert second.process is not None
        assert second.process.wait(20) == 2
        assert "agent_buffer_taken" in first.log


def test_a_server_tells_of_its_own_machine(tmp_path: Path) -> None:
    with Server(tmp_path / "data", environment={"QUARTERDECK_HOST_METRICS_SECONDS": "1"}) as server:
        now = int(time.time() * 1000)
        span = {"from": now - 600_000, "to": now + 600_000}

        def listed() -> list[Any]:
            with server.client() as client:
                found: list[Any] = client.get("/api/hosts", params=span).json()["items"]
            return found

        [row] = wait(listed)
        assert row["host"] == socket.gethostname()
        assert row["memory"] > 0
