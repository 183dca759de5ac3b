"""The views that user SQL sees, each a subquery bound to projects.

A view is a list of columns with their expressions over a stored table (alias `__t`, and
`__s` for the series of a metric); binding.py makes the subquery. Columns are named with the alias,
so that nothing a user names can stand in their place; identifiers that begin with two
underscores are refused in user SQL.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from quarterdeck.store.telemetry import values
from quarterdeck.telemetry.sql.accessors import JsonMap, MapSource, TextMap, type_name


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    sql: str
    help: str


@dataclass(frozen=True, slots=True)
class View:
    name: str
    help: str
    table: str  # empty when only Prometheus has such points
    columns: tuple[Column, ...]
    maps: dict[str, MapSource] = field(default_factory=dict)
    ids: dict[str, tuple[str, int]] = field(default_factory=dict)  # column → stored column, bytes
    series: bool = False  # joins the series of a metric as __s
    only: str = "true"  # which rows of the table the view shows

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]


def quote(text: str) -> str:
    """A string literal of the engine."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _id(column: str, size: int) -> str:
    empty = f"__t.{column} = toFixedString('', {size})"
    return f"if({empty}, '', lower(hex(__t.{column})))"


def _scope_json(table: str) -> str:
    return f"if({table}.scope_attributes = '', '{{}}', {table}.scope_attributes)"


def _scope_attributes(table: str) -> str:
    return values.parsed(_scope_json(table))


_DROPPED = "Dropped by the sender: attributes, events, links; empty when none were."
_TIME = Column("time", "__t.time", "When it happened, UTC, to the nanosecond.")
_PROJECT = Column("project", "", "Slug of the project.")  # the binding writes its expression
_WHERE = (
    Column("environment", "__t.environment", "`deployment.environment.name` of the resource."),
    Column("service", "__t.service", "`service.name` of the resource."),
    Column("release", "__t.release", "`service.version` of the resource."),
)
_ATTRIBUTES = Column(
    "attributes",
    values.typed("__t.attributes", "__t.attribute_types"),
    "Map(String, Dynamic): each value keeps its type.",
)
_RESOURCE = Column(
    "resource", values.parsed("__t.resource"), "Resource attributes, typed likewise."
)
_SCOPE = (Column("scope", "__t.scope", "Name of the instrumentation scope."),)
_SCOPE_MORE = (
    Column("scope_version", "__t.scope_version", "Version of the scope."),
    Column("scope_attributes", _scope_attributes("__t"), "Attributes of the scope."),
    Column("schema_url", "__t.schema_url", "Schema of the attributes."),
)
_EVENTS = (
    "arrayMap(x -> (fromUnixTimestamp64Nano(x.1), x.2, x.3, x.4)"
    "::Tuple(time DateTime64(9), name String, attributes Map(String, Dynamic), dropped UInt32),"
    " JSONExtract(__t.events, 'Array(Tuple(time Int64, name String, attributes Map(String, Dynamic), dropped UInt32))'))"
)
_LINKS = (
    "JSONExtract(__t.links, 'Array(Tuple(trace_id String, span_id String, trace_state String,"
    " flags UInt32, attributes Map(String, Dynamic), dropped UInt32))')"
)
_TEXT_MAPS: dict[str, MapSource] = {
    "attributes": TextMap("__t.attributes", "__t.attribute_types"),
    "resource": JsonMap("__t.resource"),
}
_ITEM_MAPS: dict[str, MapSource] = {
    **_TEXT_MAPS,
    "scope_attributes": JsonMap(_scope_json("__t")),
}

SPANS = View(
    "spans",
    "One row a span.",
    "spans",
    (
        _TIME, _PROJECT, *_WHERE,
        Column("trace_id", _id("trace_id", 16), "Lower-case hex."),
        Column("span_id", _id("span_id", 8), "Lower-case hex."),
        Column("parent_span_id", _id("parent_span_id", 8), "Lower-case hex, empty for the root of a trace."),
        Column("name", "__t.name", "What was done."),
        Column("kind", "toString(__t.kind)", "unspecified, internal, server, client, producer, consumer."),
        Column("status", "toString(__t.status)", "unset, ok, error."),
        Column("status_message", "__t.status_message", "Words that came with the status."),
        Column("duration_ns", "__t.duration_ns", "End minus start."),
        _ATTRIBUTES, _RESOURCE, *_SCOPE,
        Column("events", _EVENTS, "Array of (time, name, attributes, dropped)."),
        Column("links", _LINKS, "Array of (trace_id, span_id, trace_state, flags, attributes, dropped)."),
        *_SCOPE_MORE,
        Column("trace_state", "__t.trace_state", "W3C trace state."),
        Column("flags", "__t.flags", "W3C trace flags and OTLP's own."),
        Column("dropped", "__t.dropped", _DROPPED),
        Column("received", "__t.received", "When it arrived."),
    ),
    maps=_ITEM_MAPS,
    ids={"trace_id": ("trace_id", 16), "span_id": ("span_id", 8), "parent_span_id": ("parent_span_id", 8)},
)  # fmt: skip

LOGS = View(
    "logs",
    "One row a log record.",
    "logs",
    (
        _TIME, _PROJECT, *_WHERE,
        Column("severity", "if(__t.severity_text = '', upper(replaceOne(toString(__t.severity), 'unspecified', '')), __t.severity_text::String)",
               "As the sender wrote it, or the name of its number."),
        Column("severity_number", "__t.severity_number", "1 to 24, 0 when it was not given."),
        Column("body", "__t.body", "The message as text; structured bodies as JSON."),
        Column("trace_id", _id("trace_id", 16), "Lower-case hex, empty without one."),
        Column("span_id", _id("span_id", 8), "Lower-case hex, empty without one."),
        _ATTRIBUTES, _RESOURCE, *_SCOPE,
        Column("level", "toString(__t.severity)", "The severity's class: unspecified, trace, debug, info, warn, error, fatal."),
        Column("body_type", type_name("__t.body_type", "__t.body"), "Type of the body: string, int, double, bool, array, kvlist, bytes, or none."),
        Column("event_name", "__t.event_name", "Name of the event, empty for an ordinary record."),
        Column("observed_time", "__t.observed", "When the collector saw it."),
        *_SCOPE_MORE,
        Column("flags", "__t.flags", "W3C trace flags."),
        Column("dropped_attributes", "__t.dropped_attributes", "Attributes that the sender dropped."),
        Column("received", "__t.received", "When it arrived."),
    ),
    maps=_ITEM_MAPS,
    ids={"trace_id": ("trace_id", 16), "span_id": ("span_id", 8)},
)  # fmt: skip

_SERIES_WHERE = (
    Column("environment", "__s.environment", "`deployment.environment.name` of the resource, or the label `environment`."),
    Column("service", "__s.service", "`service.name` of the resource, or the label `job`."),
    Column("release", "__s.release", "`service.version` of the resource."),
    Column("series_id", "__t.series_id", "The series: metric, resource, scope and labels."),
    Column("metric", "__s.metric", "Name of the metric."),
    Column("labels", values.typed("__s.labels", "__s.label_types"), "Attributes of the point, typed; labels of Prometheus."),
)  # fmt: skip
_SERIES_MORE = (
    Column(
        "type",
        "__s.type",
        "gauge, sum, histogram, exponential_histogram, summary; empty for Prometheus.",
    ),
    Column("temporality", "__s.temporality", "cumulative, delta, unspecified."),
    Column("monotonic", "__s.monotonic", "Whether a sum only grows."),
    Column("unit", "__s.unit", "Unit of the values."),
    Column("description", "__s.description", "What the metric means."),
    Column("resource", values.parsed("__s.resource"), "Resource attributes, typed."),
    Column("scope", "__s.scope", "Name of the instrumentation scope."),
    Column("scope_version", "__s.scope_version", "Version of the scope."),
    Column("scope_attributes", _scope_attributes("__s"), "Attributes of the scope."),
    Column("schema_url", "__s.schema_url", "Schema of the attributes."),
)
_POINT_MORE = (
    Column("start_time", "__t.start", "Start of the interval that the point covers."),
    Column("flags", "__t.flags", "OTLP data point flags."),
)
_SERIES_MAPS: dict[str, MapSource] = {
    "labels": TextMap("__s.labels", "__s.label_types"),
    "resource": JsonMap("__s.resource"),
    "scope_attributes": JsonMap(_scope_json("__s")),
}


def _points(name: str, help: str, *columns: Column) -> View:
    """A view of one kind of metric point."""
    return View(
        name,
        help,
        name,
        (_TIME, _PROJECT, *_SERIES_WHERE, *columns, *_POINT_MORE, *_SERIES_MORE),
        maps=_SERIES_MAPS,
        series=True,
    )


def _plain(*names_and_help: str) -> Iterable[Column]:
    pairs = zip(names_and_help[::2], names_and_help[1::2], strict=True)
    return (Column(name, f"__t.{name}", text) for name, text in pairs)


SAMPLES = _points(
    "samples",
    "One row a point of a gauge or a sum, or a sample of Prometheus.",
    Column("value", "if(__t.value_type = 'none', NULL, __t.value)", "The value as a double; NULL in a point that only says there is none."),
    Column("value_int", "if(__t.value_type = 'int', __t.value_int, NULL)", "The exact value when it was sent as an integer."),
    Column("value_type", "toString(__t.value_type)", "double, int, or none."),
)  # fmt: skip

HISTOGRAMS = _points(
    "histograms",
    "One row a point of a histogram.",
    *_plain(
        "count", "Observations.", "sum", "Their sum.", "min", "The smallest.", "max", "The largest.",
        "bounds", "Upper bounds of the buckets, the last one open.", "counts", "Observations a bucket.",
    ),
)  # fmt: skip

EXPONENTIAL = _points(
    "exponential_histograms",
    "One row a point of an exponential histogram.",
    *_plain(
        "count", "Observations.", "sum", "Their sum.", "min", "The smallest.", "max", "The largest.",
        "scale", "Resolution: the base is 2^(2^-scale).", "zero_count", "Observations that count as zero.",
        "zero_threshold", "Width of zero.", "positive_offset", "Index of the first positive bucket.",
        "positive_counts", "Positive buckets.", "negative_offset", "Index of the first negative bucket.",
        "negative_counts", "Negative buckets.",
    ),
)  # fmt: skip

SUMMARIES = _points(
    "summaries",
    "One row a point of a summary.",
    *_plain(
        "count", "Observations.", "sum", "Their sum.", "quantiles", "Which quantiles.",
        "quantile_values", "Their values, in the same order.",
    ),
)  # fmt: skip

NATIVE = View(
    "native_histograms",
    "One row a native histogram of Prometheus.",
    "",
    (
        _TIME, _PROJECT, *_SERIES_WHERE,
        *_plain(
            "count", "Observations.", "sum", "Their sum.",
            "schema", "Resolution: the base is 2^(2^-schema); -53 for custom bounds.",
            "zero_threshold", "Width of zero.", "zero_count", "Observations that count as zero.",
            "positive_index", "Indexes of the positive buckets, or places among the custom bounds.",
            "positive_count", "Observations in each.", "negative_index", "Indexes of the negative buckets.",
            "negative_count", "Observations in each.", "custom_bounds", "Upper bounds where the schema is -53.",
            "reset_hint", "Whether the counter began anew: 0 unknown, 1 yes, 2 no, 3 a gauge.",
        ),
        Column("start_time", "__t.start", "Since when it counts; 1970 when the sender did not say."),
    ),
    maps=_SERIES_MAPS,
    series=True,
)  # fmt: skip

EXEMPLARS = View(
    "exemplars",
    "One row an exemplar of a metric point.",
    "exemplars",
    (
        _TIME, _PROJECT, *_SERIES_WHERE,
        Column("value", "__t.value", "The value as a double."),
        Column("value_int", "if(__t.value_type = 'int', __t.value_int, NULL)", "The exact value when it was sent as an integer."),
        Column("value_type", "toString(__t.value_type)", "double or int."),
        Column("trace_id", _id("trace_id", 16), "Lower-case hex, empty without one."),
        Column("span_id", _id("span_id", 8), "Lower-case hex, empty without one."),
        _ATTRIBUTES,
        *_SERIES_MORE,
    ),
    maps={**_SERIES_MAPS, "attributes": _TEXT_MAPS["attributes"]},
    ids={"trace_id": ("trace_id", 16), "span_id": ("span_id", 8)},
    series=True,
)  # fmt: skip

SERIES = View(
    "series",
    "One row a series of a metric.",
    "series",
    (
        Column("project", "", "Slug of the project."), *_SERIES_WHERE,
        Column("first_seen", "__s.first_seen", "Its first point that is still kept."),
        Column("last_seen", "__s.last_seen", "Its last point."),
        *_SERIES_MORE,
    ),
    maps=_SERIES_MAPS,
)  # fmt: skip

REJECTS = View(
    "rejects",
    "What was refused, by request and reason, for seven days.",
    "rejects",
    (
        _TIME, _PROJECT,
        Column("signal", "__t.signal", "traces, logs, metrics."),
        Column("reason", "__t.reason", "Why, from a closed list."),
        Column("items", "__t.items", "How many."),
        Column("sample", "__t.sample", "One of them: its name or the start of its body."),
    ),
    only="__t.reason != 'complex' AND (__t.batch % 2 = 0 OR __t.reason = 'value_too_large')",
)  # fmt: skip

VIEWS: dict[str, View] = {
    view.name: view
    for view in (SPANS, LOGS, SAMPLES, SERIES, HISTOGRAMS, EXPONENTIAL, NATIVE, SUMMARIES, EXEMPLARS, REJECTS)
}  # fmt: skip
