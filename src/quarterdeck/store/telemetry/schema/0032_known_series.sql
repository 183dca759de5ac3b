-- Which series of remote write 1.0 are known is told by the ingest itself (telemetry/known.py), which
-- writes their samples as columns. The engine is given what is left: metadata, and series to take apart.
DROP VIEW IF EXISTS raw_remote_write_known_to_known;

ALTER TABLE raw_remote_write_known DROP COLUMN IF EXISTS timeseries;

-- What makes the series of a batch known from now on.
ALTER TABLE prom_outcomes ADD COLUMN IF NOT EXISTS keys Array(UInt64);

DROP VIEW IF EXISTS judged_remote_write_to_outcomes;

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_remote_write_to_outcomes TO prom_outcomes AS
SELECT batch, request, r.1 AS reason, r.2 AS kind, sum(r.3) AS items, groupArrayArray(r.4) AS keys
FROM (
    SELECT batch, request, []::Array(UInt64) AS none, arrayConcat(arrayMap(r -> (r.1, r.2, 1::UInt64, none), refused),
        [('', 'sample', length(samples), arrayMap(at -> {PromKey series_id at}, samples.timestamp)),
            ('', 'histogram', length(histograms), none), ('', 'exemplar', length(exemplars), none)]) AS found
    FROM judged_remote_write WHERE phase = 'points'
) ARRAY JOIN found AS r GROUP BY batch, request, reason, kind;
