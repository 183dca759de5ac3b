"""OTLP requests put together from Sentry's items, one resource for all that share it."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from quarterdeck.errors.sentry.values import put, tags
from quarterdeck.errors.shapes import mapping, name
from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.otlp.resources import inspect
from quarterdeck.telemetry.ingest.otlp.signals import LOGS, METRICS, TRACES, Signal

Resource = tuple[tuple[str, str], ...]
"""Names and values of a resource's attributes."""


def resource(
    service: str,
    release: Any = None,
    environment: Any = None,
    host: Any = None,
    sdk: Any = None,
    sdk_version: Any = None,
) -> Resource:
    """A resource in OpenTelemetry's names; what is not known is left out."""
    pairs = (
        ("service.name", service),
        ("service.version", name(release)),
        ("deployment.environment.name", name(environment)),
        ("host.name", name(host)),
        ("telemetry.sdk.name", name(sdk)),
        ("telemetry.sdk.version", name(sdk_version)),
    )
    return tuple((key, value) for key, value in pairs if value)


def service_of(document: Mapping[str, Any], otherwise: str) -> str:
    """The service of an event or transaction: as OpenTelemetry's resource in it or its tags say,
    else the package in its release (`shop@1.4.2`), else the project."""
    contexts, given = mapping(document.get("contexts")), tags(document.get("tags"))
    told = mapping(mapping(contexts.get("otel")).get("resource"))
    service = contexts.get("service")
    for value in (
        told.get("service.name"),
        contexts.get("service.name"),
        mapping(service).get("name") or service,
        given.get("service.name"),
        given.get("service"),
    ):
        if found := name(value):
            return found
    return package(document.get("release")) or otherwise


def package(release: Any) -> str:
    """The part of a release before its version, as Sentry writes releases: `package@version`."""
    return name(release).rpartition("@")[0]


class _Export:
    """An export request, growing."""

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self._message: Any = signal.request()
        self._scopes: dict[Resource, Any] = {}

    def _scope(self, of: Resource) -> Any:
        found = self._scopes.get(of)
        if found is None:
            group = getattr(self._message, self.signal.resources).add()
            put(group.resource.attributes, dict(of))
            found = self._scopes[of] = getattr(group, self.signal.scopes).add()
        return found

    def request(self) -> Request | None:
        """As the intake wants it; None when nothing came."""
        if not self._scopes:
            return None
        return inspect(self.signal, self._message, self._message.SerializeToString())


class Spans(_Export):
    def __init__(self) -> None:
        super().__init__(TRACES)

    def add(self, of: Resource) -> Span:
        return self._scope(of).spans.add()  # type: ignore[no-any-return]


class Logs(_Export):
    def __init__(self) -> None:
        super().__init__(LOGS)

    def add(self, of: Resource) -> LogRecord:
        return self._scope(of).log_records.add()  # type: ignore[no-any-return]


class Metrics(_Export):
    def __init__(self) -> None:
        super().__init__(METRICS)

    def add(self, of: Resource) -> Metric:
        return self._scope(of).metrics.add()  # type: ignore[no-any-return]
