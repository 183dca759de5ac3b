"""`quarterdeck agent` in a process of its own, as somebody would start it on a machine."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from support.server import ADMIN_KEY, Server


@dataclass
class Agent:
    """Writes to the project `default` of a server; a context manager that ends it well."""

    server: Server
    directory: Path
    options: tuple[str, ...] = ()
    key: str = ADMIN_KEY
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def log(self) -> str:
        return (self.directory / "agent.log").read_text()

    def start(self) -> "Agent":
        command = [sys.executable, "-m", "quarterdeck", "agent", "--url", self.server.url]
        command += ["--buffer", str(self.directory / "buffer"), "--interval", "1s", *self.options]
        with (self.directory / "agent.log").open("a") as log:
            self.process = subprocess.Popen(
                command, stderr=log, env={**os.environ, "QUARTERDECK_KEY": self.key}
            )
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """The plug."""
        os.kill(self.pid, signal.SIGKILL)
        assert self.process is not None
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def __enter__(self) -> "Agent":
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
