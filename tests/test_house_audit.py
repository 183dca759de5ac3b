"""Every route that changes something leaves its entry on the audit trail of a running server.

The routes are those of the document: one that stands in neither table fails the test, so that
a new one cannot be forgotten.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from quarterdeck.demo.control import control_app, control_server, listen
from quarterdeck.demo.switches import Switches
from support.load import traces
from support.server import Server

SEARCH = {"spec": {"title": "One", "signal": "logs", "query": "one"}}
ADMIN = {"name": "Ada", "email": "ada@example.com", "password": "a calm long sentence"}
ERASED = ("person.erase", "person.erased")
RESOURCE = "/api/resources/saved-search"
APPLY = "/api/resources/apply"
DRY = {"dry_run": True}
PROTOBUF = {"content-type": "application/x-protobuf"}
FILE = {"documents": [{"kind": "saved-search", "name": "f", **SEARCH}], "source": "deck.yaml"}

CHANGES_NOTHING = {
    "POST /v1/traces": "ingest: telemetry is not configuration, and is counted",
    "POST /v1/logs": "ingest",
    "POST /v1/metrics": "ingest",
    "POST /api/logs": "ingest",
    "POST /loki/api/v1/push": "ingest",
    "POST /prometheus/api/v1/write": "ingest",
    "POST /api/drains/{provider}/{name}": "ingest",
    "POST /elasticsearch/_bulk": "ingest",
    "PUT /elasticsearch/_bulk": "ingest",
    "POST /elasticsearch/{index}/_bulk": "ingest",
    "PUT /elasticsearch/{index}/_bulk": "ingest",
    "PUT /elasticsearch/{rest}": "acknowledged to shippers, and nothing is done",
    "POST /api/{project_id}/envelope": "ingest",
    "POST /api/{project_id}/store": "ingest",
    "POST /api/{project_id}/security": "ingest",
    "POST /api/sql": "one SELECT",
    "POST /prometheus/api/v1/query": "a question, as the other five",
    "POST /prometheus/api/v1/query_range": "a question",
    "POST /prometheus/api/v1/query_exemplars": "a question",
    "POST /prometheus/api/v1/series": "a question",
    "POST /prometheus/api/v1/labels": "a question",
    "POST /prometheus/api/v1/format_query": "a question",
    "POST /api/dashboards/import": "translates, keeps nothing",
    "POST /api/resources/validate/{kind}": "judges a spec, keeps nothing",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server within a demo, whose routes it has besides all others."""
    place: Path = tmp_path_factory.mktemp("audit")
    bound = listen()
    control = control_server(
        control_app(Switches(place / "switches.json"), lambda: "http://shop", lambda *_: None)
    )
    serving = threading.Thread(target=control.run, kwargs={"sockets": [bound]})
    serving.start()
    demo = f"http://127.0.0.1:{bound.getsockname()[1]}"
    try:
        with Server(place / "data", environment={"QUARTERDECK_DEMO_URL": demo}) as running:
            yield running
    finally:
        control.should_exit = True
        serving.join()


class Desk:
    """An admin's key at work, and Bob in his browser; remembers what was made."""

    def __init__(self, server: Server, client: httpx.Client, bob: httpx.Client) -> None:
        self.server = server
        self.client = client
        self.bob = bob
        self.made: dict[str, Any] = {}

    def ask(self, method: str, path: str, json: Any = None) -> Any:
        return answered(self.client, method, path, json)

    def make(self, name: str, path: str, json: Any) -> None:
        self.made[name] = self.ask("POST", path, json)

    def change_issues(self) -> None:
        """Two errors of different kinds, of which one is resolved."""
        dsn = self.ask("GET", "/api/projects/default")["dsn"]
        key, store = dsn.split("/")[2].split("@")[0], f"/api/{dsn.rpartition('/')[2]}/store/"
        for name in ("Late", "Lost"):
            document = {"exception": {"values": [{"type": name, "value": name}]}}
            self.ask("POST", f"{store}?sentry_key={key}", document)
        self.ask("PATCH", "/api/issues/1", {"status": "resolved"})

    def split_issue(self) -> None:
        now = time.time_ns() // 1_000_000
        found = self.ask("GET", f"/api/issues/1?from={now - 3_600_000}&to={now + 60_000}")
        self.ask("POST", "/api/issues/1/split", {"group": found["groups"][0]["of_group"]})

    def as_bob(self, method: str, path: str, json: Any = None) -> None:
        found = answered(self.bob, method, path, json)
        if isinstance(found, dict) and found.get("csrf_token"):
            self.bob.headers["x-csrf-token"] = found["csrf_token"]

    def id_of(self, email: str) -> str:
        (found,) = [user for user in self.ask("GET", "/api/users") if user["email"] == email]
        return str(found["id"])

    def bob_joins(self) -> None:
        offer = self.ask("POST", "/api/invitations", INVITED)
        token = offer["url"].rpartition("/")[2]
        joined = {"name": "Bob", "password": BOB["password"]}
        self.as_bob("POST", f"/api/invitations/accept/{token}", joined)

    def bob_ends_his_session(self) -> None:
        (session,) = answered(self.bob, "GET", "/api/account/sessions")
        self.as_bob("DELETE", f"/api/account/sessions/{session['id']}")

    def bob_resets_his_password(self) -> None:
        command = [sys.executable, "-m", "quarterdeck", "password-reset", BOB["email"]]
        command += ["--data", str(self.server.data)]
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        token = told.stdout.strip().rpartition("/")[2]
        self.as_bob("POST", f"/api/reset/{token}", {"password": "a third calm sentence"})


def answered(client: httpx.Client, method: str, path: str, json: Any = None) -> Any:
    answer = client.request(method, path, json=json)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content[:1] in (b"{", b"[") else None


KEY = {"name": "k", "kind": "secret", "role": "viewer"}
BOB = {"email": "bob@example.com", "password": "another calm sentence"}
INVITED = {"email": BOB["email"], "role": "viewer"}
ACCOUNT = {"name": "Rob", "password": BOB["password"], "current_password": BOB["password"]}
# In the order in which they are done: route → (what is done, the entries it leaves).
CHANGES: dict[str, tuple[Callable[[Desk], Any], tuple[str, ...]]] = {
    "POST /api/setup": (lambda d: d.ask("POST", "/api/setup", ADMIN), ("setup", "login")),
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
    "POST /api/annotations": (
        lambda d: d.make("annotation", "/api/annotations", {"title": "One"}),
        ("annotation.create",),
    ),
    "DELETE /api/annotations/{annotation_id}": (
        lambda d: d.ask("DELETE", f"/api/annotations/{d.made['annotation']['id']}"),
        ("annotation.delete",),
    ),
    "PATCH /api/issues/{issue_id}": (
        lambda d: d.change_issues(),
        ("issue.change",),
    ),
    "POST /api/issues/{issue_id}/comments": (
        lambda d: d.ask("POST", "/api/issues/1/comments", {"text": "Looking."}),
        ("issue.comment",),
    ),
    "POST /api/issues/{issue_id}/merge": (
        lambda d: d.ask("POST", "/api/issues/1/merge", {"issues": ["2"]}),
        ("issue.merge",),
    ),
    "POST /api/issues/{issue_id}/split": (lambda d: d.split_issue(), ("issue.split",)),
    "POST /api/invitations": (
        lambda d: d.make("invitation", "/api/invitations", INVITED),
        ("invitation.create",),
    ),
    "DELETE /api/invitations/{invitation_id}": (
        lambda d: d.ask("DELETE", f"/api/invitations/{d.made['invitation']['id']}"),
        ("invitation.delete",),
    ),
    "POST /api/invitations/accept/{token}": (
        lambda d: d.bob_joins(),
        ("invitation.create", "invitation.accept", "login"),
    ),
    "POST /api/logout": (lambda d: d.as_bob("POST", "/api/logout"), ("logout",)),
    "POST /api/login": (lambda d: d.as_bob("POST", "/api/login", BOB), ("login",)),
    "PATCH /api/account": (
        lambda d: d.as_bob("PATCH", "/api/account", ACCOUNT),
        ("user.password", "user.update"),
    ),
    "DELETE /api/account/sessions/{session_id}": (
        lambda d: d.bob_ends_his_session(),
        ("session.end",),
    ),
    "POST /api/reset/{token}": (
        lambda d: d.bob_resets_his_password(),
        ("link.reset", "user.password", "login"),
    ),
    "POST /api/demo/login-link": (
        lambda d: d.ask("POST", "/api/demo/login-link", {"email": BOB["email"]}),
        ("link.login",),
    ),
    "PUT /api/demo/switches/{name}": (
        lambda d: d.ask("PUT", "/api/demo/switches/traffic-spike", {"on": True}),
        ("demo.switch",),
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
        lambda d: [d.ask("POST", f"{APPLY}?project=shop", {**FILE, **how}) for how in (DRY, {})],
        ("resource.create",),  # by the one that was not a dry run
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
        lambda d: d.ask("PATCH", f"/api/users/{d.id_of(BOB['email'])}", {"disabled": True}),
        ("user.update",),
    ),
    "DELETE /api/users/{user_id}": (
        lambda d: d.ask("DELETE", f"/api/users/{d.id_of(BOB['email'])}"),
        ("user.delete",),
    ),
}


def trail(client: httpx.Client) -> list[str]:
    answer = client.get("/api/audit", params={"limit": 1000})
    return [entry["action"] for entry in answer.raise_for_status().json()]


def test_every_route_that_changes_something_leaves_its_entries(server: Server) -> None:
    with server.client() as client, server.client(None) as bob:
        document = client.get("/api/openapi.json").json()["paths"]
        changing = {
            f"{method.upper()} {path}"
            for path, item in document.items()
            for method in item
            if method not in ("get", "head", "options")
        }
        assert not set(CHANGES) & set(CHANGES_NOTHING)
        assert changing == set(CHANGES) | set(CHANGES_NOTHING)
        desk = Desk(server, client, bob)
        for route, (act, left) in CHANGES.items():
            before = len(trail(client))
            act(desk)
            entries = trail(client)
            assert sorted(entries[: len(entries) - before]) == sorted(left), route


def test_an_environment_that_creates_itself_is_on_the_record(server: Server) -> None:
    request = traces("x")
    pair = request.resource_spans[0].resource.attributes.add(key="deployment.environment.name")
    pair.value.string_value = "canary"
    with server.client() as client:
        sent = client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
        sent.raise_for_status()
        for _ in range(200):
            project = client.get("/api/projects/default").json()
            if "canary" in project["environments"]:
                break
            time.sleep(0.1)
        assert "environment.create" in trail(client)


def test_an_erasure_that_is_killed_is_on_the_record_and_can_be_done_again(
    own_server: Server,
) -> None:
    own_server.start()
    request = traces("shop", 50)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.attributes.add(key="user.id").value.string_value = "ada"

    def erase() -> None:
        with own_server.client() as admin:
            answered(admin, "POST", "/api/projects/default/erase", {"user_id": "ada"})

    with own_server.client() as client, ThreadPoolExecutor(1) as beside:
        sent = client.post("/v1/traces", content=request.SerializeToString(), headers=PROTOBUF)
        sent.raise_for_status()
        erasing = beside.submit(erase)
        while "person.erase" not in trail(client) and not erasing.done():
            time.sleep(0.001)
        own_server.kill()
        with pytest.raises(httpx.TransportError):
            erasing.result()
    own_server.start()
    with own_server.client() as client:
        assert trail(client)[0] == "person.erase"
    erase()
    with own_server.client() as client:
        assert trail(client)[:3] == ["person.erased", "person.erase", "person.erase"]
