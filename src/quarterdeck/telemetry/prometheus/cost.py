"""What makes the series of a project, and what they cost: by metric, by label, by label and value.

Metrics, labels and series are those that PromQL knows, whichever way they came. Figures are of one
day, UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.prometheus.otlp.catalog import Kind, OtlpCatalog
from quarterdeck.telemetry.prometheus.otlp.count import DAY_MS, KIND, SERIES, WIDTHS, key_of, named

MOST = 100
_LIMITS = Limits(seconds=20, memory_mb=768)
_OF_DAY = "project = {project:UInt32} AND day = {day:Date}"
_POINTS_OF_DAY = "project = {project:UInt32} AND toDate(time) = {day:Date}"

# One row a series of the day: metric, labels in order, whether it came by OTLP.
_SERIES = f"""(
    SELECT metric, pairs, 0 AS by_otlp FROM (
        SELECT toString(metric) AS metric, series_id, any(labels) AS labels,
            arraySort(arrayZip(mapKeys(labels)::Array(String), mapValues(labels))) AS pairs
        FROM prom_series WHERE {_OF_DAY} GROUP BY metric, series_id)
    UNION ALL
    SELECT metric, pairs, 1 AS by_otlp FROM ({SERIES.format(where=_OF_DAY, points=_POINTS_OF_DAY)})
)"""


class MetricCost(BaseModel):
    metric: str
    otlp: bool = Field(description="Whether any of it came by OTLP, which no limit counts.")
    series: int
    samples_a_minute: float = Field(
        description="In the last hour of this day, while it came; 0 where nothing came then."
    )
    disk_bytes: int = Field(
        description="Of this day's points, at the size a point of their table takes; what OTLP"
        " sends as one point is shared among its series."
    )
    widest_label: str = Field(description="The label with the most different values.")
    widest_values: int


class LabelCost(BaseModel):
    label: str
    series: int = Field(description="Series that have it.")
    values: int = Field(description="Different values.")
    metrics: int = Field(description="Metrics that have it.")
    value_bytes: int = Field(description="Of the different values, as text.")
    without: int = Field(description="Series left of these, were the label dropped.")


class PairCost(BaseModel):
    label: str
    value: str
    series: int


class MetricsCost(BaseModel):
    day: str
    series: int = Field(description="Of Prometheus, which the limit is about, and of OTLP.")
    prometheus_series: int
    limit: int = Field(description="Series of Prometheus that the project may have active.")
    refused: int = Field(description="Points refused this day because of the limit.")
    metrics: list[MetricCost]
    labels: list[LabelCost]
    pairs: list[PairCost]


def cost(engine: Engine, otlp: OtlpCatalog, project: int, day: str, limit: int) -> MetricsCost:
    """Costs of a day, given as YYYY-MM-DD."""
    begin = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000
    kinds = [each.kind for each in otlp.kinds(project, begin, begin + DAY_MS - 1)]
    params = {"project": project, "day": day, **named(kinds)}

    def rows(name: str, sql: str) -> list[list[Any]]:
        return engine.query(f"metrics_cost_{name}", sql, params, limits=_LIMITS).rows

    metrics = rows(
        "metrics",
        f"""
        SELECT metric, otlp, series, sum(series) OVER (), sum(counted) OVER () FROM (
            SELECT metric, max(by_otlp) AS otlp, count() AS series, countIf(by_otlp = 0) AS counted
            FROM {_SERIES} GROUP BY metric
        ) ORDER BY series DESC, metric LIMIT {MOST}""",
    )
    refused = rows(
        "refused",
        "SELECT sum(items) FROM rejects WHERE project = {project:UInt32} AND signal = 'metrics'"
        " AND reason = 'too_many_series' AND toDate(time) = {day:Date}",
    )[0][0]
    labels = rows(
        "labels",
        f"""
        SELECT label.1 AS name, count() AS series, uniqExact(label.2) AS found, uniqExact(metric),
            arraySum(arrayMap(v -> length(v), groupUniqArray(1000000)(label.2))), uniq(metric, arrayFilter(pair -> pair.1 != label.1, pairs))
        FROM {_SERIES} ARRAY JOIN pairs AS label GROUP BY name ORDER BY found DESC, series DESC, name LIMIT {MOST}""",
    )
    pairs = rows(
        "pairs",
        f"""
        SELECT label.1 AS name, substring(label.2, 1, 300) AS value, count() AS series
        FROM {_SERIES} ARRAY JOIN pairs AS label GROUP BY name, value ORDER BY series DESC, name, value LIMIT {MOST}""",
    )
    return MetricsCost(
        day=day,
        series=metrics[0][3] if metrics else 0,
        prometheus_series=metrics[0][4] if metrics else 0,
        limit=limit,
        refused=refused,
        metrics=_metrics(engine, kinds, params, metrics),
        labels=[
            LabelCost(label=name, series=series, values=values, metrics=metrics, value_bytes=size, without=left)
            for name, series, values, metrics, size, left in labels
        ],
        pairs=[PairCost(label=name, value=value, series=series) for name, value, series in pairs],
    )  # fmt: skip


def _metrics(
    engine: Engine, kinds: Sequence[Kind], params: dict[str, Any], found: list[list[Any]]
) -> list[MetricCost]:
    sql = f"""
        SELECT metric, label.1 AS name, uniqExact(label.2) AS found FROM {_SERIES}
        ARRAY JOIN pairs AS label GROUP BY metric, name ORDER BY found DESC, name LIMIT 1 BY metric"""
    rows = engine.query("metrics_cost_widest", sql, params, limits=_LIMITS).rows
    widest = {metric: (name, values) for metric, name, values in rows}
    stored = _stored(engine, kinds, params)
    views = []
    for metric, by_otlp, series, *_ in found:
        points = stored.get(metric, _Points())
        label, values = widest.get(metric, ("", 0))
        views.append(
            MetricCost(
                metric=metric,
                otlp=bool(by_otlp),
                series=series,
                samples_a_minute=points.a_minute,
                disk_bytes=round(points.size),
                widest_label=label,
                widest_values=values,
            )
        )
    return views


@dataclass(slots=True)
class _Points:
    """Samples a minute and bytes on disk."""

    a_minute: float = 0.0
    size: float = 0.0

    def add(self, a_minute: float, size: float) -> None:
        self.a_minute += a_minute
        self.size += size


def _stored(engine: Engine, kinds: Sequence[Kind], params: dict[str, Any]) -> dict[str, _Points]:
    """What the points of the day come to, by metric."""
    found: dict[str, _Points] = {}
    for table in ("prom_samples", "prom_histograms"):
        for metric, read in _read(engine, table, "prom_series", "metric", "0", params).items():
            found.setdefault(metric, _Points()).add(read.a_minute, read.size)
    by_key = {key_of(kind): kind for kind in kinds}
    for table, width in WIDTHS.items():
        for key, read in _read(engine, table, "series", KIND, width, params).items():
            parts = by_key[key].names() if key in by_key else {}
            # Series that have a label of their own are `width` to a point, the others one.
            widths = {
                name: read.width if part in ("bucket", "quantile") else 1.0
                for name, part in parts.items()
            }
            for name, each in widths.items():
                size = read.size * each / (sum(widths.values()) or 1)
                found.setdefault(name, _Points()).add(read.a_minute * each, size)
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    a_minute: float  # points, not samples
    size: float
    width: float  # series that a point is, on average


def _read(
    engine: Engine, table: str, names: str, key: str, width: str, params: dict[str, Any]
) -> dict[str, _Read]:
    """Points of one table by metric or kind: how many come a minute, how wide they are, their size.

    The rate is that of the day's last hour. What came k times, from first to last, came over
    k / (k - 1) of the time between.
    """
    since = "least(now64(3), toDateTime64({day:Date} + 1, 3)) - INTERVAL 1 HOUR"
    sql = f"""
        SELECT {key}::String AS key, sum(points), sum(wide) / sum(points), sum(recent) AS came,
            if(max(recent) < 2, 60, dateDiff('ms', minIf(first, recent > 0), maxIf(last, recent > 0)) / 60000 * max(recent) / (max(recent) - 1))
        FROM (
            SELECT series_id, count() AS points, sum({width}) AS wide, countIf(time > {since}) AS recent,
                minIf(time, time > {since}) AS first, maxIf(time, time > {since}) AS last
            FROM {table} WHERE {_POINTS_OF_DAY} GROUP BY series_id
        ) AS p INNER JOIN (
            SELECT DISTINCT series_id, metric{"" if key == "metric" else ", type, temporality, monotonic, unit"}
            FROM {names} WHERE {_OF_DAY}
        ) AS s USING (series_id) GROUP BY key"""
    rows = engine.query("metrics_cost_points", sql, params, limits=_LIMITS).rows
    if not rows:
        return {}
    sql = f"SELECT sum(bytes_on_disk) / greatest(sum(rows), 1) FROM system.parts WHERE active AND database = 'default' AND table = '{table}'"
    size = float(engine.query("metrics_cost_size", sql, limits=_LIMITS).rows[0][0] or 0)
    return {
        key: _Read(came / minutes if minutes else 0.0, points * size, wide)
        for key, points, wide, came, minutes in rows
    }
