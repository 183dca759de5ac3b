"""What the metrics explorer lists and what the page about cardinality counts."""

from datetime import UTC, datetime

import pytest

from quarterdeck.core.clock import SystemClock
from quarterdeck.core.settings import load
from quarterdeck.telemetry.prometheus.cost import cost
from quarterdeck.telemetry.prometheus.listing import listing
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog
from quarterdeck.telemetry.prometheus.queries import Queries
from support.engine import new_project, shared_engine
from support.rows import now_ns
from support.server import Server

DAY = datetime.fromtimestamp(now_ns() / 1e9, UTC).date().isoformat()
RANGE = (now_ns() // 1_000_000 - 3_600_000, now_ns() // 1_000_000 + 60_000)


def fill(project: int) -> None:
    """Forty series of a counter whose label `user` has twenty values, and a histogram of OTLP:
    three routes with two bounds each, the first of them in two releases."""
    engine = shared_engine()
    engine.execute(f"""
        INSERT INTO prom_series (project, metric, series_id, labels, day, first_seen, last_seen)
        SELECT {project}, 'http_requests_total', {project} * 1000 + number,
            map('user', 'user-' || toString(number % 20), 'code', if(number < 20, '200', '500')), '{DAY}', now64(3), now64(3) FROM numbers(40)""")
    engine.execute(f"""
        INSERT INTO prom_samples (project, series_id, time, value)
        SELECT {project}, {project} * 1000 + number % 40, now64(3) - toIntervalMillisecond(number), 1 FROM numbers(400)""")
    engine.execute(f"""
        INSERT INTO prom_metadata VALUES ({project}, 'http_requests', 'counter', 'Requests answered.', '', '{DAY}', now64(3))""")
    engine.execute(f"""
        INSERT INTO series (project, metric, series_id, type, temporality, monotonic, unit, description, labels, label_types, resource, day, first_seen, last_seen)
        SELECT {project}, 'http.server.duration', {project} * 1000 + 500 + number, 'histogram', 'cumulative', false, 's', 'How long.',
            map('http.route', '/' || toString(number % 3)), ['string'], '{{"service.name":"shop","service.version":"' || toString(intDiv(number, 3)) || '"}}', '{DAY}', now(), now() FROM numbers(4)""")
    engine.execute(f"""
        INSERT INTO histograms (project, series_id, time, count, sum, bounds, counts)
        SELECT {project}, {project} * 1000 + 500 + number % 4, now64(3) - toIntervalMinute(1 + intDiv(number, 4)), 6, 9, [0.1, 2.5], [1, 2, 3] FROM numbers(40)""")
    engine.execute(f"""
        INSERT INTO rejects (project, time, signal, reason, batch, request, items, sample)
        VALUES ({project}, now64(3), 'metrics', 'too_many_series', 1, 1, 7, 'x')""")


def test_metrics_are_listed_by_their_prometheus_names_with_what_is_known_of_them() -> None:
    project, engine = new_project().id, shared_engine()
    fill(project)
    found = listing(engine, OtlpCatalog(engine), project, *RANGE)
    assert [(m.name, m.type, m.unit, m.help, m.series) for m in found] == [
        ("http_requests_total", "counter", "", "Requests answered.", 40),
        ("http_server_duration_seconds_bucket", "histogram", "seconds", "How long.", 9),
        ("http_server_duration_seconds_count", "histogram", "seconds", "How long.", 3),
        ("http_server_duration_seconds_sum", "histogram", "seconds", "How long.", 3),
    ]
    for each in found:
        assert each.series == counted(project, each.name)
    assert listing(engine, OtlpCatalog(engine), new_project().id, *RANGE) == []


def counted(project: int, metric: str) -> int:
    """What PromQL counts."""
    queries = Queries(shared_engine(), load({}, None, {}), SystemClock())
    expression = f'count(last_over_time({{__name__="{metric}"}}[30m]))'
    result = queries.instant(project, expression, now_ns() // 1_000_000)
    return int(result.values[0][0]) if len(result.values) else 0


def test_cost_is_told_by_metric_by_label_and_by_value_as_promql_names_and_counts_them() -> None:
    project, engine = new_project().id, shared_engine()
    fill(project)
    found = cost(engine, OtlpCatalog(engine), project, DAY, 1000)
    assert (found.series, found.prometheus_series, found.limit, found.refused) == (55, 40, 1000, 7)
    assert [(m.metric, m.series, m.otlp) for m in found.metrics] == [
        ("http_requests_total", 40, False),
        ("http_server_duration_seconds_bucket", 9, True),
        ("http_server_duration_seconds_count", 3, True),
        ("http_server_duration_seconds_sum", 3, True),
    ]
    requests, buckets, count, total = found.metrics
    assert (requests.widest_label, requests.widest_values) == ("user", 20)
    assert (buckets.widest_label, buckets.widest_values) == ("http_route", 3)
    assert requests.disk_bytes > 0
    assert buckets.disk_bytes == pytest.approx(3 * count.disk_bytes, abs=3)
    assert count.disk_bytes == total.disk_bytes > 0
    by_label = {each.label: each for each in found.labels}
    assert list(by_label) == ["user", "http_route", "le", "code", "job"]
    assert (by_label["user"].series, by_label["user"].values, by_label["user"].metrics) == (
        40,
        20,
        1,
    )
    assert by_label["user"].without == 2  # one a code
    assert by_label["code"].without == 20
    assert (by_label["http_route"].series, by_label["http_route"].without) == (15, 5)
    assert (by_label["le"].series, by_label["le"].values) == (9, 3)
    pairs = {(each.label, each.value): each.series for each in found.pairs}
    assert (found.pairs[0].label, found.pairs[0].series) == ("code", 20)
    assert (pairs["le", "+Inf"], pairs["le", "0.1"], pairs["job", "shop"]) == (3, 3, 15)
    nothing = cost(engine, OtlpCatalog(engine), new_project().id, DAY, 5)
    assert (nothing.series, nothing.metrics, nothing.labels, nothing.pairs) == (0, [], [], [])


def samples_a_minute(project: int) -> dict[str, float]:
    engine = shared_engine()
    found = cost(engine, OtlpCatalog(engine), project, DAY, 1000)
    return {each.metric: each.samples_a_minute for each in found.metrics}


def test_samples_a_minute_are_those_that_come_whatever_the_hour() -> None:
    """46 series every 5 s are 552 a minute, three minutes after the first scrape as after hours."""
    project, engine = new_project().id, shared_engine()
    steps = {"node_new": (46, 36, 5), "node_old": (46, 1440, 5), "once": (3, 1, 1)}
    for at, (metric, (series, times, every)) in enumerate(steps.items()):
        ids = f"{project} * 1000 + {at * 100} + number % {series}"
        engine.execute(f"""
            INSERT INTO prom_series (project, metric, series_id, labels, day, first_seen, last_seen)
            SELECT {project}, '{metric}', {ids}, map('i', toString(number)), '{DAY}', now64(3), now64(3) FROM numbers({series})""")
        engine.execute(f"""
            INSERT INTO prom_samples (project, series_id, time, value)
            SELECT {project}, {ids}, now64(3) - toIntervalSecond({every} * intDiv(number, {series})), 1 FROM numbers({series * times})""")
    found = samples_a_minute(project)
    assert found["node_new"] == pytest.approx(552, rel=0.01)
    assert found["node_old"] == pytest.approx(552, rel=0.01)
    assert found["once"] == pytest.approx(3 / 60, rel=0.01)
    fill(project)  # a histogram of OTLP, four streams a minute: three buckets each, a sum, a count
    found = samples_a_minute(project)
    assert found["http_server_duration_seconds_bucket"] == pytest.approx(12, rel=0.01)
    assert found["http_server_duration_seconds_sum"] == pytest.approx(4, rel=0.01)


def test_the_routes_answer_for_the_project_of_the_key(server: Server) -> None:
    now = now_ns() // 1_000_000
    with server.client() as client:
        listed = client.get("/api/metrics", params={"from": now - 60_000, "to": now})
        assert listed.status_code == 200
        assert isinstance(listed.json()["items"], list)
        found = client.get("/api/metrics/cost").json()
        assert found["limit"] == 1_000_000
        wrong = client.get("/api/metrics/cost", params={"day": "yesterday"})
        assert wrong.json()["error"]["code"] == "day_invalid"
