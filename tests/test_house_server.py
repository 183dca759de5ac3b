"""A real server: how it starts, answers, dies, comes back and stops."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from quarterdeck.supervisor import REFUSED
from support.server import ADMIN_KEY, Server


def health(server: Server) -> dict[str, object]:
    answer = httpx.get(f"{server.url}/api/health", timeout=10)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def metric(server: Server, name: str) -> float:
    with server.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name + " ")).split()[-1])


def test_health_names_every_part_with_status_and_time(server: Server) -> None:
    found = health(server)
    assert found["status"] == "ok"
    components = found["components"]
    assert isinstance(components, dict)
    assert set(components) >= {"control", "telemetry", "ingest", "disk", "memory"}
    assert all(part["status"] == "ok" and part["ms"] >= 0 for part in components.values())


def test_health_answers_head_without_a_body(server: Server) -> None:
    answer = httpx.head(f"{server.url}/api/health")
    assert (answer.status_code, answer.content) == (200, b"")


def test_metrics_are_for_those_who_may_read(server: Server) -> None:
    assert httpx.get(f"{server.url}/metrics").status_code == 401
    with server.client() as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "# TYPE quarterdeck_http_requests_total counter" in answer.text
    assert metric(server, "quarterdeck_process_resident_bytes") > 50_000_000


def test_every_answer_carries_the_security_headers(server: Server) -> None:
    for method, url in (
        ("GET", f"{server.url}/"),
        ("GET", f"{server.url}/api/health"),
        ("GET", f"{server.url}/api/none"),
        ("POST", f"{server.url}/v1/traces"),
        ("POST", f"http://127.0.0.1:{server.otlp_http_port}/v1/traces"),
    ):
        headers = httpx.request(method, url).headers
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert headers["permissions-policy"] == "camera=(), microphone=(), geolocation=()"
        assert "server" not in headers


def test_the_otlp_port_serves_ingest_and_nothing_else(server: Server) -> None:
    address = f"http://127.0.0.1:{server.otlp_http_port}"
    assert httpx.post(f"{address}/v1/traces").status_code == 401
    for path in ("/", "/api/health", "/metrics"):
        assert httpx.get(address + path).status_code == 404


def test_a_killed_child_is_back_within_five_seconds_and_the_gap_is_told(
    own_server: Server,
) -> None:
    began = time.monotonic()
    own_server.start()
    first = time.monotonic() - began
    assert metric(own_server, "quarterdeck_restarts_total") == 0
    killed = own_server.child()
    os.kill(killed, signal.SIGKILL)
    began = time.monotonic()
    own_server.wait_ready()
    # Five seconds, or on a machine that is busy with something else, what a start takes there.
    assert time.monotonic() - began < max(5, 1.5 * first)
    assert own_server.child() != killed
    found = health(own_server)
    assert found["restarts"] == 1
    gap = found["last_gap"]
    assert isinstance(gap, dict)
    assert gap["reason"] == "killed by SIGKILL"
    assert 0 < gap["seconds"] < max(6, 2 * first)
    assert metric(own_server, "quarterdeck_restarts_total") == 1
    assert metric(own_server, "quarterdeck_gap_seconds_total") == pytest.approx(gap["seconds"])
    assert "Nothing ran for a while." in own_server.log


def test_a_pulled_plug_is_a_gap_and_a_requested_stop_is_none(own_server: Server) -> None:
    own_server.start()
    own_server.kill()
    own_server.start()
    assert health(own_server)["last_gap"] is not None
    assert own_server.stop() == 0
    own_server.start()
    assert health(own_server)["last_gap"] is None
    assert metric(own_server, "quarterdeck_restarts_total") == 1


def test_a_killed_supervisor_leaves_the_data_directory_free(own_server: Server) -> None:
    own_server.start()
    os.kill(own_server.pid, signal.SIGKILL)
    assert own_server.process is not None
    own_server.process.wait()
    own_server.start()
    assert health(own_server)["status"] == "ok"


def test_stopping_ends_open_streams_well(own_server: Server) -> None:
    own_server.start()
    with own_server.client() as client, client.stream("GET", "/api/stream") as stream:
        chunks = stream.iter_bytes()
        assert b"event: ping" in next(chunks)
        assert own_server.process is not None
        own_server.process.terminate()
        assert list(chunks) == []  # ended by the server, not broken off
    assert own_server.process.wait(30) == 0


def test_stopping_finishes_the_requests_that_run(own_server: Server) -> None:
    """A request that the server has begun to read, whose body is still on its way."""
    own_server.start()
    host, _, port = own_server.url.removeprefix("http://").partition(":")
    head = (
        f"POST /v1/traces HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
        "Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode())
        assert b" 100 " in connection.recv(1024)  # now it is being read
        assert own_server.process is not None
        own_server.process.terminate()
        time.sleep(0.5)
        connection.sendall(b"{}")
        assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")
    assert own_server.process.wait(30) == 0


def run(*options: str, data: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "quarterdeck", "serve", "--data", str(data), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_second_server_in_the_same_directory_is_refused_by_name(own_server: Server) -> None:
    own_server.start()
    second = run("--port", "0", "--otlp-grpc-port", "0", data=own_server.data)
    assert second.returncode == REFUSED
    assert f"in use by process {own_server.child()}" in second.stderr
    assert "[data_locked]" in second.stderr


def test_a_chosen_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("--port", str(port), data=tmp_path / "data")
    assert refused.returncode == REFUSED
    assert "[port_unavailable]" in refused.stderr
    assert str(port) in refused.stderr


def test_a_setting_that_does_not_parse_is_refused_by_name(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("retention_dayz: 7\n")
    refused = run("--config", str(config), data=tmp_path / "data")
    assert refused.returncode == REFUSED
    assert "retention_dayz" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    refused = run("--port", "99999", data=tmp_path / "data")
    assert refused.returncode == REFUSED
    assert "--port: '99999' is not allowed. [setting_invalid]" in refused.stderr
    assert "0 to 65535" in refused.stderr
    assert not (tmp_path / "data").exists()


def test_secrets_of_the_settings_reach_no_log(own_server: Server) -> None:
    own_server.start()
    with own_server.client() as client:
        client.get("/api/none", params={"key": own_server.admin_key})
        client.post("/api/login", json={"email": "a@b.test", "password": "hunter2hunter2"})
    own_server.stop()
    assert own_server.admin_key not in own_server.log
    assert "hunter2" not in own_server.log
