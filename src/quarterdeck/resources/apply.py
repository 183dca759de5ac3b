"""Config as code: many documents become true in one transaction, or none does.

The plan is not guessed: everything is really written, references are checked on what
then stands, and a dry run rolls back. So a dry run cannot promise what apply refuses, except to
those who may read but not write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from quarterdeck.accounts.tables import secrets as secrets_table
from quarterdeck.core.errors import Conflict
from quarterdeck.core.permissions import Principal
from quarterdeck.core.web import check
from quarterdeck.resources.change import Change, find, record_of
from quarterdeck.resources.documents import Document, DocumentFlaw, documents_invalid
from quarterdeck.resources.kind import Flaw, Kinds, spec_json
from quarterdeck.resources.record import Action, FieldChange, Resource, field_changes
from quarterdeck.resources.spec import dotted, secrets
from quarterdeck.resources.tables import resources


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: documents with the project of each, and where they come from."""

    documents: Sequence[Document]
    projects: Sequence[int | None]
    source: str  # empty when a person applies by hand
    prune: bool = False
    prune_in: frozenset[int | None] = frozenset()  # None stands for what belongs to all projects
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """One line of the plan."""

    action: Action
    kind: str
    name: str
    project_id: int | None
    document: int | None  # none for what the files do not name: pruned, or mended
    fields: tuple[FieldChange, ...] = ()
    previous_name: str | None = None

    def json(self, project: str | None) -> dict[str, Any]:
        return {
            "action": self.action,
            "kind": self.kind,
            "name": self.name,
            "project": project,
            "document": self.document,
            "previous_name": self.previous_name,
            "fields": [change.json() for change in self.fields],
        }


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Planned, ...]
    warnings: tuple[str, ...]

    def summary(self) -> dict[str, int]:
        counts = {"create": 0, "update": 0, "rename": 0, "delete": 0, "unchanged": 0}
        for change in self.changes:
            counts[change.action] += 1
        return counts


class DryRun(Exception):
    """Carries the plan out of a transaction that must not commit."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("dry run")
        self.plan = plan


def apply(conn: Connection, kinds: Kinds, who: Principal, order: Order) -> Plan:
    """Make the documents true; raises `DryRun` with the plan instead of committing one."""
    _refuse_twins(order)
    change = Change(conn, kinds, who, "file" if order.source else "ui", order.source)
    planned: list[Planned] = []
    warnings: list[str] = []
    kept: set[str] = set()
    for document, project_id in zip(order.documents, order.projects, strict=True):
        line, record = _one(change, document, project_id, warnings)
        planned.append(line)
        kept.add(record.id)
    settled = change.settle()
    if settled.missing:
        raise documents_invalid(_locate(order, settled.missing))
    planned += [
        Planned("update", a.kind, a.name, a.project_id, None, _fields(b.spec, a.spec))
        for b, a in settled.mended
    ]
    if order.prune:
        planned += _prune(change, order, kept)
    warnings += _unset_secrets(conn, order.documents)
    plan = Plan(tuple(planned), tuple(warnings))
    if order.dry_run:
        raise DryRun(plan)
    return plan


def _refuse_twins(order: Order) -> None:
    """The same resource twice, once by the default project and once by its name."""
    seen: dict[tuple[str, int | None, str], Document] = {}
    for document, project_id in zip(order.documents, order.projects, strict=True):
        key = (document.kind.name, project_id, document.name)
        first = seen.setdefault(key, document)
        if first is not document:
            flaw = Flaw("name", f"is given twice: document {first.index + 1} has it too")
            raise documents_invalid([_flaw(document, flaw)])


def _one(
    change: Change, document: Document, project_id: int | None, warnings: list[str]
) -> tuple[Planned, Resource]:
    """One document made true."""
    kind, name = document.kind, document.name

    def line(action: Action, fields: tuple[FieldChange, ...]) -> Planned:
        old = document.previous_name if action == "rename" else None
        return Planned(action, kind.name, name, project_id, document.index, fields, old)

    before = find(change.conn, kind.name, project_id, name)
    renamed = False
    if before is None and document.previous_name is not None:
        earlier = find(change.conn, kind.name, project_id, document.previous_name)
        if earlier is not None:
            _check_owner(change, earlier, warnings)
            before, renamed = change.rename(earlier, name), True
    if before is None:
        record = change.create(kind, project_id, name, document.spec)
        return line("create", _fields({}, spec_json(document.spec, terse=True))), record
    _check_owner(change, before, warnings)
    fields = _fields(before.spec, spec_json(document.spec))
    if change.origin == "file":  # a person who applies what already is so need not own it
        fields += _ownership(before, change)
    if not fields:
        return line("rename" if renamed else "unchanged", ()), before
    after = change.update(before, document.spec)
    return line("rename" if renamed else "update", fields), after


def _ownership(before: Resource, change: Change) -> tuple[FieldChange, ...]:
    pairs = (
        FieldChange("origin", before.origin, change.origin),
        FieldChange("source", before.source, change.source),
    )
    return tuple(pair for pair in pairs if pair.before != pair.after)


def _check_owner(change: Change, record: Resource, warnings: list[str]) -> None:
    """A person does not overwrite a file's resource; a file that takes one over says so."""
    if change.origin != "file":
        refuse_file(record)
    elif record.origin == "file" and record.source != change.source:
        note = f"{record.target} passes from the source {record.source!r} to {change.source!r}."
        if note not in warnings:
            warnings.append(note)


def refuse_file(record: Resource) -> None:
    """Raise when a file owns the resource."""
    if record.origin == "file":
        raise Conflict(
            "resource_from_file",
            f"{record.target} comes from the file {record.source!r} and is read-only here.",
            "Change the file and run `quarterdeck apply`, or release the resource from its file.",
            details={"source": record.source},
        )


def _prune(change: Change, order: Order, kept: set[str]) -> list[Planned]:
    """Delete what the same source applied before and no longer names, in the projects at hand.

    Another repository may well have a file of the same name: what it applied to other projects
    is not ours to delete.
    """
    rows = change.conn.execute(
        select(resources).where(
            resources.c.origin == "file",
            resources.c.source == order.source,
        )
    ).all()
    dropped = [
        record
        for record in map(record_of, rows)
        if record.id not in kept and record.project_id in order.prune_in
    ]
    dropped.sort(key=lambda r: (r.kind, r.name))
    if not order.dry_run:
        for record in dropped:
            check(change.who, change.kinds.named(record.kind).write)
    change.remove(*dropped)
    return [
        Planned("delete", r.kind, r.name, r.project_id, None, _fields(r.spec, {})) for r in dropped
    ]


def _locate(order: Order, missing: Sequence[tuple[Resource, Flaw]]) -> list[DocumentFlaw]:
    by_key = {
        (document.kind.name, project_id, document.name): document
        for document, project_id in zip(order.documents, order.projects, strict=True)
    }
    return [
        _flaw(by_key[(r.kind, r.project_id, r.name)], Flaw(f"spec.{flaw.path}", flaw.message))
        for r, flaw in missing
    ]


def _flaw(document: Document, flaw: Flaw) -> DocumentFlaw:
    return DocumentFlaw(document.index, document.kind.name, document.name, flaw)


def _fields(before: dict[str, Any], after: dict[str, Any]) -> tuple[FieldChange, ...]:
    return tuple(field_changes(before, after, "spec"))


def _unset_secrets(conn: Connection, documents: Sequence[Document]) -> list[str]:
    wanted: dict[str, str] = {}
    for document in documents:
        for path, secret in secrets(document.spec):
            place = f"{document.kind.name}/{document.name} at spec.{dotted(path)}"
            wanted.setdefault(secret.secret_name, place)
    if not wanted:
        return []
    known = set(conn.execute(select(secrets_table.c.name)).scalars())
    return [
        f"The secret {name!r}, used by {place}, is not set; set it with PUT /api/secrets/{name}."
        for name, place in wanted.items()
        if name not in known
    ]
