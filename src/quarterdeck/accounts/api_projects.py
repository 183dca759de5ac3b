"""Projects: what they are, where their telemetry is sent."""

from fastapi import Request
from pydantic import BaseModel, Field

from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.projects import (
    Project,
    change_project,
    check_slug,
    create_project,
    delete_project,
    find_project,
    project_unknown,
)
from quarterdeck.accounts.users import clean_name
from quarterdeck.accounts.web import base_url, dsn, require_everywhere
from quarterdeck.core.permissions import Permission, Principal
from quarterdeck.core.web import PrincipalDep, Router


class ProjectView(BaseModel):
    id: int
    slug: str
    name: str
    dsn: str | None = Field(description="For Sentry SDKs; null while there is no browser key.")
    environments: list[str]
    created_at: int


class ProjectBody(BaseModel):
    slug: str = Field(max_length=100)
    name: str | None = Field(None, max_length=400, description="The slug, if left out.")


class ProjectChange(BaseModel):
    slug: str | None = Field(None, max_length=100)
    name: str | None = Field(None, max_length=400)


class ConfirmBody(BaseModel):
    confirm: str = Field(max_length=100, description="The project's slug.")


def projects_router(accounts: Accounts) -> Router:
    router = Router("/api/projects", tag="projects")

    def view(request: Request, project: Project) -> ProjectView:
        directory = accounts.directory
        base = base_url(request, accounts.settings)
        return ProjectView(
            id=project.id,
            slug=project.slug,
            name=project.name,
            dsn=dsn(base, directory.dsn_keys.get(project.id), project.id),
            environments=list(directory.environments.get(project.id, ())),
            created_at=project.created_at,
        )

    def require_seen(principal: Principal, slug: str) -> None:
        known = accounts.project_by_slug(slug)
        if known is None or not principal.sees(known.id):
            raise project_unknown(slug)

    @router.get("", permission=Permission.READ)
    async def list_visible(request: Request, principal: PrincipalDep) -> list[ProjectView]:
        """The projects that one may see."""
        return [view(request, project) for project in accounts.directory.visible(principal)]

    @router.post("", permission=Permission.ADMIN, status_code=201)
    async def create(request: Request, principal: PrincipalDep, body: ProjectBody) -> ProjectView:
        """A new project with its own browser key."""
        require_everywhere(principal)
        slug = check_slug(body.slug)
        name = clean_name(body.name if body.name is not None else slug)
        made = await accounts.change(lambda conn: create_project(conn, principal, slug, name))
        return view(request, made)

    @router.get("/{slug}", permission=Permission.READ)
    async def get(slug: str, request: Request, principal: PrincipalDep) -> ProjectView:
        """One project, with the address its telemetry is sent to."""
        require_seen(principal, slug)
        return view(request, await accounts.store.read(lambda conn: find_project(conn, slug)))

    @router.patch("/{slug}", permission=Permission.ADMIN)
    async def update(
        slug: str, request: Request, principal: PrincipalDep, body: ProjectChange
    ) -> ProjectView:
        """Change the name or the slug; what was sent stays with the project."""
        require_seen(principal, slug)
        new_slug = check_slug(body.slug) if body.slug is not None else None
        name = clean_name(body.name) if body.name is not None else None
        changed = await accounts.change(
            lambda conn: change_project(conn, principal, slug, new_slug=new_slug, name=name)
        )
        return view(request, changed)

    @router.delete("/{slug}", permission=Permission.ADMIN, status_code=204)
    async def delete(slug: str, principal: PrincipalDep, body: ConfirmBody) -> None:
        """Delete a project, its keys, its resources and, soon after, its telemetry."""
        require_seen(principal, slug)
        await accounts.change(
            lambda conn: delete_project(conn, principal, slug, body.confirm, accounts.emptying)
        )

    return router
