-- Spans: a raw table that keeps nothing, the spans, what is refused, RED by minute, and
-- where in time and in which services a trace lives.

CREATE TABLE IF NOT EXISTS raw_spans (
    {Envelope},
    resource_spans Array(Tuple(
        scope_spans Array(Tuple(
            scope Tuple(name String, version String),
            spans Array(Tuple(
                trace_id String, span_id String, trace_state String, parent_span_id String, flags UInt32,
                name String, kind Int32, start_time_unix_nano UInt64, end_time_unix_nano UInt64,
                attributes {KeyValues}, dropped_attributes_count UInt32,
                events Array(Tuple(time_unix_nano UInt64, name String, attributes {KeyValues}, dropped_attributes_count UInt32)),
                dropped_events_count UInt32,
                links Array(Tuple(trace_id String, span_id String, trace_state String, attributes {KeyValues}, dropped_attributes_count UInt32, flags UInt32)),
                dropped_links_count UInt32,
                status Tuple(message String, code Int32))),
            schema_url String)),
        schema_url String))
) ENGINE = Null;

CREATE TABLE IF NOT EXISTS spans (
    project UInt32 CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    time DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_span_id FixedString(8) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    kind Enum8('unspecified' = 0, 'internal' = 1, 'server' = 2, 'client' = 3, 'producer' = 4, 'consumer' = 5) CODEC(ZSTD(1)),
    status Enum8('unset' = 0, 'ok' = 1, 'error' = 2) CODEC(ZSTD(1)),
    status_message String CODEC(ZSTD(1)),
    duration_ns Int64 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    attribute_types Array({ValueType}) CODEC(ZSTD(1)),
    resource LowCardinality(String) CODEC(ZSTD(1)),
    scope LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    scope_attributes LowCardinality(String) CODEC(ZSTD(1)),
    schema_url LowCardinality(String) CODEC(ZSTD(1)),
    events String CODEC(ZSTD(1)),
    links String CODEC(ZSTD(1)),
    trace_state LowCardinality(String) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    dropped Array(UInt32) CODEC(ZSTD(1)),
    received DateTime64(3) CODEC(Delta(8), ZSTD(1)),
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX attribute_values mapValues(attributes) TYPE bloom_filter(0.05) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (project, service, toStartOfMinute(time), name, time)
SETTINGS {Parts}, min_bytes_for_wide_part = 134217728;

-- One row a span with the reason why it cannot be kept, empty when it can. Unfolding once for
-- both views below halves what an insert costs.
CREATE TABLE IF NOT EXISTS unfolded_spans (
    {Carried},
    s Tuple(trace_id String, span_id String, trace_state String, parent_span_id String, flags UInt32, name String, kind Int32, start_time_unix_nano UInt64, end_time_unix_nano UInt64, attributes {KeyValues}, dropped_attributes_count UInt32, events Array(Tuple(time_unix_nano UInt64, name String, attributes {KeyValues}, dropped_attributes_count UInt32)), dropped_events_count UInt32, links Array(Tuple(trace_id String, span_id String, trace_state String, attributes {KeyValues}, dropped_attributes_count UInt32, flags UInt32)), dropped_links_count UInt32, status Tuple(message String, code Int32))
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_spans_to_unfolded TO unfolded_spans AS
SELECT project, batch, request, received, {SpanReason} AS reason, service, environment, release, resource,
    scope, scope_version, scope_attributes, schema_url, s
FROM {Unfold raw_spans resource_spans scope_spans spans} ARRAY JOIN items AS s;

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_spans_to_spans TO spans AS
SELECT project, service, fromUnixTimestamp64Nano(s.start_time_unix_nano::Int64) AS time, environment, release,
    s.trace_id::FixedString(16) AS trace_id, s.span_id::FixedString(8) AS span_id,
    s.parent_span_id::FixedString(8) AS parent_span_id, {Name s.name} AS name,
    if(s.kind BETWEEN 0 AND 5, s.kind, 0)::Int8 AS kind, if(s.status.code BETWEEN 0 AND 2, s.status.code, 0)::Int8 AS status,
    s.status.message AS status_message, s.end_time_unix_nano::Int64 - s.start_time_unix_nano::Int64 AS duration_ns,
    {Map s.attributes} AS attributes, s.attributes.value.value AS attribute_types,
    resource, scope, scope_version, scope_attributes, schema_url,
    if(empty(s.events), '', concat('[', arrayStringConcat(arrayMap(
        (t, n, a, d) -> concat('{"time":', toString(t), ',"name":', toJSONString(n), ',"dropped":', toString(d), ',"attributes":', {Object a}, '}'),
        s.events.time_unix_nano, s.events.name, s.events.attributes, s.events.dropped_attributes_count), ','), ']')) AS events,
    if(empty(s.links), '', concat('[', arrayStringConcat(arrayMap(
        (t, p, st, a, d, f) -> concat('{"trace_id":"', lower(hex(t)), '","span_id":"', lower(hex(p)), '","trace_state":', toJSONString(st),
            ',"flags":', toString(f), ',"dropped":', toString(d), ',"attributes":', {Object a}, '}'),
        s.links.trace_id, s.links.span_id, s.links.trace_state, s.links.attributes, s.links.dropped_attributes_count, s.links.flags), ','), ']')) AS links,
    s.trace_state AS trace_state, s.flags AS flags,
    if(s.dropped_attributes_count + s.dropped_events_count + s.dropped_links_count = 0, [],
       [s.dropped_attributes_count, s.dropped_events_count, s.dropped_links_count]) AS dropped,
    fromUnixTimestamp64Nano(received::Int64) AS received
FROM unfolded_spans WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS unfolded_spans_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'traces' AS signal, reason, batch, request,
    count() AS items, substring(any(s.name), 1, 200) AS sample
FROM unfolded_spans WHERE reason != '' GROUP BY project, batch, request, reason;

-- Rate, errors and duration by minute. `entry` marks spans that a service was asked for
-- (server, consumer) or that began a trace: what a person means by "a request".
CREATE TABLE IF NOT EXISTS red_1m (
    project UInt32, environment LowCardinality(String), service LowCardinality(String), minute DateTime,
    release LowCardinality(String), entry Bool, kind Int8, name LowCardinality(String),
    spans SimpleAggregateFunction(sum, UInt64), errors SimpleAggregateFunction(sum, UInt64),
    total_ns SimpleAggregateFunction(sum, Int64), max_ns SimpleAggregateFunction(max, Int64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute)
ORDER BY (project, entry, service, minute, environment, release, kind, name)
SETTINGS {Parts};

CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_red TO red_1m AS
SELECT project, environment, service, toStartOfMinute(time)::DateTime AS minute, release,
    (spans.kind IN ('server', 'consumer')) OR (parent_span_id = toFixedString('', 8)) AS entry, toInt8(spans.kind) AS kind, name,
    count() AS spans, countIf(status = 'error') AS errors, sum(duration_ns) AS total_ns, max(duration_ns) AS max_ns
FROM spans GROUP BY project, environment, service, minute, release, entry, kind, name;

CREATE TABLE IF NOT EXISTS trace_times (
    project UInt32, trace_id FixedString(16) CODEC(ZSTD(1)), day Date,
    first SimpleAggregateFunction(min, DateTime64(9)), last SimpleAggregateFunction(max, DateTime64(9)),
    spans SimpleAggregateFunction(sum, UInt64), errors SimpleAggregateFunction(sum, UInt64),
    services SimpleAggregateFunction(groupUniqArrayArray, Array(String))
) ENGINE = AggregatingMergeTree PARTITION BY day ORDER BY (project, trace_id)
SETTINGS {Parts};

CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_trace_times TO trace_times AS
SELECT project, trace_id, toDate(min(time)) AS day, min(time) AS first,
    max(fromUnixTimestamp64Nano(toUnixTimestamp64Nano(time) + greatest(duration_ns, 0))) AS last,
    count() AS spans, countIf(status = 'error') AS errors, groupUniqArray(toString(service)) AS services
FROM spans GROUP BY project, trace_id;
