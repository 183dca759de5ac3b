"""P2: samples a second over remote write, stored and queryable, beside VictoriaMetrics and Prometheus.

All three get the same bytes from the same load generator, one after another on the same machine.
A sample counts when it was acknowledged and a query finds as many as were acknowledged. The peers
are Debian's packages `victoria-metrics` and `prometheus`; one that is not installed is named.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import ROOT
from bench.figures import Figure
from bench.options import Options
from bench.remote_write_load import Job, Seen, run
from quarterdeck.store.telemetry import EmbeddedEngine
from support.load import query
from support.remote_write import WRITE
from support.server import Server, free_port, temporary_data
from support.usage import cpu_seconds

PER_REQUEST = 2_000  # samples, as Prometheus sends them by default
_COUNT = 'sum(count_over_time({job="bench"}[1d]))'


@dataclass(frozen=True, slots=True)
class Found:
    """What one server did with the load."""

    seen: Seen
    cpu_seconds: float
    bytes_per_sample: float


def benchmark(options: Options) -> list[Figure]:
    chunks, steps = (4, 4) if options.quick else (50, 41)
    series, until = chunks * PER_REQUEST, time.time_ns() // 1_000_000
    job = Job(0, "", chunks, PER_REQUEST, steps, until)
    ours = _ours(job)
    rate = series * (steps - 1) / ours.seen.seconds
    figures = [
        Figure(
            "P2", f"remote write, {series:,} series, {PER_REQUEST:,} samples a request", rate, "/s",
            note=f"{_note(ours)}; new series {series / ours.seen.first_seconds:,.0f} /s",
            details=_details(ours, series, steps),
        )
    ]  # fmt: skip
    for name, peer, target in (
        ("VictoriaMetrics", _victoria_metrics, 1.0),
        ("Prometheus", _prometheus, 2.0),
    ):
        if shutil.which(name.lower() if name == "Prometheus" else "victoria-metrics") is None:
            print(f"{name} is not installed; ", end="", flush=True)
            continue
        theirs = peer(job)
        their_rate = series * (steps - 1) / theirs.seen.seconds
        note = (
            f"theirs {their_rate:,.0f} /s; {_note(theirs)};"
            f" new series {series / theirs.seen.first_seconds:,.0f} /s"
        )
        details = _details(theirs, series, steps)
        figures += [
            Figure("P2", f"of {name}'s rate", rate / their_rate, "×", target, note=note, details=details),
            Figure(
                "P2", f"of {name}'s bytes a sample", ours.bytes_per_sample / theirs.bytes_per_sample, "×",
                1.0, less_is_better=True,
                note=f"{ours.bytes_per_sample:.2f} B to {theirs.bytes_per_sample:.2f} B, series included",
            ),
        ]  # fmt: skip
    return figures


def _note(found: Found) -> str:
    return (
        f"p50 {found.seen.p50_ms:.0f} ms, p99 {found.seen.p99_ms:.0f} ms,"
        f" {found.cpu_seconds:.1f} s of processor"
    )


def _details(found: Found, series: int, steps: int) -> dict[str, float]:
    seen = found.seen
    return {
        "samples": series * steps,
        "first_seconds": seen.first_seconds,
        "seconds": seen.seconds,
        "told_to_come_back": seen.refused,
        "p50_ms": seen.p50_ms,
        "p99_ms": seen.p99_ms,
        "cpu_seconds": found.cpu_seconds,
        "cpu_us_per_sample": found.cpu_seconds / (series * steps) * 1e6,
        "bytes_per_sample": found.bytes_per_sample,
        "body_bytes_per_sample": seen.body_bytes / (series * steps),
        "sent_bytes_per_sample": seen.sent_bytes / (series * steps),
    }


def _to(job: Job, port: int, path: str) -> Job:
    return Job(port, path, job.chunks, job.series, job.steps, job.until_ms)


def _ours(job: Job) -> Found:
    samples = job.chunks * job.series * job.steps
    data = temporary_data()
    try:
        with Server(data, environment={"QUARTERDECK_LOG_LEVEL": "warning"}) as server:
            seen = run(_to(job, server.port, WRITE))
            found = int(str(query(server, "SELECT count() FROM samples")[0][0]))
            cpu = cpu_seconds(server.child())
        if found != samples:
            raise AssertionError(f"{samples} samples acknowledged, {found} found by SQL")
        command = [sys.executable, "-m", "bench.remote_write", str(data / "telemetry")]
        out = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        return Found(seen, cpu, json.loads(out.stdout) / samples)
    finally:
        shutil.rmtree(data.parent, ignore_errors=True)


def _victoria_metrics(job: Job) -> Found:
    def sizes(url: str, directory: Path) -> float:
        httpx.get(f"{url}/internal/force_merge", timeout=60)
        time.sleep(5)  # what remains in memory is written every five seconds, and merged
        return _bytes_in(directory / "data") + _bytes_in(directory / "indexdb")

    options = ("-retentionPeriod=1", "-search.latencyOffset=0s", "-loggerLevel=ERROR")
    return _peer(
        job,
        lambda directory, port: [
            "victoria-metrics", f"-storageDataPath={directory}", f"-httpListenAddr=127.0.0.1:{port}", *options,
        ],
        sizes,
    )  # fmt: skip


def _prometheus(job: Job) -> Found:
    def sizes(url: str, directory: Path) -> float:
        httpx.post(f"{url}/api/v1/admin/tsdb/snapshot", timeout=120)
        return _bytes_in(directory / "snapshots")  # a block of the head, as it is written in time

    def command(directory: Path, port: int) -> list[str]:
        settings = directory.parent / "prometheus.yml"
        settings.write_text("{}\n")
        return [
            "prometheus", f"--config.file={settings}", f"--storage.tsdb.path={directory}",
            f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
            "--web.enable-admin-api", "--log.level=error",
        ]  # fmt: skip

    return _peer(job, command, sizes)


def _peer(
    job: Job, command: Callable[[Path, int], list[str]], sizes: Callable[[str, Path], float]
) -> Found:
    with tempfile.TemporaryDirectory(prefix="quarterdeck-bench-") as directory:
        place, port = Path(directory) / "data", free_port()
        place.mkdir()
        url = f"http://127.0.0.1:{port}"
        process = subprocess.Popen(
            command(place, port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait(url)
            seen = run(_to(job, port, "/api/v1/write"))
            _until_found(url, job)
            cpu = cpu_seconds(process.pid)
            size = sizes(url, place)
        finally:
            process.terminate()
            process.wait(30)
        return Found(seen, cpu, size / (job.chunks * job.series * job.steps))


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/api/v1/query", params={"query": "1"}).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError("the peer does not answer")


def _until_found(url: str, job: Job) -> None:
    """Wait until a query finds every sample."""
    asked = {"query": _COUNT, "time": f"{job.until_ms / 1000 + 1:.3f}", "nocache": "1"}
    found, deadline = 0, time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = httpx.get(f"{url}/api/v1/query", params=asked, timeout=60)
        if answer.status_code != 200:
            raise AssertionError(answer.text[:500])
        result = answer.json()["data"]["result"]
        found = int(float(result[0]["value"][1])) if result else 0
        if found == job.chunks * job.series * job.steps:
            return
        time.sleep(0.5)
    raise AssertionError(f"the peer finds {found} samples")


def _bytes_in(directory: Path) -> int:
    return sum(f.stat().st_size for f in directory.rglob("*") if f.is_file())


def main() -> None:
    """Bytes of the tables of Prometheus once every day is one part: a process of its own opens the store."""
    engine = EmbeddedEngine(Path(sys.argv[1]), memory_mb=2048)
    for table in ("prom_samples", "prom_series"):
        engine.execute(f"OPTIMIZE TABLE {table} FINAL")
    sizes = (
        "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'default'"
        " AND table IN ('prom_samples', 'prom_series')"
    )
    print(json.dumps(int(engine.query("sizes", sizes).rows[0][0])))
    engine.close()


if __name__ == "__main__":
    main()
