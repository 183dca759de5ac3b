"""Input that costs more than it weighs: memory stays bounded, other people are still answered."""

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zstandard

from quarterdeck.http.protocol import MAX_HEAD
from support.hostile import (
    MIB,
    Responsive,
    hostile,
    refused,
    refused_since,
    rejected,
    sender,
    stored,
    tagged,
    unique,
)
from support.load import JSON, PROTOBUF, Sender, traces
from support.server import ADMIN_KEY, Server
from support.usage import Peak, anonymous_bytes

__all__ = ["hostile", "sender"]

pytestmark = pytest.mark.xdist_group("hostile_flood")  # the last test judges what the others left

# The engine may use 1 GiB here, the queue 64 MiB; the rest is the process and bodies on their way.
MOST_BYTES = 1792 * MIB
SLOWEST_SECONDS = 20.0  # a bound for "still answers", not a timing: the machine may be busy
HEAD = (
    f"POST /v1/traces HTTP/1.1\r\nHost: deck\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
    f"Content-Type: {PROTOBUF}\r\n"
).encode()


@contextmanager
def unharmed(server: Server) -> Iterator[None]:
    """While the block runs others are answered, and memory stays within its bounds."""
    child = server.child()
    with Responsive(server) as others, Peak(lambda: anonymous_bytes(child)) as memory:
        yield
    assert server.child() == child
    assert memory.highest < MOST_BYTES
    assert others.slowest < SLOWEST_SECONDS


def one_span(*more: bytes) -> bytes:
    span = traces("flood").resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    return tagged(1, tagged(2, tagged(2, span + b"".join(more))))


MANY = 1_000_000
EMPTY: dict[str, bytes] = {
    "resources": b"\x0a\x00" * MANY,
    "scopes": tagged(1, b"\x12\x00" * MANY),
    "spans": tagged(1, tagged(2, b"\x12\x00" * MANY)),
    "attributes of one span": one_span(b"\x4a\x00" * MANY),
    "events of one span": one_span(b"\x5a\x00" * MANY),
    "links of one span": one_span(b"\x6a\x00" * MANY),
}


@pytest.mark.parametrize("what", EMPTY)
def test_a_million_empty_parts_in_two_kilobytes_harm_nobody(
    hostile: Server, sender: Sender, what: str
) -> None:
    body = gzip.compress(EMPTY[what])
    assert len(body) < 4096
    with unharmed(hostile):
        answer = sender.send("/v1/traces", body, content_encoding="gzip")
    assert answer.status in (200, 400, 413)


def test_ten_million_empty_spans_are_not_acknowledged_as_kept(
    hostile: Server, sender: Sender
) -> None:
    count = 10_000_000
    body = gzip.compress(tagged(1, tagged(2, b"\x12\x00" * count)))
    with unharmed(hostile):
        answer = sender.send("/v1/traces", body, content_encoding="gzip")
    assert answer.status in (200, 400, 413)
    if answer.status == 200:
        assert rejected(answer) == count


def test_a_million_empty_parts_of_json_harm_nobody(hostile: Server, sender: Sender) -> None:
    body = b'{"resourceSpans":[' + b"{}," * 500_000 + b"{}]}"
    with unharmed(hostile):
        assert sender.send("/v1/traces", body, JSON).status in (200, 400, 413)


def test_ten_million_empty_attributes_are_refused_for_good(hostile: Server, sender: Sender) -> None:
    """Refused, not put off: a sender told to come back would bring them again and again."""
    body = gzip.compress(one_span(b"\x4a\x00" * 9_900_000))
    before = refused(hostile)
    with unharmed(hostile):
        assert sender.send("/v1/traces", body, content_encoding="gzip").status == 400
    assert refused_since(hostile, before) == {("traces", "too_many_items"): 1}


def test_twenty_megabytes_of_json_in_twenty_kilobytes_are_refused(
    hostile: Server, sender: Sender
) -> None:
    spans = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * 6_900_000 + b"{}]}]}]}"
    body = gzip.compress(spans)
    with unharmed(hostile):
        assert sender.send("/v1/traces", body, JSON, content_encoding="gzip").status == 400


def test_a_million_distinct_keys_on_one_span_are_refused(hostile: Server, sender: Sender) -> None:
    keys = (tagged(9, tagged(1, b"%d" % i) + tagged(2, b"\x18\x01")) for i in range(MANY))
    body = one_span(*keys)
    before = refused(hostile)
    with unharmed(hostile):
        answer = sender.send("/v1/traces", body)
    assert (answer.status, rejected(answer)) == (200, 1)
    assert refused_since(hostile, before) == {("traces", "too_many_attributes"): 1}


def test_a_million_distinct_keys_over_many_requests_are_kept(
    hostile: Server, sender: Sender
) -> None:
    name = unique("keys")
    with unharmed(hostile):
        for request in range(10):
            body = traces(name, 100)
            for number, span in enumerate(body.resource_spans[0].scope_spans[0].spans):
                for key in range(1000):
                    pair = span.attributes.add(key=f"k{request}.{number}.{key}")
                    pair.value.int_value = key
            answer = sender.send("/v1/traces", body.SerializeToString())
            assert (answer.status, answer.body) == (200, b"")
    assert stored(hostile, name) == 1000


def test_ten_megabytes_in_any_text_are_kept_once_or_refused(
    hostile: Server, sender: Sender
) -> None:
    large = "x" * 10_000_000
    name = unique("large")
    in_resource = traces(name, 1000)
    in_resource.resource_spans[0].resource.attributes.add(key="k").value.string_value = large
    in_scope = traces(name, 1000)
    in_scope.resource_spans[0].scope_spans[0].scope.name = large
    in_name = traces(large)
    with unharmed(hostile):
        for request in (in_resource, in_scope, in_name):
            for _ in range(3):
                answer = sender.send("/v1/traces", request.SerializeToString())
                assert answer.status in (200, 400, 413)


def test_a_truncated_zstd_body_is_refused_even_where_it_ends_between_two_messages(
    hostile: Server, sender: Sender
) -> None:
    name = unique("cut")
    first = traces(name)
    span = first.resource_spans[0].scope_spans[0].spans[0]
    block = 131_072  # of zstd: the first message ends where a block does
    while (left := block - len(first.SerializeToString())) > 0:
        span.trace_state += "x" * max(1, left - 20)
    whole = first.SerializeToString() + traces(name).SerializeToString()
    assert len(first.SerializeToString()) == block
    packed = zstandard.ZstdCompressor(write_content_size=False).compress(whole)
    cut = [
        sender.send("/v1/traces", packed[:end], content_encoding="zstd")
        for end in range(60, len(packed))
    ]
    assert {answer.status for answer in cut} == {400}
    assert stored(hostile, name) == 0


def test_a_hundred_thousand_members_of_gzip_harm_nobody(hostile: Server, sender: Sender) -> None:
    with unharmed(hostile):
        body = gzip.compress(b"") * 300_000
        assert sender.send("/v1/traces", body, content_encoding="gzip").status in (200, 400, 413)


# Connections.


def connect(server: Server) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", server.port))
    opened.settimeout(20)
    return opened


def answer_of(opened: socket.socket) -> int:
    """The status that comes, 0 when the connection is closed without one."""
    try:
        response = http.client.HTTPResponse(opened)
        response.begin()
        return response.status
    except (http.client.HTTPException, OSError):
        return 0
    finally:
        opened.close()


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (b"Content-Length: 10\r\n", b"x" * 500, {400}),
        (b"Content-Length: -1\r\n", b"", {400}),
        (b"Content-Length: abc\r\n", b"", {400}),
        (b"Content-Length: 99999999999\r\n", b"", {413}),
        (b"Content-Length: 999999999999999999999999\r\n", b"", {400}),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n", {400}),
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\n", {400}),
        (
            b"Transfer-Encoding: chunked\r\n",
            (b"100000\r\n" + b"x" * MIB + b"\r\n") * 22 + b"0\r\n\r\n",
            {413, 0},
        ),
    ],
)
def test_a_lying_length_is_answered_and_harms_nobody(
    hostile: Server, headers: bytes, body: bytes, expected: set[int]
) -> None:
    opened = connect(hostile)
    try:
        opened.sendall(HEAD + headers + b"\r\n" + body)
    except OSError:
        assert 0 in expected
    assert answer_of(opened) in expected


def test_a_sender_that_goes_away_is_counted_and_forgotten(hostile: Server) -> None:
    before = refused(hostile)
    for _ in range(20):
        opened = connect(hostile)
        opened.sendall(HEAD + b"Content-Length: 1000\r\n\r\nshort")
        opened.close()
    deadline = time.monotonic() + 10
    while refused_since(hostile, before) != {("traces", "disconnected"): 20}:
        assert time.monotonic() < deadline, refused_since(hostile, before)
        time.sleep(0.1)


def test_slow_senders_of_large_bodies_do_not_fill_the_memory(hostile: Server) -> None:
    child = hostile.child()
    began = anonymous_bytes(child)
    slow = []
    with Responsive(hostile) as others, Peak(lambda: anonymous_bytes(child)) as memory:
        for _ in range(60):
            opened = connect(hostile)
            opened.settimeout(2)
            slow.append(opened)
            try:
                opened.sendall(HEAD + b"Content-Length: 16000000\r\n\r\n" + b"x" * 15_000_000)
            except OSError:  # told to come back, or not read any more: both are well
                continue
        time.sleep(0.5)
    for opened in slow:
        opened.close()
    assert memory.highest - began < 400 * MIB  # sixty times 15 MB were offered
    assert others.slowest < SLOWEST_SECONDS


ENDLESS = pytest.mark.parametrize(
    ("piece", "pieces"), [(b"y" * MIB, 40), (b"a: b\r\n" * 10_000, 100)], ids=["long", "many"]
)


def sends_it_all(opened: socket.socket, beginning: bytes, piece: bytes, pieces: int) -> bool:
    """False when the other side closes before the end."""
    try:
        opened.sendall(beginning)
        for _ in range(pieces):
            opened.sendall(piece)
    except OSError:
        return False
    return True


@ENDLESS
def test_endless_headers_are_cut_off(hostile: Server, piece: bytes, pieces: int) -> None:
    opened = connect(hostile)
    with unharmed(hostile):
        beginning = b"POST /v1/traces HTTP/1.1\r\nHost: deck\r\nX: "
        all_sent = sends_it_all(opened, beginning, piece, pieces)
    opened.settimeout(1)
    assert not all_sent or answer_of(opened) in (400, 431)
    opened.close()


@ENDLESS
def test_endless_trailers_are_cut_off(hostile: Server, piece: bytes, pieces: int) -> None:
    opened = connect(hostile)
    with unharmed(hostile), opened:
        beginning = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: "
        assert not sends_it_all(opened, beginning, piece, pieces)


def test_headers_that_are_too_large_are_answered_in_the_shape_of_every_error(
    hostile: Server,
) -> None:
    opened = connect(hostile)
    opened.sendall((b"GET /api/health HTTP/1.1\r\nX: ").ljust(MAX_HEAD + 1, b"y"))
    with opened, http.client.HTTPResponse(opened) as response:
        response.begin()
        assert response.status == 431
        assert response.headers["content-type"] == "application/json"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert json.loads(response.read())["error"]["code"] == "headers_too_large"
        assert opened.recv(1) == b""


def test_a_large_but_allowed_head_is_taken_again_and_again(hostile: Server) -> None:
    opened = connect(hostile)
    head = (b"GET /api/health HTTP/1.1\r\nHost: deck\r\nX: ").ljust(MAX_HEAD - 1000, b"y")
    with opened:
        for _ in range(3):
            opened.sendall(head + b"\r\n\r\n")
            with http.client.HTTPResponse(opened) as response:
                response.begin()
                assert response.status == 200
                response.read()


def unwell_parts(server: Server) -> dict[str, str]:
    with server.client() as client:
        components = client.get("/api/health").json()["components"]
    return {name: part["message"] for name, part in components.items() if part["status"] != "ok"}


def test_afterwards_everything_still_works(hostile: Server, sender: Sender) -> None:
    name = unique("after")
    assert sender.send("/v1/traces", traces(name, 3).SerializeToString()).status == 200
    assert stored(hostile, name) == 3
    assert anonymous_bytes(hostile.child()) < MOST_BYTES
    # Bodies of senders that left are let go of, and health is kept for a second.
    deadline = time.monotonic() + 15
    while unwell := unwell_parts(hostile):
        assert time.monotonic() < deadline, unwell
        time.sleep(0.2)
