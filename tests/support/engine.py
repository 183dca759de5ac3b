"""One real engine for the whole test process, since a process can open one directory only.

Tests keep out of each other's way by asking for a project of their own.
"""

import atexit
import itertools
import shutil
import tempfile
import threading
from pathlib import Path

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.store.telemetry import EmbeddedEngine

_lock = threading.Lock()
_engine: EmbeddedEngine | None = None
_projects = itertools.count(50_000)


def shared_engine() -> EmbeddedEngine:
    """The process's engine, in a directory that is gone when the process is."""
    global _engine
    with _lock:
        if _engine is None:
            path = Path(tempfile.mkdtemp(prefix="quarterdeck-engine-"))
            _engine = EmbeddedEngine(path, memory_mb=3072)
            atexit.register(_close, _engine, path)
        return _engine


def new_project(slug: str = "") -> ProjectRef:
    """A project that no other test has."""
    number = next(_projects)
    return ProjectRef(number, slug or f"project-{number}", f"Project {number}")


def _close(engine: EmbeddedEngine, path: Path) -> None:
    engine.close()
    shutil.rmtree(path, ignore_errors=True)
