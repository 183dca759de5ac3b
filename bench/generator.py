"""The load: a process of its own that sends as fast as it is answered, and says what it saw.

HTTP on plain asyncio protocols and one request at a time on each of many connections; gRPC
with raw bytes. Started by `run`, configured by one JSON document on the command line, answers
with one on standard output.
"""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import grpc
import numpy as np
import uvloop

from bench import ROOT
from bench.template import template
from bench.workload import START_NS, Shop
from support.server import ADMIN_KEY, Server

METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}

PATHS = {
    "traces": ("/v1/traces", "application/x-protobuf"),
    "logs": ("/v1/logs", "application/x-protobuf"),
    "lines": ("/api/logs", "application/x-ndjson"),
}
# What an answer holds when everything was kept: OTLP says nothing, NDJSON that nothing was refused.
ALL_KEPT = {"traces": b"", "logs": b"", "lines": b'"rejected":0,'}


@dataclass(frozen=True, slots=True)
class Job:
    """What to send: `items` a request over `connections`, for `seconds` or until `most` items."""

    signal: str
    items: int
    connections: int
    seconds: float
    http_port: int = 0
    grpc_port: int = 0
    most: int = 0
    templates: int = 60
    seed: int = 1
    back_seconds: float = 0.0  # over which the times of requests are spread, up to now


@dataclass(frozen=True, slots=True)
class Seen:
    """What was acknowledged, and how long senders waited."""

    items: int
    requests: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.items / self.seconds if self.seconds else 0.0


def run(job: Job) -> Seen:
    """Send from another process; returns what it saw."""
    command = [sys.executable, "-m", "bench.generator", json.dumps(asdict(job))]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Seen(**json.loads(out.stdout))


def job_for(server: Server, signal: str, items: int, connections: int, seconds: float) -> Job:
    return Job(signal, items, connections, seconds, server.port, server.otlp_grpc_port)


class _Source:
    """Requests without end, and the record of their answers."""

    def __init__(self, job: Job) -> None:
        shop = Shop(job.seed)
        self.job = job
        self._chance = np.random.default_rng(job.seed + time.time_ns() % 1_000_000)
        self._templates = [
            template(job.signal, getattr(shop, job.signal)(job.items), START_NS)
            for _ in range(job.templates)
        ]
        self._turn = 0
        self.refused = 0
        self.waits: list[float] = []
        self.began = self.ended = time.perf_counter()

    def more(self) -> bool:
        if self.job.most and self._turn * self.job.items >= self.job.most:
            return False
        return time.perf_counter() - self.began < self.job.seconds

    def body(self) -> bytes:
        self._turn += 1
        chosen = self._templates[self._turn % len(self._templates)]
        back = int(self._chance.random() * self.job.back_seconds * 1e9)
        return chosen.fresh(time.time_ns() - back, self._chance)

    def answered(self, good: bool, seconds: float) -> None:
        self.ended = time.perf_counter()
        if good:
            self.waits.append(seconds)
        else:
            self.refused += 1

    def seen(self) -> Seen:
        waits = np.array(self.waits or [0.0]) * 1000
        return Seen(
            items=len(self.waits) * self.job.items,
            requests=len(self.waits),
            refused=self.refused,
            seconds=self.ended - self.began,
            p50_ms=round(float(np.percentile(waits, 50)), 2),
            p99_ms=round(float(np.percentile(waits, 99)), 2),
        )


class _Connection(asyncio.Protocol):
    """Sends a request, waits for its answer, sends the next."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        path, media = PATHS[source.job.signal]
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
            f"Content-Type: {media}\r\nContent-Length: "
        ).encode()
        self._kept = ALL_KEPT[source.job.signal]
        self._buffer = b""
        self._sent = 0.0
        self._transport: Any = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._next()

    def _next(self) -> None:
        if not self._source.more():
            self._transport.close()
            return
        body = self._source.body()
        self._sent = time.perf_counter()
        self._transport.writelines((self._head, str(len(body)).encode(), b"\r\n\r\n", body))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, mark, rest = self._buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(rest) < length:
            return
        self._buffer = b""
        kept = self._kept in rest if self._kept else length == 0
        good = head.startswith(b"HTTP/1.1 200") and kept
        self._source.answered(good, time.perf_counter() - self._sent)
        if good:
            self._next()
        else:  # told to come back: not at once
            asyncio.get_running_loop().call_later(0.05, self._next)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _http(source: _Source) -> None:
    loop = asyncio.get_running_loop()
    source.began = time.perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(source), "127.0.0.1", source.job.http_port)
        for _ in range(source.job.connections)
    ]
    await asyncio.gather(*(connection.done for _, connection in opened))


def _as_it_is(data: bytes) -> bytes:
    return data


async def _grpc(source: _Source) -> None:
    options = [("grpc.use_local_subchannel_pool", 1)]
    address = f"127.0.0.1:{source.job.grpc_port}"
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(4)]
    key = (("authorization", f"Bearer {ADMIN_KEY}"),)

    async def work(channel: grpc.aio.Channel) -> None:
        export: Any = channel.unary_unary(METHODS[source.job.signal], _as_it_is, _as_it_is)
        while source.more():
            sent = time.perf_counter()
            try:
                good = await export(source.body(), metadata=key) == b""
            except grpc.aio.AioRpcError:
                good = False
                await asyncio.sleep(0.05)
            source.answered(good, time.perf_counter() - sent)

    source.began = time.perf_counter()
    await asyncio.gather(*(work(channels[i % 4]) for i in range(source.job.connections)))
    for channel in channels:
        await channel.close(None)


def main() -> None:
    job = Job(**json.loads(sys.argv[1]))
    source = _Source(job)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_grpc(source) if job.grpc_port and not job.http_port else _http(source))
    json.dump(asdict(source.seen()), sys.stdout)


if __name__ == "__main__":
    main()
