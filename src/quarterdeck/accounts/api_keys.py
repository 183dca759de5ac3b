"""API keys: made, listed, revoked by admins."""

from typing import Literal

from fastapi import Request
from pydantic import BaseModel, Field

from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.keys import (
    Key,
    clean_origins,
    create_key,
    find_key,
    list_keys,
    revoke_key,
)
from quarterdeck.accounts.projects import project_unknown
from quarterdeck.accounts.users import clean_name
from quarterdeck.accounts.web import require_everywhere
from quarterdeck.core.errors import NotFound, Unprocessable
from quarterdeck.core.permissions import Permission, Principal, Role
from quarterdeck.core.web import PrincipalDep, Router, scope_of

SecretRole = Literal["ingest", "viewer", "responder", "deployer", "admin"]


class KeyView(BaseModel):
    id: str
    name: str
    kind: Literal["browser", "secret"]
    role: str
    projects: list[str] | None = Field(description="Slugs; null for all projects.")
    key: str = Field(description="A browser key itself; of a secret key the beginning.")
    origins: list[str] = Field(description="For browser keys; empty for any origin.")
    created_at: int
    created_by: str
    last_used_at: int | None
    revoked_at: int | None


class CreatedKey(KeyView):
    secret: str | None = Field(description="The secret key, told only now; null for browser keys.")


class KeyBody(BaseModel):
    name: str = Field(max_length=400)
    kind: Literal["browser", "secret"]
    role: SecretRole = Field("ingest", description="For secret keys; browser keys only write.")
    projects: list[str] | None = Field(
        None,
        max_length=1000,
        description="Slugs. Left out: all projects, for a browser key the project asked for.",
    )
    origins: list[str] = Field(default_factory=list, description="For browser keys.")


def keys_router(accounts: Accounts) -> Router:
    router = Router("/api/keys", tag="keys")

    def view(key: Key) -> KeyView:
        return KeyView(
            id=key.id,
            name=key.name,
            kind=key.kind,
            role=str(key.role),
            projects=accounts.directory.slugs(key.projects),
            key=key.shown,
            origins=list(key.origins),
            created_at=key.created_at,
            created_by=key.created_by,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )

    async def wanted_projects(
        request: Request, principal: Principal, body: KeyBody
    ) -> frozenset[int] | None:
        if body.projects is None:
            if body.kind == "browser":
                return frozenset({(await scope_of(request)).project.id})
            require_everywhere(principal)
            return None
        ids = set()
        for slug in body.projects:
            project = accounts.project_by_slug(slug)
            if project is None or not principal.sees(project.id):
                raise project_unknown(slug)
            ids.add(project.id)
        if not ids:
            raise Unprocessable(
                "key_without_project",
                "The list of projects is empty.",
                "Name at least one project, or leave the list out.",
            )
        return frozenset(ids)

    @router.get("", permission=Permission.ADMIN)
    async def list_visible(principal: PrincipalDep) -> list[KeyView]:
        """All keys, revoked ones too."""
        found = await accounts.store.read(list_keys)
        return [view(key) for key in found if _governs(principal, key)]

    @router.post("", permission=Permission.ADMIN, status_code=201)
    async def create(request: Request, principal: PrincipalDep, body: KeyBody) -> CreatedKey:
        """A new key; a secret one is told only now."""
        name, origins = clean_name(body.name), clean_origins(body.origins)
        browser = body.kind == "browser"
        if origins and not browser:
            raise Unprocessable(
                "origin_invalid",
                "Only browser keys are restricted by origin.",
                "Leave origins out, or make a browser key.",
            )
        if browser and "role" in body.model_fields_set:
            raise Unprocessable(
                "role_invalid",
                "A browser key has no role: it is public and only writes.",
                "Leave role out, or make a secret key.",
            )
        projects = await wanted_projects(request, principal, body)
        made, text = await accounts.change(
            lambda conn: create_key(
                conn,
                principal,
                name=name,
                kind=body.kind,
                role=Role.BROWSER if browser else Role(body.role),
                projects=projects,
                origins=origins,
            )
        )
        return CreatedKey(**view(made).model_dump(), secret=None if browser else text)

    @router.delete("/{key_id}", permission=Permission.ADMIN)
    async def revoke(key_id: str, principal: PrincipalDep) -> KeyView:
        """Revoke a key: the next request that brings it is refused."""
        key = await accounts.store.read(lambda conn: find_key(conn, key_id))
        if not _governs(principal, key):
            raise NotFound("key_unknown", "There is no such key.", "GET /api/keys lists them.")
        return view(await accounts.change(lambda conn: revoke_key(conn, principal, key_id)))

    return router


def _governs(principal: Principal, key: Key) -> bool:
    """A key that is limited to projects rules only over keys within them."""
    if principal.projects is None:
        return True
    return key.projects is not None and key.projects <= principal.projects
