"""Series, histograms and refusals of Prometheus remote write, as SQL expressions for the schema files.

A series is its labels: sorted by name, those without a value left out. Its id is a hash of the
project and of these labels in protobuf, as every sender that keeps to the specification writes
them: then the bytes of a request can be hashed as they are.
"""

MOST_LABELS = 256
LONGEST_NAME = 1024
LONGEST_VALUE = 16_384
MOST_BUCKETS = 20_000  # of one histogram

NAME = "'__name__'"
LABELS = "Array(Tuple(name String, value String))"
HISTOGRAM = (
    "Tuple(count_int UInt64, count_float Float64, sum Float64, schema Int32, zero_threshold Float64,"
    " zero_count_int UInt64, zero_count_float Float64,"
    " negative_spans Array(Tuple(offset Int32, length UInt32)), negative_deltas Array(Int64), negative_counts Array(Float64),"
    " positive_spans Array(Tuple(offset Int32, length UInt32)), positive_deltas Array(Int64), positive_counts Array(Float64),"
    " reset_hint Int32, timestamp Int64, custom_values Array(Float64), start_timestamp Int64)"
)
EXEMPLAR = f"Tuple(labels {LABELS}, value Float64, timestamp Int64)"
SAMPLE = "Tuple(value Float64, timestamp Int64, start_timestamp Int64)"

# Times are milliseconds here, as the protocol has them.
ENVELOPE = (
    "batch UInt64, request UInt32, project UInt32, received UInt64, oldest UInt64, newest UInt64,"
    " phase Enum8('known' = 0, 'series' = 1, 'points' = 2)"
)
CARRIED = (
    "batch UInt64, request UInt32, project UInt32, received UInt64, oldest Int64, newest Int64,"
    " phase Enum8('known' = 0, 'series' = 1, 'points' = 2)"
)

TYPES = (
    "['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset']"
)
HOUR_MS = 3_600_000


def sorted_labels(labels: str) -> str:
    """`{PromSorted x}`: the labels as they make a series."""
    return f"arraySort(l -> l.1, arrayFilter(l -> l.2 != '', {labels}))"


def _varint(number: str) -> str:
    """The bytes of a number below 2^21."""
    return (
        f"if({number} < 128, char({number}), if({number} < 16384,"
        f" char(bitOr({number} % 128, 128), intDiv({number}, 128)),"
        f" char(bitOr({number} % 128, 128), bitOr(intDiv({number}, 128) % 128, 128), intDiv({number}, 16384))))"
    )


def encoded(labels: str) -> str:
    """`{PromEncoded labels}`: sorted labels as the fields `labels` of a TimeSeries."""
    pair = f"concat('\\x0a', {_varint('length(l.1)')}, l.1, '\\x12', {_varint('length(l.2)')}, l.2)"
    return f"arrayStringConcat(arrayMap(p -> concat('\\x0a', {_varint('length(p)')}, p), arrayMap(l -> {pair}, {labels})))"


def series_id(encoded_labels: str) -> str:
    """`{PromId bytes}`."""
    return f"sipHash64(project, {encoded_labels})"


def known_key(arguments: str) -> str:
    """`{PromKey id time}`: what stands in `prom_known` of a series that has its row for the hour."""
    identity, time = arguments.split()
    return f"bitXor({identity}, intHash64(intDiv({time}, {HOUR_MS})))"


def _first(reasons: list[tuple[str, str]]) -> str:
    names = ", ".join(f"'{reason}'" for _, reason in reasons)
    conditions = ",\n    ".join(condition for condition, _ in reasons)
    return f"['', {names}][1 + indexOf([\n    {conditions}], true)]"


def series_reason(labels: str) -> str:
    """`{PromSeriesReason labels}`: why sorted labels make no series, empty when they do."""
    long = f"length(l.1) > {LONGEST_NAME} OR length(l.2) > {LONGEST_VALUE}"
    return _first(
        [
            (f"length({labels}) > {MOST_LABELS}", "too_many_labels"),
            (f"arrayExists(l -> {long}, {labels})", "label_too_long"),
            (
                f"arrayExists(l -> l.1 = '' OR NOT isValidUTF8(l.1) OR NOT isValidUTF8(l.2), {labels})",
                "label_invalid",
            ),
            (f"length(arrayDistinct({labels}.name)) != length({labels})", "label_duplicate"),
            (f"NOT has({labels}.name, {NAME})", "metric_unnamed"),
        ]
    )


def _time_reasons(
    time: str, late: str = "too_old", early: str = "in_future"
) -> list[tuple[str, str]]:
    return [(f"{time} < oldest", late), (f"{time} > newest", early)]


def sample_reasons(samples: str) -> str:
    """`{PromSampleReasons samples}`: one a sample."""
    return f"arrayMap(x -> {_first(_time_reasons('x.timestamp'))}, {samples})"


def exemplar_reasons(exemplars: str) -> str:
    long = f"length(l.1) > {LONGEST_NAME} OR length(l.2) > {LONGEST_VALUE}"
    bad = f"arrayExists(l -> l.1 = '' OR NOT isValidUTF8(l.1) OR NOT isValidUTF8(l.2) OR {long}, x.labels)"
    return (
        "arrayMap(x -> "
        + _first(
            [
                *_time_reasons("x.timestamp", "exemplar_time", "exemplar_time"),
                (f"length(x.labels) > {MOST_LABELS}", "too_many_labels"),
                (bad, "label_invalid"),
            ]
        )
        + f", {exemplars})"
    )


def histogram_reasons(histograms: str) -> str:
    """`{PromHistogramReasons histograms}`: as prometheus/model/histogram judges them, one each.

    Spans are compared with the buckets that came before anything is unfolded from them.
    """

    def side(name: str) -> str:
        deltas, counts, spans = (f"x.{name}_{part}" for part in ("deltas", "counts", "spans"))
        return (
            f"arraySum({spans}.length::Array(UInt64)) != length({deltas}) + length({counts})"
            f" OR (notEmpty({deltas}) AND notEmpty({counts}))"
            f" OR length({deltas}) + length({counts}) > {MOST_BUCKETS}"
            f" OR arrayExists(n -> n < 0, arrayCumSum({deltas})) OR arrayExists(n -> n < 0, {counts})"
            f" OR arrayExists(o -> o < 0, arrayPopFront({spans}.offset))"
        )

    bounds = "x.custom_values"
    custom = (
        f"x.zero_count_int != 0 OR x.zero_count_float != 0 OR x.zero_threshold != 0 OR notEmpty(x.negative_spans)"
        f" OR arrayExists(v -> isNaN(v), {bounds}) OR (notEmpty({bounds}) AND {bounds}[-1] = inf)"
        f" OR arrayExists((v, before) -> v <= before, arrayPopFront({bounds}), arrayPopBack({bounds}))"
        f" OR arrayExists(o -> o < 0, x.positive_spans.offset)"
        f" OR arraySum(x.positive_spans.length::Array(UInt64)) + arraySum(x.positive_spans.offset::Array(Int64)) > length({bounds}) + 1"
    )
    buckets = (
        "(arraySum(arrayCumSum(x.positive_deltas)) + arraySum(arrayCumSum(x.negative_deltas))"
        " + x.zero_count_int)"
    )
    counted = f"if(isNaN(x.sum), {buckets} > x.count_int, {buckets} != x.count_int)"
    is_float = "(x.count_float != 0 OR notEmpty(x.positive_counts) OR notEmpty(x.negative_counts) OR x.zero_count_float != 0)"
    return (
        "arrayMap(x -> "
        + _first(
            [
                *_time_reasons("x.timestamp"),
                ("x.schema != -53 AND (x.schema < -4 OR x.schema > 8)", "histogram_invalid"),
                (side("positive"), "histogram_invalid"),
                (side("negative"), "histogram_invalid"),
                (
                    f"if(x.schema = -53, {custom}, notEmpty({bounds}))",
                    "histogram_invalid",
                ),
                ("x.count_float < 0 OR x.zero_count_float < 0", "histogram_invalid"),
                (f"NOT {is_float} AND {counted}", "histogram_invalid"),
            ]
        )
        + f", {histograms})"
    )


def indexes(spans: str) -> str:
    """`{PromIndexes h.positive_spans}`: Array(Int32), the index of each bucket."""
    begins = (
        f"arrayCumSum(arrayMap((o, l) -> o::Int64 + l, {spans}.offset,"
        f" arrayPopBack(arrayPushFront({spans}.length, 0::UInt32))))"
    )
    return f"arrayFlatten(arrayMap((b, l) -> range(b::Int64, b::Int64 + l::Int64), {begins}, {spans}.length))::Array(Int32)"


def counts(side: str) -> str:
    """`{PromCounts h.positive}`: Array(Float64), the count of each bucket."""
    return f"if(notEmpty({side}_deltas), arrayCumSum({side}_deltas)::Array(Float64), {side}_counts)"


TEXTS = {
    "PromEnvelope": ENVELOPE,
    "PromCarried": CARRIED,
    "PromLabels": LABELS,
    "PromSample": SAMPLE,
    "PromHistogram": HISTOGRAM,
    "PromExemplar": EXEMPLAR,
    "PromTypes": TYPES,
}
FUNCTIONS = {
    "PromSorted": sorted_labels,
    "PromEncoded": encoded,
    "PromId": series_id,
    "PromKey": known_key,
    "PromSeriesReason": series_reason,
    "PromSampleReasons": sample_reasons,
    "PromExemplarReasons": exemplar_reasons,
    "PromHistogramReasons": histogram_reasons,
    "PromIndexes": indexes,
    "PromCounts": counts,
}
