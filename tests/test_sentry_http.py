"""Sentry's endpoints over HTTP: who may send, in which shapes, and what SDKs are answered."""

import base64
import gzip
import json
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any

import cramjam
import httpx
import pytest
import zstandard

from support.sentry import FULL, Dsn, RecordingServer, envelope
from support.server import ADMIN_KEY

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
EVENT = json.dumps({"message": "hello", "platform": "python"}).encode()
BODY = envelope({"event_id": EVENT_ID}, ({"type": "event"}, EVENT))
DETAIL = "event submission rejected with_reason: "


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingServer]:
    running = RecordingServer(tmp_path_factory.mktemp("sentry") / "data").start()
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log


@pytest.fixture
def project(server: RecordingServer, request: pytest.FixtureRequest) -> Dsn:
    return server.project(f"http-{abs(hash(request.node.name)) % 10**10}")


@pytest.fixture
def client(server: RecordingServer) -> Iterator[httpx.Client]:
    """Of an SDK, which has no key of ours in its headers."""
    with server.client(key=None) as opened:
        yield opened


def sentry_error(answer: httpx.Response) -> str:
    detail: str = answer.json()["detail"]
    assert answer.headers["x-sentry-error"] == detail
    return detail


def test_an_event_is_answered_with_its_id(project: Dsn, client: httpx.Client) -> None:
    answer = client.post(project.path(), content=BODY, headers=project.auth)
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert answer.headers["access-control-allow-origin"] == "*"
    (event,) = project.events
    assert (event["event_id"], event["document"]["message"]) == (EVENT_ID, "hello")


@pytest.mark.parametrize("place", ["header", "authorization", "query", "dsn header", "envelope"])
def test_the_key_may_stand_in_each_place(place: str, project: Dsn, client: httpx.Client) -> None:
    path, headers, content = project.path(), {}, BODY
    if place == "header":
        headers = project.auth
    elif place == "authorization":
        headers = {"authorization": project.auth["x-sentry-auth"]}
    elif place == "query":
        path += f"?sentry_key={project.key}&sentry_version=7"
    elif place == "dsn header":
        headers = {"authorization": f"DSN {project}"}
    else:
        content = envelope({"event_id": EVENT_ID, "dsn": str(project)}, ({"type": "event"}, EVENT))
    answer = client.post(path, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(project.events) == 1


def test_who_may_not_send_is_told_so_with_403(
    server: RecordingServer, project: Dsn, client: httpx.Client
) -> None:
    other = server.project("http-other")
    foreign = envelope({"dsn": str(other)}, ({"type": "event"}, EVENT))
    cases: list[tuple[str, dict[str, str], bytes, str]] = [
        (project.path(), {}, BODY, "missing authorization information"),
        (project.path(), {"x-sentry-auth": "Sentry sentry_key=" + "0" * 32}, BODY, DETAIL + "ProjectId"),
        (project.path(), other.auth, BODY, DETAIL + "ProjectId"),
        ("/api/999999/envelope/", project.auth, BODY, DETAIL + "ProjectId"),
        (f"/api/{'9' * 18}/store/", project.auth, EVENT, DETAIL + "ProjectId"),
        (project.path() + f"?sentry_key={other.key}", project.auth, BODY, DETAIL + "ProjectId"),
        (project.path(), project.auth, foreign, DETAIL + "ProjectId"),
        (project.path(), {}, foreign, DETAIL + "ProjectId"),
    ]  # fmt: skip
    for path, headers, content, detail in cases:
        answer = client.post(path, content=content, headers=headers)
        assert (answer.status_code, sentry_error(answer)) == (403, detail), path
    assert project.events == other.events == []


def test_a_revoked_key_is_refused(
    server: RecordingServer, project: Dsn, client: httpx.Client
) -> None:
    with server.client() as admin:
        (key,) = [one for one in admin.get("/api/keys").json() if one["key"] == project.key]
        assert admin.delete(f"/api/keys/{key['id']}").status_code < 300
    answer = client.post(project.path(), content=BODY, headers=project.auth)
    assert (answer.status_code, sentry_error(answer)) == (403, DETAIL + "ProjectId")


def test_a_key_that_only_reads_may_not_write(
    server: RecordingServer, project: Dsn, client: httpx.Client
) -> None:
    with server.client() as admin:
        made = admin.post(
            "/api/keys", json={"name": "reader", "kind": "secret", "role": "viewer"}
        ).json()
    headers = {"x-sentry-auth": f"Sentry sentry_key={made['secret']}"}
    answer = client.post(project.path(), content=BODY, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["causes"] == ["This key may not write telemetry."]


def test_a_key_with_origins_works_from_there_alone(
    server: RecordingServer, project: Dsn, client: httpx.Client
) -> None:
    with server.client() as admin:
        body = {
            "name": "shop",
            "kind": "browser",
            "projects": [project.slug],
            "origins": ["https://shop.example"],
        }
        made = admin.post("/api/keys", json=body)
        assert made.status_code == 201, made.text
    headers = {"x-sentry-auth": f"Sentry sentry_key={made.json()['key']}"}

    def send(origin: str) -> httpx.Response:
        return client.post(project.path(), content=BODY, headers={**headers, "origin": origin})

    allowed, refused = send("https://shop.example"), send("https://evil.example")
    assert (allowed.status_code, refused.status_code) == (200, 403)
    assert sentry_error(refused) == DETAIL + "Cors"
    for answer in (allowed, refused):  # so that a page may read why
        assert answer.headers["access-control-allow-origin"] == answer.request.headers["origin"]
        assert "x-sentry-rate-limits" in answer.headers["access-control-expose-headers"]


def test_a_browser_may_ask_first(project: Dsn, client: httpx.Client) -> None:
    for endpoint in ("envelope", "store", "security"):
        answer = client.options(
            project.path(endpoint),
            headers={"origin": "https://shop.example", "access-control-request-method": "POST"},
        )
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "https://shop.example"
        allowed = answer.headers["access-control-allow-headers"]
        for name in (
            "x-sentry-auth",
            "content-type",
            "content-encoding",
            "sentry-trace",
            "baggage",
        ):
            assert name in allowed


@pytest.mark.parametrize(
    "media",
    ["application/x-sentry-envelope", "", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded",
     "multipart/form-data; boundary=x", "application/json", "image/png"],
)  # fmt: skip
def test_the_content_may_have_any_name(media: str, project: Dsn, client: httpx.Client) -> None:
    headers = {**project.auth, **({"content-type": media} if media else {})}
    assert client.post(project.path(), content=BODY, headers=headers).status_code == 200
    assert len(project.events) == 1


COMPRESSED = {
    "gzip": gzip.compress(BODY),
    "deflate": zlib.compress(BODY),
    "zstd": zstandard.ZstdCompressor().compress(BODY),
    "br": bytes(cramjam.brotli.compress(BODY)),
    "identity": BODY,
}


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_every_encoding_of_an_sdk_is_undone(
    encoding: str, project: Dsn, client: httpx.Client
) -> None:
    headers = {**project.auth, "content-encoding": encoding}
    answer = client.post(project.path(), content=COMPRESSED[encoding], headers=headers)
    assert answer.json() == {"id": EVENT_ID}
    broken = client.post(project.path(), content=COMPRESSED[encoding][:-9], headers=headers)
    assert broken.status_code == 400, broken.text
    unknown = client.post(
        project.path(), content=BODY, headers={**project.auth, "content-encoding": "lzw"}
    )
    assert unknown.status_code == 415


def test_the_oldest_way_to_send_an_event(project: Dsn, client: httpx.Client) -> None:
    told = json.dumps({"event_id": EVENT_ID, "message": "old"}).encode()
    bodies = (told, base64.b64encode(told), base64.b64encode(zlib.compress(told)))
    for body in bodies:
        answer = client.post(project.path("store"), content=body, headers=project.auth)
        assert answer.json() == {"id": EVENT_ID}, answer.text
    assert [event["document"]["message"] for event in project.events] == ["old"] * 3
    for body in (b"", b"hello", b"[]", base64.b64encode(b"hello")):
        answer = client.post(project.path("store"), content=body, headers=project.auth)
        assert answer.status_code == 400, answer.text


def test_a_browser_reports_what_a_policy_has_blocked(project: Dsn, client: httpx.Client) -> None:
    report = {"csp-report": {"document-uri": "https://shop.example/", "effective-directive": "img-src",
                             "blocked-uri": "https://evil.example/a.png"}}  # fmt: skip
    path = (
        project.path("security")
        + f"?sentry_key={project.key}&sentry_release=2.0&sentry_environment=live"
    )
    headers = {"content-type": "application/csp-report", "user-agent": "Mozilla/5.0 Firefox"}
    answer = client.post(path, content=json.dumps(report).encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    (event,) = project.events
    assert answer.json() == {"id": event["event_id"]}
    document = event["document"]
    assert (event["type"], document["csp"]["effective_directive"]) == ("csp", "img-src")
    assert (document["release"], document["environment"]) == ("2.0", "live")
    assert document["request"]["headers"] == [["User-Agent", "Mozilla/5.0 Firefox"]]
    for nothing in (b"", b"{}", b"[]", b"no"):
        assert client.post(path, content=nothing, headers=headers).status_code == 400


def test_what_has_no_room_is_told_by_category(project: Dsn, client: httpx.Client) -> None:
    event = json.dumps({"message": FULL}).encode()
    answer = client.post(
        project.path(), content=envelope({}, ({"type": "event"}, event)), headers=project.auth
    )
    assert (answer.status_code, sentry_error(answer)) == (429, DETAIL + "RateLimited")
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["x-sentry-rate-limits"] == "2:error:project:overloaded"
    session = json.dumps({"init": True, "status": "ok", "attrs": {"release": "a@1"}}).encode()
    both = envelope(
        {"event_id": EVENT_ID}, ({"type": "event"}, event), ({"type": "session"}, session)
    )
    answer = client.post(project.path(), content=both, headers=project.auth)
    assert (answer.status_code, answer.json()) == (200, {"id": EVENT_ID})
    assert answer.headers["x-sentry-rate-limits"] == "2:error:project:overloaded"
    assert project.events == []
    assert project.sql("SELECT value FROM samples WHERE metric = 'sentry.sessions'") == [
        {"value": 1}
    ]


def test_a_clock_that_is_ahead_is_put_right(project: Dsn, client: httpx.Client) -> None:
    headers = {"sent_at": "2100-01-01T00:00:00Z"}
    trace = {"trace_id": "a" * 32, "span_id": "b" * 16, "op": "task"}
    transaction = {
        "transaction": "early", "contexts": {"trace": trace},
        "start_timestamp": "2099-12-31T23:59:58Z", "timestamp": "2099-12-31T23:59:59Z",
    }  # fmt: skip
    body = envelope(
        headers,
        ({"type": "transaction"}, json.dumps(transaction).encode()),
        ({"type": "event"}, EVENT),
    )
    assert client.post(project.path(), content=body, headers=project.auth).status_code == 200
    (row,) = project.sql(
        "SELECT abs(dateDiff('second', time, now())) AS ago, duration_ns FROM spans"
    )
    assert row["ago"] < 30
    assert row["duration_ns"] == 10**9
    assert project.events[0]["shift_s"] < -2_000_000_000


def test_sentry_and_opentelemetry_meet_in_one_trace(project: Dsn, client: httpx.Client) -> None:
    trace_id, parent, child = (
        "0af7651916cd43dd8448eb211c80319c",
        "b7ad6b7169203331",
        "00f067aa0ba902b7",
    )
    now = time.time_ns()
    otlp = {"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": trace_id, "spanId": child, "parentSpanId": parent, "name": "work", "kind": 2,
        "startTimeUnixNano": str(now), "endTimeUnixNano": str(now + 1000)}]}]}]}  # fmt: skip
    answer = client.post(
        "/v1/traces", json=otlp,
        headers={"authorization": f"Bearer {ADMIN_KEY}", "x-quarterdeck-project": project.slug},
    )  # fmt: skip
    assert answer.status_code == 200
    transaction: dict[str, Any] = {
        "transaction": "page", "start_timestamp": now / 1e9, "timestamp": now / 1e9 + 1,
        "contexts": {"trace": {"trace_id": trace_id, "span_id": parent, "op": "pageload"}},
    }  # fmt: skip
    body = envelope({}, ({"type": "transaction"}, json.dumps(transaction).encode()))
    assert client.post(project.path(), content=body, headers=project.auth).status_code == 200
    rows = project.sql(
        f"SELECT name, parent_span_id FROM spans WHERE trace_id = '{trace_id}' ORDER BY name",
        rows=2,
    )
    assert rows == [
        {"name": "page", "parent_span_id": ""}, {"name": "work", "parent_span_id": parent},
    ]  # fmt: skip


def test_no_other_route_is_hidden(server: RecordingServer, client: httpx.Client) -> None:
    for path in ("/api/boards/envelope/", "/api/x1/store/", "/api/1x/security/"):
        answer = client.post(path, headers={"accept": "application/json"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "route_unknown")
    answer = client.get("/api/1/envelope/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, OPTIONS")


def test_many_send_at_once(project: Dsn, server: RecordingServer) -> None:
    statuses: list[int] = []

    def send() -> None:
        with server.client(key=None) as own:
            for _ in range(20):
                statuses.append(
                    own.post(project.path(), content=BODY, headers=project.auth).status_code
                )

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 160
    assert len(project.events) == 160
