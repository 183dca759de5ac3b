"""Prometheus's protobuf format: io.prometheus.client.MetricFamily, each behind its length.

The only format with native histograms. A metric's labels are declared as bytes, for which its
encoded labels do as the text that stands for a series; they are read when they are first seen.
Source: https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from quarterdeck.telemetry.scrape.failure import ScrapeFailed
from quarterdeck.telemetry.scrape.number import canonical
from quarterdeck.telemetry.scrape.relabel import Labels
from quarterdeck.telemetry.scrape.series import NAME, Known, Series
from quarterdeck.telemetry.scrape.told import MOST_LINES, Family, Told, too_long

_KINDS = ("counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram")
_SCHEMAS = range(-4, 9)
_GAUGE_HINT = 3  # prometheus.Histogram.ResetHint.GAUGE
_MESSAGES = {
    "Label": "string name=1, string value=2",
    "Time": "int64 seconds=1, int32 nanos=2",
    "Exemplar": "Label* label=1, double value=2, Time timestamp=3",
    "Value": "double value=1, Exemplar exemplar=2",
    "Quantile": "double quantile=1, double value=2",
    "Summary": "uint64 sample_count=1, double sample_sum=2, Quantile* quantile=3",
    "Bucket": "uint64 cumulative_count=1, double upper_bound=2, Exemplar exemplar=3, double cumulative_count_float=4",
    "Span": "sint32 offset=1, uint32 length=2",
    "Histogram": "uint64 sample_count=1, double sample_sum=2, Bucket* bucket=3, double sample_count_float=4,"
    " sint32 schema=5, double zero_threshold=6, uint64 zero_count=7, double zero_count_float=8,"
    " Span* negative_span=9, sint64* negative_delta=10, double* negative_count=11,"
    " Span* positive_span=12, sint64* positive_delta=13, double* positive_count=14, Exemplar* exemplars=16",
    "Metric": "bytes* label=1, Value gauge=2, Value counter=3, Summary summary=4, Value untyped=5,"
    " int64 timestamp_ms=6, Histogram histogram=7",
    "MetricFamily": "string name=1, string help=2, int32 type=3, Metric* metric=4, string unit=5",
    # prometheus.Histogram of remote write
    "Written": "uint64 count_int=1, double count_float=2, double sum=3, sint32 schema=4,"
    " double zero_threshold=5, uint64 zero_count_int=6, double zero_count_float=7,"
    " Span* negative_spans=8, sint64* negative_deltas=9, double* negative_counts=10,"
    " Span* positive_spans=11, sint64* positive_deltas=12, double* positive_counts=13,"
    " int32 reset_hint=14, int64 timestamp=15",
}


def _classes() -> dict[str, Any]:
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="quarterdeck/exposition.proto", package="quarterdeck.exposition", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for declared in fields.split(", "):
            kind, _, rest = declared.partition(" ")
            field, _, number = rest.partition("=")
            label = kinds.LABEL_REPEATED if kind.endswith("*") else kinds.LABEL_OPTIONAL
            made = message.field.add(name=field, number=int(number), label=label)
            if kind[0].isupper():
                made.type = kinds.TYPE_MESSAGE
                made.type_name = f".{file.package}.{kind.rstrip('*')}"
            else:
                made.type = getattr(kinds, f"TYPE_{kind.rstrip('*').upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {
        name: message_factory.GetMessageClass(find(f"{file.package}.{name}")) for name in _MESSAGES
    }


_CLASSES = _classes()
MetricFamily: Any = _CLASSES["MetricFamily"]
_Label: Any = _CLASSES["Label"]
_Written: Any = _CLASSES["Written"]


def read_families(body: bytes, known: Known, told: Told, native: bool, classic_too: bool) -> None:
    """Fill `told` from an answer; ScrapeFailed when it is malformed.

    Of a histogram that is native the native part is kept where `native` says so, and then its
    classic buckets only where `classic_too` does.
    """
    families: dict[str, Family] = {}
    for family in _delimited(body):
        if not family.name:
            raise ScrapeFailed("A metric family has no name.")
        kind = _KINDS[family.type] if 0 <= family.type < len(_KINDS) else "unknown"
        families[family.name] = Family(kind, family.help, family.unit)
        reader = _Reader(known, told, family.name, native, classic_too)
        for metric in family.metric:
            reader.read(metric, kind)
        if told.total > MOST_LINES:
            raise too_long()
    if families != known.families:
        known.families = told.families = families


def _delimited(body: bytes) -> Iterator[Any]:
    at, end = 0, len(body)
    while at < end:
        size = shift = 0
        while True:
            if at >= end or shift > 28:
                raise ScrapeFailed("The answer ends in the middle of a metric family.")
            byte = body[at]
            size |= (byte & 127) << shift
            at, shift = at + 1, shift + 7
            if byte < 128:
                break
        if at + size > end:
            raise ScrapeFailed("The answer ends in the middle of a metric family.")
        try:
            yield MetricFamily.FromString(body[at : at + size])
        except DecodeError as error:
            raise ScrapeFailed("The answer is no protobuf of metric families.") from error
        at += size


class _Reader:
    """The metrics of one family."""

    def __init__(
        self, known: Known, told: Told, name: str, native: bool, classic_too: bool
    ) -> None:
        self._known = known
        self._told = told
        self._name = name
        self._native_too = native
        self._classic_too = classic_too

    def read(self, metric: Any, kind: str) -> None:
        time = metric.timestamp_ms or None
        pairs = tuple(metric.label)
        if kind.endswith("histogram"):
            self._histogram(pairs, metric.histogram, time, kind)
        elif kind == "summary":
            summary = metric.summary
            for each in summary.quantile:
                series = self._series(pairs, "", "quantile", each.quantile)
                self._told.sample(series, each.value, time)
            self._told.sample(self._series(pairs, "_sum"), summary.sample_sum, time)
            self._told.sample(self._series(pairs, "_count"), summary.sample_count, time)
        else:
            value = getattr(metric, "untyped" if kind == "unknown" else kind)
            series = self._series(pairs)
            self._told.sample(series, value.value, time)
            if value.HasField("exemplar"):
                self._exemplar(series, value.exemplar)

    def _histogram(self, pairs: tuple[bytes, ...], told: Any, time: int | None, kind: str) -> None:
        native = self._native_too and _is_native(told)
        if native:
            self._native(self._series(pairs), told, time, kind == "gaugehistogram")
        if native and not (self._classic_too and told.bucket):
            return
        count = told.sample_count_float or told.sample_count
        bounds = set()
        for bucket in told.bucket:
            bounds.add(bucket.upper_bound)
            series = self._series(pairs, "_bucket", "le", bucket.upper_bound)
            value = bucket.cumulative_count_float or bucket.cumulative_count
            self._told.sample(series, value, time)
            if bucket.HasField("exemplar"):
                self._exemplar(series, bucket.exemplar)
        if float("inf") not in bounds:
            self._told.sample(self._series(pairs, "_bucket", "le", float("inf")), count, time)
        self._told.sample(self._series(pairs, "_sum"), told.sample_sum, time)
        self._told.sample(self._series(pairs, "_count"), count, time)

    def _native(self, series: Series, told: Any, time: int | None, gauge: bool) -> None:
        own_time = time is not None and self._told.honor_timestamps
        body = _written(told, gauge)
        body.timestamp = time if own_time else self._told.now_ms
        self._told.histogram(series, body.SerializeToString(), b"", own_time)
        for each in told.exemplars or [b.exemplar for b in told.bucket if b.HasField("exemplar")]:
            if each.HasField("timestamp"):
                self._exemplar(series, each)

    def _exemplar(self, series: Series, told: Any) -> None:
        time = None
        if told.HasField("timestamp"):
            time = told.timestamp.seconds * 1000 + told.timestamp.nanos // 1_000_000
        labels = {pair.name: pair.value for pair in told.label}
        self._told.exemplar(series, labels, told.value, time)

    def _series(
        self, pairs: tuple[bytes, ...], suffix: str = "", special: str = "", value: float = 0.0
    ) -> Series:
        key = (self._name, suffix, special, value, pairs)
        return self._known.by_text.get(key) or self._known.add(
            key, self._labels(pairs, suffix, special, value)
        )

    def _labels(self, pairs: tuple[bytes, ...], suffix: str, special: str, value: float) -> Labels:
        labels = {NAME: self._name + suffix}
        for pair in pairs:
            try:
                label = _Label.FromString(pair)
            except DecodeError as error:
                raise ScrapeFailed("The answer is no protobuf of metric families.") from error
            if label.name in labels or not label.name:
                raise ScrapeFailed("A label stands twice, or has no name.")
            labels[label.name] = label.value
        if special:
            labels[special] = canonical(value)
        return labels


def _is_native(told: Any) -> bool:
    """By the fields that no classic histogram has."""
    return bool(
        told.positive_span
        or told.negative_span
        or told.zero_threshold
        or told.zero_count
        or told.zero_count_float
    )


def _written(told: Any, gauge: bool) -> Any:
    """The histogram as remote write has it."""
    if told.schema not in _SCHEMAS:
        raise ScrapeFailed(f"A native histogram has the schema {told.schema}, which is not known.")
    whole = not (told.sample_count_float or told.zero_count_float)
    for spans, deltas, counts in (
        (told.positive_span, told.positive_delta, told.positive_count),
        (told.negative_span, told.negative_delta, told.negative_count),
    ):
        if sum(span.length for span in spans) != len(deltas if whole else counts):
            raise ScrapeFailed("A native histogram's buckets do not fit its spans.")
    written = _Written(
        sum=told.sample_sum,
        schema=told.schema,
        zero_threshold=told.zero_threshold,
        negative_spans=told.negative_span,
        positive_spans=told.positive_span,
        reset_hint=_GAUGE_HINT if gauge else 0,
    )
    if whole:
        written.count_int, written.zero_count_int = told.sample_count, told.zero_count
        written.positive_deltas.extend(told.positive_delta)
        written.negative_deltas.extend(told.negative_delta)
    else:
        written.count_float, written.zero_count_float = (
            told.sample_count_float,
            told.zero_count_float,
        )
        written.positive_counts.extend(told.positive_count)
        written.negative_counts.extend(told.negative_count)
    return written
