-- Logs: raw batches, records, and what is refused. A record without a time takes the time
-- it was observed, and failing that the time it was received (OpenTelemetry logs data model).

CREATE TABLE IF NOT EXISTS raw_logs (
    {Envelope},
    resource_logs Array(Tuple(
        scope_logs Array(Tuple(
            scope Tuple(name String, version String),
            log_records Array(Tuple(
                time_unix_nano UInt64, observed_time_unix_nano UInt64, severity_number Int32, severity_text String,
                body {AnyValue}, attributes {KeyValues}, dropped_attributes_count UInt32, flags UInt32,
                trace_id String, span_id String, event_name String)),
            schema_url String)),
        schema_url String))
) ENGINE = Null;

CREATE TABLE IF NOT EXISTS logs (
    project UInt32 CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    time DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    observed_after_ns Int64 CODEC(ZSTD(1)), -- most are written when they happen: a difference takes no room
    observed DateTime64(9) ALIAS fromUnixTimestamp64Nano(toUnixTimestamp64Nano(time) + observed_after_ns),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    severity_number UInt8 CODEC(ZSTD(1)),
    severity_text LowCardinality(String) CODEC(ZSTD(1)),
    severity Enum8('unspecified' = 0, 'trace' = 1, 'debug' = 2, 'info' = 3, 'warn' = 4, 'error' = 5, 'fatal' = 6)
        MATERIALIZED CAST(intDiv(toUInt8(severity_number) + 3, 4), 'Enum8(\'unspecified\' = 0, \'trace\' = 1, \'debug\' = 2, \'info\' = 3, \'warn\' = 4, \'error\' = 5, \'fatal\' = 6)') CODEC(ZSTD(1)),
    body String CODEC(ZSTD(1)),
    body_type {ValueType} CODEC(ZSTD(1)),
    event_name LowCardinality(String) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Array({ValueType}) CODEC(ZSTD(1)),
    resource LowCardinality(String) CODEC(ZSTD(1)),
    scope LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    scope_attributes LowCardinality(String) CODEC(ZSTD(1)),
    schema_url LowCardinality(String) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    dropped_attributes UInt32 CODEC(ZSTD(1)),
    received DateTime64(3) CODEC(Delta(8), ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX attribute_values mapValues(attributes) TYPE bloom_filter(0.05) GRANULARITY 1,
    INDEX body_words lower(body) TYPE text(tokenizer = splitByNonAlpha)
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (project, service, time)
SETTINGS {Parts}, min_bytes_for_wide_part = 134217728;

CREATE TABLE IF NOT EXISTS unfolded_logs (
    {Carried}, at UInt64,
    l Tuple(time_unix_nano UInt64, observed_time_unix_nano UInt64, severity_number Int32, severity_text String, body {AnyValue}, attributes {KeyValues}, dropped_attributes_count UInt32, flags UInt32, trace_id String, span_id String, event_name String)
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_logs_to_unfolded TO unfolded_logs AS
SELECT project, batch, request, received, service, environment, release, resource, scope, scope_version, scope_attributes, schema_url, l,
    multiIf(l.time_unix_nano != 0, l.time_unix_nano, l.observed_time_unix_nano != 0, l.observed_time_unix_nano, received) AS at,
    {LogReason} AS reason
FROM {Unfold raw_logs resource_logs scope_logs log_records} ARRAY JOIN items AS l;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_logs_to_logs TO logs AS
SELECT project, service, fromUnixTimestamp64Nano(at::Int64) AS time,
    l.observed_time_unix_nano::Int64 - at::Int64 AS observed_after_ns, environment, release,
    if(l.severity_number BETWEEN 0 AND 24, l.severity_number, 0)::UInt8 AS severity_number, {Name l.severity_text} AS severity_text,
    {Texts [l.body]}[1] AS body, l.body.value AS body_type, {Name l.event_name} AS event_name,
    if(length(l.trace_id) = 16, l.trace_id, '')::FixedString(16) AS trace_id,
    if(length(l.span_id) = 8, l.span_id, '')::FixedString(8) AS span_id,
    {Map l.attributes} AS attributes, l.attributes.value.value AS attribute_types,
    resource, scope, scope_version, scope_attributes, schema_url, l.flags AS flags,
    l.dropped_attributes_count AS dropped_attributes, fromUnixTimestamp64Nano(received::Int64) AS received
FROM unfolded_logs WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_logs_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'logs' AS signal, reason, batch, request,
    count() AS items, substring(any(l.body.string_value), 1, 200) AS sample
FROM unfolded_logs WHERE reason != '' GROUP BY project, batch, request, reason;

-- Records by minute and severity: the histogram over long ranges and the counts of the overview.
CREATE TABLE IF NOT EXISTS logs_1m (
    project UInt32, environment LowCardinality(String), service LowCardinality(String), minute DateTime,
    severity Int8, records SimpleAggregateFunction(sum, UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute)
ORDER BY (project, minute, service, environment, severity) SETTINGS {Parts};

CREATE MATERIALIZED VIEW IF NOT EXISTS logs_to_logs_1m TO logs_1m AS
SELECT project, environment, service, toStartOfMinute(time)::DateTime AS minute,
    intDiv(toUInt8(severity_number) + 3, 4)::Int8 AS severity, count() AS records
FROM logs GROUP BY project, environment, service, minute, severity;
