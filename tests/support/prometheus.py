"""Prometheus series put straight into the engine, and sources that read them."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from quarterdeck.store.telemetry import EmbeddedEngine, Limits
from quarterdeck.telemetry.known import known_series
from quarterdeck.telemetry.prometheus.catalog import Catalog
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog
from quarterdeck.telemetry.prometheus.otlp.select import OtlpSeries
from quarterdeck.telemetry.prometheus.source import PromSource
from quarterdeck.telemetry.promql.limits import Limits as QueryLimits


def source_of(engine: EmbeddedEngine, project: int) -> PromSource:
    otlp = OtlpSeries(engine, OtlpCatalog(engine))
    limits = Limits(seconds=60, memory_mb=1024)
    return PromSource(engine, Catalog(engine), otlp, project, QueryLimits(), limits)


def add_series(
    engine: EmbeddedEngine,
    project: int,
    series: Iterable[tuple[Mapping[str, str], Sequence[tuple[int, float]]]],
) -> None:
    """Labels and (milliseconds, value) of each; the bits of values are kept."""
    described, points = [], []
    for labels, samples in series:
        rest = {name: value for name, value in labels.items() if name != "__name__"}
        identity = abs(hash((project, tuple(sorted(labels.items()))))) % 2**63
        days = {time // 86_400_000 for time, _ in samples}
        described += [
            f"({project}, {_q(labels['__name__'])}, {identity}, {_map(rest)}, toDate({day}),"
            f" fromUnixTimestamp64Milli({day * 86_400_000}), fromUnixTimestamp64Milli({day * 86_400_000}))"
            for day in days
        ]
        times = [time for time, _ in samples]
        bits = np.array([value for _, value in samples], np.float64).view(np.uint64).tolist()
        points += [
            f"({project}, {identity}, fromUnixTimestamp64Milli({time}), reinterpretAsFloat64(toUInt64({bit})))"
            for time, bit in zip(times, bits, strict=True)
        ]
    engine.execute("INSERT INTO prom_series VALUES " + ", ".join(described))
    known_series(engine).changed()
    half = len(points) // 2  # in two parts, so that repeated samples are not merged at once
    for some in (points[:half], points[half:]):
        if some:
            engine.execute(
                "INSERT INTO prom_samples (project, series_id, time, value) VALUES "
                + ", ".join(some)
            )


def _q(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _map(labels: Mapping[str, str]) -> str:
    return "map(" + ", ".join(f"{_q(k)}, {_q(v)}" for k, v in labels.items()) + ")"
