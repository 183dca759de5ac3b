"""Elasticsearch's bulk API, as shippers use it (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk)."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from support.otlp import Sql
from support.server import ADMIN_KEY, Server

NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


def bulk(
    server: Server, *lines: Any, path: str = "/elasticsearch/_bulk", **headers: str
) -> httpx.Response:
    body = "".join((x if isinstance(x, str) else json.dumps(x)) + "\n" for x in lines)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with server.client() as client:
        return client.post(path, content=body, headers={**NDJSON, **given})


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def test_ecs_documents_become_records(server: Server, sql: Sql) -> None:
    document = {
        "@timestamp": now(),
        "message": "GET /cart failed",
        "log": {"level": "error", "logger": "shop.cart", "file": {"path": "/var/log/shop.log"}},
        "service": {"name": "es-shop", "version": "1.4.2", "environment": "production"},
        "trace": {"id": "0af7651916cd43dd8448eb211c80319c"},
        "span": {"id": "b7ad6b7169203331"},
        "host": {"name": "web-1"},
        "error": {"type": "TimeoutError", "message": "no answer", "stack_trace": "at x"},
        "http": {"request": {"method": "GET"}, "response": {"status_code": 504}},
        "user": {"id": "u-1"},
    }
    answer = bulk(server, {"create": {"_index": "filebeat-8.15.0"}}, document)
    assert answer.headers["x-elastic-product"] == "Elasticsearch"
    told = answer.json()
    assert told["errors"] is False
    assert [item["create"]["status"] for item in told["items"]] == [201]
    assert told["items"][0]["create"]["_index"] == "filebeat-8.15.0"
    (row,) = sql("SELECT * FROM logs WHERE service = 'es-shop'")
    assert (row["body"], row["level"], row["scope"]) == ("GET /cart failed", "error", "shop.cart")
    assert (row["environment"], row["release"]) == ("production", "1.4.2")
    assert row["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert row["span_id"] == "b7ad6b7169203331"
    assert row["resource"]["host.name"] == "web-1"
    assert row["attributes"] == {
        "log.file.path": "/var/log/shop.log",
        "error.type": "TimeoutError",
        "exception.message": "no answer",
        "exception.stacktrace": "at x",
        "http.request.method": "GET",
        "http.response.status_code": 504,
        "user.id": "u-1",
    }


def test_every_document_has_an_answer_of_its_own(server: Server, sql: Sql) -> None:
    def doc(n: int, **more: Any) -> dict[str, Any]:
        return {"@timestamp": now(), "message": str(n), "service.name": "es-each", **more}

    answer = bulk(
        server,
        {"index": {}}, doc(0),
        {"delete": {"_id": "1"}},
        {"create": {"_id": "a"}}, "not json",
        {"update": {"_id": "2"}}, {"doc": {}},
        {"index": {"_index": "other"}}, doc(1, **{"@timestamp": "2001-01-01T00:00:00Z"}),
        {"create": {}}, doc(2),
        path="/elasticsearch/logs-shop/_bulk",
    ).json()  # fmt: skip
    assert answer["errors"] is True
    found = [
        (kind, item["status"], item["_index"])
        for one in answer["items"]
        for kind, item in one.items()
    ]
    assert found == [
        ("index", 201, "logs-shop"),
        ("delete", 400, "logs-shop"),
        ("create", 400, "logs-shop"),
        ("update", 400, "logs-shop"),
        ("index", 400, "other"),
        ("create", 201, "logs-shop"),
    ]
    assert answer["items"][2]["create"]["error"]["type"] == "document_parsing_exception"
    assert "retention" in answer["items"][4]["index"]["error"]["reason"]
    rows = sql("SELECT body FROM logs WHERE service = 'es-each' ORDER BY body")
    assert [row["body"] for row in rows] == ["0", "2"]


def test_documents_without_a_service_are_of_their_index(server: Server, sql: Sql) -> None:
    assert not bulk(server, {"create": {"_index": "es-docker"}}, {"log": "hello"}).json()["errors"]
    (row,) = sql("SELECT body FROM logs WHERE service = 'es-docker'")
    assert row["body"] == "hello"


def test_a_bulk_request_that_is_none_is_refused_as_elasticsearch_does(server: Server) -> None:
    requests: list[list[Any]] = [
        ["hello", "x"],
        [{"create": {}}],
        [{"a": 1, "b": 2}, {}],
        [{"create": 1}, {}],
        ["[]", "{}"],
    ]
    for lines in requests:
        answer = bulk(server, *lines)
        assert answer.status_code == 400, (lines, answer.text)
        assert answer.json()["error"]["type"] == "illegal_argument_exception"
    assert bulk(server).json() == {"took": 1, "errors": False, "items": []}


def test_keys_come_as_shippers_send_them(server: Server) -> None:
    def status(scheme: str, text: str) -> int:
        given = base64.b64encode(text.encode()).decode()
        return bulk(server, {"create": {}}, {}, authorization=f"{scheme} {given}").status_code

    assert status("Basic", f"elastic:{ADMIN_KEY}") == 200
    assert status("ApiKey", f"some-id:{ADMIN_KEY}") == 200
    assert bulk(server, {"create": {}}, {}, authorization=f"ApiKey {ADMIN_KEY}").status_code == 200
    assert status("Basic", "elastic:changeme") == 401
    refused = bulk(server, {"create": {}}, {}, authorization="Basic !")
    assert refused.json()["error"]["type"] == "security_exception"
    assert refused.headers["www-authenticate"].startswith("Basic")


def test_what_shippers_ask_before_they_begin_is_answered(server: Server) -> None:
    with server.client() as client:
        info = client.get("/elasticsearch/")
        assert info.json()["version"]["number"].startswith("8.")
        assert info.headers["x-elastic-product"] == "Elasticsearch"
        assert client.get("/elasticsearch").status_code == 200
        assert client.get("/elasticsearch/_license").json()["license"]["status"] == "active"
        assert client.get("/elasticsearch/_cluster/health").json()["status"] == "green"
        for path in ("_ilm/policy/filebeat", "_index_template/filebeat-8.15.0", "_cat/health"):
            assert client.get(f"/elasticsearch/{path}").status_code == 200
            assert client.put(f"/elasticsearch/{path}", json={}).json() == {"acknowledged": True}
            head = client.head(f"/elasticsearch/{path}")
            assert (head.status_code, head.content) == (200, b"")
        assert client.delete("/elasticsearch/_index_template/x").status_code == 405
    with server.client(key=None) as client:
        assert client.get("/elasticsearch/").status_code == 401
