"""Every route of a real server, walked: who is let in and who is not."""

import json
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quarterdeck.core.permissions import GRANTS, Permission, Role
from support.server import Server

METHODS = ("get", "put", "post", "patch", "delete")  # HEAD and OPTIONS carry nothing

PUBLIC = {
    ("GET", "/api/health"),
    ("GET", "/api/openapi.json"),
    ("GET", "/api/session"),
    ("POST", "/api/setup"),
    ("POST", "/api/login"),
    ("GET", "/api/login/link"),
    ("GET", "/api/invitations/accept/{token}"),
    ("POST", "/api/invitations/accept/{token}"),
    ("GET", "/api/reset/{token}"),
    ("POST", "/api/reset/{token}"),
}
"""All that a stranger may call. A new one is added here by hand, and thought about."""

NOT_FOR_KEYS = {Permission.PUBLIC, Permission.SESSION}

Route = tuple[str, str, Permission]


@pytest.fixture(scope="module")
def routes(server: Server) -> list[Route]:
    document: dict[str, Any] = httpx.get(f"{server.url}/api/openapi.json").json()
    return [
        (method.upper(), path, Permission(item[method]["x-permission"]))
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


@pytest.fixture(scope="module")
def keys(server: Server) -> dict[Role, str]:
    """A key of each role that a key can have but `admin`, whose key the server has."""
    made = {}
    with server.client() as client:
        public = client.post("/api/keys", json={"name": "walk browser", "kind": "browser"})
        made[Role.BROWSER] = public.raise_for_status().json()["key"]
        for role in (Role.INGEST, Role.VIEWER, Role.RESPONDER, Role.DEPLOYER):
            answer = client.post(
                "/api/keys", json={"name": f"walk {role}", "kind": "secret", "role": role}
            )
            assert answer.status_code in (200, 201), answer.text
            made[role] = answer.json()["secret"]
    return made


def requests(routes: list[Route]) -> Iterator[tuple[str, str, Permission]]:
    """Sentry's endpoints tell by another key, in other words: test_sentry_http.py holds them."""
    for method, path, permission in routes:
        if not path.startswith("/api/{project_id"):
            yield method, re.sub(r"\{[^}]+\}", "nothing", path), permission


def refused(client: httpx.Client, method: str, path: str) -> int:
    with client.stream(method, path, timeout=10) as answer:
        return answer.status_code


def test_only_the_listed_routes_are_public(routes: list[Route]) -> None:
    public = {(method, path) for method, path, p in routes if p is Permission.PUBLIC}
    assert public == PUBLIC


def test_a_stranger_is_asked_to_sign_in_everywhere_else(
    server: Server, routes: list[Route]
) -> None:
    with server.client(key=None) as client:
        wrong = {
            f"{method} {path}": status
            for method, path, permission in requests(routes)
            if permission is not Permission.PUBLIC
            and (status := refused(client, method, path)) != 401
        }
    assert wrong == {}


def test_an_unknown_key_is_refused_everywhere(server: Server, routes: list[Route]) -> None:
    with server.client(key="qd_" + "x" * 43) as client:
        wrong = {
            f"{method} {path}": status
            for method, path, permission in requests(routes)
            if permission is not Permission.PUBLIC
            and (status := refused(client, method, path)) != 401
        }
    assert wrong == {}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_a_key_is_refused_whatever_its_role_does_not_grant(
    server: Server, routes: list[Route], keys: dict[Role, str], role: Role
) -> None:
    beyond = [r for r in requests(routes) if r[2] not in GRANTS[role] or r[2] == "session"]
    assert beyond
    with server.client(key=keys[role]) as client:
        wrong = {
            f"{method} {path}": status
            for method, path, _ in beyond
            if (status := refused(client, method, path)) != 403
        }
    assert wrong == {}


@pytest.mark.parametrize("role", Role)
def test_a_role_is_never_refused_what_it_grants(
    server: Server, routes: list[Route], keys: dict[Role, str], role: Role
) -> None:
    """Every route and method, with nothing in it: asked for more, found missing, never forbidden."""
    granted = [r for r in requests(routes) if r[2] in GRANTS[role] - NOT_FOR_KEYS]
    assert granted
    with server.client(key=keys.get(role, server.admin_key)) as client:
        wrong = {
            f"{method} {path}": status
            for method, path, _ in granted
            if (status := refused(client, method, path)) in (401, 403)
        }
    assert wrong == {}


WORD = f"whisper{uuid.uuid4().hex}"
"""Stands in everything that the project `elsewhere` holds."""


@pytest.fixture(scope="module")
def narrow(server: Server) -> Iterator[httpx.Client]:
    """A client with the key of an admin of the project `here`, who may read most."""
    with server.client() as admin:
        for slug in ("here", "elsewhere"):
            admin.post("/api/projects", json={"slug": slug, "name": slug}).raise_for_status()
        admin.headers["X-Quarterdeck-Project"] = "elsewhere"
        search = {"spec": {"title": WORD, "signal": "logs", "query": WORD}}
        admin.put(f"/api/resources/saved-search/{WORD}", json=search).raise_for_status()
        admin.post("/v1/logs", json=otlp_log(WORD)).raise_for_status()
        theirs = {"name": WORD, "kind": "secret", "projects": ["elsewhere"]}
        admin.post("/api/keys", json=theirs).raise_for_status()
        wanted = {"name": "narrow", "kind": "secret", "role": "admin", "projects": ["here"]}
        key = admin.post("/api/keys", json=wanted).raise_for_status().json()["secret"]
        assert WORD in admin.get("/api/logs", params=last_hour()).text
    with server.client(key=key) as client:
        yield client


def last_hour() -> dict[str, int]:
    now = time.time_ns() // 1_000_000
    return {"from": now - 3_600_000, "to": now + 60_000}


def otlp_log(text: str) -> dict[str, Any]:
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": text}}]}
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": text}}
    logs = {"resource": resource, "scopeLogs": [{"logRecords": [record]}]}
    return {"resourceLogs": [logs]}


def test_a_key_of_one_project_reads_no_word_of_another_on_any_route(
    routes: list[Route], narrow: httpx.Client
) -> None:
    read = [path for m, path, p in requests(routes) if m == "GET" and p is not Permission.PUBLIC]
    assert {"/api/storage", "/api/audit", "/api/keys", "/api/projects"} <= set(read)
    for path in read:
        for asked in ({}, {"project": "elsewhere"}):
            with narrow.stream("GET", path, params={**last_hour(), **asked}) as answer:
                if answer.headers["content-type"].startswith("text/event-stream"):
                    assert not asked  # endless, and of its own project
                else:
                    assert WORD not in answer.read().decode(), path


def test_figures_of_the_whole_server_are_refused_to_a_key_of_one_project(
    narrow: httpx.Client,
) -> None:
    answer = narrow.get("/metrics")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "key_limited")
    assert narrow.get("/api/storage").json()["server"] is None


# In a process of its own: a process opens one engine, and this one may have another test's.
ROUTES = """
import asyncio, json, sys
from fastapi.routing import APIRoute
from quarterdeck.app import App
from quarterdeck.core.settings import load

async def main():
    app = App(load({"data": sys.argv[1]}, environ={}), free_ports=True)
    await app.start()
    served = [
        (method, route.path_format)
        for included in app.api.routes
        for route in included.original_router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    ]
    raw = [(route.method, route.path_format) for route in app.raw_routes]
    await app.stop()
    json.dump(served + raw, sys.stdout)

asyncio.run(main())
"""


def test_no_route_hides_from_the_document(tmp_path: Path, server: Server) -> None:
    command = [sys.executable, "-c", ROUTES, str(tmp_path / "data")]
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    served = {(method, path) for method, path in json.loads(out.stdout)}
    with server.client() as client:
        document = client.get("/api/openapi.json").json()["paths"]
    assert served == {(m.upper(), path) for path, item in document.items() for m in item}


def test_the_framework_answers_nothing_by_itself(server: Server) -> None:
    with server.client() as client:
        for path in ("/docs", "/redoc", "/openapi.json"):
            answer = client.get(path, headers={"accept": "application/json"})
            assert "swagger" not in answer.text.lower()
            assert "redoc" not in answer.text.lower()
