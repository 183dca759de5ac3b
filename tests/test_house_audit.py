"""Every route that changes something leaves its entry on the audit trail of a running server.

The routes are those of the document: one that stands in neither table fails the test, so that
a new one cannot be forgotten.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.load import traces
from support.server import Server

SEARCH = {"spec": {"title": "One", "signal": "logs", "query": "one"}}
ADMIN = {"name": "Ada", "email": "ada@example.com", "password": "a calm long sentence"}
ERASED = ("person.erase", "person.erased")
RESOURCE = "/api/resources/saved-search"

CHANGES_NOTHING = {
    "POST /v1/traces": "telemetry, which is counted",
    "POST /v1/logs": "telemetry, which is counted",
    "POST /v1/metrics": "telemetry, which is counted",
    "POST /api/sql": "reads",
    "POST /api/resources/validate/{kind}": "judges a spec, keeps nothing",
    "POST /api/login": "test_accounts_audit.py, as all of a person's session",
    "POST /api/logout": "test_accounts_audit.py",
    "POST /api/invitations/accept/{token}": "test_accounts_audit.py",
    "POST /api/reset/{token}": "test_accounts_audit.py",
    "PATCH /api/account": "test_accounts_audit.py",
    "DELETE /api/account/sessions/{session_id}": "test_accounts_audit.py",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(Path(tmp_path_factory.mktemp("audit")) / "data") as running:
        yield running


class Desk:
    """An admin's key at work; remembers what was made."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.made: dict[str, Any] = {}

    def ask(self, method: str, path: str, json: Any = None) -> Any:
        answer = self.client.request(method, path, json=json)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content[:1] in (b"{", b"[") else None

    def make(self, name: str, path: str, json: Any) -> Any:
        self.made[name] = self.ask("POST", path, json)
        return self.made[name]


KEY = {"name": "k", "kind": "secret", "role": "viewer"}
INVITED = {"email": "bob@example.com", "role": "viewer"}
# In the order in which they are done: route → (what is done, the entries it leaves).
CHANGES: dict[str, tuple[Callable[[Desk], Any], tuple[str, ...]]] = {
    "POST /api/setup": (lambda d: d.ask("POST", "/api/setup", ADMIN), ("setup",)),
    "POST /api/projects": (
        lambda d: d.ask("POST", "/api/projects", {"slug": "shop"}),
        ("project.create", "key.create"),
    ),
    "PATCH /api/projects/{slug}": (
        lambda d: d.ask("PATCH", "/api/projects/shop", {"name": "Shop"}),
        ("project.update",),
    ),
    "POST /api/keys": (lambda d: d.make("key", "/api/keys", KEY), ("key.create",)),
    "DELETE /api/keys/{key_id}": (
        lambda d: d.ask("DELETE", f"/api/keys/{d.made['key']['id']}"),
        ("key.revoke",),
    ),
    "PUT /api/secrets/{name}": (
        lambda d: d.ask("PUT", "/api/secrets/slack", {"value": "xoxb"}),
        ("secret.create",),
    ),
    "DELETE /api/secrets/{name}": (
        lambda d: d.ask("DELETE", "/api/secrets/slack"),
        ("secret.delete",),
    ),
    "POST /api/invitations": (
        lambda d: d.make("invitation", "/api/invitations", INVITED),
        ("invitation.create",),
    ),
    "DELETE /api/invitations/{invitation_id}": (
        lambda d: d.ask("DELETE", f"/api/invitations/{d.made['invitation']['id']}"),
        ("invitation.delete",),
    ),
    "PUT /api/resources/{kind}/{name}": (
        lambda d: d.ask("PUT", f"{RESOURCE}/one?project=shop", SEARCH),
        ("resource.create",),
    ),
    "POST /api/resources/{kind}/{name}/rename": (
        lambda d: d.ask("POST", f"{RESOURCE}/one/rename?project=shop", {"name": "two"}),
        ("resource.rename",),
    ),
    "DELETE /api/resources/{kind}/{name}": (
        lambda d: d.ask("DELETE", f"{RESOURCE}/two?project=shop"),
        ("resource.delete",),
    ),
    "POST /api/resources/apply": (
        lambda d: d.ask(
            "POST",
            "/api/resources/apply?project=shop",
            {"documents": [{"kind": "saved-search", "name": "f", **SEARCH}], "source": "deck.yaml"},
        ),
        ("resource.create",),
    ),
    "POST /api/resources/{kind}/{name}/release": (
        lambda d: d.ask("POST", f"{RESOURCE}/f/release?project=shop"),
        ("resource.update",),
    ),
    "POST /api/projects/{slug}/erase": (
        lambda d: d.ask("POST", "/api/projects/shop/erase", {"user_id": "u1"}),
        ERASED,
    ),
    "POST /api/backup": (lambda d: d.ask("POST", "/api/backup"), ("backup.take",)),
    "DELETE /api/projects/{slug}": (
        lambda d: d.ask("DELETE", "/api/projects/shop", {"confirm": "shop"}),
        ("key.revoke", "resource.delete", "project.delete"),
    ),
    "PATCH /api/users/{user_id}": (
        lambda d: d.ask("PATCH", f"/api/users/{user(d)}", {"name": "Ada L."}),
        ("user.update",),
    ),
    "DELETE /api/users/{user_id}": (lambda d: second_admin_goes(d), ("user.delete",)),
}


def user(desk: Desk, email: str = ADMIN["email"]) -> str:
    (found,) = [u for u in desk.ask("GET", "/api/users") if u["email"] == email]
    return str(found["id"])


def second_admin_goes(desk: Desk) -> None:
    offer = desk.ask("POST", "/api/invitations", INVITED)
    token = offer["url"].rsplit("/", 1)[-1]
    with httpx.Client(base_url=desk.client.base_url) as bob:
        joined = {"name": "Bob", "password": "another calm sentence"}
        bob.post(f"/api/invitations/accept/{token}", json=joined).raise_for_status()
    desk.ask("DELETE", f"/api/users/{user(desk, INVITED['email'])}")


def trail(client: httpx.Client) -> list[str]:
    answer = client.get("/api/audit", params={"limit": 1000})
    return [entry["action"] for entry in answer.raise_for_status().json()]


def test_every_route_that_changes_something_leaves_its_entries(server: Server) -> None:
    with server.client() as client:
        document = client.get("/api/openapi.json").json()["paths"]
        changing = {
            f"{method.upper()} {path}"
            for path, item in document.items()
            for method in item
            if method in ("post", "put", "patch", "delete")
        }
        assert changing == set(CHANGES) | set(CHANGES_NOTHING)
        desk = Desk(client)
        for route, (act, left) in CHANGES.items():
            before = len(trail(client))
            act(desk)
            entries = trail(client)
            assert set(left) <= set(entries[: len(entries) - before]), route


def test_an_environment_that_creates_itself_is_on_the_record(server: Server) -> None:
    request = traces("x")
    pair = request.resource_spans[0].resource.attributes.add(key="deployment.environment.name")
    pair.value.string_value = "canary"
    with server.client() as client:
        sent = {"content-type": "application/x-protobuf"}
        client.post(
            "/v1/traces", content=request.SerializeToString(), headers=sent
        ).raise_for_status()
        for _ in range(200):
            project = client.get("/api/projects/default").json()
            if "canary" in project["environments"]:
                break
            time.sleep(0.1)
        assert "environment.create" in trail(client)
