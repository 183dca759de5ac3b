-- Prometheus remote write. A batch is inserted up to three times (ingest/prometheus/write.py): in
-- the phase `known` the samples of series that have their row already, and of what is left the rows
-- of its `series`, then its `points`: no point is ever durable before its series. The views that make
-- ids and write samples are those of 0033.

-- Since when a counter counts, where the sender says.
ALTER TABLE prom_samples ADD COLUMN IF NOT EXISTS start DateTime64(3) CODEC(DoubleDelta, ZSTD(1));

-- Series with a row in `prom_series` for an hour. Forgetting costs a row written again, no more:
-- it is empty after a start, and emptied when rows of series are deleted.
CREATE TABLE IF NOT EXISTS prom_known (key UInt64) ENGINE = Set SETTINGS persistent = 0;

-- Active series of projects that are nearly at their limit; filled by ingest/prometheus/limit.py.
CREATE TABLE IF NOT EXISTS prom_active (series_id UInt64) ENGINE = Set SETTINGS persistent = 0;

-- What became of each request, for as long as it takes to read it: items by reason, empty for those
-- kept, and `rest` with the places of the series that are still to be written.
CREATE TABLE IF NOT EXISTS prom_outcomes (
    batch UInt64, request UInt32, reason LowCardinality(String), kind LowCardinality(String), items UInt64, places Array(UInt32)
) ENGINE = Memory SETTINGS min_bytes_to_keep = 16777216, max_bytes_to_keep = 67108864;

-- Version 1.0 in the phase `known`: a series is its bytes.
CREATE TABLE IF NOT EXISTS raw_remote_write_known (
    {PromEnvelope},
    timeseries Array(String), metadata Array(Tuple(type Int32, metric_family_name String, help String, unit String))
) ENGINE = Null;

CREATE TABLE IF NOT EXISTS known_remote_write (
    batch UInt64, request UInt32, project UInt32, place UInt32, series_id UInt64,
    time DateTime64(3), value Float64, start DateTime64(3), is_known Bool
) ENGINE = Null;

-- Version 2.0 likewise: each symbol is encoded as a name and as a value, each series put together of these.
CREATE TABLE IF NOT EXISTS raw_remote_write_2_known (
    {PromEnvelope}, symbols Array(String),
    timeseries Array(Tuple(labels_refs Array(UInt32), samples Array({PromSample}), histograms Array(String), exemplars Array(String), created_timestamp Int64))
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS known_remote_write_to_outcomes TO prom_outcomes AS
SELECT batch, request, if(is_known, '', 'rest') AS reason, 'sample' AS kind, count() AS items, groupArrayIf(place, NOT is_known) AS places
FROM known_remote_write GROUP BY batch, request, is_known;

CREATE TABLE IF NOT EXISTS judged_metadata (
    batch UInt64, request UInt32, project UInt32, received UInt64, number Int32, metric String, help String, unit String, reason LowCardinality(String)
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_remote_write_known_to_metadata TO judged_metadata AS
SELECT batch, request, project, received, m.type AS number, m.metric_family_name AS metric, toValidUTF8(m.help) AS help, toValidUTF8(m.unit) AS unit,
    {PromMetadataReason m} AS reason
FROM raw_remote_write_known ARRAY JOIN metadata AS m;

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_metadata_to_metadata TO prom_metadata AS
SELECT project, metric, {PromType number} AS type, help, unit, toDate(seen) AS day,
    fromUnixTimestamp64Milli(intDiv(received, 1000000)::Int64, 'UTC') AS seen
FROM judged_metadata WHERE reason = '';

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_metadata_to_outcomes TO prom_outcomes AS
SELECT batch, request, reason, 'metadata' AS kind, count() AS items FROM judged_metadata GROUP BY batch, request, reason;

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_metadata_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'metrics' AS signal, reason, batch, request,
    count() AS items, any(substring(toValidUTF8(metric), 1, 200)) AS sample
FROM judged_metadata WHERE reason != '' GROUP BY project, batch, request, reason;

-- Version 1.0 in the other phases.
CREATE TABLE IF NOT EXISTS raw_remote_write (
    {PromEnvelope},
    timeseries Array(Tuple(labels {PromLabels}, samples Array(Tuple(value Float64, timestamp Int64)),
        exemplars Array({PromExemplar}), histograms Array({PromHistogram})))
) ENGINE = Null;

-- One row a series of a request; `reason` when its labels cannot be read at all.
CREATE TABLE IF NOT EXISTS split_remote_write (
    {PromCarried}, place UInt32, reason LowCardinality(String),
    labels {PromLabels}, samples Array({PromSample}), histograms Array({PromHistogram}), exemplars Array({PromExemplar}),
    number Int32, help_sent String, unit_sent String -- metadata
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_remote_write_to_split TO split_remote_write AS
SELECT batch, request, project, received, intDiv(oldest, 1000000)::Int64 AS oldest, intDiv(newest, 1000000)::Int64 AS newest, phase, room, place,
    '' AS reason, ts.labels AS labels, arrayMap(s -> (s.value, s.timestamp, 0), ts.samples) AS samples,
    ts.histograms AS histograms, ts.exemplars AS exemplars, 0 AS number, '' AS help_sent, '' AS unit_sent
FROM raw_remote_write ARRAY JOIN timeseries AS ts, arrayEnumerate(timeseries) AS place;

-- Version 2.0: labels are references to the symbols of the request.
CREATE TABLE IF NOT EXISTS raw_remote_write_2 (
    {PromEnvelope}, symbols Array(String),
    timeseries Array(Tuple(labels_refs Array(UInt32), samples Array({PromSample}), histograms Array({PromHistogram}),
        exemplars Array(Tuple(labels_refs Array(UInt32), value Float64, timestamp Int64)),
        metadata Tuple(type Int32, help_ref UInt32, unit_ref UInt32), created_timestamp Int64))
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_remote_write_2_to_split TO split_remote_write AS
SELECT batch, request, project, received, intDiv(oldest, 1000000)::Int64 AS oldest, intDiv(newest, 1000000)::Int64 AS newest, phase, room, place,
    if(is_missing, 'symbol_missing', '') AS reason, {PromPairs texts} AS labels,
    arrayMap(s -> (s.value, s.timestamp, if(s.start_timestamp = 0, created, s.start_timestamp)), samples) AS samples,
    histograms, arrayMap(e -> (e.2, e.1.2, e.1.3), exemplars) AS exemplars, number, help_sent, unit_sent
FROM (
    SELECT batch, request, project, received, oldest, newest, phase, room, arrayEnumerate(refs) AS places, missing, timeseries.samples AS all_samples,
        timeseries.histograms AS all_histograms, timeseries.created_timestamp AS all_created, timeseries.metadata.type AS numbers, helps, units,
        {PromGrouped flat_texts lengths} AS all_texts, {PromGrouped flat_exemplars exemplar_counts} AS all_exemplars
    FROM (
        SELECT *, arrayMap((e, t, n) -> (e, if(n, [('', '')]::{PromLabels}, {PromPairs t})), every_exemplar, exemplar_texts, exemplar_missing) AS flat_exemplars
        FROM (
            SELECT *, {PromGrouped flat_exemplar_texts exemplar_lengths} AS exemplar_texts
            FROM (
                SELECT *, {PromGathered symbols flat_refs} AS flat_texts, {PromGathered symbols flat_exemplar_refs} AS flat_exemplar_texts,
                    {PromGathered symbols help_refs} AS helps, {PromGathered symbols unit_refs} AS units,
                    arrayMap(r -> length(r), refs) AS lengths, arrayMap(r -> length(r), exemplar_refs) AS exemplar_lengths,
                    arrayMap(x -> length(x), timeseries.exemplars) AS exemplar_counts,
                    arrayMap(r -> length(r) % 2 = 1 OR arrayExists(x -> x >= known, r), exemplar_refs) AS exemplar_missing,
                    arrayMap((r, h, u) -> length(r) % 2 = 1 OR arrayExists(x -> x >= known, r) OR greatest(h, u) > greatest(known, 1) - 1,
                        refs, help_refs, unit_refs) AS missing
                FROM (
                    SELECT *, length(symbols) AS known, timeseries.labels_refs AS refs, arrayFlatten(refs) AS flat_refs,
                        arrayFlatten(timeseries.exemplars) AS every_exemplar, every_exemplar.labels_refs AS exemplar_refs, arrayFlatten(exemplar_refs) AS flat_exemplar_refs,
                        timeseries.metadata.help_ref AS help_refs, timeseries.metadata.unit_ref AS unit_refs
                    FROM raw_remote_write_2
                )
            )
        )
    )
)
ARRAY JOIN places AS place, missing AS is_missing, all_texts AS texts, all_samples AS samples, all_histograms AS histograms, all_created AS created,
    numbers AS number, helps AS help_sent, units AS unit_sent, all_exemplars AS exemplars;

-- The same, sorted, with why it is no series or why some of its points are none; these are left out.
CREATE TABLE IF NOT EXISTS judged_remote_write (
    {PromCarried}, reason LowCardinality(String), metric String,
    series_id UInt64, labels {PromLabels}, samples Array({PromSample}), histograms Array({PromHistogram}), exemplars Array({PromExemplar}),
    number Int32, help_sent String, unit_sent String, refused Array(Tuple(reason LowCardinality(String), kind LowCardinality(String)))
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_active TO prom_active AS
SELECT series_id FROM judged_remote_write WHERE phase = 'series' AND room > 0 AND reason = '';

-- A row a day; the engine folds rows of one series. (Folding here would copy the labels value by value.)
CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_series TO prom_series AS
SELECT project, metric, series_id, mapFromArrays(rest.name, rest.value) AS labels, toDate(number) AS day,
    fromUnixTimestamp64Milli(arrayMin(of_day), 'UTC') AS first_seen, fromUnixTimestamp64Milli(arrayMax(of_day), 'UTC') AS last_seen
FROM (
    SELECT project, series_id, metric, rest, number, if(is_one, times, arrayFilter(t -> intDiv(t, 86400000) = number, times)) AS of_day
    FROM (
        SELECT project, series_id, metric, arrayFilter(l -> l.1 != '__name__', labels) AS rest,
            arrayConcat(samples.timestamp, histograms.timestamp, exemplars.timestamp) AS times,
            arrayDistinct(arrayMap(t -> intDiv(t, 86400000)::UInt16, times)) AS numbers, length(numbers) = 1 AS is_one
        FROM judged_remote_write WHERE phase = 'series'
    )
    ARRAY JOIN numbers AS number
);

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_metadata TO prom_metadata AS
SELECT project, metric, {PromType number} AS type, toValidUTF8(substring(help_sent, 1, 16384)) AS help, toValidUTF8(substring(unit_sent, 1, 1024)) AS unit,
    toDate(seen) AS day, fromUnixTimestamp64Milli(intDiv(any(received), 1000000)::Int64, 'UTC') AS seen
FROM judged_remote_write WHERE phase = 'series' AND reason = '' AND (number != 0 OR help_sent != '' OR unit_sent != '')
GROUP BY project, metric, number, help_sent, unit_sent;

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

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'metrics' AS signal, r.1 AS reason, batch, request,
    count() AS items, any(sample) AS sample
FROM (
    SELECT project, received, batch, request, refused,
        toValidUTF8(substring(arrayStringConcat(arrayMap(l -> concat(l.1, '=', l.2), arraySlice(labels, 1, 20)), ', '), 1, 200)) AS sample
    FROM judged_remote_write WHERE phase = 'points' AND notEmpty(refused)
) ARRAY JOIN refused AS r GROUP BY project, batch, request, reason;
