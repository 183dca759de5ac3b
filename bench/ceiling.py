"""The engine's own ceiling: the same bytes straight into it, with no server around.

Twice: with the views that the server uses, and into a table that only decodes. A process of
its own, since a process opens one engine. Two threads write, as in the server.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench import ROOT
from bench.template import template
from bench.workload import START_NS, Shop
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Pending, Request
from quarterdeck.telemetry.ingest.logs import lines
from quarterdeck.telemetry.ingest.otlp.http import check
from quarterdeck.telemetry.ingest.otlp.signals import SIGNALS
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.otlp.write import writer
from quarterdeck.telemetry.ingest.write import envelope

BATCH_BYTES = 8 * 1_048_576
WRITERS = 2


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Items a second, and processor time of an item in microseconds."""

    stored: float
    stored_cpu_us: float
    decoded: float


def measure(signal: str, items: int, seconds: float) -> Ceiling:
    """Run in another process."""
    command = [sys.executable, "-m", "bench.ceiling", signal, str(items), str(seconds)]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return Ceiling(**json.loads(out.stdout))


def _run(name: str, items: int, seconds: float, directory: Path) -> dict[str, float]:
    signal = next((s for s in SIGNALS if s.name == name), None)
    engine = EmbeddedEngine(directory / "telemetry", memory_mb=2048)
    chance = np.random.default_rng(1)
    loop = asyncio.new_event_loop()
    templates = [template(name, getattr(Shop(seed), name)(items), START_NS) for seed in range(8)]

    def requests() -> list[Request]:
        made: list[Request] = []
        size = 0
        while size < BATCH_BYTES:
            body = templates[len(made) % len(templates)].fresh(time.time_ns(), chance)
            made.append(check(signal, body) if signal else lines.of_json(body))
            size += len(body)
        return made

    batches = [requests() for _ in range(4)]
    table = next(iter(batches[0][0].tables))
    engine.execute(f"CREATE TABLE decode_only AS {table} ENGINE = Null")
    schema = signal.schema if signal else lines.SCHEMA
    write = (
        writer(engine, signal, lambda project, of: 30)
        if signal
        else lines.writer(engine, lambda project, of: 30)
    )

    def store(batch: list[Request]) -> None:
        now = time.time_ns()
        write([Pending(1, request, now, loop.create_future(), loop) for request in batch])

    def decode(batch: list[Request]) -> None:
        now = time.time_ns()
        pieces: list[bytes] = []
        for position, request in enumerate(batch):
            pending = Pending(1, request, now, loop.create_future(), loop)
            tail = envelope(1, position, pending, 30)
            pieces += (varint(len(request.body) + len(tail)), request.body, tail)
        engine.insert("decode_only", schema, b"".join(pieces))

    def repeat(work: Callable[[list[Request]], None], turn: int, until: float) -> int:
        done = 0
        while time.perf_counter() < until:
            batch = batches[turn % len(batches)]
            work(batch)
            done += sum(request.items for request in batch)
            turn += 1
        return done

    def rate(work: Callable[[list[Request]], None]) -> tuple[float, float]:
        work(batches[0])
        began, cpu = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(WRITERS) as threads:
            running = [
                threads.submit(repeat, work, turn, began + seconds) for turn in range(WRITERS)
            ]
            done = sum(thread.result() for thread in running)
        taken = time.perf_counter() - began
        return done / taken, (time.process_time() - cpu) / done * 1e6

    stored, stored_cpu = rate(store)
    decoded, _ = rate(decode)
    engine.close()
    return {"stored": stored, "stored_cpu_us": stored_cpu, "decoded": decoded}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as directory:
        found = _run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), Path(directory))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
