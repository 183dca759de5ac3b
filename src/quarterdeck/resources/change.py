"""Every change of a resource, as functions over one open transaction.

Each change writes the row, its revision, its references, an audit entry and an outbox
row of topic `resource.changed` together, so none can be seen without the others. A
`Change` collects references as it goes; `settle` resolves them at the end, so that
resources that refer to one another may come in any order.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.accounts.audit import audit
from quarterdeck.core.errors import Conflict
from quarterdeck.core.ids import new_id
from quarterdeck.core.permissions import Principal
from quarterdeck.resources.kind import Flaw, Kind, Kinds, spec_json
from quarterdeck.resources.record import Action, Origin, Resource
from quarterdeck.resources.spec import Path, ResourceRef, Spec, dotted, references
from quarterdeck.resources.tables import resource_refs, resource_revisions, resources
from quarterdeck.store.control import emit, now_of


def record_of(row: Any) -> Resource:
    return Resource(**row._mapping)


def find(conn: Connection, kind: str, project_id: int | None, name: str) -> Resource | None:
    row = conn.execute(
        select(resources).where(
            resources.c.kind == kind,
            resources.c.project_id == project_id,
            resources.c.name == name,
        )
    ).first()
    return record_of(row) if row else None


@dataclass(slots=True)
class Settled:
    """What `Change.settle` found: references to nothing, and referrers it gave a new name."""

    missing: list[tuple[Resource, Flaw]] = field(default_factory=list)
    mended: list[tuple[Resource, Resource]] = field(default_factory=list)


@dataclass(slots=True)
class Change:
    """One person's or key's change in one transaction."""

    conn: Connection
    kinds: Kinds
    who: Principal
    origin: Origin
    source: str = ""
    _unlinked: list[tuple[Resource, Spec]] = field(default_factory=list)
    _renamed: list[Resource] = field(default_factory=list)

    def create(self, kind: Kind, project_id: int | None, name: str, spec: Spec) -> Resource:
        now = now_of(self.conn)
        # A namesake that was deleted leaves its revisions; the new one has an id of its own.
        record = Resource(
            id=new_id("res"),
            kind=kind.name,
            project_id=project_id,
            name=name,
            spec=spec_json(spec),
            revision=1,
            origin=self.origin,
            source=self.source,
            created_at=now,
            updated_at=now,
            updated_by=self.who.name[:320],
        )
        with _unique_name(record):
            self.conn.execute(insert(resources).values(**_columns(record)))
        self._tell("create", None, record)
        self._unlinked.append((record, spec))
        return record

    def update(self, before: Resource, spec: Spec) -> Resource:
        after = self._revised(before, spec=spec_json(spec), origin=self.origin, source=self.source)
        self._tell("update", before, after)
        self._unlinked.append((after, spec))
        return after

    def rename(self, before: Resource, name: str) -> Resource:
        """A new name for the same id; `settle` mends those that refer to it."""
        after = self._revised(before, name=name)
        self._tell("rename", before, after)
        self._renamed.append(after)
        return after

    def release(self, before: Resource) -> Resource:
        """Take a resource out of its file's hands, so that people may edit it here."""
        after = self._revised(before, origin=self.origin, source="")
        self._tell("update", before, after)
        return after

    def remove(self, *records: Resource) -> None:
        """Delete, also several that refer to one another; refused while others refer to them."""
        for record in records:
            self.conn.execute(delete(resource_refs).where(resource_refs.c.referrer_id == record.id))
        self._refuse_if_needed(records)
        for record in records:
            self._drop(record)

    def settle(self) -> Settled:
        """Store the references of all that was written, and mend those to what was renamed."""
        settled = Settled()
        for record, spec in self._unlinked:
            self.conn.execute(delete(resource_refs).where(resource_refs.c.referrer_id == record.id))
            for path, reference in references(spec):
                target = self.target_id(record.project_id, reference)
                if target is None:
                    settled.missing.append((record, missing_reference(path, reference)))
                    continue
                self.conn.execute(
                    insert(resource_refs).values(
                        referrer_id=record.id, path=json.dumps(path), target_id=target
                    )
                )
        for renamed in self._renamed:
            for referrer, paths in self._referrers(renamed):
                stale = [path for path in paths if _at(referrer.spec, path) != renamed.name]
                if stale:
                    settled.mended.append((referrer, self._mend(referrer, stale, renamed)))
        self._unlinked.clear()
        self._renamed.clear()
        return settled

    def _mend(self, referrer: Resource, paths: Sequence[Path], target: Resource) -> Resource:
        if referrer.origin == "file":
            raise Conflict(
                "resource_from_file",
                f"{referrer.target} refers to {target.target} and comes from the file "
                f"{referrer.source!r}, which would still say the old name.",
                "Change the name there too, and apply both together.",
                details={"source": referrer.source},
            )
        spec = referrer.spec
        for path in paths:
            spec = _with(spec, path, target.name)
        after = self._revised(referrer, spec=spec)
        self._tell("update", referrer, after)
        return after

    def target_id(self, project_id: int | None, reference: ResourceRef) -> str | None:
        scope = self.kinds.named(reference.kind).scope
        place = project_id if scope == "project" else None
        found = find(self.conn, reference.kind, place, str(reference))
        return found.id if found else None

    def _revised(self, before: Resource, **fields: Any) -> Resource:
        after = replace(
            before,
            revision=before.revision + 1,
            updated_at=now_of(self.conn),
            updated_by=self.who.name[:320],
            **fields,
        )
        with _unique_name(after):
            self.conn.execute(
                update(resources).where(resources.c.id == before.id).values(**_columns(after))
            )
        return after

    def _drop(self, record: Resource) -> None:
        self.conn.execute(delete(resources).where(resources.c.id == record.id))
        gone = replace(record, revision=record.revision + 1, origin=self.origin)
        self._tell("delete", record, gone)

    def _referrers(self, target: Resource) -> list[tuple[Resource, list[Path]]]:
        rows = self.conn.execute(
            select(resources, resource_refs.c.path.label("ref_path"))
            .join(resource_refs, resource_refs.c.referrer_id == resources.c.id)
            .where(resource_refs.c.target_id == target.id)
            .order_by(resources.c.kind, resources.c.name, resource_refs.c.path)
        ).all()
        found: dict[str, tuple[Resource, list[Path]]] = {}
        for row in rows:
            fields = dict(row._mapping)
            path = json.loads(fields.pop("ref_path"))
            found.setdefault(row.id, (Resource(**fields), []))[1].append(tuple(path))
        return list(found.values())

    def _refuse_if_needed(self, records: Sequence[Resource]) -> None:
        going = {record.id for record in records}
        for record in records:
            referrers = [r for r, _ in self._referrers(record) if r.id not in going]
            if referrers:
                names = ", ".join(r.target for r in referrers[:10])
                raise Conflict(
                    "resource_in_use",
                    f"{record.target} is referred to by {names}"
                    f"{' and others' if len(referrers) > 10 else ''}.",
                    "Change or delete those first.",
                    details={
                        "kind": record.kind,
                        "name": record.name,
                        "referrers": [{"kind": r.kind, "name": r.name} for r in referrers[:100]],
                    },
                )

    def _tell(self, action: Action, before: Resource | None, after: Resource) -> None:
        gone = action == "delete"
        self.conn.execute(
            insert(resource_revisions).values(
                resource_id=after.id,
                revision=after.revision,
                kind=after.kind,
                project_id=after.project_id,
                name=after.name,
                action=action,
                spec=None if gone else after.spec,
                origin=after.origin,
                source=after.source,
                at=now_of(self.conn),
                by=self.who.name[:320],
            )
        )
        audit(
            self.conn,
            self.who,
            f"resource.{action}",
            after.target,
            _audited(before),
            None if gone else _audited(after),
            after.project_id,
        )
        emit(
            self.conn,
            "resource.changed",
            after.id,
            {
                "action": action,
                "id": after.id,
                "kind": after.kind,
                "project_id": after.project_id,
                "name": after.name,
                "revision": after.revision,
            },
        )


def missing_reference(path: Path, reference: ResourceRef) -> Flaw:
    return Flaw(
        dotted(path), f"refers to {reference.kind} {str(reference)!r}, which does not exist"
    )


@contextmanager
def _unique_name(record: Resource) -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Conflict(
            "resource_exists",
            f"There is already a {record.kind} named {record.name!r}.",
            "Read it, and decide which of the two to keep.",
        ) from error


def _columns(record: Resource) -> dict[str, Any]:
    return {column.name: getattr(record, column.name) for column in resources.columns}


def _audited(record: Resource | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "name": record.name,
        "revision": record.revision,
        "origin": record.origin,
        "source": record.source,
        "spec": record.spec,
    }


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _with(value: Any, path: Path, leaf: str) -> Any:
    """The value with one place replaced; the value itself is left alone."""
    if not path:
        return leaf
    head, rest = path[0], path[1:]
    if isinstance(value, list):
        return [_with(v, rest, leaf) if i == head else v for i, v in enumerate(value)]
    return {k: _with(v, rest, leaf) if k == head else v for k, v in value.items()}
