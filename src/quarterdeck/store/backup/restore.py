"""Bring a backup back into an empty directory, whole or not at all.

The archive is unpacked beside its destination and checked against its manifest before
anything takes its place, and nothing that exists is ever overwritten.
"""

import os
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from quarterdeck.core.clock import Clock
from quarterdeck.core.errors import BadInput, Conflict, NotFound, Unavailable, Unprocessable
from quarterdeck.core.ids import new_id
from quarterdeck.store.backup.archive import Manifest, discard, read_archive
from quarterdeck.store.backup.control import load_tables
from quarterdeck.store.backup.telemetry import make_link
from quarterdeck.store.control import FILE as CONTROL_FILE
from quarterdeck.store.control.migrate import known_revisions


def verify(file: Path) -> Manifest:
    """Read a whole archive and check it; nothing is written."""
    with _opened(file) as source:
        return read_archive(source, discard)


def restore(file: Path, data: Path, control_url: str, clock: Clock) -> Manifest:
    """Fill the directory, and the empty PostgreSQL database when the backup was of one."""
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise Conflict(
            "restore_not_empty",
            f"{data} is not an empty directory.",
            "Restore into a new directory, and start the server on that.",
        )
    # Inside a directory that exists, since that may be a mount of its own.
    above = data if data.exists() else data.absolute().parent
    staging = above / f".{new_id('restore')}"
    try:
        staging.mkdir(mode=0o700, parents=True)
        with _opened(file) as source:
            manifest = read_archive(source, lambda name, chunks: _keep(staging, name, chunks))
        _check_versions(manifest, control_url)
        (staging / "data").mkdir(exist_ok=True, mode=0o700)
        for name, target in manifest.links.items():
            make_link(staging / "data" / "telemetry", name, target)
        if manifest.control["dialect"] == "postgresql":
            load_tables(control_url, staging / "control", manifest.control["revision"], clock)
        _move(staging / "data", data)
        return manifest
    except OSError as error:
        raise Unavailable(
            "restore_failed",
            f"The backup cannot be unpacked: {error.strerror or error}.",
            "Nothing was restored. Look at the disk's space and rights, and try again.",
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb")
    except OSError as error:
        raise NotFound(
            "backup_unknown", f"{file}: {error.strerror}.", "Name the file of a backup."
        ) from error


def _keep(staging: Path, name: str, chunks: Iterator[bytes]) -> None:
    path = staging / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        for chunk in chunks:
            out.write(chunk)


def _check_versions(manifest: Manifest, control_url: str) -> None:
    """Refuse what this release cannot run, before anything is in place."""
    if _numbers(manifest.telemetry["engine"]) > _numbers(version("chdb-core")):
        raise _newer(manifest, f"telemetry engine {manifest.telemetry['engine']}")
    if manifest.control["revision"] not in known_revisions():
        raise _newer(manifest, f"control store revision {manifest.control['revision']}")
    postgres = manifest.control["dialect"] == "postgresql"
    if postgres and not control_url:
        raise BadInput(
            "restore_needs_database",
            "The backup's control store was on PostgreSQL.",
            "Name an empty database with --control-url.",
        )
    if control_url and not postgres:
        raise BadInput(
            "restore_needs_no_database",
            "The backup's control store is SQLite and goes into the directory.",
            "Leave --control-url out.",
        )


def _newer(manifest: Manifest, what: str) -> Unprocessable:
    return Unprocessable(
        "backup_newer",
        f"The backup has {what}, which this release does not know.",
        f"Restore with the release that made it, {manifest.made_by[:40]}, or a later one.",
    )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def _move(source: Path, data: Path) -> None:
    """The last step: renames alone, and the control store last, without which nothing starts."""
    if not data.exists():
        os.rename(source, data)
        return
    for path in sorted(source.iterdir(), key=lambda p: p.name == CONTROL_FILE):
        os.rename(path, data / path.name)
