"""What takes room: metrics by their series, labels by their values, attributes by their bytes."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.query.window import Asked, Window, run

_MOST = 30
SAMPLE = 50_000
_LIMITS = Limits(seconds=10, memory_mb=512, threads=1)


class MetricCardinality(BaseModel):
    metric: str
    type: str
    series: int
    widest_label: str = Field(description="The label with the most different values.")
    widest_values: int


class AttributeSize(BaseModel):
    signal: Literal["traces", "logs"]
    attribute: str
    share: float = Field(description="Its part of the bytes of all attributes, 0 to 1.")
    items_share: float = Field(description="Items that carry it, 0 to 1.")
    bytes_an_item: float = Field(
        description="Key and value before compression, where it is carried."
    )
    values: int = Field(description="Different values in the sample.")
    disk_bytes: int = Field(description="Estimated for what is kept of the project.")


class Cardinality(BaseModel):
    series: int = Field(description="Series heard of in the range.")
    metrics: list[MetricCardinality]
    attributes: list[AttributeSize]
    sampled: int = Field(description="Items of each signal that attributes are judged by, at most.")


def cardinality(engine: Engine, window: Window) -> Cardinality:
    metrics = _metrics(engine, window)
    return Cardinality(
        series=_count(engine, window),
        metrics=metrics,
        attributes=[
            *_attributes(engine, window, "traces", "spans"),
            *_attributes(engine, window, "logs", "logs"),
        ],
        sampled=SAMPLE,
    )


_HEARD = """project = {project:UInt32}
    AND day >= toDate(fromUnixTimestamp64Milli({from_ms:Int64})) AND day <= toDate(fromUnixTimestamp64Milli({to_ms:Int64}))
    AND last_seen >= fromUnixTimestamp64Milli({from_ms:Int64})"""


def _count(engine: Engine, window: Window) -> int:
    sql = f"SELECT uniq(series_id) FROM series WHERE {_HEARD}"
    return int(run(engine, "cardinality_series", sql, window).rows[0][0])


def _metrics(engine: Engine, window: Window) -> list[MetricCardinality]:
    sql = f"""
        SELECT metric, any(type), uniq(series_id) AS series FROM series WHERE {_HEARD}
        GROUP BY metric ORDER BY series DESC, metric LIMIT {_MOST}"""
    rows = run(engine, "cardinality_metrics", sql, window).rows
    asked = Asked()
    names = asked.bind([row[0] for row in rows], "Array(String)")
    sql = f"""
        SELECT metric, label.1 AS name, uniq(label.2) AS found FROM (
            SELECT metric, arrayJoin(arrayZip(mapKeys(labels), mapValues(labels))) AS label
            FROM series WHERE {_HEARD} AND metric IN {names}
        ) GROUP BY metric, name ORDER BY found DESC LIMIT 1 BY metric"""
    widest = {
        row[0]: (row[1], row[2])
        for row in (run(engine, "cardinality_labels", sql, window, asked).rows if rows else [])
    }
    return [
        MetricCardinality(
            metric=metric,
            type=kind,
            series=series,
            widest_label=widest.get(metric, ("", 0))[0],
            widest_values=widest.get(metric, ("", 0))[1],
        )
        for metric, kind, series in rows
    ]


def _attributes(
    engine: Engine, window: Window, signal: Literal["traces", "logs"], table: str
) -> list[AttributeSize]:
    sql = f"""
        SELECT key, count() AS carried, sum(length(key) + length(value)) AS bytes, uniq(value), max(everything)
        FROM (
            SELECT arrayJoin(arrayZip(mapKeys(attributes), mapValues(attributes))) AS pair,
                pair.1::String AS key, pair.2 AS value, count() OVER () AS everything
            FROM (SELECT attributes FROM {table} WHERE {window.where()} ORDER BY time DESC LIMIT {SAMPLE})
        ) GROUP BY key ORDER BY bytes DESC LIMIT {_MOST}"""
    rows = run(engine, f"cardinality_attributes_{signal}", sql, window).rows
    if not rows:
        return []
    sql = f"""
        SELECT count(), sum(length(mapKeys(attributes)) > 0),
            sum(arraySum(arrayMap((k, v) -> length(k) + length(v), mapKeys(attributes), mapValues(attributes))))
        FROM (SELECT attributes FROM {table} WHERE {window.where()} ORDER BY time DESC LIMIT {SAMPLE})"""
    items, _, total = run(engine, f"cardinality_sample_{signal}", sql, window).rows[0]
    disk = _attribute_bytes(engine, window.project, table)
    return [
        AttributeSize(
            signal=signal,
            attribute=key,
            share=size / max(total, 1),
            items_share=carried / max(items, 1),
            bytes_an_item=size / max(carried, 1),
            values=values,
            disk_bytes=int(disk * size / max(total, 1)),
        )
        for key, carried, size, values, _ in rows
    ]


def _attribute_bytes(engine: Engine, project: int, table: str) -> float:
    """What the attributes of a project take on disk, shared out by rows.

    Small parts keep all columns in one file and do not tell them apart: they count with the
    share that attributes have before compression.
    """
    sql = f"""
        SELECT sum(bytes_on_disk), (
            SELECT sumIf(column_data_uncompressed_bytes, startsWith(column, 'attribute')) / greatest(sum(column_data_uncompressed_bytes), 1)
            FROM system.parts_columns WHERE active AND database = 'default' AND table = '{table}'
        ) FROM system.parts WHERE active AND database = 'default' AND table = '{table}'"""
    rows: list[list[Any]] = engine.query("cardinality_disk", sql, limits=_LIMITS).rows
    size, share = rows[0]
    sql = f"SELECT countIf(project = {project}), count() FROM {table}"
    own, everything = engine.query("cardinality_rows", sql, limits=_LIMITS).rows[0]
    return float(size) * float(share or 0) * int(own) / max(int(everything), 1)
