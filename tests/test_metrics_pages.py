"""What the metrics explorer lists and what the page about cardinality counts."""

from datetime import UTC, datetime

from quarterdeck.telemetry.prometheus.cost import cost
from quarterdeck.telemetry.prometheus.listing import listing
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog
from support.engine import new_project, shared_engine
from support.rows import now_ns
from support.server import Server

DAY = datetime.fromtimestamp(now_ns() / 1e9, UTC).date().isoformat()
RANGE = (now_ns() // 1_000_000 - 3_600_000, now_ns() // 1_000_000 + 60_000)


def fill(project: int) -> None:
    """Forty series of a counter whose label `user` has twenty values, and a histogram of OTLP."""
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
        INSERT INTO series (project, metric, series_id, type, temporality, monotonic, unit, description, labels, resource, day, first_seen, last_seen)
        SELECT {project}, 'http.server.duration', {project} * 1000 + 500 + number, 'histogram', 'cumulative', false, 's', 'How long.',
            map('http.route', '/' || toString(number)), '{{}}', '{DAY}', now(), now() FROM numbers(3)""")
    engine.execute(f"""
        INSERT INTO rejects (project, time, signal, reason, batch, request, items, sample)
        VALUES ({project}, now64(3), 'metrics', 'too_many_series', 1, 1, 7, 'x')""")


def test_metrics_are_listed_by_their_prometheus_names_with_what_is_known_of_them() -> None:
    project, engine = new_project().id, shared_engine()
    fill(project)
    found = listing(engine, OtlpCatalog(engine), project, *RANGE)
    assert [(m.name, m.type, m.unit, m.help, m.series) for m in found] == [
        ("http_requests_total", "counter", "", "Requests answered.", 40),
        ("http_server_duration_seconds_bucket", "histogram", "seconds", "How long.", 3),
        ("http_server_duration_seconds_count", "histogram", "seconds", "How long.", 3),
        ("http_server_duration_seconds_sum", "histogram", "seconds", "How long.", 3),
    ]
    assert listing(engine, OtlpCatalog(engine), new_project().id, *RANGE) == []


def test_cost_is_told_by_metric_by_label_and_by_value() -> None:
    project, engine = new_project().id, shared_engine()
    fill(project)
    found = cost(engine, project, DAY, 1000)
    assert (found.series, found.prometheus_series, found.limit, found.refused) == (43, 40, 1000, 7)
    requests, duration = found.metrics
    assert (requests.metric, requests.series, requests.otlp) == ("http_requests_total", 40, False)
    assert (requests.widest_label, requests.widest_values) == ("user", 20)
    assert requests.samples_a_minute > 0
    assert requests.disk_bytes > 0
    assert (duration.metric, duration.series, duration.samples_a_minute) == (
        "http.server.duration",
        3,
        0,
    )
    by_label = {each.label: each for each in found.labels}
    assert list(by_label) == ["user", "http.route", "code"]
    assert (by_label["user"].series, by_label["user"].values, by_label["user"].metrics) == (
        40,
        20,
        1,
    )
    assert by_label["user"].without == 2  # one a code
    assert by_label["code"].without == 20
    assert (found.pairs[0].label, found.pairs[0].series) == ("code", 20)
    nothing = cost(engine, new_project().id, DAY, 5)
    assert (nothing.series, nothing.metrics, nothing.labels, nothing.pairs) == (0, [], [], [])


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
