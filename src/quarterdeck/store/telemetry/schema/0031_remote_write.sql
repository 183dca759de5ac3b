-- Prometheus remote write. A batch is inserted up to three times (ingest/prometheus/write.py): in
-- the phase `known` the samples of series that have their row already, and for requests with others
-- the rows of their `series`, then their `points`: no point is ever durable before its series.

-- Since when a counter counts, where the sender says.
ALTER TABLE prom_samples ADD COLUMN IF NOT EXISTS start DateTime64(3) CODEC(DoubleDelta, ZSTD(1));

-- Series with a row in `prom_series` for an hour. Forgetting costs a row written again, no more:
-- it is empty after a start, and emptied when rows of series are deleted.
CREATE TABLE IF NOT EXISTS prom_known (key UInt64) ENGINE = Set SETTINGS persistent = 0;

-- What became of each request, for as long as it takes to read it.
CREATE TABLE IF NOT EXISTS prom_outcomes (
    batch UInt64, request UInt32, reason LowCardinality(String), kind LowCardinality(String), items UInt64
) ENGINE = Memory SETTINGS min_rows_to_keep = 100000, max_rows_to_keep = 300000;

CREATE TABLE IF NOT EXISTS raw_remote_write (
    {PromEnvelope},
    timeseries Array(Tuple(labels {PromLabels}, samples Array(Tuple(value Float64, timestamp Int64)),
        exemplars Array({PromExemplar}), histograms Array({PromHistogram}))),
    metadata Array(Tuple(type Int32, metric_family_name String, help String, unit String))
) ENGINE = Null;

-- One row a series of a request.
CREATE TABLE IF NOT EXISTS split_remote_write (
    {PromCarried},
    labels {PromLabels}, samples Array({PromSample}), histograms Array({PromHistogram}), exemplars Array({PromExemplar})
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_remote_write_to_split TO split_remote_write AS
SELECT batch, request, project, received, intDiv(oldest, 1000000)::Int64 AS oldest, intDiv(newest, 1000000)::Int64 AS newest, phase,
    {PromSorted ts.labels} AS labels, arrayMap(s -> (s.value, s.timestamp, 0), ts.samples) AS samples,
    ts.histograms AS histograms, ts.exemplars AS exemplars
FROM raw_remote_write ARRAY JOIN timeseries AS ts;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_remote_write_to_metadata TO prom_metadata AS
SELECT project, m.metric_family_name AS metric, {PromTypes}[1 + if(m.type BETWEEN 0 AND 7, m.type, 0)] AS type,
    toValidUTF8(m.help) AS help, toValidUTF8(m.unit) AS unit, toDate(seen) AS day,
    fromUnixTimestamp64Milli(intDiv(received, 1000000)::Int64, 'UTC') AS seen
FROM raw_remote_write ARRAY JOIN metadata AS m
WHERE phase != 'series' AND metric != '' AND isValidUTF8(metric) AND length(metric) <= 1024;

-- The same, with why it is no series or why some of its points are none; these are left out.
CREATE TABLE IF NOT EXISTS judged_remote_write (
    {PromCarried},
    series_id UInt64, labels {PromLabels}, samples Array({PromSample}), histograms Array({PromHistogram}), exemplars Array({PromExemplar}),
    refused Array(Tuple(reason LowCardinality(String), kind LowCardinality(String)))
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS split_remote_write_to_judged TO judged_remote_write AS
SELECT batch, request, project, received, oldest, newest, phase, {PromId encoded} AS series_id, labels,
    arrayFilter((x, r) -> r = '', samples, sample_reasons) AS samples,
    arrayFilter((x, r) -> r = '', histograms, histogram_reasons) AS histograms,
    arrayFilter((x, r) -> r = '', exemplars, exemplar_reasons) AS exemplars,
    arrayFilter(r -> r.1 != '', arrayConcat(
        arrayMap(r -> (r, 'sample'), sample_reasons), arrayMap(r -> (r, 'histogram'), histogram_reasons),
        arrayMap(r -> (r, 'exemplar'), exemplar_reasons))) AS refused
FROM (
    SELECT *, if(reason = '', {PromEncoded labels}, '') AS encoded,
        if(reason = '', {PromSampleReasons samples}, arrayMap(x -> reason, samples)) AS sample_reasons,
        if(reason = '', {PromHistogramReasons histograms}, arrayMap(x -> reason, histograms)) AS histogram_reasons,
        if(reason = '', {PromExemplarReasons exemplars}, arrayMap(x -> reason, exemplars)) AS exemplar_reasons
    FROM (SELECT *, {PromSeriesReason labels} AS reason FROM split_remote_write)
);

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_series TO prom_series AS
SELECT project, metric, series_id, any(mapFromArrays(rest.name, rest.value)) AS labels,
    toDate(time) AS day, min(time) AS first_seen, max(time) AS last_seen
FROM (
    SELECT project, series_id, arrayFirst(l -> l.1 = '__name__', labels).2 AS metric, arrayFilter(l -> l.1 != '__name__', labels) AS rest,
        fromUnixTimestamp64Milli(at, 'UTC') AS time
    FROM judged_remote_write
    ARRAY JOIN arrayConcat(samples.timestamp, histograms.timestamp, exemplars.timestamp) AS at
    WHERE phase = 'series'
)
GROUP BY project, metric, series_id, day;

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_samples TO prom_samples AS
SELECT project, series_id, fromUnixTimestamp64Milli(s.timestamp, 'UTC') AS time, s.value AS value,
    fromUnixTimestamp64Milli(s.start_timestamp, 'UTC') AS start
FROM judged_remote_write ARRAY JOIN samples AS s WHERE phase = 'points';

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_histograms TO prom_histograms AS
SELECT project, series_id, fromUnixTimestamp64Milli(h.timestamp, 'UTC') AS time, fromUnixTimestamp64Milli(h.start_timestamp, 'UTC') AS start,
    h.count_int::Float64 + h.count_float AS count, h.sum AS sum, h.schema AS schema, h.zero_threshold AS zero_threshold,
    h.zero_count_int::Float64 + h.zero_count_float AS zero_count,
    {PromIndexes h.positive_spans} AS positive_index, {PromCounts h.positive} AS positive_count,
    {PromIndexes h.negative_spans} AS negative_index, {PromCounts h.negative} AS negative_count,
    h.custom_values AS custom_bounds, if(h.reset_hint BETWEEN 0 AND 3, h.reset_hint, 0) AS reset_hint
FROM judged_remote_write ARRAY JOIN histograms AS h WHERE phase = 'points';

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_exemplars TO prom_exemplars AS
SELECT project, series_id, fromUnixTimestamp64Milli(e.timestamp, 'UTC') AS time, e.value AS value,
    mapFromArrays(e.labels.name, e.labels.value) AS labels
FROM judged_remote_write ARRAY JOIN exemplars AS e WHERE phase = 'points';

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_outcomes TO prom_outcomes AS
SELECT batch, request, r.1 AS reason, r.2 AS kind, sum(r.3) AS items
FROM (
    SELECT batch, request, arrayConcat(arrayMap(r -> (r.1, r.2, 1::UInt64), refused),
        [('', 'sample', length(samples)), ('', 'histogram', length(histograms)), ('', 'exemplar', length(exemplars))]) AS found
    FROM judged_remote_write WHERE phase = 'points'
) ARRAY JOIN found AS r GROUP BY batch, request, reason, kind;

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'metrics' AS signal, r.1 AS reason, batch, request,
    count() AS items, any(sample) AS sample
FROM (
    SELECT project, received, batch, request, refused,
        toValidUTF8(substring(arrayStringConcat(arrayMap(l -> concat(l.1, '=', l.2), arraySlice(labels, 1, 20)), ', '), 1, 200)) AS sample
    FROM judged_remote_write WHERE phase = 'points' AND notEmpty(refused)
) ARRAY JOIN refused AS r GROUP BY project, batch, request, reason;
