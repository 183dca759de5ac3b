"""The three signals of one shop process, through the public OpenTelemetry SDK alone.

Nothing is global: a `Telemetry` belongs to one service, so that a test, and the
recorder of the history, can run all services in one process. Exporting happens in the
SDK's own threads; a Quarterdeck that is slow or away costs the shop nothing but lost
telemetry.
"""

import logging
import os
import platform
import socket
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Histogram, Observation
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from quarterdeck.demo.shop.metrics import BY_NAME, METRICS, SECONDS

Attributes = dict[str, Any]
Listener = Callable[[str, str, float, Attributes], None]

PROPAGATOR = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


def _within_the_shop(record: logging.LogRecord) -> bool:
    """Let `code.file.path` tell the file of the shop, not where this machine keeps it."""
    record.pathname = f"shop/{record.filename}"
    return True


@dataclass(frozen=True, slots=True)
class Export:
    """Where telemetry goes: OTLP over HTTP and over gRPC, and the key that may write it."""

    http: str  # http://127.0.0.1:4400
    grpc: str  # http://127.0.0.1:4317, or empty when gRPC is off
    key: str
    metrics_every: float = 10.0  # seconds
    flush_every: float = 2.5  # seconds


def resource(service: str, version: str, instance: str = "") -> Resource:
    """Who is speaking, in the semantic conventions' words."""
    return Resource.create(
        {
            "service.name": service,
            "service.namespace": "shop",
            "service.version": version,
            "service.instance.id": instance or f"{service}-1",
            "deployment.environment.name": "production",
            "host.name": socket.gethostname() or "localhost",  # whose figures the server has
            "os.type": platform.system().lower(),
            "process.pid": os.getpid(),
            "process.executable.name": "python",
            "process.runtime.name": "cpython",
            "process.runtime.version": platform.python_version(),
        }
    )


class Instruments:
    """The instruments of the metrics table on one meter."""

    def __init__(self, provider: MeterProvider, scope: str) -> None:
        self._meter = provider.get_meter(scope)
        self._by_name: dict[str, Any] = {}
        for metric in METRICS:
            name, about = metric.name, (metric.unit, metric.description)
            if metric.kind == "histogram":
                self._by_name[name] = self._meter.create_histogram(
                    name, *about, explicit_bucket_boundaries_advisory=SECONDS
                )
            elif metric.kind == "exponential":
                self._by_name[name] = self._meter.create_histogram(name, *about)
            elif metric.kind == "counter":
                self._by_name[name] = self._meter.create_counter(name, *about)
            elif metric.kind == "updown":
                self._by_name[name] = self._meter.create_up_down_counter(name, *about)

    def record(
        self, name: str, value: float, attributes: Attributes, context: Context | None = None
    ) -> None:
        instrument = self._by_name[name]
        if isinstance(instrument, Histogram):
            instrument.record(value, attributes, context)
        else:
            instrument.add(value, attributes, context)

    def observe(self, name: str, read: Callable[[], Iterable[tuple[float, Attributes]]]) -> None:
        """Report what `read` answers at each collection."""
        metric = BY_NAME[name]

        def answer(_: CallbackOptions) -> list[Observation]:
            return [Observation(value, attributes) for value, attributes in read()]

        create = (
            self._meter.create_observable_counter
            if metric.kind == "total"
            else self._meter.create_observable_gauge
        )
        create(name, [answer], unit=metric.unit, description=metric.description)


def meter_provider(about: Resource, reader: MetricReader) -> MeterProvider:
    """A provider whose database durations are exponential histograms."""
    return MeterProvider(
        [reader],
        resource=about,
        shutdown_on_exit=False,
        views=[
            View(
                instrument_name="db.client.operation.duration",
                aggregation=ExponentialBucketHistogramAggregation(max_size=80),
            )
        ],
    )


class Telemetry:
    """Tracer, instruments and logger of one service."""

    def __init__(
        self,
        about: Resource,
        spans: Sequence[SpanProcessor],
        logs: Sequence[Any],
        reader: MetricReader,
        listener: Listener | None = None,
    ) -> None:
        self.service = str(about.attributes["service.name"])
        self.version = str(about.attributes["service.version"])
        self._traces = TracerProvider(resource=about, shutdown_on_exit=False)
        for processor in spans:
            self._traces.add_span_processor(processor)
        self.tracer: Tracer = self._traces.get_tracer(f"shop.{self.service}", self.version)
        self._meters = meter_provider(about, reader)
        self.instruments = Instruments(self._meters, f"shop.{self.service}")
        self._listener = listener
        self._logs = LoggerProvider(resource=about, shutdown_on_exit=False)
        for processor in logs:
            self._logs.add_log_record_processor(processor)
        self._events = self._logs.get_logger(f"shop.{self.service}")
        self._handler = _log_handler(self._logs)
        # Not of the logging module's tree, where two releases of a service would be one logger.
        self.log = logging.Logger(f"shop.{self.service}", logging.DEBUG)
        self.log.addHandler(self._handler)

    def measure(self, name: str, value: float, **attributes: Any) -> None:
        """Record a value; double underscores in names of attributes stand for dots."""
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        self.instruments.record(name, value, named)
        if self._listener is not None:
            self._listener(self.service, name, value, named)

    def event(self, name: str, body: Attributes, **attributes: Any) -> None:
        """A structured event: a log record whose body is a map, and which has a name."""
        named = {key.replace("__", "."): value for key, value in attributes.items()}
        self._events.emit(
            timestamp=time.time_ns(),
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            event_name=name,
            body=body,
            attributes=named,
        )

    def close(self) -> None:
        """Send what is left, without insisting."""
        self.log.handlers.clear()
        self._traces.shutdown()
        self._logs.shutdown()
        self._meters.shutdown(timeout_millis=2000)


def live(about: Resource, export: Export, protocol: str) -> Telemetry:
    """Telemetry that leaves the process by OTLP: `http`, `http+gzip` or `grpc`."""
    spans, logs, metrics = _exporters(export, protocol)
    every = export.flush_every * 1000
    return Telemetry(
        about,
        [BatchSpanProcessor(spans, schedule_delay_millis=every)],
        [BatchLogRecordProcessor(logs, schedule_delay_millis=every)],
        PeriodicExportingMetricReader(metrics, export.metrics_every * 1000),
    )


def _exporters(export: Export, protocol: str) -> tuple[Any, Any, Any]:
    # Imported here: a process carries only the exporter that it uses, and the gRPC
    # library must not be loaded in the parent that forks the services.
    if protocol == "grpc" and export.grpc:
        from opentelemetry.exporter.otlp.proto.grpc import _log_exporter as grpc_logs
        from opentelemetry.exporter.otlp.proto.grpc import metric_exporter as grpc_metrics
        from opentelemetry.exporter.otlp.proto.grpc import trace_exporter as grpc_traces

        wire: dict[str, Any] = {
            "endpoint": export.grpc,
            "insecure": True,
            "headers": (("authorization", f"Bearer {export.key}"),),
            "timeout": 5,
        }
        return (
            grpc_traces.OTLPSpanExporter(**wire),
            grpc_logs.OTLPLogExporter(**wire),
            grpc_metrics.OTLPMetricExporter(**wire),
        )
    from opentelemetry.exporter.otlp.proto.http import (
        Compression,
        _log_exporter,
        metric_exporter,
        trace_exporter,
    )

    common: dict[str, Any] = {
        "headers": {"authorization": f"Bearer {export.key}"},
        "timeout": 5,
        "compression": Compression.Gzip if protocol.endswith("gzip") else Compression.NoCompression,
    }
    return (
        trace_exporter.OTLPSpanExporter(endpoint=f"{export.http}/v1/traces", **common),
        _log_exporter.OTLPLogExporter(endpoint=f"{export.http}/v1/logs", **common),
        metric_exporter.OTLPMetricExporter(endpoint=f"{export.http}/v1/metrics", **common),
    )


def _log_handler(provider: LoggerProvider) -> logging.Handler:
    with warnings.catch_warnings():
        # The SDK's handler is marked as moving to a package of its own; it stays in 1.x.
        warnings.simplefilter("ignore", DeprecationWarning)
        handler = LoggingHandler(logging.DEBUG, provider)
        handler.addFilter(_within_the_shop)
        return handler
