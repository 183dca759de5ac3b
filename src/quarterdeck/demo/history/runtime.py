"""What a process of the past tells of itself: figures like those of a live one, which follow its load.

They alone are made up, since a process that never ran has no memory to measure.
"""

import math
import random
from dataclasses import dataclass, field

from quarterdeck.demo.history.replay import SECOND
from quarterdeck.demo.shop.telemetry import Attributes, Instruments

# Resident memory of each service in MiB, as the live ones have it; it wanders a little.
_MEMORY = {"web": 52, "catalogue": 58, "orders": 54, "payments": 60, "supplier": 61, "admin": 53}
_MIB = 1024 * 1024

Points = list[tuple[float, Attributes]]


@dataclass(slots=True)
class Figures:
    """One process, as it was at the moment of a collection."""

    service: str
    started: int  # nanoseconds since the epoch
    now: int = 0
    done: int = 0  # operations since the start
    busy: float = 0.0  # seconds of processor time
    rng: random.Random = field(default_factory=random.Random)
    _share: float = 0.0

    def observe(self, instruments: Instruments) -> None:
        """Report them at each collection."""
        observe = instruments.observe
        observe("process.memory.usage", lambda: [(self._memory(), {})])
        observe("process.memory.virtual", lambda: [(int(self._memory() * 1.8) + 420 * _MIB, {})])
        observe("process.cpu.utilization", lambda: [(round(self._share, 4), {})])
        observe("process.cpu.time", self._cpu_time)
        observe("process.context_switches", self._switches)
        observe("process.thread.count", lambda: [(7, {})])
        observe("process.unix.file_descriptor.count", lambda: [(24 + self.rng.randint(0, 5), {})])
        observe("process.uptime", lambda: [((self.now - self.started) / SECOND, {})])
        observe("cpython.gc.collections", lambda: self._generations(0.6))
        observe("cpython.gc.collected_objects", lambda: self._generations(25))
        observe("cpython.gc.uncollectable_objects", lambda: self._generations(0))

    def advance(self, now: int, operations: int, instruments: Instruments) -> None:
        """A stretch of time with so many operations has passed."""
        seconds = max((now - max(self.now, self.started)) / SECOND, 1e-3)
        used = 0.004 * seconds + 0.0015 * operations
        self.now, self.done, self.busy = now, self.done + operations, self.busy + used
        self._share = used / seconds
        for _ in range(6):
            instruments.record("asyncio.eventloop.delay", self.rng.lognormvariate(-7, 0.6), {})

    def _memory(self) -> int:
        minutes = self.now / SECOND / 60
        wander = 1 + 0.01 * math.sin(minutes / 7) + 0.005 * math.sin(minutes * 1.7)
        return int(_MEMORY[self.service] * _MIB * wander)

    def _cpu_time(self) -> Points:
        return [
            (self.busy * 0.82, {"cpu.mode": "user"}),
            (self.busy * 0.18, {"cpu.mode": "system"}),
        ]

    def _switches(self) -> Points:
        kind = "process.context_switch.type"
        return [(self.done * 9, {kind: "voluntary"}), (self.done // 7, {kind: "involuntary"})]

    def _generations(self, each: float) -> Points:
        return [
            (int(self.done * each / 10**generation), {"cpython.gc.generation": generation})
            for generation in range(3)
        ]
