"""OTLP metrics as PromQL sees them: histograms, summaries, deltas, resources, markers."""

import time
from collections.abc import Callable
from typing import Any, cast

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from quarterdeck.core.clock import SystemClock
from quarterdeck.core.settings import load
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Pending
from quarterdeck.telemetry.ingest.otlp.resources import inspect
from quarterdeck.telemetry.ingest.otlp.signals import METRICS
from quarterdeck.telemetry.ingest.otlp.write import writer
from quarterdeck.telemetry.prometheus.queries import Queries
from support.engine import new_project, shared_engine
from support.otlp import exporters
from support.server import Server

MS = 1_000_000
MINUTE = 60_000
DAY = 86_400_000
NOW = time.time_ns() // MS // DAY * DAY - DAY // 2  # noon of yesterday
DELTA, CUMULATIVE = 1, 2
SHOP = {"service.name": "shop", "service.instance.id": "1", "cloud.region": "eu"}


class Store:
    """A project of its own, filled by OTLP and asked by PromQL."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine = engine
        self.project = new_project().id
        self.queries = Queries(engine, load({}, None, {}), SystemClock())

    def send(
        self, fill: Callable[[Any], None], resource: dict[str, str] | None = None, **scope: str
    ) -> None:
        request = ExportMetricsServiceRequest()
        owner = request.resource_metrics.add()
        for key, value in (resource or SHOP).items():
            owner.resource.attributes.add(key=key).value.string_value = value
        scoped = owner.scope_metrics.add()
        scoped.scope.name = scope.get("name", "")
        scoped.scope.version = scope.get("version", "")
        fill(scoped.metrics)
        parsed = inspect(METRICS, request, request.SerializeToString())
        pending = Pending(
            self.project, parsed, time.time_ns(), cast(Any, None), cast(Any, None)
        )  # fmt: skip
        assert writer(self._engine, METRICS, lambda project, signal: 30)([pending]) == {}
        self.queries.otlp_catalog.committed("metrics", {self.project})

    def ask(self, query: str, at: int = NOW) -> dict[tuple[tuple[str, str], ...], float]:
        """Values by labels."""
        result = self.queries.instant(self.project, query, at)
        return {
            tuple(sorted(labels.items())): float(result.values[row, 0])
            for row, labels in enumerate(result.labels)
        }

    def one(self, query: str, at: int = NOW) -> float:
        found = self.ask(query, at)
        assert len(found) == 1, found
        return next(iter(found.values()))


@pytest.fixture
def store() -> Store:
    return Store(shared_engine())


def times(at: int, start: int = NOW - DAY) -> dict[str, int]:
    return {"time_unix_nano": at * MS, "start_time_unix_nano": start * MS}


def test_gauges_and_sums_are_series_with_the_labels_of_their_resource(store: Store) -> None:
    def fill(metrics: Any) -> None:
        gauge = metrics.add(name="cpu.load", unit="1", description="Load.").gauge
        gauge.data_points.add(**times(NOW), as_double=0.5).attributes.add(key="cpu.id").value.int_value = 3  # fmt: skip
        counter = metrics.add(name="hits", unit="{hit}").sum
        counter.is_monotonic, counter.aggregation_temporality = True, CUMULATIVE
        counter.data_points.add(**times(NOW), as_int=7)
        current = metrics.add(name="jobs", unit="").sum
        current.aggregation_temporality = CUMULATIVE
        current.data_points.add(**times(NOW), as_int=-2)

    store.send(fill, {**SHOP, "deployment.environment.name": "prod"}, name="lib", version="2")
    common = {"job": "shop", "instance": "1", "otel_scope_name": "lib", "otel_scope_version": "2",
              "deployment_environment_name": "prod"}  # fmt: skip
    assert store.ask("cpu_load_ratio") == {
        tuple(sorted({**common, "__name__": "cpu_load_ratio", "cpu_id": "3"}.items())): 0.5
    }
    assert store.one('hits_total{job="shop"}') == 7
    assert store.one("jobs") == -2
    assert store.one('target_info{cloud_region="eu"}') == 1
    assert store.one("jobs * on (job, instance) group_left (cloud_region) target_info") == -2
    assert store.queries.metadata(store.project, "", -1, -1)["cpu_load_ratio"] == [
        {"type": "gauge", "help": "Load.", "unit": ""}
    ]
    around = (NOW - MINUTE, NOW)
    names = store.queries.lookup.values(store.project, "__name__", [], *around)
    assert names == ["cpu_load_ratio", "hits_total", "jobs", "target_info"]
    assert "cpu_id" in store.queries.lookup.names(store.project, [], *around)
    assert store.queries.lookup.values(store.project, "cpu_id", [], *around) == ["3"]


def test_a_new_release_goes_on_with_the_same_series(store: Store) -> None:
    def points(*values: tuple[int, int]) -> Callable[[Any], None]:
        def fill(metrics: Any) -> None:
            made = metrics.add(name="hits").sum
            made.is_monotonic, made.aggregation_temporality = True, CUMULATIVE
            for minutes, value in values:
                made.data_points.add(**times(NOW - minutes * MINUTE), as_int=value)

        return fill

    store.send(points((4, 10), (3, 20)), {**SHOP, "service.version": "1"})
    store.send(points((2, 5), (1, 15), (0, 25)), {**SHOP, "service.version": "2"})
    store.send(points((0, 25)), {**SHOP, "service.version": "2"})  # sent again
    assert store.one("count_over_time(hits_total[5m])") == 5
    assert store.one("increase(hits_total[5m])") == pytest.approx((10 + 5 + 10 + 10) * 5 / 4)


def test_histograms_have_buckets_that_add_up(store: Store) -> None:
    def fill(metrics: Any) -> None:
        made = metrics.add(name="req.duration", unit="s").histogram
        made.aggregation_temporality = CUMULATIVE
        for minutes, scale in ((1, 1), (0, 2)):
            made.data_points.add(
                **times(NOW - minutes * MINUTE), count=10 * scale, sum=2.5 * scale,
                explicit_bounds=[0.1, 0.5, 1], bucket_counts=[4 * scale, 3 * scale, 2 * scale, scale],
            )  # fmt: skip

    store.send(fill)
    buckets = {dict(k)["le"]: v for k, v in store.ask("req_duration_seconds_bucket").items()}
    assert buckets == {"0.1": 8, "0.5": 14, "1": 18, "+Inf": 20}
    assert store.one('req_duration_seconds_bucket{le="0.5"}') == 14
    assert store.one("req_duration_seconds_count") == 20
    assert store.one("req_duration_seconds_sum") == 5
    quantile = "histogram_quantile(0.5, rate(req_duration_seconds_bucket[5m]))"
    assert store.one(quantile) == pytest.approx(0.1 + 0.4 / 3)
    found = store.queries.lookup.values(
        store.project, "le", [], NOW - MINUTE, NOW
    )  # fmt: skip
    assert found == ["+Inf", "0.1", "0.5", "1"]
    assert store.ask("req_duration_seconds") == {}


def test_exponential_histograms_are_native_and_fine_scales_become_coarser(store: Store) -> None:
    def fill(metrics: Any) -> None:
        for name, scale in (("plain", 0), ("fine", 10)):
            made = metrics.add(name=name).exponential_histogram
            made.aggregation_temporality = CUMULATIVE
            point = made.data_points.add(**times(NOW), count=8, sum=30, scale=scale, zero_count=1)
            point.positive.offset = 1
            point.positive.bucket_counts.extend([2, 0, 4])
            point.negative.bucket_counts.append(1)

    store.send(fill)
    assert store.one("histogram_count(plain)") == 8
    assert store.one("histogram_sum(plain)") == 30
    assert store.one("histogram_fraction(2, 4, plain)") == pytest.approx(2 / 8)  # (2, 4] has two
    assert store.one("histogram_fraction(8, 16, plain)") == pytest.approx(4 / 8)
    result = store.queries.instant(store.project, "fine", NOW)
    assert result.histograms is not None
    assert result.histograms[0, 0].schema == 8
    assert result.histograms[0, 0].positive_count.sum() == 6


def test_summaries_have_a_series_for_each_quantile(store: Store) -> None:
    def fill(metrics: Any) -> None:
        point = metrics.add(name="wait", unit="s").summary.data_points.add(**times(NOW), count=4, sum=6.0)  # fmt: skip
        for quantile, value in ((0.5, 1.0), (0.99, 3.0)):
            point.quantile_values.add(quantile=quantile, value=value)

    store.send(fill)
    values = {dict(k)["quantile"]: v for k, v in store.ask("wait_seconds").items()}
    assert values == {"0.5": 1.0, "0.99": 3.0}
    assert store.one('wait_seconds{quantile=~"0.9.*"}') == 3
    assert store.one("wait_seconds_sum / wait_seconds_count") == 1.5
    series = [(m,) for m in _matchers("wait_seconds")]
    found = store.queries.lookup.series(store.project, series, NOW - MINUTE, NOW)
    assert [one["quantile"] for one in found] == ["0.5", "0.99"]


def _matchers(query: str) -> Any:
    from quarterdeck.telemetry.promql import syntax

    node = syntax.parse(query)
    assert isinstance(node, syntax.Selector)
    return node.matchers


def test_deltas_add_up_from_midnight(store: Store) -> None:
    midnight = NOW // DAY * DAY

    def fill(metrics: Any) -> None:
        made = metrics.add(name="events").sum
        made.is_monotonic, made.aggregation_temporality = True, DELTA
        for minute, value in ((-2, 5), (-1, 6), (0, 7), (1, 1), (2, 2), (30, 4)):
            end = midnight + minute * MINUTE
            made.data_points.add(**times(end, end - MINUTE), as_int=value)
        made.data_points.add(
            **times(midnight + 2 * MINUTE, midnight + 90_000), as_int=3
        )  # a late part of the same minute
        hist = metrics.add(name="took", unit="s").histogram
        hist.aggregation_temporality = DELTA
        for minute in (1, 2):
            end = midnight + minute * MINUTE
            hist.data_points.add(**times(end, end - MINUTE), count=3, sum=1.5, explicit_bounds=[1], bucket_counts=[2, 1])  # fmt: skip

    store.send(fill)
    store.send(fill)  # sent again: the same points
    assert store.one("events_total", midnight - 1000) == 11
    assert store.one("events_total", midnight) == 7
    assert store.one("events_total", midnight + 2 * MINUTE) == 13
    # Over the reset nothing is lost and nothing is counted twice.
    total = store.one("increase(events_total[10m])", midnight + 3 * MINUTE)
    assert total == pytest.approx(5 + 6 + 7 + 1 + 2 + 3, rel=0.4)
    raw = store.queries.instant(store.project, "events_total[10m]", midnight + 2 * MINUTE).raw
    assert raw is not None
    assert raw[0].values.tolist() == [0, 5, 11, 0, 7, 8, 13]
    # A lone event is seen: the counter has a point where its interval began.
    # (PromQL extrapolates its one interval by half of one.)
    assert store.one("increase(events_total[5m])", midnight + 30 * MINUTE) == pytest.approx(6)
    assert store.one("took_seconds_count", midnight + 2 * MINUTE) == 6
    assert store.one('took_seconds_bucket{le="1"}', midnight + 2 * MINUTE) == 4
    # Whatever range is asked for, the counter is the same.
    short = store.queries.range(
        store.project, "events_total", midnight + 2 * MINUTE, midnight + 2 * MINUTE, MINUTE
    )
    assert short.values[0, 0] == 13


def test_deltas_that_also_fall_add_up_to_a_gauge(store: Store) -> None:
    midnight = NOW // DAY * DAY

    def fill(metrics: Any) -> None:
        made = metrics.add(name="jobs").sum
        made.aggregation_temporality = DELTA
        for minute, value in ((-1, 3), (1, 10), (2, -4)):
            end = midnight + minute * MINUTE
            made.data_points.add(**times(end, end - MINUTE), as_int=value)

    store.send(fill)
    asked = store.queries.range(
        store.project, "jobs", midnight - MINUTE, midnight + 2 * MINUTE, MINUTE
    )
    assert asked.values[0].tolist() == [3, 0, 10, 6]
    assert store.queries.metadata(store.project, "", -1, -1)["jobs"][0]["type"] == "gauge"


def test_deltas_add_up_over_a_change_of_bounds(store: Store) -> None:
    midnight = NOW // DAY * DAY

    def fill(metrics: Any) -> None:
        made = metrics.add(name="wait").histogram
        made.aggregation_temporality = DELTA
        for minute, bounds, counts in (
            (-10, [7], [5, 0]),
            (1, [5, 10], [1, 1, 1]),
            (2, [5, 10, 20], [1, 1, 1, 1]),
            (3, [10, float("inf")], [2, 1, 0]),
            (4, [], []),
        ):
            made.data_points.add(
                **times(midnight + minute * MINUTE, midnight + (minute - 1) * MINUTE),
                count=sum(counts) or 6, sum=1, explicit_bounds=bounds, bucket_counts=counts,
            )  # fmt: skip

    store.send(fill)
    asked = store.queries.range(
        store.project, "wait_bucket", midnight + MINUTE, midnight + 4 * MINUTE, MINUTE
    )
    found = {labels["le"]: asked.values[row].tolist() for row, labels in enumerate(asked.labels)}
    # What lies between 5 and 10 in the third minute is not known; nor what is below 20 in the first.
    assert found == {
        "5": [1, 2, 2, 2], "10": [2, 4, 6, 6], "20": [2, 5, 7, 7], "+Inf": [3, 7, 10, 16],
    }  # fmt: skip
    assert store.one("wait_count", midnight + 4 * MINUTE) == 16
    raw = store.queries.instant(store.project, "wait_bucket[4m]", midnight + 4 * MINUTE).raw
    assert raw is not None
    assert len(raw) == 4
    assert all((each.values[1:] >= each.values[:-1]).all() for each in raw)


def test_a_point_without_a_value_ends_its_series(store: Store) -> None:
    def fill(metrics: Any) -> None:
        made = metrics.add(name="level").gauge
        made.data_points.add(**times(NOW - MINUTE), as_double=1)
        made.data_points.add(**times(NOW), flags=1)
        hist = metrics.add(name="size").histogram
        hist.aggregation_temporality = CUMULATIVE
        hist.data_points.add(**times(NOW - MINUTE), count=1, sum=1, explicit_bounds=[2], bucket_counts=[1, 0])  # fmt: skip
        hist.data_points.add(**times(NOW), flags=1)

    store.send(fill)
    assert store.one("level", NOW - 1) == 1
    assert store.ask("level") == {}
    assert len(store.ask("size_bucket", NOW - 1)) == 2
    assert store.ask("size_bucket") == {}
    assert store.ask("size_count") == {}


def test_exemplars_name_the_trace_behind_a_point(store: Store) -> None:
    def fill(metrics: Any) -> None:
        made = metrics.add(name="took", unit="s").histogram
        made.aggregation_temporality = CUMULATIVE
        point = made.data_points.add(**times(NOW), count=1, sum=1, explicit_bounds=[1], bucket_counts=[1, 0])  # fmt: skip
        seen = point.exemplars.add(
            time_unix_nano=(NOW - 1) * MS, as_double=0.7, trace_id=b"\x01" * 16, span_id=b"\x02" * 8
        )
        seen.filtered_attributes.add(key="user.kind").value.string_value = "guest"

    store.send(fill)
    query = 'histogram_quantile(0.9, rate(took_seconds_bucket{job="shop"}[5m]))'
    [found] = store.queries.exemplars(store.project, query, NOW - MINUTE, NOW)
    assert found["seriesLabels"]["__name__"] == "took_seconds_bucket"
    assert found["exemplars"] == [
        {
            "labels": {"trace_id": "01" * 16, "span_id": "02" * 8, "user_kind": "guest"},
            "value": "0.7",
            "timestamp": (NOW - 1) / 1000,
        }
    ]


def test_a_real_sdk_is_queryable_under_prometheus_names(server: Server) -> None:
    resource = Resource({"service.name": "sdk", "service.namespace": "e2e", "service.instance.id": "i-1", "cloud.region": "eu"})  # fmt: skip
    exporter = exporters(server, "http", "metrics")
    exporter._preferred_temporality = {
        Counter: AggregationTemporality.CUMULATIVE,
        Histogram: AggregationTemporality.CUMULATIVE,
    }
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    view = View(instrument_name="sizes", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource=resource, views=[view])
    meter = provider.get_meter("e2e.lib", "0.3")
    meter.create_counter("orders.placed", unit="{order}").add(4, {"shop.country": "fr"})
    meter.create_up_down_counter("baskets", unit="{basket}").add(-3)
    meter.create_histogram("checkout.duration", unit="s").record(0.3)
    meter.create_histogram("sizes", unit="By").record(100)
    provider.force_flush()
    provider.shutdown()

    def ask(query: str) -> list[Any]:
        with server.client() as client:
            answer = client.get("/prometheus/api/v1/query", params={"query": query})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"]["result"])

    [placed] = ask('orders_placed_total{job="e2e/sdk"}')
    assert placed["value"][1] == "4"
    assert placed["metric"] == {
        "__name__": "orders_placed_total", "job": "e2e/sdk", "instance": "i-1", "shop_country": "fr",
        "otel_scope_name": "e2e.lib", "otel_scope_version": "0.3",
    }  # fmt: skip
    assert ask('baskets{instance="i-1"}')[0]["value"][1] == "-3"
    assert ask('sum(checkout_duration_seconds_bucket{job="e2e/sdk",le="5"})')[0]["value"][1] == "1"  # fmt: skip
    assert ask('histogram_count(sizes_bytes{job="e2e/sdk"})')[0]["value"][1] == "1"
    assert ask('target_info{job="e2e/sdk"}')[0]["metric"]["cloud_region"] == "eu"
