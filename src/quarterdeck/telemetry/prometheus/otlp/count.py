"""OTLP metrics as the Prometheus series that they are, for the engine to count.

What is counted here is what a selector finds (`select.py`), without its points: a histogram is a
series for each bound, one for its sum and one for its count, and streams that differ only in what
no label shows, such as the release of their sender, are one series.
"""

from collections.abc import Sequence
from typing import Any

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.prometheus.families import LIMITS, seen
from quarterdeck.telemetry.prometheus.otlp.catalog import Kind, OtlpCatalog
from quarterdeck.telemetry.prometheus.points import between

DAY_MS = 86_400_000
WIDTHS = {
    "samples": "0",
    "histograms": "greatest(length(counts), 1)",
    "exponential_histograms": "0",
    "summaries": "length(quantiles)",
}
"""SQL: how many series with a label of their own (`le`, `quantile`) a point of each table is."""

_JOB = (
    "if(JSONExtractString(resource, 'service.name') = '' OR JSONExtractString(resource, 'service.namespace') = '', '',"
    " JSONExtractString(resource, 'service.namespace') || '/') || JSONExtractString(resource, 'service.name')"
)
_INSTANCE = (
    "if(JSONExtractString(resource, 'service.instance.id') != '', JSONExtractString(resource, 'service.instance.id'),"
    " JSONExtractString(resource, 'host.name'))"
)
_LABEL = r"replaceRegexpOne(replaceRegexpAll(replaceRegexpAll(name, '[^a-zA-Z0-9_]', '_'), '_+', '_'), '^([0-9])', 'key_\\1')"
_PAIRS = f"""arraySort(arrayFilter(pair -> pair.2 != '', arrayConcat(
    arrayMap((name, value) -> ({_LABEL}, value), mapKeys(labels)::Array(String), mapValues(labels)),
    [('otel_scope_name', scope::String), ('otel_scope_version', scope_version::String),
     ('deployment_environment_name', environment::String), ('job', {_JOB}), ('instance', {_INSTANCE})])))"""
KIND = (
    r"concat(metric, '\x1f', type, '\x1f', temporality, '\x1f', toString(monotonic), '\x1f', unit)"
)
"""SQL: names a kind; `key_of` says the same."""

_STREAMS = f"""
    SELECT DISTINCT series_id, {KIND}::String AS kind, type::String AS type, {_PAIRS} AS pairs
    FROM series WHERE {{where}}"""

SERIES = f"""
    SELECT base || part.1 AS metric, if(part.2 = '', pairs, arrayPushBack(pairs, (if(type = 'summary', 'quantile', 'le'), part.2))) AS pairs
    FROM (
        SELECT transform(kind, {{{{kinds:Array(String)}}}}, {{{{names:Array(String)}}}}, '') AS base, type, pairs,
            arrayFilter(edge -> edge != inf, groupUniqArrayArray(edges)) AS edges
        FROM ({_STREAMS}) AS s LEFT JOIN (
            SELECT series_id, any(bounds) AS edges FROM histograms WHERE {{points}} GROUP BY series_id
            UNION ALL SELECT series_id, any(quantiles) AS edges FROM summaries WHERE {{points}} GROUP BY series_id
        ) AS e USING (series_id) GROUP BY base, type, pairs
    ) ARRAY JOIN multiIf(
        type = 'histogram', arrayConcat(arrayMap(edge -> ('_bucket', toString(edge)), edges), [('_bucket', '+Inf'), ('_sum', ''), ('_count', '')]),
        type = 'summary', arrayConcat(arrayMap(edge -> ('', toString(edge)), edges), [('_sum', ''), ('_count', '')]),
        [('', '')]) AS part"""
"""SQL: a row a series: its metric's name and its labels as sorted pairs; `named` has its parameters."""


def named(kinds: Sequence[Kind]) -> dict[str, Any]:
    """What `SERIES` needs to know of names."""
    return {"kinds": ["", *map(key_of, kinds)], "names": ["", *(kind.name for kind in kinds)]}


def key_of(kind: Kind) -> str:
    monotonic = "true" if kind.monotonic else "false"
    return "\x1f".join((kind.metric, kind.type, kind.temporality, monotonic, kind.unit))


def counts(
    engine: Engine, catalog: OtlpCatalog, project: int, after: int, until: int
) -> dict[str, tuple[str, int]]:
    """The series of each metric of the range (milliseconds, to the day), and the family's name.

    How many buckets a series has is read of the range's last day; others have as many on average.
    """
    points = f"project = {{project:UInt32}} AND {between(max(after, until - DAY_MS), until)}"
    widths = " UNION ALL ".join(
        f"SELECT series_id, max({WIDTHS[table]}) AS width FROM {table} WHERE {points} GROUP BY series_id"
        for table in ("histograms", "summaries")
    )
    sql = f"""
        SELECT kind, count(), if(sum(width) = 0, 1, sum(width) / countIf(width > 0)) FROM (
            SELECT kind, pairs, max(width) AS width
            FROM ({_STREAMS.format(where=seen(after, until))}) AS s
            LEFT JOIN ({widths}) AS w USING (series_id) GROUP BY kind, pairs
        ) GROUP BY kind"""
    rows = engine.query("metrics_listing_otlp", sql, {"project": project}, limits=LIMITS).rows
    known = {kind: (series, width) for kind, series, width in rows}
    found: dict[str, tuple[str, int]] = {}
    for described in catalog.kinds(project, after, until):
        kind = described.kind
        series, width = known.get(key_of(kind), (0, 1))
        for name, part in kind.names().items():
            more = round(series * width) if part in ("bucket", "quantile") else series
            found[name] = (kind.name, found.get(name, ("", 0))[1] + more)
    return found
