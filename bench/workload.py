"""Telemetry of an imaginary shop, as real as compression and cardinality need it to be.

Six services, some dozens of routes and statements, thousands of users, ids at random,
durations log-normal, two per cent errors with exception events. Seeded, so that two runs
send the same.
"""

import json
import random
from datetime import UTC, datetime
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVICES = ("gateway", "catalogue", "cart", "orders", "payments", "stock")
ROUTES = [f"/api/{part}/{{id}}" for part in SERVICES] + [
    f"/api/{part}/{verb}" for part in SERVICES for verb in ("list", "search", "update", "remove")
]
TABLES = ("products", "carts", "orders", "order_lines", "payments", "stock", "users", "sessions")
STATEMENTS = [
    f"SELECT {columns} FROM {table} WHERE {condition}"
    for table in TABLES
    for columns, condition in (
        ("*", "id = $1"),
        ("id, name, price_cents", "category = $1 ORDER BY id LIMIT 50"),
        ("count(*)", "created_at > $1 AND state = $2"),
    )
]
LINES = (
    "request {route} answered with 200 in {ms:.1f} ms",
    "cart of {user} now holds {number} items",
    "payment {number} for {user} accepted by the provider after {ms:.0f} ms",
    "query on products took {ms:.1f} ms, {number} rows",
    "cache miss for product-{number}",
    "connection to {host} returned to the pool",
    "retrying order {number}: no answer from {host} within {ms:.0f} ms",
    "session of {user} renewed",
)
HOSTS = [f"shop-{number:02d}" for number in range(12)]
START_NS = 1_760_000_000_000_000_000
_SPANS_OF_A_TRACE = 8


class Shop:
    """Makes requests of a given size from one source of chance."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def traces(self, count: int, now_ns: int = START_NS) -> bytes:
        """A request of `count` spans, traces of eight spans over three services each."""
        request = ExportTraceServiceRequest()
        scopes: dict[str, Any] = {}
        chance = self._chance
        left = count
        while left:
            trace_id = chance.randbytes(16)
            start = now_ns - int(chance.uniform(0, 5e9))
            parents = [b""]
            services = chance.sample(SERVICES, 3)
            for position in range(min(_SPANS_OF_A_TRACE, left)):
                service = services[min(position // 3, 2)]
                span = self._scope(request, scopes, service).add(
                    trace_id=trace_id,
                    span_id=chance.randbytes(8),
                    parent_span_id=chance.choice(parents),
                    kind=2 if position % 3 == 0 else 3,
                    start_time_unix_nano=start,
                )
                parents = [p for p in parents if p] + [span.span_id]
                length = int(chance.lognormvariate(15.5, 1.2))  # a median of 5 ms
                span.end_time_unix_nano = start + length
                start += length // 10
                self._describe(span, service)
                left -= 1
        return request.SerializeToString()

    def logs(self, count: int, now_ns: int = START_NS) -> bytes:
        """A request of `count` records, most of them tied to a trace."""
        request = ExportLogsServiceRequest()
        scopes: dict[str, Any] = {}
        chance = self._chance
        left = count
        while left:
            service = chance.choice(SERVICES)
            if service not in scopes:
                resource = request.resource_logs.add()
                self._resource(resource.resource, service)
                scopes[service] = resource.scope_logs.add().log_records
            at = now_ns - int(chance.uniform(0, 5e9))
            trace_id, span_id = chance.randbytes(16), chance.randbytes(8)
            user, route = f"user-{chance.randrange(5_000)}", chance.choice(ROUTES)
            for _ in range(min(left, chance.randrange(1, 7))):  # what one request writes
                at += int(chance.expovariate(1 / 2e6))
                severity = chance.choices((9, 5, 13, 17), (80, 12, 6, 2))[0]
                line = chance.choice(LINES)
                record = scopes[service].add(
                    time_unix_nano=at,
                    observed_time_unix_nano=at + 200_000,
                    severity_number=severity,
                    severity_text={5: "DEBUG", 9: "INFO", 13: "WARN", 17: "ERROR"}[severity],
                    trace_id=trace_id,
                    span_id=span_id,
                )
                record.body.string_value = line.format(
                    route=route,
                    user=user,
                    number=chance.randrange(20_000),
                    ms=chance.lognormvariate(2, 1),
                    host=chance.choice(HOSTS),
                )
                _text(record, "code.file.path", f"/srv/shop/{service}/{line.split()[0]}.py")
                _text(record, "code.function.name", f"{service}.{line.split()[0]}")
                record.attributes.add(key="code.line.number").value.int_value = len(line) * 7
                _text(record, "logger.name", f"shop.{service}")
                _text(record, "thread.name", f"worker-{chance.randrange(8)}")
                _text(record, "http.route", route)
                _text(record, "user.id", user)
                left -= 1
        return request.SerializeToString()

    def lines(self, count: int, now_ns: int = START_NS) -> bytes:
        """The same records as lines of JSON, as an application's logger writes them."""
        request = ExportLogsServiceRequest.FromString(self.logs(count, now_ns))
        found = []
        for resource in request.resource_logs:
            service = resource.resource.attributes[0].value.string_value
            for record in resource.scope_logs[0].log_records:
                about = {pair.key: pair.value for pair in record.attributes}
                at = datetime.fromtimestamp(record.time_unix_nano / 1e9, UTC)
                line = {
                    "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    "level": record.severity_text.lower(),
                    "service": service,
                    "message": record.body.string_value,
                    "userId": about["user.id"].string_value,
                    "traceId": record.trace_id.hex(),
                    "spanId": record.span_id.hex(),
                    "logger": about["logger.name"].string_value,
                    "context": {
                        "route": about["http.route"].string_value,
                        "file": about["code.file.path"].string_value,
                        "function": about["code.function.name"].string_value,
                        "line": about["code.line.number"].int_value,
                        "thread": about["thread.name"].string_value,
                    },
                }
                found.append(json.dumps(line, separators=(",", ":")))
        return "\n".join(found).encode()

    def scrape(self, series: int, now_ns: int) -> bytes:
        """One collection of `series` cumulative counters, each a little further than before."""
        request = ExportMetricsServiceRequest()
        metrics = request.resource_metrics.add()
        self._resource(metrics.resource, "gateway")
        names = metrics.scope_metrics.add().metrics
        metric: Any = None
        for number in range(series):
            if number % 50 == 0:
                metric = names.add(name=f"shop.requests.{number // 50}", unit="{request}")
                metric.sum.aggregation_temporality = 2
                metric.sum.is_monotonic = True
            value = now_ns // 1_000_000_000 * (number % 17 + 1) // 3
            point = metric.sum.data_points.add(
                time_unix_nano=now_ns,
                start_time_unix_nano=START_NS,
                as_double=float(value + self._chance.randrange(3)),
            )
            _text(point, "http.route", ROUTES[number % len(ROUTES)])
            point.attributes.add(key="http.response.status_code").value.int_value = 200
            _text(point, "instance", f"{HOSTS[number % len(HOSTS)]}-{number % 50}")
        return request.SerializeToString()

    def _scope(self, request: Any, scopes: dict[str, Any], service: str) -> Any:
        if service not in scopes:
            resource = request.resource_spans.add()
            self._resource(resource.resource, service)
            scope = resource.scope_spans.add()
            scope.scope.name, scope.scope.version = f"shop.{service}", "1.4.2"
            scopes[service] = scope.spans
        return scopes[service]

    def _resource(self, resource: Any, service: str) -> None:
        _text(resource, "service.name", service)
        _text(resource, "service.version", "2026.11.3")
        _text(resource, "deployment.environment.name", "production")
        _text(resource, "host.name", HOSTS[SERVICES.index(service)])

    def _describe(self, span: Any, service: str) -> None:
        chance = self._chance
        if span.kind == 2:
            route = chance.choice(ROUTES)
            failed = chance.random() < 0.02
            span.name = f"GET {route}"
            _text(span, "http.request.method", "GET")
            _text(span, "http.route", route)
            _text(span, "url.path", route.replace("{id}", str(chance.randrange(20_000))))
            span.attributes.add(key="http.response.status_code").value.int_value = (
                500 if failed else 200
            )
            _text(span, "user.id", f"user-{chance.randrange(5_000)}")
            if failed:
                span.status.code, span.status.message = 2, "the provider did not answer"
                event = span.events.add(name="exception", time_unix_nano=span.end_time_unix_nano)
                _text(event, "exception.type", "TimeoutError")
                _text(event, "exception.message", f"no answer to {chance.randrange(10_000)}")
        else:
            statement = chance.choice(STATEMENTS)
            span.name = " ".join(statement.split()[:4])
            _text(span, "db.system.name", "postgresql")
            _text(span, "db.query.text", statement)
            _text(span, "server.address", f"db-{chance.randrange(3)}")
            span.attributes.add(key="server.port").value.int_value = 5432
            span.attributes.add(key="db.response.returned_rows").value.int_value = chance.randrange(
                50
            )


def _text(owner: Any, key: str, value: str) -> None:
    owner.attributes.add(key=key).value.string_value = value
