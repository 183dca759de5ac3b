-- Log lines: requests of lines that are JSON or text. The engine splits, parses and judges them.
-- Each step is a table that keeps nothing, so that its expressions are planned but once.

-- Which lines of a request were refused, for protocols that tell the fate of each.
ALTER TABLE rejects ADD COLUMN IF NOT EXISTS lines Array(UInt32);

CREATE TABLE IF NOT EXISTS raw_log_lines (
    batch UInt64, request UInt32, project UInt32, received UInt64, oldest UInt64, newest UInt64, large Bool,
    service LowCardinality(String), environment LowCardinality(String), release LowCardinality(String),
    plain Bool, numbered Bool, body String
) ENGINE = Null;

-- Streams: lines of text that come with labels, and each with a time and pairs of its own.
CREATE TABLE IF NOT EXISTS raw_log_streams (
    batch UInt64, request UInt32, project UInt32, received UInt64, oldest UInt64, newest UInt64, large Bool,
    service LowCardinality(String), environment LowCardinality(String), release LowCardinality(String),
    streams Array(Tuple(entries Array(Tuple(
        timestamp Tuple(seconds Int64, nanos Int32), line String, metadata Array(Tuple(name String, value String)))))),
    labels Array(Tuple(names Array(String), raws Array(String))) -- one a stream; the values as JSON
) ENGINE = Null;

-- One row a line; objects within it are keys with dots by now.
CREATE TABLE IF NOT EXISTS split_log_lines (
    batch UInt64, request UInt32, project UInt32, received UInt64, oldest UInt64, newest UInt64, large Bool,
    service LowCardinality(String), environment LowCardinality(String), release LowCardinality(String),
    plain Bool, numbered Bool, line UInt32, text String, is_text Bool, keys Array(LowCardinality(String)), raws Array(String)
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS raw_log_lines_to_split TO split_log_lines AS
SELECT batch, request, project, received, oldest, newest, large, service, environment, release, plain, numbered, line, text,
    plain AND empty(pairs) AS is_text, pairs.1::Array(LowCardinality(String)) AS keys, pairs.2 AS raws
FROM {Flattened (
    SELECT batch, request, project, received, oldest, newest, large, service, environment, release, plain, numbered, line, text,
        JSONExtractKeysAndValuesRaw(text) AS pairs
    FROM (SELECT *, splitByChar('\n', body) AS texts FROM raw_log_lines)
    ARRAY JOIN texts AS text, arrayEnumerate(texts) AS line)};

-- A line that is JSON is understood, and what it says of itself comes before its labels.
CREATE MATERIALIZED VIEW IF NOT EXISTS raw_log_streams_to_split TO split_log_lines AS
SELECT batch, request, project, received, oldest, newest, large, service, environment, release, true AS plain, false AS numbered,
    0 AS line, text, empty(pairs) AS is_text, arrayConcat(times.1, pairs.1, given.1)::Array(LowCardinality(String)) AS keys,
    arrayConcat(times.2, pairs.2, given.2) AS raws
FROM {Flattened (
    SELECT batch, request, project, received, oldest, newest, large, service, environment, release, e.line AS text,
        JSONExtractKeysAndValuesRaw(text) AS pairs,
        if(e.timestamp.seconds = 0, [], [('timestamp', toString(e.timestamp.seconds * 1000000000 + e.timestamp.nanos))]) AS times,
        arrayConcat(arrayMap(m -> (m.name, toJSONString(m.value)), e.metadata), arrayZip(label.names, label.raws)) AS given
    FROM (SELECT * EXCEPT (streams, labels), s.entries AS entries, label FROM raw_log_streams ARRAY JOIN streams AS s, labels AS label)
    ARRAY JOIN entries AS e)};

-- The same as a record, with the reason why it cannot be kept, empty when it can.
CREATE TABLE IF NOT EXISTS judged_log_lines (
    batch UInt64, request UInt32, project UInt32, received UInt64, numbered Bool, line UInt32, sample String,
    reason LowCardinality(String), at Int64, service LowCardinality(String), environment LowCardinality(String),
    release LowCardinality(String), host LowCardinality(String), scope LowCardinality(String),
    severity_number UInt8, severity_text LowCardinality(String), body String, body_type {ValueType},
    event_name LowCardinality(String), trace_id String, span_id String,
    attribute_keys Array(LowCardinality(String)), attribute_texts Array(String), attribute_types Array({ValueType})
) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS split_log_lines_to_judged TO judged_log_lines AS
SELECT batch, request, project, received, numbered, line, if(reason = '', '', substring(text, 1, 200)) AS sample, reason, at,
    if(p_service = 0, service, substring(texts[p_service], 1, 256)) AS service,
    if(p_environment = 0, environment, substring(texts[p_environment], 1, 256)) AS environment,
    if(p_release = 0, release, substring(texts[p_release], 1, 256)) AS release,
    substring(texts[p_host], 1, 256) AS host, substring(texts[p_scope], 1, 256) AS scope,
    if(number BETWEEN 1 AND 24, number, {LineSeverity level}) AS severity_number,
    if(kinds[p_severity] = 'string', substring(level, 1, 64), '') AS severity_text,
    if(is_text, toValidUTF8(text), texts[p_body]) AS body, if(is_text, 'string', kinds[p_body]) AS body_type,
    substring(texts[p_event], 1, 256) AS event_name,
    if(has_trace, unhex(trace), '') AS trace_id, if(has_span, unhex(span), '') AS span_id,
    {LineNames arrayFilter((k, m) -> m, keys, rest)} AS attribute_keys,
    arrayFilter((x, m) -> m, texts, rest) AS attribute_texts, arrayFilter((x, m) -> m, kinds, rest) AS attribute_types
FROM (
    SELECT *, toInt64(ifNull(time, received)) AS at,
        ['', 'unparsable_line', 'too_old', 'in_future', 'too_many_attributes', 'value_too_large'][1 + indexOf([
            empty(keys) AND NOT plain AND JSONType(text) != 'Object', at < oldest, at > newest, length(keys) > 1024,
            large AND (byteSize(texts) > 2097152 OR arrayExists(x -> length(x) > 1048576, texts))], true)] AS reason,
        -- Attributes are the pairs that stand for nothing, stand there again, or were not understood:
        -- `left` has a bit for each such field.
        bitShiftLeft(toUInt16(isNull(time)), {LineNumber time}) + bitShiftLeft(toUInt16(NOT has_trace), {LineNumber trace})
            + bitShiftLeft(toUInt16(NOT has_span), {LineNumber span}) + bitShiftLeft(toUInt16(is_text), {LineNumber body})
            + bitShiftLeft(toUInt16(is_text OR p_body != p_other_body), {LineNumber other_body}) AS left,
        arrayMap((f, n) -> f = 0 OR n > 1 OR bitTest(left, f), fields, arrayEnumerateUniq(fields)) AS rest
    FROM (
        SELECT * EXCEPT (stamp, is_text), {LineTime stamp} AS time, toUInt8OrZero(texts[p_number]) AS number,
            match(trace, '^[0-9a-fA-F]{32}$') AS has_trace, match(span, '^[0-9a-fA-F]{16}$') AS has_span,
            is_text OR (plain AND p_body = 0) AS is_text
        FROM (
            SELECT *, texts[p_time] AS stamp, texts[p_severity] AS level, texts[p_trace] AS trace, texts[p_span] AS span
            FROM (
                SELECT *, {LinePlace time} AS p_time, {LinePlace severity} AS p_severity, {LinePlace number} AS p_number,
                    {LinePlace other_body} AS p_other_body, if({LinePlace body} = 0, p_other_body, {LinePlace body}) AS p_body,
                    {LinePlace service} AS p_service, {LinePlace environment} AS p_environment, {LinePlace release} AS p_release,
                    {LinePlace trace} AS p_trace, {LinePlace span} AS p_span, {LinePlace event} AS p_event,
                    {LinePlace host} AS p_host, {LinePlace scope} AS p_scope
                FROM (
                    SELECT * EXCEPT raws, {LineFields keys} AS fields, {LineTexts raws} AS texts,
                        {LineKinds raws}::Array({ValueType}) AS kinds
                    FROM split_log_lines
                )
            )
        )
    )
);

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_log_lines_to_logs TO logs AS
SELECT project, if(service = '', 'unknown_service', service) AS service, fromUnixTimestamp64Nano(at) AS time,
    observed_ns - at AS observed_after_ns, environment, release, severity_number, severity_text, body, body_type, event_name,
    trace_id::FixedString(16) AS trace_id, span_id::FixedString(8) AS span_id,
    mapFromArrays(attribute_keys, attribute_texts) AS attributes, attribute_types,
    concat('{"service.name":', toJSONString(service), if(release = '', '', concat(',"service.version":', toJSONString(release))),
        if(environment = '', '', concat(',"deployment.environment.name":', toJSONString(environment))),
        if(host = '', '', concat(',"host.name":', toJSONString(host))), '}') AS resource,
    scope, fromUnixTimestamp64Nano(observed_ns) AS received
FROM (SELECT *, received::Int64 AS observed_ns FROM judged_log_lines WHERE reason = '');

CREATE MATERIALIZED VIEW IF NOT EXISTS judged_log_lines_to_rejects TO rejects AS
SELECT project, fromUnixTimestamp64Nano(any(received)::Int64) AS time, 'logs' AS signal, reason, batch, request,
    count() AS items, any(toValidUTF8(sample)) AS sample, groupArrayIf(line, numbered) AS lines
FROM judged_log_lines WHERE reason != '' GROUP BY project, batch, request, reason;
