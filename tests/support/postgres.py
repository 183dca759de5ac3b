"""A real PostgreSQL of one's own: made in a private directory, thrown away afterwards.

    with Postgres() as postgres:
        url = postgres.create_database()

The server refuses to run as root, so root runs it as the user postgres. `shared()` gives
one server per test process, stopped at its end; a test takes a database of its own.
"""

import atexit
import functools
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import psycopg

_FAST = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "shared_buffers=32MB",
    "max_connections=100",
)


# The server ends when the test process does, however that ends: then this input closes.
_KEEPER = '"$@" & read _; kill -QUIT $!; wait $!; rm -rf "$0"'


def binaries() -> Path:
    """Debian keeps them outside PATH, one directory a version."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda path: int(re.sub(r"\D", "", path.parent.name) or 0),
    )
    on_path = shutil.which("initdb")
    if not found and not on_path:
        raise RuntimeError("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1] if found else Path(str(on_path)).parent


class Postgres:
    """A server on a free port of 127.0.0.1; a context manager."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="quarterdeck-postgres-"))
        self.port = _free_port()
        self._data = self.directory / "data"
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> "Postgres":
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        initdb = [binaries() / "initdb", "-D", self._data, "-U", "postgres", "-A", "trust"]
        done = subprocess.run(
            _as_postgres([*initdb, "-E", "UTF8", "--locale=C", "--no-sync"]),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr[-2000:]}")
        server = [binaries() / "postgres", "-D", self._data, "-p", self.port, "-h", "127.0.0.1"]
        server += ["-k", self.directory, *(f"--{setting}" for setting in _FAST)]
        with (self.directory / "log").open("w") as log:
            self._keeper = subprocess.Popen(
                _as_postgres(["sh", "-c", _KEEPER, self.directory, *server]),
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )
        self._wait_answering()
        return self

    def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.communicate()  # closes its input
            self._keeper = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def _wait_answering(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError((self.directory / "log").read_text()[-2000:]) from error
                time.sleep(0.05)
            else:
                return

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "") -> str:
        """The address of a new database: empty, or a copy of the one at another address."""
        name = f"t{uuid.uuid4().hex[:16]}"
        copied = f" TEMPLATE {template.rpartition('/')[2]}" if template else ""
        with psycopg.connect(self.url(), autocommit=True) as conn:
            conn.execute(f"CREATE DATABASE {name}{copied}")  # type: ignore[call-overload,unused-ignore]
        return self.url(name)

    def drop_database(self, url: str) -> None:
        name = url.rpartition("/")[2]
        with psycopg.connect(self.url(), autocommit=True) as conn:
            conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")  # type: ignore[call-overload,unused-ignore]

    def __enter__(self) -> "Postgres":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


@functools.cache
def shared() -> Postgres:
    """The server of this test process."""
    server = Postgres()
    atexit.register(server.stop)
    return server.start()


def _as_postgres(command: Sequence[object]) -> list[str]:
    words = [str(word) for word in command]
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else words


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
