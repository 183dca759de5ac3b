"""What the engine is told of OTLP, and what the rest needs to know of each signal.

The engine parses the raw request bytes itself. Its inline schemas follow the field numbers
of opentelemetry-proto with these changes: arrays hold scalars only and key-value lists stay
bytes (the engine cannot parse recursive messages), `json_value` carries what nests deeper,
resources are left out because the envelope brings them as text, and the envelope's fields,
numbered from 1000, are appended to each request. Appending works because a protobuf message
may have its fields in any order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb

_COMMON = """\
syntax = "proto3";
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; bytes kvlist_value = 6; bytes bytes_value = 7; string json_value = 100; } }
message ArrayValue { repeated InnerValue values = 1; }
message InnerValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; bytes array_value = 5; bytes kvlist_value = 6; bytes bytes_value = 7; } }
message Scope { string name = 1; string version = 2; }
message ScopeTexts { repeated string attributes = 1; }
"""

_ENVELOPE = (
    " uint64 batch = 1000; uint32 request = 1001; uint32 project = 1002; fixed64 received = 1003;"
    " fixed64 oldest = 1004; fixed64 newest = 1005; bool large = 1006; repeated string resources = 1010;"
    " repeated string services = 1011; repeated string environments = 1012; repeated string releases = 1013;"
    " repeated ScopeTexts scopes = 1014; }\n"
)

_TRACES = """\
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; uint32 dropped_attributes_count = 5; fixed32 flags = 6; }
message Status { string message = 2; int32 code = 3; }
message Span { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; fixed32 flags = 16; string name = 5; int32 kind = 6; fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; uint32 dropped_attributes_count = 10; repeated Event events = 11; uint32 dropped_events_count = 12; repeated Link links = 13; uint32 dropped_links_count = 14; Status status = 15; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message ResourceSpans { repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message Envelope { repeated ResourceSpans resource_spans = 1;"""

_LOGS = """\
message LogRecord { fixed64 time_unix_nano = 1; fixed64 observed_time_unix_nano = 11; int32 severity_number = 2; string severity_text = 3; AnyValue body = 5; repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9; bytes span_id = 10; string event_name = 12; }
message ScopeLogs { Scope scope = 1; repeated LogRecord log_records = 2; string schema_url = 3; }
message ResourceLogs { repeated ScopeLogs scope_logs = 2; string schema_url = 3; }
message Envelope { repeated ResourceLogs resource_logs = 1;"""

_METRICS = """\
message Exemplar { repeated KeyValue filtered_attributes = 7; fixed64 time_unix_nano = 2; oneof value { double as_double = 3; sfixed64 as_int = 6; } bytes span_id = 4; bytes trace_id = 5; }
message NumberDataPoint { repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; oneof value { double as_double = 4; sfixed64 as_int = 6; } repeated Exemplar exemplars = 5; uint32 flags = 8; }
message HistogramDataPoint { repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; optional double sum = 5; repeated fixed64 bucket_counts = 6; repeated double explicit_bounds = 7; repeated Exemplar exemplars = 8; uint32 flags = 10; optional double min = 11; optional double max = 12; }
message Buckets { sint32 offset = 1; repeated uint64 bucket_counts = 2; }
message ExponentialHistogramDataPoint { repeated KeyValue attributes = 1; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; optional double sum = 5; sint32 scale = 6; fixed64 zero_count = 7; Buckets positive = 8; Buckets negative = 9; uint32 flags = 10; repeated Exemplar exemplars = 11; optional double min = 12; optional double max = 13; double zero_threshold = 14; }
message ValueAtQuantile { double quantile = 1; double value = 2; }
message SummaryDataPoint { repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3; fixed64 count = 4; double sum = 5; repeated ValueAtQuantile quantile_values = 6; uint32 flags = 8; }
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message ExponentialHistogram { repeated ExponentialHistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
message Summary { repeated SummaryDataPoint data_points = 1; }
message Metric { string name = 1; string description = 2; string unit = 3; Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; ExponentialHistogram exponential_histogram = 10; Summary summary = 11; }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; string schema_url = 3; }
message ResourceMetrics { repeated ScopeMetrics scope_metrics = 2; string schema_url = 3; }
message Envelope { repeated ResourceMetrics resource_metrics = 1;"""


def _points(metric: Any) -> int:
    kind = metric.WhichOneof("data")
    return len(getattr(metric, kind).data_points) if kind else 0


_METRIC_TABLES = {
    "gauge": "raw_numbers",
    "sum": "raw_numbers",
    "histogram": "raw_histograms",
    "exponential_histogram": "raw_exponential_histograms",
    "summary": "raw_summaries",
}


def _metric_tables(scope: Any) -> set[str]:
    kinds = {metric.WhichOneof("data") for metric in scope.metrics}
    return {_METRIC_TABLES[kind] for kind in kinds if kind}


@dataclass(frozen=True, slots=True)
class Signal:
    """One of OTLP's signals: its messages, where it goes, how its items are counted."""

    name: str
    path: str
    grpc_method: str
    request: type[Message]
    response: type[Message]
    rejected_field: str
    schema: str
    resources: str  # the field of the request that holds its resources
    scopes: str  # the field of a resource that holds its scopes
    count: Callable[[Any], int]  # the items of a scope
    tables: Callable[[Any], set[str]]  # where a scope's items go
    longest_s: float  # how long a trickle may wait; metrics come rarely and cost most


SIGNALS = (
    Signal(
        "traces",
        "/v1/traces",
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        trace_pb.ExportTraceServiceRequest,
        trace_pb.ExportTraceServiceResponse,
        "rejected_spans",
        _COMMON + _TRACES + _ENVELOPE,
        "resource_spans",
        "scope_spans",
        lambda scope: len(scope.spans),
        lambda _: {"raw_spans"},
        1.0,
    ),
    Signal(
        "logs",
        "/v1/logs",
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        logs_pb.ExportLogsServiceRequest,
        logs_pb.ExportLogsServiceResponse,
        "rejected_log_records",
        _COMMON + _LOGS + _ENVELOPE,
        "resource_logs",
        "scope_logs",
        lambda scope: len(scope.log_records),
        lambda _: {"raw_logs"},
        1.0,
    ),
    Signal(
        "metrics",
        "/v1/metrics",
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        metrics_pb.ExportMetricsServiceRequest,
        metrics_pb.ExportMetricsServiceResponse,
        "rejected_data_points",
        _COMMON + _METRICS + _ENVELOPE,
        "resource_metrics",
        "scope_metrics",
        lambda scope: sum(_points(metric) for metric in scope.metrics),
        _metric_tables,
        2.0,
    ),
)
TRACES, LOGS, METRICS = SIGNALS
