"""Secrets by name; a value goes in and never comes out."""

from fastapi import Path
from pydantic import BaseModel, Field

from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.secrets import Secret
from quarterdeck.accounts.web import require_everywhere
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import PrincipalDep, Router

Name = Path(max_length=200)


class SecretView(BaseModel):
    name: str
    created_at: int
    updated_at: int
    updated_by: str


class SecretBody(BaseModel):
    value: str = Field(min_length=1)


def secrets_router(accounts: Accounts) -> Router:
    router = Router("/api/secrets", tag="secrets")
    store, vault = accounts.store, accounts.vault

    @router.get("", permission=Permission.ADMIN)
    async def list_names(principal: PrincipalDep) -> list[SecretView]:
        """The secrets there are, without their values."""
        require_everywhere(principal)
        return [_view(secret) for secret in await store.read(vault.entries)]

    @router.put("/{name}", permission=Permission.ADMIN)
    async def put(principal: PrincipalDep, body: SecretBody, name: str = Name) -> SecretView:
        """Create or replace a secret; specs refer to it as `${secret:NAME}`."""
        require_everywhere(principal)
        kept = await store.write(lambda conn: vault.set(conn, principal, name, body.value))
        return _view(kept)

    @router.delete("/{name}", permission=Permission.ADMIN, status_code=204)
    async def delete(principal: PrincipalDep, name: str = Name) -> None:
        """Delete a secret; what refers to it fails and says so."""
        require_everywhere(principal)
        await store.write(lambda conn: vault.delete(conn, principal, name))

    return router


def _view(secret: Secret) -> SecretView:
    return SecretView(
        name=secret.name,
        created_at=secret.created_at,
        updated_at=secret.updated_at,
        updated_by=secret.updated_by,
    )
