"""The last sign of life, in one small file whose age is the length of a gap.

While the server answers it touches the file twice a second; when it stops on request
it writes so into it. Whatever ended it (a crash, the out-of-memory killer, the plug),
the next start reads how long nothing ran, to half a second.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

BEAT_SECONDS = 0.5
_STOPPED = "stopped"
_RUNNING = "running"


@dataclass(frozen=True, slots=True)
class LastLife:
    """When the server last ran, and whether it was asked to stop."""

    until_ms: int
    planned: bool


class Alive:
    """The file of one data directory; only the holder of its lock uses it."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "alive"
        self._living = False

    def last(self) -> LastLife | None:
        """None when the server never ran here."""
        try:
            planned = self._path.read_text().split()[:1] == [_STOPPED]
            return LastLife(self._path.stat().st_mtime_ns // 1_000_000, planned)
        except FileNotFoundError:
            return None

    def address(self) -> str:
        """Where the server answered when it last began; commands beside it make links with it."""
        try:
            words = self._path.read_text().split()
        except FileNotFoundError:
            return ""
        return words[1] if len(words) > 1 else ""

    def began(self, address: str = "") -> None:
        self._write(_RUNNING, address)
        self._living = True

    def beat(self) -> None:
        now = time.time()
        os.utime(self._path, (now, now))

    def stopped(self) -> None:
        """The end was asked for; a start that never got so far changes nothing."""
        if self._living:
            self._write(_STOPPED, self.address())
            self._living = False

    def _write(self, state: str, address: str) -> None:
        self._path.write_text(f"{state} {address}".strip() + "\n")
