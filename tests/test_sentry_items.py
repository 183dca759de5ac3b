"""What becomes of each kind of item in Sentry's envelopes."""

import json
from typing import Any

from quarterdeck.errors.sentry import security
from quarterdeck.errors.sentry.envelope import parse
from quarterdeck.errors.sentry.items import KINDS, take
from quarterdeck.errors.sentry.received import Context, Received
from support.sentry import envelope

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
TRACE, SPAN, PARENT = "a" * 32, "b" * 16, "c" * 16
NOW = 1_800_000_000_000_000_000


def made_of(
    *items: tuple[dict[str, Any], Any], shift: int = 0, headers: dict[str, Any] | None = None
) -> Received:
    parts = [
        (header, body if isinstance(body, bytes) else json.dumps(body).encode())
        for header, body in items
    ]
    found = parse(envelope(headers or {}, *parts))
    return take(found, Context(found.event_id, "project", NOW, shift))


def spans(received: Received) -> list[Any]:
    request = received.spans.request()
    assert request is not None
    message = received.spans.signal.request.FromString(request.body)
    return [
        (resource.resource, span)
        for resource in message.resource_spans  # type: ignore[attr-defined]
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def plain(attributes: Any) -> dict[str, Any]:
    found = {}
    for pair in attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        found[pair.key] = value if isinstance(value, str | int | float) else kind
    return found


def test_the_envelope_names_the_event() -> None:
    body = {"event_id": "1" * 32, "message": "hello"}
    assert made_of(({"type": "event"}, body)).events[0].event_id == "1" * 32
    received = made_of(({"type": "event"}, body), headers={"event_id": EVENT_ID})
    assert received.events[0].event_id == EVENT_ID
    assert len(made_of(({"type": "event"}, {})).events[0].event_id) == 32


def test_an_attachment_goes_with_the_event_whatever_their_order() -> None:
    header = {"type": "attachment", "filename": "a.txt", "content_type": "text/plain"}
    received = made_of((header, b"hello"), ({"type": "event"}, {}))
    (attached,) = received.events[0].attachments
    assert (attached.name, attached.media, attached.data) == ("a.txt", "text/plain", b"hello")
    assert made_of((header, b"hello")).items == {("attachment", "unsupported"): 1}


def test_every_kind_of_item_is_counted_and_none_harms_another() -> None:
    kinds = [kind for kind in KINDS if kind != "event"] + ["novelty", "invented"]
    received = made_of(
        *[({"type": kind}, b"\x00 no json") for kind in kinds], ({"type": "event"}, {})
    )
    assert len(received.events) == 1
    assert received.items["other", "unknown"] == 2
    assert received.items["transaction", "unparsable"] == 1
    assert received.items["replay_recording", "unsupported"] == 1
    assert received.items.total() == len(kinds) + 1


def test_an_item_that_is_too_large_is_skipped_alone() -> None:
    large = {"message": "x" * 1_048_576}
    received = made_of(({"type": "transaction"}, large), ({"type": "event"}, {}))
    assert received.items == {("transaction", "too_large"): 1, ("event", "taken"): 1}


def test_one_event_an_envelope_and_a_hundred_sessions() -> None:
    received = made_of(*[({"type": "event"}, {})] * 3)
    assert received.items == {("event", "taken"): 1, ("event", "duplicate"): 2}
    received = made_of(*[({"type": "session"}, {"init": True})] * 150)
    assert received.items == {("session", "taken"): 100, ("session", "too_many"): 50}


TRANSACTION = {
    "type": "transaction",
    "transaction": "/cart",
    "start_timestamp": 1_799_999_999.5,
    "timestamp": "2027-01-15T08:00:00Z",
    "release": "shop@2.0.0",
    "environment": "production",
    "tags": [["plan", "free"], ["beta", True], ["none", None]],
    "contexts": {"trace": {"trace_id": TRACE, "span_id": SPAN, "parent_span_id": PARENT, "op": "pageload",
                           "status": "ok", "data": {"n": 1, "deep": {"a": [1, "b"]}}}},
    "measurements": {"lcp": {"value": 1200, "unit": "millisecond"}, "cls": {"value": 0.1, "unit": ""}},
    "user": {"id": 7},
    "spans": [
        {"span_id": "d" * 16, "parent_span_id": SPAN, "op": "http.client", "description": "GET https://api.example/a",
         "start_timestamp": 1_799_999_999.6, "timestamp": 1_799_999_999.7, "status": "not_found",
         "data": {"http.response.status_code": "404"}},
    ],
}  # fmt: skip


def test_a_transaction_is_a_root_with_its_spans() -> None:
    (where, root), (_, call) = spans(made_of(({"type": "transaction"}, TRANSACTION)))
    assert plain(where.attributes) == {
        "service.name": "shop", "service.version": "shop@2.0.0", "deployment.environment.name": "production",
    }  # fmt: skip
    assert (root.trace_id.hex(), root.span_id.hex(), root.parent_span_id.hex()) == (
        TRACE,
        SPAN,
        PARENT,
    )
    assert (root.start_time_unix_nano, root.end_time_unix_nano) == (NOW - 500_000_000, NOW)
    assert (root.name, root.kind, root.status.code) == ("/cart", 1, 1)
    assert plain(root.attributes) == {
        "plan": "free", "beta": "true", "n": 1, "deep": "kvlist_value", "user.id": "7",
        "sentry.op": "pageload", "sentry.status": "ok",
        "sentry.measurement.lcp": 1200.0, "sentry.measurement.lcp.unit": "millisecond",
        "sentry.measurement.cls": 0.1,
    }  # fmt: skip
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == (TRACE, SPAN)
    assert (call.kind, call.status.code, call.status.message) == (3, 2, "not_found")
    found = plain(call.attributes)
    assert (found["http.request.method"], found["url.full"]) == ("GET", "https://api.example/a")
    assert found["http.response.status_code"] == 404


def test_what_a_client_did_wrong_is_no_error_of_the_server() -> None:
    for status, code in (
        ("not_found", 0),
        ("internal_error", 2),
        ("ok", 1),
        (None, 0),
        ("cancelled", 0),
    ):
        trace = {"trace_id": TRACE, "span_id": SPAN, "op": "http.server", "status": status}
        ((_, span),) = spans(made_of(({"type": "transaction"}, {"contexts": {"trace": trace}})))
        assert span.status.code == code, status


def test_the_senders_clock_is_put_right() -> None:
    ((_, span), _) = spans(made_of(({"type": "transaction"}, TRANSACTION), shift=3_000_000_000))
    assert span.end_time_unix_nano == NOW + 3_000_000_000


def test_spans_of_today_and_of_yesterday_are_spans() -> None:
    streamed = {
        "items": [
            {
                "trace_id": TRACE, "span_id": SPAN, "name": "load", "status": "error", "is_segment": True,
                "start_timestamp": 1_800_000_000, "end_timestamp": 1_800_000_001.5,
                "attributes": {
                    "sentry.op": {"value": "queue.process", "type": "string"},
                    "sentry.release": {"value": "2.0.0", "type": "string"},
                    "server.address": {"value": "web-1", "type": "string"},
                    "whole": {"value": 3, "type": "double"}, "flag": {"value": True, "type": "boolean"},
                },
                "links": [{"trace_id": "e" * 32, "span_id": "f" * 16}],
            }
        ]
    }  # fmt: skip
    alone = {
        "trace_id": TRACE, "span_id": SPAN, "op": "ui.click", "description": "button",
        "start_timestamp": 1, "timestamp": 2, "data": {"sentry.release": "web@1"},
    }  # fmt: skip
    received = made_of(
        ({"type": "span", "content_type": "application/vnd.sentry.items.span.v2+json"}, streamed),
        ({"type": "span"}, alone),
    )
    (first_at, first), (second_at, second) = spans(received)
    assert plain(first_at.attributes) == {
        "service.name": "project", "service.version": "2.0.0", "host.name": "web-1",
    }  # fmt: skip
    assert (first.kind, first.status.code, first.links[0].trace_id.hex()) == (5, 2, "e" * 32)
    assert plain(first.attributes) == {"sentry.op": "queue.process", "whole": 3.0, "flag": True}
    assert isinstance(plain(first.attributes)["whole"], float)
    assert (plain(second_at.attributes)["service.name"], second.name) == ("web", "button")


def test_sessions_that_a_server_has_counted_are_added_up() -> None:
    body = {
        "attrs": {"release": "shop@2", "environment": "staging"},
        "aggregates": [
            {"started": "2027-01-15T07:59:00Z", "exited": 5, "crashed": 1},
            {"started": "2027-01-15T07:58:00Z", "exited": 2, "errored": 1, "abnormal": -4},
        ],
    }
    received = made_of(({"type": "sessions"}, body))
    request = received.metrics.request()
    assert request is not None
    message: Any = received.metrics.signal.request.FromString(request.body)
    (metric,) = message.resource_metrics[0].scope_metrics[0].metrics
    assert (metric.name, metric.sum.is_monotonic, metric.sum.aggregation_temporality) == (
        "sentry.sessions",
        True,
        1,
    )
    points = {plain(point.attributes)["status"]: point for point in metric.sum.data_points}
    assert {status: point.as_int for status, point in points.items()} == {
        "init": 9, "exited": 7, "errored": 1, "crashed": 1,
    }  # fmt: skip
    assert points["init"].time_unix_nano - points["init"].start_time_unix_nano == 120 * 10**9


def test_measurements_of_one_series_are_one_point() -> None:
    def one(kind: str, value: Any, at: float, **attributes: str) -> dict[str, Any]:
        told = {
            key.replace("_", "."): {"value": text, "type": "string"}
            for key, text in attributes.items()
        }
        return {"name": kind, "type": kind, "value": value, "timestamp": NOW / 1e9 + at, "attributes": told,
                "trace_id": TRACE, "span_id": SPAN, "unit": "second"}  # fmt: skip

    items = [
        one("counter", 1, 0, plan="free", user_id="1"), one("counter", 2.5, 1, plan="free", user_id="2"),
        one("counter", 4, 0, plan="paid"), one("gauge", 7, 2), one("gauge", 6, 1),
        one("distribution", 3, 0), one("distribution", 12, 1), one("distribution", 99_999, 0),
        one("counter", "many", 0), one("counter", True, 0), one("set", 1, 0), {},
    ]  # fmt: skip
    received = made_of(({"type": "trace_metric"}, {"items": items}))
    assert received.items == {("trace_metric", "unparsable"): 4, ("trace_metric", "taken"): 1}
    request = received.metrics.request()
    assert request is not None
    message: Any = received.metrics.signal.request.FromString(request.body)
    found = {metric.name: metric for metric in message.resource_metrics[0].scope_metrics[0].metrics}
    assert {(plain(p.attributes)["plan"], p.as_double) for p in found["counter"].sum.data_points} == {
        ("free", 3.5), ("paid", 4),
    }  # fmt: skip
    assert (found["counter"].sum.aggregation_temporality, found["counter"].unit) == (1, "s")
    assert [point.as_double for point in found["gauge"].gauge.data_points] == [7]
    (point,) = found["distribution"].histogram.data_points
    assert (point.count, point.sum, point.min, point.max) == (3, 100_014, 3, 99_999)
    assert [n for n in point.bucket_counts if n] == [1, 1, 1]
    assert point.bucket_counts[-1] == 1
    assert (point.exemplars[0].trace_id.hex(), point.exemplars[0].as_double) == (TRACE, 99_999)


def test_what_an_sdk_threw_away_is_counted_under_known_words_alone() -> None:
    lost = [
        {"category": "error", "reason": "before_send", "quantity": 2},
        {"category": "error", "reason": "made up " * 10, "quantity": 1},
        {"category": "<script>", "reason": "sample_rate", "quantity": 3},
        {"category": "error", "reason": "before_send", "quantity": -5},
        {"category": "error", "reason": "before_send", "quantity": "many"},
    ]
    received = made_of(({"type": "client_report"}, {"discarded_events": lost}))
    assert received.discarded == {
        ("error", "before_send"): 2, ("error", "other"): 1, ("other", "sample_rate"): 3,
    }  # fmt: skip


def test_reports_of_browsers_become_events() -> None:
    old = {
        "csp-report": {
            "document-uri": "https://shop.example/cart", "violated-directive": "script-src 'self'",
            "effective-directive": "script-src", "blocked-uri": "https://evil.example/x.js?1",
        }
    }  # fmt: skip
    ((kind, document),) = security.documents(old, "1.0", "production", "Mozilla/5.0")
    assert kind == document["type"] == "csp"
    assert document["message"] == "Blocked script-src from evil.example"
    assert document["fingerprint"] == ["csp", "script-src", "evil.example"]
    assert document["request"] == {
        "url": "https://shop.example/cart",
        "headers": [["User-Agent", "Mozilla/5.0"]],
    }
    assert (document["release"], document["environment"]) == ("1.0", "production")
    new = [
        {"type": "csp-violation", "url": "https://shop.example/",
         "body": {"documentURL": "https://shop.example/a", "blockedURL": "inline", "effectiveDirective": "style-src-elem"}},
        {"type": "deprecation", "url": "https://shop.example/", "body": {"id": "x", "message": "old API"}},
        {"type": "network-error", "url": "https://shop.example/", "body": {"type": "dns.name_not_resolved"}},
        "nonsense", {"body": {}},
    ]  # fmt: skip
    found = security.documents(new)
    assert [(kind, document["message"]) for kind, document in found] == [
        ("csp", "Blocked style-src-elem from inline"),
        ("deprecation", "deprecation: old API (shop.example)"),
        ("nel", "nel: dns.name_not_resolved (shop.example)"),
    ]
    staple = {"expect-staple-report": {"hostname": "shop.example"}}
    assert [kind for kind, _ in security.documents(staple)] == ["expectstaple"]
    pins = {"date-time": "2014-04-06T13:00:50Z", "hostname": "shop.example", "known-pins": []}
    assert [kind for kind, _ in security.documents(pins)] == ["hpkp"]
    nonsense: list[Any] = [None, 1, [], {}, "x", {"csp-report": 1}, [[]]]
    assert [security.documents(value) for value in nonsense] == [[]] * len(nonsense)
