"""The grammar of Sentry's envelopes, the values in them, and what becomes of each kind of item."""

import json
from typing import Any

import pytest

from quarterdeck.errors.sentry import security
from quarterdeck.errors.sentry.auth import client_of, keys_of
from quarterdeck.errors.sentry.envelope import MOST_ITEMS, Envelope, parse
from quarterdeck.errors.sentry.http import shift_ns
from quarterdeck.errors.sentry.items import KINDS, take
from quarterdeck.errors.sentry.received import Context, Received
from quarterdeck.errors.sentry.values import id_bytes, load, time_ns
from quarterdeck.telemetry.ingest.outcome import Reason, Refused
from support.sentry import envelope

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
TRACE, SPAN, PARENT = "a" * 32, "b" * 16, "c" * 16
NOW = 1_800_000_000_000_000_000


def items_of(data: bytes) -> list[tuple[str, bytes]]:
    return [(item.type, bytes(item.payload)) for item in parse(data).items]


# Examples of the documentation: each payload as it must come out.
GRAMMAR: dict[str, tuple[bytes, list[tuple[str, bytes]]]] = {
    "nothing but headers": (b"{}", []),
    "headers and a newline": (b'{"event_id":"1"}\n', []),
    "headers and two newlines": (b"{}\n\n", []),
    "a length and the end": (b'{}\n{"type":"event","length":2}\n{}', [("event", b"{}")]),
    "a length and a newline": (b'{}\n{"type":"event","length":2}\n{}\n', [("event", b"{}")]),
    "no length": (b'{}\n{"type":"event"}\n{"a":1}\n', [("event", b'{"a":1}')]),
    "no length and the end": (b'{}\n{"type":"event"}\n{"a":1}', [("event", b'{"a":1}')]),
    "newlines within a length": (
        b'{}\n{"type":"attachment","length":3}\n\n\n\n\n{"type":"event"}\n1',
        [("attachment", b"\n\n\n"), ("event", b"1")],
    ),
    "nothing of a length": (
        b'{}\n{"type":"a","length":0}\n\n{"type":"b","length":0}\n', [("a", b""), ("b", b"")],
    ),
    "nothing of a length at the end": (b'{}\n{"type":"a","length":0}', [("a", b"")]),
    "nothing without a length": (b'{}\n{"type":"a"}\n\n{"type":"b"}\n', [("a", b""), ("b", b"")]),
    "a type that nobody knows": (b'{}\n{"type":"novelty","length":1}\nx\n', [("novelty", b"x")]),
    "bytes that are no text": (b'{}\n{"type":"a","length":3}\n\xff\x00\n', [("a", b"\xff\x00\n")]),
    "carriage returns": (b'{}\r\n{"type":"a","length":1}\r\nx\n', [("a", b"x")]),
}  # fmt: skip


@pytest.mark.parametrize("what", GRAMMAR)
def test_an_envelope_is_read_as_documented(what: str) -> None:
    data, expected = GRAMMAR[what]
    assert items_of(data) == expected


MALFORMED = {
    "nothing": b"",
    "no JSON": b"hello",
    "no object": b"[]\n",
    "an item's header that is no JSON": b"{}\nhello\n",
    "an item's header that is no object": b"{}\n1\n",
    "no type": b'{}\n{"length":1}\nx',
    "a type that is no text": b'{}\n{"type":1}\nx',
    "too short": b'{}\n{"type":"a","length":5}\nabc',
    "too long": b'{}\n{"type":"a","length":2}\nabc\n',
    "a negative length": b'{}\n{"type":"a","length":-1}\nabc\n',
    "a length in words": b'{}\n{"type":"a","length":"3"}\nabc\n',
    "a length that is true": b'{}\n{"type":"a","length":true}\na\n',
    "a length beyond all": b'{}\n{"type":"a","length":99999999999999999999}\nabc\n',
    "a header without end": b'{"a":"' + b"x" * 100_000,
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_malformed_envelope_is_refused(what: str) -> None:
    with pytest.raises(Refused) as refused:
        parse(MALFORMED[what])
    assert refused.value.reason is Reason.UNPARSABLE
    assert refused.value.message.startswith("invalid event envelope")


def test_an_envelope_that_is_cut_anywhere_is_shorter_or_refused() -> None:
    whole = envelope(
        {"event_id": EVENT_ID},
        ({"type": "event"}, b'{"a":\n1}'),
        ({"type": "attachment", "filename": "a"}, bytes(range(256))),
    )
    all_items = items_of(whole)
    cut_well = set()
    for end in range(len(whole)):
        try:
            items = items_of(whole[:end])
        except Refused:
            continue
        assert items == all_items[: len(items)]
        cut_well.add(len(items))
    assert cut_well == {0, 1, 2}


def test_no_more_items_than_a_thousand() -> None:
    many = envelope({}, *[({"type": "session"}, b"{}")] * MOST_ITEMS)
    assert len(parse(many).items) == MOST_ITEMS
    with pytest.raises(Refused) as refused:
        parse(many + b'{"type":"session"}\n{}\n')
    assert refused.value.reason is Reason.TOO_MANY_ITEMS


def test_payloads_are_not_copied() -> None:
    data = envelope({}, ({"type": "attachment"}, b"x" * 1000))
    assert parse(data).items[0].payload.obj is data


def test_json_that_sdks_have_cut_or_written_badly_is_mended() -> None:
    assert load(b'{"a":"\\ud83d","b":NaN,"c":"\xff"}') == {"a": "?", "b": None, "c": "\ufffd"}
    for broken in (b"", b"{", b"[" * 100_000, b'{"a":1e999}', b"9" * 5000 + b"x"):
        with pytest.raises(ValueError):
            load(broken)


def test_a_time_is_seconds_or_a_date() -> None:
    at = 1_700_000_000_123_456_000
    for written in (1_700_000_000.123456, "1700000000.123456", "2023-11-14T22:13:20.123456Z",
                    "2023-11-14T22:13:20.123456", "2023-11-15T00:13:20.123456+02:00"):  # fmt: skip
        assert time_ns(written) == at
    assert time_ns(at / 1e9, -1_000) == at - 1_000
    nonsense: list[Any] = [
        None,
        "",
        "soon",
        True,
        [],
        {},
        -1,
        0,
        1e300,
        "9999-12-31T23:59:59Z",
        "NaN",
        "inf",
        float("nan"),
    ]
    assert [time_ns(value) for value in nonsense] == [0] * len(nonsense)


def test_ids_are_hexadecimal_or_none() -> None:
    assert id_bytes("0a0B") == b"\x0a\x0b"
    for none in (None, 1, "abc", "zz", "a" * 65, "٣٣"):
        assert id_bytes(none) == b""


def test_only_a_clock_that_must_be_wrong_is_corrected() -> None:
    second = 1_000_000_000
    assert shift_ns(0, NOW) == 0
    for fine in (NOW, NOW + 5 * second, NOW - 1800 * second):
        assert shift_ns(fine, NOW) == 0
    assert shift_ns(NOW + 90 * second, NOW) == -90 * second
    assert shift_ns(NOW - 7200 * second, NOW) == 7200 * second


KEY = "0123456789abcdef0123456789abcdef"


def test_the_key_is_found_wherever_it_stands() -> None:
    for header in (
        f"Sentry sentry_version=7, sentry_key={KEY}, sentry_client=a/1",
        f"sentry sentry_key={KEY},sentry_version=7",
        f"Sentry sentry_key={KEY}",
    ):
        assert keys_of(header, "", {}) == {KEY}
        assert keys_of("", header, {}) == {KEY}
    assert keys_of("", f"DSN http://{KEY}:secret@host:1/path/2", {}) == {KEY}
    assert keys_of("", "", {"sentry_key": KEY}) == {KEY}
    assert keys_of(f"Sentry sentry_key={KEY}", "", {"sentry_key": "other"}) == {KEY, "other"}
    for none in (
        "",
        "Sentry",
        "Sentry sentry_secret=a",
        f"Bearer {KEY}",
        "DSN http://[",
        "Sentry not_sentry_key=1",
    ):
        assert keys_of(none, none, {}) == set()
    assert (
        client_of(f"Sentry sentry_key={KEY}, sentry_client=sentry.php/4.1", {}, "curl")
        == "sentry.php/4.1"
    )
    assert (
        client_of("", {"sentry_client": "sentry.javascript.browser/9"}, "Mozilla/5.0")
        == "sentry.javascript.browser/9"
    )


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


def test_an_empty_envelope_is_legal() -> None:
    assert parse(b"{}\n") == Envelope()
