"""Growth: what a span costs when there are many already.

Slices of a million spans go in one after the other until the time is up. A slice's cost is
the processor time of the server for it, background merges included, so that a busy machine
does not show as growth; the curve is the ratio of each slice to the first.
"""

import time

from bench.figures import Figure, number
from bench.generator import Job, run
from bench.ingest import fresh_server, stored
from bench.options import Options
from support.usage import cpu_seconds

ITEMS, CONNECTIONS = 512, 96


def benchmark(options: Options) -> list[Figure]:
    costs: list[float] = []
    rates: list[float] = []
    began = time.monotonic()
    with fresh_server() as server:
        child = server.child()
        total = 0
        while len(costs) < 2 or time.monotonic() - began < options.growth_seconds:
            cpu = cpu_seconds(child)
            job = Job(
                "traces", ITEMS, CONNECTIONS, seconds=600, http_port=server.port,
                most=options.growth_slice, templates=options.templates, seed=len(costs),
            )  # fmt: skip
            seen = run(job)
            total += seen.items
            costs.append((cpu_seconds(child) - cpu) / seen.items * 1e6)
            rates.append(seen.rate)
        found = stored(server, "traces")
    if found < total:
        raise AssertionError(f"{total} acknowledged, {found} found by SQL")
    curve = " ".join(number(cost / costs[0]) for cost in costs)
    return [
        Figure(
            "growth", f"processor time of a span, last slice to first, {total:,} spans",
            costs[-1] / costs[0], "×", 1.2, less_is_better=True, note=f"curve {curve}",
            details={"slice": options.growth_slice, "cpu_us_per_span": costs, "rates": rates},
        )
    ]  # fmt: skip
