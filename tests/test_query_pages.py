"""Overview, service, services, facets and storage."""

from pathlib import Path

import pytest

from quarterdeck.telemetry import facets as facets_job
from quarterdeck.telemetry.query.facets import facets
from quarterdeck.telemetry.query.operations import operations
from quarterdeck.telemetry.query.overview import overview
from quarterdeck.telemetry.query.service import service
from quarterdeck.telemetry.query.services import services
from quarterdeck.telemetry.query.slowest import slowest
from quarterdeck.telemetry.query.storage import storage
from quarterdeck.telemetry.query.window import STEPS_MS, Window, grid_of, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans, now_ns

MS = 1_000_000
MINUTE = 60 * SECOND


@pytest.fixture(scope="module")
def ground() -> tuple[int, int]:
    """Two services, a request a second each for half an hour; one in ten of `pay` fails."""
    project = new_project().id
    at = now_ns() // MINUTE * MINUTE - 30 * MINUTE
    spans = []
    for i in range(1800):
        for name, errors in (("pay", i % 10 == 0), ("web", False)):
            spans.append(
                {"service": name, "name": f"{name} {i % 2}", "time": at + i * SECOND, "duration_ns": (i % 100 + 1) * MS,
                 "status": "error" if errors else "ok", "release": "2.0" if i > 900 else "1.0",
                 "trace_id": f"{i + 1:032x}", "span_id": f"{i + 1:016x}"}
            )  # fmt: skip
            spans.append(
                {**spans[-1], "name": "inner", "kind": "client", "parent_span_id": "1" * 16}
            )
    add_spans(shared_engine(), project, *spans)
    add_logs(
        shared_engine(),
        project,
        *({"time": at + i * SECOND, "attributes": {"tenant": f"t{i % 3}"}} for i in range(600)),
    )
    return project, at


def window(ground: tuple[int, int], minutes: int = 30) -> Window:
    return window_of(ground[0], ground[1] // 10**6, ground[1] // 10**6 + minutes * 60_000)


def test_the_overview_counts_requests_alone(ground: tuple[int, int]) -> None:
    answer = overview(shared_engine(), window(ground))
    pay, web = answer.services
    assert (pay.service, web.service) == ("pay", "web")
    assert pay.rate == pytest.approx(1.0)
    assert pay.error_rate == pytest.approx(0.1)
    assert web.error_rate == 0
    assert pay.release == "2.0"
    assert pay.p50_ms == pytest.approx(50, rel=0.06)
    assert pay.p95_ms == pytest.approx(95, rel=0.06)
    assert pay.p99_ms == pytest.approx(99, rel=0.06)
    assert answer.step_ms == 60_000
    assert pay.rate_points == pytest.approx([1.0] * 30)
    assert pay.error_points == pytest.approx([0.1] * 30)
    assert len(pay.p95_points) == 30
    totals = answer.totals
    assert totals.rate == pytest.approx(2.0)
    assert (totals.spans, totals.logs) == (7200, 600)
    assert sum(totals.log_points) == 600
    assert totals.previous is None


def test_the_period_before_is_beside_it(ground: tuple[int, int]) -> None:
    project, at = ground
    later = window_of(project, at // 10**6 + 15 * 60_000, at // 10**6 + 30 * 60_000)
    before = overview(shared_engine(), later).totals.previous
    assert before is not None
    assert before.rate == pytest.approx(2.0)
    assert before.error_rate == pytest.approx(0.05)
    assert before.logs == 600


def test_a_period_that_began_without_data_is_no_measure(ground: tuple[int, int]) -> None:
    project, at = ground
    start = at // 10**6 + 10 * 60_000  # the twenty minutes before: ten of nothing, ten of data
    assert (
        overview(shared_engine(), window_of(project, start, start + 20 * 60_000)).totals.previous
        is None
    )


def test_an_environment_without_data_is_empty_rather_than_an_error(ground: tuple[int, int]) -> None:
    project, at = ground
    nothing = overview(
        shared_engine(), window_of(project, at // 10**6, at // 10**6 + 60_000, "none")
    )
    assert nothing.services == []
    assert nothing.totals.p95_ms is None
    assert nothing.totals.rate == 0


def test_a_long_range_reads_the_coarser_rollup_and_says_the_same(ground: tuple[int, int]) -> None:
    project, at = ground
    start = at // 10**6 - 20 * 3_600_000
    answer = overview(shared_engine(), window_of(project, start, start + 24 * 3_600_000))
    assert answer.step_ms >= 15 * 60_000
    assert sum(p is not None for p in answer.totals.p95_points) <= 3
    assert answer.totals.p95_ms == pytest.approx(95, rel=0.06)


def test_a_service_shows_operations_releases_and_slowest(ground: tuple[int, int]) -> None:
    answer = service(shared_engine(), window(ground), "pay")
    assert [r.release for r in answer.releases] == ["2.0", "1.0"]
    assert {o.name for o in answer.operations} == {"pay 0", "pay 1"}
    assert sum(o.share for o in answer.operations) == pytest.approx(1)
    slow = next(o for o in answer.operations if o.name == "pay 0")
    assert slow.kind == "server"
    assert slow.rate == pytest.approx(0.5)
    assert slow.error_rate == pytest.approx(0.2)
    assert slow.p95_ms == pytest.approx(95, rel=0.06)
    assert answer.series.rate == pytest.approx([1.0] * 30)
    assert answer.series.p50[0] == pytest.approx(30, rel=0.06)
    assert [s.duration_ms for s in answer.slowest[:3]] == [100, 100, 100]
    assert len(answer.slowest) == 20


def test_the_slowest_are_the_slowest_of_the_stored_spans(ground: tuple[int, int]) -> None:
    project, _ = ground
    found = slowest(shared_engine(), window(ground), limit=37)
    exact = shared_engine().query(
        "exact",
        f"SELECT duration_ns / 1e6 FROM spans WHERE project = {project} AND kind = 'server' ORDER BY duration_ns DESC LIMIT 37",
    )
    assert [s.duration_ms for s in found] == [row[0] for row in exact.rows]


def test_a_sample_of_slices_gives_nearly_the_same_quantiles(
    ground: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = operations(shared_engine(), window(ground), "web")
    monkeypatch.setattr("quarterdeck.telemetry.query.operations.MOST_SPANS", 900)
    part = operations(shared_engine(), window(ground), "web")
    assert [o.rate for o in part] == [o.rate for o in whole]
    for a, b in zip(whole, part, strict=True):
        assert b.p50_ms == pytest.approx(a.p50_ms, rel=0.2)


def test_services_are_listed_with_what_they_sent(ground: tuple[int, int]) -> None:
    answer = {s.service: s for s in services(shared_engine(), window(ground))}
    assert set(answer) == {"pay", "shop", "web"}
    assert (answer["pay"].spans, answer["shop"].logs) == (3600, 600)
    assert answer["pay"].releases == ["2.0", "1.0"]
    assert answer["pay"].environments == ["prod"]


def test_facets_come_from_the_rollup_once_the_job_has_run(ground: tuple[int, int]) -> None:
    facets_job.count_new(shared_engine(), now_ns() + 60 * SECOND)
    answer = {f.field: f.values for f in facets(shared_engine(), window(ground), "logs")}
    assert list(answer)[:1] == ["service"]
    assert {v.value: v.count for v in answer["tenant"]} == {"t0": 200, "t1": 200, "t2": 200}
    spans = {f.field: f.values for f in facets(shared_engine(), window(ground), "spans")}
    assert {v.value: v.count for v in spans["service"]} == {"pay": 3600, "web": 3600}
    assert {v.value for v in spans["status"]} == {"ok", "error"}


def test_facets_are_counted_once_however_often_the_job_runs(ground: tuple[int, int]) -> None:
    for _ in range(3):
        facets_job.count_new(shared_engine(), now_ns() + 60 * SECOND)
    answer = {f.field: f.values for f in facets(shared_engine(), window(ground), "logs")}
    assert sum(v.count for v in answer["tenant"]) == 600


def test_facets_of_a_search_count_what_it_finds(ground: tuple[int, int]) -> None:
    answer = {
        f.field: f.values for f in facets(shared_engine(), window(ground), "logs", q="tenant:t1")
    }
    assert [(v.value, v.count) for v in answer["tenant"]] == [("t1", 200)]


def test_storage_tells_tables_and_projects_apart(ground: tuple[int, int], tmp_path: Path) -> None:
    project, _ = ground

    def slug_of(found: int) -> str | None:
        return "mine" if found == project else None

    answer = storage(shared_engine(), tmp_path, 10**12, slug_of, whole=True)
    assert answer.server is not None
    assert {t.name for t in answer.server.tables} >= {"spans", "logs", "red_1m"}
    assert answer.server.disk_bytes == sum(t.bytes for t in answer.server.tables)
    mine = {(p.project, p.signal): p.rows for p in answer.by_project}
    assert mine == {("mine", "traces"): 7200, ("mine", "logs"): 600}
    assert answer.server.oldest_day is not None
    assert storage(shared_engine(), tmp_path, 10**12, slug_of, whole=False).server is None


@pytest.mark.parametrize(
    "length_ms", [1_000, 60_000, 3_600_000, 86_400_000, 30 * 86_400_000, 365 * 86_400_000]
)
def test_a_grid_covers_its_window_with_round_steps(length_ms: int) -> None:
    start = 1_790_000_123_456
    grid = grid_of(window_of(1, start, start + length_ms), 60)
    assert grid.step_ms in STEPS_MS
    assert grid.start_ms % grid.step_ms == 0
    assert grid.start_ms <= start
    assert grid.start_ms + grid.size * grid.step_ms >= start + length_ms
    assert grid.size <= 62


def test_what_is_too_long_to_choose_from_is_no_facet() -> None:
    project, at = new_project().id, now_ns()
    add_spans(
        shared_engine(), project, {"name": "n" * 100_000, "attributes": {"dump": "x" * 100_000, "tenant": "t1"}, "time": at}
    )  # fmt: skip
    moment = window_of(project, at // 10**6 - 1_000, at // 10**6 + 1_000)
    found = {f.field: f.values for f in facets(shared_engine(), moment, "spans", q="tenant:t1")}
    assert [(each.value, each.count) for each in found["tenant"]] == [("t1", 1)]
    assert not {"name", "dump"} & found.keys()
