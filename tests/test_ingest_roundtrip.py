"""What the real SDKs send comes back through POST /api/sql equal in every field.

The SDKs' own in-memory view (spans, log records, metric data) is the truth; both exporters
send it, over HTTP and over gRPC, with and without compression.
"""

import base64
import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry import trace as trace_api
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from support.otlp import ATTRIBUTES, TYPED, Sql, exporters, resource, same
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(Path(tmp_path_factory.mktemp("roundtrip")) / "data") as running:
        yield running


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


@pytest.mark.parametrize("transport", ["http", "http+gzip", "grpc"])
def test_every_field_of_a_span_comes_back_equal(server: Server, sql: Sql, transport: str) -> None:
    name = f"spans-{transport.replace('+', '-')}"
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=resource(name))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("library", "4.5", "urn:s", attributes={"scope": "yes"})
    with tracer.start_as_current_span(
        "root", kind=trace_api.SpanKind.SERVER, attributes=ATTRIBUTES
    ) as root:
        link = trace_api.Link(root.get_span_context(), {"why": "queued", "n": 1})
        with tracer.start_as_current_span(
            "child", kind=trace_api.SpanKind.CLIENT, links=[link]
        ) as child:
            child.add_event("retry", {"attempt": 2, "wait": 0.5, "tags": ["x"]})
            child.set_status(trace_api.StatusCode.ERROR, "provider answered 503")
            try:
                raise ValueError("boom")
            except ValueError as error:
                child.record_exception(error)
        with tracer.start_as_current_span("ok", kind=trace_api.SpanKind.PRODUCER) as fine:
            fine.set_status(trace_api.StatusCode.OK)
    sent = {span.name: span for span in memory.get_finished_spans()}
    exporter = exporters(server, transport, "traces")
    assert exporter.export(list(sent.values())).name == "SUCCESS"
    exporter.shutdown()

    rows = sql(
        f"SELECT *, toUnixTimestamp64Nano(time) AS ns, {TYPED.format('attributes')}, {TYPED.format('resource')}"
        f" FROM spans WHERE service = '{name}'"
    )
    stored = {row["name"]: row for row in rows}
    assert set(stored) == set(sent)
    for span_name, span in sent.items():
        row, context = stored[span_name], span.get_span_context()
        assert context is not None
        assert row["trace_id"] == format(context.trace_id, "032x")
        assert row["span_id"] == format(context.span_id, "016x")
        assert row["parent_span_id"] == (format(span.parent.span_id, "016x") if span.parent else "")
        assert row["kind"] == span.kind.name.lower()
        assert row["status"] == span.status.status_code.name.lower()
        assert row["status_message"] == (span.status.description or "")
        assert span.start_time is not None
        assert span.end_time is not None
        assert row["ns"] == span.start_time
        assert row["duration_ns"] == span.end_time - span.start_time
        same(row["attributes"], row["attributes_types"], dict(span.attributes or {}))
        same(row["resource"], row["resource_types"], dict(span.resource.attributes))
        assert row["service"] == name
        assert row["release"] == "1.2.3"
        assert row["environment"] == "staging"
        assert row["project"] == "default"
        assert (row["scope"], row["scope_version"]) == ("library", "4.5")
        assert row["scope_attributes"] == {"scope": "yes"}
        assert row["schema_url"] == "urn:s"
        assert [(e["name"], e["attributes"]) for e in row["events"]] == [
            (e.name, _listed(e.attributes)) for e in span.events
        ]
        assert [(x["trace_id"], x["span_id"], x["attributes"]) for x in row["links"]] == [
            (
                format(x.context.trace_id, "032x"),
                format(x.context.span_id, "016x"),
                _listed(x.attributes),
            )
            for x in span.links
        ]
    times = sql(
        "SELECT arrayMap(e -> toUnixTimestamp64Nano(e.time), events) AS times"
        f" FROM spans WHERE service = '{name}' AND name = 'child'"
    )
    assert times[0]["times"] == [e.timestamp for e in sent["child"].events]


def _listed(attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in (attributes or {}).items()}


@pytest.mark.parametrize("transport", ["http+gzip", "grpc"])
def test_every_field_of_a_log_record_comes_back_equal(
    server: Server, sql: Sql, transport: str
) -> None:
    name = f"logs-{transport.replace('+', '-')}"
    memory = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=resource(name))
    provider.add_log_record_processor(SimpleLogRecordProcessor(memory))
    logger = provider.get_logger("library", "1", schema_url="urn:l")
    tracer = TracerProvider().get_tracer("t")
    nested: dict[str, Any] = {
        "deep": {"er": [1, [2.5, True, None]], "s": "x"},
        "list": [{"a": 1}],
        "blob": b"\x00\xff",
    }
    with tracer.start_as_current_span("around"):
        logger.emit(timestamp=1, body="too old to be kept")
        now = httpx.get(f"{server.url}/api/health").json()["time_ms"] * 1_000_000
        bodies: list[Any] = ["hello", 7, 1.5, True, ["a", 1], {"k": {"n": 1}}]
        for i, body in enumerate(bodies):
            logger.emit(
                timestamp=now + i,
                observed_timestamp=now + 1000 + i,
                severity_number=SeverityNumber(1 + i * 4),
                severity_text=f"level {i}",
                body=body,
                attributes={**ATTRIBUTES, **nested},
                event_name=f"event.{i}",
            )
    records = memory.get_finished_logs()
    exporter = exporters(server, transport, "logs")
    assert exporter.export(records).name == "SUCCESS"
    exporter.shutdown()

    rows = sql(
        f"SELECT *, toUnixTimestamp64Nano(time) AS ns, toUnixTimestamp64Nano(observed_time) AS observed_ns,"
        f" {TYPED.format('attributes')}, {TYPED.format('resource')} FROM logs WHERE service = '{name}' ORDER BY time"
    )
    kept = [r.log_record for r in records[1:]]
    assert len(rows) == len(kept)
    for row, record in zip(rows, kept, strict=True):
        assert row["ns"] == record.timestamp
        assert row["observed_ns"] == record.observed_timestamp
        assert record.severity_number is not None
        assert row["severity_number"] == record.severity_number.value
        assert row["severity"] == record.severity_text
        assert row["event_name"] == record.event_name
        assert row["trace_id"] == format(record.trace_id, "032x")
        assert row["span_id"] == format(record.span_id, "016x")
        body = record.body
        if isinstance(body, str):
            assert row["body"] == body
        else:
            assert json.loads(row["body"]) == body
        assert row["body_type"] == {
            str: "string", int: "int", float: "double", bool: "bool", list: "array", dict: "kvlist",
            tuple: "array",
        }[type(body)]  # fmt: skip
        assert row["flags"] == int(record.trace_flags or 0)
        assert row["dropped_attributes"] == 0
        same(row["resource"], row["resource_types"], dict(resource(name).attributes))
        assert (row["scope"], row["scope_version"], row["schema_url"]) == ("library", "1", "urn:l")
        plain = {k: v for k, v in row["attributes"].items() if k in ATTRIBUTES}
        same(plain, row["attributes_types"], ATTRIBUTES)
        assert row["attributes"]["deep"] == {"er": [1, [2.5, True, None]], "s": "x"}
        assert row["attributes"]["list"] == [{"a": 1}]
        assert base64.b64decode(row["attributes"]["blob"]["$bytes"]) == b"\x00\xff"


def test_json_brings_the_same_rows_as_protobuf(server: Server, sql: Sql) -> None:
    with server.client() as client:
        now = client.get("/api/health").json()["time_ms"] * 1_000_000
        span = {
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": "eee19b7ec3c1b174",
            "parentSpanId": "eee19b7ec3c1b173",
            "name": "json",
            "kind": 2,
            "startTimeUnixNano": str(now),
            "endTimeUnixNano": str(now + 1_000_000),
            "attributes": [
                {"key": "n", "value": {"intValue": "10"}},
                {
                    "key": "m",
                    "value": {
                        "kvlistValue": {"values": [{"key": "d", "value": {"doubleValue": 2}}]}
                    },
                },
            ],
            "status": {"code": 2, "message": "no"},
            "unknownField": {"is": "ignored"},
        }
        bad = {**span, "traceId": "xyz", "name": "bad"}
        body = {
            "resourceSpans": [
                {
                    "resource": {
                        "attributes": [{"key": "service.name", "value": {"stringValue": "json"}}]
                    },
                    "scopeSpans": [{"scope": {"name": "s"}, "spans": [span, bad]}],
                }
            ]
        }
        answer = client.post("/v1/traces", json=body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "invalid_trace_id" in partial["errorMessage"]
    (row,) = sql("SELECT * FROM spans WHERE service = 'json'")
    assert row["trace_id"] == span["traceId"]
    assert (row["name"], row["kind"], row["status"]) == ("json", "server", "error")
    assert row["attributes"] == {"n": 10, "m": {"d": 2.0}}


def test_the_standard_library_logger_ties_its_records_to_the_trace(
    server: Server, sql: Sql
) -> None:
    from opentelemetry.sdk._logs import LoggingHandler

    provider = LoggerProvider(resource=resource("stdlib"))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporters(server, "http", "logs")))
    logger = logging.getLogger("stdlib-test")
    logger.addHandler(LoggingHandler(logger_provider=provider))
    with TracerProvider().get_tracer("t").start_as_current_span("work") as span:
        logger.warning("stock is low", extra={"sku": "A-1"})
    (row,) = sql("SELECT body, level, trace_id, attributes FROM logs WHERE service = 'stdlib'")
    assert row["body"] == "stock is low"
    assert row["level"] == "warn"
    assert row["trace_id"] == format(span.get_span_context().trace_id, "032x")
    assert row["attributes"]["sku"] == "A-1"
