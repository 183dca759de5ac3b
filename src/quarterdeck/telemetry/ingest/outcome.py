"""What became of a request: how many items were kept, how many refused, and why.

`Reason` is the closed list of why anything is refused; every refusal is counted under one
(`quarterdeck_ingest_refused_total`). Each protocol tells the same outcome in its own words:
OTLP as partial success, NDJSON by reason, Elasticsearch for every line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    # of a whole request
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    NOT_PERMITTED = "not_permitted"
    ORIGIN_REFUSED = "origin_refused"
    PROJECT_UNKNOWN = "project_unknown"
    DRAIN_UNKNOWN = "drain_unknown"
    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_WRONG = "signature_wrong"
    MEDIA_TYPE = "media_type"
    ENCODING = "encoding"
    COMPRESSION_BROKEN = "compression_broken"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    TOO_MANY_ITEMS = "too_many_items"
    TOO_MANY_RESOURCES = "too_many_resources"
    RESOURCE_TOO_LARGE = "resource_too_large"
    UNPARSABLE = "unparsable"
    DISCONNECTED = "disconnected"
    OVERLOADED = "overloaded"
    STORE_FAILED = "store_failed"
    STORE_REFUSED = "store_refused"
    # of single items, judged by the engine
    INVALID_TRACE_ID = "invalid_trace_id"
    INVALID_SPAN_ID = "invalid_span_id"
    INVALID_PARENT_SPAN_ID = "invalid_parent_span_id"
    TIME_MISSING = "time_missing"
    TOO_OLD = "too_old"
    IN_FUTURE = "in_future"
    TOO_MANY_ATTRIBUTES = "too_many_attributes"
    VALUE_TOO_LARGE = "value_too_large"
    METRIC_UNNAMED = "metric_unnamed"
    EXEMPLAR_TIME = "exemplar_time"
    UNPARSABLE_LINE = "unparsable_line"
    LABEL_INVALID = "label_invalid"
    LABEL_DUPLICATE = "label_duplicate"
    LABEL_TOO_LONG = "label_too_long"
    TOO_MANY_LABELS = "too_many_labels"
    TOO_MANY_SERIES = "too_many_series"
    SYMBOL_MISSING = "symbol_missing"
    HISTOGRAM_INVALID = "histogram_invalid"


HTTP_STATUS: dict[Reason, int] = {
    Reason.KEY_MISSING: 401,
    Reason.KEY_UNKNOWN: 401,
    Reason.NOT_PERMITTED: 403,
    Reason.ORIGIN_REFUSED: 403,
    Reason.PROJECT_UNKNOWN: 403,
    Reason.DRAIN_UNKNOWN: 404,
    Reason.SIGNATURE_MISSING: 401,
    Reason.SIGNATURE_WRONG: 403,
    Reason.MEDIA_TYPE: 415,
    Reason.ENCODING: 415,
    Reason.TOO_LARGE: 413,
    Reason.TOO_SLOW: 408,
    Reason.OVERLOADED: 503,
    Reason.STORE_FAILED: 503,
}
"""The status of a refused request; 400 for every other reason."""


EXPLAIN = {
    Reason.INVALID_TRACE_ID: "trace ids are 16 bytes and not all zero",
    Reason.INVALID_SPAN_ID: "span ids are 8 bytes and not all zero",
    Reason.INVALID_PARENT_SPAN_ID: "parent span ids are 8 bytes or absent",
    Reason.TIME_MISSING: "a time is missing",
    Reason.TOO_OLD: "older than the project's retention",
    Reason.IN_FUTURE: "more than an hour ahead of the server's clock",
    Reason.TOO_MANY_ATTRIBUTES: "more than 1,024 attributes on one item",
    Reason.VALUE_TOO_LARGE: "a value over 1 MiB, or over 2 MiB in one item",
    Reason.METRIC_UNNAMED: "a metric without a name",
    Reason.EXEMPLAR_TIME: "an exemplar older than what is kept, or in the future",
    Reason.UNPARSABLE_LINE: "a line that is not a JSON object",
    Reason.RESOURCE_TOO_LARGE: "attributes of a resource or scope over 64 KiB",
    Reason.LABEL_INVALID: "a label without a name, or text that is not UTF-8",
    Reason.LABEL_DUPLICATE: "the same label twice on one series",
    Reason.LABEL_TOO_LONG: "a label's name over 1,024 bytes or its value over 16 KiB",
    Reason.TOO_MANY_LABELS: "more than 256 labels",
    Reason.TOO_MANY_SERIES: "a new series beyond the project's limit",
    Reason.SYMBOL_MISSING: "a reference to a symbol that is not in the request",
    Reason.HISTOGRAM_INVALID: "a native histogram whose buckets, spans and count do not agree",
}


@dataclass(slots=True)
class Outcome:
    """`refused` maps a reason to the number of items refused for it, `lines` to which they were.

    `kept` has how many items of each kind were kept, where a protocol wants to know.
    """

    items: int
    refused: dict[str, int] = field(default_factory=dict)
    lines: Mapping[str, list[int]] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return sum(self.refused.values())

    def joined(self, refused: Mapping[str, int]) -> "Outcome":
        """With items that were left out before, by reason."""
        counts = {r: self.refused.get(r, 0) + refused.get(r, 0) for r in {*self.refused, *refused}}
        return Outcome(self.items + sum(refused.values()), counts, self.lines, self.kept)

    def message(self) -> str:
        """One sentence for the sender, empty when everything was kept."""
        parts = [
            f"{count} refused: {EXPLAIN.get(Reason(reason), reason)} ({reason})"
            for reason, count in sorted(self.refused.items())
        ]
        return "; ".join(parts)


class Refused(Exception):
    """A whole request refused: the reason, what to tell the sender, and when to try again."""

    def __init__(self, reason: Reason, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


def overloaded() -> Refused:
    """More is on its way than memory allows: the sender is told to come back."""
    return Refused(Reason.OVERLOADED, "Too much arrives at once; send again soon.", retry_after=2)
