"""What stands for `{Name}` and `{Name argument}` in the numbered SQL files.

ClickHouse has neither type aliases nor functions over tuples; these macros give the schema
files one place for the nested types of OTLP and for the reasons why an item is refused.
"""

import re
from collections.abc import Callable

from quarterdeck.store.telemetry import lines, prometheus, values

VALUE_TYPE = (
    "Enum8('none' = 0, 'string' = 1, 'bool' = 2, 'int' = 3, 'double' = 4, 'array' = 5,"
    " 'kvlist' = 6, 'bytes' = 7, 'json' = 100)"
)
# The engine notices which member of a oneof is present only for members that have a column.
ANY_VALUE = (
    f"Tuple(value {VALUE_TYPE}, string_value String, bool_value Bool, int_value Int64, double_value Float64,"
    f" array_value Tuple(values Array(Tuple(value {VALUE_TYPE}, string_value String))), kvlist_value String,"
    " bytes_value String, json_value String)"
)

# What the ingest appends to every request; the arrays run parallel to its resources.
ENVELOPE = """\
batch UInt64, request UInt32, project UInt32, received UInt64, oldest UInt64, newest UInt64, large Bool,
    resources Array(LowCardinality(String)), services Array(LowCardinality(String)),
    environments Array(LowCardinality(String)), releases Array(LowCardinality(String)),
    scopes Array(Tuple(attributes Array(LowCardinality(String))))"""

# The columns of the envelope as every unfolded item carries them, and their types.
CARRIED = """\
project UInt32, batch UInt64, request UInt32, received UInt64, reason LowCardinality(String),
    service LowCardinality(String), environment LowCardinality(String), release LowCardinality(String),
    resource LowCardinality(String), scope LowCardinality(String), scope_version LowCardinality(String),
    scope_attributes LowCardinality(String), schema_url LowCardinality(String)"""

# Settings of every table. The engine would keep statistics of each column for a planner that
# our queries do not need, and make them anew in every insert and merge.
PARTS = "ttl_only_drop_parts = 1, auto_statistics_types = ''"

# `large` is set by the ingest for requests big enough to hold a value over a mebibyte, so that
# ordinary requests do not pay for the question.
_MOST_ATTRIBUTES = 1024
_LARGEST_VALUE = 1048576
_LARGEST_ITEM = 2097152
# Names are keys of roll-ups and stand in every list; what lies beyond is no name any more.
_LONGEST_NAME = 1024


def _name(text: str) -> str:
    """`{Name s.name}`: a name, cut where it is longer than any name should be."""
    return f"substringUTF8({text}, 1, {_LONGEST_NAME})"


def _unfold(argument: str) -> str:
    """`{Unfold raw_spans resource_spans scope_spans spans}`: one row an item, `items` unfolded later."""
    table, resources, scopes, items = argument.split()
    carried = "batch, request, project, received, oldest, newest, large"
    return f"""(
    SELECT {carried}, service, environment, release, resource, toLowCardinality({_name("ss.scope.name")}) AS scope,
        toLowCardinality({_name("ss.scope.version")}) AS scope_version, scope_attributes,
        toLowCardinality(if(ss.schema_url = '', rs_url, ss.schema_url)) AS schema_url, ss.{items} AS items
    FROM (
        SELECT {carried}, service, environment, release, resource, texts.attributes AS texts,
            rs.{scopes} AS scopes, rs.schema_url AS rs_url
        FROM {table} ARRAY JOIN {resources} AS rs, resources AS resource, services AS service,
            environments AS environment, releases AS release, scopes AS texts
    ) ARRAY JOIN scopes AS ss, texts AS scope_attributes
)"""


Reasons = list[tuple[str, str]]
"""(condition, reason) in the order in which they are judged."""


def _first(reasons: Reasons) -> str:
    """The reason whose condition holds first, empty when none does.

    An array of all conditions rather than multiIf, which would evaluate each condition over
    the rows that are left: copying columns of nested attributes for that took 0.4 µs a span.
    """
    names = ", ".join(f"'{reason}'" for _, reason in reasons)
    conditions = ",\n    ".join(condition for condition, _ in reasons)
    return f"['', {names}][1 + indexOf([\n    {conditions}], true)]"


def _item_reasons(item: str, *more_values: str) -> Reasons:
    """What is judged of every item; `more_values` are arrays of AnyValue beside its attributes.

    An item that is `complex` comes back with its values as JSON (ingest/otlp/write.py), and only
    then is its size judged: no other reason may stand behind `complex`.
    """
    attributes = f"{item}.attributes"
    large = (
        f"(byteSize({item}) > {_LARGEST_ITEM}"
        f" OR arrayExists(x -> length(x) > {_LARGEST_VALUE}, {attributes}.value.string_value))"
    )
    return [
        (f"length({attributes}.key) > {_MOST_ATTRIBUTES}", "too_many_attributes"),
        *((values.complex_in(v), "complex") for v in (f"{attributes}.value", *more_values)),
        (f"large AND {large}", "value_too_large"),
    ]


SPAN_REASON = _first(
    [
        ("length(s.trace_id) != 16 OR s.trace_id = repeat('\\0', 16)", "invalid_trace_id"),
        ("length(s.span_id) != 8 OR s.span_id = repeat('\\0', 8)", "invalid_span_id"),
        ("length(s.parent_span_id) NOT IN (0, 8)", "invalid_parent_span_id"),
        ("s.start_time_unix_nano = 0 OR s.end_time_unix_nano = 0", "time_missing"),
        ("s.start_time_unix_nano < oldest", "too_old"),
        ("s.start_time_unix_nano > newest OR s.end_time_unix_nano > newest", "in_future"),
        *_item_reasons("s", "s.events.attributes.value", "s.links.attributes.value"),
    ]
)

LOG_REASON = _first(
    [
        ("at < oldest", "too_old"),
        ("at > newest OR l.observed_time_unix_nano > newest", "in_future"),
        *_item_reasons("l", "[l.body]"),
        (f"large AND length(l.body.string_value) > {_LARGEST_VALUE}", "value_too_large"),
    ]
)


def _point_reason(kind: str) -> str:
    """`kind` is `exemplars` for points that may have some, else `summary`."""
    begun: Reasons = [
        ("m.name = ''", "metric_unnamed"),
        ("p.time_unix_nano = 0", "time_missing"),
        ("p.time_unix_nano < oldest", "too_old"),
        ("p.time_unix_nano > newest OR p.start_time_unix_nano > newest", "in_future"),
    ]
    if kind == "summary":
        return _first([*begun, *_item_reasons("p")])
    times = "p.exemplars.time_unix_nano"  # 0: the exemplar takes the time of its point
    off = f"arrayExists(t -> t > newest OR (t != 0 AND t < oldest), {times})"
    return _first(
        [
            *begun,
            (off, "exemplar_time"),
            *_item_reasons("p", "p.exemplars.filtered_attributes.value"),
        ]
    )


def _temporality(column: str) -> str:
    return f"multiIf({column} = 1, 'delta', {column} = 2, 'cumulative', 'unspecified')"


_TEXTS = {
    "ValueType": VALUE_TYPE,
    "AnyValue": ANY_VALUE,
    "KeyValues": f"Array(Tuple(key String, value {ANY_VALUE}))",
    "Envelope": ENVELOPE,
    "Carried": CARRIED,
    "Parts": PARTS,
    "SpanReason": SPAN_REASON,
    "LogReason": LOG_REASON,
    **prometheus.TEXTS,
}
_FUNCTIONS: dict[str, Callable[[str], str]] = {
    "Map": values.map_of,
    "Object": values.object_of,
    "Texts": values.texts,
    "Unfold": _unfold,
    "Name": _name,
    "PointReason": _point_reason,
    "Temporality": _temporality,
    "Flattened": lines.flattened,
    "LineFields": lines.fields,
    "LinePlace": lines.place,
    "LineNumber": lines.number_of,
    "LineTexts": lines.texts,
    "LineKinds": lines.kinds,
    "LineTime": lines.time_of,
    "LineSeverity": lines.severity,
    "LineNames": lines.renamed,
    **prometheus.FUNCTIONS,
}
_CALL = re.compile(r"\{(\w+)(?: ([^{}]+))?\}")


def expand(sql: str) -> str:
    """The SQL with every macro replaced; other braces are left alone."""

    def one(match: re.Match[str]) -> str:
        name, argument = match.group(1), match.group(2)
        if argument is None:
            return _TEXTS.get(name, match.group(0))
        function = _FUNCTIONS.get(name)
        return function(argument) if function else match.group(0)

    return _CALL.sub(one, sql)
