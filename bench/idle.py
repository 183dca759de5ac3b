"""P8: what an empty server uses while nothing happens, and how soon it answers.

Memory is the anonymous memory of supervisor and child together, which is what the machine
loses by running them; resident memory, which counts mapped library pages too, stands beside.
"""

import shutil
import subprocess
import threading
import time

import httpx

from bench.figures import Figure
from bench.options import Options
from support.server import Server, temporary_data
from support.usage import MIB, anonymous_bytes, cpu_seconds, resident_bytes


def benchmark(options: Options) -> list[Figure]:
    data = temporary_data()
    server = Server(data, environment={"QUARTERDECK_HOST_METRICS_SECONDS": "30"})
    first = _seconds_to_first_answer(server)
    server.stop()
    again = _seconds_to_first_answer(server)  # the schema stands: an ordinary start
    try:
        time.sleep(options.settle_seconds)
        pids = (server.pid, server.child())
        before = sum(map(cpu_seconds, pids))
        time.sleep(options.idle_seconds)
        cpu = (sum(map(cpu_seconds, pids)) - before) / options.idle_seconds
        anonymous = sum(map(anonymous_bytes, pids)) / MIB
        resident = sum(map(resident_bytes, pids)) / MIB
    finally:
        server.stop()
        shutil.rmtree(data.parent, ignore_errors=True)
    return [
        Figure(
            "P8", "idle, anonymous memory", anonymous, "MiB", 250, less_is_better=True,
            note=f"resident {resident:.0f} MiB", details={"resident_mib": resident},
        ),
        Figure("P8", "idle, one core", cpu * 100, "%", 1, less_is_better=True),
        Figure(
            "P8", "first answer after start", again, "s", 2, less_is_better=True,
            note=f"in a new directory {first:.1f} s", details={"new_directory_seconds": first},
        ),
    ]  # fmt: skip


def _seconds_to_first_answer(server: Server) -> float:
    """From the command to an answered request, asked for all the while."""
    began = time.perf_counter()
    failed: list[BaseException] = []

    def start() -> None:
        try:
            server.start()
        except (AssertionError, subprocess.SubprocessError) as error:
            failed.append(error)

    starting = threading.Thread(target=start)
    starting.start()
    while not failed:
        try:
            if httpx.get(f"{server.url}/api/health", timeout=5).status_code == 200:
                break
        except httpx.HTTPError:
            time.sleep(0.01)
    taken = time.perf_counter() - began
    starting.join()
    if failed:
        raise failed[0]
    return taken
