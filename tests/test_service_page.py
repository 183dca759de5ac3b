"""What the page of a service shows besides its course: versions and runtime metrics."""

from quarterdeck.telemetry.query.runtime import runtime
from quarterdeck.telemetry.query.versions import versions
from quarterdeck.telemetry.query.window import Window, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_samples, add_spans, now_ns

MS = 1_000_000
MINUTE = 60 * SECOND


def last_hour(project: int, minutes: int = 60) -> Window:
    now = now_ns() // MS
    return window_of(project, now - minutes * 60_000, now)


def test_versions_stand_side_by_side_altogether_and_by_operation() -> None:
    project, now = new_project().id, now_ns()
    add_spans(
        shared_engine(), project,
        *({"name": "GET /", "release": "1.0", "duration_ns": 100 * MS, "time": now - 30 * MINUTE} for _ in range(4)),
        *({"name": "GET /", "release": "1.1", "duration_ns": 400 * MS, "time": now - 5 * MINUTE,
           "status": "error" if i == 0 else "ok"} for i in range(2)),
        {"name": "POST /new", "release": "1.1", "duration_ns": 10 * MS, "time": now - 4 * MINUTE},
        {"name": "inside", "kind": "internal", "parent_span_id": "1" * 16, "release": "1.1"},
        {"name": "GET /", "service": "other", "release": "9"},
    )  # fmt: skip
    found = versions(shared_engine(), last_hour(project), "shop")
    new, old = found.versions
    assert (new.release, new.figures.requests, round(new.figures.error_rate, 3)) == (
        "1.1",
        3,
        0.333,
    )
    assert (old.release, old.figures.requests, old.figures.error_rate) == ("1.0", 4, 0.0)
    assert old.figures.p95_ms is not None
    assert 95 < old.figures.p95_ms < 106
    operations = {each.name: each.figures for each in found.operations}
    assert set(operations) == {"GET /", "POST /new"}
    after, before = operations["GET /"]
    assert after is not None
    assert before is not None
    assert (after.mean_ms, before.mean_ms) == (400, 100)
    assert operations["POST /new"][1] is None
    assert versions(shared_engine(), last_hour(project), "nobody").versions == []


def test_runtime_metrics_are_found_by_their_names_and_told_apart_by_what_differs() -> None:
    project, now = new_project().id, now_ns() // MINUTE * MINUTE
    points = {now - i * MINUTE: 100.0 + i for i in range(5)}
    add_samples(shared_engine(), project, "process.memory.usage", 1, points)
    add_samples(shared_engine(), project, "nodejs.eventloop.delay", 2, points, {"q": "p50"})
    add_samples(shared_engine(), project, "nodejs.eventloop.delay", 3, points, {"q": "p99"})
    add_samples(shared_engine(), project, "http.requests", 4, points)
    add_samples(shared_engine(), project, "process.threads", 5, points, service="other")
    found = {m.metric: m for m in runtime(shared_engine(), last_hour(project, 30), "shop").metrics}
    assert set(found) == {"process.memory.usage", "nodejs.eventloop.delay"}
    assert [series.name for series in found["process.memory.usage"].series] == [""]
    assert {s.name for s in found["nodejs.eventloop.delay"].series} == {"p50", "p99"}
    values = [v for v in found["process.memory.usage"].series[0].values if v is not None]
    assert values == [104.0, 103.0, 102.0, 101.0, 100.0]


def test_what_only_rises_is_a_rate_and_a_fall_is_a_restart() -> None:
    project, now = new_project().id, now_ns() // MINUTE * MINUTE
    course = [0, 600, 1200, 60, 660]  # a restart between the third and the fourth
    points = {now - (4 - i) * MINUTE: float(value) for i, value in enumerate(course)}
    add_samples(shared_engine(), project, "process.cpu.time", 9, points)
    shared_engine().execute(
        f"ALTER TABLE series UPDATE type = 'sum', monotonic = true, temporality = 'cumulative'"
        f" WHERE project = {project} SETTINGS mutations_sync = 1"
    )
    (metric,) = runtime(shared_engine(), last_hour(project, 30), "shop").metrics
    assert metric.shown == "rate"
    assert [v for v in metric.series[0].values if v is not None] == [10.0, 10.0, 1.0, 10.0]
