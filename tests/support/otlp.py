"""The real OpenTelemetry SDKs pointed at a server, and what they sent read back by SQL."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.resources import Resource

from support.server import ADMIN_KEY, Server

HEADERS = {"authorization": f"Bearer {ADMIN_KEY}"}
ATTRIBUTES: dict[str, Any] = {
    "text": "naïve “quotes” \\ \n\t\x00 {json} 'sql'",
    "empty": "",
    "number": 42,
    "zero": 0,
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "real": 1.5,
    "whole real": 3.0,
    "tiny": 5e-324,
    "huge": 1.7976931348623157e308,
    "true": True,
    "false": False,
    "words": ["a", "", "ü"],
    "numbers": [1, 2, 2**53 + 1],
    "reals": [0.5, 2.0],
    "flags": [True, False],
    "none at all": [],
}
TYPES = {str: "String", bool: "Bool", int: "Int64", float: "Float64"}


class Sql:
    """POST /api/sql, rows as dictionaries."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __call__(self, statement: str) -> list[dict[str, Any]]:
        with self._server.client() as client:
            answer = client.post("/api/sql", json={"sql": statement})
        assert answer.status_code == 200, answer.text
        document = answer.json()
        assert not document["truncated"]
        names = [column["name"] for column in document["columns"]]
        return [dict(zip(names, row, strict=True)) for row in document["rows"]]


def resource(name: str) -> Resource:
    return Resource(
        {
            "service.name": name,
            "service.version": "1.2.3",
            "deployment.environment.name": "staging",
            "process.pid": 77,
            "process.command_args": ["python", "-m", "shop"],
            "ratio": 0.25,
            "enabled": True,
        }
    )


def exporters(server: Server, transport: str, signal: str) -> Any:
    http = {"traces": HttpSpans, "logs": HttpLogs, "metrics": HttpMetrics}
    grpc = {"traces": GrpcSpans, "logs": GrpcLogs, "metrics": GrpcMetrics}
    if transport == "grpc":
        endpoint = f"http://127.0.0.1:{server.otlp_grpc_port}"
        return grpc[signal](endpoint=endpoint, insecure=True, headers=HEADERS)
    endpoint = f"http://127.0.0.1:{server.otlp_http_port}/v1/{signal}"
    compression = Compression.Gzip if transport == "http+gzip" else Compression.NoCompression
    return http[signal](endpoint=endpoint, headers=HEADERS, compression=compression)


def same(stored: Mapping[str, Any], types: Mapping[str, str], sent: Mapping[str, Any]) -> None:
    """Every attribute is there with its value and its type, and no other."""
    assert set(stored) == set(sent)
    for key, value in sent.items():
        if isinstance(value, list | tuple):
            assert stored[key] == list(value), key
            assert types[key].startswith(("Array", "JSON")), (key, types[key])
        else:
            assert stored[key] == value, key
            assert types[key] == TYPES[type(value)], (key, types[key])


TYPED = "mapFromArrays(mapKeys({0}), arrayMap(v -> dynamicType(v), mapValues({0}))) AS {0}_types"
