"""What makes the series of a project, and what they cost: by metric, by label, by label and value.

Series of OTLP stand under their own names and attributes here, as they are stored and as they can
be changed where they come from. Figures are of one day, UTC.
"""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine, Limits

MOST = 100
_LIMITS = Limits(seconds=20, memory_mb=768)

# One row a series of the day: metric, labels, whether it came by OTLP.
_SERIES = """(
    SELECT toString(metric) AS metric, series_id, any(labels) AS labels, 0 AS by_otlp FROM prom_series
    WHERE project = {project:UInt32} AND day = {day:Date} GROUP BY metric, series_id
    UNION ALL
    SELECT toString(metric) AS metric, series_id, any(labels) AS labels, 1 AS by_otlp FROM series
    WHERE project = {project:UInt32} AND day = {day:Date} GROUP BY metric, series_id
)"""


class MetricCost(BaseModel):
    metric: str
    otlp: bool = Field(description="Whether it came by OTLP, under its own name.")
    series: int
    samples_a_minute: float = Field(
        description="Points that came this day, by the minutes that it has had."
    )
    disk_bytes: int = Field(
        description="Of this day's points, at the size a point of this table takes."
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


def cost(engine: Engine, project: int, day: str, limit: int) -> MetricsCost:
    """Costs of a day, given as YYYY-MM-DD."""
    params = {"project": project, "day": day}

    def rows(name: str, sql: str) -> list[list[Any]]:
        return engine.query(f"metrics_cost_{name}", sql, params, limits=_LIMITS).rows

    counts = rows("count", f"SELECT count(), countIf(by_otlp = 0) FROM {_SERIES}")[0]
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
        FROM (SELECT metric, arraySort(arrayZip(mapKeys(labels)::Array(String), mapValues(labels))) AS pairs FROM {_SERIES})
        ARRAY JOIN pairs AS label GROUP BY name ORDER BY found DESC, series DESC, name LIMIT {MOST}""",
    )
    pairs = rows(
        "pairs",
        f"""
        SELECT label.1 AS name, substring(label.2, 1, 300) AS value, count() AS series
        FROM (SELECT arrayZip(mapKeys(labels)::Array(String), mapValues(labels)) AS pairs FROM {_SERIES})
        ARRAY JOIN pairs AS label GROUP BY name, value ORDER BY series DESC, name, value LIMIT {MOST}""",
    )
    return MetricsCost(
        day=day,
        series=counts[0],
        prometheus_series=counts[1],
        limit=limit,
        refused=refused,
        metrics=_metrics(engine, params),
        labels=[
            LabelCost(label=name, series=series, values=values, metrics=metrics, value_bytes=size, without=left)
            for name, series, values, metrics, size, left in labels
        ],
        pairs=[PairCost(label=name, value=value, series=series) for name, value, series in pairs],
    )  # fmt: skip


_TABLES = {0: ("prom_samples", "prom_histograms"), 1: ("samples", "histograms", "exponential_histograms", "summaries")}  # fmt: skip


def _metrics(engine: Engine, params: dict[str, Any]) -> list[MetricCost]:
    sql = f"""
        SELECT metric, by_otlp, count() AS series FROM {_SERIES}
        GROUP BY metric, by_otlp ORDER BY series DESC, metric LIMIT {MOST}"""
    found = engine.query("metrics_cost_metrics", sql, params, limits=_LIMITS).rows
    sql = f"""
        SELECT metric, by_otlp, label.1 AS name, uniqExact(label.2) AS found FROM (
            SELECT metric, by_otlp, arrayJoin(arrayZip(mapKeys(labels)::Array(String), mapValues(labels))) AS label FROM {_SERIES}
        ) GROUP BY metric, by_otlp, name ORDER BY found DESC, name LIMIT 1 BY metric, by_otlp"""
    widest = {
        (row[0], row[1]): (row[2], row[3])
        for row in engine.query("metrics_cost_widest", sql, params, limits=_LIMITS).rows
    }
    points = {by_otlp: _points(engine, params, by_otlp) for by_otlp in _TABLES}
    minutes = _minutes(engine, params)
    views = []
    for metric, by_otlp, series in found:
        samples, size = points[by_otlp].get(metric, (0, 0.0))
        label, values = widest.get((metric, by_otlp), ("", 0))
        views.append(
            MetricCost(
                metric=metric,
                otlp=bool(by_otlp),
                series=series,
                samples_a_minute=samples / minutes,
                disk_bytes=round(size),
                widest_label=label,
                widest_values=values,
            )
        )
    return views


def _minutes(engine: Engine, params: dict[str, Any]) -> int:
    """Minutes that the day has had so far."""
    sql = "SELECT least(1440, greatest(1, dateDiff('minute', toDateTime({day:Date}, 'UTC'), now('UTC'))))"
    return int(engine.query("metrics_cost_minutes", sql, params, limits=_LIMITS).rows[0][0])


def _points(engine: Engine, params: dict[str, Any], by_otlp: int) -> dict[str, tuple[int, float]]:
    """Points of the day and the bytes they take, by metric."""
    names = "series" if by_otlp else "prom_series"
    found: dict[str, tuple[int, float]] = {}
    for table in _TABLES[by_otlp]:
        sql = f"""
            SELECT toString(metric) AS metric, sum(points) FROM (
                SELECT series_id, count() AS points FROM {table}
                WHERE project = {{project:UInt32}} AND toDate(time) = {{day:Date}} GROUP BY series_id
            ) AS p INNER JOIN (
                SELECT DISTINCT series_id, metric FROM {names} WHERE project = {{project:UInt32}} AND day = {{day:Date}}
            ) AS s USING (series_id) GROUP BY metric"""
        rows = engine.query("metrics_cost_points", sql, params, limits=_LIMITS).rows
        if not rows:
            continue
        sql = f"SELECT sum(bytes_on_disk) / greatest(sum(rows), 1) FROM system.parts WHERE active AND database = 'default' AND table = '{table}'"
        size = float(engine.query("metrics_cost_size", sql, limits=_LIMITS).rows[0][0] or 0)
        for metric, count in rows:
            known = found.get(metric, (0, 0.0))
            found[metric] = (known[0] + count, known[1] + count * size)
    return found
