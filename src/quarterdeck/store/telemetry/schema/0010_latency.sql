-- Durations of requests by minute, as counts a bucket: eight buckets a doubling, so that a
-- quantile is off by at most 4.5 %. Rows of plain numbers are added up 100 times faster than
-- sketches are merged (57,000 sketches: 1.3 s), which is what the pages do all day.
CREATE TABLE IF NOT EXISTS latency_1m (
    project UInt32, service LowCardinality(String), minute DateTime CODEC(Delta(4), ZSTD(1)),
    environment LowCardinality(String), bucket UInt16,
    spans SimpleAggregateFunction(sum, UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(minute)
ORDER BY (project, service, minute, environment, bucket)
SETTINGS {Parts};

CREATE MATERIALIZED VIEW IF NOT EXISTS spans_to_latency TO latency_1m AS
SELECT project, service, toStartOfMinute(time)::DateTime AS minute, environment,
    toUInt16(floor(log2(greatest(duration_ns, 1)) * 8)) AS bucket, count() AS spans
FROM spans WHERE (spans.kind IN ('server', 'consumer')) OR (parent_span_id = toFixedString('', 8))
GROUP BY project, service, minute, environment, bucket;

-- The same by quarter of an hour, for ranges of more than a few hours.
CREATE TABLE IF NOT EXISTS latency_15m (
    project UInt32, service LowCardinality(String), quarter DateTime CODEC(Delta(4), ZSTD(1)),
    environment LowCardinality(String), bucket UInt16,
    spans SimpleAggregateFunction(sum, UInt64)
) ENGINE = AggregatingMergeTree PARTITION BY toDate(quarter)
ORDER BY (project, service, quarter, environment, bucket)
SETTINGS {Parts};

CREATE MATERIALIZED VIEW IF NOT EXISTS latency_to_quarters TO latency_15m AS
SELECT project, service, toStartOfFifteenMinutes(minute) AS quarter, environment, bucket, sum(spans) AS spans
FROM latency_1m GROUP BY project, service, quarter, environment, bucket;
