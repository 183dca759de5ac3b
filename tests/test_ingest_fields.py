"""The fields that no SDK lets one set: requests written by hand come back equal in each of them."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from support.load import PROTOBUF, Answer, Sender, traces
from support.otlp import Sql
from support.server import Server

NESTED = [1.5, float("nan"), float("inf"), float("-inf"), 2.0]
AS_JSON = [1.5, "nan", "inf", "-inf", 2.0]  # JSON has no words for them: as in every other answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(Path(tmp_path_factory.mktemp("fields")) / "data") as running:
        yield running


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


def send(server: Server, path: str, request: Message) -> None:
    sender = Sender(server)
    assert sender.send(path, request.SerializeToString()) == Answer(200, PROTOBUF, b"")
    sender.close()


def nest(attributes: Any) -> None:
    """A list of doubles inside a map."""
    values = attributes.add(key="map").value.kvlist_value.values.add(key="reals").value
    for number in NESTED:
        values.array_value.values.add(double_value=number)


def test_every_other_field_of_a_span(server: Server, sql: Sql) -> None:
    def change(span: Any) -> None:
        span.trace_state = "vendor=1,other=2"
        span.flags = 0x301
        span.dropped_attributes_count = 1
        span.dropped_events_count = 2
        span.dropped_links_count = 3
        nest(span.attributes)
        event = span.events.add(time_unix_nano=7, name="e", dropped_attributes_count=4)
        nest(event.attributes)
        link = span.links.add(
            trace_id=b"t" * 16, span_id=b"s" * 8, trace_state="a=b", flags=0x101,
            dropped_attributes_count=5,
        )  # fmt: skip
        nest(link.attributes)

    request = traces("fields", service="spans", change=change)
    resource = request.resource_spans[0]
    nest(resource.resource.attributes)
    resource.schema_url = "urn:resource"
    resource.scope_spans[0].scope.name = "scope"
    nest(resource.scope_spans[0].scope.attributes)
    send(server, "/v1/traces", request)
    (row,) = sql("SELECT * FROM spans WHERE service = 'spans'")
    assert row["trace_state"] == "vendor=1,other=2"
    assert row["flags"] == 0x301
    assert row["dropped"] == [1, 2, 3]
    assert row["schema_url"] == "urn:resource"
    expected = {"map": {"reals": AS_JSON}}
    assert row["attributes"] == row["scope_attributes"] == expected
    assert row["resource"] == {"service.name": "spans", **expected}
    assert row["events"] == [
        {"time": "1970-01-01T00:00:00.000000007Z", "name": "e", "dropped": 4, "attributes": expected}
    ]  # fmt: skip
    assert row["links"] == [
        {"trace_id": "74" * 16, "span_id": "73" * 8, "trace_state": "a=b", "flags": 0x101,
         "dropped": 5, "attributes": expected}
    ]  # fmt: skip


def test_every_other_field_of_a_log_record(server: Server, sql: Sql) -> None:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "logs"
    scope = resource.scope_logs.add(schema_url="urn:scope")
    nest(scope.scope.attributes)
    record = scope.log_records.add(
        time_unix_nano=time.time_ns(), flags=1, dropped_attributes_count=9, severity_number=24
    )
    nest(record.attributes)
    nest(record.body.kvlist_value.values)
    send(server, "/v1/logs", request)
    (row,) = sql("SELECT *, attr_type(attributes, 'map') AS type FROM logs WHERE service = 'logs'")
    expected = {"map": {"reals": AS_JSON}}
    assert (row["flags"], row["dropped_attributes"], row["severity_number"]) == (1, 9, 24)
    assert row["schema_url"] == "urn:scope"
    assert row["attributes"] == row["scope_attributes"] == expected
    assert (row["type"], row["body_type"]) == ("kvlist", "kvlist")


def test_scopes_that_differ_in_one_attribute_are_different_series(server: Server, sql: Sql) -> None:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "series"
    for tenant in ("a", "b"):
        scope = resource.scope_metrics.add(schema_url="urn:scope")
        scope.scope.name = "meter"
        scope.scope.attributes.add(key="tenant").value.string_value = tenant
        metric = scope.metrics.add(name="requests")
        metric.gauge.data_points.add(time_unix_nano=time.time_ns(), as_double=1, flags=0)
    send(server, "/v1/metrics", request)
    for view in ("samples", "series"):
        rows = sql(
            "SELECT series_id, scope, scope_attributes, schema_url"
            f" FROM {view} WHERE service = 'series' ORDER BY attr_string(scope_attributes, 'tenant')"
        )
        assert [r["scope_attributes"] for r in rows] == [{"tenant": "a"}, {"tenant": "b"}]
        assert {(r["scope"], r["schema_url"]) for r in rows} == {("meter", "urn:scope")}
        assert len({r["series_id"] for r in rows}) == 2


def test_a_point_that_says_there_is_no_value_counts_in_no_average(server: Server, sql: Sql) -> None:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "silent"
    metric = resource.scope_metrics.add().metrics.add(name="level")
    now = time.time_ns()
    metric.gauge.data_points.add(time_unix_nano=now, as_double=3)
    metric.gauge.data_points.add(time_unix_nano=now + 1, flags=1)
    send(server, "/v1/metrics", request)
    rows = sql(
        "SELECT value, value_type, flags FROM samples WHERE service = 'silent' ORDER BY time"
    )
    assert rows == [
        {"value": 3.0, "value_type": "double", "flags": 0},
        {"value": None, "value_type": "none", "flags": 1},
    ]
    assert sql("SELECT avg(value) AS a FROM samples WHERE service = 'silent'") == [{"a": 3.0}]
