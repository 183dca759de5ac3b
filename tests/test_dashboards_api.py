"""The API of dashboards on a real server: those that ship, one's own in their place, imports."""

import json
import re
import time
from typing import Any

import httpx
import pytest

from quarterdeck.telemetry.dashboards.ready import shipped
from support.server import Server

SPEC: dict[str, Any] = {
    "title": "Checkout",
    "tags": ["shop"],
    "panels": [
        {"id": "r", "kind": "row", "title": "Above", "w": 24, "h": 1},
        {"id": "p", "kind": "logs", "y": 1, "queries": [{"saved_search": "failed"}]},
    ],
}
SEARCH = {"title": "Failed", "signal": "logs", "query": "level:error"}


@pytest.fixture(scope="module")
def project(server: Server) -> str:
    with server.client() as client:
        body = {"slug": "boards", "name": "Boards"}
        client.post("/api/projects", json=body).raise_for_status()
    return "boards"


@pytest.fixture
def client(server: Server, project: str) -> httpx.Client:
    found = server.client()
    found.params = httpx.QueryParams(project=project)
    return found


def put(client: httpx.Client, name: str, spec: Any, **headers: str) -> httpx.Response:
    path = f"/api/resources/dashboard/{name}"
    return client.put(path, json={"spec": spec}, headers=headers)


def test_those_that_ship_are_there_and_ones_own_stand_beside_them(client: httpx.Client) -> None:
    names = {each["name"] for each in client.get("/api/dashboards").json()["items"]}
    assert names == set(shipped())
    hosts = client.get("/api/dashboards/hosts").json()
    assert (hosts["origin"], hosts["read_only"], hosts["etag"]) == ("shipped", True, "")
    assert hosts["updated_at"] is None
    missing = put(client, "checkout", SPEC)
    assert missing.status_code == 422, "a saved search that does not exist"
    client.put("/api/resources/saved-search/failed", json={"spec": SEARCH}).raise_for_status()
    put(client, "checkout", SPEC).raise_for_status()
    items = client.get("/api/dashboards").json()["items"]
    assert [each["title"] for each in items] == sorted(
        (each["title"] for each in items), key=str.casefold
    )
    mine = next(each for each in items if each["name"] == "checkout")
    assert (mine["panels"], mine["tags"], mine["origin"]) == (1, ["shop"], "api")
    assert abs(mine["updated_at"] - time.time() * 1000) < 60_000
    held = client.delete("/api/resources/saved-search/failed")
    assert (held.status_code, "dashboard/checkout" in held.text) == (409, True)
    unknown = client.get("/api/dashboards/nothing")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "dashboard_unknown")


def test_ones_own_takes_the_place_of_a_shipped_one_until_it_goes(client: httpx.Client) -> None:
    put(client, "services", {"title": "Our services"}).raise_for_status()
    assert client.get("/api/dashboards/services").json()["title"] == "Our services"
    items = client.get("/api/dashboards").json()["items"]
    assert [each["title"] for each in items if each["name"] == "services"] == ["Our services"]
    client.delete("/api/resources/dashboard/services").raise_for_status()
    assert client.get("/api/dashboards/services").json()["origin"] == "shipped"


def test_a_change_is_made_to_what_was_read(client: httpx.Client) -> None:
    put(client, "mine", {"title": "One"}).raise_for_status()
    etag = client.get("/api/dashboards/mine").json()["etag"]
    put(client, "mine", {"title": "Two"}, **{"If-Match": f'"{etag}"'}).raise_for_status()
    late = put(client, "mine", {"title": "Three"}, **{"If-Match": f'"{etag}"'})
    assert (late.status_code, late.json()["error"]["code"]) == (412, "resource_changed")


def test_a_dashboard_from_a_file_is_read_only(client: httpx.Client, project: str) -> None:
    document = {"kind": "dashboard", "name": "ops", "project": project, "spec": {"title": "Ops"}}
    order = {"documents": [document], "source": "ops.yaml"}
    client.post("/api/resources/apply", json=order).raise_for_status()
    found = client.get("/api/dashboards/ops").json()
    assert (found["origin"], found["read_only"], found["source"]) == ("file", True, "ops.yaml")


def test_an_import_says_what_it_would_be_and_stores_nothing(client: httpx.Client) -> None:
    panels = [{"type": "stat", "title": "Up", "targets": [{"expr": "up"}]}, {"type": "news"}]
    document = {"title": "Theirs", "panels": panels}
    for body in (document, {"dashboard": document}):
        found = client.post("/api/dashboards/import", json=body).json()
        assert (found["spec"]["title"], found["panels"], found["found"]) == ("Theirs", 1, 2)
        assert [(note["code"], note["lost"]) for note in found["notes"]] == [("panel_kind", True)]
    assert "theirs" not in client.get("/api/dashboards").text.lower()
    put(client, "theirs", found["spec"]).raise_for_status()


def test_a_hostile_import_is_refused_and_the_server_goes_on(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    deep = b'{"panels":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    for body, status, code in (
        (b"{", 400, "dashboard_invalid"),
        (deep, 400, "dashboard_invalid"),
        (json.dumps({"panels": []})[:-1].encode() + b" " * 9_000_000, 413, "dashboard_too_large"),
    ):
        answer = client.post("/api/dashboards/import", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert client.get("/api/dashboards").status_code == 200


def test_those_that_ship_ask_what_this_server_answers(client: httpx.Client) -> None:
    """Every query with its variables filled in; there is no data, and no error either."""
    now = int(time.time())
    words = {
        "__rate_interval": "1m", "__interval": "15s", "__range": "1h", "__interval_s": "15",
        "__environmentFilter": "true",
    }  # fmt: skip
    promql, sql = set(), set()
    for spec in shipped().values():
        for text in [v.query for v in spec.variables if v.kind == "sql"]:
            sql.add(text)
        for query in (query for panel in spec.panels for query in panel.queries):
            promql.add(query.promql)
            sql.add(query.sql)
    for text in sorted(sql - {""}):
        text = re.sub(r"\$__timeFilter\((\w+)\)", r"(\1 >= now() - INTERVAL 1 HOUR)", text)
        text = re.sub(r"\$__timeInterval\((\w+)\)", r"toStartOfInterval(\1, INTERVAL 15 SECOND)", text)  # fmt: skip
        text = re.sub(r"\$(\w+)", lambda m: words.get(m[1], "'web'"), text)
        answer = client.post("/api/sql", json={"sql": text})
        assert answer.status_code == 200, (text, answer.text)
    for text in sorted(promql - {""}):
        text = re.sub(r"\$(\w+)", lambda m: words.get(m[1], "x"), text)
        form = {"query": text, "time": str(now)}
        answer = client.post("/prometheus/api/v1/query", data=form)
        assert answer.status_code == 200, (text, answer.text)
