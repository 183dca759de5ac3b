"""The hosts of a project at a glance: processor, memory, disk, network, and their course.

A host is whatever sent `system.*` metrics with a `host.name` within a week before the end of
the range, so that one that has fallen silent is still there to be seen.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.host_series import DAYS, HOST, Lines, by, levels, rates, slopes
from quarterdeck.telemetry.query.rows import object_of
from quarterdeck.telemetry.query.window import Asked, Grid, Window, grid_of, run

MOST = 500
_REMEMBERED_MS = 7 * 86_400_000
_DAY_MS = 86_400_000
_FARTHEST_DAYS = 365.0
_LEVELS = (
    "system.cpu.utilization", "system.cpu.logical.count", "system.memory.usage", "system.filesystem.usage",
    "system.cpu.load_average.1m", "system.uptime",
)  # fmt: skip
_RATES = ("system.network.io", "system.cpu.time")


class Disk(BaseModel):
    mountpoint: str
    used_bytes: int
    size_bytes: int = Field(description="Of what may be used: without what root keeps for itself.")
    used: float = Field(description="Share, 0 to 1.")
    days_until_full: float | None = Field(
        description="At the growth of the last day; null when it does not grow or is not known."
    )


@dataclass(frozen=True, slots=True)
class Known:
    resource: dict[str, Any]
    last_seen: int  # milliseconds since 1970


class HostRow(BaseModel):
    host: str
    os: str
    arch: str
    environment: str
    cpus: int | None
    cpu: float | None = Field(description="Share of all processors in use, 0 to 1; the newest.")
    cpu_points: list[float | None]
    memory: float | None = Field(description="Share in use, 0 to 1; the newest.")
    memory_bytes: int | None = Field(description="Of the machine.")
    memory_points: list[float | None]
    disk: Disk | None = Field(description="The fullest file system.")
    network: float | None = Field(description="Bytes a second, in and out.")
    network_points: list[float | None]
    load: float | None = Field(description="Of the last minute.")
    uptime_s: float | None
    last_seen: int = Field(description="Milliseconds since 1970.")


class Hosts(BaseModel):
    items: list[HostRow]
    start_ms: int
    step_ms: int


def hosts(engine: Engine, window: Window) -> Hosts:
    grid = grid_of(window, 45, 30_000)
    found = known_hosts(engine, window)
    measured = levels(engine, window, grid, _LEVELS)
    full = disks(engine, window, measured)
    levels_of, rates_of = _by_host(measured), _by_host(rates(engine, window, grid, _RATES))
    return Hosts(
        items=[
            _row(
                name,
                known,
                levels_of.get(name, {}),
                rates_of.get(name, {}),
                next(iter(full.get(name, [])), None),
                grid,
            )
            for name, known in found.items()
        ],
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
    )


def known_hosts(engine: Engine, window: Window, host: str = "") -> dict[str, Known]:
    """Every host by its name, with its resource and its last sign of life."""
    asked = Asked()
    if host:
        asked.add(f"host = {asked.bind(host)}")
    if window.environment:
        asked.add("environment = {environment:String}")
    sql = f"""
        SELECT {HOST} AS host, argMax(resource, last_seen), toUnixTimestamp(max(last_seen)) * 1000
        FROM series WHERE {DAYS} AND startsWith(metric, 'system.') AND host != ''{asked.sql}
        GROUP BY host ORDER BY host LIMIT {MOST}"""
    rows = run(engine, "hosts", sql, at_least(window, _REMEMBERED_MS), asked).rows
    return {name: Known(object_of(resource), int(seen)) for name, resource, seen in rows}


def at_least(window: Window, length_ms: int) -> Window:
    """The range, or a longer one with the same end."""
    start = max(0, min(window.start_ms, window.end_ms - length_ms))
    return Window(window.project, start, window.end_ms, window.environment)


def disks(engine: Engine, window: Window, measured: Lines, host: str = "") -> dict[str, list[Disk]]:
    """The file systems of each host, the fullest first, with their growth of the last day at least."""
    sizes: dict[tuple[str, str], dict[str, float]] = {}
    for key, line in by(measured, "system.filesystem.usage"):
        sizes.setdefault((key.host, key.of), {})[key.second] = line.last
    if not sizes:
        return {}
    growth = slopes(engine, at_least(window, _DAY_MS), "system.filesystem.usage", "used", host)
    found: dict[str, list[Disk]] = {}
    for (name, mountpoint), states in sizes.items():
        used, free = states.get("used", 0.0), states.get("free", 0.0)
        disk = Disk(
            mountpoint=mountpoint,
            used_bytes=int(used),
            size_bytes=int(used + free),
            used=used / max(used + free, 1),
            days_until_full=_days(free, growth.get((name, mountpoint), 0.0)),
        )
        found.setdefault(name, []).append(disk)
    return {name: sorted(each, key=lambda disk: -disk.used) for name, each in found.items()}


def _days(free: float, growth: float) -> float | None:
    """Until nothing is left at so many bytes a second; a year away is as good as never."""
    days = free / growth / 86_400 if growth > 0 else _FARTHEST_DAYS
    return round(days, 1) if days < _FARTHEST_DAYS else None


def cpu_modes(measured: Lines, counted: Lines, grid: Grid) -> dict[str, list[float | None]]:
    """The share of each mode; from the time spent in each, where no shares are measured."""
    shares = gathered(measured, "system.cpu.utilization", grid, mean=True)
    if shares:
        return shares
    spent = gathered(counted, "system.cpu.time", grid)
    whole = [sum(filter(None, step)) for step in zip(*spent.values(), strict=True)]
    return {
        mode: [
            None if point is None or not all_ else point / all_
            for point, all_ in zip(points, whole, strict=True)
        ]
        for mode, points in spent.items()
    }


def cpu_in_use(modes: dict[str, list[float | None]], grid: Grid) -> list[float | None]:
    """The share in which something was computed. Waiting for a disk is not computing."""
    idle, waiting = modes.get("idle", [None] * grid.size), modes.get("iowait", [None] * grid.size)
    return [
        None if rest is None else max(0.0, 1 - rest - (wait or 0.0))
        for rest, wait in zip(idle, waiting, strict=True)
    ]


def gathered(
    lines: Lines,
    metric: str,
    grid: Grid,
    label: Literal["of", "second"] = "of",
    *,
    mean: bool = False,
) -> dict[str, list[float | None]]:
    """A metric's points by one of its labels, added up over the other one or their mean."""
    parts: dict[str, dict[int, list[float]]] = {}
    for key, line in by(lines, metric):
        into = parts.setdefault(key.of if label == "of" else key.second, {})
        for step, value in line.points.items():
            into.setdefault(step, []).append(value)
    return {
        name: grid.place(
            {step: sum(each) / (len(each) if mean else 1) for step, each in points.items()}, None
        )
        for name, points in parts.items()
    }


def newest(points: list[float | None]) -> float | None:
    return next((point for point in reversed(points) if point is not None), None)


def last_of(lines: Lines, metric: str) -> float | None:
    return next((line.last for _, line in by(lines, metric)), None)


def _by_host(lines: Lines) -> dict[str, Lines]:
    found: dict[str, Lines] = {}
    for key, line in lines.items():
        found.setdefault(key.host, {})[key] = line
    return found


def _row(
    name: str, known: Known, measured: Lines, counted: Lines, disk: Disk | None, grid: Grid
) -> HostRow:
    cpu = cpu_in_use(cpu_modes(measured, counted, grid), grid)
    memory = gathered(measured, "system.memory.usage", grid)
    whole = sum(line.last for _, line in by(measured, "system.memory.usage"))
    used = [
        None if u is None or not whole else u / whole
        for u in memory.get("used", [None] * grid.size)
    ]
    network = gathered(counted, "system.network.io", grid, "second")
    traffic = [
        None if all(p is None for p in step) else sum(filter(None, step))
        for step in zip(*network.values(), strict=True)
    ] or [None] * grid.size  # fmt: skip
    cpus = last_of(measured, "system.cpu.logical.count")
    told = known.resource
    return HostRow(
        host=name,
        os=str(told.get("os.description") or told.get("os.type") or ""),
        arch=str(told.get("host.arch") or ""),
        environment=str(told.get("deployment.environment.name") or ""),
        cpus=int(cpus) if cpus else None,
        cpu=newest(cpu),
        cpu_points=cpu,
        memory=newest(used),
        memory_bytes=int(whole) or None,
        memory_points=used,
        disk=disk,
        network=newest(traffic),
        network_points=traffic,
        load=last_of(measured, "system.cpu.load_average.1m"),
        uptime_s=last_of(measured, "system.uptime"),
        last_seen=known.last_seen,
    )
