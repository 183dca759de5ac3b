"""The metrics of a project by the names that PromQL knows: what each is, how many series it has."""

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.prometheus import metadata
from quarterdeck.telemetry.prometheus.families import LIMITS, seen
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog
from quarterdeck.telemetry.prometheus.otlp.count import counts

# What a family's name is followed by in the names of its series.
_PARTS = ("_bucket", "_sum", "_count", "_total", "_created", "_info")


class MetricView(BaseModel):
    name: str
    type: str = Field(description="As Prometheus names it; empty where nobody said.")
    unit: str
    help: str
    series: int = Field(description="Series of the range, to the day, as PromQL counts them.")


def listing(
    engine: Engine, otlp: OtlpCatalog, project: int, after: int, until: int
) -> list[MetricView]:
    """Metrics that have series on a day of the range (milliseconds), by name."""
    told = metadata.read(engine, otlp, project, "", -1, 1)
    found: dict[str, int] = {}
    sql = f"SELECT metric, uniq(series_id) FROM prom_series WHERE {seen(after, until)} GROUP BY metric"
    for name, series in engine.query(
        "metrics_listing", sql, {"project": project}, limits=LIMITS
    ).rows:
        found[name] = series
    family: dict[str, str] = {}
    for name, (family_name, series) in counts(engine, otlp, project, after, until).items():
        found[name] = found.get(name, 0) + series
        family[name] = family_name
    items = []
    for name in sorted(found):
        entry = next((told[each][0] for each in _families(name, family) if told.get(each)), {})
        items.append(
            MetricView(
                name=name,
                type=entry.get("type", ""),
                unit=entry.get("unit", ""),
                help=entry.get("help", ""),
                series=found[name],
            )
        )
    return items


def _families(name: str, known: dict[str, str]) -> list[str]:
    """Names that metadata may stand under, the likeliest first."""
    parts = [name.removesuffix(part) for part in _PARTS if name.endswith(part)]
    return [known.get(name, name), name, *parts]
