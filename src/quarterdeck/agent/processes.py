"""Which programs use the machine: by the name of the executable and its owner.

No process ids, so that series stay few, and never the arguments, for they hold secrets: on
Linux the name is the kernel's own, because what a process calls itself may be its whole
command line. Only those that use most are told, and a machine that keeps inventing names is
told of as `other` beyond a bound.
"""

import os
import pwd
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import psutil

from quarterdeck.agent.otlp import Attributes, Points

PROCESSES_EVERY_S = 60.0  # often enough, for looking at all of them has its price
TOP = 10  # by processor, and as many by memory
_MOST_NAMES = 300  # of one day
_DAY_S = 86_400
_KERNEL_THREAD = 0x00200000
_STATUS = {
    "R": "running", "S": "sleeping", "I": "sleeping", "D": "disk_sleep", "T": "stopped", "t": "stopped", "Z": "zombie",
}  # fmt: skip

Who = tuple[str, str]  # executable, owner


@dataclass(slots=True)
class _Use:
    cpu: float = 0.0
    memory: int = 0
    count: int = 0


@dataclass(frozen=True, slots=True)
class _Process:
    key: tuple[int, float]  # an id is used again, but not with the same start
    who: Who
    status: str
    cpu: float
    memory: int


class Processes:
    """Adds processes to the points; the use of the processor is since the call before."""

    def __init__(self) -> None:
        self._cpu = {process.key: process.cpu for process in _all()}
        self._at = time.monotonic()
        self._known: set[Who] = set()
        self._known_since = 0.0

    def add(self, points: Points) -> None:
        now = time.monotonic()
        elapsed = (now - self._at) * (psutil.cpu_count() or 1)
        before, self._cpu, self._at = self._cpu, {}, now
        used: dict[Who, _Use] = {}
        states: dict[str, int] = {}
        for process in _all():
            self._cpu[process.key] = process.cpu
            use = used.setdefault(process.who, _Use())
            # One that has begun since then has used all of it since then.
            use.cpu += max(0.0, process.cpu - before.get(process.key, 0.0))
            use.memory += process.memory
            use.count += 1
            states[process.status] = states.get(process.status, 0) + 1
        for status, count in states.items():
            points.amount("system.process.count", "{process}", count, {"process.status": status})
        for (name, owner), use in self._bounded(_top(used), now).items():
            of: Attributes = {"process.executable.name": name, "process.owner": owner}
            share = round(min(use.cpu / max(elapsed, 0.001), 1.0), 4)
            points.gauge("process.cpu.utilization", "1", share, of)
            points.amount("process.memory.usage", "By", use.memory, of)
            points.amount("process.count", "{process}", use.count, of)

    def _bounded(self, used: dict[Who, _Use], now: float) -> dict[Who, _Use]:
        if now - self._known_since > _DAY_S:
            self._known, self._known_since = set(), now
        found: dict[Who, _Use] = {}
        for who, use in used.items():
            if who not in self._known and len(self._known) >= _MOST_NAMES:
                who = ("other", "")
            self._known.add(who)
            into = found.setdefault(who, _Use())
            into.cpu, into.memory, into.count = (
                into.cpu + use.cpu, into.memory + use.memory, into.count + use.count,
            )  # fmt: skip
        return found


def _top(used: dict[Who, _Use]) -> dict[Who, _Use]:
    by_cpu = sorted(used, key=lambda who: -used[who].cpu)[:TOP]
    by_memory = sorted(used, key=lambda who: -used[who].memory)[:TOP]
    return {who: used[who] for who in dict.fromkeys(by_cpu + by_memory)}


def _all() -> Iterator[_Process]:
    if psutil.LINUX:
        yield from _from_proc()
        return
    for process in psutil.process_iter(
        ["pid", "name", "username", "status", "cpu_times", "memory_info", "create_time"]
    ):
        told = process.info
        times, memory = told["cpu_times"], told["memory_info"]
        yield _Process(
            (told["pid"], told["create_time"] or 0.0),
            (_plain(told["name"] or ""), told["username"] or ""),
            told["status"] or "",
            times.user + times.system if times else 0.0,
            memory.rss if memory else 0,
        )


def _from_proc() -> Iterator[_Process]:
    """One file a process: a sixth of what psutil needs."""
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            directory = Path("/proc", pid)
            text = (directory / "stat").read_bytes().decode(errors="replace")
            owner = _user(directory.stat().st_uid)
        except OSError:  # it has ended
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        told = text[text.rindex(")") + 2 :].split()
        if int(told[6]) & _KERNEL_THREAD:
            name = "kernel"
        yield _Process(
            (int(pid), float(told[19])),
            (_plain(name), owner),
            _STATUS.get(told[0], "other"),
            (int(told[11]) + int(told[12])) / tick,
            int(told[21]) * page,
        )


def _plain(name: str) -> str:
    """The first word: some programs write what they do, or were told to do, behind it."""
    word = next(iter(name.split()), "").rstrip(":") or "unknown"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in word)


@lru_cache(maxsize=256)
def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
