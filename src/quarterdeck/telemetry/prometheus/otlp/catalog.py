"""Which Prometheus series the OTLP metrics of a project are.

A physical series (table `series`) keeps its id; its labels here are those that Prometheus sees.
What decides about the name of a family (type, temporality, monotony, unit) is kept as one more
label whose name no Prometheus label can have.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.prometheus.families import LIMITS, Families, Table, seen
from quarterdeck.telemetry.prometheus.otlp import naming
from quarterdeck.telemetry.promql.source import Labels

KIND = "\x00kind"
RESOURCE = "\x00resource"
_DESCRIBED = (
    "any(type), any(temporality), any(monotonic), any(unit), any(labels), any(resource),"
    " any(scope), any(scope_version), any(environment)"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a metric is, as far as its Prometheus name and its points depend on it."""

    metric: str
    type: str
    temporality: str
    monotonic: bool
    unit: str

    @property
    def text(self) -> str:
        return f"{self.type}\x00{self.temporality}\x00{int(self.monotonic)}\x00{self.unit}"

    @property
    def name(self) -> str:
        return naming.metric_name(self.metric, self.unit, self.type, self.monotonic)

    @property
    def accumulates(self) -> bool:
        """Whether its points are differences that add up: to a counter, or to a gauge."""
        return self.temporality == "delta"

    @property
    def prometheus_type(self) -> str:
        if self.type == "sum":
            return "counter" if self.monotonic else "gauge"
        return "histogram" if self.type == "exponential_histogram" else self.type

    def names(self) -> dict[str, str]:
        """The Prometheus metrics of the family, and which part of a point each shows."""
        if self.type in ("gauge", "sum"):
            return {self.name: "value"}
        if self.type == "exponential_histogram":
            return {self.name: "native"}
        quantiles = {f"{self.name}_bucket": "bucket"}
        if self.type == "summary":
            quantiles = {self.name: "quantile"}
        return {**quantiles, f"{self.name}_sum": "sum", f"{self.name}_count": "count"}


@dataclass(frozen=True, slots=True)
class Described:
    """A kind with what its senders say of it."""

    kind: Kind
    help: str


def labels_of(row: Sequence[Any]) -> Labels:
    """The labels of a physical series."""
    type_, temporality, monotonic, unit, attributes, resource, scope, version, environment = row
    labels = naming.labels_of(attributes.items())
    for name, value in (
        ("otel_scope_name", scope),
        ("otel_scope_version", version),
        (naming.ENVIRONMENT, environment),
    ):
        if value:
            labels[name] = value
    labels.update(naming.target_labels(resource_of(resource)))
    labels[KIND] = Kind("", type_, temporality, bool(monotonic), unit).text
    return labels


@lru_cache(maxsize=4096)
def resource_of(text: str) -> dict[str, str]:
    """A stored resource: attributes with their values as text."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return {}
    return {key: _text(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class OtlpCatalog:
    """The metrics of OTLP by their Prometheus names, for all projects."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.families = Families(engine, Table("series", _DESCRIBED, labels_of))
        self._lock = threading.Lock()
        self._news: dict[int, int] = {}
        self._known: dict[tuple[int, str], tuple[int, list[list[Any]]]] = {}

    def committed(self, signal: str, projects: set[int]) -> None:
        """New rows are durable; may be called from any thread."""
        if signal == "metrics":
            with self._lock:
                for project in projects:
                    self._news[project] = self._news.get(project, 0) + 1

    def kinds(self, project: int, after: int, until: int) -> list[Described]:
        """Every kind that has series on a day of the range."""
        rows = self._rows(
            project,
            "SELECT metric, type, temporality, monotonic, unit, anyLast(description) FROM series"
            f" WHERE {seen(after, until)} GROUP BY metric, type, temporality, monotonic, unit",
        )
        return [Described(Kind(m, t, p, bool(o), u), help) for m, t, p, o, u, help in rows]

    def resources(self, project: int, after: int, until: int) -> list[tuple[str, int, int]]:
        """(resource, first, last) in seconds, of each day of the range on which it was heard."""
        rows = self._rows(
            project,
            "SELECT resource, toUnixTimestamp(min(first_seen)), toUnixTimestamp(max(last_seen))"
            f" FROM series WHERE {seen(after, until)} GROUP BY resource, day",
        )
        return [(resource, first, last) for resource, first, last in rows]

    def _rows(self, project: int, sql: str) -> list[list[Any]]:
        """Rows of a statement, read again only after something new has arrived."""
        with self._lock:
            news = self._news.get(project, 0)
            known = self._known.get((project, sql))
        if known is not None and known[0] == news:
            return known[1]
        rows = self._engine.query("promql_otlp", sql, {"project": project}, limits=LIMITS).rows
        with self._lock:
            if len(self._known) > 256:
                self._known.clear()
            self._known[project, sql] = (news, rows)
        return rows
