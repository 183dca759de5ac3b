"""Series and points of Prometheus under the columns that those of OTLP have.

A view of metrics shows both. Each text here stands in the place of a stored table of OTLP and has
its columns, as far as the views name them; `{projects}` are ids. A point sent twice shows once, and
the marker that ends a series is no point.

The service is the label `job`, the environment the label `environment`; both stay labels too.
"""

from quarterdeck.store.telemetry.macros import VALUE_TYPE

_STALE = "reinterpretAsUInt64({0}) = 0x7ff0000000000002".format
_TEXT = f"'string'::{VALUE_TYPE}"
_NONE = "''::LowCardinality(String)"

SERIES = f"""(SELECT project, series_id, metric, {_NONE} AS type, 'unspecified'::LowCardinality(String) AS temporality, false AS monotonic,
    {_NONE} AS unit, {_NONE} AS description, labels, arrayMap(k -> {_TEXT}, mapKeys(labels)) AS label_types,
    '{{{{}}}}'::LowCardinality(String) AS resource, {_NONE} AS scope, {_NONE} AS scope_version, {_NONE} AS scope_attributes,
    {_NONE} AS schema_url, labels['job']::LowCardinality(String) AS service, labels['environment']::LowCardinality(String) AS environment,
    {_NONE} AS release, toDateTime(first_seen) AS first_seen, toDateTime(last_seen) AS last_seen
    FROM default.prom_series WHERE project IN ({{projects}}))"""

_SAMPLES = f"""(SELECT project, series_id, toDateTime64(time, 9) AS time, value, 0::Int64 AS value_int,
    'double'::Enum8('none' = 0, 'double' = 4, 'int' = 6) AS value_type, toDateTime64(start, 9) AS start, 0::UInt32 AS flags
    FROM default.prom_samples FINAL WHERE project IN ({{projects}}) AND NOT {_STALE("value")})"""

_EXEMPLARS = f"""(SELECT project, series_id, toDateTime64(time, 9) AS time, value, 0::Int64 AS value_int,
    'double'::Enum8('none' = 0, 'double' = 3, 'int' = 6) AS value_type,
    if(match(labels['trace_id'], '^[0-9a-fA-F]{{{{32}}}}$'), unhex(labels['trace_id']), '')::FixedString(16) AS trace_id,
    if(match(labels['span_id'], '^[0-9a-fA-F]{{{{16}}}}$'), unhex(labels['span_id']), '')::FixedString(8) AS span_id,
    labels AS attributes, arrayMap(k -> {_TEXT}, mapKeys(labels)) AS attribute_types
    FROM default.prom_exemplars FINAL WHERE project IN ({{projects}}))"""

_HISTOGRAMS = f"""(SELECT * EXCEPT (time, start), toDateTime64(time, 9) AS time, toDateTime64(start, 9) AS start
    FROM default.prom_histograms FINAL WHERE project IN ({{projects}}) AND NOT {_STALE("sum")})"""

POINTS = {"samples": _SAMPLES, "exemplars": _EXEMPLARS, "native_histograms": _HISTOGRAMS}
"""View → its points; those of a view that OTLP has too are added to them."""
