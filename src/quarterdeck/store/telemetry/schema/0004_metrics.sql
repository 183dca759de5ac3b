-- Metrics: series apart from their points, a table a kind of point, exemplars. A raw table a
-- kind, because the engine plans the views of a table for every insert: a batch goes only to
-- the tables whose kinds it holds.
--
-- A series is one metric with one resource, scope and set of attributes; its id is a hash of
-- all of them, so that it is the same after a restart and on every machine.

CREATE TABLE IF NOT EXISTS raw_numbers (
    {Envelope},
    resource_metrics Array(Tuple(
        scope_metrics Array(Tuple(
            scope Tuple(name String, version String),
            metrics Array(Tuple(
                name String, description String, unit String,
                gauge Tuple(data_points Array(Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, value Enum8('none' = 0, 'as_double' = 4, 'as_int' = 6), as_double Float64, as_int Int64, exemplars Array(Tuple(filtered_attributes {KeyValues}, time_unix_nano UInt64, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String)), flags UInt32))),
                sum Tuple(data_points Array(Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, value Enum8('none' = 0, 'as_double' = 4, 'as_int' = 6), as_double Float64, as_int Int64, exemplars Array(Tuple(filtered_attributes {KeyValues}, time_unix_nano UInt64, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String)), flags UInt32)), aggregation_temporality Int32, is_monotonic Bool))),
            schema_url String)),
        schema_url String))
) ENGINE = Null;

CREATE TABLE IF NOT EXISTS raw_histograms (
    {Envelope},
    resource_metrics Array(Tuple(
        scope_metrics Array(Tuple(
            scope Tuple(name String, version String),
            metrics Array(Tuple(
                name String, description String, unit String,
                histogram Tuple(data_points Array(Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), bucket_counts Array(UInt64), explicit_bounds Array(Float64), exemplars Array(Tuple(filtered_attributes {KeyValues}, time_unix_nano UInt64, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String)), flags UInt32, min Nullable(Float64), max Nullable(Float64))), aggregation_temporality Int32))),
            schema_url String)),
        schema_url String))
) ENGINE = Null;

CREATE TABLE IF NOT EXISTS raw_exponential_histograms (
    {Envelope},
    resource_metrics Array(Tuple(
        scope_metrics Array(Tuple(
            scope Tuple(name String, version String),
            metrics Array(Tuple(
                name String, description String, unit String,
                exponential_histogram Tuple(data_points Array(Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Nullable(Float64), scale Int32, zero_count UInt64, positive Tuple(offset Int32, bucket_counts Array(UInt64)), negative Tuple(offset Int32, bucket_counts Array(UInt64)), flags UInt32, exemplars Array(Tuple(filtered_attributes {KeyValues}, time_unix_nano UInt64, as_double Float64, as_int Int64, value Enum8('none' = 0, 'as_double' = 3, 'as_int' = 6), span_id String, trace_id String)), min Nullable(Float64), max Nullable(Float64), zero_threshold Float64)), aggregation_temporality Int32))),
            schema_url String)),
        schema_url String))
) ENGINE = Null;

CREATE TABLE IF NOT EXISTS raw_summaries (
    {Envelope},
    resource_metrics Array(Tuple(
        scope_metrics Array(Tuple(
            scope Tuple(name String, version String),
            metrics Array(Tuple(
                name String, description String, unit String,
                summary Tuple(data_points Array(Tuple(attributes {KeyValues}, start_time_unix_nano UInt64, time_unix_nano UInt64, count UInt64, sum Float64, quantile_values Array(Tuple(quantile Float64, value Float64)), flags UInt32))))),
            schema_url String)),
        schema_url String))
) ENGINE = Null;

-- Written for every batch that names a series and folded in the background. What describes a
-- series follows from its id, so that whichever row a merge keeps has the right values.
CREATE TABLE IF NOT EXISTS series (
    project UInt32, metric LowCardinality(String), series_id UInt64,
    type LowCardinality(String), temporality LowCardinality(String), monotonic Bool,
    unit LowCardinality(String), description LowCardinality(String),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(3)), label_types Array({ValueType}) CODEC(ZSTD(1)),
    resource LowCardinality(String), scope LowCardinality(String), scope_version LowCardinality(String),
    scope_attributes LowCardinality(String), schema_url LowCardinality(String),
    service LowCardinality(String), environment LowCardinality(String), release LowCardinality(String), day Date,
    first_seen SimpleAggregateFunction(min, DateTime), last_seen SimpleAggregateFunction(max, DateTime)
) ENGINE = AggregatingMergeTree PARTITION BY day ORDER BY (project, metric, series_id)
SETTINGS {Parts}, allow_dimensions_outside_sorting_key = 1;

CREATE TABLE IF NOT EXISTS samples (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9) CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Delta(8), ZSTD(1)),
    value_int Int64 CODEC(DoubleDelta, ZSTD(1)),
    value_type Enum8('none' = 0, 'double' = 4, 'int' = 6) CODEC(ZSTD(1)),
    start DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

CREATE TABLE IF NOT EXISTS histograms (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9) CODEC(DoubleDelta, ZSTD(1)),
    start DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    count UInt64 CODEC(Delta(8), ZSTD(1)),
    sum Nullable(Float64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    bounds Array(Float64) CODEC(ZSTD(1)),
    counts Array(UInt64) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

CREATE TABLE IF NOT EXISTS exponential_histograms (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9) CODEC(DoubleDelta, ZSTD(1)),
    start DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    count UInt64 CODEC(Delta(8), ZSTD(1)),
    sum Nullable(Float64) CODEC(ZSTD(1)),
    min Nullable(Float64) CODEC(ZSTD(1)),
    max Nullable(Float64) CODEC(ZSTD(1)),
    scale Int32 CODEC(ZSTD(1)),
    zero_count UInt64 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    positive_offset Int32 CODEC(ZSTD(1)),
    positive_counts Array(UInt64) CODEC(ZSTD(1)),
    negative_offset Int32 CODEC(ZSTD(1)),
    negative_counts Array(UInt64) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

CREATE TABLE IF NOT EXISTS summaries (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(9) CODEC(DoubleDelta, ZSTD(1)),
    start DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    count UInt64 CODEC(Delta(8), ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    quantiles Array(Float64) CODEC(ZSTD(1)),
    quantile_values Array(Float64) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

CREATE TABLE IF NOT EXISTS exemplars (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)), time DateTime64(9) CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(ZSTD(1)), value_int Int64 CODEC(ZSTD(1)),
    value_type Enum8('none' = 0, 'double' = 3, 'int' = 6) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)), span_id FixedString(8) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)), attribute_types Array({ValueType}) CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

