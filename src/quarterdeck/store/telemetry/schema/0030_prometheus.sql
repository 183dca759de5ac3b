-- Series and samples as Prometheus means them: a series is a set of labels, a sample a float at a
-- millisecond. A sample sent again replaces itself, so a sender may repeat what it got no answer for.

CREATE TABLE IF NOT EXISTS prom_series (
    project UInt32, metric LowCardinality(String), series_id UInt64, -- a hash of the project and all labels
    labels Map(LowCardinality(String), String) CODEC(ZSTD(3)), -- without __name__, which is `metric`
    day Date,
    first_seen SimpleAggregateFunction(min, DateTime64(3)), last_seen SimpleAggregateFunction(max, DateTime64(3)) -- to the hour
) ENGINE = AggregatingMergeTree PARTITION BY day ORDER BY (project, metric, series_id)
SETTINGS {Parts}, allow_dimensions_outside_sorting_key = 1;

CREATE TABLE IF NOT EXISTS prom_samples (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Delta(8), ZSTD(1)) -- bits kept: 0x7ff0000000000002 marks the end of a series
) ENGINE = ReplacingMergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

-- Native histograms, integer and float alike, with their buckets unfolded.
CREATE TABLE IF NOT EXISTS prom_histograms (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    start DateTime64(3) CODEC(Delta(8), ZSTD(1)),
    count Float64 CODEC(ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)), -- the marker of the end stands here
    schema Int8 CODEC(ZSTD(1)), -- -53: custom bounds
    zero_threshold Float64 CODEC(ZSTD(1)),
    zero_count Float64 CODEC(ZSTD(1)),
    positive_index Array(Int32) CODEC(ZSTD(1)),
    positive_count Array(Float64) CODEC(ZSTD(1)),
    negative_index Array(Int32) CODEC(ZSTD(1)),
    negative_count Array(Float64) CODEC(ZSTD(1)),
    custom_bounds Array(Float64) CODEC(ZSTD(1)),
    reset_hint UInt8 CODEC(ZSTD(1)) -- 0 unknown, 1 yes, 2 no, 3 gauge
) ENGINE = ReplacingMergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

CREATE TABLE IF NOT EXISTS prom_exemplars (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

-- What senders say of a metric.
CREATE TABLE IF NOT EXISTS prom_metadata (
    project UInt32, metric String, type LowCardinality(String), help String CODEC(ZSTD(1)), unit LowCardinality(String),
    day Date, seen DateTime64(3)
) ENGINE = ReplacingMergeTree(seen) PARTITION BY day ORDER BY (project, metric, type, help, unit)
SETTINGS {Parts};
