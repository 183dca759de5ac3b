"""`GET /api/monitoring/dashboard`: the state of a project in one answer."""

from quarterdeck.telemetry.query.dashboard import dashboard
from quarterdeck.telemetry.query.window import window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns
from support.server import Server

MS = 1_000_000


def test_it_tells_health_with_reasons_performance_errors_and_throughput() -> None:
    project, now = new_project().id, now_ns() - 10 * SECOND
    add_spans(
        shared_engine(), project,
        *({"service": "pay", "time": now, "duration_ns": 100 * MS, "status": "error" if i < 2 else "ok"} for i in range(10)),
        {"service": "web", "time": now, "duration_ns": 900 * MS, "name": "GET /slow"},
    )  # fmt: skip
    add_logs(
        shared_engine(), project,
        {"service": "pay", "time": now, "severity_number": 17, "body": "declined"},
        {"service": "pay", "time": now, "body": "fine"},
    )  # fmt: skip
    end = now_ns() // MS + 1000
    found = dashboard(shared_engine(), window_of(project, end - 3_600_000, end))
    assert found.health.status == "degraded"
    assert found.health.reasons == ["20.0% of the requests of pay failed"]
    assert (found.errors.failed_requests, found.errors.error_logs) == (2, 1)
    assert [line.message for line in found.errors.newest] == ["declined"]
    assert found.performance.slowest[0].name == "GET /slow"
    assert (found.throughput.spans, found.throughput.logs) == (11, 2)
    assert {each.service for each in found.services} == {"pay", "web"}


def test_it_answers_for_the_last_hour_unless_told_and_knows_nothing_of_silence(
    server: Server,
) -> None:
    with server.client() as client:
        client.post("/api/projects", json={"slug": "silent"})
        client.headers["x-quarterdeck-project"] = "silent"
        found = client.get("/api/monitoring/dashboard").json()
        assert found["health"]["status"] == "unknown"
        assert found["to_ms"] - found["from_ms"] == 3_600_000
        bad = client.get("/api/monitoring/dashboard", params={"from": 5, "to": 4})
        assert bad.status_code == 400
