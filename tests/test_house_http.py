"""The frame around the API: one error shape, ids, headers, limits, dispatch."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from quarterdeck.core.errors import Conflict, NotFound, TooMany
from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import ANONYMOUS, Permission, Principal, ProjectRef, Role
from quarterdeck.core.settings import Settings, load
from quarterdeck.core.web import RawRoute, Router
from quarterdeck.http.application import build_api, build_app
from quarterdeck.http.static import Static


class HeaderGate:
    """A gate that believes the caller: `Authorization: ROLE`."""

    async def authenticate(self, request: Request) -> Principal:
        role = request.headers.get("authorization")
        return Principal("key", "k", "test key", Role(role), None) if role else ANONYMOUS

    async def project(self, principal: Principal, slug: str | None) -> ProjectRef:
        raise NotFound("project_unknown", "There is no such project.")


class Login(BaseModel):
    password: Annotated[str, Field(max_length=4)]


def routes() -> Router:
    router = Router("/api/test", tag="test")

    @router.get("/conflict", permission=Permission.PUBLIC)
    async def conflict() -> None:
        raise Conflict("already_there", "It exists.", "Choose another name.")

    @router.get("/crash", permission=Permission.PUBLIC)
    async def crash() -> None:
        raise RuntimeError("with a secret inside")

    @router.get("/slow", permission=Permission.PUBLIC)
    async def slow() -> None:
        raise TooMany("too_fast", "Slow down.", retry_after=7.2)

    @router.post("/login", permission=Permission.PUBLIC)
    async def login(body: Login) -> dict[str, int]:
        return {"length": len(body.password)}

    @router.get("/admin", permission=Permission.ADMIN)
    async def admin() -> dict[str, bool]:
        return {"ok": True}

    @router.get("/big", permission=Permission.PUBLIC)
    async def big() -> dict[str, str]:
        return {"text": "x" * 5000}

    @router.get("/stream", permission=Permission.PUBLIC)
    async def stream() -> Response:
        return Response(b": ping\n\n", media_type="text/event-stream")

    return router


async def ingest(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(b"taken")(scope, receive, send)


RAW = [
    RawRoute("POST", "/v1/traces", Permission.INGEST, ingest, "Receive traces"),
    RawRoute("POST", "/api/{number:int}/envelope", Permission.INGEST, ingest, "Receive events"),
]


@pytest.fixture
def settings() -> Settings:
    return load({"max_body_mb": 1}, environ={})


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    api = build_api([routes()], RAW, HeaderGate(), Static())
    app = build_app(api, RAW, Registry(), settings)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://deck.test") as client:
        yield client


async def test_a_parameter_that_is_a_number_matches_nothing_else(client: httpx.AsyncClient) -> None:
    for path in ("/api/12/envelope", "/api/12/envelope/"):
        assert (await client.post(path)).text == "taken"
    for path in (
        "/api/test/envelope",
        "/api/-1/envelope",
        "/api/١/envelope",
        f"/api/{'9' * 19}/envelope",
    ):
        assert (await client.post(path)).status_code == 404
    document = (await client.get("/api/openapi.json")).json()
    assert "/api/{number}/envelope" in document["paths"]


async def test_an_error_has_code_message_and_hint(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/test/conflict")
    assert answer.status_code == 409
    assert answer.json() == {
        "error": {
            "code": "already_there",
            "message": "It exists.",
            "hint": "Choose another name.",
        }
    }


async def test_an_unknown_route_is_an_error_of_the_same_shape(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/nothing/here")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "route_unknown")


@pytest.mark.parametrize("path", ["/api/test/conflict", "/v1/traces"])
async def test_a_wrong_method_says_which_ones_are_right(
    client: httpx.AsyncClient, path: str
) -> None:
    answer = await client.delete(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] in ("GET", "POST")


async def test_an_invalid_request_names_the_field_and_never_repeats_its_value(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/api/test/login", json={"password": "hunter2-secret"})
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "invalid_request"
    assert error["details"]["errors"][0]["path"] == "body.password"
    assert "hunter2" not in answer.text


async def test_a_body_that_is_not_json_is_an_invalid_request(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/api/test/login", content=b"{nonsense", headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid_request"


async def test_an_unexpected_failure_shows_a_request_id_and_nothing_of_the_inside(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/api/test/crash", headers={"x-request-id": "my-request-1"})
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert error["code"] == "internal"
    assert error["details"] == {"request_id": "my-request-1"}
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text
    assert any(record.exc_info for record in caplog.records)


async def test_a_refusal_for_speed_says_when_to_come_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/test/slow")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


async def test_permission_is_asked_before_the_handler_runs(client: httpx.AsyncClient) -> None:
    for role, status in ((None, 401), ("viewer", 403), ("admin", 200)):
        headers = {"authorization": role} if role else {}
        assert (await client.get("/api/test/admin", headers=headers)).status_code == status


async def test_a_body_beyond_the_limit_is_refused_whether_or_not_it_says_its_size(
    client: httpx.AsyncClient,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 700_000

    declared = await client.post("/api/test/login", content=b" " * 2_000_000)
    streamed = await client.post(
        "/api/test/login", content=chunks(), headers={"content-type": "application/json"}
    )
    for answer in (declared, streamed):
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


async def test_every_answer_carries_an_id_and_a_strict_policy(client: httpx.AsyncClient) -> None:
    for path in ("/api/test/conflict", "/api/test/crash", "/api/none", "/api/test/admin"):
        headers = (await client.get(path)).headers
        assert re.fullmatch(r"[0-9a-f]{16}", headers["x-request-id"])
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in headers


async def test_a_request_id_that_could_forge_a_log_line_is_replaced(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/none", headers={"x-request-id": 'x" injected="1'})
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


async def test_https_behind_a_trusted_proxy_turns_on_transport_security(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/none", headers={"x-forwarded-proto": "https"})
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_a_stranger_cannot_claim_https_or_an_address() -> None:
    settings = load({"trusted_proxies": "10.0.0.1"}, environ={})
    app = build_app(build_api([], [], HeaderGate(), Static()), [], Registry(), settings)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://deck.test"
    ) as client:
        answer = await client.get("/api/none", headers={"x-forwarded-proto": "https"})
    assert "strict-transport-security" not in answer.headers


async def test_large_answers_are_compressed(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/test/big", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 500


async def test_ingest_is_reached_without_the_frame(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/traces")
    assert answer.text == "taken"
    assert "x-request-id" not in answer.headers


async def test_an_ingest_path_may_end_in_one_slash(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/traces/")).text == "taken"
    assert (await client.put("/v1/traces/")).headers["allow"] == "POST"
    assert (await client.post("/v1/traces//")).status_code == 404
    document = (await client.get("/api/openapi.json")).json()
    assert "/v1/traces/" not in document["paths"]


async def test_openapi_describes_all_routes_with_their_permission(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/api/openapi.json")).json()
    assert document["paths"]["/v1/traces"]["post"]["x-permission"] == "ingest"
    assert document["paths"]["/api/test/admin"]["get"]["x-permission"] == "admin"
    assert document["paths"]["/api/test/conflict"]["get"]["security"] == []
    error = document["paths"]["/api/test/login"]["post"]["responses"]["default"]
    assert error["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


async def test_requests_are_counted_by_route_and_not_by_address(settings: Settings) -> None:
    registry = Registry()
    app = build_app(build_api([routes()], [], HeaderGate(), Static()), [], registry, settings)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://deck.test"
    ) as client:
        for path in ("/api/test/conflict", "/api/x1", "/api/x2"):
            await client.get(path)
    text = registry.render()
    assert (
        'quarterdeck_http_requests_total{method="GET",route="/api/test/conflict",status="409"} 1'
        in text
    )
    assert 'quarterdeck_http_requests_total{method="GET",route="other",status="404"} 2' in text


async def test_how_long_a_stream_is_looked_at_is_no_duration(settings: Settings) -> None:
    registry = Registry()
    app = build_app(build_api([routes()], [], HeaderGate(), Static()), [], registry, settings)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://deck.test"
    ) as client:
        for path in ("big", "stream"):
            await client.get(f"/api/test/{path}")
    text = registry.render()
    assert 'quarterdeck_http_request_seconds_count{route="/api/test/big"} 1' in text
    assert 'quarterdeck_http_requests_total{method="GET",route="/api/test/stream"' in text
    assert 'quarterdeck_http_request_seconds_count{route="/api/test/stream"' not in text
