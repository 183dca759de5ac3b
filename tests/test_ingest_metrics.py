"""Every kind of metric point comes back through POST /api/sql equal in every field."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import metrics as metrics_api
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.trace import TracerProvider

from support.otlp import TYPED, Sql, exporters, resource, same
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(Path(tmp_path_factory.mktemp("roundtrip")) / "data") as running:
        yield running


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


@pytest.mark.parametrize("transport", ["http+gzip", "grpc"])
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_every_field_of_a_metric_point_comes_back_equal(
    server: Server, sql: Sql, transport: str, temporality: str
) -> None:
    name = f"metrics-{transport.replace('+', '-')}-{temporality}"
    wanted = AggregationTemporality[temporality.upper()]
    reader = InMemoryMetricReader(preferred_temporality={Counter: wanted, Histogram: wanted})
    provider = MeterProvider(
        metric_readers=[reader],
        resource=resource(name),
        views=[
            View(instrument_name="exponential", aggregation=ExponentialBucketHistogramAggregation())
        ],
    )
    meter = provider.get_meter("meter", "2", "urn:m", {"scope": 1})
    meter.create_counter("whole", "1", "An integer counter").add(2**53 + 1, {"k": "v", "n": 1})
    meter.create_counter("real", "s").add(0.25, {"b": True})
    meter.create_up_down_counter("level").add(-7)
    meter.create_observable_gauge(
        "gauge",
        [lambda _: [metrics_api.Observation(1.5, {"words": "x"}), metrics_api.Observation(3)]],
    )
    plain, exponential = (
        meter.create_histogram("plain", "ms"),
        meter.create_histogram("exponential", "ms"),
    )
    tracer = TracerProvider().get_tracer("t")
    with tracer.start_as_current_span("sampled"):
        for value in (0.5, 3, 700, 12_345):
            plain.record(value, {"route": "/a"})
            exponential.record(value, {"route": "/a"})
        exponential.record(0)
        exponential.record(-2)
    data = reader.get_metrics_data()
    assert data is not None
    exporter = exporters(server, transport, "metrics")
    assert exporter.export(data).name == "SUCCESS"
    exporter.shutdown()

    sent: list[tuple[Any, Any]] = [
        (metric, point)
        for resource_metrics in data.resource_metrics
        for scope in resource_metrics.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    extra = (
        f"toUnixTimestamp64Nano(time) AS ns, toUnixTimestamp64Nano(start_time) AS start_ns,"
        f" {TYPED.format('labels')}, {TYPED.format('resource')}"
    )
    rows = [
        row
        for view in ("samples", "histograms", "exponential_histograms")
        for row in sql(f"SELECT *, {extra} FROM {view} WHERE service = '{name}'")
    ]
    assert len(rows) == len(sent)
    for metric, point in sent:
        labels = dict(point.attributes or {})
        (row,) = [r for r in rows if r["metric"] == metric.name and r["labels"] == labels]
        same(row["labels"], row["labels_types"], labels)
        same(row["resource"], row["resource_types"], dict(resource(name).attributes))
        assert (row["scope"], row["scope_version"], row["schema_url"]) == ("meter", "2", "urn:m")
        assert row["scope_attributes"] == {"scope": 1}
        assert row["flags"] == 0
        assert row["unit"] == (metric.unit or "")
        assert row["description"] == (metric.description or "")
        assert row["ns"] == point.time_unix_nano
        assert row["start_ns"] == (point.start_time_unix_nano or 0)
        if hasattr(metric.data, "aggregation_temporality"):
            assert (
                row["temporality"]
                == AggregationTemporality(metric.data.aggregation_temporality).name.lower()
            )
        if hasattr(metric.data, "is_monotonic"):
            assert row["monotonic"] == metric.data.is_monotonic
        if hasattr(point, "value"):
            assert row["value"] == float(point.value)
            assert row["value_type"] == ("int" if isinstance(point.value, int) else "double")
            assert row["value_int"] == (point.value if isinstance(point.value, int) else None)
            continue
        assert (row["count"], row["sum"], row["min"], row["max"]) == (
            point.count, point.sum, point.min, point.max,
        )  # fmt: skip
        if metric.name == "plain":
            assert row["bounds"] == list(point.explicit_bounds)
            assert row["counts"] == list(point.bucket_counts)
        else:
            assert row["scale"] == point.scale
            assert row["zero_count"] == point.zero_count
            assert (row["positive_offset"], row["positive_counts"]) == (
                point.positive.offset, list(point.positive.bucket_counts),
            )  # fmt: skip
            assert (row["negative_offset"], row["negative_counts"]) == (
                point.negative.offset, list(point.negative.bucket_counts),
            )  # fmt: skip


def test_summaries_exemplars_and_unusual_doubles_come_back(server: Server, sql: Sql) -> None:
    """What the Python SDK cannot make: a summary, exemplars on a gauge, infinities and NaN."""
    with server.client() as client:
        now = client.get("/api/health").json()["time_ms"] * 1_000_000
        request = ExportMetricsServiceRequest()
        resource_metrics = request.resource_metrics.add()
        pair = resource_metrics.resource.attributes.add(key="service.name")
        pair.value.string_value = "unusual"
        metrics = resource_metrics.scope_metrics.add().metrics
        summary = metrics.add(name="summary").summary.data_points.add(
            time_unix_nano=now, start_time_unix_nano=now - 5, count=9, sum=4.5
        )
        summary.quantile_values.add(quantile=0.5, value=0.1)
        summary.quantile_values.add(quantile=0.99, value=2.0)
        gauge = metrics.add(name="gauge").gauge
        for i, value in enumerate((math.inf, -math.inf, math.nan)):
            gauge.data_points.add(time_unix_nano=now + i, as_double=value)
        exemplar = gauge.data_points[0].exemplars.add(
            time_unix_nano=now - 1, as_int=5, trace_id=b"t" * 16, span_id=b"s" * 8
        )
        exemplar.filtered_attributes.add(key="user").value.string_value = "u1"
        answer = client.post(
            "/v1/metrics",
            content=request.SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
        )
        assert (answer.status_code, answer.content) == (200, b"")
    (row,) = sql(
        "SELECT count, sum, quantiles, quantile_values, toUnixTimestamp64Nano(time) AS ns"
        " FROM summaries WHERE service = 'unusual'"
    )
    assert row == {
        "count": 9, "sum": 4.5, "quantiles": [0.5, 0.99], "quantile_values": [0.1, 2.0], "ns": now,
    }  # fmt: skip
    rows = sql(
        "SELECT isInfinite(value) AS infinite, isNaN(value) AS nan FROM samples"
        " WHERE service = 'unusual' ORDER BY time"
    )
    assert [(r["infinite"], r["nan"]) for r in rows] == [(1, 0), (1, 0), (0, 1)]
    (row,) = sql(
        "SELECT trace_id, span_id, value_int, attributes, toUnixTimestamp64Nano(time) AS ns"
        " FROM exemplars WHERE service = 'unusual'"
    )
    assert row == {
        "trace_id": "74" * 16, "span_id": "73" * 8, "value_int": 5,
        "attributes": {"user": "u1"}, "ns": now - 1,
    }  # fmt: skip
