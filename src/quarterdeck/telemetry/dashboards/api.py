"""`/api/dashboards`: those of the project with those that ship, and what Grafana's would become.

A dashboard is changed as every resource is, at `/api/resources/dashboard/NAME`.
"""

import asyncio
from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel, Field

from quarterdeck.core.errors import NotFound
from quarterdeck.core.permissions import Permission, ProjectRef
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.resources.record import Resource
from quarterdeck.resources.service import Resources
from quarterdeck.telemetry.dashboards.grafana import MOST_BYTES, Note, read_dashboard
from quarterdeck.telemetry.dashboards.ready import shipped
from quarterdeck.telemetry.dashboards.spec import DashboardSpec


class DashboardHead(BaseModel):
    name: str
    title: str
    description: str
    tags: list[str]
    panels: int = Field(description="Without rows.")
    origin: Literal["shipped", "ui", "api", "file"]
    read_only: bool = Field(description="Whether it ships with the server or came from a file.")
    source: str = Field(description="For origin `file`: where it was applied from.")
    updated_at: int | None = Field(description="Milliseconds since 1970; none for shipped ones.")
    updated_by: str


class DashboardList(BaseModel):
    items: list[DashboardHead]


class DashboardView(DashboardHead):
    etag: str = Field(description="Send it as If-Match; empty for a shipped one.")
    revision: int
    spec: DashboardSpec


class NoteView(BaseModel):
    """Something of Grafana's that did not come along, or came along changed."""

    code: str
    panel: str = Field(description="Title of the panel; empty for the dashboard.")
    detail: str
    text: str = Field(description="What happened, in a sentence.")
    lost: bool = Field(description="Whether something of it is missing now.")


class Imported(BaseModel):
    spec: DashboardSpec
    panels: int = Field(description="That would be shown.")
    found: int = Field(description="That the document holds.")
    notes: list[NoteView]


class ImportBody(BaseModel):
    dashboard: dict[str, Any] = Field(
        description="A dashboard as Grafana exports it, or as its API answers."
    )


def dashboards_router(resources: Resources) -> Router:
    router = Router("/api/dashboards", tag="dashboards")
    kind = resources.kinds.of(DashboardSpec)

    def own(project: ProjectRef) -> dict[str, tuple[Resource, DashboardSpec]]:
        return {
            each.name: (resources.record(kind, project.id, each.name), each.spec)
            for each in resources.list_specs(DashboardSpec, project.id)
        }

    @router.get("", permission=Permission.READ)
    async def list_dashboards(scope: ScopeDep) -> DashboardList:
        """Those of the project, and those that ship with the server, by title."""
        mine = own(scope.project)
        heads = [DashboardHead(**_head(name, *each)) for name, each in mine.items()]
        heads += [
            DashboardHead(**_head(name, None, spec))
            for name, spec in shipped().items()
            if name not in mine
        ]
        return DashboardList(items=sorted(heads, key=lambda each: each.title.casefold()))

    @router.get("/{name}", permission=Permission.READ)
    async def read_dashboard_named(name: str, scope: ScopeDep) -> DashboardView:
        """One of them; one of the project's takes the place of a shipped one of its name."""
        record, spec = own(scope.project).get(name, (None, shipped().get(name)))
        if spec is None:
            raise NotFound(
                "dashboard_unknown",
                f"There is no dashboard named {name[:80]!r} in this project.",
                "GET /api/dashboards lists those there are.",
            )
        return DashboardView(
            **_head(name, record, spec),
            etag=record.etag if record else "",
            revision=record.revision if record else 0,
            spec=spec,
        )

    @router.post(
        "/import",
        permission=Permission.READ,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": ImportBody.model_json_schema()}},
            }
        },
    )
    async def translate_dashboard(request: Request) -> Imported:
        """What a dashboard of Grafana becomes, and what of it does not. Nothing is stored."""
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                break
        found = await asyncio.to_thread(read_dashboard, bytes(body))
        return Imported(
            spec=found.spec,
            panels=_panels(found.spec),
            found=found.panels,
            notes=[_note(note) for note in found.notes],
        )

    return router


def _head(name: str, record: Resource | None, spec: DashboardSpec) -> dict[str, Any]:
    return {
        "name": name,
        "title": spec.title,
        "description": spec.description,
        "tags": spec.tags,
        "panels": _panels(spec),
        "origin": record.origin if record else "shipped",
        "read_only": record.read_only if record else True,
        "source": record.source if record else "",
        "updated_at": record.updated_at if record else None,
        "updated_by": record.updated_by if record else "",
    }


def _panels(spec: DashboardSpec) -> int:
    return sum(panel.kind != "row" for panel in spec.panels)


def _note(note: Note) -> NoteView:
    return NoteView(
        code=note.code, panel=note.panel, detail=note.detail, text=note.text, lost=note.lost
    )
