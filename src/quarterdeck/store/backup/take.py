"""Take a backup of everything Quarterdeck keeps.

What is in it: the control store, the key that its secrets are sealed with, the telemetry
store and, when they are kept on this machine, the blobs. Live, each store is first copied
at one moment, beside itself on the same disk, and the copies are then read at leisure:
nobody waits for the archive to be written. The control store comes first and the blobs
last, so a blob that the copy speaks of is there. Everything that was acknowledged before
the backup began is in it.
"""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from quarterdeck import __version__
from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.errors import Conflict, NotFound
from quarterdeck.core.ids import new_id
from quarterdeck.store.backup.archive import ArchiveWriter, Manifest, Sink
from quarterdeck.store.backup.control import control_snapshot, copy_sqlite
from quarterdeck.store.backup.telemetry import telemetry_files, telemetry_links, telemetry_snapshot
from quarterdeck.store.control import FILE as CONTROL_FILE
from quarterdeck.store.control import ControlStore
from quarterdeck.store.lock import lock_data
from quarterdeck.store.telemetry import EmbeddedEngine

KEY_FILE = "secret.key"
TELEMETRY = "telemetry"
BLOBS = "blobs"
STAGING = "backup-staging"


class Snapshot:
    """Copies of the stores, ready to be written into an archive."""

    def __init__(self, data: Path, staging: Path, blobs: Path | None, manifest: Manifest) -> None:
        self._data = data
        self._staging = staging
        self._blobs = blobs
        self._manifest = manifest

    def write(self, sink: Sink) -> Manifest:
        """Write the archive. Blocks; for a thread."""
        archive = ArchiveWriter(sink, self._manifest)
        for path in _files(self._staging / "data"):
            archive.add(f"data/{path.relative_to(self._staging / 'data').as_posix()}", path)
        for path in _files(self._staging / "control"):
            archive.add(f"control/{path.name}", path)
        if (self._data / KEY_FILE).exists():
            archive.add(f"data/{KEY_FILE}", self._data / KEY_FILE)
        telemetry = self._staging / TELEMETRY
        if not telemetry.exists():
            telemetry = self._data / TELEMETRY  # at rest: read where it is
        for file in telemetry_files(telemetry):
            archive.add(f"data/{TELEMETRY}/{file.as_posix()}", telemetry / file)
        if self._blobs is not None:
            for path in _files(self._blobs):
                archive.add(f"data/{BLOBS}/{path.relative_to(self._blobs).as_posix()}", path)
        self._manifest.links = telemetry_links(telemetry)
        archive.finish()
        return self._manifest

    def discard(self) -> None:
        shutil.rmtree(self._staging, ignore_errors=True)


async def snapshot_live(
    data: Path, control: ControlStore, engine: EmbeddedEngine, blobs: Path | None, clock: Clock
) -> Snapshot:
    """Copy the stores of a running server; the caller discards the snapshot."""
    staging = _staging(data)
    try:
        created = now_ms(clock)
        into = staging / ("data" if control.path is not None else "control")
        revision = await control_snapshot(control, into)
        await asyncio.to_thread(telemetry_snapshot, engine, staging / TELEMETRY)
        manifest = _manifest(data, created, control.dialect, revision, blobs)
        return Snapshot(data, staging, blobs, manifest)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


@contextmanager
def snapshot_at_rest(data: Path, clock: Clock) -> Iterator[Snapshot]:
    """A data directory that no server uses, held for as long as the snapshot is."""
    if not (data / CONTROL_FILE).exists():
        raise NotFound(
            "data_unknown",
            f"{data} holds no {CONTROL_FILE}, so it is not the data directory of a server "
            "with SQLite.",
            "Name the directory with --data; with PostgreSQL, back up from the running "
            "server with --url.",
        )
    try:
        lock = lock_data(data, wait_seconds=0)
    except Conflict as error:
        error.hint = "Take the backup from the running server: --url instead of --data."
        raise
    staging = _staging(data)
    try:
        revision = copy_sqlite(data / CONTROL_FILE, staging / "data" / CONTROL_FILE)
        blobs = data / BLOBS
        manifest = _manifest(data, now_ms(clock), "sqlite", revision, blobs)
        yield Snapshot(data, staging, blobs, manifest)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        lock.close()


def clear_leftovers(data: Path, engine: EmbeddedEngine) -> None:
    """Free what a backup that was killed held on the disk; called before any is taken."""
    shutil.rmtree(data / STAGING, ignore_errors=True)
    shutil.rmtree(engine.path / "shadow", ignore_errors=True)


def _staging(data: Path) -> Path:
    staging = data / STAGING / new_id("backup")
    for name in ("data", "control"):
        (staging / name).mkdir(parents=True, mode=0o700)
    return staging


def _manifest(
    data: Path, created: int, dialect: str, revision: str, blobs: Path | None
) -> Manifest:
    return Manifest(
        made_by=__version__,
        created_at=created,
        control={"dialect": dialect, "revision": revision},
        telemetry={"engine": version("chdb-core")},
        blobs="elsewhere" if blobs is None else "included",
        sealing_key="included" if (data / KEY_FILE).exists() else "setting",
    )


def _files(directory: Path) -> Iterator[Path]:
    if directory.exists():
        for path in sorted(directory.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path
