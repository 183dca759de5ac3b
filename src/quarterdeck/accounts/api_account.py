"""One's own account: name, password, sessions."""

from fastapi import Request
from pydantic import BaseModel, Field

from quarterdeck.accounts.api_session import SessionUser
from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.login import change_password
from quarterdeck.accounts.sessions import close_session, list_sessions
from quarterdeck.accounts.users import User, change_user, clean_name, find_user
from quarterdeck.accounts.web import address_of
from quarterdeck.core.errors import Unprocessable
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import PrincipalDep, Router


class AccountView(SessionUser):
    created_at: int


class AccountBody(BaseModel):
    name: str | None = Field(None, max_length=400)
    password: str | None = Field(None, max_length=1024)
    current_password: str | None = Field(
        None, max_length=1024, description="Needed to change the password."
    )


class OwnSession(BaseModel):
    id: str
    created_at: int
    last_seen_at: int
    address: str
    user_agent: str
    current: bool


def account_router(accounts: Accounts) -> Router:
    router = Router("/api/account", tag="account")

    @router.get("", permission=Permission.SESSION)
    async def get_account(principal: PrincipalDep) -> AccountView:
        """One's own account."""
        return _view(await accounts.store.read(lambda conn: find_user(conn, principal.id)))

    @router.patch("", permission=Permission.SESSION)
    async def update_account(
        request: Request, principal: PrincipalDep, body: AccountBody
    ) -> AccountView:
        """Change one's name or password; a new password ends all other sessions."""
        name = clean_name(body.name) if body.name is not None else None
        user = await accounts.store.read(lambda conn: find_user(conn, principal.id))
        if body.password is not None:
            if not body.current_password:
                raise Unprocessable(
                    "current_password_missing",
                    "Changing the password needs the current one.",
                    "Send it as current_password.",
                )
            await change_password(
                accounts,
                user,
                body.current_password,
                body.password,
                address_of(request),
                request.state.session_id,
            )
        if name is not None:
            user = await accounts.store.write(
                lambda conn: change_user(conn, principal, principal.id, name=name)
            )
        return _view(user)

    @router.get("/sessions", permission=Permission.SESSION)
    async def list_own_sessions(request: Request, principal: PrincipalDep) -> list[OwnSession]:
        """Where one is signed in."""
        found = await accounts.store.read(
            lambda conn: list_sessions(conn, principal.id, accounts.idle_ms)
        )
        current = request.state.session_id
        return [
            OwnSession(
                id=session.id,
                created_at=session.created_at,
                last_seen_at=session.last_seen_at,
                address=session.address,
                user_agent=session.user_agent,
                current=session.id == current,
            )
            for session in found
        ]

    @router.delete("/sessions/{session_id}", permission=Permission.SESSION, status_code=204)
    async def end_own_session(session_id: str, principal: PrincipalDep) -> None:
        """Sign out somewhere."""
        await accounts.store.write(lambda conn: close_session(conn, principal, session_id))

    return router


def _view(user: User) -> AccountView:
    return AccountView(
        id=user.id,
        email=user.email,
        name=user.name,
        role=str(user.role),
        created_at=user.created_at,
    )
