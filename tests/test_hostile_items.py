"""Items that should not be, and thousands of requests that mean nothing: what is good is kept.

The store judges each item; the sender is told how many were refused and why.
"""

import itertools
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from support.hostile import (
    hostile,
    refused,
    refused_since,
    rejected,
    sender,
    stored,
    tagged,
    told,
    unique,
)
from support.load import JSON, PATHS, PROTOBUF, Answer, Sender, logs, query, send_all, traces
from support.server import Server

__all__ = ["hostile", "sender"]

HOUR_NS = 3_600_000_000_000

# No shrinking: every example is hundreds of requests.
FEW = settings(
    max_examples=5,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)

# Items: what is bad is counted and named, what is good is kept.


def _ids(**fields: Any) -> Callable[[Any], None]:
    def change(span: Any) -> None:
        for field, value in fields.items():
            setattr(span, field, value)

    return change


def _attribute(**value: Any) -> Callable[[Any], None]:
    def change(span: Any) -> None:
        for kind, content in value.items():
            setattr(span.attributes.add(key="large").value, kind, content)

    return change


def _list_of(size: int) -> Callable[[Any], None]:
    def change(span: Any) -> None:
        values = span.attributes.add(key="large").value.array_value.values
        for _ in range(10):
            values.add(string_value="x" * (size // 10))

    return change


def _list_of_numbers(span: Any) -> None:
    values = span.attributes.add(key="large").value.array_value.values
    for number in range(150_000):
        values.add(double_value=number + 0.123456789)


def _map_that_grows_as_json(span: Any) -> None:
    pair = span.attributes.add(key="large").value.kvlist_value.values.add(key="k")
    pair.value.string_value = "\x01" * 900_000


def _many_attributes(count: int) -> Callable[[Any], None]:
    def change(span: Any) -> None:
        for number in range(count):
            span.attributes.add(key=f"key.{number}").value.int_value = number

    return change


BAD_SPANS: dict[str, tuple[Callable[[Any], None], str]] = {
    "a trace id too short": (_ids(trace_id=b"short"), "invalid_trace_id"),
    "a trace id too long": (_ids(trace_id=b"x" * 17), "invalid_trace_id"),
    "a trace id of zeros": (_ids(trace_id=bytes(16)), "invalid_trace_id"),
    "no trace id": (_ids(trace_id=b""), "invalid_trace_id"),
    "a span id too long": (_ids(span_id=b"x" * 4000), "invalid_span_id"),
    "a span id of zeros": (_ids(span_id=bytes(8)), "invalid_span_id"),
    "a parent id too short": (_ids(parent_span_id=b"xyz"), "invalid_parent_span_id"),
    "no start": (_ids(start_time_unix_nano=0), "time_missing"),
    "no end": (_ids(end_time_unix_nano=0), "time_missing"),
    "the year 1970": (_ids(start_time_unix_nano=1), "too_old"),
    "the year 2554": (_ids(end_time_unix_nano=2**64 - 1), "in_future"),
    "two hours ahead": (
        _ids(start_time_unix_nano=time.time_ns() + 2 * HOUR_NS), "in_future"
    ),
    "text of 10 MB": (_attribute(string_value="x" * 10_000_000), "value_too_large"),
    "bytes of 10 MB": (_attribute(bytes_value=b"x" * 10_000_000), "value_too_large"),
    "a list of 10 MB": (_list_of(10_000_000), "value_too_large"),
    "a list of numbers of 1.6 MB": (_list_of_numbers, "value_too_large"),
    "a map of 5 MB as JSON": (_map_that_grows_as_json, "value_too_large"),
    "2,000 attributes": (_many_attributes(2_000), "too_many_attributes"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD_SPANS)
def test_a_bad_span_is_refused_by_name_and_its_neighbours_are_kept(
    hostile: Server, sender: Sender, what: str
) -> None:
    change, reason = BAD_SPANS[what]
    name = unique("items")
    request = traces(name, 2)
    request.MergeFrom(traces(name, 1, change=change))
    request.MergeFrom(traces(name, 2))
    before = refused(hostile)
    answer = sender.send("/v1/traces", request.SerializeToString())
    assert (answer.status, rejected(answer)) == (200, 1), what
    assert reason.encode() in answer.body
    assert refused_since(hostile, before) == {("traces", reason): 1}
    assert stored(hostile, name) == 4


def test_what_the_server_can_mend_is_kept(hostile: Server, sender: Sender) -> None:
    name = unique("odd")
    for change in (
        _ids(kind=77),
        _ids(end_time_unix_nano=1),
        _ids(flags=2**32 - 1),
        _ids(trace_state="\0" * 100),
        lambda span: span.events.add(time_unix_nano=2**64 - 1, name="\0"),
        lambda span: span.links.add(trace_id=b"odd", span_id=b"x" * 99),
        lambda span: span.attributes.add(),
        lambda span: span.attributes.add(key="k").value.MergeFromString(tagged(100, b"{no json")),
    ):
        answer = sender.send("/v1/traces", traces(name, change=change).SerializeToString())
        assert (answer.status, answer.body) == (200, b"")
    rows = query(hostile, f"SELECT attributes, events, links FROM spans WHERE name = '{name}'")
    assert len(rows) == 8


def test_a_name_as_long_as_a_book_does_not_stand_in_every_list(
    hostile: Server, sender: Sender
) -> None:
    name = unique("book")
    book = name + "é" * 200_000
    request = traces(name, 2, service=name + "s" * 10_000)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.name, span.status.message = book, book
    request.resource_spans[0].scope_spans[0].scope.name = book
    records = logs(name, 1)
    record = records.resource_logs[0].scope_logs[0].log_records[0]
    record.event_name = record.severity_text = book
    assert sender.send("/v1/traces", request.SerializeToString()).status == 200
    assert sender.send("/v1/logs", records.SerializeToString()).status == 200
    spans = query(
        hostile,
        f"SELECT name, scope, service, status_message FROM spans WHERE startsWith(name, '{name}')",
    )
    assert [tuple(len(str(text)) for text in row) for row in spans] == [
        (1024, 1024, 256, len(book))
    ] * 2
    [row] = query(
        hostile, f"SELECT event_name, severity FROM logs WHERE startsWith(event_name, '{name}')"
    )
    assert len(str(row[0])) == 1024
    now = int(time.time() * 1000)
    with hostile.client() as client:
        for path in ("spans", "spans/points", "traces", "spans/groups"):
            answer = client.get(
                f"/api/{path}",
                params={
                    "from": now - 3_600_000, "to": now + 60_000, "q": name, "by": "status_message",
                },
            )  # fmt: skip
            assert answer.status_code == 200
            assert name in answer.text
            assert len(answer.content) < 20_000, path


def test_a_log_record_over_a_mebibyte_or_of_another_time_is_refused(
    hostile: Server, sender: Sender
) -> None:
    name = unique("record")
    request = logs(name, 3)
    request.MergeFrom(logs("x" * 10_000_000))
    for changed_time in (1, 2**64 - 1):
        late = logs(name)
        late.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano = changed_time
        request.MergeFrom(late)
    before = refused(hostile)
    assert sender.send("/v1/logs", request.SerializeToString()).status == 200
    reasons = ("value_too_large", "too_old", "in_future")
    assert refused_since(hostile, before) == {("logs", reason): 1 for reason in reasons}
    rows = query(hostile, f"SELECT count() FROM logs WHERE body = '{name}'")
    assert rows == [[3]]


def test_a_point_with_exemplars_of_other_times_is_refused_and_its_neighbours_are_kept(
    hostile: Server, sender: Sender
) -> None:
    """Each day of them would be a partition of its own, which neither retention nor quota reach."""
    name = unique("metric").replace("-", "_")
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    now = time.time_ns()
    old, ahead, timeless = (
        metric.gauge.data_points.add(time_unix_nano=now + i, as_double=1.5) for i in range(3)
    )
    for day in range(150):
        old.exemplars.add(time_unix_nano=(day + 1) * 24 * HOUR_NS, as_double=1)
    ahead.exemplars.add(time_unix_nano=now + 48 * HOUR_NS, as_double=1)
    timeless.exemplars.add(as_double=2)
    before = refused(hostile)
    answer = sender.send("/v1/metrics", request.SerializeToString())
    assert answer.status == 200
    assert refused_since(hostile, before) == {("metrics", "exemplar_time"): 2}
    rows = query(hostile, f"SELECT count() FROM samples WHERE metric = '{name}'")
    assert rows == [[1]]
    rows = query(
        hostile, f"SELECT toUnixTimestamp64Nano(time) FROM exemplars WHERE metric = '{name}'"
    )
    assert rows == [[now + 2]]  # without a time of its own it has its point's


def test_times_beside_the_item_s_own_are_judged_too(hostile: Server, sender: Sender) -> None:
    name = unique("observed")
    seen_late = logs(name)
    seen_late.resource_logs[0].scope_logs[0].log_records[0].observed_time_unix_nano = 2**64 - 1
    begun_late = ExportMetricsServiceRequest()
    metric = begun_late.resource_metrics.add().scope_metrics.add().metrics.add(name=name)
    metric.sum.data_points.add(
        time_unix_nano=time.time_ns(), start_time_unix_nano=2**63, as_double=1
    )
    before = refused(hostile)
    for path, request in (("/v1/logs", seen_late), ("/v1/metrics", begun_late)):
        assert sender.send(path, request.SerializeToString()).status == 200
    assert refused_since(hostile, before) == {("logs", "in_future"): 1, ("metrics", "in_future"): 1}


def test_a_resource_that_is_too_large_takes_only_its_own_items_with_it(
    hostile: Server, sender: Sender
) -> None:
    name = unique("resource")
    request = traces(name, 2, service="first")
    bad = traces(name, 3, service="bad")
    bad.resource_spans[0].resource.attributes.add(key="large").value.string_value = "x" * 70_000
    empty = traces(name, 0)
    empty.resource_spans[0].scope_spans[0].scope.attributes.add(key="large").value.string_value = (
        "x" * 70_000
    )
    request.MergeFrom(empty)
    request.MergeFrom(bad)
    request.MergeFrom(traces(name, 4, service="last"))
    before = refused(hostile)
    answer = sender.send("/v1/traces", request.SerializeToString())
    assert (answer.status, rejected(answer)) == (200, 3)
    assert refused_since(hostile, before) == {("traces", "resource_too_large"): 3}
    rows = query(
        hostile,
        f"SELECT service, count() FROM spans WHERE name = '{name}' GROUP BY service ORDER BY service",
    )
    assert rows == [["first", 2], ["last", 4]]


@pytest.mark.parametrize("tag", [b"\xa2\x06", b"\xa2\x86\x00", b"\xa2\x86\x80\x00"])
def test_nobody_else_writes_the_json_of_the_slow_path(
    hostile: Server, sender: Sender, tag: bytes
) -> None:
    name = unique("smuggled")
    span = traces(name).resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    text = b'{"k":not json}'
    span += tagged(9, tagged(1, b"k") + tagged(2, tag + bytes([len(text)]) + text))
    body = tagged(1, tagged(2, tagged(2, span)))
    assert sender.send("/v1/traces", body) == Answer(200, PROTOBUF, b"")
    rows = query(hostile, f"SELECT attributes FROM spans WHERE name = '{name}'")
    assert rows == [[{"k": None}]]


def test_what_nests_is_not_listed_as_refused(hostile: Server, sender: Sender) -> None:
    name = unique("nests")

    def nest(span: Any) -> None:
        span.attributes.add(key="map").value.kvlist_value.values.add(key="k").value.int_value = 1

    request = traces(name, 2, change=nest)
    request.resource_spans[0].scope_spans[0].spans[1].start_time_unix_nano = 1
    answer = sender.send("/v1/traces", request.SerializeToString())
    assert (answer.status, rejected(answer)) == (200, 1)
    rows = query(hostile, f"SELECT reason, items FROM rejects WHERE sample = '{name}'")
    assert rows == [["too_old", 1]]


def test_of_a_value_given_twice_the_last_counts_as_protobuf_says(
    hostile: Server, sender: Sender
) -> None:
    """The engine refuses such a request as a whole; it must neither be lost nor come back forever."""
    name = unique("twice")
    span = traces(name).resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    text_then_number = tagged(1, b"a text") + b"\x18\x05"
    span += tagged(9, tagged(1, b"both") + tagged(2, text_then_number))
    body = tagged(1, tagged(2, tagged(2, span)))
    assert sender.send("/v1/traces", body) == Answer(200, PROTOBUF, b"")
    rows = query(hostile, f"SELECT attributes['both'] FROM spans WHERE name = '{name}'")
    assert rows == [[5]]


# Thousands of mutated and random requests.


def _sample() -> bytes:
    def change(span: Any) -> None:
        span.attributes.add(key="text").value.string_value = "v"
        span.attributes.add(key="number").value.int_value = 5
        span.attributes.add(key="yes").value.bool_value = True
        span.attributes.add(key="list").value.array_value.values.add(string_value="a")
        span.attributes.add(key="map").value.kvlist_value.values.add(key="b")
        span.events.add(name="e", time_unix_nano=5).attributes.add(key="c").value.double_value = 1.5
        span.links.add(trace_id=b"1" * 16, span_id=b"2" * 8)

    return traces("mutated", 2, service="mutated", change=change).SerializeToString()


@FEW
@given(seed=st.integers(0, 2**32), junk=st.lists(st.binary(max_size=300), max_size=50))
def test_no_mutation_of_a_request_breaks_the_server(
    hostile: Server, seed: int, junk: list[bytes]
) -> None:
    chance = random.Random(seed)
    sample = _sample()
    bodies = list(junk)
    for _ in range(500):
        mutated = bytearray(sample)
        for _ in range(chance.choice((1, 1, 2, 4))):
            mutated[chance.randrange(len(mutated))] = chance.randrange(256)
        bodies.append(bytes(mutated[: chance.choice((len(mutated), chance.randrange(400)))]))
    paths = chance.choices(list(PATHS.values()), (8, 1, 1), k=len(bodies))
    good = [("/v1/traces", traces("beside").SerializeToString(), PROTOBUF)] * 5
    requests = [*good, *zip(paths, bodies, itertools.repeat(PROTOBUF)), *good]
    answers = send_all(hostile, requests)
    assert {a.status for a in answers} <= {200, 400}
    assert [a.status for a in (*answers[:5], *answers[-5:])] == [200] * 10


@settings(FEW, max_examples=150)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    (
                        "resourceSpans",
                        "scopeSpans",
                        "spans",
                        "attributes",
                        "key",
                        "value",
                        "traceId",
                    )
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_server(hostile: Server, document: Any) -> None:
    body = json.dumps({"resourceSpans": document}).encode()
    [answer] = send_all(hostile, [("/v1/traces", body, JSON)], senders=1)
    assert answer.status in (200, 400)
    if answer.status == 400:
        assert told(answer)[0] == 3
