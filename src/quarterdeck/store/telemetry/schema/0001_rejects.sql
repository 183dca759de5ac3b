-- Everything refused, by request and reason: read before the acknowledgement, shown in Data health.
-- Items that nest come twice. First they stand here as `complex`, which is no refusal; a batch of
-- an odd number holds them again, and of it only `value_too_large` is new.
CREATE TABLE IF NOT EXISTS rejects (
    project UInt32, time DateTime64(3), signal LowCardinality(String), reason LowCardinality(String),
    batch UInt64, request UInt32, items UInt64, sample String
) ENGINE = MergeTree PARTITION BY toDate(time) ORDER BY (batch, request, project)
TTL toDateTime(time) + INTERVAL 7 DAY SETTINGS {Parts};
