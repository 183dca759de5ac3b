-- Errors of applications: a row an event, and what a group of them has counted by hour. The ingest
-- (errors/keep.py) judges and groups; the engine is given JSON lines.
CREATE TABLE IF NOT EXISTS raw_error_events (
    project UInt32, time_ns Int64, received_ns Int64, environment LowCardinality(String), service LowCardinality(String),
    release LowCardinality(String), group_id UInt64, event_id String, level LowCardinality(String), type String,
    message String, culprit String, category LowCardinality(String), severity LowCardinality(String),
    handled LowCardinality(String), platform LowCardinality(String), sdk LowCardinality(String), logger LowCardinality(String),
    transaction String, server_name LowCardinality(String), url String, method LowCardinality(String),
    user String, user_id String, user_email String, user_name String, user_ip String,
    browser LowCardinality(String), os LowCardinality(String), device LowCardinality(String),
    trace_id String, span_id String, replay_id String, tags Map(LowCardinality(String), String),
    grouped_by LowCardinality(String), grouped_parts Array(String), payload String
) ENGINE = Null;

-- An event that is sent again replaces itself.
CREATE TABLE IF NOT EXISTS error_events (
    project UInt32 CODEC(ZSTD(1)),
    group_id UInt64 CODEC(Delta(8), ZSTD(1)), -- hash of the project and of what the event was grouped by
    time DateTime64(9) CODEC(Delta(8), ZSTD(1)),
    event_id FixedString(16) CODEC(ZSTD(1)),
    environment LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    release LowCardinality(String) CODEC(ZSTD(1)),
    level LowCardinality(String) CODEC(ZSTD(1)),
    type String CODEC(ZSTD(1)),
    message String CODEC(ZSTD(1)),
    culprit String CODEC(ZSTD(1)),
    category LowCardinality(String) CODEC(ZSTD(1)),
    severity LowCardinality(String) CODEC(ZSTD(1)),
    handled LowCardinality(String) CODEC(ZSTD(1)), -- yes, no, or empty where nobody says
    platform LowCardinality(String) CODEC(ZSTD(1)),
    sdk LowCardinality(String) CODEC(ZSTD(1)),
    logger LowCardinality(String) CODEC(ZSTD(1)),
    transaction String CODEC(ZSTD(1)),
    server_name LowCardinality(String) CODEC(ZSTD(1)),
    url String CODEC(ZSTD(1)),
    method LowCardinality(String) CODEC(ZSTD(1)),
    user String CODEC(ZSTD(1)), -- what tells one person from another: id, else e-mail, name or address
    user_id String CODEC(ZSTD(1)),
    user_email String CODEC(ZSTD(1)),
    user_name String CODEC(ZSTD(1)),
    user_ip String CODEC(ZSTD(1)),
    browser LowCardinality(String) CODEC(ZSTD(1)),
    os LowCardinality(String) CODEC(ZSTD(1)),
    device LowCardinality(String) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    replay_id String CODEC(ZSTD(1)),
    tags Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    grouped_by LowCardinality(String) CODEC(ZSTD(1)),
    grouped_parts Array(String) CODEC(ZSTD(1)),
    payload String CODEC(ZSTD(3)), -- the event as it was sent
    received DateTime64(3) CODEC(Delta(8), ZSTD(1)),
    INDEX event_id_bloom event_id TYPE bloom_filter(0.001) GRANULARITY 1,
    INDEX trace_id_bloom trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(received) PARTITION BY toDate(time) ORDER BY (project, group_id, time, event_id)
SETTINGS {Parts}, index_granularity_bytes = 2097152;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_error_events_to_events TO error_events AS
SELECT * EXCEPT (time_ns, received_ns, event_id, trace_id, span_id), fromUnixTimestamp64Nano(time_ns) AS time,
    fromUnixTimestamp64Milli(intDiv(received_ns, 1000000), 'UTC') AS received, unhex(event_id)::FixedString(16) AS event_id,
    unhex(trace_id)::FixedString(16) AS trace_id, unhex(span_id)::FixedString(8) AS span_id
FROM raw_error_events;

-- An event that is sent again counts twice here; lists bear that, an issue counts its events themselves.
CREATE TABLE IF NOT EXISTS error_groups_1h (
    project UInt32, group_id UInt64 CODEC(Delta(8), ZSTD(1)), hour DateTime CODEC(Delta(4), ZSTD(1)),
    environment LowCardinality(String), service LowCardinality(String), release LowCardinality(String),
    events SimpleAggregateFunction(sum, UInt64),
    first_seen SimpleAggregateFunction(min, DateTime64(3)), last_seen SimpleAggregateFunction(max, DateTime64(3)),
    users AggregateFunction(uniqCombined(14), String)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(hour) ORDER BY (project, group_id, hour, environment, service, release)
SETTINGS {Parts};

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_error_events_to_groups TO error_groups_1h AS
SELECT project, group_id, toStartOfHour(time)::DateTime AS hour, environment, service, release, count() AS events,
    min(time)::DateTime64(3) AS first_seen, max(time)::DateTime64(3) AS last_seen, uniqCombinedStateIf(14)(user, user != '') AS users
FROM (SELECT *, fromUnixTimestamp64Nano(time_ns) AS time FROM raw_error_events)
GROUP BY project, group_id, hour, environment, service, release;
