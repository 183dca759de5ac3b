"""A consistent copy of the telemetry store, taken while it is written to.

The engine freezes its tables: every part, immutable once written, gets a second hard link
in a directory `shadow`. That costs milliseconds and no space, whatever the amount of data.
With the tables' definitions beside them, the links are a data directory that the engine
opens as its own. Its default database is known by one symbolic link alone (`metadata/default`
leads to a directory named by a random id), so the links belong to the copy.

All writers are held back while the tables are frozen, since one batch fills several of
them: a span and its share in the rollups are both in the copy, or neither is.

Rejected: `BACKUP` (not configured in the embedded engine), and copying rows out as Native
(minutes instead of milliseconds, and the rollups' states would have to be read too).
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.core.errors import Unprocessable
from quarterdeck.core.ids import new_id
from quarterdeck.store.telemetry import EmbeddedEngine

_LEFT_OUT = {"status", "tmp", "shadow", "preprocessed_configs"}
_LINK = re.compile(r"metadata/[A-Za-z0-9_%-]{1,200}")
_LINK_TARGET = re.compile(r"\.\./store/[0-9a-f]{3}/[0-9a-f-]{36}")


def telemetry_snapshot(engine: EmbeddedEngine, directory: Path) -> None:
    """Fill `directory`, on the engine's own disk, with what the store holds at one moment."""
    name = new_id("backup")
    shadow = engine.path / "shadow" / name
    try:
        with engine.writers_paused():
            for database, table in _tables(engine):
                engine.execute(f"ALTER TABLE `{database}`.`{table}` FREEZE WITH NAME '{name}'")
            _copy_definitions(engine.path, directory)
        _link_tree(shadow, directory)
    finally:
        shutil.rmtree(shadow, ignore_errors=True)


def telemetry_files(path: Path) -> Iterator[Path]:
    """Every file of a store at rest that a copy needs, relative to its directory."""
    for root, directories, names in os.walk(path):
        here = Path(root)
        if here == path:
            directories[:] = [d for d in directories if d not in _LEFT_OUT]
            names = [n for n in names if n not in _LEFT_OUT]
        for name in names:
            if not (here / name).is_symlink():
                yield (here / name).relative_to(path)


def telemetry_links(path: Path) -> dict[str, str]:
    """The links that tell the engine which directory is which database."""
    return {
        f"metadata/{link.name}": os.readlink(link)
        for link in sorted((path / "metadata").glob("*"))
        if link.is_symlink() and _LINK_TARGET.fullmatch(os.readlink(link))
    }


def make_link(path: Path, name: str, target: str) -> None:
    """One of those links in a copy; Unprocessable when it would lead elsewhere."""
    if not _LINK.fullmatch(name) or not _LINK_TARGET.fullmatch(target):
        raise Unprocessable(
            "backup_damaged",
            f"The backup holds a link {name[:80]!r} that leads where none may.",
            "Take another backup.",
        )
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).symlink_to(target)


def _tables(engine: EmbeddedEngine) -> list[tuple[str, str]]:
    found = engine.query(
        "backup_tables",
        "SELECT database, name FROM system.tables WHERE engine LIKE '%MergeTree' "
        "AND database != 'system' ORDER BY database, name",
        reserved=True,
    )
    return [(str(database), str(table)) for database, table in found.rows]


def _copy_definitions(source: Path, target: Path) -> None:
    """What tells the engine its databases and tables."""
    for file in telemetry_files(source):
        if file.suffix in {".sql", ".txt"} and _outside_parts(file):
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / file, target / file)
    for name, link in telemetry_links(source).items():
        make_link(target, name, link)


def _outside_parts(file: Path) -> bool:
    """`store/abc/UUID/spans.sql` is a definition; one level deeper lies a part."""
    return file.parts[0] != "store" or len(file.parts) <= 4


def _link_tree(source: Path, target: Path) -> None:
    for root, _, names in os.walk(source):
        here = target / Path(root).relative_to(source)
        here.mkdir(parents=True, exist_ok=True)
        for name in names:
            os.link(Path(root) / name, here / name)
