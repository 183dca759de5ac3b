"""Processes of the demo: they end with the one that started them, and their words are kept in files."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the parent is gone (Linux; elsewhere signals do it)."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have gone between the fork and the request.
    if os.getppid() != parent:
        sys.exit(1)


class Child:
    """A Python module running as a process, in a group of its own.

    A group of its own, so that Ctrl-C reaches the launcher alone, which then ends its
    children in order.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, log: Path, module: str, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> "Child":
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=die_with_parent,
            )  # fmt: skip
        return cls(process)

    def write(self, line: str) -> None:
        """One line to its standard input."""
        if self._process.stdin is not None:
            self._process.stdin.write(line.encode() + b"\n")

    async def line(self, beginning: str = "") -> str:
        """The next line of its standard output that begins so; empty when there is none."""
        if self._process.stdout is None:
            return ""
        async for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            if text.startswith(beginning):
                return text
        return ""

    async def drain(self) -> None:
        """Read and drop what it still says, so that it never waits for a reader."""
        while await self.line("\0"):
            pass

    async def ended(self) -> int:
        return await self._process.wait()

    async def end(self, patience: float) -> None:
        """SIGTERM, and SIGKILL to its whole group when that does not do."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), patience)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
