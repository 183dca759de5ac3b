"""Accounts behind their real routes, without a server: sign in, ask, wait."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from argon2 import PasswordHasher

from quarterdeck.accounts.api import accounts_routers
from quarterdeck.accounts.gate import Accounts
from quarterdeck.accounts.passwords import Passwords
from quarterdeck.accounts.setup import setup_token
from quarterdeck.core.clock import ManualClock
from quarterdeck.core.permissions import Permission
from quarterdeck.core.testkit import settings_for
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.http.application import build_api
from quarterdeck.store.control import ControlStore

ADMIN_KEY = "an-admin-key-from-the-environment"
PASSWORD = "four calm grey whales"
ADMIN = {"email": "mia@example.com", "name": "Mia", "password": PASSWORD}


def quick_passwords() -> Passwords:
    """Real hashes, made as cheap as they can be."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Browser:
    """A client with a cookie jar that sends the CSRF token as the UI does."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.http = client
        self.csrf = ""

    async def ask(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        sent = {"X-CSRF-Token": self.csrf} if self.csrf and method != "GET" else {}
        response = await self.http.request(
            method, f"/api{path}", json=json, headers={**sent, **headers}
        )
        if response.content and response.headers.get("content-type") == "application/json":
            body = response.json()
            if isinstance(body, dict) and body.get("csrf_token"):
                self.csrf = body["csrf_token"]
        return response

    async def get(self, path: str, **headers: str) -> Any:
        response = await self.ask("GET", path, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    async def do(self, method: str, path: str, json: Any = None) -> Any:
        response = await self.ask(method, path, json)
        assert response.status_code in (200, 201, 204), response.text
        return response.json() if response.content else None

    async def refused(
        self, method: str, path: str, json: Any = None, **headers: str
    ) -> tuple[int, str]:
        response = await self.ask(method, path, json, **headers)
        assert response.status_code >= 400, response.text
        error = response.json()["error"]
        assert error["message"]
        assert error["hint"]
        return response.status_code, error["code"]


@dataclass(slots=True)
class Desk:
    """The accounts and as many browsers as a test needs."""

    accounts: Accounts
    clock: ManualClock
    app: Any
    stack: AsyncExitStack

    async def browser(
        self, address: str = "192.0.2.1", base: str = "http://deck.test", **headers: str
    ) -> Browser:
        """A visitor from afar, unless the address says otherwise."""
        transport = httpx.ASGITransport(app=self.app, client=(address, 50000))
        client = httpx.AsyncClient(transport=transport, base_url=base, headers=headers)
        return Browser(await self.stack.enter_async_context(client))

    async def with_key(self, key: str) -> Browser:
        return await self.browser(Authorization=f"Bearer {key}")

    async def admin(self) -> Browser:
        """Whoever sets the place up, signed in."""
        browser = await self.browser()
        await browser.do("POST", "/setup", {**ADMIN, "token": self.setup_token})
        return browser

    @property
    def setup_token(self) -> str:
        return setup_token(self.accounts.settings.data_dir)

    async def person(self, admin: Browser, email: str, role: str) -> Browser:
        """Somebody whom the admin has invited, signed in."""
        offer = await admin.do("POST", "/invitations", {"email": email, "role": role})
        browser = await self.browser()
        token = offer["url"].rpartition("/")[2]
        body = {"name": email.partition("@")[0], "password": PASSWORD}
        await browser.do("POST", f"/invitations/accept/{token}", body)
        return browser

    async def key(self, admin: Browser, **body: Any) -> dict[str, Any]:
        made: dict[str, Any] = await admin.do(
            "POST", "/keys", {"name": "k", "kind": "secret", **body}
        )
        return made


def probe_router() -> Router:
    """Routes of other domains, as far as the gate is concerned."""
    router = Router("/api/probe", tag="probe")

    @router.get("/read", permission=Permission.READ)
    async def read(scope: ScopeDep) -> dict[str, Any]:
        return {"project": scope.project.slug, "who": scope.principal.name}

    @router.post("/respond", permission=Permission.RESPOND)
    async def respond(scope: ScopeDep) -> dict[str, Any]:
        return {"project": scope.project.slug}

    return router


@asynccontextmanager
async def desk_over(
    store: ControlStore, clock: ManualClock, **settings: Any
) -> AsyncIterator[Desk]:
    """The routes over a control store; batches and reloads happen when the test says."""
    with tempfile.TemporaryDirectory() as directory:
        values = {"admin_key": ADMIN_KEY, **settings}
        accounts = Accounts(store, settings_for(Path(directory), **values), quick_passwords())
        await accounts.start()
        app = build_api([*accounts_routers(accounts), probe_router()], [], accounts)
        async with AsyncExitStack() as stack:
            yield Desk(accounts, clock, app, stack)
        await accounts.stop()
