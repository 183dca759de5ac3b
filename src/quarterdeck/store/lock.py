"""One process at a time in a data directory.

The lock is the kernel's (`flock`), so it goes when its holder goes, however that
ended. A process that was killed may hold it for a moment longer, hence the wait.
"""

import fcntl
import os
import time
from pathlib import Path

from quarterdeck.core.errors import Conflict, Unavailable

WAIT_SECONDS = 5.0


class DataLock:
    """Held until `close`, or until the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_data(directory: Path, wait_seconds: float = WAIT_SECONDS) -> DataLock:
    """Create the directory when it is missing, and hold it alone.

    Raises `data_unwritable` when it cannot be used and `data_locked`, naming the
    process, when another one still holds it after the wait.
    """
    path = directory / "lock"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(
            "data_unwritable",
            f"The data directory {directory} cannot be used: {error.strerror}.",
            "Choose another with --data, or give this user the right to write there.",
        ) from error
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise Conflict(
                "data_locked",
                f"The data directory {directory} is in use by process {holder}.",
                "Stop that process, or choose another directory with --data.",
                details={"pid": holder},
            ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return DataLock(descriptor)
