"""Series, histograms and refusals of Prometheus remote write, as SQL expressions for the schema files.

A series is its labels: sorted by name, those without a value left out. Its hash is one of the
project and of these labels in protobuf, as every sender that keeps to the specification writes
them: the bytes of a request can be hashed as they are, and be compared with what is known. Bytes
that are written in another way are never known, so they are always taken apart.

Its id, by which its points are sorted, is 44 bits of the hash behind 20 that say where it lies: 12
of its metric, 8 of its `instance`. What is asked for together, a metric or what one instance says
of it, is then read in one piece instead of being picked out of everything.
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

# `room` is one more than the series of a request that may be new, 0 where all of them may.
_PHASES = "phase Enum8('known' = 0, 'series' = 1, 'points' = 2), room UInt64"
ENVELOPE = f"batch UInt64, request UInt32, project UInt32, received UInt64, oldest UInt64, newest UInt64, {_PHASES}"
CARRIED = f"batch UInt64, request UInt32, project UInt32, received UInt64, oldest Int64, newest Int64, {_PHASES}"

TYPES = (
    "['unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset']"
)
HOUR_MS = 3_600_000
HASH_BITS = 44  # of a series' id; those before them say where it lies


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


def encoded_names(texts: str) -> str:
    """`{PromEncodedNames texts}`: each as the field `name` of a Label."""
    return f"arrayMap(x -> concat('\\x0a', {_varint('length(x)')}, x), {texts})"


def encoded_values(texts: str) -> str:
    """`{PromEncodedValues texts}`: each as the field `value` of a Label."""
    return f"arrayMap(x -> concat('\\x12', {_varint('length(x)')}, x), {texts})"


def encoded_pairs(arguments: str) -> str:
    """`{PromEncodedPairs names values}`: two such arrays as Labels of a TimeSeries."""
    names, values = arguments.split(maxsplit=1)
    size = "length(n) + length(v)"
    last = f"arrayResize({values}, length({names}))"
    return f"arrayMap((n, v) -> concat('\\x0a', {_varint(f'({size})')}, n, v), {names}, {last})"


def encoded(labels: str) -> str:
    """`{PromEncoded labels}`: sorted labels as the fields `labels` of a TimeSeries."""
    names, values = encoded_names(f"{labels}.name"), encoded_values(f"{labels}.value")
    pair = f"concat('\\x0a', {_varint('(length(n) + length(v))')}, n, v)"
    return f"arrayStringConcat(arrayMap((n, v) -> {pair}, {names}, {values}))"


def series_hash(encoded_labels: str) -> str:
    """`{PromHash bytes}`."""
    return f"bitXor(xxh3({encoded_labels}), intHash64(project))"


def kinds(names: str) -> str:
    """`{PromKinds names}`: which labels say where a series lies: 1 its metric, 2 its instance."""
    return f"arrayMap(n -> multiIf(n = {NAME}, 1, n = 'instance', 2, 0)::UInt8, {names})"


def marks(arguments: str) -> str:
    """`{PromMarks kinds hashes}`: what each label adds to where its series lies, by xxh3 of its value."""
    label_kinds, hashes = arguments.split()
    metric, instance = "bitShiftLeft(bitShiftRight(h, 52), 8)", "bitShiftRight(h, 56)"
    mark = f"multiIf(k = 1, {metric}, k = 2, {instance}, 0::UInt64)"
    return (
        f"arrayMap((k, h) -> {mark}, {label_kinds}, arrayResize({hashes}, length({label_kinds})))"
    )


def series_id(arguments: str) -> str:
    """`{PromId hash place}`: the place is the sum of the marks."""
    identity, place = arguments.split()
    return f"bitOr(bitShiftLeft({place}, {HASH_BITS}), bitAnd({identity}, {2**HASH_BITS - 1}))"


def known_place(identity: str) -> str:
    """`{PromPlace id}`: where a series lies, behind a bit that is always set."""
    return f"bitOr(bitShiftRight({identity}, {HASH_BITS}), {1 << (64 - HASH_BITS)})::UInt32"


def known_key(arguments: str) -> str:
    """`{PromKey hash time}`: what stands in `prom_known` of a series that has its row for the hour."""
    identity, time = arguments.split()
    return f"bitXor({identity}, intHash64(intDiv({time}, {HOUR_MS})))"


def _first(reasons: list[tuple[str, str]]) -> str:
    names = ", ".join(f"'{reason}'" for _, reason in reasons)
    conditions = ",\n    ".join(condition for condition, _ in reasons)
    return f"['', {names}][1 + indexOf([\n    {conditions}], true)]"


def series_reason(labels: str) -> str:
    """`{PromSeriesReason labels}`: why sorted labels make no series, empty when they do."""
    long = f"length(l.1) > {LONGEST_NAME} OR length(l.2) > if(l.1 = {NAME}, {LONGEST_NAME}, {LONGEST_VALUE})"
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


def type_name(number: str) -> str:
    """`{PromType number}`: both versions number the types alike."""
    names = "'unknown', 'counter', 'gauge', 'histogram', 'gaugehistogram', 'summary', 'info', 'stateset'"
    return f"[{names}][1 + if({number} BETWEEN 0 AND 7, {number}, 0)]"


def metadata_reason(message: str) -> str:
    """`{PromMetadataReason m}`."""
    name = f"{message}.metric_family_name"
    return _first(
        [
            (f"{name} = ''", "metric_unnamed"),
            (f"NOT isValidUTF8({name})", "label_invalid"),
            (
                f"length({name}) > {LONGEST_NAME} OR length({message}.unit) > {LONGEST_NAME}"
                f" OR length({message}.help) > {LONGEST_VALUE}",
                "label_too_long",
            ),
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


def gathered(arguments: str) -> str:
    """`{PromGathered symbols refs}`: the symbols that are referred to, in that order.

    A lambda over the references would be given a copy of all symbols for each of them; ranges of
    one element are not.
    """
    symbols, refs = arguments.split()
    return (
        f"arrayReduceInRanges('any', arrayMap(r -> (r::Int64 + 1, 1::UInt64), {refs}), {symbols})"
    )


def grouped(arguments: str, how: str = "groupArray") -> str:
    """`{PromGrouped flat lengths}`: an array cut into arrays of these lengths."""
    flat, lengths = arguments.split()
    ranges = f"arrayMap((e, l) -> (e::Int64 - l + 1, l), arrayCumSum({lengths}), {lengths})"
    return f"arrayReduceInRanges('{how}', {ranges}, {flat})"


def summed(arguments: str) -> str:
    """`{PromSums flat lengths}`: so many numbers after one another added up."""
    return grouped(arguments, "sum")


def joined(arguments: str) -> str:
    """`{PromJoined flat lengths}`: so many texts after one another put together."""
    return f"arrayMap(x -> arrayStringConcat(x), {grouped(arguments)})"


def every(arguments: str) -> str:
    """`{PromEvery 1 texts}`: the first, third, …; with 0 the second, fourth, …"""
    rest, array = arguments.split()
    return f"arrayFilter((x, i) -> i % 2 = {rest}, {array}, arrayEnumerate({array}))"


def paired(texts: str) -> str:
    """`{PromPairs texts}`: names and values that take turns, as labels."""
    names, values = every(f"1 {texts}"), every(f"0 {texts}")
    return f"arrayMap((n, v) -> (n, v), {names}, arrayResize({values}, length({names})))::{LABELS}"


TEXTS = {
    "PromEnvelope": ENVELOPE,
    "PromCarried": CARRIED,
    "PromLabels": LABELS,
    "PromSample": SAMPLE,
    "PromHistogram": HISTOGRAM,
    "PromExemplar": EXEMPLAR,
}
FUNCTIONS = {
    "PromSorted": sorted_labels,
    "PromEncoded": encoded,
    "PromHash": series_hash,
    "PromKinds": kinds,
    "PromMarks": marks,
    "PromSums": summed,
    "PromId": series_id,
    "PromPlace": known_place,
    "PromKey": known_key,
    "PromSeriesReason": series_reason,
    "PromType": type_name,
    "PromMetadataReason": metadata_reason,
    "PromSampleReasons": sample_reasons,
    "PromExemplarReasons": exemplar_reasons,
    "PromHistogramReasons": histogram_reasons,
    "PromIndexes": indexes,
    "PromCounts": counts,
    "PromGathered": gathered,
    "PromGrouped": grouped,
    "PromJoined": joined,
    "PromEvery": every,
    "PromPairs": paired,
    "PromEncodedNames": encoded_names,
    "PromEncodedValues": encoded_values,
    "PromEncodedPairs": encoded_pairs,
}
