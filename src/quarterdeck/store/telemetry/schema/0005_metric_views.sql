-- From raw metric batches to points, series, exemplars and refusals. A batch is unfolded once a
-- kind; each unfolded point knows its series.

CREATE TABLE IF NOT EXISTS unfolded_numbers (
    {Carried},
    metric LowCardinality(String), type LowCardinality(String), description LowCardinality(String), unit LowCardinality(String),
    temporality LowCardinality(String), monotonic Bool, labels Map(LowCardinality(String), String), series_id UInt64,
    p Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, value Enum8('none' = 0, 'as_double' = 4, 'as_int' = 6), as_double Float64, as_int Int64, exemplars Array(Tuple(filtered_attributes {KeyValues}, time_unix_nano UInt64, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String)), flags UInt32)
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_numbers_to_unfolded TO unfolded_numbers AS
SELECT project, batch, request, received, {PointReason exemplars} AS reason, service, environment, release, resource,
    scope, scope_version, scope_attributes, schema_url, m.name AS metric, if(notEmpty(m.sum.data_points), 'sum', 'gauge') AS type, m.description AS description,
    m.unit AS unit, {Temporality m.sum.aggregation_temporality} AS temporality, m.sum.is_monotonic AS monotonic, {Map p.attributes} AS labels, p,
    sipHash64(project, metric, type, temporality, monotonic, unit, resource, scope, scope_version, scope_attributes, schema_url,
        arraySort(arrayZip(mapKeys(labels), mapValues(labels), p.attributes.value.value))) AS series_id
FROM (
    SELECT *, m, if(notEmpty(m.sum.data_points), m.sum.data_points, m.gauge.data_points) AS points FROM {Unfold raw_numbers resource_metrics scope_metrics metrics} ARRAY JOIN items AS m
    WHERE notEmpty(points)
) ARRAY JOIN points AS p;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_numbers_to_points TO samples AS
SELECT project, series_id, fromUnixTimestamp64Nano(p.time_unix_nano::Int64) AS time,
    if(p.value = 'as_int', p.as_int::Float64, p.as_double) AS value, p.as_int AS value_int, CAST(p.value, 'Int8') AS value_type, fromUnixTimestamp64Nano(p.start_time_unix_nano::Int64) AS start, p.flags AS flags
FROM unfolded_numbers WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_numbers_to_series TO series AS
SELECT project, metric, series_id, any(type) AS type, any(temporality) AS temporality, any(monotonic) AS monotonic, any(unit) AS unit,
    any(description) AS description, any(labels) AS labels, any(p.attributes.value.value) AS label_types,
    any(resource) AS resource, any(scope) AS scope, any(scope_version) AS scope_version,
    any(scope_attributes) AS scope_attributes, any(schema_url) AS schema_url,
    any(service) AS service, any(environment) AS environment, any(release) AS release,
    toDate(fromUnixTimestamp64Nano(p.time_unix_nano::Int64)) AS day,
    min(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS first_seen,
    max(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS last_seen
FROM unfolded_numbers WHERE reason = '' GROUP BY project, metric, series_id, day;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_numbers_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'metrics' AS signal, reason, batch, request,
    count() AS items, substring(any(metric), 1, 200) AS sample
FROM unfolded_numbers WHERE reason != '' GROUP BY project, batch, request, reason;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_numbers_to_exemplars TO exemplars AS
SELECT project, series_id, fromUnixTimestamp64Nano(if(e.time_unix_nano = 0, at, e.time_unix_nano)::Int64) AS time,
    if(e.value = 'as_int', e.as_int::Float64, e.as_double) AS value, e.as_int AS value_int, CAST(e.value, 'Int8') AS value_type,
    if(length(e.trace_id) = 16, e.trace_id, '')::FixedString(16) AS trace_id,
    if(length(e.span_id) = 8, e.span_id, '')::FixedString(8) AS span_id,
    {Map e.filtered_attributes} AS attributes, e.filtered_attributes.value.value AS attribute_types
FROM (SELECT project, series_id, p.time_unix_nano AS at, p.exemplars AS exemplars FROM unfolded_numbers WHERE reason = '' AND notEmpty(p.exemplars))
ARRAY JOIN exemplars AS e;

CREATE TABLE IF NOT EXISTS unfolded_histograms (
    {Carried},
    metric LowCardinality(String), type LowCardinality(String), description LowCardinality(String), unit LowCardinality(String),
    temporality LowCardinality(String), monotonic Bool, labels Map(LowCardinality(String), String), series_id UInt64,
    p Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), bucket_counts Array(UInt64), explicit_bounds Array(Float64), exemplars Array(Tuple(filtered_attributes {KeyValues}, time_unix_nano UInt64, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String)), flags UInt32, min Nullable(Float64), max Nullable(Float64))
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_histograms_to_unfolded TO unfolded_histograms AS
SELECT project, batch, request, received, {PointReason exemplars} AS reason, service, environment, release, resource,
    scope, scope_version, scope_attributes, schema_url, m.name AS metric, 'histogram' AS type, m.description AS description,
    m.unit AS unit, {Temporality m.histogram.aggregation_temporality} AS temporality, false AS monotonic, {Map p.attributes} AS labels, p,
    sipHash64(project, metric, type, temporality, monotonic, unit, resource, scope, scope_version, scope_attributes, schema_url,
        arraySort(arrayZip(mapKeys(labels), mapValues(labels), p.attributes.value.value))) AS series_id
FROM (
    SELECT *, m, m.histogram.data_points AS points FROM {Unfold raw_histograms resource_metrics scope_metrics metrics} ARRAY JOIN items AS m
    WHERE notEmpty(points)
) ARRAY JOIN points AS p;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_histograms_to_points TO histograms AS
SELECT project, series_id, fromUnixTimestamp64Nano(p.time_unix_nano::Int64) AS time,
    fromUnixTimestamp64Nano(p.start_time_unix_nano::Int64) AS start, p.count AS count, p.sum AS sum, p.min AS min, p.max AS max, p.explicit_bounds AS bounds, p.bucket_counts AS counts, p.flags AS flags
FROM unfolded_histograms WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_histograms_to_series TO series AS
SELECT project, metric, series_id, any(type) AS type, any(temporality) AS temporality, any(monotonic) AS monotonic, any(unit) AS unit,
    any(description) AS description, any(labels) AS labels, any(p.attributes.value.value) AS label_types,
    any(resource) AS resource, any(scope) AS scope, any(scope_version) AS scope_version,
    any(scope_attributes) AS scope_attributes, any(schema_url) AS schema_url,
    any(service) AS service, any(environment) AS environment, any(release) AS release,
    toDate(fromUnixTimestamp64Nano(p.time_unix_nano::Int64)) AS day,
    min(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS first_seen,
    max(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS last_seen
FROM unfolded_histograms WHERE reason = '' GROUP BY project, metric, series_id, day;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_histograms_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'metrics' AS signal, reason, batch, request,
    count() AS items, substring(any(metric), 1, 200) AS sample
FROM unfolded_histograms WHERE reason != '' GROUP BY project, batch, request, reason;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_histograms_to_exemplars TO exemplars AS
SELECT project, series_id, fromUnixTimestamp64Nano(if(e.time_unix_nano = 0, at, e.time_unix_nano)::Int64) AS time,
    if(e.value = 'as_int', e.as_int::Float64, e.as_double) AS value, e.as_int AS value_int, CAST(e.value, 'Int8') AS value_type,
    if(length(e.trace_id) = 16, e.trace_id, '')::FixedString(16) AS trace_id,
    if(length(e.span_id) = 8, e.span_id, '')::FixedString(8) AS span_id,
    {Map e.filtered_attributes} AS attributes, e.filtered_attributes.value.value AS attribute_types
FROM (SELECT project, series_id, p.time_unix_nano AS at, p.exemplars AS exemplars FROM unfolded_histograms WHERE reason = '' AND notEmpty(p.exemplars))
ARRAY JOIN exemplars AS e;

CREATE TABLE IF NOT EXISTS unfolded_exponential_histograms (
    {Carried},
    metric LowCardinality(String), type LowCardinality(String), description LowCardinality(String), unit LowCardinality(String),
    temporality LowCardinality(String), monotonic Bool, labels Map(LowCardinality(String), String), series_id UInt64,
    p Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), scale Int32, zero_count UInt64, positive Tuple(offset Int32, bucket_counts Array(UInt64)), negative Tuple(offset Int32, bucket_counts Array(UInt64)), flags UInt32, exemplars Array(Tuple(filtered_attributes {KeyValues}, time_unix_nano UInt64, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String)), min Nullable(Float64), max Nullable(Float64), zero_threshold Float64)
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_exponential_histograms_to_unfolded TO unfolded_exponential_histograms AS
SELECT project, batch, request, received, {PointReason exemplars} AS reason, service, environment, release, resource,
    scope, scope_version, scope_attributes, schema_url, m.name AS metric, 'exponential_histogram' AS type, m.description AS description,
    m.unit AS unit, {Temporality m.exponential_histogram.aggregation_temporality} AS temporality, false AS monotonic, {Map p.attributes} AS labels, p,
    sipHash64(project, metric, type, temporality, monotonic, unit, resource, scope, scope_version, scope_attributes, schema_url,
        arraySort(arrayZip(mapKeys(labels), mapValues(labels), p.attributes.value.value))) AS series_id
FROM (
    SELECT *, m, m.exponential_histogram.data_points AS points FROM {Unfold raw_exponential_histograms resource_metrics scope_metrics metrics} ARRAY JOIN items AS m
    WHERE notEmpty(points)
) ARRAY JOIN points AS p;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_exponential_histograms_to_points TO exponential_histograms AS
SELECT project, series_id, fromUnixTimestamp64Nano(p.time_unix_nano::Int64) AS time,
    fromUnixTimestamp64Nano(p.start_time_unix_nano::Int64) AS start, p.count AS count, p.sum AS sum, p.min AS min, p.max AS max, p.scale AS scale, p.zero_count AS zero_count, p.zero_threshold AS zero_threshold, p.positive.offset AS positive_offset, p.positive.bucket_counts AS positive_counts, p.negative.offset AS negative_offset, p.negative.bucket_counts AS negative_counts, p.flags AS flags
FROM unfolded_exponential_histograms WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_exponential_histograms_to_series TO series AS
SELECT project, metric, series_id, any(type) AS type, any(temporality) AS temporality, any(monotonic) AS monotonic, any(unit) AS unit,
    any(description) AS description, any(labels) AS labels, any(p.attributes.value.value) AS label_types,
    any(resource) AS resource, any(scope) AS scope, any(scope_version) AS scope_version,
    any(scope_attributes) AS scope_attributes, any(schema_url) AS schema_url,
    any(service) AS service, any(environment) AS environment, any(release) AS release,
    toDate(fromUnixTimestamp64Nano(p.time_unix_nano::Int64)) AS day,
    min(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS first_seen,
    max(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS last_seen
FROM unfolded_exponential_histograms WHERE reason = '' GROUP BY project, metric, series_id, day;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_exponential_histograms_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'metrics' AS signal, reason, batch, request,
    count() AS items, substring(any(metric), 1, 200) AS sample
FROM unfolded_exponential_histograms WHERE reason != '' GROUP BY project, batch, request, reason;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_exponential_histograms_to_exemplars TO exemplars AS
SELECT project, series_id, fromUnixTimestamp64Nano(if(e.time_unix_nano = 0, at, e.time_unix_nano)::Int64) AS time,
    if(e.value = 'as_int', e.as_int::Float64, e.as_double) AS value, e.as_int AS value_int, CAST(e.value, 'Int8') AS value_type,
    if(length(e.trace_id) = 16, e.trace_id, '')::FixedString(16) AS trace_id,
    if(length(e.span_id) = 8, e.span_id, '')::FixedString(8) AS span_id,
    {Map e.filtered_attributes} AS attributes, e.filtered_attributes.value.value AS attribute_types
FROM (SELECT project, series_id, p.time_unix_nano AS at, p.exemplars AS exemplars FROM unfolded_exponential_histograms WHERE reason = '' AND notEmpty(p.exemplars))
ARRAY JOIN exemplars AS e;

CREATE TABLE IF NOT EXISTS unfolded_summaries (
    {Carried},
    metric LowCardinality(String), type LowCardinality(String), description LowCardinality(String), unit LowCardinality(String),
    temporality LowCardinality(String), monotonic Bool, labels Map(LowCardinality(String), String), series_id UInt64,
    p Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64)), flags UInt32)
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_summaries_to_unfolded TO unfolded_summaries AS
SELECT project, batch, request, received, {PointReason summary} AS reason, service, environment, release, resource,
    scope, scope_version, scope_attributes, schema_url, m.name AS metric, 'summary' AS type, m.description AS description,
    m.unit AS unit, 'unspecified' AS temporality, false AS monotonic, {Map p.attributes} AS labels, p,
    sipHash64(project, metric, type, temporality, monotonic, unit, resource, scope, scope_version, scope_attributes, schema_url,
        arraySort(arrayZip(mapKeys(labels), mapValues(labels), p.attributes.value.value))) AS series_id
FROM (
    SELECT *, m, m.summary.data_points AS points FROM {Unfold raw_summaries resource_metrics scope_metrics metrics} ARRAY JOIN items AS m
    WHERE notEmpty(points)
) ARRAY JOIN points AS p;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_summaries_to_points TO summaries AS
SELECT project, series_id, fromUnixTimestamp64Nano(p.time_unix_nano::Int64) AS time,
    fromUnixTimestamp64Nano(p.start_time_unix_nano::Int64) AS start, p.count AS count, p.sum AS sum, p.quantile_values.quantile AS quantiles, p.quantile_values.value AS quantile_values, p.flags AS flags
FROM unfolded_summaries WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_summaries_to_series TO series AS
SELECT project, metric, series_id, any(type) AS type, any(temporality) AS temporality, any(monotonic) AS monotonic, any(unit) AS unit,
    any(description) AS description, any(labels) AS labels, any(p.attributes.value.value) AS label_types,
    any(resource) AS resource, any(scope) AS scope, any(scope_version) AS scope_version,
    any(scope_attributes) AS scope_attributes, any(schema_url) AS schema_url,
    any(service) AS service, any(environment) AS environment, any(release) AS release,
    toDate(fromUnixTimestamp64Nano(p.time_unix_nano::Int64)) AS day,
    min(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS first_seen,
    max(fromUnixTimestamp64Nano(p.time_unix_nano::Int64))::DateTime AS last_seen
FROM unfolded_summaries WHERE reason = '' GROUP BY project, metric, series_id, day;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_summaries_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'metrics' AS signal, reason, batch, request,
    count() AS items, substring(any(metric), 1, 200) AS sample
FROM unfolded_summaries WHERE reason != '' GROUP BY project, batch, request, reason;
