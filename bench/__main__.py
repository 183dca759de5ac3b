"""`python -m bench [NAME…] [--quick] [--kills N] [--seconds S]`: run, print one table, keep the figures."""

import argparse
import dataclasses
import sys
import time
import traceback
from collections.abc import Callable, Sequence

from bench import disk, explore, growth, idle, ingest, kills, page, promql, remote_write, waterfall
from bench.figures import LATEST, Figure, table, write
from bench.options import QUICK, Options

BENCHMARKS: dict[str, Callable[[Options], list[Figure]]] = {
    "idle": idle.benchmark,
    "ingest": ingest.benchmark,
    "remote_write": remote_write.benchmark,
    "promql": promql.benchmark,
    "disk": disk.benchmark,
    "growth": growth.benchmark,
    "explore": explore.benchmark,
    "kills": kills.benchmark,
    "page": page.benchmark,
    "waterfall": waterfall.benchmark,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: only shows that it works")
    parser.add_argument("--kills", type=int, help="kills of the whole server (Q1)")
    parser.add_argument("--seconds", type=float, help="of load for each rate (P1, P3)")
    parser.add_argument("--growth-seconds", type=float, help="time for the growth curve")
    given = parser.parse_args(arguments)
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    changes = {
        name: value
        for name in ("kills", "seconds", "growth_seconds")
        if (value := getattr(given, name)) is not None
    }
    options = dataclasses.replace(QUICK if given.quick else Options(), **changes)
    figures: list[Figure] = []
    broken = 0
    for name in given.names or BENCHMARKS:
        began = time.monotonic()
        print(f"{name} …", end=" ", flush=True)
        try:
            figures += BENCHMARKS[name](options)
            print(f"{time.monotonic() - began:.0f} s", flush=True)
        except Exception:
            broken += 1
            print("failed", flush=True)
            traceback.print_exc()
    write(figures, options.quick)
    print(f"\n{table(figures)}\n\nKept in {LATEST}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
