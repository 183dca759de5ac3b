"""A real server in its own processes, as a customer would start it."""

import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import httpx

ADMIN_KEY = "qd_test_admin_key_0123456789abcdef0123456789"
START_SECONDS = 30.0


def free_port() -> int:
    """Below the range from which the kernel takes ports for outgoing connections, so that
    nobody else gets it between now and its use."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@dataclass
class Server:
    """`quarterdeck serve` on free ports; a context manager that stops it well."""

    data: Path
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    otlp_http_port: int = field(default_factory=free_port)
    otlp_grpc_port: int = field(default_factory=free_port)
    admin_key: str = ADMIN_KEY
    process: "subprocess.Popen[str] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The supervisor, or the server itself with --no-supervisor."""
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    @property
    def _log_path(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    def start(self) -> "Server":
        """Returns when the line `ready http…` has been printed."""
        command = [sys.executable, "-m", "quarterdeck", "serve", "--data", str(self.data)]
        command += ["--port", str(self.port), "--otlp-http-port", str(self.otlp_http_port)]
        command += ["--otlp-grpc-port", str(self.otlp_grpc_port), *self.options]
        environment = {
            **os.environ,
            "QUARTERDECK_ADMIN_KEY": self.admin_key,
            "QUARTERDECK_HOST_METRICS_SECONDS": "0",  # no data that the test did not send
            **self.environment,
        }
        with self._log_path.open("a") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
            )
        self.wait_ready()
        return self

    def wait_ready(self) -> str:
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        while line.startswith("set up http"):  # what the start before has printed beside it
            line = self.process.stdout.readline()
        if not line.startswith("ready http"):
            self.process.kill()
            raise AssertionError(f"the server did not start: {line!r}\n{self.log[-4000:]}")
        return line

    def wait_answering(self, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/api/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"no answer within {seconds} s\n{self.log[-4000:]}")

    def client(self, key: str | None = ADMIN_KEY, timeout: float = 30.0) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout)

    def child(self) -> int:
        """The process that does the work, below the supervisor."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return int(children[0])

    def kill(self) -> None:
        """The plug: supervisor and child, at once."""
        assert self.process is not None
        for pid in (self.pid, *map(int, _children(self.pid))):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return self.process.returncode

    def __enter__(self) -> "Server":
        return self if self.process is not None else self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []


def temporary_data() -> Path:
    """A fresh data directory outside the test's own, for servers that many tests share."""
    return Path(tempfile.mkdtemp(prefix="quarterdeck-")) / "data"
