"""Remote write as real senders encode it: the messages of 1.0 and 2.0, made from their definitions.

Source: prometheus/prometheus prompb/{remote,types}.proto and prompb/io/prometheus/write/v2/types.proto.
"""

import asyncio
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cramjam
import httpx
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Pending
from quarterdeck.telemetry.ingest.prometheus import messages
from quarterdeck.telemetry.ingest.prometheus.limit import ActiveSeries
from quarterdeck.telemetry.ingest.prometheus.write import writer
from support.server import Server

WRITE = "/prometheus/api/v1/write"
V1_TYPE = "application/x-protobuf"
V2_TYPE = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
_WRITTEN = "x-prometheus-remote-write-{}s-written"

_Kind = descriptor_pb2.FieldDescriptorProto
_KINDS = {
    "string": _Kind.TYPE_STRING,
    "double": _Kind.TYPE_DOUBLE,
    "int64": _Kind.TYPE_INT64,
    "uint64": _Kind.TYPE_UINT64,
    "uint32": _Kind.TYPE_UINT32,
    "int32": _Kind.TYPE_INT32,
    "sint32": _Kind.TYPE_SINT32,
    "sint64": _Kind.TYPE_SINT64,
}
_HISTOGRAM = (
    "count/count_int 1 uint64, count/count_float 2 double, sum 3 double, schema 4 sint32, zero_threshold 5 double,"
    " zero/zero_count_int 6 uint64, zero/zero_count_float 7 double, negative_spans 8 *Span, negative_deltas 9 *sint64,"
    " negative_counts 10 *double, positive_spans 11 *Span, positive_deltas 12 *sint64, positive_counts 13 *double,"
    " reset_hint 14 int32, timestamp 15 int64, custom_values 16 *double"
)
_SPAN = "offset 1 sint32, length 2 uint32"
_V1 = {
    "Label": "name 1 string, value 2 string",
    "Sample": "value 1 double, timestamp 2 int64",
    "Exemplar": "labels 1 *Label, value 2 double, timestamp 3 int64",
    "Span": _SPAN,
    "Histogram": _HISTOGRAM,
    "TimeSeries": "labels 1 *Label, samples 2 *Sample, exemplars 3 *Exemplar, histograms 4 *Histogram",
    "Metadata": "type 1 int32, metric_family_name 2 string, help 4 string, unit 5 string",
    "WriteRequest": "timeseries 1 *TimeSeries, metadata 3 *Metadata",
}
_V2 = {
    "Sample": "value 1 double, timestamp 2 int64, start_timestamp 3 int64",
    "Exemplar": "labels_refs 1 *uint32, value 2 double, timestamp 3 int64",
    "Span": _SPAN,
    "Histogram": f"{_HISTOGRAM}, start_timestamp 17 int64",
    "Metadata": "type 1 int32, help_ref 3 uint32, unit_ref 4 uint32",
    "TimeSeries": (
        "labels_refs 1 *uint32, samples 2 *Sample, histograms 3 *Histogram, exemplars 4 *Exemplar,"
        " metadata 5 Metadata, created_timestamp 6 int64"
    ),
    "Request": "symbols 4 *string, timeseries 5 *TimeSeries",
}


def _messages(package: str, shapes: Mapping[str, str]) -> dict[str, Any]:
    """Message classes from `name number [*]type` lists; `oneof/name` makes a member of a oneof."""
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, syntax="proto3"
    )
    for name, fields in shapes.items():
        message = file.message_type.add(name=name)
        oneofs: dict[str, int] = {}
        for text in fields.split(","):
            title, number, kind = text.split()
            group, _, title = title.rpartition("/")
            made = message.field.add(name=title, number=int(number))
            made.label = _Kind.LABEL_REPEATED if kind.startswith("*") else _Kind.LABEL_OPTIONAL
            kind = kind.removeprefix("*")
            if kind in _KINDS:
                made.type = _KINDS[kind]
            else:
                made.type, made.type_name = _Kind.TYPE_MESSAGE, f".{package}.{kind}"
            if group:
                if group not in oneofs:
                    oneofs[group] = len(oneofs)
                    message.oneof_decl.add(name=group)
                made.oneof_index = oneofs[group]
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in shapes
    }


V1 = _messages("support.remote_write_1", _V1)
V2 = _messages("support.remote_write_2", _V2)


_active: dict[int, ActiveSeries] = {}  # of the one engine of a test process, by limit


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Series:
    """One TimeSeries of either version; histograms and exemplars as fields of their messages."""

    labels: Mapping[str, str] | Sequence[tuple[str, str]]
    samples: Sequence[tuple[float, int]] = ()  # value, ms
    histograms: Sequence[Mapping[str, Any]] = ()
    exemplars: Sequence[tuple[Mapping[str, str], float, int]] = ()
    metadata: tuple[int, str, str] | None = None  # type, help, unit; 2.0 alone
    start: int = 0

    def pairs(self) -> list[tuple[str, str]]:
        """As they are sent: sorted unless they were given as a list."""
        return (
            sorted(self.labels.items()) if isinstance(self.labels, Mapping) else list(self.labels)
        )


@dataclass
class _Symbols:
    texts: list[str] = field(default_factory=lambda: [""])
    places: dict[str, int] = field(default_factory=lambda: {"": 0})

    def __call__(self, text: str) -> int:
        if text not in self.places:
            self.places[text] = len(self.texts)
            self.texts.append(text)
        return self.places[text]


def v1(series: Iterable[Series], metadata: Iterable[tuple[str, int, str, str]] = ()) -> bytes:
    """An encoded prometheus.WriteRequest; metadata is name, type, help, unit."""
    request = V1["WriteRequest"]()
    for one in series:
        made = request.timeseries.add()
        for name, value in one.pairs():
            made.labels.add(name=name, value=value)
        for number, at in one.samples:
            made.samples.add(value=number, timestamp=at)
        for labels, number, at in one.exemplars:
            exemplar = made.exemplars.add(value=number, timestamp=at)
            for name, value in labels.items():
                exemplar.labels.add(name=name, value=value)
        for histogram in one.histograms:
            given = {key: x for key, x in histogram.items() if key != "start_timestamp"}
            made.histograms.add(**given)  # 1.0 has no place for the start
    for name, kind, help, unit in metadata:
        request.metadata.add(type=kind, metric_family_name=name, help=help, unit=unit)
    return bytes(request.SerializeToString())


def v2(series: Iterable[Series]) -> bytes:
    """An encoded io.prometheus.write.v2.Request."""
    request, symbols = V2["Request"](), _Symbols()

    def refs(pairs: Iterable[tuple[str, str]]) -> list[int]:
        return [symbols(text) for pair in pairs for text in pair]

    for one in series:
        made = request.timeseries.add(labels_refs=refs(one.pairs()))
        for number, at in one.samples:
            made.samples.add(value=number, timestamp=at, start_timestamp=one.start)
        for labels, number, at in one.exemplars:
            made.exemplars.add(labels_refs=refs(labels.items()), value=number, timestamp=at)
        for histogram in one.histograms:
            made.histograms.add(**histogram)
        if one.metadata:
            kind, help, unit = one.metadata
            made.metadata.type = kind
            made.metadata.help_ref, made.metadata.unit_ref = symbols(help), symbols(unit)
    request.symbols.extend(symbols.texts)
    return bytes(request.SerializeToString())


def histogram(
    total: float,
    at: int,
    *,
    positive: bool = False,
    negative: bool = False,
    zero: bool = False,
    custom: bool = False,
    count: int | None = None,
) -> dict[str, Any]:
    """The histograms of the official receiver tests: buckets 1, 3, 4, 7, 8 and 1, 2, or six custom ones."""
    made: dict[str, Any] = {"sum": total, "timestamp": at}
    counted = 0
    if positive:
        made["positive_spans"] = [{"offset": 0, "length": 3}, {"offset": 2, "length": 2}]
        made["positive_deltas"] = [1, 2, 1, 3, 1]
        counted += 23
    if negative:
        made["negative_spans"] = [{"offset": 0, "length": 2}]
        made["negative_deltas"] = [1, 1]
        counted += 3
    if zero:
        made["zero_count_int"] = 1
        counted += 1
    if custom:
        made["schema"] = -53
        made["custom_values"] = [0.1, 0.5, 1.0, 2.5, 5.0, 10.0]
        made["positive_spans"] = [{"offset": 0, "length": 6}]
        made["positive_deltas"] = [2, 1, 2, 3, -1, -2]
        counted = 30
    made["count_int"] = counted if count is None else count
    return made


def push(
    to: Server | httpx.Client,
    body: bytes,
    media: str = V1_TYPE,
    *,
    raw: bool = False,
    **headers: str,
) -> httpx.Response:
    """POST a body, compressed unless it is `raw` bytes already."""
    if isinstance(to, Server):
        with to.client() as client:
            return push(client, body, media, raw=raw, **headers)
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if raw else bytes(cramjam.snappy.compress_raw(body))
    given = {"content-type": media, "content-encoding": "snappy", **more}
    return to.post(WRITE, content=content, headers=given)


def store(
    engine: EmbeddedEngine,
    project: int,
    body: bytes,
    version: messages.Version = messages.V1,
    limit: int = 1_000_000,
) -> tuple[dict[str, int], dict[str, int]]:
    """Write a request straight into an engine: what was kept by kind, and refused by reason."""
    loop = asyncio.new_event_loop()
    request = messages.request_of(version, body)
    pending = Pending(project, request, time.time_ns(), loop.create_future(), loop)
    active = _active.setdefault(limit, ActiveSeries(engine, lambda project: limit))
    refused = writer(engine, version, lambda project, signal: 30, active)([pending])
    loop.close()
    return pending.counted or {}, refused.get(0, {})


def written(answer: httpx.Response) -> tuple[int, int, int]:
    """Samples, histograms and exemplars that the headers tell; absent is 0."""
    samples, histograms, exemplars = (
        int(answer.headers.get(_WRITTEN.format(kind), 0))
        for kind in ("sample", "histogram", "exemplar")
    )
    return samples, histograms, exemplars
