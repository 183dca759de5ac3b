"""Administration of users and invitations; accepting one; setting a new password by link."""

from fastapi import Request, Response
from pydantic import BaseModel, Field

from quarterdeck.accounts.api_session import Password, SessionView, Text, signed_in
from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.invitations import (
    Invitation,
    find_invitation,
    invite,
    list_invitations,
    withdraw,
)
from quarterdeck.accounts.links import linked_user
from quarterdeck.accounts.login import accept_invitation, reset_password
from quarterdeck.accounts.users import (
    User,
    change_user,
    clean_email,
    clean_name,
    delete_user,
    list_users,
    person_role,
)
from quarterdeck.accounts.web import (
    agent_of,
    base_url,
    note_address,
    refuse_cross_site,
    require_everywhere,
)
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import PrincipalDep, Router


class UserView(BaseModel):
    id: str
    email: str
    name: str
    role: str
    created_at: int
    last_seen_at: int | None
    disabled: bool


class UserBody(BaseModel):
    role: str | None = None
    name: str | None = Field(None, max_length=400)
    disabled: bool | None = None


class InvitationView(BaseModel):
    id: str
    email: str
    role: str
    invited_by: str
    created_at: int
    expires_at: int
    url: str | None = Field(description="Where it is accepted; told once, when it is made.")


class InvitationBody(BaseModel):
    email: str = Text
    role: str


class OfferView(BaseModel):
    """What an invitation offers, to whoever holds it."""

    email: str
    role: str


class AcceptBody(BaseModel):
    name: str = Text
    password: str = Password


class ResetView(BaseModel):
    email: str


class ResetBody(BaseModel):
    password: str = Password


def users_router(accounts: Accounts) -> Router:
    router = Router("/api/users", tag="users")

    @router.get("", permission=Permission.ADMIN)
    async def list_all(principal: PrincipalDep) -> list[UserView]:
        """Everybody who can sign in, or could."""
        require_everywhere(principal)
        return [_user_view(user) for user in await accounts.store.read(list_users)]

    @router.patch("/{user_id}", permission=Permission.ADMIN)
    async def update(user_id: str, principal: PrincipalDep, body: UserBody) -> UserView:
        """Change a user's name or role, or shut them out; the last admin stays one."""
        require_everywhere(principal)
        role = person_role(body.role) if body.role is not None else None
        name = clean_name(body.name) if body.name is not None else None
        changed = await accounts.store.write(
            lambda conn: change_user(
                conn, principal, user_id, name=name, role=role, disabled=body.disabled
            )
        )
        return _user_view(changed)

    @router.delete("/{user_id}", permission=Permission.ADMIN, status_code=204)
    async def delete(user_id: str, principal: PrincipalDep) -> None:
        """Delete a user and their sessions; the audit trail keeps what they did."""
        require_everywhere(principal)
        await accounts.store.write(lambda conn: delete_user(conn, principal, user_id))

    return router


def invitations_router(accounts: Accounts) -> Router:
    router = Router("/api/invitations", tag="invitations")

    @router.get("", permission=Permission.ADMIN)
    async def list_open(principal: PrincipalDep) -> list[InvitationView]:
        """Invitations that nobody has accepted yet."""
        require_everywhere(principal)
        found = await accounts.store.read(list_invitations)
        return [_invitation_view(invitation, None) for invitation in found]

    @router.post("", permission=Permission.ADMIN, status_code=201)
    async def create(
        request: Request, principal: PrincipalDep, body: InvitationBody
    ) -> InvitationView:
        """Invite somebody; the address to send them is told only now."""
        require_everywhere(principal)
        email, role = clean_email(body.email), person_role(body.role)
        made, token = await accounts.store.write(lambda conn: invite(conn, principal, email, role))
        return _invitation_view(made, f"{base_url(request, accounts.settings)}/invite/{token}")

    @router.delete("/{invitation_id}", permission=Permission.ADMIN, status_code=204)
    async def delete(invitation_id: str, principal: PrincipalDep) -> None:
        """Withdraw an invitation."""
        require_everywhere(principal)
        await accounts.store.write(lambda conn: withdraw(conn, principal, invitation_id))

    @router.get("/accept/{token}", permission=Permission.PUBLIC)
    async def get_offer(token: str) -> OfferView:
        """What this invitation offers."""
        found = await accounts.store.read(lambda conn: find_invitation(conn, token))
        return OfferView(email=found.email, role=str(found.role))

    @router.post("/accept/{token}", permission=Permission.PUBLIC)
    async def accept(
        token: str, request: Request, response: Response, body: AcceptBody
    ) -> SessionView:
        """Become a user, and sign in."""
        refuse_cross_site(request, accounts.settings)
        note_address(request)
        signed = await accept_invitation(
            accounts, token, body.name, body.password, agent_of(request)
        )
        return signed_in(accounts, request, response, signed)

    return router


def reset_router(accounts: Accounts) -> Router:
    router = Router("/api/reset", tag="reset")

    @router.get("/{token}", permission=Permission.PUBLIC)
    async def get_reset(token: str) -> ResetView:
        """Whose password this link sets."""
        user = await accounts.store.read(lambda conn: linked_user(conn, "reset", token))
        return ResetView(email=user.email)

    @router.post("/{token}", permission=Permission.PUBLIC)
    async def set_new(
        token: str, request: Request, response: Response, body: ResetBody
    ) -> SessionView:
        """Set a new password, end all sessions, and sign in."""
        refuse_cross_site(request, accounts.settings)
        note_address(request)
        signed = await reset_password(accounts, token, body.password, agent_of(request))
        return signed_in(accounts, request, response, signed)

    return router


def _user_view(user: User) -> UserView:
    return UserView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=str(user.role),
        created_at=user.created_at,
        last_seen_at=user.last_seen_at,
        disabled=user.disabled_at is not None,
    )


def _invitation_view(invitation: Invitation, url: str | None) -> InvitationView:
    return InvitationView(
        id=invitation.id,
        email=invitation.email,
        role=str(invitation.role),
        invited_by=invitation.invited_by,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        url=url,
    )
