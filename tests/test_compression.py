"""Answers come compressed as the client takes them, and say so."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest
import zstandard
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from quarterdeck.http.compression import Compression, accepted

TEXT = b"telemetry " * 50_000


async def whole(request: Request) -> Response:
    return Response(TEXT, media_type="application/json")


async def small(request: Request) -> Response:
    return Response(b"ok", media_type="application/json")


async def events(request: Request) -> Response:
    return Response(TEXT, media_type="text/event-stream")


async def pieces(request: Request) -> Response:
    async def each() -> AsyncIterator[bytes]:
        for at in range(0, len(TEXT), 70_000):
            yield TEXT[at : at + 70_000]

    return StreamingResponse(each(), media_type="application/json")


APP = Compression(Starlette(routes=[Route(f"/{f.__name__}", f) for f in (whole, small, events, pieces)]))  # fmt: skip


async def ask(path: str, encoding: str) -> tuple[bytes, httpx.Headers]:
    transport = httpx.ASGITransport(APP)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
        client.stream("GET", path, headers={"accept-encoding": encoding}) as answer,
    ):
        return b"".join([part async for part in answer.aiter_raw()]), answer.headers


@pytest.mark.parametrize("path", ["/whole", "/pieces"])
async def test_an_answer_is_what_it_was_after_decompression(path: str) -> None:
    body, headers = await ask(path, "gzip, deflate, br, zstd")
    assert headers["content-encoding"] == "zstd"
    assert "accept-encoding" in headers["vary"].lower()
    assert len(body) < len(TEXT) / 20
    assert zstandard.ZstdDecompressor().stream_reader(body).read() == TEXT
    body, headers = await ask(path, "gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == TEXT
    body, headers = await ask(path, "identity")
    assert "content-encoding" not in headers
    assert body == TEXT


async def test_small_answers_and_event_streams_are_left_as_they_are() -> None:
    for path, expected in (("/small", b"ok"), ("/events", TEXT)):
        body, headers = await ask(path, "gzip, zstd")
        assert "content-encoding" not in headers
        assert body == expected


def test_a_coding_that_is_forbidden_is_not_accepted() -> None:
    assert accepted("gzip;q=0.5, zstd;q=0, br; q=0.0") == {"gzip"}
    assert accepted("GZIP , zstd;q=1") == {"gzip", "zstd"}
    assert accepted("") == {""}
