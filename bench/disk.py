"""P7: bytes on disk of a span, a log record and a sample.

The items go through the same writer as in the server, into an engine of this benchmark's
own process; all of them are distinct. Then every table is merged to one part a day
(`OPTIMIZE … FINAL`), which is what background merges come to in time; the size before is
noted too. Raw is the OTLP protobuf as it came, without compression.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import ROOT
from bench.figures import Figure
from bench.options import Options
from bench.workload import Shop
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Pending
from quarterdeck.telemetry.ingest.otlp.http import check
from quarterdeck.telemetry.ingest.otlp.signals import SIGNALS
from quarterdeck.telemetry.ingest.otlp.write import writer

BATCH = 2_048
SERIES = 1_000
SCRAPE_SECONDS = 15

_SIZES = """SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts
WHERE active AND database = currentDatabase() GROUP BY table"""


def benchmark(options: Options) -> list[Figure]:
    command = [sys.executable, "-m", "bench.disk", str(options.kept_items)]
    out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, dict[str, float]] = json.loads(out.stdout)
    spans, logs, samples = found["traces"], found["logs"], found["metrics"]
    return [
        Figure(
            "P7", "disk, a span", spans["bytes"] / spans["items"], "B", 40, less_is_better=True,
            note=_note(spans), details=spans,
        ),
        Figure(
            "P7", "disk, a log record: raw to stored", logs["raw"] / logs["bytes"], "×", 10,
            note=f"{logs['bytes'] / logs['items']:.1f} B of {logs['raw'] / logs['items']:.0f} B; {_note(logs)}",
            details=logs,
        ),
        Figure(
            "P7", "disk, a sample", samples["bytes"] / samples["items"], "B", 1.5, less_is_better=True,
            note=_note(samples), details=samples,
        ),
    ]  # fmt: skip


def _note(found: dict[str, float]) -> str:
    with_rollups = found["bytes_with_rollups"] / found["items"]
    return f"with rollups {with_rollups:.1f} B, before merges {found['bytes_before'] / found['items']:.1f} B"


def _fill(signal_name: str, items: int, directory: Path) -> dict[str, float]:
    signal = next(s for s in SIGNALS if s.name == signal_name)
    engine = EmbeddedEngine(directory / signal_name, memory_mb=2048)
    write = writer(engine, signal, lambda project, of: 365)
    loop = asyncio.new_event_loop()
    shop = Shop(7)
    raw = done = 0
    now = time.time_ns()
    waiting: list[Pending] = []
    while done < items:
        if signal_name == "metrics":
            now += SCRAPE_SECONDS * 1_000_000_000
            body = shop.scrape(SERIES, now - (items // SERIES) * SCRAPE_SECONDS * 1_000_000_000)
        else:
            now += 2_000_000_000
            body = getattr(shop, signal_name)(BATCH, now - items // BATCH * 2_000_000_000)
        request = check(signal, body)
        raw += len(body)
        done += request.items
        waiting.append(Pending(1, request, time.time_ns(), loop.create_future(), loop))
        if len(waiting) == 8 or done >= items:
            refused = write(waiting)
            if refused:
                raise AssertionError(f"{signal_name}: refused {refused}")
            waiting = []
    main = {"traces": "spans", "logs": "logs", "metrics": "samples"}[signal_name]
    before = _sizes(engine)
    for table in before:
        engine.execute(f"OPTIMIZE TABLE {table} FINAL")
    after = _sizes(engine)
    engine.close()
    if after[main][0] != done:
        raise AssertionError(f"{signal_name}: {done} written, {after[main][0]} stored")
    own = {
        table: size for table, size in after.items() if table not in ("schema_versions", "rejects")
    }
    return {
        "items": done,
        "raw": raw,
        "bytes": after[main][1],
        "bytes_before": before[main][1],
        "bytes_with_rollups": sum(size for _, size in own.values()),
        **{f"bytes_{table}": size for table, (_, size) in own.items()},
    }


def _sizes(engine: EmbeddedEngine) -> dict[str, tuple[int, int]]:
    rows: list[list[Any]] = engine.query("sizes", _SIZES).rows
    return {table: (int(count), int(size)) for table, count, size in rows}


def main() -> None:
    items = int(sys.argv[1])
    found = {}
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as directory:
        for name in ("traces", "logs", "metrics"):
            command = [sys.executable, "-m", "bench.disk", str(items), name, directory]
            out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
            found[name] = json.loads(out.stdout)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    if len(sys.argv) > 2:  # a process of its own for each signal, since a process opens one engine
        json.dump(_fill(sys.argv[2], int(sys.argv[1]), Path(sys.argv[3])), sys.stdout)
    else:
        main()
