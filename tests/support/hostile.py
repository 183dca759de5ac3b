"""What tests of bad input ask of a server: its counters, its refusals in their encoding, its health."""

import itertools
import json
import re
import shutil
import threading
import time
from collections import Counter
from collections.abc import Iterator
from types import TracebackType

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from support.load import JSON, PROTOBUF, Answer, Sender, query
from support.server import Server, temporary_data

MIB = 1_048_576
_numbers = itertools.count()
_LINE = re.compile(r'quarterdeck_ingest_refused_total\{signal="(\w+)",reason="(\w+)"\} (\d+)')


@pytest.fixture(scope="module")
def hostile() -> Iterator[Server]:
    """A server of the module's own, which must live through all of it."""
    data = temporary_data()
    with Server(data, environment={"QUARTERDECK_ENGINE_MEMORY_MB": "1024"}) as running:
        child = running.child()
        yield running
        assert running.child() == child, "the server was started again meanwhile"
    shutil.rmtree(data.parent, ignore_errors=True)


@pytest.fixture
def sender(hostile: Server) -> Iterator[Sender]:
    opened = Sender(hostile)
    yield opened
    opened.close()


def unique(name: str) -> str:
    return f"{name}-{next(_numbers)}"


def stored(server: Server, name: str) -> int:
    """Spans of this name in the project `default`, asked through the public API."""
    return int(str(query(server, f"SELECT count() FROM spans WHERE name = '{name}'")[0][0]))


def rejected(answer: Answer) -> int:
    return ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans


def refused(server: Server) -> Counter[tuple[str, str]]:
    """(signal, reason) → how many were refused so far."""
    with server.client() as client:
        text = client.get("/metrics").text
    return Counter({(signal, reason): int(n) for signal, reason, n in _LINE.findall(text)})


def refused_since(server: Server, before: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return dict(refused(server) - before)


def told(answer: Answer) -> tuple[int, str]:
    """Code and message of the google.rpc.Status in the answer, whichever its encoding."""
    if answer.media == PROTOBUF:
        status = Status.FromString(answer.body)
        return status.code, status.message
    assert answer.media.split(";")[0] == JSON, answer
    document = json.loads(answer.body)
    return document["code"], document["message"]


class Responsive:
    """Asks for the server's health all the while and remembers the slowest answer.

    with Responsive(server) as others:
        ...
    assert others.slowest < 3
    """

    def __init__(self, server: Server) -> None:
        self.slowest = 0.0
        self._url = f"{server.url}/api/health"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        with httpx.Client(timeout=120) as client:
            while not self._ended.wait(0.05):
                began = time.monotonic()
                try:
                    client.get(self._url)
                except httpx.HTTPError:
                    self.slowest = float("inf")
                self.slowest = max(self.slowest, time.monotonic() - began)

    def __enter__(self) -> "Responsive":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def tagged(number: int, payload: bytes) -> bytes:
    """A length-delimited field, written by hand where the libraries refuse to."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload
