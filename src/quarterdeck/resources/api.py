"""`/api/resources`: one API for every kind.

A write needs the permission that its kind names; the routes themselves demand the least
of those, `respond`. A dry run of `apply` is no write: it tells what who may read could find. Errors of a spec list every flaw with its path, so that a generated
form can put each beside its field.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Body, Header, Request, Response

from quarterdeck.core.errors import BadInput, Forbidden
from quarterdeck.core.permissions import Permission, Principal, ProjectRef
from quarterdeck.core.web import Gate, PrincipalDep, Router, ScopeDep, check
from quarterdeck.resources.apply import Order, Plan
from quarterdeck.resources.documents import Document, name_flaw, read_documents
from quarterdeck.resources.kind import Kind, Kinds, parse_spec, spec_json
from quarterdeck.resources.record import Origin, Precondition, Resource
from quarterdeck.resources.service import Resources, spec_invalid
from quarterdeck.resources.spec import Spec
from quarterdeck.resources.views import (
    ApplyBody,
    ExportView,
    FlawView,
    KindView,
    PlannedView,
    PlanView,
    RenameBody,
    ResourceList,
    ResourceView,
    RevisionList,
    RevisionView,
    SpecBody,
    Validation,
)
from quarterdeck.resources.yamltext import load_documents

ProjectById = Callable[[int], ProjectRef | None]


def resources_router(resources: Resources, project_by_id: ProjectById) -> Router:
    """The routes, over the resources and a way from a project's id to the project."""
    router = Router("/api/resources", tag="resources")

    def place(kind: Kind, project: ProjectRef) -> int | None:
        return project.id if kind.scope == "project" else None

    def shown(record: Resource) -> ResourceView:
        return ResourceView(**record.json(slug(record.project_id)))

    def slug(project_id: int | None) -> str | None:
        project = project_by_id(project_id) if project_id is not None else None
        return project.slug if project else None

    @router.get("", permission=Permission.READ)
    async def list_kinds(scope: ScopeDep) -> list[KindView]:
        """The kinds of resources, and how many of each the project has."""
        return [
            KindView(
                kind=kind.name,
                title=kind.title,
                description=kind.description,
                scope=kind.scope,
                singleton=kind.singleton,
                write_permission=str(kind.write),
                count=len(resources.records(kind, place(kind, scope.project))),
            )
            for kind in resources.kinds
        ]

    @router.post("/apply", permission=Permission.READ)
    async def apply_documents(request: Request, scope: ScopeDep, body: ApplyBody) -> PlanView:
        """Make documents true (takes `respond`), or with `dry_run` say what would change."""
        who = scope.principal
        if not body.dry_run:
            check(who, Permission.RESPOND)
        order = await _order(resources, request, who, scope.project, body)
        plan = await resources.apply(who, order)
        return _plan_view(plan, body.dry_run, slug)

    @router.get("/export", permission=Permission.READ)
    async def export_documents(
        request: Request, principal: PrincipalDep, kind: str | None = None
    ) -> ExportView:
        """All that is stored, as documents that apply without a change.

        `kind` and `project` narrow it; without `project`, every project the principal sees.
        """
        wanted = resources.kinds.named(kind) if kind else None
        asked = request.query_params.get("project")
        gate: Gate = request.app.state.gate
        only = await gate.project(principal, asked) if asked else None
        documents = []
        for record, spec in resources.everything():
            hidden = record.project_id is not None and not principal.sees(record.project_id)
            elsewhere = only is not None and record.project_id != only.id
            if spec is None or hidden or elsewhere or (wanted and record.kind != wanted.name):
                continue
            documents.append(_document(record, slug(record.project_id), spec))
        return ExportView(documents=documents)

    @router.post("/validate/{kind}", permission=Permission.READ)
    async def validate_spec(kind: str, scope: ScopeDep, body: SpecBody) -> Validation:
        """Everything wrong with a spec, without storing it: what a form asks as one types."""
        found = resources.kinds.named(kind)
        spec, flaws = parse_spec(found, body.spec)
        if spec is not None:
            flaws = resources.missing_references(place(found, scope.project), spec)
        return Validation(errors=[FlawView(**flaw.json()) for flaw in flaws[:100]])

    @router.get("/{kind}", permission=Permission.READ)
    async def list_resources(kind: str, scope: ScopeDep) -> ResourceList:
        """All resources of a kind in the project."""
        found = resources.kinds.named(kind)
        records = resources.records(found, place(found, scope.project))
        return ResourceList(items=[shown(record) for record in records])

    @router.get("/{kind}/schema", permission=Permission.READ)
    async def kind_schema(kind: str, principal: PrincipalDep) -> dict[str, Any]:
        """JSON Schema of a kind's spec, with `x-ui` hints for a form."""
        return resources.kinds.named(kind).schema()

    @router.get("/{kind}/{name}", permission=Permission.READ)
    async def get_resource(
        kind: str, name: str, scope: ScopeDep, response: Response
    ) -> ResourceView:
        """One resource; a singleton that nobody wrote is shown with its defaults."""
        found = resources.kinds.named(kind)
        record = resources.record(found, place(found, scope.project), name)
        response.headers["ETag"] = f'"{record.etag}"'
        return shown(record)

    @router.get("/{kind}/{name}/revisions", permission=Permission.READ)
    async def list_revisions(kind: str, name: str, scope: ScopeDep) -> RevisionList:
        """What a resource was, newest first."""
        found = resources.kinds.named(kind)
        record = resources.record(found, place(found, scope.project), name)
        revisions = await resources.revisions(record) if record.id else []
        return RevisionList(
            items=[
                RevisionView(**{f: getattr(r, f) for f in RevisionView.model_fields})
                for r in revisions
            ]
        )

    @router.put("/{kind}/{name}", permission=Permission.RESPOND)
    async def put_resource(
        kind: str,
        name: str,
        scope: ScopeDep,
        response: Response,
        body: SpecBody,
        if_match: Annotated[str | None, Header()] = None,
        if_none_match: Annotated[str | None, Header()] = None,
    ) -> ResourceView:
        """Create a resource or replace its spec; `If-Match` makes sure of what is replaced."""
        found = resources.kinds.named(kind)
        _may_write(scope.principal, found)
        _check_name(found, name)
        spec = _spec(found, name, body.spec)
        record, created = await resources.put(
            scope.principal,
            found,
            place(found, scope.project),
            name,
            spec,
            _origin(scope.principal),
            Precondition(if_match, if_none_match),
        )
        response.status_code = 201 if created else 200
        response.headers["ETag"] = f'"{record.etag}"'
        return shown(record)

    @router.delete("/{kind}/{name}", permission=Permission.RESPOND, status_code=204)
    async def delete_resource(
        kind: str,
        name: str,
        scope: ScopeDep,
        if_match: Annotated[str | None, Header()] = None,
    ) -> None:
        """Delete a resource; 409 names those that still refer to it."""
        found = resources.kinds.named(kind)
        _may_write(scope.principal, found)
        await resources.delete(
            scope.principal, found, place(found, scope.project), name, Precondition(if_match)
        )

    @router.post("/{kind}/{name}/rename", permission=Permission.RESPOND)
    async def rename_resource(
        kind: str, name: str, scope: ScopeDep, body: RenameBody
    ) -> ResourceView:
        """A new name; the id and all state that hangs on it stay, and referrers follow."""
        found = resources.kinds.named(kind)
        _may_write(scope.principal, found)
        _check_name(found, body.name)
        where = place(found, scope.project)
        return shown(await resources.rename(scope.principal, found, where, name, body.name))

    @router.post("/{kind}/{name}/release", permission=Permission.RESPOND)
    async def release_resource(
        kind: str, name: str, scope: ScopeDep, body: Annotated[None, Body()] = None
    ) -> ResourceView:
        """Take a resource out of its file's hands; the next apply of that file takes it back."""
        found = resources.kinds.named(kind)
        _may_write(scope.principal, found)
        where = place(found, scope.project)
        origin = _origin(scope.principal)
        return shown(await resources.release(scope.principal, found, where, name, origin))

    return router


def _origin(who: Principal) -> Origin:
    return "ui" if who.kind == "user" else "api"


def _may_write(who: Principal, kind: Kind) -> None:
    check(who, kind.write)
    if kind.scope == "global" and who.projects is not None:
        raise Forbidden(
            "not_permitted",
            f"A {kind.name} belongs to all projects, and {who.name} is for some of them.",
            "Use a key or a user that all projects are open to.",
        )
    if kind.reaches_out and who.projects is not None:
        raise Forbidden(
            "not_permitted",
            f"A {kind.name} may use any secret and ask any address, and {who.name} is for some projects.",
            "Use a key or a user that all projects are open to.",
        )


def _check_name(kind: Kind, name: str) -> None:
    if problem := name_flaw(kind, name):
        raise BadInput(
            "resource_name_invalid",
            f"The name {problem}.",
            "Choose a name such as failed-payments.",
        )


def _spec(kind: Kind, name: str, data: dict[str, Any]) -> Spec:
    spec, flaws = parse_spec(kind, data)
    if spec is None:
        raise spec_invalid(kind, name, flaws)
    return spec


async def _order(
    resources: Resources, request: Request, who: Principal, project: ProjectRef, body: ApplyBody
) -> Order:
    """The request as an order: documents read, projects found, permissions checked."""
    if (body.documents is None) == (body.yaml is None):
        raise BadInput(
            "apply_invalid",
            "Send either `documents` or `yaml`.",
            "`documents` is a list of {kind, name, project, spec}.",
        )
    source = body.source.strip()
    if any(not character.isprintable() for character in source):
        raise BadInput("apply_invalid", "The source holds control characters.", "Name a file.")
    if who.kind == "user" and source:
        raise BadInput(
            "apply_invalid",
            "What a person applies here belongs to no file.",
            "Leave `source` out, or apply with an API key.",
        )
    if who.kind != "user" and not source:
        source = "api"
    if body.prune and who.kind == "user":
        raise BadInput(
            "apply_invalid",
            "Only what came from a file can be pruned.",
            "Run `quarterdeck apply --prune` with an API key.",
        )
    documents = await asyncio.to_thread(_read, resources.kinds, body)
    if not body.dry_run:
        kinds: dict[str, Kind] = {document.kind.name: document.kind for document in documents}
        for kind in kinds.values():
            _may_write(who, kind)
    projects = await _projects(request, who, project, documents)
    return Order(
        documents=documents,
        projects=projects,
        source=source,
        prune=body.prune,
        prune_in=frozenset({*projects, project.id}),
        dry_run=body.dry_run,
    )


def _read(kinds: Kinds, body: ApplyBody) -> list[Document]:
    raw = load_documents(body.yaml) if body.yaml is not None else (body.documents or [])
    return read_documents(kinds, raw)


async def _projects(
    request: Request, who: Principal, default: ProjectRef, documents: list[Document]
) -> list[int | None]:
    gate: Gate = request.app.state.gate
    by_slug: dict[str | None, int] = {None: default.id}
    for document in documents:
        if document.project not in by_slug:
            by_slug[document.project] = (await gate.project(who, document.project)).id
    return [by_slug[d.project] if d.kind.scope == "project" else None for d in documents]


def _plan_view(plan: Plan, dry_run: bool, slug: Callable[[int | None], str | None]) -> PlanView:
    return PlanView(
        dry_run=dry_run,
        changes=[PlannedView(**c.json(slug(c.project_id))) for c in plan.changes],
        summary=plan.summary(),
        warnings=list(plan.warnings),
    )


def _document(record: Resource, project: str | None, spec: Spec) -> dict[str, Any]:
    head: dict[str, Any] = {"kind": record.kind, "name": record.name}
    if project is not None:
        head["project"] = project
    return {**head, "spec": spec_json(spec, terse=True)}
