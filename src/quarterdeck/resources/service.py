"""`Resources`: what everyone else uses to read and to change what people configured.

Reading is synchronous and costs no I/O: everything is kept in memory, typed, and is
brought up to date before a change made here returns. A second process that writes the
same control store is seen at the next `refresh`, which the server calls on a clock.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from sqlalchemy import Connection, select

from quarterdeck.core.errors import Conflict, Internal, NotFound, Unprocessable
from quarterdeck.core.permissions import Principal
from quarterdeck.resources.apply import DryRun, Order, Plan, apply, refuse_file
from quarterdeck.resources.change import Change, find, missing_reference, record_of
from quarterdeck.resources.kind import SINGLETON_NAME, Flaw, Kind, Kinds, parse_spec, spec_json
from quarterdeck.resources.record import Origin, Precondition, Resource, unwritten
from quarterdeck.resources.spec import Spec, references
from quarterdeck.resources.tables import resource_revisions, resources
from quarterdeck.store.control import ControlStore

S = TypeVar("S", bound=Spec)

log = logging.getLogger(__name__)

_Key = tuple[str, int | None, str]


@dataclass(frozen=True, slots=True)
class Configured(Generic[S]):
    """A resource as an engine sees it: its identity and its typed spec."""

    id: str
    project_id: int | None
    name: str
    revision: int
    spec: S


@dataclass(frozen=True, slots=True)
class Revision:
    """What a resource was at one time."""

    revision: int
    action: str
    name: str
    spec: dict[str, object] | None
    origin: str
    source: str
    at: int
    by: str


class Resources:
    """See the module's docstring; call `refresh` once before reading."""

    def __init__(self, control: ControlStore, kinds: Kinds) -> None:
        self.kinds = kinds
        self._control = control
        self._refreshing = asyncio.Lock()
        self._records: dict[str, tuple[Resource, Spec | None]] = {}
        self._by_key: dict[_Key, str] = {}

    def empty_project(self, conn: Connection, who: Principal, project_id: int) -> None:
        """Delete what is configured in a project that goes, each with its entry and event."""
        chosen = select(resources).where(resources.c.project_id == project_id)
        records = [record_of(row) for row in conn.execute(chosen.order_by(resources.c.id))]
        Change(conn, self.kinds, who, "ui" if who.kind == "user" else "api").remove(*records)

    # Reading

    def get(self, spec: type[S], project_id: int | None, name: str = SINGLETON_NAME) -> S:
        """The spec of one resource; a singleton that nobody wrote stands with its defaults."""
        kind = self.kinds.of(spec)
        found = self._records.get(self._by_key.get((kind.name, project_id, name), ""))
        if found is None:
            if kind.singleton and name == SINGLETON_NAME:
                return spec()
            raise unknown(kind, name)
        if found[1] is None:
            raise Internal(
                "resource_unreadable",
                f"{found[0].target} is stored in a form that this release cannot read.",
                "Save it again; the log names the fields.",
            )
        return cast(S, found[1])

    def list_specs(self, spec: type[S], project_id: int | None = None) -> list[Configured[S]]:
        """All readable resources of a kind, of one project or (None) of all, by name."""
        kind = self.kinds.of(spec).name
        found = [
            Configured(r.id, r.project_id, r.name, r.revision, cast(S, typed))
            for r, typed in self._records.values()
            if r.kind == kind and typed is not None and project_id in (None, r.project_id)
        ]
        return sorted(found, key=lambda c: (c.project_id or 0, c.name))

    def record(self, kind: Kind, project_id: int | None, name: str) -> Resource:
        """The resource as it is stored, or a singleton's defaults."""
        found = self._records.get(self._by_key.get((kind.name, project_id, name), ""))
        if found is not None:
            return found[0]
        if kind.singleton and name == SINGLETON_NAME:
            return self._unwritten(kind, project_id)
        raise unknown(kind, name)

    def records(self, kind: Kind, project_id: int | None) -> list[Resource]:
        """All of a kind in a project, by name; a singleton is always there."""
        found = sorted(
            (
                r
                for r, _ in self._records.values()
                if r.kind == kind.name and r.project_id == project_id
            ),
            key=lambda r: r.name,
        )
        return found or ([self._unwritten(kind, project_id)] if kind.singleton else [])

    def everything(self) -> Iterator[tuple[Resource, Spec | None]]:
        """All that is stored, ordered by project, kind and name."""
        return iter(
            sorted(
                self._records.values(),
                key=lambda item: (item[0].project_id or 0, item[0].kind, item[0].name),
            )
        )

    def _unwritten(self, kind: Kind, project_id: int | None) -> Resource:
        return unwritten(kind.name, project_id, SINGLETON_NAME, spec_json(kind.spec()))

    async def revisions(self, record: Resource) -> list[Revision]:
        """What a resource was, newest first."""

        def work(conn: Connection) -> list[Revision]:
            c = resource_revisions.c
            rows = conn.execute(
                select(c.revision, c.action, c.name, c.spec, c.origin, c.source, c.at, c.by)
                .where(c.resource_id == record.id)
                .order_by(c.revision.desc())
                .limit(1000)
            )
            return [Revision(*row) for row in rows]

        return await self._control.read(work)

    # Changing

    async def put(
        self,
        who: Principal,
        kind: Kind,
        project_id: int | None,
        name: str,
        spec: Spec,
        origin: Origin,
        wanted: Precondition,
    ) -> tuple[Resource, bool]:
        """Write one resource; the answer is what stands now, and whether it is new."""

        def work(conn: Connection) -> tuple[Resource, bool]:
            before = find(conn, kind.name, project_id, name)
            wanted.check(self._standing(kind, project_id, before))
            change = Change(conn, self.kinds, who, origin)
            if before is None:
                after = change.create(kind, project_id, name, spec)
            else:
                refuse_file(before)
                if before.spec == spec_json(spec):
                    return before, False
                after = change.update(before, spec)
            settled = change.settle()
            if settled.missing:
                raise spec_invalid(kind, name, [flaw for _, flaw in settled.missing])
            return after, before is None

        record, created = await self._control.write(work)
        await self.refresh()
        return record, created

    async def delete(
        self, who: Principal, kind: Kind, project_id: int | None, name: str, wanted: Precondition
    ) -> None:
        def work(conn: Connection) -> None:
            record = self._existing(conn, kind, project_id, name)
            wanted.check(record)
            refuse_file(record)
            Change(conn, self.kinds, who, record.origin).remove(record)

        await self._control.write(work)
        await self.refresh()

    async def rename(
        self, who: Principal, kind: Kind, project_id: int | None, name: str, new_name: str
    ) -> Resource:
        """A new name; the id stays, and what refers to it follows."""

        def work(conn: Connection) -> Resource:
            record = self._existing(conn, kind, project_id, name)
            refuse_file(record)
            if new_name == name:
                return record
            if find(conn, kind.name, project_id, new_name) is not None:
                raise Conflict(
                    "resource_exists",
                    f"There is already a {kind.name} named {new_name!r}.",
                    "Choose another name.",
                )
            change = Change(conn, self.kinds, who, record.origin)
            after = change.rename(record, new_name)
            change.settle()
            return after

        record = await self._control.write(work)
        await self.refresh()
        return record

    async def release(
        self, who: Principal, kind: Kind, project_id: int | None, name: str, origin: Origin
    ) -> Resource:
        """Take a resource out of its file's hands, so that people may edit it."""

        def work(conn: Connection) -> Resource:
            record = self._existing(conn, kind, project_id, name)
            if record.origin != "file":
                return record
            return Change(conn, self.kinds, who, origin).release(record)

        record = await self._control.write(work)
        await self.refresh()
        return record

    async def apply(self, who: Principal, order: Order) -> Plan:
        """Make documents true in one transaction; a dry run only says what would happen."""
        try:
            plan = await self._control.write(lambda conn: apply(conn, self.kinds, who, order))
        except DryRun as dry:
            return dry.plan
        await self.refresh()
        return plan

    def missing_references(self, project_id: int | None, spec: Spec) -> list[Flaw]:
        """References of a spec that lead nowhere, without writing anything."""
        flaws = []
        for path, reference in references(spec):
            scope = self.kinds.named(reference.kind).scope
            place = project_id if scope == "project" else None
            if (reference.kind, place, str(reference)) not in self._by_key:
                flaws.append(missing_reference(path, reference))
        return flaws

    def _standing(
        self, kind: Kind, project_id: int | None, stored: Resource | None
    ) -> Resource | None:
        if stored is None and kind.singleton:
            return self._unwritten(kind, project_id)
        return stored

    def _existing(
        self, conn: Connection, kind: Kind, project_id: int | None, name: str
    ) -> Resource:
        record = find(conn, kind.name, project_id, name)
        if record is None:
            raise unknown(kind, name)
        return record

    # The copy in memory

    async def refresh(self) -> None:
        """Bring the copy in memory up to what the control store holds now."""
        async with self._refreshing:
            known = {id: record.revision for id, (record, _) in self._records.items()}
            standing, changed = await self._control.read(lambda conn: _changed(conn, known))
            records = {id: kept for id, kept in self._records.items() if id in standing}
            for record in changed:
                records[record.id] = (record, self._typed(record))
            self._records = records
            self._by_key = {(r.kind, r.project_id, r.name): r.id for r, _ in records.values()}

    def _typed(self, record: Resource) -> Spec | None:
        kind = self.kinds.find(record.kind)
        if kind is None:
            log.warning("no such kind", extra={"kind": record.kind, "resource": record.name})
            return None
        spec, flaws = parse_spec(kind, record.spec)
        if spec is None:
            log.error(
                "a stored resource cannot be read",
                extra={
                    "kind": record.kind,
                    "resource": record.name,
                    "flaws": [flaw.json() for flaw in flaws[:20]],
                },
            )
        return spec


def unknown(kind: Kind, name: str) -> NotFound:
    return NotFound(
        "resource_unknown",
        f"There is no {kind.name} named {name[:80]!r} in this project.",
        f"GET /api/resources/{kind.name} lists those there are.",
    )


def spec_invalid(kind: Kind, name: str, flaws: list[Flaw]) -> Unprocessable:
    """The one error for everything wrong with one spec."""
    more = f"; and {len(flaws) - 1} more" if len(flaws) > 1 else ""
    where = f"{flaws[0].path} " if flaws[0].path else "the spec "
    return Unprocessable(
        "resource_invalid",
        f"{kind.name}/{name}: {where}{flaws[0].message}{more}.",
        f"GET /api/resources/{kind.name}/schema says what the spec may hold.",
        details={"errors": [flaw.json() for flaw in flaws[:100]], "count": len(flaws)},
    )


def _changed(conn: Connection, known: dict[str, int]) -> tuple[set[str], list[Resource]]:
    """The ids that stand, and the rows that are new or newer than what is known."""
    rows = conn.execute(select(resources.c.id, resources.c.revision)).all()
    stale = [row.id for row in rows if known.get(row.id) != row.revision]
    changed: list[Resource] = []
    for start in range(0, len(stale), 500):
        part = stale[start : start + 500]
        found = conn.execute(select(resources).where(resources.c.id.in_(part)))
        changed += [record_of(row) for row in found]
    return {row.id for row in rows}, changed
