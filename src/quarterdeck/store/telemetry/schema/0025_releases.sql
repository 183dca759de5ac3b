-- When each release of a service was first and last heard of, by day: what the marks of
-- deployments are drawn from. Filled by a job, off the path of ingest; running it twice changes
-- nothing.
CREATE TABLE IF NOT EXISTS releases (
    project UInt32, service LowCardinality(String), environment LowCardinality(String),
    release LowCardinality(String), day Date,
    first SimpleAggregateFunction(min, DateTime64(3)), last SimpleAggregateFunction(max, DateTime64(3))
) ENGINE = AggregatingMergeTree PARTITION BY day ORDER BY (project, service, environment, release)
SETTINGS {Parts};
