"""Commands that are not about resources, backup or the demo."""

import subprocess
import sys
from pathlib import Path

import httpx

from quarterdeck import __version__
from support.server import Server

EMAIL, FIRST, SECOND = "ada@example.com", "correct horse battery", "staple battery horse"


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "quarterdeck", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_version_is_printed() -> None:
    assert run("version").stdout == f"{__version__}\n"


def test_the_worker_says_why_it_has_no_work() -> None:
    ran = run("worker")
    assert ran.returncode == 2
    assert "code worker_not_available" in ran.stderr
    assert "PostgreSQL" in ran.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    ran = run("launch")
    assert ran.returncode == 2
    assert "No such command" in ran.stderr


def test_a_forgotten_password_is_replaced_while_the_server_runs(own_server: Server) -> None:
    own_server.start()
    account = {"email": EMAIL, "name": "Ada", "password": FIRST}
    assert httpx.post(f"{own_server.url}/api/setup", json=account).status_code in (200, 201)

    ran = run("password-reset", EMAIL, "--data", str(own_server.data))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith(f"{own_server.url}/reset/")
    token = ran.stdout.strip().rsplit("/", 1)[1]
    reset = httpx.post(f"{own_server.url}/api/reset/{token}", json={"password": SECOND})
    assert reset.status_code in (200, 204)

    def login(password: str) -> int:
        body = {"email": EMAIL, "password": password}
        return httpx.post(f"{own_server.url}/api/login", json=body).status_code

    assert login(FIRST) == 401
    assert login(SECOND) == 200
    again = httpx.post(f"{own_server.url}/api/reset/{token}", json={"password": FIRST})
    assert again.status_code == 404


def test_a_reset_where_there_is_no_server_creates_nothing(tmp_path: Path) -> None:
    ran = run("password-reset", EMAIL, "--data", str(tmp_path / "data"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: There is no Quarterdeck in ")
    assert ran.stderr.endswith(
        "Name the server's data directory with --data.\n       code data_unknown\n"
    )
    assert not (tmp_path / "data").exists()
