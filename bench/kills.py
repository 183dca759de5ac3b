"""Q1: `kill -9` at any moment under load, again and again: what was acknowledged is there.

Most times the whole group is killed, as a power cut would; some times the child alone, which
the supervisor must bring back.
"""

import os
import random
import shutil
import signal
import time

from bench.figures import Figure
from bench.options import Options
from support.load import Load
from support.server import Server, temporary_data


def benchmark(options: Options) -> list[Figure]:
    data = temporary_data()
    server = Server(data).start()
    chance = random.Random(11)
    acknowledged, missing = 0, 0
    starts: list[float] = []
    returns: list[float] = []
    try:
        for turn in range(options.kills + options.child_kills):
            child_alone = turn >= options.kills
            load = Load(server, f"kill-{turn}").start()
            time.sleep(chance.uniform(0.2, 1.5))
            began = time.monotonic()
            if child_alone:
                os.kill(server.child(), signal.SIGKILL)
                server.wait_ready()
            else:
                server.kill()
                began = time.monotonic()
                server.start()
            server.wait_answering()
            (returns if child_alone else starts).append(time.monotonic() - began)
            load.stop()
            acknowledged += load.acknowledged
            missing += len(load.missing()) * load.items
    finally:
        server.stop()
        shutil.rmtree(data.parent, ignore_errors=True)
    note = f"{options.kills} kills of all, {options.child_kills} of the child; {acknowledged:,} acknowledged"
    return [
        Figure("Q1", "acknowledged and missing after kills", missing, "items", 0, True, note=note),
        Figure(
            "Q1", "slowest start after a kill", max(starts), "s", 5, True,
            details={"seconds": starts},
        ),
        Figure(
            "Q1", "slowest return of a killed child", max(returns), "s", 5, True,
            details={"seconds": returns},
        ),
    ]  # fmt: skip
