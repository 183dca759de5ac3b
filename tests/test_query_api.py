"""The telemetry routes over HTTP: shapes, permissions, projects, errors."""

import hmac
import json
from collections.abc import AsyncGenerator, AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import Request

from quarterdeck.accounts.audit import list_entries
from quarterdeck.accounts.secrets import server_key
from quarterdeck.core.clock import SystemClock
from quarterdeck.core.errors import NotFound, Unavailable
from quarterdeck.core.permissions import ANONYMOUS, Principal, ProjectRef, Role
from quarterdeck.core.settings import load
from quarterdeck.core.sse import Streams
from quarterdeck.http.application import build_api
from quarterdeck.store.control import open_control
from quarterdeck.telemetry.api import telemetry_router
from quarterdeck.telemetry.api_data import data_router
from quarterdeck.telemetry.api_sql import sql_router
from quarterdeck.telemetry.api_trace import trace_router
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.stream import Live
from support.engine import new_project, shared_engine
from support.rows import add_logs, add_spans, now_ns

ONE, OTHER = new_project("one"), new_project("other")
PROJECTS = {project.slug: project for project in (ONE, OTHER)}


class Gate:
    """Keys by their name: `viewer` and `admin` of everything, `narrow` of one project."""

    async def authenticate(self, request: Request) -> Principal:
        name = request.headers.get("authorization", "").removeprefix("Bearer ")
        roles = {
            "viewer": Role.VIEWER,
            "admin": Role.ADMIN,
            "narrow": Role.VIEWER,
            "ingest": Role.INGEST,
        }
        if name not in roles:
            return ANONYMOUS
        projects = frozenset({ONE.id}) if name == "narrow" else None
        return Principal("key", name, name, roles[name], projects)

    async def project(self, principal: Principal, slug: str | None) -> ProjectRef:
        found = PROJECTS.get(slug or "one")
        if found is None or not principal.sees(found.id):
            raise NotFound("project_unknown", f"There is no project `{slug}`.", "List them.")
        return found


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[httpx.AsyncClient]:
    engine, settings = shared_engine(), load({"data": str(tmp_path)}, environ={})
    control = open_control(tmp_path, SystemClock())
    live = Live(engine, Streams(), SystemClock())
    by_id = {project.id: project for project in PROJECTS.values()}
    routers = [
        telemetry_router(engine, Threads(4), live),
        trace_router(engine, Threads(4)),
        sql_router(engine, settings),
        data_router(engine, settings, control, by_id.get),
    ]
    transport = httpx.ASGITransport(build_api(routers, [], Gate()))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://deck", headers={"Authorization": "Bearer viewer"}
    ) as found:
        yield found
    control.close()


@pytest.fixture(scope="module", autouse=True)
def rows() -> int:
    at = now_ns()
    for project in (ONE, OTHER):
        add_spans(
            shared_engine(),
            project.id,
            {"time": at, "name": project.slug, "trace_id": f"{project.id:032x}"},
        )
        add_logs(
            shared_engine(),
            project.id,
            {"time": at, "body": f"body of {project.slug}", "attributes": {"user.id": "u1"}},
        )
    return at


def around(at: int, **more: Any) -> dict[str, Any]:
    return {"from": at // 10**6 - 60_000, "to": at // 10**6 + 60_000, **more}


PAGES = [
    "/api/overview", "/api/services", "/api/services/shop", "/api/traces", "/api/logs", "/api/logs/histogram",
    "/api/facets?signal=logs", "/api/facets?signal=spans", "/api/flame", "/api/flame?against=slow",
]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_answers_in_the_shape_it_documents(
    client: httpx.AsyncClient, rows: int, path: str
) -> None:
    response = await client.get(path, params={**dict(httpx.URL(path).params), **around(rows)})
    assert response.status_code == 200, response.text
    document = (await client.get("/api/openapi.json")).json()
    operation = document["paths"][path.partition("?")[0].replace("/shop", "/{name}")]["get"]
    assert operation["x-permission"] == "read"
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize(
    "path", [*PAGES, f"/api/traces/{ONE.id:032x}", "/api/stream", "/api/storage"]
)
async def test_nobody_reads_without_a_key_or_with_one_that_only_writes(
    client: httpx.AsyncClient, rows: int, path: str
) -> None:
    params = {**dict(httpx.URL(path).params), **around(rows)}
    for key, status in (("", 401), ("ingest", 403)):
        response = await client.get(path, params=params, headers={"Authorization": f"Bearer {key}"})
        assert response.status_code == status


async def test_a_key_of_one_project_reads_no_other(client: httpx.AsyncClient, rows: int) -> None:
    narrow = {"Authorization": "Bearer narrow"}
    own = await client.get("/api/logs", params=around(rows), headers=narrow)
    assert [row["body"] for row in own.json()["items"]] == ["body of one"]
    for path in PAGES:
        params = {**dict(httpx.URL(path).params), **around(rows, project="other")}
        assert (await client.get(path, params=params, headers=narrow)).status_code == 404
    foreign = f"/api/traces/{OTHER.id:032x}"
    assert (await client.get(foreign, headers=narrow)).status_code == 404
    assert (
        await client.get(foreign, headers={"X-Quarterdeck-Project": "other"})
    ).status_code == 200
    told = await client.post("/api/sql", json={"sql": "SELECT body FROM logs"}, headers=narrow)
    assert told.json()["rows"] == [["body of one"]]


async def test_sql_answers_in_the_shape_of_the_contract(client: httpx.AsyncClient) -> None:
    sql = "SELECT trace_id, duration_ns, attributes, time FROM spans"
    answer = (await client.post("/api/sql", json={"sql": sql})).json()
    assert set(answer) == {"columns", "rows", "elapsed_ms", "truncated"}
    assert [c["type"] for c in answer["columns"]] == ["string", "int", "map", "time"]
    assert answer["rows"][0][0] == f"{ONE.id:032x}"
    refused = await client.post("/api/sql", json={"sql": "SELECT sleep(1)"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "sql_function_forbidden")


@pytest.mark.parametrize(
    ("path", "more", "code"),
    [
        ("/api/logs", {"q": "service:"}, "search_invalid"),
        ("/api/logs", {"severity": "loud"}, "severity_unknown"),
        ("/api/logs", {"cursor": "x"}, "cursor_invalid"),
        ("/api/traces", {"cursor": "x"}, "cursor_invalid"),
        ("/api/traces", {"q": "duration>x"}, "search_invalid"),
        ("/api/overview", {"from": 10, "to": 5}, "time_range_invalid"),
        ("/api/stream", {"topics": "logs", "q": "service:"}, "search_invalid"),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_one_shape(
    client: httpx.AsyncClient, rows: int, path: str, more: dict[str, Any], code: str
) -> None:
    response = await client.get(path, params=around(rows) | more)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == code


async def test_only_an_admin_erases_a_person_and_it_is_on_the_record(
    client: httpx.AsyncClient, rows: int
) -> None:
    path, body = "/api/projects/other/erase", {"user_id": "u1"}
    assert (await client.post(path, json=body)).status_code == 403
    admin = {"Authorization": "Bearer admin"}
    erased = await client.post(path, json=body, headers=admin)
    assert erased.json()["logs"] == 1
    left = await client.get("/api/logs", params=around(rows, project="other"))
    assert left.json()["items"] == []
    assert (
        await client.post("/api/projects/none/erase", json=body, headers=admin)
    ).status_code == 404


async def test_the_record_of_an_erasure_names_a_person_only_to_this_server(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    admin = {"Authorization": "Bearer admin"}
    for person in ("ada@example.com", "ada@example.com", "bob@example.com"):
        body = {"user_id": person}
        answer = await client.post("/api/projects/other/erase", json=body, headers=admin)
        assert answer.status_code == 200
    control = open_control(tmp_path, SystemClock())
    trail = await control.read(lambda conn: list_entries(conn, limit=6))
    control.close()
    assert [entry.action for entry in trail] == ["person.erased", "person.erase"] * 3
    told = trail[::2]  # each erasure when it began and when it had ended
    bob, ada_again, ada = (entry.after["user_id_hmac"] for entry in told)
    assert ada == ada_again != bob  # that one was erased twice shows, but not who it is
    assert ada != sha256(b"ada@example.com").hexdigest()
    assert set(told[0].after) == {"user_id_hmac", "rows"}
    key = server_key(load({"data": str(tmp_path)}, environ={}), "erased persons")
    assert ada == hmac.new(key, b"ada@example.com", "sha256").hexdigest()
    assert key != server_key(load({"data": str(tmp_path / "b")}, environ={}), "erased persons")


async def test_an_erasure_that_fails_leaves_its_trace_and_one_that_cannot_begin_none(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = {"Authorization": "Bearer admin"}

    def breaks(engine: Any, project: int, user_id: str) -> None:
        raise Unavailable("erase_incomplete", "Not every row.", "Again.", retry_after=5)

    monkeypatch.setattr("quarterdeck.telemetry.api_data.erase_person", breaks)
    for person, status in (("ada", 503), (" ", 400)):
        answer = await client.post(
            "/api/projects/other/erase", json={"user_id": person}, headers=admin
        )
        assert answer.status_code == status
    control = open_control(tmp_path, SystemClock())
    trail = await control.read(lambda conn: list_entries(conn, limit=9))
    control.close()
    assert [entry.action for entry in trail] == ["person.erase"]


async def test_storage_tells_a_key_of_one_project_of_that_project_alone(
    client: httpx.AsyncClient, rows: int
) -> None:
    answer = (await client.get("/api/storage", headers={"Authorization": "Bearer narrow"})).json()
    assert {p["project"] for p in answer["by_project"]} == {"one"}
    assert all(p["rows"] > 0 and p["bytes"] > 0 for p in answer["by_project"])
    assert answer["server"] is None
    assert set(answer) == {"server", "by_project"}


async def test_storage_tells_of_the_whole_server_to_whom_all_projects_are_open(
    client: httpx.AsyncClient, rows: int
) -> None:
    answer = (await client.get("/api/storage")).json()
    assert {p["project"] for p in answer["by_project"]} >= {"one", "other"}
    assert answer["server"]["quota_bytes"] > 0
    assert answer["server"]["free_bytes"] > 0
    assert {table["name"] for table in answer["server"]["tables"]} >= {"spans", "logs"}


async def read_events(body: Any, until: str) -> list[tuple[str, Any]]:
    """Events of a stream up to the first of a name."""
    found: list[tuple[str, Any]] = []
    async for chunk in body:
        for block in chunk.decode().strip().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines())
            found.append((lines["event"], json.loads(lines["data"])))
        if found[-1][0] == until:
            break
    return found


async def test_a_live_view_hears_of_arrivals_and_gets_its_records_once() -> None:
    from quarterdeck.telemetry.query.logs import condition
    from quarterdeck.telemetry.query.window import Asked

    engine, project, other = shared_engine(), new_project(), new_project()
    live = Live(engine, Streams(), SystemClock())
    follow = Asked()
    condition(follow, q="wanted")
    body = cast("AsyncGenerator[bytes]", live.respond(project.id, "", follow).body_iterator)
    assert (await anext(body)).startswith(b"event: ping")
    add_logs(engine, project.id, {"body": "wanted 1"}, {"body": "something else"})
    add_logs(engine, other.id, {"body": "wanted elsewhere"})
    live.committed("logs", {project.id, other.id})
    events = await read_events(body, "log")
    assert events[0] == ("tick", {"signals": ["logs"]})
    assert [row["body"] for row in events[-1][1]] == ["wanted 1"]
    add_logs(engine, project.id, {"body": "wanted 2"})
    live.committed("logs", {project.id})
    live.committed("traces", {project.id})
    events = await read_events(body, "log")
    assert [row["body"] for row in events[-1][1]] == ["wanted 2"]
    await body.aclose()
    assert not live._clients
