-- What values the fields of spans and logs have, by quarter of an hour, so that no listing
-- scans raw data. Filled by a job, off the path of ingest, with bounded keys and values.
CREATE TABLE IF NOT EXISTS facets_15m (
    project UInt32, signal LowCardinality(String), field LowCardinality(String),
    quarter DateTime CODEC(Delta(4), ZSTD(1)), value String CODEC(ZSTD(1)),
    items SimpleAggregateFunction(sum, UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(quarter)
ORDER BY (project, signal, field, quarter, value)
SETTINGS {Parts};

-- Up to which arrival each signal has been counted.
CREATE TABLE IF NOT EXISTS facet_marks (
    signal LowCardinality(String), received DateTime64(3), version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY signal;

-- Lets the job and the live stream find what arrived since they last looked.
ALTER TABLE spans ADD INDEX IF NOT EXISTS received_range received TYPE minmax GRANULARITY 4;
ALTER TABLE logs ADD INDEX IF NOT EXISTS received_range received TYPE minmax GRANULARITY 4;
