"""A file that only its owner reads, written whole or not at all, and never over another."""

import contextlib
import os
import secrets
from pathlib import Path


def make_private_file(path: Path, text: str) -> None:
    """Make the file with mode 0600; one that is there already stays as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)
    fresh.unlink()
