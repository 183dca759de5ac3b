"""What a process uses, read from the kernel: anonymous memory, resident memory, processor time."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

MIB = 1_048_576


def anonymous_bytes(pid: int) -> int:
    """Memory that belongs to the process alone, without the libraries it maps."""
    return _status(pid, "RssAnon")


def resident_bytes(pid: int) -> int:
    return _status(pid, "VmRSS")


def cpu_seconds(pid: int) -> float:
    """Processor time of all threads since the process began."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    return 0


class Peak:
    """Watches a figure from a thread and remembers the highest value seen.

    with Peak(lambda: anonymous_bytes(pid)) as memory:
        ...
    assert memory.highest < 1024 * MIB
    """

    def __init__(self, read: Callable[[], float], every_seconds: float = 0.05) -> None:
        self.highest = 0.0
        self._read = read
        self._every = every_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ended.wait(self._every):
            try:
                self.highest = max(self.highest, self._read())
            except (OSError, ProcessLookupError):
                continue

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
