"""How a log line in JSON becomes a record, as SQL expressions that the schema file shares.

A line's pairs are taken apart once and keep their order; nested objects become keys with dots.
Which pair is the time, the level or the message is told by its name, whatever its case; of
several the first counts, and the others stay attributes. So does what was not understood: a
time that is none, a trace id that is not hex.
"""

# What a record is made of, and the names under which senders have it (in lower case).
FIELDS: dict[str, tuple[str, ...]] = {
    "time": (
        "timestamp", "@timestamp", "time", "ts", "@t", "datetime", "date", "asctime", "_timestamp",
        "eventtime", "timeunixnano", "time_unix_nano", "event.timestamp",
    ),
    "severity": (
        "level", "severity", "lvl", "loglevel", "log_level", "log.level", "levelname", "@l",
        "severity_text", "severitytext", "detected_level",
    ),
    "number": ("severity_number", "severitynumber"),
    "body": ("message", "msg", "body", "@m", "@mt", "short_message", "event_message"),
    "other_body": ("log", "text", "event", "line"),
    "service": (
        "service", "service.name", "service_name", "servicename", "app", "application", "app_name",
        "appname", "application_name",
    ),
    "environment": (
        "environment", "env", "deployment.environment.name", "deployment.environment",
        "service.environment",
    ),
    "release": ("release", "service.version", "service_version", "app.version", "app_version"),
    "trace": ("trace_id", "traceid", "trace.id", "trace-id", "otel.trace_id"),
    "span": ("span_id", "spanid", "span.id", "span-id", "otel.span_id"),
    "event": ("event_name", "eventname", "event.name"),
    "host": ("host.name", "hostname", "host"),
    "scope": ("logger", "logger_name", "loggername", "logger.name", "log.logger"),
}  # fmt: skip
_NUMBERS = {name: number for number, name in enumerate(FIELDS, 1)}

# Names of attributes that mean the same everywhere, as OpenTelemetry has them.
RENAMED: dict[str, tuple[str, ...]] = {
    "user.id": ("user_id", "userid", "usr.id"),
    "request.id": ("request_id", "requestid", "req_id", "reqid", "req.id", "x-request-id", "http.request.id"),
    "exception.type": ("err.type", "error.name", "err.name"),
    "exception.message": ("err.message", "error.message"),
    "exception.stacktrace": ("err.stack", "error.stack", "error.stack_trace", "stack_trace", "exc_info"),
}  # fmt: skip

# OpenTelemetry's numbers. Digits alone are what pino and bunyan (10 to 60) or syslog (0 to 7) mean.
SEVERITIES: dict[int, tuple[str, ...]] = {
    1: ("trace", "verbose", "finest", "10"),
    5: ("debug", "dbg", "finer", "20", "7"),
    9: ("info", "information", "informational", "inf", "log", "default", "30", "6"),
    10: ("notice", "5"),
    13: ("warn", "warning", "wrn", "40", "4"),
    17: ("error", "err", "severe", "50", "3"),
    21: ("fatal", "critical", "crit", "ftl", "panic", "dpanic", "60", "2"),
    22: ("alert", "1"),
    24: ("emergency", "emerg", "0"),
}

_DEEPEST = 3  # levels of objects that become keys with dots; what is deeper stays JSON
_MOST_PAIRS = 1024  # as many attributes as a record may have
_LONGEST_KEY = 128  # before which a dot may be put; bounds how much a line can grow


def _known(names: dict[int, tuple[str, ...]], number: str) -> str:
    """The two arrays of transform()."""
    pairs = [(alias, target) for target, aliases in names.items() for alias in aliases]
    texts = ", ".join(f"'{alias}'" for alias, _ in pairs)
    return f"[{texts}], [{', '.join(str(n) for _, n in pairs)}]::Array({number})"


def fields(keys: str) -> str:
    """Array(UInt8): what each key stands for, 0 for an attribute."""
    numbered = {_NUMBERS[name]: aliases for name, aliases in FIELDS.items()}
    return f"arrayMap(k -> transform(lower(k), {_known(numbered, 'UInt8')}, 0::UInt8), {keys})"


def place(name: str) -> str:
    """`{LinePlace time}`: the position of the first pair that is the time, 0 for none."""
    return f"indexOf(fields, {number_of(name)})"


def number_of(name: str) -> str:
    """`{LineNumber time}`: what `fields` has for it."""
    return str(_NUMBERS[name])


def renamed(keys: str) -> str:
    pairs = [(alias, name) for name, aliases in RENAMED.items() for alias in aliases]
    old, new = (", ".join(f"'{pair[i]}'" for pair in pairs) for i in (0, 1))
    return f"arrayMap(k -> transform(lower(k), [{old}], [{new}], k), {keys})"


def severity(text: str) -> str:
    return f"transform(lower({text}), {_known(SEVERITIES, 'UInt8')}, 0::UInt8)"


def flattened(table: str) -> str:
    """`{Flattened TABLE}`: the rows of a subquery with `text` and its `pairs`, objects taken apart.

    A line that would have too many pairs keeps its objects as JSON, as does what lies too deep.
    Most lines have one level of objects, which the number of their braces tells: only others pay
    for the levels below.
    """
    nested = f"startsWith(p.2, '{{') AND length(p.2) > 2 AND length(p.1) <= {_LONGEST_KEY}"
    inner = "arrayMap(q -> (concat(p.1, '.', q.1), q.2), JSONExtractKeysAndValuesRaw(p.2))"
    grown = "length(pairs) + arraySum(p -> countSubstrings(p.2, '\":'), objects)"
    few = f"length(text) < {4 * _MOST_PAIRS} OR {grown} <= {_MOST_PAIRS}"
    table = f"(SELECT *, arrayFilter(p -> {nested}, pairs) AS objects FROM {table})"
    table = f"(SELECT *, if({few}, objects, []) AS level0 FROM {table})"
    table = f"(SELECT *, countSubstrings(text, '{{') > 1 + length(level0) AS deep FROM {table})"
    for level in range(1, _DEEPEST + 1):
        above = (
            f"level{level - 1}" if level == 1 else f"arrayFilter(p -> {nested}, level{level - 1})"
        )
        apart = f"arrayFlatten(arrayMap(p -> {inner}, {above}))"
        below = apart if level == 1 else f"if(deep, {apart}, [])"
        table = f"(SELECT *, {below} AS level{level} FROM {table})"
    leaves = ", ".join(
        f"arrayFilter(p -> NOT ({nested}), {name})"
        for name in ("pairs", *(f"level{level}" for level in range(1, _DEEPEST)))
    )
    whole = f"if(empty(level0), pairs, arrayConcat({leaves}, level{_DEEPEST}))"
    return f"(SELECT * EXCEPT pairs, {whole} AS pairs FROM {table})"


def texts(raws: str) -> str:
    """Array(String): what stands between the quotes, or the value as it is written.

    Only a line with a backslash in it pays for the escapes.
    """
    exact = (
        "if(startsWith(r, '\"'), if(position(r, '\\\\') = 0, substring(r, 2, length(r) - 2),"
        " JSONExtractString(r)), if(r = 'null', '', r))"
    )
    return f"""if(arrayExists(r -> position(r, '\\\\') > 0 OR r = 'null', {raws}),
        arrayMap(r -> {exact}, {raws}), arrayMap(r -> trim(BOTH '\"' FROM r), {raws}))"""


def kinds(raws: str) -> str:
    """Array(Int8): the type of each JSON value (macros.VALUE_TYPE), by its first character."""
    first = "34, 116, 102, 110, 91, 123"  # " t f n [ {
    number = "if(isNull(toInt64OrNull(r)), 4, 3)::Int8"
    return (
        f"arrayMap(r -> transform(ascii(r), [{first}], [1, 2, 2, 0, 100, 100]::Array(Int8), {number}),"
        f" {raws})"
    )


def time_of(text: str) -> str:
    """Nullable(Int64): nanoseconds since 1970 of seconds, ms, µs or ns by their size, or of a date."""
    date = "parseDateTime64BestEffortOrNull({0}, 9, 'UTC')".format
    comma = f"replaceOne({text}, ',', '.')"  # Python's logging has milliseconds behind a comma
    number = f"toDecimal128OrNull({text}, 9)"
    factor = (
        f"multiIf({number} < 1e11, 1000000000, {number} < 1e14, 1000000, {number} < 1e17, 1000, 1)"
    )
    return f"""multiIf(length({text}) < 9, NULL,
        isNotNull({number}), if({number} >= 1e8 AND {number} < 9e18, toInt64({number} * {factor}), NULL),
        length({text}) <= 64, toUnixTimestamp64Nano(ifNull({date(text)}, {date(comma)})), NULL)"""
