"""What a process tells of itself: memory, processor, threads, garbage collection, the event loop's lag.

Names are OpenTelemetry's. Reading costs a few small files of `/proc` at each collection;
where there is no `/proc`, what it alone knows is left out.
"""

import asyncio
import contextlib
import gc
import os
import resource
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from quarterdeck.demo.shop.telemetry import Attributes, Telemetry

LAG_EVERY = 0.5  # seconds

Points = list[tuple[float, Attributes]]


def watch(telemetry: Telemetry) -> None:
    """Report this process from now on."""
    observe = telemetry.instruments.observe
    born = time.monotonic()
    last = [born, time.process_time()]

    def load() -> Points:
        now, used = time.monotonic(), time.process_time()
        share = (used - last[1]) / max(now - last[0], 1e-3)
        last[:] = now, used
        return [(share, {})]

    observe("process.memory.usage", lambda: [(memory_bytes()[0], {})])
    observe("process.memory.virtual", lambda: [(memory_bytes()[1], {})])
    observe("process.cpu.utilization", load)
    observe("process.cpu.time", _processor_time)
    observe("process.context_switches", _switches)
    observe("process.thread.count", lambda: [(threading.active_count(), {})])
    observe("process.unix.file_descriptor.count", _descriptors)
    observe("process.uptime", lambda: [(time.monotonic() - born, {})])
    for name, key in _COLLECTOR.items():
        observe(name, _collected(key))


_COLLECTOR = {
    "cpython.gc.collections": "collections",
    "cpython.gc.collected_objects": "collected",
    "cpython.gc.uncollectable_objects": "uncollectable",
}


def _collected(key: str) -> Callable[[], Points]:
    return lambda: [
        (counted[key], {"cpython.gc.generation": generation})
        for generation, counted in enumerate(gc.get_stats())
    ]


def _processor_time() -> Points:
    used = os.times()
    return [(used.user, {"cpu.mode": "user"}), (used.system, {"cpu.mode": "system"})]


def _switches() -> Points:
    used = resource.getrusage(resource.RUSAGE_SELF)
    kind = "process.context_switch.type"
    return [(used.ru_nvcsw, {kind: "voluntary"}), (used.ru_nivcsw, {kind: "involuntary"})]


def _descriptors() -> Points:
    with contextlib.suppress(OSError):
        return [(len(os.listdir("/proc/self/fd")), {})]
    return []


def memory_bytes() -> tuple[int, int]:
    """Resident and virtual memory of this process."""
    try:
        pages = Path("/proc/self/statm").read_text().split()
        size = os.sysconf("SC_PAGE_SIZE")
        return int(pages[1]) * size, int(pages[0]) * size
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return most, most


@asynccontextmanager
async def lag(telemetry: Telemetry) -> AsyncIterator[None]:
    """Measure how late the event loop wakes those who asked for a moment."""

    async def measure() -> None:
        while True:
            due = time.perf_counter() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            telemetry.measure("asyncio.eventloop.delay", max(0.0, time.perf_counter() - due))

    measuring = asyncio.create_task(measure())
    try:
        yield
    finally:
        measuring.cancel()
        await asyncio.gather(measuring, return_exceptions=True)
