-- Who calls whom: calls between services, databases, queues and third parties by minute, split by
-- the bucket of their duration (eight buckets a doubling, as in latency_1m), so that figures and
-- quantiles are sums over plain rows. Filled by a job off the path of ingest; a minute that more
-- spans arrive for is counted anew, and its newest version is the one that holds.
CREATE TABLE IF NOT EXISTS edges_1m (
    project UInt32, minute DateTime CODEC(Delta(4), ZSTD(1)), environment LowCardinality(String),
    source_kind Enum8('service' = 1, 'database' = 2, 'external' = 3, 'queue' = 4, 'outside' = 5),
    source LowCardinality(String),
    target_kind Enum8('service' = 1, 'database' = 2, 'external' = 3, 'queue' = 4, 'outside' = 5),
    target LowCardinality(String),
    system LowCardinality(String), address LowCardinality(String), bucket UInt16,
    calls UInt64 CODEC(ZSTD(1)), errors UInt64 CODEC(ZSTD(1)),
    total_ns Int64 CODEC(ZSTD(1)), max_ns Int64 CODEC(ZSTD(1)),
    version UInt64 CODEC(Delta(8), ZSTD(1))
) ENGINE = ReplacingMergeTree(version) PARTITION BY toDate(minute)
ORDER BY (project, minute, environment, source_kind, source, target_kind, system, target, bucket)
SETTINGS {Parts};
