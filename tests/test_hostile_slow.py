"""Connections that dawdle, and more of them than there may be."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from quarterdeck.core.settings import SETTINGS
from quarterdeck.http.protocol import Bounds
from quarterdeck.http.server import HttpServer, affordable
from support.server import Server

LIMIT = 0.4
LATEST = LIMIT + 1.0 + 2.0  # the server looks once a second; the rest is for a busy machine
HEAD = b"POST / HTTP/1.1\r\nHost: deck\r\nContent-Length: 4\r\n"
WHOLE = HEAD + b"\r\nabcd"

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body; after a second and a half where the path says so."""
    try:
        body = await Request(scope, receive).body()
    except ClientDisconnect:
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)
    await Response(body)(scope, receive, send)


@asynccontextmanager
async def listening(bounds: Bounds) -> AsyncIterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.setblocking(False)
        server = HttpServer(echo, [bound], bounds)
        await server.start()
        try:
            yield bound.getsockname()[1]
        finally:
            await server.stop()


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with listening(Bounds(8, LIMIT, LIMIT, LIMIT)) as number:
        yield number


async def until_closed(reader: asyncio.StreamReader) -> tuple[bytes, float]:
    """What still comes, and how long it takes until the connection ends."""
    began = time.monotonic()
    async with asyncio.timeout(20):
        try:
            told = await reader.read(-1)
        except ConnectionResetError:
            told = b""
    return told, time.monotonic() - began


async def one_answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(4)


def error_of(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"connection: close" in head
    return int(head.split()[1]), json.loads(body)["error"]["code"]


async def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told, seconds = await until_closed(reader)
    assert told == b""
    assert LIMIT - 0.1 < seconds < LATEST
    writer.close()


@pytest.mark.parametrize("begun", [b"P", b"POST / HTTP/1.1\r\n", HEAD, b"GET / HTTP/1.1\r\nX: y"])
async def test_a_head_that_does_not_end_is_told_so_and_closed(port: int, begun: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(begun)
    told, seconds = await until_closed(reader)
    assert error_of(told) == (408, "request_too_slow")
    assert LIMIT - 0.1 < seconds < LATEST
    writer.close()


@pytest.mark.parametrize("drop", [b"X-Y: z\r\n", b"x"])
async def test_dripping_bytes_into_a_head_buys_no_time(port: int, drop: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD)
    closed = asyncio.create_task(until_closed(reader))
    while not closed.done():
        writer.write(drop)
        await asyncio.sleep(0.05)
    assert (await closed)[1] < LATEST
    writer.close()


async def test_blank_lines_between_requests_buy_no_time(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(WHOLE)
    assert (await one_answer(reader)).endswith(b"abcd")
    closed = asyncio.create_task(until_closed(reader))
    while not closed.done():
        writer.write(b"\r\n")
        await asyncio.sleep(0.05)
    assert (await closed)[1] < LATEST
    writer.close()


async def test_a_body_that_stops_coming_is_closed(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"\r\nab")
    _, seconds = await until_closed(reader)
    assert LIMIT - 0.1 < seconds < LATEST
    writer.close()


async def test_a_body_that_keeps_coming_is_not_cut_off(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD.replace(b"4", b"40") + b"\r\n")
    for _ in range(40):
        writer.write(b"x")
        await asyncio.sleep(0.06)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_answer_may_take_its_time_and_the_next_request_rests_between(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(2):
        writer.write(WHOLE.replace(b"POST /", b"POST /slow"))
        assert (await one_answer(reader)).endswith(b"abcd")
        await asyncio.sleep(1.6)  # more than the limit, and the server has looked
    writer.write(WHOLE.replace(b"POST /", b"POST /slow") + HEAD[:20])  # the next one has begun
    assert (await one_answer(reader)).endswith(b"abcd")
    writer.write(HEAD[20:] + b"\r\nabcd")
    assert (await one_answer(reader)).endswith(b"abcd")
    writer.close()


async def test_one_connection_too_many_is_told_to_come_back(port: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(8)]
    for _, writer in held:
        writer.write(WHOLE)
    for reader, _ in held:
        await one_answer(reader)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    told, seconds = await until_closed(reader)
    assert error_of(told) == (503, "connections_too_many")
    assert b"retry-after: 5\r\n" in told
    assert seconds < 1
    writer.close()
    for _, writer in held[:2]:
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0.1)
    for _, writer in held[2:]:  # whoever was in stays in
        writer.write(WHOLE)
    for reader, _ in held[2:]:
        await one_answer(reader)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(WHOLE)
    assert (await one_answer(reader)).endswith(b"abcd")
    writer.close()
    for _, writer in held[2:]:
        writer.close()


def test_every_connection_that_may_be_has_a_file_descriptor() -> None:
    assert affordable(100) == 100
    assert affordable(2**40) < 2**40


@contextmanager
def slow_heads(server: Server, count: int) -> Iterator[list[socket.socket]]:
    opened = [socket.create_connection(("127.0.0.1", server.port), 30) for _ in range(count)]
    try:
        for one in opened:
            one.sendall(b"GET /api/health HTTP/1.1\r\nX-Slow: ")
        yield opened
    finally:
        for one in opened:
            one.close()


def test_a_flood_of_slow_heads_passes_and_others_are_served_again(own_server: Server) -> None:
    most = 40
    assert next(s.default for s in SETTINGS if s.name == "max_connections") >= 1000
    own_server.environment = {"QUARTERDECK_MAX_CONNECTIONS": str(most)}
    own_server.start()
    with slow_heads(own_server, most) as opened:
        deadline = time.monotonic() + 25
        with own_server.client() as client:
            refused = client.get("/api/health")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        for one in opened:
            one.settimeout(max(0.1, deadline - time.monotonic()))
            assert one.recv(4096).startswith(b"HTTP/1.1 408 ")
        own_server.wait_answering()
    assert "Connections were refused" in own_server.log
