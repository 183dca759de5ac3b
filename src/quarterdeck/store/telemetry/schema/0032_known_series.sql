-- Which series of remote write 1.0 are known is told by the ingest itself (telemetry/known.py), which
-- writes their samples as columns. The engine is given what is left: metadata, and series to take apart.
DROP VIEW IF EXISTS raw_remote_write_known_to_known;

ALTER TABLE raw_remote_write_known DROP COLUMN IF EXISTS timeseries;
