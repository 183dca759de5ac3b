-- Series that are asked for together lie together: their ids begin with the metric and the instance
-- ({PromId}). Everything that was stored moves to its new id; every step may be done again, since
-- the rows of series move last.

DROP VIEW IF EXISTS known_remote_write_to_samples;
DROP VIEW IF EXISTS raw_remote_write_2_known_to_known;
DROP VIEW IF EXISTS split_remote_write_to_judged;
DROP VIEW IF EXISTS judged_remote_write_to_samples;
DROP VIEW IF EXISTS judged_remote_write_to_known;
DROP VIEW IF EXISTS judged_remote_write_to_outcomes;

CREATE TABLE IF NOT EXISTS prom_moved (old UInt64, new UInt64) ENGINE = MergeTree ORDER BY old;

INSERT INTO prom_moved
SELECT DISTINCT series_id, {PromId hash place}
FROM (
    SELECT series_id, {PromHash encoded} AS hash, arraySum({PromMarks kinds hashes}) AS place
    FROM (
        SELECT project, series_id, {PromEncoded sorted} AS encoded, {PromKinds sorted.name} AS kinds, arrayMap(x -> xxh3(x), sorted.value) AS hashes
        FROM (
            SELECT project, series_id, {PromSorted pairs} AS sorted
            FROM (
                SELECT project, series_id,
                    arrayPushFront(arrayZip(mapKeys(labels)::Array(String), mapValues(labels)), ('__name__', metric::String))::{PromLabels} AS pairs
                FROM prom_series
            )
        )
    )
);

-- In smaller granules as well: a day of a series is 5,760 samples at one each 15 s, of which a question
-- often wants an hour.
CREATE TABLE IF NOT EXISTS prom_samples (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Delta(8), ZSTD(1)),
    start DateTime64(3) CODEC(DoubleDelta, ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts};

CREATE TABLE IF NOT EXISTS prom_samples_moved (
    project UInt32 CODEC(ZSTD(1)), series_id UInt64 CODEC(Delta(8), ZSTD(1)),
    time DateTime64(3) CODEC(DoubleDelta, ZSTD(1)),
    value Float64 CODEC(Delta(8), ZSTD(1)), -- bits kept: 0x7ff0000000000002 marks the end of a series
    start DateTime64(3) CODEC(DoubleDelta, ZSTD(1)) -- since when a counter counts, where the sender says
) ENGINE = ReplacingMergeTree PARTITION BY toDate(time) ORDER BY (project, series_id, time)
SETTINGS {Parts}, index_granularity = 1024, min_compress_block_size = 16384;

INSERT INTO prom_samples_moved
SELECT project, if(new = 0, series_id, new), time, value, start
FROM prom_samples FINAL LEFT ANY JOIN prom_moved ON series_id = old
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE prom_samples;

RENAME TABLE prom_samples_moved TO prom_samples;

INSERT INTO prom_histograms
SELECT project, new, * EXCEPT (project, series_id, old, new)
FROM prom_histograms FINAL INNER ANY JOIN prom_moved ON series_id = old WHERE old != new
SETTINGS max_partitions_per_insert_block = 0;

ALTER TABLE prom_histograms DELETE WHERE series_id IN (SELECT old FROM prom_moved WHERE old != new) SETTINGS mutations_sync = 1;

INSERT INTO prom_exemplars
SELECT project, new, * EXCEPT (project, series_id, old, new)
FROM prom_exemplars FINAL INNER ANY JOIN prom_moved ON series_id = old WHERE old != new
SETTINGS max_partitions_per_insert_block = 0;

ALTER TABLE prom_exemplars DELETE WHERE series_id IN (SELECT old FROM prom_moved WHERE old != new) SETTINGS mutations_sync = 1;

INSERT INTO prom_series
SELECT project, metric, new, labels, day, first_seen, last_seen
FROM prom_series INNER ANY JOIN prom_moved ON series_id = old WHERE old != new
SETTINGS max_partitions_per_insert_block = 0;

ALTER TABLE prom_series DELETE WHERE series_id IN (SELECT old FROM prom_moved WHERE old != new) SETTINGS mutations_sync = 1;

DROP TABLE prom_moved;

-- The views anew. What is known of a series is its hash; where it lies is told beside it.
ALTER TABLE judged_remote_write ADD COLUMN IF NOT EXISTS hash UInt64;

DROP TABLE IF EXISTS prom_outcomes;

CREATE TABLE prom_outcomes (
    batch UInt64, request UInt32, reason LowCardinality(String), kind LowCardinality(String), items UInt64, places Array(UInt32),
    known Array(Tuple(UInt64, UInt32)) -- keys and places of series that are known from now on
) ENGINE = Memory SETTINGS min_bytes_to_keep = 16777216, max_bytes_to_keep = 67108864;

CREATE MATERIALIZED VIEW IF NOT EXISTS known_remote_write_to_samples TO prom_samples AS
SELECT project, series_id, time, value, start FROM known_remote_write WHERE is_known;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_remote_write_2_known_to_known TO known_remote_write AS
SELECT batch, request, project, place, {PromId hash lies} AS series_id, fromUnixTimestamp64Milli(at, 'UTC') AS time, sample.value AS value,
    fromUnixTimestamp64Milli(if(sample.start_timestamp = 0, ts.5, sample.start_timestamp), 'UTC') AS start,
    is_simple AND at BETWEEN intDiv(oldest, 1000000) AND intDiv(newest, 1000000) AND {PromKey hash at} IN prom_known AS is_known
FROM (
    SELECT batch, request, project, oldest, newest, place, ts, ts.2[1] AS sample, sample.timestamp AS at, {PromHash encoded} AS hash, lies,
        is_even AND length(ts.2) = 1 AND empty(ts.3) AND empty(ts.4) AS is_simple
    FROM (
        SELECT batch, request, project, oldest, newest, timeseries, is_even, arrayEnumerate(timeseries) AS places,
            {PromJoined pairs counts} AS joined, {PromSums marks counts} AS all_lie
        FROM (
            SELECT *, {PromEncodedPairs encoded_names encoded_values} AS pairs, {PromMarks kinds hashes} AS marks
            FROM (
                SELECT *, {PromGathered names name_refs} AS encoded_names, {PromGathered values value_refs} AS encoded_values,
                    {PromGathered symbol_kinds name_refs} AS kinds, {PromGathered symbol_hashes value_refs} AS hashes
                FROM (
                    SELECT *, {PromEncodedNames symbols} AS names, {PromEncodedValues symbols} AS values,
                        {PromKinds symbols} AS symbol_kinds, arrayMap(x -> xxh3(x), symbols) AS symbol_hashes,
                        {PromEvery 1 refs} AS name_refs, {PromEvery 0 refs} AS value_refs
                    FROM (
                        SELECT *, arrayFlatten(timeseries.labels_refs) AS refs, arrayMap(r -> intDiv(length(r), 2), timeseries.labels_refs) AS counts,
                            NOT arrayExists(r -> length(r) % 2 = 1, timeseries.labels_refs) AS is_even
                        FROM raw_remote_write_2_known
                    )
                )
            )
        )
    )
    ARRAY JOIN timeseries AS ts, places AS place, joined AS encoded, all_lie AS lies
);

CREATE MATERIALIZED VIEW IF NOT EXISTS split_remote_write_to_judged TO judged_remote_write AS
SELECT batch, request, project, received, oldest, newest, phase, room, reason, arrayFirst(l -> l.1 = '__name__', labels).2 AS metric,
    series_id, hash, labels,
    arrayFilter((x, r) -> r = '', samples, sample_reasons) AS samples,
    arrayFilter((x, r) -> r = '', histograms, histogram_reasons) AS histograms,
    arrayFilter((x, r) -> r = '', exemplars, exemplar_reasons) AS exemplars, number, help_sent, unit_sent,
    arrayFilter(r -> r.1 != '', arrayConcat(
        arrayMap(r -> (r, 'sample'), sample_reasons), arrayMap(r -> (r, 'histogram'), histogram_reasons),
        arrayMap(r -> (r, 'exemplar'), exemplar_reasons))) AS refused
FROM (
    SELECT *,
        if(reason = '', {PromSampleReasons samples}, arrayMap(x -> reason, samples)) AS sample_reasons,
        if(reason = '', {PromHistogramReasons histograms}, arrayMap(x -> reason, histograms)) AS histogram_reasons,
        if(reason = '', {PromExemplarReasons exemplars}, arrayMap(x -> reason, exemplars)) AS exemplar_reasons
    FROM (
        SELECT *, if(of_labels = '' AND room > 0 AND place >= room AND series_id NOT IN prom_active, 'too_many_series', of_labels) AS reason
        FROM (
            SELECT *, if(of_labels = '', {PromEncoded labels}, '') AS encoded, {PromHash encoded} AS hash,
                {PromKinds labels.name} AS kinds, arrayMap(x -> xxh3(x), labels.value) AS hashes, arraySum({PromMarks kinds hashes}) AS lies,
                {PromId hash lies} AS series_id
            FROM (
                SELECT *, if(of_symbols = '', {PromSeriesReason labels}, of_symbols) AS of_labels
                FROM (SELECT * EXCEPT (labels, reason), reason AS of_symbols, {PromSorted labels_sent} AS labels
                    FROM (SELECT *, labels AS labels_sent FROM split_remote_write))
            )
        )
    )
);

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_samples TO prom_samples AS
SELECT project, series_id, fromUnixTimestamp64Milli(s.timestamp, 'UTC') AS time, s.value AS value,
    fromUnixTimestamp64Milli(s.start_timestamp, 'UTC') AS start
FROM judged_remote_write ARRAY JOIN samples AS s WHERE phase = 'points';

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_known TO prom_known AS
SELECT DISTINCT {PromKey hash at} AS key
FROM judged_remote_write ARRAY JOIN samples.timestamp AS at WHERE phase = 'points';

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_outcomes TO prom_outcomes AS
SELECT batch, request, r.1 AS reason, r.2 AS kind, sum(r.3) AS items, groupArrayArray(r.4) AS known
FROM (
    SELECT batch, request, []::Array(Tuple(UInt64, UInt32)) AS none,
        arrayConcat(arrayMap(r -> (r.1, r.2, 1::UInt64, none), refused),
            [('', 'sample', length(samples), arrayMap(at -> ({PromKey hash at}, {PromPlace series_id})::Tuple(UInt64, UInt32), samples.timestamp)),
                ('', 'histogram', length(histograms), none), ('', 'exemplar', length(exemplars), none)]) AS found
    FROM judged_remote_write WHERE phase = 'points'
) ARRAY JOIN found AS r GROUP BY batch, request, reason, kind;
