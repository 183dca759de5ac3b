"""Syslog messages of every shape, and where each ends in a stream of them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.telemetry.ingest.logs.syslog_frames import LONGEST, Frames, TooLongError
from quarterdeck.telemetry.ingest.logs.syslog_message import Message, parse

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def at(message: Message) -> str:
    return datetime.fromtimestamp(message.time_ns / 1e9, UTC).isoformat(timespec="milliseconds")


def pairs(message: Message) -> dict[str, str]:
    return dict(message.pairs)


# The examples of RFC 5424, section 6.5.


def test_the_first_example_of_rfc_5424() -> None:
    message = parse(
        b"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xef\xbb\xbf"
        b"'su root' failed for lonvick on /dev/pts/8",
        NOW,
    )
    assert message.text == "'su root' failed for lonvick on /dev/pts/8"
    assert at(message) == "2003-10-11T22:14:15.003+00:00"
    assert pairs(message) == {
        "severity": "crit", "syslog.facility": "auth", "host.name": "mymachine.example.com",
        "service.name": "su", "syslog.msgid": "ID47",
    }  # fmt: skip


def test_the_second_example_has_an_offset_and_no_bom() -> None:
    message = parse(
        b"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
        NOW,
    )
    assert message.text == "%% It's time to make the do-nuts."
    assert message.time_ns == 1061727255_000003_000
    assert pairs(message)["process.pid"] == "8710"


def test_structured_data_becomes_attributes_escapes_and_all() -> None:
    message = parse(
        b'<165>1 2003-10-11T22:14:15.003Z h evntslog - ID47 [exampleSDID@32473 iut="3" '
        b'eventSource="App \\"x\\" \\] \\\\"][examplePriority@32473 class="high"]',
        NOW,
    )
    assert message.text == ""
    assert pairs(message).items() >= {
        ("syslog.exampleSDID@32473.iut", "3"),
        ("syslog.exampleSDID@32473.eventSource", 'App "x" ] \\'),
        ("syslog.examplePriority@32473.class", "high"),
    }


def test_a_key_in_structured_data_is_taken_out() -> None:
    message = parse(b'<13>1 - h a - - [quarterdeck@0 key="qd_x" project="shop"][o@1 a="b"] hi', NOW)
    assert (message.key, message.project, message.text) == ("qd_x", "shop", "hi")
    assert not any("qd_x" in value for _, value in message.pairs)
    assert pairs(message)["syslog.o@1.a"] == "b"


@pytest.mark.parametrize(
    ("raw", "host", "app", "pid", "text"),
    [
        (b"<34>Nov 21 11:59:15 mymachine su: 'su root' failed", "mymachine", "su", None, "'su root' failed"),
        (b"<30>Nov 21 11:59:15 web-1 sshd[42]: ok: yes", "web-1", "sshd", "42", "ok: yes"),
        (b"<30>Nov 21 11:59:15 sshd[42]: local", None, "sshd", "42", "local"),
        (b"<13>Nov 21 11:59:15.123456 web-1 a/b: x", "web-1", "a/b", None, "x"),
        (b"<13>2026-11-21T11:59:15.5+00:00 web-1 nginx: x", "web-1", "nginx", None, "x"),
        (b"<13>Nov 21 11:59:15 web-1 no tag here", "web-1", None, None, "no tag here"),
        (b"<13>Nov 21 11:59:15 ::1 app: x", "::1", "app", None, "x"),
    ],
)  # fmt: skip
def test_rfc_3164_and_what_programs_make_of_it(
    raw: bytes, host: str | None, app: str | None, pid: str | None, text: str
) -> None:
    message = parse(raw, NOW)
    found = pairs(message)
    assert (found.get("host.name"), found.get("service.name"), found.get("process.pid")) == (
        host, app, pid,
    )  # fmt: skip
    assert message.text == text
    assert at(message).startswith("2026-11-21T11:59:15")


@pytest.mark.parametrize(
    ("now", "stamp", "expected"),
    [
        ("2027-01-01T00:00:30", "Dec 31 23:59:58", "2026-12-31T23:59:58"),  # last year
        ("2026-12-31T23:59:58", "Jan  1 00:00:02", "2027-01-01T00:00:02"),  # a clock ahead
        ("2026-06-01T00:00:00", "Jan 15 00:00:00", "2026-01-15T00:00:00"),
        ("2028-03-01T00:00:00", "Feb 29 10:00:00", "2028-02-29T10:00:00"),
        ("2026-11-21T12:00:00", "Nov 21 13:59:50", "2026-11-21T11:59:50"),  # two hours east
        ("2026-11-21T12:00:00", "Nov 21 17:29:59", "2026-11-21T11:59:59"),  # India
        ("2026-11-21T12:00:00", "Nov 21 12:00:02", "2026-11-21T12:00:02"),
    ],
)
def test_a_time_without_year_and_zone_is_guessed(now: str, stamp: str, expected: str) -> None:
    message = parse(f"<13>{stamp} h a: x".encode(), datetime.fromisoformat(f"{now}+00:00"))
    assert at(message).startswith(expected)


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage", b"<999>x", b"<>x", b"< 13>x", b"\xff\xfe", b"{}", b"<13", b"192>1 - - - - - -",
    ],
)  # fmt: skip
def test_what_is_no_syslog_is_kept_whole_and_marked(raw: bytes) -> None:
    message = parse(raw, NOW)
    assert message.text == raw.decode("utf-8", "replace")
    assert pairs(message) == {"syslog.unparsed": "true"}
    assert message.time_ns == 0


def test_a_head_that_breaks_off_leaves_the_rest_as_text() -> None:
    for rest in (
        "1 2026-11-21T10:00:00Z h a - - [broken",
        "Feb 29 25:00:00 h a: x",
        "1 yesterday h a - - - x",
    ):
        message = parse(f"<13>{rest}".encode(), NOW)
        assert (message.text, pairs(message)["severity"]) == (rest, "notice")


@given(st.binary(max_size=300))
def test_nothing_that_can_be_sent_raises(raw: bytes) -> None:
    parse(raw, NOW)
    parse(b"<13>1 " + raw, NOW)
    parse(b"<13>Nov 21 10:00:00 " + raw, NOW)
    frames = Frames()
    frames.feed(raw)
    frames.end()


# Frames.


def frame(*chunks: bytes) -> list[bytes]:
    frames = Frames()
    found = [message for chunk in chunks for message in frames.feed(chunk)]
    return found + frames.end()


def test_messages_are_counted_or_lines_even_in_turns() -> None:
    assert frame(b"5 <1>ab<2>line\n7 <3>\n\nxy") == [b"<1>ab", b"<2>line", b"<3>\n\nxy"]
    assert frame(b"<1>a\n\n\0<2>b\r\n") == [b"<1>a", b"<2>b\r"]
    assert frame(b"2026 is a year\n12 monkeys\n") == [b"2026 is a year", b"12 monkeys"]


def test_counts_that_lie_lose_nothing_but_their_own_order() -> None:
    assert frame(b"4 <1>abc\n<2>d\n") == [b"<1>a", b"bc", b"<2>d"]
    assert frame(b"400 <1>abc") == [b"<1>abc"]
    with pytest.raises(TooLongError):
        frame(b"9999999 <1>abc")


@given(
    st.lists(
        st.tuples(st.booleans(), st.binary(min_size=1, max_size=40).map(lambda b: b"<1>" + b)),
        max_size=8,
    ),
    st.lists(st.integers(1, 30), max_size=30),
)
def test_it_does_not_matter_how_a_stream_is_cut(
    messages: list[tuple[bool, bytes]], cuts: list[int]
) -> None:
    clean = [
        (counted, m if counted else m.replace(b"\n", b" ").replace(b"\0", b" "))
        for counted, m in messages
    ]
    stream = b"".join(b"%d %b" % (len(m), m) if counted else m + b"\n" for counted, m in clean)
    chunks, at = [], 0
    for cut in cuts:
        chunks.append(stream[at : at + cut])
        at += cut
    assert frame(*chunks, stream[at:]) == frame(stream)
    assert frame(stream) == [m for _, m in clean]


def test_a_line_without_end_is_cut_and_the_next_one_is_whole() -> None:
    frames = Frames()
    found = []
    for _ in range(40):
        found += frames.feed(b"x" * 50_000)
    assert [len(message) for message in found] == [LONGEST]
    assert not frames.partial
    assert frames.feed(b"rest\n<1>next\n") == [b"<1>next"]
