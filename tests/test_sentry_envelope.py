"""The grammar of Sentry's envelopes, who sends them, and the values in them."""

from typing import Any

import pytest

from quarterdeck.errors.sentry.auth import client_of, keys_of
from quarterdeck.errors.sentry.envelope import MOST_ITEMS, Envelope, parse
from quarterdeck.errors.sentry.http import shift_ns
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


def test_an_empty_envelope_is_legal() -> None:
    assert parse(b"{}\n") == Envelope()
