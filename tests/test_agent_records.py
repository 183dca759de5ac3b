"""Lines of a file become events, and events become records: levels, times, fields, hostile bytes."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from quarterdeck.agent.lines import LARGEST, MOST_LINES, Event, Joiner, Lines
from quarterdeck.agent.records import MOST_ATTRIBUTES, record_of

NOW = 1_790_000_000_000_000_000
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def events(data: bytes, first: str = "auto", chunk: int = 7) -> list[Event]:
    lines, joiner = Lines(0), Joiner(first)
    return [*_events(data, lines, joiner, chunk), *joiner.flush()]


def _events(data: bytes, lines: Lines, joiner: Joiner, chunk: int) -> Iterator[Event]:
    for at in range(0, len(data), chunk):
        for line in lines.feed(data[at : at + chunk]):
            yield from joiner.add(line)


def texts(data: str, first: str = "auto") -> list[str]:
    return [event.text.decode() for event in events(data.encode(), first)]


def record(text: str | bytes, **attributes: str) -> LogRecord:
    data = text.encode() if isinstance(text, str) else text
    return record_of(Event(data, len(data), len(data)), attributes, NOW)


def attributes(record: LogRecord) -> dict[str, Any]:
    found = {}
    for pair in record.attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind or "string_value")
        if kind == "array_value":
            value = [item.string_value for item in value.values]
        found[pair.key] = value
    return found


PYTHON = """\
2026-01-02 10:00:00 ERROR it failed
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    f()
ValueError: bad

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "b.py", line 2, in g
KeyError: 'x'
"""
JAVA = """\
10:00:01 ERROR com.shop.Pay - declined
java.lang.IllegalStateException: no money
\tat com.shop.Pay.charge(Pay.java:41)
Caused by: java.io.IOException: reset
\tat com.shop.Net.read(Net.java:7)
\t... 12 more
"""


def test_a_stack_trace_is_one_event() -> None:
    after = "10:00:02 INFO go on\n"
    assert texts(PYTHON + after) == [PYTHON.strip(), after.strip()]
    assert texts(JAVA + after) == [JAVA.strip(), after.strip()]


def test_a_traceback_does_not_swallow_what_follows() -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py"\nValueError: bad'
    assert texts(f"{trace}\n\nINFO: next\nINFO: last\n") == [trace, "INFO: next", "INFO: last"]


def test_the_first_line_may_be_told_by_a_pattern_and_joining_switched_off() -> None:
    data = "> one\ntwo\n\n> three\n four\n"
    assert texts(data, "^> ") == ["> one\ntwo", "> three\n four"]
    assert texts(data, "off") == ["> one", "two", "> three", " four"]


def test_lines_of_json_wait_for_nothing() -> None:
    lines, joiner = Lines(0), Joiner()
    [line] = lines.feed(b'{"msg":"a"}\n')
    assert [event.text for event in joiner.add(line)] == [b'{"msg":"a"}']
    assert not joiner.is_waiting


def test_every_event_knows_where_it_ends() -> None:
    data = b"one\r\n\ntwo\n  more\nthree"
    found = events(data)
    assert [event.end for event in found] == [6, 17]
    assert [event.text for event in found] == [b"one", b"two\n  more"]


def test_a_line_of_ten_megabytes_is_cut_and_said_to_be() -> None:
    [event, last] = events(b"x" * 10_000_000 + b"\nnext\n", chunk=65_536)
    assert (len(event.text), event.size, event.end) == (LARGEST, 10_000_000, 10_000_001)
    assert last.text == b"next"
    told = attributes(record_of(event, {}, NOW))
    assert told == {"log.truncated": True, "log.original_bytes": 10_000_000}


def test_an_event_has_a_bound_in_lines_and_in_bytes() -> None:
    many = events(b"start\n" + b" more\n" * 1_200, chunk=65_536)
    assert [event.lines for event in many] == [MOST_LINES, MOST_LINES, 201]
    [large] = events(b"start\n" + (b" " + b"y" * 9_999 + b"\n") * 100, chunk=65_536)
    assert len(large.text) == LARGEST
    assert large.is_cut


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2026-01-02T10:00:00Z ERROR boom", "ERROR"),
        ("[2026-01-02 10:00:00,123] WARNING in app: careful", "WARNING"),
        ("INFO:     127.0.0.1 - GET /", "INFO"),
        ("2026/01/02 10:00:00 [error] 12#12: *1 connect() failed", "ERROR"),
        ('ts=1 level=warn msg="slow"', "WARN"),
        ("E0102 10:00:00.123456 1 main.go:7] it broke", "ERROR"),
        ("2026-01-02 10:00:00 UTC [42] FATAL:  role does not exist", "FATAL"),
        ("\x1b[32mINFO\x1b[0m started", "INFO"),
        ("Traceback (most recent call last):", "ERROR"),
        ("an error is a word here", ""),
        ("GET /errors?level=x HTTP/1.1", "X"),
        ("Errors were fixed by INFORMATION desks", ""),
        ("x" * 300 + " ERROR far away", ""),
    ],
)
def test_a_level_is_taken_only_where_a_line_states_one(line: str, level: str) -> None:
    assert record(line).severity_text == level


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("line", "time_ns"),
    [
        ("2026-01-02T10:00:00Z x", at("2026-01-02T10:00:00+00:00")),
        ("2026-01-02T10:00:00.123456789+02:00 x", at("2026-01-02T08:00:00+00:00") + 123_456_789),
        ("[2026-01-02 10:00:00,5 +0100] x", at("2026-01-02T09:00:00+00:00") + 500_000_000),
        ("2026-01-02 10:00:00 UTC [1] LOG: x", at("2026-01-02T10:00:00+00:00")),
        ('1.2.3.4 - - [02/Jan/2026:10:00:00 -0100] "GET / HTTP/1.1" 200 1', at("2026-01-02T11:00:00+00:00")),
        ("2026-99-99T10:00:00Z x", NOW),
        ("2099-01-01T00:00:00Z is not believed", NOW),
        ("no time at all", NOW),
    ],
)  # fmt: skip
def test_a_time_that_a_line_begins_with_is_its_time(line: str, time_ns: int) -> None:
    assert record(line).time_unix_nano == time_ns
    assert record(line).observed_time_unix_nano == NOW


def test_a_time_without_a_zone_is_of_this_machine() -> None:
    local = datetime(2026, 1, 2, 10, 0, 0).astimezone()
    assert record("2026-01-02 10:00:00 x").time_unix_nano == int(local.timestamp()) * 1_000_000_000


def test_fields_of_json_are_taken_by_their_common_names() -> None:
    line = {
        "timestamp": "2026-01-02T10:00:00.5Z", "level": "warn", "msg": "slow", "traceId": TRACE, "span_id": SPAN,
        "http": {"route": "/pay", "status": 500, "retry": True}, "tags": ["a", "b"], "mixed": [1, {"x": 2}],
        "none": None, "huge": 2**70,
    }  # fmt: skip
    found = record(json.dumps(line), file="a.log")
    assert found.time_unix_nano == at("2026-01-02T10:00:00+00:00") + 500_000_000
    assert (found.severity_text, found.severity_number) == ("WARN", 13)
    assert found.body.string_value == "slow"
    assert (found.trace_id.hex(), found.span_id.hex()) == (TRACE, SPAN)
    assert attributes(found) == {
        "file": "a.log", "http.route": "/pay", "http.status": 500, "http.retry": True, "tags": ["a", "b"],
        "mixed": '[1, {"x": 2}]', "huge": str(2**70),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "level", "ns"),
    [
        ({"level": 50, "time": 1_780_000_000_123}, 17, 1_780_000_000_123_000_000),  # pino
        ({"@l": "Warning", "@t": "2026-01-02T10:00:00Z"}, 13, at("2026-01-02T10:00:00+00:00")),
        ({"log": {"level": "info"}, "@timestamp": "2026-01-02T10:00:00Z"}, 9, at("2026-01-02T10:00:00+00:00")),
        ({"severity": "CRITICAL", "ts": 1_780_000_000}, 18, 1_780_000_000_000_000_000),
        ({"lvl": "dbg", "ts": "1780000000.25"}, 5, 1_780_000_000_250_000_000),
        ({"level": "unheard of", "time": "yesterday"}, 0, NOW),
    ],
)  # fmt: skip
def test_levels_and_times_of_common_loggers_are_understood(
    fields: dict[str, Any], level: int, ns: int
) -> None:
    found = record(json.dumps(fields))
    assert (found.severity_number, found.time_unix_nano) == (level, ns)


def test_json_without_a_message_is_its_own_body() -> None:
    line = '{"method": "GET", "status": 200}'
    found = record(line)
    assert found.body.string_value == line
    assert attributes(found) == {"method": "GET", "status": 200}


def test_the_lines_of_docker_are_unwrapped() -> None:
    inner = json.dumps({"level": "error", "msg": "inside"})
    line = json.dumps({"log": inner + "\n", "stream": "stderr", "time": "2026-01-02T10:00:00Z"})
    found = record(line)
    assert (found.body.string_value, found.severity_number) == ("inside", 17)
    assert found.time_unix_nano == at("2026-01-02T10:00:00+00:00")
    assert attributes(found) == {"log.iostream": "stderr"}


def test_an_id_that_is_none_stays_an_attribute() -> None:
    found = record(json.dumps({"msg": "x", "trace_id": "not hex", "spanId": "00"}))
    assert (found.trace_id, found.span_id) == (b"", b"")
    assert attributes(found) == {"trace_id": "not hex", "spanId": "00"}


def test_too_many_fields_are_counted_not_kept() -> None:
    found = record(json.dumps({f"k{i}": i for i in range(MOST_ATTRIBUTES + 20)}))
    assert len(found.attributes) == MOST_ATTRIBUTES
    assert found.dropped_attributes_count == 20


def test_what_is_not_text_is_replaced() -> None:
    assert record(b"a\0b\xff\xfec").body.string_value == "a\ufffdb\ufffd\ufffdc"
    assert record('{"msg": "a\\ud800b\\u0000"}').body.string_value == "a?b\ufffd"


def test_json_that_is_too_deep_or_no_object_is_a_plain_line() -> None:
    deep = "{" + '"a":{' * 5_000 + "}" * 5_001
    for line in (deep, "[1, 2]", "{broken", "{}", '"text"'):
        assert record(line).body.string_value == line


@given(st.binary(max_size=300), st.integers(1, 64))
def test_any_bytes_make_records_that_serialise(data: bytes, chunk: int) -> None:
    found = events(data, chunk=chunk)
    assert all(record_of(event, {}, NOW).SerializeToString() for event in found)
    assert [event.end for event in found] == sorted(event.end for event in found)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))  # fmt: skip
def test_any_json_makes_a_record_that_serialises(value: Any) -> None:
    assert record(json.dumps({"field": value, "time": value, "level": value})).SerializeToString()
