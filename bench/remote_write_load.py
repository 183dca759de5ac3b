"""Remote write as many Prometheus shards would send it: a process of its own, the same bytes for everybody.

Each connection has series of its own and sends one scrape of them after another, in order, each when
the one before was answered. All bodies are encoded and compressed before the first is sent.
"""

import asyncio
import itertools
import json
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import cramjam
import numpy as np
import numpy.typing as npt
import uvloop

from bench import ROOT
from quarterdeck.telemetry.ingest.otlp.wire import varint
from support.remote_write import Series, v1
from support.server import ADMIN_KEY

STEP_MS = 15_000
_TAIL = 18  # bytes of the sample that ends a TimeSeries: tag, length, value, time
_MODES = ("idle", "user", "system", "iowait", "irq", "nice", "steal", "softirq")


@dataclass(frozen=True, slots=True)
class Job:
    """`chunks` requests of `series` samples each, `steps` times; times end at `until_ms`."""

    port: int
    path: str
    chunks: int
    series: int
    steps: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class Seen:
    """The first step, in which every series is new, and all the others."""

    first_seconds: float
    seconds: float
    refused: int
    p50_ms: float
    p99_ms: float
    body_bytes: int  # before compression
    sent_bytes: int


def run(job: Job) -> Seen:
    command = [sys.executable, "-m", "bench.remote_write_load", json.dumps(asdict(job))]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Seen(**json.loads(out.stdout))


def _labels(number: int) -> dict[str, str]:
    """As node_exporter's in a cluster: ten labels, a name shared by the series of all hosts."""
    host, of_host = divmod(number, 500)
    return {
        "__name__": f"node_{('cpu', 'disk', 'network', 'memory', 'filesystem')[of_host % 5]}_{of_host // 8}_total",
        "cluster": "eu-west-1",
        "device": f"dev{of_host}",  # unique without the name too, which functions drop
        "env": "production",
        "instance": f"host-{host}.internal.example.com:9100",
        "job": "bench",
        "mode": _MODES[of_host % 8],
        "pod": f"node-exporter-{host}-x7f9k",
        "team": "platform",
        "zone": f"eu-west-1{'abc'[host % 3]}",
    }


class _Chunk:
    """The series of one connection; values as counters, gauges and what hardly ever changes."""

    def __init__(self, first: int, count: int, at_ms: int) -> None:
        self._data = np.frombuffer(
            bytearray(v1([Series(_labels(first + i), [(1.5, at_ms)]) for i in range(count)])),
            np.uint8,
        ).copy()
        self._ends = _ends(self._data.tobytes(), count)
        self._chance = np.random.default_rng(first)
        self._kind = np.arange(count) % 3
        self._values: npt.NDArray[np.float64] = np.round(self._chance.random(count) * 1e6) + 1

    def body(self, at_ms: int) -> bytes:
        count = len(self._ends)
        grown = np.round(self._chance.exponential(20.0, count))
        moved = np.round(self._chance.random(count) * 100, 1) + 0.1
        rare = np.where(self._chance.random(count) < 0.02, 1.0, 0.0)
        self._values = np.choose(self._kind, [self._values + grown, moved, self._values + rare])
        raw = self._values.view(np.uint8).reshape(count, 8)
        self._data[(self._ends - 15)[:, None] + np.arange(8)] = raw
        time_bytes = np.frombuffer(varint(at_ms), np.uint8)
        self._data[(self._ends - 6)[:, None] + np.arange(6)] = time_bytes
        return self._data.tobytes()


def _ends(data: bytes, count: int) -> npt.NDArray[np.int64]:
    """Where each TimeSeries ends."""
    ends, at = [], 0
    while at < len(data):
        at, size, shift = at + 1, 0, 0  # past the tag
        while True:
            size |= (data[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if data[at - 1] < 128:
                break
        at += size
        ends.append(at)
        if struct.unpack_from("<d", data, at - _TAIL + 3)[0] != 1.5:
            raise AssertionError("a series does not end as expected")
    if len(ends) != count:
        raise AssertionError("not every series was found")
    return np.array(ends)


class _Connection(asyncio.Protocol):
    """Sends its bodies in order."""

    def __init__(self, job: Job, waits: list[float]) -> None:
        self._head = (
            f"POST {job.path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {ADMIN_KEY}\r\n"
            "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
            "X-Prometheus-Remote-Write-Version: 0.1.0\r\nContent-Length: "
        ).encode()
        self._waits = waits
        self._buffer = b""
        self._sent = 0.0
        self._transport: Any = None
        self._body = b""
        self._rest: Iterator[bytes] = iter(())
        self.refused = 0
        self.done: asyncio.Future[None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def send(self, bodies: list[bytes]) -> "asyncio.Future[None]":
        self.done = asyncio.get_running_loop().create_future()
        self._rest = iter(bodies)
        self._next()
        return self.done

    def _next(self) -> None:
        body = next(self._rest, None)
        if body is None:
            self.done.set_result(None)
            return
        self._body = body
        self._again()

    def _again(self) -> None:
        self._sent = time.perf_counter()
        size = str(len(self._body)).encode()
        self._transport.writelines((self._head, size, b"\r\n\r\n", self._body))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, mark, rest = self._buffer.partition(b"\r\n\r\n")
        if not mark:
            return
        length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        if length and len(rest) < int(length):
            return
        self._buffer = b""
        if head.startswith(b"HTTP/1.1 2"):
            self._waits.append(time.perf_counter() - self._sent)
            self._next()
        elif head.startswith(b"HTTP/1.1 5"):  # told to come back
            self.refused += 1
            asyncio.get_running_loop().call_later(0.05, self._again)
        else:
            self.done.set_exception(RuntimeError((head + b"\n" + rest)[:500].decode()))


async def _send(job: Job, bodies: list[list[bytes]], raw: int) -> Seen:
    loop, waits = asyncio.get_running_loop(), list[float]()
    opened = [
        (await loop.create_connection(lambda: _Connection(job, waits), "127.0.0.1", job.port))[1]
        for _ in bodies
    ]

    async def stage(of: slice) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(c.send(b[of]) for c, b in zip(opened, bodies, strict=True)))
        return time.perf_counter() - began

    first = await stage(slice(0, 1))
    waits.clear()
    seconds = await stage(slice(1, None))
    milliseconds = np.array(waits) * 1000
    return Seen(
        first_seconds=first,
        seconds=seconds,
        refused=sum(c.refused for c in opened),
        p50_ms=round(float(np.percentile(milliseconds, 50)), 1),
        p99_ms=round(float(np.percentile(milliseconds, 99)), 1),
        body_bytes=raw,
        sent_bytes=sum(map(len, itertools.chain.from_iterable(bodies))),
    )


def main() -> None:
    job = Job(**json.loads(sys.argv[1]))
    times = [job.until_ms - (job.steps - 1 - step) * STEP_MS for step in range(job.steps)]
    bodies: list[list[bytes]] = []
    raw = 0
    for number in range(job.chunks):
        chunk = _Chunk(number * job.series, job.series, times[0])
        plain = [chunk.body(at) for at in times]
        raw += sum(map(len, plain))
        bodies.append([bytes(cramjam.snappy.compress_raw(body)) for body in plain])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(_send(job, bodies, raw))
    json.dump(asdict(seen), sys.stdout)


if __name__ == "__main__":
    main()
