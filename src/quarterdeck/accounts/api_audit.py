"""Reading the audit trail."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel, Field

from quarterdeck.accounts.audit import Entry, list_entries
from quarterdeck.accounts.gate import Accounts
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import PrincipalDep, Router


class AuditView(BaseModel):
    id: str
    at: int
    actor: str
    actor_kind: str
    actor_id: str
    action: str
    target: str
    project: str | None = Field(description="Its slug; null when it concerns none, or one gone.")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str


def audit_router(accounts: Accounts) -> Router:
    router = Router("/api/audit", tag="audit")

    @router.get("", permission=Permission.ADMIN)
    async def list_trail(
        principal: PrincipalDep,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        before: Annotated[str | None, Query(description="The id of an entry.")] = None,
        project: Annotated[str | None, Query(description="Only what concerns it.")] = None,
    ) -> list[AuditView]:
        """Who changed what, the newest first."""
        project_id = None
        if project is not None:
            project_id = (await accounts.project(principal, project)).id
        found = await accounts.store.read(
            lambda conn: list_entries(
                conn, limit=limit, before=before, project_id=project_id, within=principal.projects
            )
        )
        return [view(entry) for entry in found]

    def view(entry: Entry) -> AuditView:
        project = accounts.project_by_id(entry.project_id) if entry.project_id else None
        return AuditView(
            id=entry.id,
            at=entry.at,
            actor=entry.actor,
            actor_kind=entry.actor_kind,
            actor_id=entry.actor_id,
            action=entry.action,
            target=entry.target,
            project=project.slug if project else None,
            before=entry.before,
            after=entry.after,
            address=entry.address,
        )

    return router
