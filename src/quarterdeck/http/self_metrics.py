"""Figures of this process, read at every scrape of `/metrics`."""

from collections.abc import Iterable

import psutil

from quarterdeck import __version__
from quarterdeck.core.metrics import Registry, Sample


def collect_process(registry: Registry) -> None:
    """Memory, processor time, files and threads of the server, and its version."""
    process = psutil.Process()

    def read() -> Iterable[Sample]:
        memory, times = process.memory_info(), process.cpu_times()
        yield Sample(
            "quarterdeck_build_info", "The version.", "gauge", 1, (("version", __version__),)
        )
        for name, help, kind, value in (
            ("resident_bytes", "Resident memory.", "gauge", memory.rss),
            ("cpu_seconds_total", "Processor time.", "counter", times.user + times.system),
            ("open_files", "Open file descriptors.", "gauge", process.num_fds()),
            ("threads", "Threads.", "gauge", process.num_threads()),
            ("start_time_seconds", "Start, since 1970.", "gauge", process.create_time()),
        ):
            yield Sample(f"quarterdeck_process_{name}", help, kind, value)

    registry.collect(read)
