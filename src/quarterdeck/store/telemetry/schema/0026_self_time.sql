-- Where time is spent itself: the duration of spans without the time in which a child was running,
-- by minute. Filled by a job from a sample of whole traces and scaled up; a minute that more spans
-- arrive for is counted anew, and its newest version is the one that holds.
CREATE TABLE IF NOT EXISTS self_1m (
    project UInt32, service LowCardinality(String), minute DateTime CODEC(Delta(4), ZSTD(1)),
    environment LowCardinality(String), kind Int8, name LowCardinality(String),
    spans UInt64 CODEC(ZSTD(1)), total_ns Int64 CODEC(ZSTD(1)), self_ns Int64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
) ENGINE = ReplacingMergeTree(version) PARTITION BY toDate(minute)
ORDER BY (project, minute, service, environment, kind, name)
SETTINGS {Parts};
