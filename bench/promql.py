"""P4: PromQL over the HTTP API, beside Prometheus, on the same samples.

Both get the same remote-write bodies: counters of 10,000 series each 15 s for six hours, and a
histogram. Then each query is asked of both, in turns; what counts is the median of the whole answer
at the client. Samples lie off the moments that are asked for, since Debian's Prometheus includes
the left edge of a range and today's language does not.
"""

import itertools
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import cramjam
import httpx
import numpy as np

from bench.figures import Figure
from bench.ingest import fresh_server
from bench.options import Options
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.scrape.wire import labels_of
from support.remote_write import V1_TYPE, WRITE
from support.server import ADMIN_KEY, free_port

STEP_MS = 15_000
AT_A_TIME = 120  # samples of a series in one request: half an hour, within what Prometheus reorders
PER_REQUEST = 200  # series
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")


@dataclass(frozen=True, slots=True)
class Query:
    name: str
    text: str
    step: int  # seconds


QUERIES = (
    Query("sum by (job) of rates, 60 s", "sum by (job) (rate(bench_total[5m]))", 60),
    Query("sum by (job) of rates, 15 s", "sum by (job) (rate(bench_total[5m]))", 15),
    Query("topk", "topk(5, rate(bench_total[5m]))", 60),
    Query("max_over_time of a tenth", 'max_over_time(bench_total{tenth="3"}[10m])', 60),
    Query("140 series of 10,000", 'bench_total{instance="host-7:9100"}', 60),
    Query("140 series, their rates", 'rate(bench_total{instance="host-7:9100"}[5m])', 60),
    Query("one series", 'bench_total{instance="host-7:9100",job="job-3",path="/1"}', 60),
    Query("histogram_quantile", "histogram_quantile(0.95, sum by (le) (rate(bench_seconds_bucket[5m])))", 60),
    Query("a / on () b", "sum(rate(bench_total[5m])) / on () sum(rate(bench_seconds_bucket[5m]))", 60),
)  # fmt: skip


def benchmark(options: Options) -> list[Figure]:
    if options.quick:
        return measure(400, AT_A_TIME, 2)
    return measure(10_000, 6 * 240, 5)


def measure(series: int, steps: int, repeats: int) -> list[Figure]:
    begin = (int(time.time()) - steps * STEP_MS // 1000) // 60 * 60 - 60
    end = begin + steps * STEP_MS // 1000
    if shutil.which("prometheus") is None:
        print("Prometheus is not installed: nothing to compare with; ", end="", flush=True)
    with fresh_server() as server, _prometheus() as theirs:
        ours = f"{server.url}/prometheus"
        for body in _bodies(series, steps, begin * 1000):
            _post(f"{server.url}{WRITE}", body)
            if theirs:
                _post(f"{theirs}/api/v1/write", body)
        found: list[tuple[Query, float, float]] = []
        with httpx.Client(headers={"authorization": f"Bearer {ADMIN_KEY}"}, timeout=120) as client:
            for query in QUERIES:
                mine, other = [], []
                for _ in range(repeats):
                    mine.append(_ask(client, ours, query, begin, end))
                    if theirs:
                        other.append(_ask(client, theirs, query, begin, end))
                if theirs and mine[0][1] != other[0][1]:
                    raise AssertionError(f"{query.name}: {mine[0][1]} series, Prometheus has {other[0][1]}")  # fmt: skip
                found.append(
                    (query, median(t for t, _ in mine), median([t for t, _ in other] or [0.0]))
                )
    return _figures(found, series * steps)


def _figures(found: list[tuple[Query, float, float]], samples: int) -> list[Figure]:
    figures = []
    ratios = []
    for query, mine, other in found:
        note = "Prometheus is not installed"
        if other:
            ratios.append(other / mine)
            note = f"Prometheus {other:.0f} ms: {other / mine:.2f}×"
        figures.append(
            Figure("P4", f"{query.name}, median", mine, "ms", less_is_better=True, note=note)
        )
    if ratios:
        what = f"of Prometheus's speed over {samples:,} samples"
        figures += [
            Figure("P4", f"{what}, geometric mean", geometric_mean(ratios), "×", 1.0),
            Figure("P4", f"{what}, worst", min(ratios), "×", 0.2),
        ]
    return figures


def _ask(client: httpx.Client, url: str, query: Query, begin: int, end: int) -> tuple[float, int]:
    """Milliseconds of a whole answer, and how many series it has."""
    asked = {"query": query.text, "start": begin + 600, "end": end, "step": query.step}
    began = time.perf_counter()
    answer = client.post(f"{url}/api/v1/query_range", data=asked)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code != 200:
        raise AssertionError(f"{query.name}: {answer.status_code} {answer.text[:500]}")
    return took, len(answer.json()["data"]["result"])


def _bodies(series: int, steps: int, begin_ms: int) -> Iterator[bytes]:
    """Compressed WriteRequests, half an hour after another."""
    labels = [
        {
            "__name__": "bench_total", "job": f"job-{n % 20}", "instance": f"host-{n // 20 % 72}:9100",
            "path": f"/{n // 1440}", "tenth": str(n % 10), "zone": f"eu-{n % 3}",
        }
        for n in range(series)
    ] + [
        {"__name__": "bench_seconds_bucket", "job": "job-1", "instance": f"host-{n}:9100", "le": le}
        for n in range(max(1, series // 100))
        for le in BOUNDS
    ]  # fmt: skip
    heads = [labels_of(each) for each in labels]
    # No two rates are the same: which of them topk takes is then no matter of order.
    speed = 1 + np.random.default_rng(1).permutation(len(heads)) / 64
    for first in range(0, steps, AT_A_TIME):
        moments = np.arange(first, min(first + AT_A_TIME, steps))
        for at in range(0, len(heads), PER_REQUEST):
            some = range(at, min(at + PER_REQUEST, len(heads)))
            parts = [_series(heads[n], moments, float(speed[n]), n, begin_ms) for n in some]
            yield bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _series(
    head: bytes, moments: "np.ndarray[Any, Any]", speed: float, number: int, begin_ms: int
) -> bytes:
    """A TimeSeries: eighteen bytes a sample, filled in by columns."""
    times = begin_ms + moments * STEP_MS + 3_000 + number % 1_000
    values = np.floor(moments * speed * 15).astype("<f8")
    rows = np.empty((len(moments), 18), np.uint8)
    rows[:, :3] = (0x12, 0x10, 0x09)
    rows[:, 3:11] = values.view(np.uint8).reshape(-1, 8)
    rows[:, 11] = 0x10
    for place in range(6):
        more = 0x80 if place < 5 else 0
        rows[:, 12 + place] = (times >> (7 * place) & 0x7F) | more
    body = head + rows.tobytes()
    return b"\x0a" + varint(len(body)) + body


def _post(url: str, body: bytes) -> None:
    headers = {
        "authorization": f"Bearer {ADMIN_KEY}", "content-type": V1_TYPE, "content-encoding": "snappy",
        "x-prometheus-remote-write-version": "0.1.0",
    }  # fmt: skip
    for attempt in itertools.count():
        answer = httpx.post(url, content=body, headers=headers, timeout=120)
        if answer.status_code in (200, 204):
            return
        if answer.status_code != 503 or attempt > 100:
            raise AssertionError(f"{answer.status_code} {answer.text[:500]}")
        time.sleep(0.1)


@contextmanager
def _prometheus() -> Iterator[str]:
    """The address of an empty Prometheus, '' where none is installed."""
    if shutil.which("prometheus") is None:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as directory:
        settings, port = Path(directory) / "prometheus.yml", free_port()
        settings.write_text("{}\n")
        url = f"http://127.0.0.1:{port}"
        process = subprocess.Popen(
            ["prometheus", f"--config.file={settings}", f"--storage.tsdb.path={directory}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver", "--log.level=error"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                try:
                    if httpx.get(f"{url}/-/ready").status_code == 200:
                        break
                except httpx.HTTPError:
                    pass
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(30)
