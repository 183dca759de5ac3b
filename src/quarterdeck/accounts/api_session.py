"""Signing in and out, and what the UI needs to know first."""

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from quarterdeck import __version__
from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.login import Signed, admit_setup, set_up, sign_in, sign_in_by_link
from quarterdeck.accounts.sessions import close_cookie, csrf_token_of
from quarterdeck.accounts.setup import on_this_machine
from quarterdeck.accounts.users import any_user, find_user
from quarterdeck.accounts.web import (
    SESSION_COOKIE,
    address_of,
    agent_of,
    clear_session_cookie,
    note_address,
    refuse_cross_site,
    set_session_cookie,
)
from quarterdeck.core.errors import NotFound
from quarterdeck.core.permissions import ANONYMOUS, PEOPLE, Permission, Principal
from quarterdeck.core.web import PrincipalDep, Router, principal_of

Password = Field(min_length=1, max_length=1024)
Text = Field(max_length=400)


class SessionUser(BaseModel):
    id: str
    email: str
    name: str
    role: str


class SessionProject(BaseModel):
    id: int
    slug: str
    name: str
    environments: list[str]


class SessionView(BaseModel):
    """Who is signed in and what they see; `user` is null for a key and for nobody."""

    user: SessionUser | None
    setup_required: bool
    setup_token_required: bool = Field(
        description="Whether setting up needs the token, for this is another machine."
    )
    csrf_token: str = Field(description="For the header X-CSRF-Token; empty without a session.")
    version: str
    demo: bool
    projects: list[SessionProject]
    retention_days: int
    roles: list[str] = Field(description="Roles of people, the weakest first.")


class SetupBody(BaseModel):
    email: str = Text
    name: str = Text
    password: str = Password
    token: str = Field("", max_length=400, description="The set-up token; needed from afar.")


class LoginBody(BaseModel):
    email: str = Text
    password: str = Password


def session_view(
    accounts: Accounts,
    principal: Principal,
    user: SessionUser | None,
    *,
    cookie: str,
    setup_required: bool = False,
    setup_token_required: bool = False,
) -> SessionView:
    directory = accounts.directory
    return SessionView(
        user=user,
        setup_required=setup_required,
        setup_token_required=setup_token_required,
        csrf_token=csrf_token_of(cookie) if user and cookie else "",
        version=__version__,
        demo=bool(accounts.settings.demo_url),
        projects=[
            SessionProject(
                id=project.id,
                slug=project.slug,
                name=project.name,
                environments=list(directory.environments.get(project.id, ())),
            )
            for project in directory.visible(principal)
        ],
        retention_days=int(accounts.settings.retention_days),
        roles=[str(role) for role in PEOPLE],
    )


def signed_in(
    accounts: Accounts, request: Request, response: Response, signed: Signed
) -> SessionView:
    """Set the cookie of a new session, and describe the session."""
    user, cookie = signed
    set_session_cookie(request, response, cookie, accounts.settings)
    shown = SessionUser(id=user.id, email=user.email, name=user.name, role=str(user.role))
    return session_view(accounts, user.principal, shown, cookie=cookie)


def session_router(accounts: Accounts) -> Router:
    router = Router("/api", tag="session")

    @router.get("/session", permission=Permission.PUBLIC)
    async def get_session(request: Request) -> SessionView:
        """Who is asking."""
        principal = await principal_of(request)
        if principal.kind == "user":
            user = await accounts.store.read(lambda conn: find_user(conn, principal.id))
            shown = SessionUser(id=user.id, email=user.email, name=user.name, role=str(user.role))
            cookie = request.cookies.get(SESSION_COOKIE, "")
            return session_view(accounts, principal, shown, cookie=cookie)
        fresh = not await accounts.store.read(any_user)
        return session_view(
            accounts,
            principal,
            None,
            cookie="",
            setup_required=fresh,
            setup_token_required=fresh
            and not on_this_machine(address_of(request), request.headers),
        )

    @router.post("/setup", permission=Permission.PUBLIC)
    async def setup(request: Request, response: Response, body: SetupBody) -> SessionView:
        """Create the first admin while there is no user; from afar it needs the set-up token."""
        refuse_cross_site(request, accounts.settings)
        note_address(request)
        here = on_this_machine(address_of(request), request.headers)
        await admit_setup(accounts, body.token, here=here)
        signed = await set_up(accounts, body.email, body.name, body.password, agent_of(request))
        return signed_in(accounts, request, response, signed)

    @router.post("/login", permission=Permission.PUBLIC)
    async def login(request: Request, response: Response, body: LoginBody) -> SessionView:
        """Sign in with a password."""
        refuse_cross_site(request, accounts.settings)
        note_address(request)
        signed = await sign_in(
            accounts, body.email, body.password, address_of(request), agent_of(request)
        )
        return signed_in(accounts, request, response, signed)

    @router.post("/logout", permission=Permission.SESSION, status_code=204)
    async def logout(request: Request, response: Response, principal: PrincipalDep) -> None:
        """End this session."""
        cookie = request.cookies.get(SESSION_COOKIE, "")
        await accounts.store.write(lambda conn: close_cookie(conn, principal, cookie))
        clear_session_cookie(response)

    @router.get(
        "/login/link",
        permission=Permission.PUBLIC,
        status_code=303,
        response_class=RedirectResponse,
    )
    async def login_link(request: Request, token: str = "") -> RedirectResponse:
        """Sign in by a one-time link; a used one leads to the login page, or in when signed in."""
        note_address(request)
        try:
            cookie = await sign_in_by_link(accounts, token, agent_of(request))
        except NotFound:
            known = await principal_of(request)
            where = "/login?reason=link_invalid" if known is ANONYMOUS else "/"
            return RedirectResponse(where, status_code=303)
        response = RedirectResponse("/", status_code=303)
        set_session_cookie(request, response, cookie, accounts.settings)
        return response

    return router
