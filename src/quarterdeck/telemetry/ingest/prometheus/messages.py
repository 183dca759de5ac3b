"""The messages of remote write: what the engine is told of them, and what is read of them here.

Remote write 1.0 sends prometheus.WriteRequest, 2.0 io.prometheus.write.v2.Request; their top-level
fields differ, so that neither is ever taken for the other. The envelope's fields, numbered from
1000, are appended to each request.
Source: https://prometheus.io/docs/specs/prw/remote_write_spec/ and …/remote_write_spec_2_0/.
"""

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.otlp.probe import MOST_ITEMS, shaped
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

_COMMON = """\
syntax = "proto3";
message Label { string name = 1; string value = 2; }
message Span { sint32 offset = 1; uint32 length = 2; }
message Histogram { uint64 count_int = 1; double count_float = 2; double sum = 3; sint32 schema = 4;
 double zero_threshold = 5; uint64 zero_count_int = 6; double zero_count_float = 7;
 repeated Span negative_spans = 8; repeated sint64 negative_deltas = 9; repeated double negative_counts = 10;
 repeated Span positive_spans = 11; repeated sint64 positive_deltas = 12; repeated double positive_counts = 13;
 int32 reset_hint = 14; int64 timestamp = 15; repeated double custom_values = 16; int64 start_timestamp = 17; }
"""

_ENVELOPE = (
    " uint64 batch = 1000; uint32 request = 1001; uint32 project = 1002; fixed64 received = 1003;"
    " fixed64 oldest = 1004; fixed64 newest = 1005; int32 phase = 1010; uint64 room = 1011; }\n"
)

# In the phase `known` the engine is given metadata of 1.0, whose known series it is not asked about.
_KNOWN_1 = (
    """\
syntax = "proto3";
message Metadata { int32 type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
message Envelope { repeated Metadata metadata = 3;"""
    + _ENVELOPE
)

_FULL_1 = (
    _COMMON
    + """\
message Sample { double value = 1; int64 timestamp = 2; }
message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; repeated Histogram histograms = 4; }
message Envelope { repeated TimeSeries timeseries = 1;"""
    + _ENVELOPE
)

_KNOWN_2 = (
    """\
syntax = "proto3";
message Sample { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; }
message TimeSeries { repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated bytes histograms = 3;
 repeated bytes exemplars = 4; int64 created_timestamp = 6; }
message Envelope { repeated string symbols = 4; repeated TimeSeries timeseries = 5;"""
    + _ENVELOPE
)

_FULL_2 = (
    _COMMON
    + """\
message Sample { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; }
message Exemplar { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
message Metadata { int32 type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; }
message TimeSeries { repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated Histogram histograms = 3;
 repeated Exemplar exemplars = 4; Metadata metadata = 5; int64 created_timestamp = 6; }
message Envelope { repeated string symbols = 4; repeated TimeSeries timeseries = 5;"""
    + _ENVELOPE
)


@dataclass(frozen=True, slots=True)
class Way:
    """A table whose views take requests, and the schema that the engine reads them by."""

    table: str
    schema: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the protocol: its message, and where it goes."""

    message: str
    known: Way  # what the engine is asked first: metadata of 1.0, known series of 2.0
    full: Way  # everything else
    outline: Any  # a message whose fields are left as bytes
    series: str  # the field of the outline that holds the series
    symbols: str  # and that of the symbols, where there are any

    def only(self, data: bytes, places: list[int]) -> bytes:
        """The request with the series at these places alone, counted from 1; with all symbols."""
        message = self.outline.FromString(data)
        series = getattr(message, self.series)
        if len(places) == len(series):
            return data
        kept = [series[place - 1] for place in places]
        message.ClearField(self.series)
        getattr(message, self.series).extend(kept)
        return bytes(message.SerializeToString())


V1 = Version(
    "prometheus.WriteRequest",
    Way("raw_remote_write_known", _KNOWN_1),
    Way("raw_remote_write", _FULL_1),
    shaped("remote_write_1", {1: None, 3: None}),
    "f1",
    "",
)
V2 = Version(
    "io.prometheus.write.v2.Request",
    Way("raw_remote_write_2_known", _KNOWN_2),
    Way("raw_remote_write_2", _FULL_2),
    shaped("remote_write_2", {4: None, 5: None}),
    "f5",
    "f4",
)
VERSIONS = (V1, V2)


def request_of(version: Version, data: bytes) -> Request:
    """A request whose outline parses; Refused when it does not, or is the other version's.

    What its series hold is read by the engine alone.
    """
    try:
        message = version.outline.FromString(data)
        if len(UnknownFieldSet(message)):
            others = (other for other in VERSIONS if other is not version)
            if any(other.outline.FromString(data).ListFields() for other in others):
                raise Refused(
                    Reason.UNPARSABLE,
                    f"The Content-Type says {version.message}, the body is one of another version.",
                )
            message.DiscardUnknownFields()  # fields that we append ourselves
            data = message.SerializeToString()
    except DecodeError as error:
        # What the library says names our outline of the message, which tells nobody anything.
        raise Refused(
            Reason.UNPARSABLE, f"The body is no {version.message}, or ends in the middle of one."
        ) from error
    parts = sum(len(values) for _, values in message.ListFields())
    if parts > MOST_ITEMS:
        raise Refused(
            Reason.TOO_MANY_ITEMS,
            f"The request has more than {MOST_ITEMS} series and symbols; send them in several.",
        )
    items = parts - len(getattr(message, version.symbols, ()))
    return Request(data, b"", items, frozenset({version.known.table}))
