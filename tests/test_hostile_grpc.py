"""gRPC: what is not allowed in takes no memory, and whoever is sent away learns when to come back."""

import os
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from support.hostile import MIB, Responsive, hostile, refused, refused_since, stored, unique
from support.http2 import EXPORT, Dawdler
from support.load import traces
from support.server import ADMIN_KEY, Server
from support.usage import Peak, anonymous_bytes

__all__ = ["hostile"]

pytestmark = pytest.mark.xdist_group("hostile_grpc")

KEY = (("authorization", f"Bearer {ADMIN_KEY}"),)
BODY = 20 * MIB


@contextmanager
def growing_less_than(server: Server, most: int) -> Iterator[None]:
    """While the block runs memory grows by less than `most`, and others are answered."""
    child = server.child()
    began = anonymous_bytes(child)
    with Responsive(server) as others, Peak(lambda: anonymous_bytes(child)) as memory:
        yield
    assert memory.highest - began < most
    assert others.slowest < 20


def _as_it_is(data: bytes) -> bytes:
    return data


@contextmanager
def exporting(server: Server) -> Iterator["grpc.UnaryUnaryMultiCallable[bytes, bytes]"]:
    """A connection of its own to the server."""
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{server.otlp_grpc_port}", options) as channel:
        yield channel.unary_unary(EXPORT, _as_it_is, _as_it_is)


def test_without_a_key_no_message_is_taken(hostile: Server) -> None:
    with growing_less_than(hostile, 60 * MIB), Dawdler(hostile.otlp_grpc_port) as slow:
        streams = {slow.begin(BODY) for _ in range(40)}
        slow.send(10)
    assert slow.ended == streams
    assert slow.sent <= 40 * 65_535


def test_slow_messages_fill_the_memory_of_a_few_bodies_and_end_after_half_a_minute(
    hostile: Server,
) -> None:
    before = refused(hostile)
    with growing_less_than(hostile, 500 * MIB), ExitStack() as opened:  # 1.2 GB are offered
        slow = [opened.enter_context(Dawdler(hostile.otlp_grpc_port)) for _ in range(2)]
        streams = [len({one.begin(BODY, ADMIN_KEY) for _ in range(30)}) for one in slow]
        until = time.monotonic() + 90
        while [len(one.ended) for one in slow] != streams:
            assert time.monotonic() < until
            for one in slow:
                one.send(0.2)
    counted = refused_since(hostile, before)
    assert sum(counted.values()) == 60
    assert counted["traces", "too_slow"] >= 16
    assert counted["traces", "overloaded"] >= 16
    with exporting(hostile) as export:
        export(traces(unique("after")).SerializeToString(), metadata=KEY, timeout=30)


def test_of_too_many_calls_at_once_the_rest_learns_when_to_come_back(hostile: Server) -> None:
    name, before = unique("many"), refused(hostile)
    body = traces(name).SerializeToString()
    with ExitStack() as opened:
        channels = [opened.enter_context(exporting(hostile)) for _ in range(30)]
        calls = [channels[n % 30].future(body, metadata=KEY, timeout=60) for n in range(900)]
        codes: Counter[grpc.StatusCode] = Counter()
        for call in calls:
            codes[call.code()] += 1
            if call.code() is grpc.StatusCode.OK:
                continue
            status = Status.FromString(dict(call.trailing_metadata())["grpc-status-details-bin"])
            told = RetryInfo()
            assert (status.code, status.message) == (14, call.details())
            assert status.details[0].Unpack(told)
            assert told.retry_delay.seconds == 2
    sent_away = codes[grpc.StatusCode.UNAVAILABLE]
    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert refused_since(hostile, before) == {("traces", "overloaded"): sent_away}
    assert stored(hostile, name) == 900 - sent_away


def test_calls_of_one_connection_wait_for_their_turn(hostile: Server) -> None:
    name = unique("queue")
    body = traces(name).SerializeToString()
    with exporting(hostile) as export:
        export(body, metadata=KEY, timeout=60)  # only now does the client know the limit
        calls = [export.future(body, metadata=KEY, timeout=60) for _ in range(900)]
        assert Counter((c.code(), c.details()) for c in calls) == {(grpc.StatusCode.OK, ""): 900}
    assert stored(hostile, name) == 901


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
@pytest.mark.parametrize("count", [1, 2000])
def test_compressed_messages_are_kept(
    hostile: Server, compression: grpc.Compression, count: int
) -> None:
    name = unique("packed")
    with exporting(hostile) as export:
        body = traces(name, count).SerializeToString()
        export(body, metadata=KEY, timeout=60, compression=compression)
    assert stored(hostile, name) == count


REFUSED: dict[str, tuple[bytes, grpc.Compression, grpc.StatusCode, str]] = {
    "a bomb of gzip": (
        bytes(400 * MIB), grpc.Compression.Gzip,
        grpc.StatusCode.RESOURCE_EXHAUSTED, "too_large",
    ),
    "a bomb of deflate": (
        bytes(400 * MIB), grpc.Compression.Deflate,
        grpc.StatusCode.RESOURCE_EXHAUSTED, "too_large",
    ),
    "a little too large": (
        bytes(BODY + 1), grpc.Compression.NoCompression,
        grpc.StatusCode.RESOURCE_EXHAUSTED, "too_large",
    ),
    "far too large": (
        bytes(3 * BODY), grpc.Compression.NoCompression,
        grpc.StatusCode.RESOURCE_EXHAUSTED, "disconnected",
    ),
    "gzip that is none": (
        b"\x1f\x8b" + os.urandom(50), grpc.Compression.NoCompression,
        grpc.StatusCode.INVALID_ARGUMENT, "compression_broken",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_too_large_or_broken_is_refused_for_good_and_counted(
    hostile: Server, what: str
) -> None:
    body, compression, code, reason = REFUSED[what]
    before = refused(hostile)
    with growing_less_than(hostile, 120 * MIB), exporting(hostile) as export:
        call = export.future(body, metadata=KEY, timeout=60, compression=compression)
        assert call.code() is code
    assert "grpc-status-details-bin" not in {key for key, _ in call.trailing_metadata()}
    assert refused_since(hostile, before) == {("traces", reason): 1}


def test_a_sender_that_goes_away_is_counted_and_forgotten(hostile: Server) -> None:
    before = refused(hostile)
    for _ in range(20):
        with Dawdler(hostile.otlp_grpc_port) as slow:
            slow.begin(BODY, ADMIN_KEY)
            slow.send(0.05)
    deadline = time.monotonic() + 10
    while refused_since(hostile, before) != {("traces", "disconnected"): 20}:
        assert time.monotonic() < deadline, refused_since(hostile, before)
        time.sleep(0.1)


def test_there_are_only_so_many_connections(hostile: Server) -> None:
    most = 1000
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2 * most:
        pytest.skip("the test itself may not open as many files")
    with ExitStack() as opened, growing_less_than(hostile, 150 * MIB):
        for _ in range(most):
            opened.enter_context(socket.create_connection(("127.0.0.1", hostile.otlp_grpc_port)))
        time.sleep(1)
        with Dawdler(hostile.otlp_grpc_port) as late:
            late.begin(BODY)
            late.send(5)
        assert late.closed
        assert not late.ended
    time.sleep(1)
    with exporting(hostile) as export:
        export(traces(unique("room")).SerializeToString(), metadata=KEY, timeout=30)
