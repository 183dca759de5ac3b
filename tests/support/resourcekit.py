"""Kinds that refer to one another and keep secrets, and the API over them without a server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpx
from fastapi import Request
from pydantic import Field
from sqlalchemy import Connection, insert, select

from quarterdeck.accounts.tables import projects
from quarterdeck.core.errors import NotFound
from quarterdeck.core.permissions import ANONYMOUS, Permission, Principal, ProjectRef, Role
from quarterdeck.http.application import build_api
from quarterdeck.registry import KINDS
from quarterdeck.resources.api import resources_router
from quarterdeck.resources.kind import Kind, Kinds
from quarterdeck.resources.service import Resources
from quarterdeck.resources.spec import Reference, SecretText, Spec
from quarterdeck.store.control import ControlStore


class ChannelSpec(Spec):
    address: str = ""
    token: SecretText | None = None
    headers: dict[str, SecretText] = Field(default_factory=dict)


class RuleSpec(Spec):
    title: str = ""
    channels: list[Annotated[str, Reference("channel")]] = Field(default_factory=list)
    by_team: dict[str, Annotated[str, Reference("channel")]] = Field(default_factory=dict)
    parent: Annotated[str, Reference("rule")] | None = None
    calendar: Annotated[str, Reference("calendar")] | None = None
    weight: float = 1.0


class CalendarSpec(Spec):
    zone: str = "UTC"


TEST_KINDS = Kinds(
    (
        *KINDS,
        Kind("channel", "Channel", "Where to send.", ChannelSpec, write=Permission.RESPOND),
        Kind("rule", "Rule", "When to send.", RuleSpec, write=Permission.RESPOND),
        Kind("calendar", "Calendar", "Days.", CalendarSpec, write=Permission.ADMIN, scope="global"),
    )
)

PEOPLE = {
    "admin": Principal("key", "key_1", "automation", Role.ADMIN, None),
    "shop": Principal("key", "key_2", "shop key", Role.ADMIN, frozenset({2})),
    "viewer": Principal("key", "key_3", "reader", Role.VIEWER, None),
    "ann": Principal("user", "usr_1", "Ann", Role.ADMIN, None),
    "bob": Principal("user", "usr_2", "Bob", Role.RESPONDER, None),
}


@dataclass(slots=True)
class NamedGate:
    """Who asks stands in the header `X-Who`; the projects are those of the control store."""

    by_slug: dict[str, ProjectRef] = field(default_factory=dict)

    async def authenticate(self, request: Request) -> Principal:
        return PEOPLE.get(request.headers.get("x-who", ""), ANONYMOUS)

    async def project(self, principal: Principal, slug: str | None) -> ProjectRef:
        if slug is None and principal.projects:
            slug = next(p.slug for p in self.by_slug.values() if p.id in principal.projects)
        found = self.by_slug.get(slug or "default")
        if found is None or not principal.sees(found.id):
            raise NotFound("project_unknown", "There is no such project.")
        return found

    def by_id(self, project_id: int) -> ProjectRef | None:
        return next((p for p in self.by_slug.values() if p.id == project_id), None)


def _projects(conn: Connection) -> list[ProjectRef]:
    present = set(conn.execute(select(projects.c.id)).scalars())
    for number, slug in ((1, "default"), (2, "shop"), (3, "blog")):
        if number not in present:
            conn.execute(
                insert(projects).values(id=number, slug=slug, name=slug.title(), created_at=0)
            )
    rows = conn.execute(select(projects.c.id, projects.c.slug, projects.c.name))
    return [ProjectRef(*row) for row in rows]


@dataclass(slots=True)
class Desk:
    """The resources, and a client for each principal."""

    resources: Resources
    control: ControlStore
    client: httpx.AsyncClient

    async def ask(
        self, who: str, method: str, path: str, json: Any = None, **headers: str
    ) -> httpx.Response:
        sent = {"x-who": who, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return await self.client.request(method, f"/api/resources{path}", json=json, headers=sent)

    async def put(self, path: str, spec: Any, who: str = "admin") -> Any:
        response = await self.ask(who, "PUT", path, {"spec": spec})
        assert response.status_code in (200, 201), response.text
        return response.json()

    async def apply(self, documents: Any, who: str = "admin", **options: Any) -> Any:
        body = {"documents": documents, "source": "deck.yaml", **options}
        response = await self.ask(who, "POST", "/apply", body)
        assert response.status_code == 200, response.text
        return response.json()


@asynccontextmanager
async def desk_over(control: ControlStore, kinds: Kinds = TEST_KINDS) -> AsyncIterator[Desk]:
    """The API over a control store, in this process."""
    resources = Resources(control, kinds)
    gate = NamedGate({p.slug: p for p in await control.write(_projects)})
    await resources.refresh()
    api = build_api([resources_router(resources, gate.by_id)], [], gate)
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://deck.test") as client:
        yield Desk(resources, control, client)
