"""`python -m quarterdeck.demo.history`: record at once, send when told where.

The first line on stdin holds the seed; recording begins with it, while the server is
still starting. The second holds the address and the key; without it nothing is sent.
One line on stdout says what was sent.
"""

import asyncio
import json
import logging
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from quarterdeck.demo.history import metrics
from quarterdeck.demo.history.record import Pools, record
from quarterdeck.demo.history.replay import LENGTH, MINUTE, Past, Replayer, events
from quarterdeck.demo.history.send import Sender
from quarterdeck.demo.processes import die_with_parent
from quarterdeck.demo.shop import drain

CHUNK = 10 * MINUTE


def main() -> None:
    die_with_parent()
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    seed = int(json.loads(sys.stdin.readline())["seed"])
    with tempfile.TemporaryDirectory(prefix="quarterdeck-demo-") as directory:
        pools = asyncio.run(record(Path(directory), seed))
    line = sys.stdin.readline()
    if not line.strip():
        return
    target = json.loads(line)
    now = time.time_ns()
    sent = fill(pools, Past(now - LENGTH, now), seed, target["url"], target["key"])
    sys.stdout.write(json.dumps(sent) + "\n")
    sys.stdout.flush()


def fill(pools: Pools, when: Past, seed: int, url: str, key: str) -> dict[str, int]:
    """Send the hour: metrics from a second process, traces and logs from this one."""
    # Forked, since the templates are already in memory and no thread is running.
    measuring = multiprocessing.get_context("fork").Process(
        target=_send_metrics, args=(pools, when, seed, url, key)
    )
    measuring.start()
    counts = {"spans": 0, "logs": 0}

    def built() -> Iterator[tuple[str, bytes]]:
        for chunk in Replayer(pools, when, seed).chunks(events(when, seed), CHUNK):
            counts["spans"] += chunk.spans
            counts["logs"] += chunk.records
            yield "/v1/traces", chunk.traces.SerializeToString()
            yield "/v1/logs", chunk.logs.SerializeToString()
            yield drain.PATH, drain.ndjson(chunk.lines)

    sender = Sender(url, key)
    try:
        sender.send(built())
    finally:
        sender.close()
        measuring.join()
    if measuring.exitcode:
        raise RuntimeError("the metrics of the past hour could not be sent")
    return counts


def _send_metrics(pools: Pools, when: Past, seed: int, url: str, key: str) -> None:
    die_with_parent()
    sender = Sender(url, key)
    sender.send(("/v1/metrics", body) for body in metric_bodies(pools, when, seed))
    sender.close()


def metric_bodies(pools: Pools, when: Past, seed: int, together: int = 180) -> Iterator[bytes]:
    """The metrics' requests, several collections in one body."""
    replayer = Replayer(pools, when, seed, values_only=True)
    values = [
        value for chunk in replayer.chunks(events(when, seed), CHUNK) for value in chunk.values
    ]
    batch = []
    for request in metrics.requests(values, when, seed):
        batch.append(request)
        if len(batch) == together:
            yield metrics.merged(batch).SerializeToString()
            batch.clear()
    if batch:
        yield metrics.merged(batch).SerializeToString()


if __name__ == "__main__":
    main()
