"""`quarterdeck backup` copies everything Quarterdeck keeps into one file."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import click

from quarterdeck.cli.common import note, server, server_options
from quarterdeck.core.clock import SystemClock
from quarterdeck.core.errors import Conflict, Unavailable
from quarterdeck.core.ids import new_id

_SECONDS = 600  # longest silence of a server that takes a backup


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Back up this data directory, which no server is using, instead of asking a server.",
)
@server_options
def command(file: Path, data: Path | None, url: str, key: str | None, project: str | None) -> None:
    """Copy Quarterdeck's state while it runs.

    The running server at --url takes the backup and sends it; with --data, a directory
    that no server uses is read. FILE (such as deck.tar.zst) holds accounts, resources,
    state, telemetry, blobs and the key of the secrets: keep it as safe as the server.
    It is checked before it gets its name.
    """
    from quarterdeck.store.backup.archive import Manifest
    from quarterdeck.store.backup.restore import verify

    if file.exists():
        raise Conflict("backup_exists", f"{file} exists already.", "Choose another name.")
    part = file.with_name(f".{file.name}.{new_id('part')}")
    try:
        if data is not None:
            _of_directory(data, part)
        else:
            with (
                server(url, key, None, _SECONDS) as remote,
                remote.download("/api/backup") as chunks,
            ):
                _keep(part, chunks)
        manifest: Manifest = verify(part)
        os.link(part, file)  # fails, rather than overwrites, when the name was taken meanwhile
    except OSError as error:
        raise Unavailable(
            "backup_failed",
            f"{file} cannot be written: {error.strerror or error}.",
            "Look at the disk's space and rights.",
        ) from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    size = file.stat().st_size
    click.echo(
        f"{file}: {len(manifest.files)} files, {_mb(manifest.size)} in {_mb(size)}, checked."
    )
    if manifest.sealing_key == "setting":
        note("The key of the secrets is a setting (secret_key) and not in the file: keep it too.")
    if manifest.blobs == "elsewhere":
        note("The blobs are kept elsewhere (blobs_url) and not in the file.")


def _of_directory(data: Path, part: Path) -> None:
    from quarterdeck.store.backup.take import snapshot_at_rest

    with snapshot_at_rest(data, SystemClock()) as snapshot, _private(part) as out:
        snapshot.write(out)


def _keep(part: Path, chunks: Iterable[bytes]) -> None:
    with _private(part) as out:
        for chunk in chunks:
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())


def _private(path: Path) -> BinaryIO:
    """A new file that only its owner reads: it holds the key of the secrets."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
