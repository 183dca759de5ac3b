"""One host: what it is, the course of its resources, its file systems, its programs, its services."""

from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.core.errors import NotFound
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.host_series import Key, Lines, by, levels, rates
from quarterdeck.telemetry.query.hosts import (
    Disk,
    cpu_in_use,
    cpu_modes,
    disks,
    gathered,
    known_hosts,
    last_of,
    newest,
)
from quarterdeck.telemetry.query.window import Asked, Grid, Window, grid_of, run

_LEVELS = (
    "system.cpu.utilization", "system.cpu.logical.count", "system.cpu.load_average.1m", "system.cpu.load_average.5m",
    "system.cpu.load_average.15m", "system.memory.usage", "system.paging.usage", "system.filesystem.usage", "system.uptime",
)  # fmt: skip
_RATES = (
    "system.cpu.time", "system.disk.io", "system.disk.io_time", "system.network.io", "system.network.errors",
    "system.network.dropped",
)  # fmt: skip
_PROGRAMS = ("process.cpu.utilization", "process.memory.usage", "process.count")
_PROGRAMS_MS = 60_000  # they are told of less often
_MOST_PROGRAMS = 30

Points = list[float | None]


class Program(BaseModel):
    name: str = Field(description="Of the executable.")
    owner: str
    count: int = Field(description="Processes; the newest.")
    cpu: float | None = Field(description="Mean share of all processors, 0 to 1.")
    cpu_points: Points
    memory_bytes: int | None = Field(description="Resident; the newest.")
    memory_points: Points


class HostService(BaseModel):
    service: str
    spans: int
    logs: int


class Host(BaseModel):
    host: str
    resource: dict[str, Any]
    last_seen: int = Field(description="Milliseconds since 1970.")
    cpus: int | None
    memory_bytes: int | None
    uptime_s: float | None
    start_ms: int
    step_ms: int
    cpu: float | None = Field(description="Share of all processors in use, 0 to 1; the newest.")
    cpu_modes: dict[str, Points] = Field(description="Share of each mode, without `idle`.")
    memory: dict[str, Points] = Field(description="Bytes by state.")
    swap: dict[str, Points] = Field(description="Bytes by state; empty when there is none.")
    load: dict[str, Points] = Field(description="Of 1m, 5m and 15m.")
    disk: dict[str, Points] = Field(description="Bytes a second by direction.")
    disk_busy: dict[str, Points] = Field(description="Share of the time, by device.")
    network: dict[str, Points] = Field(description="Bytes a second by direction.")
    network_trouble: dict[str, Points] = Field(
        description="Packets a second that were faulty (`errors`) or thrown away (`dropped`)."
    )
    filesystems: list[Disk]
    programs: list[Program]
    programs_start_ms: int
    programs_step_ms: int


def host(engine: Engine, window: Window, name: str) -> Host:
    known = known_hosts(engine, window, name).get(name)
    if known is None:
        raise NotFound(
            "host_unknown",
            f"No host {name[:80]!r} has sent metrics in this range or the week before its end.",
            "GET /api/hosts lists them.",
        )
    grid, coarse = grid_of(window, 120, 15_000), grid_of(window, 60, _PROGRAMS_MS)
    measured = levels(engine, window, grid, _LEVELS, name)
    counted = rates(engine, window, grid, _RATES, name)
    modes = cpu_modes(measured, counted, grid)
    cpus = last_of(measured, "system.cpu.logical.count")
    memory = sum(line.last for _, line in by(measured, "system.memory.usage"))
    swap = gathered(measured, "system.paging.usage", grid)
    faults = {
        what: points
        for what in ("errors", "dropped")
        for points in [_whole(counted, f"system.network.{what}", grid)]
        if points
    }
    return Host(
        host=name,
        resource=known.resource,
        last_seen=known.last_seen,
        cpus=int(cpus) if cpus else None,
        memory_bytes=int(memory) or None,
        uptime_s=last_of(measured, "system.uptime"),
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        cpu=newest(cpu_in_use(modes, grid)),
        cpu_modes={mode: points for mode, points in modes.items() if mode != "idle"},
        memory=gathered(measured, "system.memory.usage", grid),
        swap=swap if any(map(any, swap.values())) else {},
        load={
            minutes: points
            for minutes in ("1m", "5m", "15m")
            for points in [_whole(measured, f"system.cpu.load_average.{minutes}", grid)]
            if points
        },
        disk=gathered(counted, "system.disk.io", grid, "second"),
        disk_busy=gathered(counted, "system.disk.io_time", grid),
        network=gathered(counted, "system.network.io", grid, "second"),
        network_trouble=faults,
        filesystems=disks(engine, window, measured, name).get(name, []),
        programs=_programs(levels(engine, window, coarse, _PROGRAMS, name), coarse),
        programs_start_ms=coarse.start_ms,
        programs_step_ms=coarse.step_ms,
    )


def host_services(engine: Engine, window: Window, name: str) -> list[HostService]:
    """The services whose spans or logs name the host. Few resources stand for many rows."""
    asked = Asked()
    one = asked.bind(name)
    parts = " UNION ALL ".join(
        f"SELECT service, resource, {spans} AS spans, {logs} AS logs FROM {table} WHERE {window.where()} GROUP BY service, resource"
        for table, spans, logs in (("spans", "count()", "0"), ("logs", "0", "count()"))
    )
    sql = f"""
        SELECT service, sum(spans) AS all_spans, sum(logs) AS all_logs FROM ({parts})
        WHERE JSONExtractString(resource, 'host.name') = {one}
        GROUP BY service ORDER BY all_spans + all_logs DESC, service LIMIT 100"""
    return [
        HostService(service=service, spans=spans, logs=logs)
        for service, spans, logs in run(engine, "host_services", sql, window, asked).rows
    ]


def _whole(lines: Lines, metric: str, grid: Grid) -> Points:
    """A metric added up over its labels; empty when nobody sends it."""
    sums: dict[int, float] = {}
    for _, line in by(lines, metric):
        for step, value in line.points.items():
            sums[step] = sums.get(step, 0.0) + value
    return grid.place(sums, None) if sums else []


def _programs(measured: Lines, grid: Grid) -> list[Program]:
    """Those that use most, by processor and then by memory.

    A service that tells of its own process names the host, but no program: it is not one of them.
    """
    found = []
    for key, line in by(measured, "process.memory.usage"):
        if not key.of:
            continue
        used = measured.get(Key(key.host, "process.cpu.utilization", key.of, key.second))
        count = measured.get(Key(key.host, "process.count", key.of, key.second))
        points = list(used.points.values()) if used else []
        found.append(
            Program(
                name=key.of,
                owner=key.second,
                count=int(count.last) if count else 0,
                cpu=sum(points) / len(points) if points else None,
                cpu_points=grid.place(used.points if used else {}, None),
                memory_bytes=int(line.last),
                memory_points=grid.place(line.points, None),
            )
        )
    by_cpu = sorted(found, key=lambda program: -(program.cpu or 0.0))
    by_memory = sorted(found, key=lambda program: -(program.memory_bytes or 0))
    top = by_cpu[: _MOST_PROGRAMS // 2] + by_memory[: _MOST_PROGRAMS // 2]
    return list({(program.name, program.owner): program for program in top}.values())
