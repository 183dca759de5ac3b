"""Numbered SQL files, each run once, in order; the table `schema_versions` remembers.

A file is a list of statements separated by a semicolon at the end of a line. Statements
are written so that running one again does no harm (IF NOT EXISTS), because a kill can fall
between two of them: the version is recorded after the whole file has run.
"""

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from quarterdeck.core.errors import Conflict
from quarterdeck.store.telemetry.macros import expand

if TYPE_CHECKING:
    from quarterdeck.store.telemetry.engine import EmbeddedEngine

_NAME = re.compile(r"(\d{4})_\w+\.sql")


def schema_files() -> list[tuple[int, str]]:
    """(version, SQL) of every file, in order."""
    found = []
    for entry in files("quarterdeck.store.telemetry").joinpath("schema").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append((int(match.group(1)), entry.read_text()))
    return sorted(found)


def statements(sql: str) -> list[str]:
    """The statements of a file, macros expanded, comments removed."""
    without_comments = "\n".join(
        line for line in sql.splitlines() if not line.lstrip().startswith("--")
    )
    parts = (part.strip() for part in re.split(r";\s*(?:\n|$)", without_comments))
    return [expand(part) for part in parts if part]


def migrate(engine: "EmbeddedEngine") -> int:
    """Bring the store to the newest version; the number of files that ran."""
    engine.execute(
        "CREATE TABLE IF NOT EXISTS schema_versions (version UInt32, applied DateTime DEFAULT now())"
        " ENGINE = MergeTree ORDER BY version"
    )
    done = {
        row[0]
        for row in engine.query("schema_versions", "SELECT version FROM schema_versions").rows
    }
    known = schema_files()
    newer = done - {version for version, _ in known}
    if newer:
        raise Conflict(
            "store_newer",
            f"The telemetry store is at version {max(newer)}, newer than this Quarterdeck knows.",
            "Start the version that wrote it, or a later one.",
        )
    ran = 0
    for version, sql in known:
        if version in done:
            continue
        for statement in statements(sql):
            engine.execute(statement)
        engine.execute(f"INSERT INTO schema_versions (version) VALUES ({version})")
        ran += 1
    return ran
