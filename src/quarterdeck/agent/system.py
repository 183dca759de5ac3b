"""How the machine is: processor, memory, paging, disks, file systems, network, uptime.

Names are those of OpenTelemetry's semantic conventions. Real devices alone: no loop devices,
no file systems in memory, no snaps, no interfaces of containers. Shares of the processor are
measured from one call to the next.
"""

import contextlib
import os
import resource
import time
from pathlib import Path

import psutil

from quarterdeck.agent.otlp import Attributes, Points

_MODES = {
    "user": ("user",), "nice": ("nice",), "system": ("system",), "idle": ("idle",), "iowait": ("iowait",),
    "interrupt": ("irq", "softirq", "interrupt", "dpc"), "steal": ("steal",),
}  # fmt: skip
_MOST = 32  # devices, file systems and interfaces of one machine
_NO_DISK = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd")
_NO_INTERFACE = (
    "lo", "veth", "docker", "br-", "virbr", "vnet", "ifb", "dummy", "cali", "cni", "flannel", "cilium", "lxc", "podman",
)  # fmt: skip
_NO_FILE_SYSTEM = {"squashfs", "iso9660", "udf", "erofs", "cramfs", "autofs", "fuse.snapfuse"}
_NO_MOUNT = (
    "/snap/",
    "/var/lib/docker/",
    "/var/lib/containers/",
    "/var/lib/kubelet/",
    "/run/",
    "/boot/efi",
)


class System:
    """Tells how the machine is, again and again."""

    def __init__(self, who: Attributes) -> None:
        self.resource = who
        self._booted = psutil.boot_time()
        self._cpu = psutil.cpu_times()

    def points(self) -> Points:
        """The points of now."""
        now = time.time()
        points = Points(self.resource, int(now * 1e9), int(self._booted * 1e9))
        self._processor(points)
        _memory(points)
        _paging(points)
        _disks(points)
        _file_systems(points)
        _network(points)
        points.gauge("system.uptime", "s", round(now - self._booted, 1))
        return points

    def _processor(self, points: Points) -> None:
        before, self._cpu = self._cpu, psutil.cpu_times()
        spent = {
            mode: sum(getattr(self._cpu, f, 0.0) - getattr(before, f, 0.0) for f in fields)
            for mode, fields in _MODES.items()
            if any(hasattr(before, f) for f in fields)
        }
        whole = sum(max(each, 0.0) for each in spent.values())
        for mode, each in spent.items():
            if whole > 0:
                share = round(max(each, 0.0) / whole, 4)
                points.gauge("system.cpu.utilization", "1", share, {"cpu.mode": mode})
        points.amount("system.cpu.logical.count", "{cpu}", psutil.cpu_count() or 1)
        for minutes, load in zip((1, 5, 15), psutil.getloadavg(), strict=True):
            points.gauge(f"system.cpu.load_average.{minutes}m", "{thread}", round(load, 2))


def _memory(points: Points) -> None:
    memory = psutil.virtual_memory()
    buffers = getattr(memory, "buffers", 0)
    used = memory.total - memory.available
    free = min(memory.free, memory.available)
    states = {
        "used": used,
        "free": free,
        "buffers": buffers,
        "cached": max(0, memory.total - used - free - buffers),
    }
    points.amount("system.memory.limit", "By", memory.total)
    for state, amount in states.items():
        of: Attributes = {"system.memory.state": state}
        points.amount("system.memory.usage", "By", amount, of)
        points.gauge("system.memory.utilization", "1", round(amount / memory.total, 4), of)


def _paging(points: Points) -> None:
    swap = psutil.swap_memory()
    for state, amount in (("used", swap.used), ("free", swap.free)):
        of: Attributes = {"system.paging.state": state}
        points.amount("system.paging.usage", "By", amount, of)
        if swap.total:
            points.gauge("system.paging.utilization", "1", round(amount / swap.total, 4), of)
    page = resource.getpagesize()
    for direction, size in (("in", swap.sin), ("out", swap.sout)):
        points.total(
            "system.paging.operations",
            "{operation}",
            size // page,
            {"system.paging.direction": direction},
        )


def _disks(points: Points) -> None:
    try:
        whole = set(os.listdir("/sys/block"))
    except OSError:
        whole = set()
    disks = psutil.disk_io_counters(perdisk=True) or {}
    shown = [
        name
        for name, disk in sorted(disks.items())
        if (name in whole or not whole)
        and not name.startswith(_NO_DISK)
        and disk.read_count + disk.write_count
    ]
    for name in shown[:_MOST]:
        disk = disks[name]
        for direction, size, count in (
            ("read", disk.read_bytes, disk.read_count),
            ("write", disk.write_bytes, disk.write_count),
        ):
            of: Attributes = {"system.device": name, "disk.io.direction": direction}
            points.total("system.disk.io", "By", size, of)
            points.total("system.disk.operations", "{operation}", count, of)
        if (busy := getattr(disk, "busy_time", None)) is not None:
            points.total("system.disk.io_time", "s", busy / 1000, {"system.device": name})


def _file_systems(points: Points) -> None:
    seen: set[str] = set()
    for mount in sorted(_mounts(), key=lambda mount: len(mount[1])):
        device, path, kind, mode = mount
        if device in seen or len(seen) >= _MOST:
            continue
        seen.add(device)
        with contextlib.suppress(OSError):
            disk = psutil.disk_usage(path)
            if not disk.total:
                continue
            of = {
                "system.device": device,
                "system.filesystem.mountpoint": path,
                "system.filesystem.type": kind,
                "system.filesystem.mode": mode,
            }
            reserved = max(0, disk.total - disk.used - disk.free)
            for state, size in (("used", disk.used), ("free", disk.free), ("reserved", reserved)):
                named = {**of, "system.filesystem.state": state}
                points.amount("system.filesystem.usage", "By", size, named)
            # As df has it: of what may be used, not of what root keeps for itself.
            share = round(disk.used / max(disk.used + disk.free, 1), 4)
            points.gauge(
                "system.filesystem.utilization",
                "1",
                share,
                {**of, "system.filesystem.state": "used"},
            )


def _mounts() -> list[tuple[str, str, str, str]]:
    """(device, path, type, mode) of the real file systems, and of the root whatever it is."""
    found = [
        (part.device, part.mountpoint, part.fstype, "ro" if "ro" in part.opts.split(",") else "rw")
        for part in psutil.disk_partitions(all=False)
        if part.fstype not in _NO_FILE_SYSTEM
        and not part.mountpoint.startswith(_NO_MOUNT)
        and (Path(part.mountpoint).is_dir())
    ]
    if not any(path == "/" for _, path, _, _ in found):
        found.append(("rootfs", "/", "", "rw"))
    return found


def _network(points: Points) -> None:
    interfaces = psutil.net_io_counters(pernic=True)
    shown = [
        name
        for name, each in sorted(interfaces.items())
        if not name.startswith(_NO_INTERFACE) and each.bytes_sent + each.bytes_recv
    ]
    for name in shown[:_MOST]:
        each = interfaces[name]
        for direction, size, packets, errors, dropped in (
            ("receive", each.bytes_recv, each.packets_recv, each.errin, each.dropin),
            ("transmit", each.bytes_sent, each.packets_sent, each.errout, each.dropout),
        ):
            of: Attributes = {"network.interface.name": name, "network.io.direction": direction}
            points.total("system.network.io", "By", size, of)
            points.total("system.network.packets", "{packet}", packets, of)
            points.total("system.network.errors", "{error}", errors, of)
            points.total("system.network.dropped", "{packet}", dropped, of)
