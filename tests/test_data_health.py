"""Who sends, what arrives, what was refused and why, clocks, cardinality: told by a running server."""

import time
from typing import Any

from quarterdeck.telemetry.ingest.senders import Senders, product, way_of
from quarterdeck.telemetry.query.cardinality import cardinality
from quarterdeck.telemetry.query.health import arrivals, clocks
from quarterdeck.telemetry.query.window import Window, window_of
from support.engine import new_project, shared_engine
from support.load import PROTOBUF, logs, traces
from support.rows import SECOND, add_logs, add_samples, add_spans, now_ns
from support.server import Server

MS = 1_000_000


def last_hour(project: int) -> Window:
    now = now_ns() // MS
    return window_of(project, now - 3_600_000, now + 60_000)


def test_a_user_agent_is_known_by_its_product_and_a_path_by_its_way() -> None:
    assert product("OTel-OTLP-Exporter-Python/1.45.0") == "OTel-OTLP-Exporter-Python"
    assert product("OTel OTLP Exporter Go/1.30") == "OTel OTLP Exporter Go"
    assert product("OpenTelemetry Collector Contrib/0.110 (linux/amd64)") == "OpenTelemetry Collector Contrib"  # fmt: skip
    assert product("Mozilla/5.0 (X11) <script>") == "Mozilla"
    assert product("") == ""
    assert product("\x1b[31mevil/1") == ""
    assert len(product("x" * 500)) <= 64
    assert way_of("/v1/traces") == way_of("grpc") == "otlp"
    assert way_of("/api/drains/vercel/site") == "vercel"


def test_what_cannot_be_written_down_waits_for_the_next_time() -> None:
    heard = Senders()
    heard.note(1, "/v1/logs", "A/1", 2, 100)
    news = heard.take()
    heard.note(1, "/v1/logs", "A/2", 3, 200)
    heard.give_back(news)
    (sender,) = heard.take().values()
    assert (sender.first_seen, sender.last_seen, sender.items) == (100, 200, 5)
    for i in range(1000):
        heard.note(1, "/v1/logs", f"A{i}/1", 1, 1)
    assert len(heard.take()) == 500


def test_senders_are_listed_by_way_and_program(server: Server) -> None:
    with server.client() as client:
        client.post("/api/projects", json={"slug": "senders"})
        client.headers["x-quarterdeck-project"] = "senders"
        headers = {"content-type": PROTOBUF, "user-agent": "OTel-OTLP-Exporter-Python/1.45.0"}
        for _ in range(2):
            body = traces("GET /", 3).SerializeToString()
            assert client.post("/v1/traces", content=body, headers=headers).status_code == 200
        client.post(
            "/api/logs", content=b'{"message":"a"}\n', headers={"user-agent": "Vector/0.40"}
        )
        client.post("/api/logs", content=b"{broken", headers={"user-agent": "Nothing/1"})
        wanted = {("otlp", "OTel-OTLP-Exporter-Python", 6), ("ndjson", "Vector", 1)}
        found: set[tuple[str, str, int]] = set()
        for _ in range(80):
            rows = client.get("/api/data-health/senders").json()
            found = {(row["way"], row["agent"], row["items"]) for row in rows}
            if found == wanted:
                break
            time.sleep(0.2)
        assert found == wanted
        late = {"since": now_ns() // MS + 60_000}
        assert client.get("/api/data-health/senders", params=late).json() == []
        client.headers["x-quarterdeck-project"] = "default"
        agents = [row["agent"] for row in client.get("/api/data-health/senders").json()]
        assert "Vector" not in agents


def test_refusals_say_why_with_a_sample_and_tell_whole_requests_to_whoever_sees_all(
    server: Server,
) -> None:
    with server.client() as client:
        client.post("/api/projects", json={"slug": "refusals"})
        client.headers["x-quarterdeck-project"] = "refusals"
        key = client.post(
            "/api/keys", json={"name": "v", "kind": "secret", "role": "viewer", "projects": ["refusals"]}
        ).json()["secret"]  # fmt: skip
        request = logs("too old to keep")
        request.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano = 1
        client.post(
            "/v1/logs", content=request.SerializeToString(), headers={"content-type": PROTOBUF}
        )
        client.post("/v1/logs", content=b"\xff\xff", headers={"content-type": PROTOBUF})
        now = now_ns() // MS
        params: dict[str, Any] = {"from": now - 60_000, "to": now + 60_000}
        found = client.get("/api/data-health/refusals", params=params).json()
        (item,) = found["items"]
        assert (item["reason"], item["items"], item["sample"]) == ("too_old", 1, "too old to keep")
        assert item["explanation"]
        (whole,) = [
            r for r in found["requests"] if r["reason"] == "unparsable" and r["signal"] == "logs"
        ]
        assert whole["count"] >= 1
        assert "is no ExportLogsServiceRequest" in whole["explanation"]
        limited = {"Authorization": f"Bearer {key}"}
        seen = client.get("/api/data-health/refusals", params=params, headers=limited).json()
        assert seen["requests"] is None
        assert len(seen["items"]) == 1


def test_arrivals_are_told_by_signal_and_service() -> None:
    project, now = new_project().id, now_ns()
    add_spans(shared_engine(), project, *({"time": now - i * SECOND} for i in range(3)))
    add_logs(shared_engine(), project, {"service": "web"}, {"service": "web"}, {"service": "pay"})
    add_samples(shared_engine(), project, "m", 1, {now: 1.0})
    found = {
        (a.signal, a.service): a.items for a in arrivals(shared_engine(), last_hour(project)).items
    }
    assert found == {
        ("traces", "shop"): 3,
        ("logs", "web"): 2,
        ("logs", "pay"): 1,
        ("metrics", "shop"): 1,
    }


def test_a_clock_ahead_and_late_data_are_told_apart() -> None:
    project, now = new_project().id, now_ns()
    add_logs(
        shared_engine(), project,
        *({"service": "ahead", "time": now + 30 * SECOND} for _ in range(4)),
        *({"service": "late", "time": now - 900 * SECOND} for _ in range(4)),
        *({"service": "fine", "time": now - SECOND // 2} for _ in range(4)),
    )  # fmt: skip
    found = {each.service: each for each in clocks(shared_engine(), last_hour(project))}
    assert (found["ahead"].ahead_share, found["ahead"].late_share) == (1.0, 0.0)
    assert 25_000 < found["ahead"].skew_ms < 31_000
    assert (found["late"].ahead_share, found["late"].late_share, found["late"].skew_ms) == (0, 1, 0)
    assert found["fine"].ahead_share == found["fine"].late_share == 0
    assert list(found) == ["ahead", "late", "fine"]


def test_series_and_attributes_are_ranked_by_what_they_take() -> None:
    project, now = new_project().id, now_ns()
    for i in range(5):
        add_samples(
            shared_engine(), project, "requests", 10 + i, {now: 1.0}, {"path": str(i), "ok": True}
        )
    add_samples(shared_engine(), project, "memory", 20, {now: 1.0})
    add_spans(
        shared_engine(), project,
        *({"attributes": {"url": "https://shop.example/" + "x" * 200 + str(i), "n": i % 2}} for i in range(4)),
        {"attributes": {"n": 1}},
    )  # fmt: skip
    found = cardinality(shared_engine(), last_hour(project))
    assert found.series == 6
    assert [(m.metric, m.series, m.widest_label, m.widest_values) for m in found.metrics] == [
        ("requests", 5, "path", 5),
        ("memory", 1, "", 0),
    ]
    url, n = found.attributes
    assert (url.attribute, url.values, url.items_share, n.attribute, n.items_share) == ("url", 4, 0.8, "n", 1.0)  # fmt: skip
    assert url.share > 0.95
    assert round(url.share + n.share, 6) == 1.0
