"""The demo's switches in the product: shown to whoever may read, turned by whoever may respond.

Mounted only when the setting `demo_url` is set. It forwards to the launcher's control
address and holds no state. A link that signs in without a password exists here alone:
outside a demo nobody should be able to make one over HTTP.
"""

from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from fastapi import Request
from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput, NotFound, Unavailable
from quarterdeck.core.permissions import Permission
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import PrincipalDep, Record, Router
from quarterdeck.demo.switches import NAMES

SECONDS = 3.0


class SwitchView(BaseModel):
    """A way to break the shop, and whether it is broken so now."""

    name: str
    title: str
    description: str
    on: bool
    since: int | None = None  # milliseconds since the epoch


class DemoView(BaseModel):
    shop_url: str
    switches: list[SwitchView]


class SwitchChange(BaseModel):
    on: bool


class LoginLinkBody(BaseModel):
    email: str = Field(max_length=400)


class LoginLinkView(BaseModel):
    url: str


class LoginLinks(Protocol):
    """What the accounts behind the gate can do for a demo."""

    async def create_login_link(self, email: str | None = None) -> str: ...


def demo_router(settings: Settings, record: Record) -> Router:
    router = Router("/api/demo", tag="demo")
    address = str(settings.demo_url).rstrip("/")

    @router.get("", permission=Permission.READ)
    async def demo() -> DemoView:
        """The demo shop's address and its switches."""
        return DemoView.model_validate(await _ask(address, "GET", "/"))

    @router.put("/switches/{name}", permission=Permission.RESPOND)
    async def turn(name: str, change: SwitchChange, principal: PrincipalDep) -> SwitchView:
        """Turn one of the demo's switches on or off."""
        if name not in NAMES:
            raise NotFound(
                "demo_switch_unknown", "There is no such switch.", "GET /api/demo lists them all."
            )
        await record(principal, "demo.switch", f"{name} {'on' if change.on else 'off'}")
        answer = await _ask(address, "PUT", f"/switches/{name}", change.model_dump())
        return SwitchView.model_validate(answer)

    @router.post("/login-link", permission=Permission.ADMIN)
    async def login_link(request: Request, body: LoginLinkBody) -> LoginLinkView:
        """A one-time address that signs a visitor of the demo in."""
        links: LoginLinks = request.app.state.gate
        made = urlsplit(await links.create_login_link(body.email))
        # The address the caller came by, since the demo may have moved to another port.
        base = str(request.base_url).rstrip("/")
        return LoginLinkView(url=f"{base}{made.path}?{made.query}")

    return router


async def _ask(address: str, method: str, path: str, body: Any = None) -> Any:
    try:
        async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
            answer = await client.request(method, httpx.URL(address).join(path), json=body)
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise Unavailable(
            "demo_unreachable",
            "The demo does not answer.",
            "It ends with the command `quarterdeck demo`; start it again.",
            retry_after=2,
        ) from error
    if answer.status_code >= 400:
        raise BadInput("demo_refused", "The demo refused this.", "GET /api/demo shows its state.")
    return found
