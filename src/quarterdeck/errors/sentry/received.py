"""What comes of an envelope before anything is kept: error events, and OTLP for all the rest."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.errors.sentry.otlp import Logs, Metrics, Spans
from quarterdeck.telemetry.ingest.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Attachment:
    name: str
    media: str
    kind: str  # Sentry's attachment_type, such as event.attachment or event.minidump
    data: bytes


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An error event or a security report as it was sent, not yet normalised."""

    event_id: str  # 32 hexadecimal digits
    type: str  # "error", or of a report "csp", "expectct", "expectstaple", "hpkp", "nel" …
    document: Mapping[str, Any]
    raw: bytes  # the document as JSON
    received_ns: int
    shift_ns: int  # what to add to the document's times, because the sender's clock is wrong
    service: str  # where the document names none: as in the spans and logs of the same sender
    attachments: tuple[Attachment, ...] = ()


KeepEvents = Callable[[ProjectRef, Sequence[SentEvent]], Awaitable[Outcome]]
"""Keeps error events; returns once they are durable, Refused when there is no room for them."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the handlers of items know of the envelope around them."""

    event_id: str
    service: str  # of telemetry that names none
    received_ns: int
    shift_ns: int


@dataclass(slots=True)
class Received:
    """Filled by the handlers of an envelope's items."""

    events: list[SentEvent] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    spans: Spans = field(default_factory=Spans)
    logs: Logs = field(default_factory=Logs)
    metrics: Metrics = field(default_factory=Metrics)
    items: Counter[tuple[str, str]] = field(default_factory=Counter)  # by type and what became
    discarded: Counter[tuple[str, str]] = field(default_factory=Counter)  # category, reason
    categories: set[str] = field(default_factory=set)  # of what is to be kept
