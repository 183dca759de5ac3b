"""Remote write over HTTP: who may send, what is refused as a whole, what the answer says."""

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cramjam
import httpx
import pytest

from support.hostile import Responsive, refused, refused_since, varint
from support.otlp import Sql
from support.remote_write import (
    STALE,
    V1_TYPE,
    V2_TYPE,
    WRITE,
    Series,
    histogram,
    now_ms,
    push,
    v1,
    v2,
    written,
)
from support.server import ADMIN_KEY, Server

MIB = 1_048_576


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


def one(name: str) -> list[Series]:
    return [Series({"__name__": name, "job": "rw-http"}, [(1.0, now_ms())])]


def test_what_is_acknowledged_is_found_by_sql(server: Server, sql: Sql) -> None:
    at = now_ms()
    series = [
        Series({"__name__": "rw_up", "job": "a"}, [(1.0, at), (STALE, at + 1)]),
        Series({"__name__": "rw_hist"}, histograms=[histogram(1.0, at, positive=True)]),
    ]
    first = push(server, v1(series, [("rw_up", 2, "Whether it is up.", "")]))
    assert (first.status_code, first.content, written(first)) == (204, b"", (0, 0, 0))
    second = push(server, v2(series), V2_TYPE)
    assert (second.status_code, second.content, written(second)) == (204, b"", (2, 1, 0))
    found = sql("SELECT value, labels FROM samples WHERE metric = 'rw_up'")
    assert found == [{"value": 1.0, "labels": {"job": "a"}}]
    assert sql("SELECT count FROM native_histograms WHERE metric = 'rw_hist'") == [{"count": 23.0}]


def test_good_items_are_kept_beside_refused_ones(server: Server, sql: Sql) -> None:
    at = now_ms()
    series = [
        Series({"__name__": "rw_good"}, [(1.0, at), (2.0, 1000)]),
        Series({"job": "nameless"}, [(1.0, at)]),
    ]
    for body, media, told in ((v1(series), V1_TYPE, (0, 0, 0)), (v2(series), V2_TYPE, (1, 0, 0))):
        before = refused(server)
        answer = push(server, body, media)
        assert (answer.status_code, written(answer)) == (400, told)
        assert "1 refused: older than the project's retention (too_old)" in answer.text
        assert "(metric_unnamed)" in answer.text
        assert refused_since(server, before) == {
            ("metrics", "too_old"): 1,
            ("metrics", "metric_unnamed"): 1,
        }
    assert sql("SELECT value FROM samples WHERE metric = 'rw_good'") == [{"value": 1.0}]
    reasons = sql(
        "SELECT reason, count() AS requests FROM rejects WHERE sample LIKE '%rw_good%' GROUP BY reason"
    )
    assert reasons == [{"reason": "too_old", "requests": 2}]  # shown on Data health too


def test_keys_come_as_bearer_or_as_password(server: Server) -> None:
    body = bytes(cramjam.snappy.compress_raw(v1(one("rw_key"))))
    headers = {"content-type": V1_TYPE, "content-encoding": "snappy"}

    def ask(authorization: str) -> httpx.Response:
        given = {**headers, "authorization": authorization} if authorization else headers
        return httpx.post(f"{server.url}{WRITE}", content=body, headers=given)

    def basic(text: str) -> str:
        return "Basic " + base64.b64encode(text.encode()).decode()

    assert ask(f"Bearer {ADMIN_KEY}").status_code == 204
    assert ask(basic(f"prometheus:{ADMIN_KEY}")).status_code == 204
    for wrong in ("", "Bearer nonsense", basic("prometheus:nonsense")):
        answer = ask(wrong)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer, Basic"
        assert answer.text.strip()


def test_empty_requests_are_fine(server: Server) -> None:
    for body, media in ((v1([]), V1_TYPE), (v2([]), V2_TYPE)):
        answer = push(server, body, media)
        assert (answer.status_code, written(answer)) == (204, (0, 0, 0))
    assert push(server, b"", raw=True).status_code == 400  # snappy has a length before nothing


def test_a_message_of_the_other_version_is_refused_and_said_so(server: Server) -> None:
    answer = push(server, v2(one("rw_other")), V1_TYPE)
    assert answer.status_code == 400
    assert "another version" in answer.text
    assert push(server, v1(one("rw_other")), V2_TYPE).status_code == 400
    quoted = 'application/x-protobuf; proto="prometheus.WriteRequest"'
    assert push(server, v1(one("rw_quoted")), quoted).status_code == 204


def test_bombs_cost_no_memory(server: Server) -> None:
    """The length in front of the block is judged before anything is unfolded."""
    claimed = b"\xff\xff\xff\xff\x0f" + b"\x00" * 10
    assert push(server, claimed, raw=True).status_code == 413
    honest = bytes(cramjam.snappy.compress_raw(b"\0" * (21 * MIB)))
    assert len(honest) < 2 * MIB
    assert push(server, honest, raw=True).status_code == 413
    lying = bytes([*honest[4:]])
    assert push(server, b"\x10" + lying, raw=True).status_code == 400


def test_millions_of_parts_are_refused_and_others_are_served_meanwhile(server: Server) -> None:
    at = now_ms()
    name = b"\x0a\x12\x0a\x08__name__\x12\x06rw_big"
    deep = name + b"\x12\x00" * MIB
    bodies = (
        b"\x0a\x00" * 300_000,  # series
        b"\x0a" + varint(len(deep)) + deep,  # samples of one series
    )
    with Responsive(server) as others:
        for body in bodies:
            assert push(server, body).status_code == 400
        assert push(server, b"\x0a\x00" * 200_000).status_code == 204  # nothing in them to refuse
        many = [Series({"__name__": "rw_many"}, [(1.0, at - i) for i in range(100_000)])]
        assert push(server, v1(many)).status_code == 204
    assert others.slowest < 10


def test_a_project_may_set_its_own_limit_of_series(server: Server) -> None:
    at = now_ms()
    with server.client() as client:
        client.post("/api/projects", json={"slug": "rw-limit"})
        asked = "/api/resources/retention/default?project=rw-limit"
        client.put(asked, json={"spec": {"series_limit": 2}}).raise_for_status()
    series = [Series({"__name__": f"rw_limit_{i}"}, [(1.0, at)]) for i in range(3)]
    for body, media in ((v1(series), V1_TYPE), (v2(series), V2_TYPE)):
        answer = push(server, body, media, x_quarterdeck_project="rw-limit")
        assert answer.status_code == 400
        assert "1 refused: a new series beyond the project's limit (too_many_series)" in answer.text
    assert written(answer) == (2, 0, 0)  # known ones go on


def test_a_full_queue_is_503_and_what_is_sent_again_is_there_once(tmp_path: Path) -> None:
    at = now_ms()
    labels = {"padding": "x" * 10_000}
    bodies = [
        v1(
            [
                Series({"__name__": f"rw_busy_{n}", "i": str(i), **labels}, [(1.0, at)])
                for i in range(90)
            ]
        )
        for n in range(12)
    ]
    settings = {"QUARTERDECK_INGEST_QUEUE_MB": "1"}
    with Server(tmp_path / "data", environment=settings) as running, running.client() as client:
        busy: list[httpx.Response] = []

        def until_kept(body: bytes) -> None:
            while (answer := push(client, body)).status_code != 204:
                busy.append(answer)
                time.sleep(0.1)

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(until_kept, bodies))
        assert {answer.status_code for answer in busy} == {503}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in busy)
        found = Sql(running)("SELECT count() AS n, uniqExact(series_id) AS series FROM samples")
        assert found == [{"n": 12 * 90, "series": 12 * 90}]


def test_a_body_that_is_cut_off_is_refused_without_the_library_s_words(server: Server) -> None:
    series = [Series({"__name__": "rw_cut"}, [(1.0, now_ms())])]
    for body, media, name in (
        (v1(series), V1_TYPE, "prometheus.WriteRequest"),
        (v2(series), V2_TYPE, "io.prometheus.write.v2.Request"),
    ):
        answer = push(server, body[:-1], media)
        assert answer.status_code == 400
        assert answer.text == f"The body is no {name}, or ends in the middle of one.\n"
