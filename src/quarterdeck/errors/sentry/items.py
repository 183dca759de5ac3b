"""What becomes of each kind of item: one readable table.

A handler puts what it makes of an item into `Received`. An item that cannot be read, is too large
or is of a kind that nobody knows is counted and skipped; its neighbours are none the worse for it.
"""

import logging
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from quarterdeck.core.log import fields
from quarterdeck.errors.sentry import logs, metrics, security, sessions, spans
from quarterdeck.errors.sentry.envelope import Envelope, Item
from quarterdeck.errors.sentry.otlp import service_of
from quarterdeck.errors.sentry.received import Attachment, Context, Received, SentEvent
from quarterdeck.errors.sentry.values import MIB, json_text, load_kept, whole
from quarterdeck.errors.shapes import hexadecimal, name, objects

_log = logging.getLogger("quarterdeck.errors")

Handler = Callable[[Item, Context, Received], None]
SECURITY_HEADERS = ("sentry_release", "sentry_environment", "user_agent")
MOST_OF_A_KIND = 100  # sessions, as in Sentry; no envelope holds more of anything but spans


class Skip(Exception):
    """An item is not kept, and why."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def _json(item: Item) -> tuple[dict[str, Any], bytes]:
    try:
        document, raw = load_kept(item.payload)
    except ValueError:
        raise Skip("unparsable") from None
    if not isinstance(document, dict):
        raise Skip("unparsable")
    return document, raw


def _event(item: Item, context: Context, into: Received) -> None:
    document, raw = _json(item)
    if document.get("type") == "transaction":
        spans.transaction(document, context, into)
        return
    if into.events:
        raise Skip("duplicate")  # an envelope is about one event
    event_id = (
        context.event_id or hexadecimal(document.get("event_id"), 32) or secrets.token_hex(16)
    )
    kind = name(document.get("type")) or "error"
    into.events.append(
        SentEvent(
            event_id,
            "error" if kind in ("default", "event") else kind,
            document,
            raw,
            context.received_ns,
            context.shift_ns,
            service_of(document, context.service),
        )
    )


def _transaction(item: Item, context: Context, into: Received) -> None:
    spans.transaction(_json(item)[0], context, into)


def _span(item: Item, context: Context, into: Received) -> None:
    document, _ = _json(item)
    if "items" in document:
        spans.streamed(document, context, into)
    else:
        spans.single(document, context, into)


def _logs(item: Item, context: Context, into: Received) -> None:
    logs.logs(_json(item)[0], context, into)


def _metrics(item: Item, context: Context, into: Received) -> None:
    metrics.metrics(_json(item)[0], context, into)


def _session(item: Item, context: Context, into: Received) -> None:
    sessions.session(_json(item)[0], context, into)


def _sessions(item: Item, context: Context, into: Received) -> None:
    sessions.sessions(_json(item)[0], context, into)


def _attachment(item: Item, context: Context, into: Received) -> None:
    headers = item.headers
    into.attachments.append(
        Attachment(
            name(headers.get("filename"), 255) or "attachment",
            name(headers.get("content_type")) or "application/octet-stream",
            name(headers.get("attachment_type")) or "event.attachment",
            bytes(item.payload),
        )
    )


def _security(item: Item, context: Context, into: Received) -> None:
    """Error events of what browsers report, by themselves or through an SDK's tunnel."""
    try:
        given, _ = load_kept(item.payload)
    except ValueError:
        raise Skip("unparsable") from None
    told = (name(item.headers.get(header)) for header in SECURITY_HEADERS)
    found = security.documents(given, *told)
    if not found:
        raise Skip("unknown_report")
    for kind, document in found:
        event_id = document["event_id"] = secrets.token_hex(16)
        document["timestamp"] = context.received_ns / 1e9
        raw = json_text(document).encode()
        into.events.append(
            SentEvent(event_id, kind, document, raw, context.received_ns, 0, context.service)
        )


def _client_report(item: Item, context: Context, into: Received) -> None:
    """What the SDK itself has thrown away. Both words are the sender's: only known ones count."""
    document, _ = _json(item)
    for lost in objects(document.get("discarded_events"))[:MOST_OF_A_KIND]:
        if quantity := whole(lost.get("quantity")):
            category, reason = name(lost.get("category")), name(lost.get("reason"))
            known = category if category in CATEGORIES else "other"
            into.discarded[known, reason if reason in REASONS else "other"] += quantity


def _later(item: Item, context: Context, into: Received) -> None:
    raise Skip("unsupported")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of item: the category that SDKs are told limits of, and the largest payload."""

    category: str
    largest: int
    handle: Handler


_KIB = 1024
KINDS: dict[str, Kind] = {
    # error events and what belongs to them
    "event": Kind("error", MIB, _event),
    "security": Kind("security", MIB, _event),
    "raw_security": Kind("security", MIB, _security),
    "nel": Kind("security", MIB, _security),
    "attachment": Kind("attachment", 100 * MIB, _attachment),
    # into the same traces, logs and metrics as OTLP
    "transaction": Kind("transaction", MIB, _transaction),
    "span": Kind("span", 12 * MIB, _span),
    "log": Kind("log_item", 12 * MIB, _logs),
    "trace_metric": Kind("trace_metric", 12 * MIB, _metrics),
    "session": Kind("session", MIB, _session),
    "sessions": Kind("session", MIB, _sessions),
    # counted
    "client_report": Kind("internal", 4 * _KIB, _client_report),
    # received, not supported yet
    "check_in": Kind("monitor", 100 * _KIB, _later),
    "user_report": Kind("feedback", MIB, _later),
    "feedback": Kind("feedback", MIB, _later),
    "profile": Kind("profile", 50 * MIB, _later),
    "profile_chunk": Kind("profile_chunk", 50 * MIB, _later),
    "replay_event": Kind("replay", MIB, _later),
    "replay_recording": Kind("replay", 100 * MIB, _later),
    "replay_video": Kind("replay", 100 * MIB, _later),
    "statsd": Kind("metric_bucket", MIB, _later),
    "metric_buckets": Kind("metric_bucket", MIB, _later),
    "otel_span": Kind("span", MIB, _later),
    "form_data": Kind("attachment", MIB, _later),
    "unreal_report": Kind("error", 100 * MIB, _later),
}
CATEGORIES = {kind.category for kind in KINDS.values()} | {"default", "log_byte"}
REASONS = {
    "queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff", "network_error",
    "sample_rate", "before_send", "event_processor", "send_error", "internal_sdk_error",
    "insufficient_data", "backpressure", "ignored", "invalid", "no_parent_span",
}  # fmt: skip


def take(envelope: Envelope, context: Context) -> Received:
    """All items of an envelope, by the table."""
    into = Received()
    seen: Counter[str] = Counter()
    for item in envelope.items:
        if (kind := KINDS.get(item.type)) is None:
            into.items["other", "unknown"] += 1
            continue
        seen[item.type] += 1
        try:
            if len(item.payload) > kind.largest:
                raise Skip("too_large")
            if seen[item.type] > MOST_OF_A_KIND and kind.category != "span":
                raise Skip("too_many")
            kind.handle(item, context, into)
        except Skip as skipped:
            into.items[item.type, skipped.why] += 1
        except Exception:  # our fault, and none of its neighbours'
            _log.exception("An item of Sentry's could not be taken.", extra=fields(type=item.type))
            into.items[item.type, "failed"] += 1
        else:
            into.items[item.type, "taken"] += 1
            into.categories.add(kind.category)
    _attach(into)
    return into


def _attach(into: Received) -> None:
    """Attachments belong to the event beside them; alone, they are for what is not supported."""
    if into.events and into.attachments:
        into.events[0] = replace(into.events[0], attachments=tuple(into.attachments))
    elif alone := len(into.attachments):
        del into.items["attachment", "taken"]
        into.items["attachment", "unsupported"] += alone
