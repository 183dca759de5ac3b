"""Log drains: what Vercel, Netlify and Supabase send, who may send it, and what becomes of it.

The payloads have the fields that the providers document:
https://vercel.com/docs/drains/reference/logs,
https://docs.netlify.com/manage/monitoring/log-drains and
https://supabase.com/docs/guides/monitoring-and-debugging/log-field-reference.
"""

import gzip
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from support.hostile import refused, refused_since
from support.otlp import Sql
from support.server import ADMIN_KEY, Server

SECRET = "a secret of twenty bytes"


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


@pytest.fixture(scope="module")
def drains(server: Server) -> None:
    """A drain of each provider; Vercel's signs."""
    with server.client() as client:
        client.put("/api/secrets/vercel_drain", json={"value": SECRET}).raise_for_status()
        for name, spec in {
            "vercel": {"provider": "vercel", "secret": "${secret:vercel_drain}"},
            "new": {"provider": "vercel", "secret": "${secret:vercel_drain}", "verification": "abc123"},
            "gone": {"provider": "vercel", "secret": "${secret:never_set}"},
            "netlify": {"provider": "netlify", "service": "site", "environment": "production"},
            "supabase": {"provider": "supabase"},
        }.items():  # fmt: skip
            answer = client.put(f"/api/resources/log-drain/{name}", json={"spec": spec})
            assert answer.status_code in (200, 201), answer.text


def sign(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()


def send(
    server: Server, path: str, body: bytes, key: str | None = None, **headers: str
) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    with server.client(key=key) as client:
        return client.post(f"/api/drains/{path}", content=body, headers=given)


def ms() -> int:
    return int(time.time() * 1000)


VERCEL: list[dict[str, Any]] = [
    {
        "id": "1573817187330377061717300000",
        "deploymentId": "dpl_233NRGRjVZX1caZrXWtz5g1TAksD",
        "source": "build",
        "host": "my-app-abc123.vercel.app",
        "projectId": "gdufoJxB6b9b1fEqr1jUtFkyavUU",
        "level": "info",
        "message": "Build completed successfully",
        "buildId": "bld_cotnkcr76",
        "type": "stdout",
        "projectName": "my-app",
    },
    {
        "id": "1573817250283254651097202070",
        "deploymentId": "dpl_233NRGRjVZX1caZrXWtz5g1TAksD",
        "source": "lambda",
        "host": "my-app-abc123.vercel.app",
        "projectId": "gdufoJxB6b9b1fEqr1jUtFkyavUU",
        "level": "info",
        "message": "START RequestId: x Version: $LATEST\nEND RequestId: x\n"
        "REPORT RequestId: x\tDuration: 1472.20 ms\tBilled Duration: 1473 ms\t"
        "Memory Size: 1024 MB\tMax Memory Used: 147 MB\t\n",
        "entrypoint": "api/index.js",
        "requestId": "643af4e3-975a-4cc7-9e7a-1eda11539d90",
        "statusCode": 200,
        "path": "/api/users",
        "executionRegion": "sfo1",
        "environment": "production",
        "traceId": "1b02cd14bb8642fd092bc23f54c7ffcd",
        "spanId": "f24e8631bd11faa7",
        "projectName": "my-app",
        "proxy": {
            "timestamp": 1573817250172,
            "method": "GET",
            "host": "my-app.vercel.app",
            "path": "/api/users?page=1",
            "userAgent": ["Mozilla/5.0..."],
            "referer": "https://my-app.vercel.app",
            "region": "sfo1",
            "statusCode": 200,
            "clientIp": "120.75.16.101",
            "scheme": "https",
            "vercelCache": "MISS",
        },
    },
    {
        "id": "3",
        "deploymentId": "dpl_233NRGRjVZX1caZrXWtz5g1TAksD",
        "source": "static",
        "host": "my-app-abc123.vercel.app",
        "projectName": "my-app",
        "statusCode": 404,
        "proxy": {"method": "GET", "path": "/logo.png", "statusCode": 404},
    },
    {
        "id": "4",
        "source": "edge",
        "path": "/middleware",
        "projectName": "my-app",
        "statusCode": -1,
        "message": "boom",
    },
]


@pytest.mark.parametrize("form", ["array", "lines"])
def test_vercels_logs_arrive_in_the_names_of_opentelemetry(
    server: Server, sql: Sql, drains: None, form: str
) -> None:
    with server.client() as client:
        client.post("/api/projects", json={"slug": f"v-{form}", "name": form}).raise_for_status()
        spec = {"provider": "vercel", "secret": "${secret:vercel_drain}"}
        client.put(
            f"/api/resources/log-drain/vercel?project=v-{form}", json={"spec": spec}
        ).raise_for_status()
    items = [{**item, "timestamp": ms()} for item in VERCEL]
    body = json.dumps(items) if form == "array" else "\n".join(map(json.dumps, items))
    answer = send(
        server,
        f"vercel/vercel?project=v-{form}",
        body.encode(),
        x_vercel_signature=sign(body.encode()),
    )
    assert answer.json() == {"accepted": 4, "rejected": 0, "reasons": {}, "message": ""}
    with server.client() as client:
        found = client.post(
            f"/api/sql?project=v-{form}",
            json={"sql": "SELECT * FROM logs ORDER BY attributes['vercel.id']::String"},
        ).json()
    names = [column["name"] for column in found["columns"]]
    build, function, static, crashed = [dict(zip(names, row, strict=True)) for row in found["rows"]]
    assert (build["service"], build["body"]) == ("my-app", "Build completed successfully")
    assert build["release"] == "dpl_233NRGRjVZX1caZrXWtz5g1TAksD"
    assert build["attributes"]["vercel.source"] == "build"
    assert function["environment"] == "production"
    assert function["trace_id"] == "1b02cd14bb8642fd092bc23f54c7ffcd"
    assert (
        function["attributes"].items()
        >= {
            "faas.name": "api/index.js",
            "faas.duration": 1472.2,
            "faas.memory_used_mb": 147,
            "http.response.status_code": 200,
            "http.request.method": "GET",
            "http.route": "/api/users",
            "url.path": "/api/users",
            "url.query": "page=1",
            "cloud.region": "sfo1",
            "request.id": "643af4e3-975a-4cc7-9e7a-1eda11539d90",
            "client.address": "120.75.16.101",
            "user_agent.original": "Mozilla/5.0...",
            "server.address": "my-app.vercel.app",
            "vercel.proxy.vercelCache": "MISS",
        }.items()
    )
    assert (static["body"], static["level"]) == ("GET /logo.png 404", "warn")
    assert (crashed["body"], crashed["level"]) == ("boom", "error")
    assert crashed["attributes"]["faas.name"] == "middleware"
    assert "http.response.status_code" not in crashed["attributes"]


def test_a_signed_drain_takes_only_what_is_signed(server: Server, drains: None) -> None:
    body = json.dumps([{"message": "x"}]).encode()
    before = refused(server)
    assert send(server, "vercel/vercel", body).status_code == 401
    assert send(server, "vercel/vercel", body, key=ADMIN_KEY).status_code == 401
    for wrong in (sign(body, "another"), sign(body + b" "), "0" * 40, "x" * 5000):
        answer = send(server, "vercel/vercel", body, x_vercel_signature=wrong)
        assert answer.status_code == 403, wrong[:50]
    with server.client(key=None) as client:
        odd = [(b"x-vercel-signature", b"\xc3\xa9")]
        assert (
            client.post("/api/drains/vercel/vercel", content=body, headers=odd).status_code == 403
        )
    assert send(server, "vercel/gone", body, x_vercel_signature=sign(body)).status_code == 403
    assert refused_since(server, before) == {
        ("logs", "signature_missing"): 2,
        ("logs", "signature_wrong"): 6,
    }
    assert send(server, "vercel/vercel", body, x_vercel_signature=sign(body)).status_code == 200


def test_a_new_drain_answers_vercels_verification_and_keeps_nothing_unsigned(
    server: Server, drains: None
) -> None:
    with server.client(key=None) as client:
        asked = client.get("/api/drains/vercel/new")
        unsigned = client.post("/api/drains/vercel/new", content=b'[{"message":"x"}]')
        assert client.get("/api/drains/vercel/vercel").status_code == 401
    for answer in (asked, unsigned):
        assert (answer.status_code, answer.headers["x-vercel-verify"]) == (200, "abc123")
    assert unsigned.json()["reasons"] == {"signature_missing": 1}
    forged = send(server, "vercel/new", b"[]", x_vercel_signature="0" * 40)
    assert (forged.status_code, forged.headers["x-vercel-verify"]) == (403, "abc123")


def test_netlifys_functions_and_traffic_arrive(server: Server, sql: Sql, drains: None) -> None:
    at = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    common = {"account_id": "a1", "site_id": "s1", "deploy_id": "d1", "timestamp": at}
    items = [
        {
            **common, "log_type": "functions", "function_name": "hello", "function_type": "regular",
            "level": "REPORT", "message": "Duration: 12.5 ms\tMemory Usage: 80 MB",
            "request_id": "01H", "branch": "main",
        },
        {
            **common, "log_type": "traffic", "method": "GET", "status_code": 503, "duration": 31,
            "url": "https://shop.example/cart?x=1", "client_ip": "192.0.2.1", "country": "FR",
            "user_agent": "curl", "referrer": "", "request_size": 0, "response_size": 512,
            "content_type": "text/html", "request_id": "01J",
        },
        {
            **common, "log_type": "edge_functions", "edge_function_name": "geo", "level": "warning",
            "message": "slow", "duration": 7,
        },
    ]  # fmt: skip
    body = "\n".join([*map(json.dumps, items), "not json", '"text"']).encode()
    answer = send(server, f"netlify/netlify?key={ADMIN_KEY}", body).json()
    assert (answer["accepted"], answer["reasons"]) == (3, {"unparsable_line": 2})
    rows = sql(
        "SELECT body, level, release, environment, attributes FROM logs"
        " WHERE service = 'site' ORDER BY body"
    )
    report, traffic, edge = rows
    assert {row["release"] for row in rows} == {"d1"}
    assert {row["environment"] for row in rows} == {"production"}
    assert report["level"] == "info"
    assert report["attributes"].items() >= {
        ("faas.name", "hello"), ("faas.duration", 12.5), ("faas.memory_used_mb", 80),
        ("netlify.function_type", "regular"), ("request.id", "01H"),
    }  # fmt: skip
    assert (traffic["body"], traffic["level"]) == ("GET /cart 503", "error")
    assert traffic["attributes"].items() >= {
        ("http.server.duration", 31), ("url.path", "/cart"), ("url.query", "x=1"),
        ("server.address", "shop.example"), ("client.address", "192.0.2.1"),
        ("http.response.status_code", 503), ("client.geo.country_iso_code", "FR"),
    }  # fmt: skip
    assert edge["level"] == "warn"
    assert edge["attributes"].items() >= {("faas.name", "geo"), ("faas.duration", 7)}


def test_supabases_functions_database_and_api_arrive(
    server: Server, sql: Sql, drains: None
) -> None:
    at = int(time.time() * 1e6)
    items = [
        {
            "event_message": "POST | 500 | https://ref.supabase.co/functions/v1/pay",
            "id": "i1",
            "timestamp": at,
            "metadata": {
                "deployment_id": "ref_fn_3",
                "execution_id": "e1",
                "execution_time_ms": 241,
                "function_id": "f-1",
                "request": {
                    "method": "POST",
                    "pathname": "/functions/v1/pay",
                    "host": "ref.supabase.co",
                },
                "response": {"status_code": 500},
                "version": "3",
            },
        },
        {
            "event_message": 'relation "carts" does not exist',
            "id": "i2",
            "timestamp": at,
            "metadata": [
                {
                    "host": "db-ref",
                    "parsed": [
                        {
                            "backend_type": "client backend",
                            "error_severity": "ERROR",
                            "sql_state_code": "42P01",
                            "query": "select * from carts",
                            "user_name": "authenticator",
                            "database_name": "postgres",
                        }
                    ],
                }
            ],
        },
        {
            "event_message": "GET | 200 | https://ref.supabase.co/rest/v1/items",
            "id": "i3",
            "timestamp": at,
            "metadata": [
                {
                    "request": [
                        {
                            "method": "GET",
                            "path": "/rest/v1/items",
                            "cf": [{"country": "FR", "botManagement": [{"score": 1}]}],
                            "headers": [{"user_agent": "curl", "cf_connecting_ip": "192.0.2.1"}],
                        }
                    ],
                    "response": [{"status_code": 200, "origin_time": 12}],
                }
            ],
        },
    ]
    body = gzip.compress(json.dumps(items).encode())
    answer = send(server, "supabase/supabase", body, key=ADMIN_KEY, content_encoding="gzip")
    assert answer.json()["accepted"] == 3, answer.text
    rows = sql("SELECT * FROM logs WHERE service LIKE 'supabase-%' ORDER BY service")
    api, function, database = rows
    assert [row["service"] for row in rows] == [
        "supabase-api", "supabase-edge-functions", "supabase-postgres",
    ]  # fmt: skip
    assert (function["level"], function["release"]) == ("error", "ref_fn_3")
    assert function["attributes"].items() >= {
        ("faas.name", "pay"), ("faas.duration", 241), ("faas.id", "f-1"),
        ("http.response.status_code", 500), ("http.request.method", "POST"),
    }  # fmt: skip
    assert database["level"] == "error"
    assert database["resource"]["host.name"] == "db-ref"
    assert database["attributes"].items() >= {
        ("db.response.status_code", "42P01"), ("db.query.text", "select * from carts"),
        ("db.namespace", "postgres"),
    }  # fmt: skip
    assert api["level"] == "info"
    assert api["attributes"].items() >= {
        ("url.path", "/rest/v1/items"), ("user_agent.original", "curl"),
        ("supabase.request.cf.botManagement.score", 1), ("http.server.duration", 12),
    }  # fmt: skip
    assert abs(datetime.fromisoformat(api["time"][:26] + "+00:00").timestamp() - at / 1e6) < 0.001


def test_strangers_do_not_learn_which_drains_there_are(server: Server, drains: None) -> None:
    for path in ("netlify/netlify", "netlify/nothing", "netlify/vercel", "a/b/c"):
        assert send(server, path, b"[]").status_code == 401, path
        assert send(server, path, b"[]", key="qd_wrong").status_code == 401, path
    for path in ("netlify/nothing", "netlify/vercel", "a/b/c"):
        assert send(server, path, b"[]", key=ADMIN_KEY).status_code == 404, path
    assert send(server, "netlify/netlify?project=nowhere", b"[]", key=ADMIN_KEY).status_code == 403


def test_bodies_that_are_none_are_refused(server: Server, drains: None) -> None:
    for body, status in (
        (b"[{", 400), (b"not json", 400), (b"", 200), (b"[1, null, []]", 400),
        (b'[{"a":' * 50_000, 400), (b'{"url":"http://[::1"}', 200),
        (b'{"timestamp":[],"level":{},"message":{"a":1},"duration":"x"}', 200),
    ):  # fmt: skip
        answer = send(server, "netlify/netlify", body, key=ADMIN_KEY)
        assert answer.status_code == status, (body[:30], answer.text)


def test_only_vercel_has_a_secret(server: Server) -> None:
    with server.client() as client:
        answer = client.put(
            "/api/resources/log-drain/odd",
            json={"spec": {"provider": "netlify", "secret": "${secret:x}"}},
        )
    assert answer.status_code == 422
    assert "only Vercel signs" in answer.text
