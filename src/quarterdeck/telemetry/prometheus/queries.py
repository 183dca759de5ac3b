"""What the HTTP API, dashboards and recording rules ask of PromQL, over one engine.

Blocks: call it in a thread. Every query is bounded by series, samples and time
(`promql/limits.py`) and by what the engine may use.
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import promql_parser

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.errors import BadInput
from quarterdeck.core.settings import Settings
from quarterdeck.store.telemetry import Engine
from quarterdeck.store.telemetry import Limits as EngineLimits
from quarterdeck.telemetry.prometheus import exemplars, metadata
from quarterdeck.telemetry.prometheus.catalog import Catalog
from quarterdeck.telemetry.prometheus.lookup import Lookup, Selectors
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog
from quarterdeck.telemetry.prometheus.otlp.select import OtlpSeries
from quarterdeck.telemetry.prometheus.params import invalid
from quarterdeck.telemetry.prometheus.source import PromSource
from quarterdeck.telemetry.promql import syntax
from quarterdeck.telemetry.promql.evaluate import LOOKBACK, evaluate
from quarterdeck.telemetry.promql.limits import Limits
from quarterdeck.telemetry.promql.source import Grid
from quarterdeck.telemetry.promql.values import Result

MOST_SAMPLES = 20_000_000  # read by one query; some 40 bytes each on the way


@dataclass(frozen=True, slots=True)
class Bounds:
    """How a question deviates from the usual, in milliseconds; 0 where it does not."""

    timeout: int = 0
    lookback: int = 0


_USUAL = Bounds()


class Reserved:
    """The engine through the readers that are kept for rules."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.query = partial(engine.query, reserved=True)

    def raw(self, *given: Any, **named: Any) -> bytes:
        return self._engine.raw(*given, **{**named, "reserved": True})


class Queries:
    """One a server; used from several threads."""

    def __init__(self, engine: Engine, settings: Settings, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._limits = Limits(
            samples=MOST_SAMPLES, points=MOST_SAMPLES, seconds=float(settings.query_seconds)
        )
        self._engine_limits = EngineLimits(
            seconds=float(settings.query_seconds), memory_mb=int(settings.query_memory_mb)
        )
        self.catalog = Catalog(engine)
        self.otlp_catalog = OtlpCatalog(engine)
        self.otlp = OtlpSeries(engine, self.otlp_catalog)
        self.lookup = Lookup((self.catalog, self.otlp))

    def committed(self, signal: str, projects: set[int]) -> None:
        """New rows are durable; may be called from any thread."""
        self.catalog.committed(signal, projects)
        self.otlp_catalog.committed(signal, projects)

    def now_ms(self) -> int:
        return now_ms(self._clock)

    def instant(
        self,
        project: int,
        query: str,
        time: int,
        bounds: Bounds = _USUAL,
        *,
        reserved: bool = False,
    ) -> Result:
        """An expression at one moment (milliseconds). `reserved`: for rules, which wait for nobody."""
        return self._evaluate(project, query, time, bounds, reserved)

    def range(
        self,
        project: int,
        query: str,
        start: int,
        end: int,
        step: int,
        bounds: Bounds = _USUAL,
    ) -> Result:
        """An expression at each moment from `start` to `end` (milliseconds)."""
        return self._evaluate(project, query, Grid(start, end, step), bounds, False)

    def source(
        self, project: int, bounds: Bounds = _USUAL, *, reserved: bool = False
    ) -> PromSource:
        limits, engine_limits = self._bounded(bounds)
        engine = cast(Engine, Reserved(self._engine)) if reserved else self._engine
        return PromSource(engine, self.catalog, self.otlp, project, limits, engine_limits)

    def formatted(self, query: str) -> str:
        """The expression, laid out by the parser."""
        try:
            syntax.parse(query)
        except BadInput as error:
            raise invalid("query", error.message) from None
        return str(promql_parser.parse(query).prettify())

    def metadata(self, project: int, metric: str, limit: int, per_metric: int) -> dict[str, Any]:
        return metadata.read(
            self._engine, self.otlp_catalog, project, metric, limit, per_metric
        )  # fmt: skip

    def exemplars(self, project: int, query: str, start: int, end: int) -> list[dict[str, Any]]:
        """Exemplars of the series that an expression selects."""
        try:
            selectors = selectors_of(syntax.parse(query))
        except BadInput as error:
            raise invalid("query", error.message) from None
        return exemplars.read(self._engine, self.catalog, self.otlp, project, selectors, start, end)

    def _evaluate(
        self, project: int, query: str, when: Grid | int, bounds: Bounds, reserved: bool
    ) -> Result:
        limits, _ = self._bounded(bounds)
        source = self.source(project, bounds, reserved=reserved)
        try:
            return evaluate(
                query, source, when, limits=limits, lookback=bounds.lookback or LOOKBACK
            )
        except BadInput as error:
            if error.code == "promql_syntax":
                raise invalid("query", error.message) from None
            raise

    def _bounded(self, bounds: Bounds) -> tuple[Limits, EngineLimits]:
        if not bounds.timeout:
            return self._limits, self._engine_limits
        seconds = min(self._limits.seconds, max(bounds.timeout / 1000, 0.001))
        return (
            replace(self._limits, seconds=seconds),
            replace(self._engine_limits, seconds=seconds),
        )


def selectors_of(node: Any) -> Selectors:
    """The selectors of an expression, each once."""
    found: dict[tuple[Any, ...], None] = {}

    def walk(node: Any) -> None:
        if isinstance(node, syntax.Selector):
            found[node.matchers] = None
        elif isinstance(node, tuple):
            for each in node:
                walk(each)
        else:
            for name in ("expr", "param", "left", "right", "args"):
                if (below := getattr(node, name, None)) is not None:
                    walk(below)

    walk(node)
    return list(found)
