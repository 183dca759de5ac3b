"""Files in, plan out: what `apply` and `diff` share."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from quarterdeck.cli.common import RemoteError, clean, note, read_text
from quarterdeck.core.errors import BadInput, QuarterdeckError
from quarterdeck.resources.yamltext import load_documents

files_argument: Callable[[Any], Any] = click.argument(
    "files", nargs=-1, required=True, metavar="FILE..."
)

_MARKS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "rename": (">", "yellow"),
    "delete": ("-", "red"),
    "unchanged": ("=", None),
}
_OWNERSHIP = {"origin", "source"}
_WORDS = {  # as a promise, and when it is done
    "create": ("to create", "created"),
    "update": ("to update", "updated"),
    "rename": ("to rename", "renamed"),
    "delete": ("to delete", "deleted"),
    "unchanged": ("unchanged", "unchanged"),
}


@dataclass(frozen=True, slots=True)
class Files:
    """Documents, where each stands, and what they are said to come from."""

    documents: list[Any]
    places: list[str]
    source: str


def read_files(names: Sequence[str], source: str | None) -> Files:
    """All documents of all files, in order. Files may hold none, as an export of nothing does."""
    paths = [path for name in names for path in _expand(name)]
    if not paths:
        raise BadInput(
            "files_missing",
            f"There is no .yaml or .yml file in {', '.join(names)}.",
            "Name files, or a directory that holds some.",
        )
    documents: list[Any] = []
    places: list[str] = []
    for path in paths:
        shown = "standard input" if path == "-" else path
        try:
            found = load_documents(read_text(path))
        except QuarterdeckError as error:
            if error.code != "file_unreadable":
                error.message = f"{shown}: {error.message}"
            raise
        documents += found
        places += [f"{shown}, document {number}" for number in range(1, len(found) + 1)]
    return Files(documents, places, source or _source(list(names)))


def _expand(name: str) -> list[str]:
    path = Path(name)
    if name == "-" or not path.is_dir():
        return [name]
    return [str(p) for p in sorted(path.rglob("*")) if p.suffix in {".yaml", ".yml"}]


def _source(names: list[str]) -> str:
    """The one file or directory as it was typed, or what several have above them."""
    if len(names) == 1:
        return "standard input" if names[0] == "-" else os.path.normpath(names[0])[-200:]
    above = os.path.commonpath([os.path.abspath(name) for name in names])
    if os.path.isfile(above):
        above = os.path.dirname(above)
    return os.path.basename(above) or "files"


@contextmanager
def with_places(found: Files) -> Iterator[None]:
    """Tell the server's flaws by file and document, each on a line of its own."""
    try:
        yield
    except RemoteError as error:
        flaws = error.details.get("errors")
        if not isinstance(flaws, list) or not flaws:
            raise
        for flaw in flaws:
            index = flaw.get("document")
            known = isinstance(index, int) and 0 <= index < len(found.places)
            place = found.places[index] if known else "documents"
            who = f" ({flaw['kind']}/{flaw['name']})" if flaw.get("name") else ""
            path = f"{flaw.get('path')} " if flaw.get("path") else ""
            note(clean(f"{place}{who}: {path}{flaw.get('message', '')}"))
        count = error.details.get("count", len(flaws))
        error.message = f"{count} {'flaw' if count == 1 else 'flaws'} in the documents."
        raise


def changes_of(plan: Any) -> list[Any]:
    """The lines of a plan that change something."""
    return [change for change in plan["changes"] if change["action"] != "unchanged"]


def without_ownership(plan: Any) -> tuple[Any, int]:
    """The plan without changes of origin and source, and how many resources had one."""
    changes, passed = [], 0
    for change in plan["changes"]:
        fields = [f for f in change["fields"] if f["path"] not in _OWNERSHIP]
        passed += len(fields) < len(change["fields"])
        same = change["action"] == "update" and not fields
        changes.append(
            {**change, "fields": fields, "action": "unchanged" if same else change["action"]}
        )
    summary = Counter(change["action"] for change in changes)
    return {**plan, "changes": changes, "summary": summary}, passed


def print_plan(plan: Any) -> None:
    """What changes, field by field, then how much."""
    for change in changes_of(plan):
        mark, colour = _MARKS[change["action"]]
        where = f"  ({change['project']})" if change["project"] else ""
        old = f"  was {change['previous_name']}" if change["previous_name"] else ""
        line = clean(f"{mark} {change['kind']}/{change['name']}{old}{where}")
        click.echo(click.style(line, fg=colour, bold=True))
        for field in change["fields"]:
            _print_field(change["action"], field)
    summary = plan["summary"]
    tense = 0 if plan["dry_run"] else 1
    told = [f"{summary[a]} {words[tense]}" for a, words in _WORDS.items() if summary.get(a)]
    click.echo(f"{', '.join(told) or 'Nothing to do'}.")
    for warning in plan["warnings"]:
        note(click.style("warning: ", fg="yellow", bold=True) + clean(warning))


def _print_field(action: str, field: Any) -> None:
    if action == "delete":
        return
    path = clean(field["path"])
    after = click.style(_value(field["after"]), fg="green")
    if action == "create":
        click.echo(f"    {path}: {after}")
    else:
        before = click.style(_value(field["before"]), fg="red")
        click.echo(f"    {path}: {before} -> {after}")


def _value(value: Any) -> str:
    if value is None:
        return "(none)"
    text = clean(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= 120 else text[:117] + "..."
