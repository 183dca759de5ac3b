-- Log lines folded into patterns (query/log_mask.py), by five minutes. Filled by a job, off the
-- path of ingest, with bounded rows. What exceeds the bounds is counted under the empty pattern.
-- Texts stand next to their likes, where they take hardly any room.
CREATE TABLE IF NOT EXISTS log_patterns (
    project UInt32, service LowCardinality(String), hash UInt64, environment LowCardinality(String),
    severity Int8, slot DateTime CODEC(Delta(4), ZSTD(1)),
    pattern SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    sample SimpleAggregateFunction(max, String) CODEC(ZSTD(1)),
    records SimpleAggregateFunction(sum, UInt64) CODEC(ZSTD(1)),
    first SimpleAggregateFunction(min, DateTime64(3)) CODEC(ZSTD(1)),
    last SimpleAggregateFunction(max, DateTime64(3)) CODEC(ZSTD(1))
) ENGINE = AggregatingMergeTree PARTITION BY toDate(slot)
ORDER BY (project, service, hash, environment, severity, slot)
SETTINGS {Parts};
