"""P1 and P3: items a second over OTLP, each acknowledged after it is durable, then counted by SQL.

The rate is of what was acknowledged; it counts only if `POST /api/sql` finds at least as much
when the load has ended.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.ceiling import Ceiling, measure
from bench.figures import Figure
from bench.generator import Job, Seen, run
from bench.options import Options
from support.load import query
from support.server import Server, temporary_data
from support.usage import Peak, anonymous_bytes, cpu_seconds


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    id: str
    what: str
    signal: str
    items: int
    connections: int
    target: float
    grpc: bool = False


CASES = (
    Case("P1", "OTLP/HTTP spans, 512 a request", "traces", 512, 160, 350_000),
    Case("P1", "OTLP/HTTP spans, 20 a request", "traces", 20, 800, 60_000),
    Case("P1", "OTLP/gRPC spans, 512 a request", "traces", 512, 160, 245_000, grpc=True),
    Case("P3", "OTLP/HTTP logs, 512 a request", "logs", 512, 160, 300_000),
    Case("P3", "NDJSON log lines, 512 a request", "lines", 512, 160, 150_000),
)
VIEWS = {"traces": "spans", "logs": "logs", "lines": "logs"}


def benchmark(options: Options) -> list[Figure]:
    figures = []
    ceilings: dict[str, Ceiling] = {}
    for case in CASES:
        if case.signal not in ceilings:
            ceilings[case.signal] = measure(case.signal, 512, options.seconds / 3)
        figures.append(_measure(case, ceilings[case.signal], options))
    return figures


@contextmanager
def fresh_server() -> Iterator[Server]:
    data = temporary_data()
    try:
        with Server(data, environment={"QUARTERDECK_LOG_LEVEL": "warning"}) as server:
            yield server
    finally:
        shutil.rmtree(data.parent, ignore_errors=True)


def stored(server: Server, signal: str) -> int:
    return int(str(query(server, f"SELECT count() FROM {VIEWS[signal]}")[0][0]))


def _measure(case: Case, ceiling: Ceiling, options: Options) -> Figure:
    with fresh_server() as server:
        run(_job(case, server, options, options.warm_seconds))
        before, child = stored(server, case.signal), server.child()
        cpu = cpu_seconds(child)
        with Peak(lambda: anonymous_bytes(child)) as memory:
            seen = run(_job(case, server, options, options.seconds))
        cpu = cpu_seconds(child) - cpu
        found = stored(server, case.signal) - before
        steps = _steps(server, case.signal)
    if found < seen.items:
        raise AssertionError(f"{case.what}: {seen.items} acknowledged, {found} found by SQL")
    return Figure(
        case.id,
        case.what,
        seen.rate,
        "/s",
        case.target,
        ceiling=ceiling.stored,
        note=f"p50 {seen.p50_ms:.0f} ms, p99 {seen.p99_ms:.0f} ms, refused {seen.refused}",
        details={
            **_details(seen, found),
            "server_cpu_us_per_item": cpu / max(1, seen.items) * 1e6,
            "server_cpu_cores": cpu / seen.seconds if seen.seconds else 0,
            "server_peak_anonymous_bytes": memory.highest,
            "ceiling_stored": ceiling.stored,
            "ceiling_stored_cpu_us_per_item": ceiling.stored_cpu_us,
            "ceiling_decoded": ceiling.decoded,
            "steps_seconds": steps,
        },
    )


def _job(case: Case, server: Server, options: Options, seconds: float) -> Job:
    return Job(
        case.signal,
        case.items,
        case.connections,
        seconds,
        http_port=0 if case.grpc else server.port,
        grpc_port=server.otlp_grpc_port if case.grpc else 0,
        templates=options.templates * max(1, 128 // case.items),
    )


def _details(seen: Seen, found: int) -> dict[str, float]:
    return {
        "acknowledged": seen.items,
        "found_by_sql": found,
        "requests": seen.requests,
        "refused": seen.refused,
        "seconds": seen.seconds,
        "p50_ms": seen.p50_ms,
        "p99_ms": seen.p99_ms,
    }


def _steps(server: Server, signal: str) -> dict[str, float]:
    """Where the signal path spent its time, as the server counts it itself."""
    counted = "logs" if signal == "lines" else signal
    head = f'quarterdeck_ingest_seconds_total{{signal="{counted}",step="'
    with server.client() as client:
        lines = client.get("/metrics").text.splitlines()
    found = (line[len(head) :].split('"} ') for line in lines if line.startswith(head))
    return {step: float(value) for step, value in found}
