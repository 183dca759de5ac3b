"""What `/api/health` looks at, part by part.

A check does what its part is for, in the smallest way: a store answers a query, the disk
and the memory are read. The messages tell strangers nothing that helps them.
"""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
from sqlalchemy import Connection, text

from quarterdeck.http.health import Check, Component
from quarterdeck.store.control import ControlStore
from quarterdeck.store.telemetry import EmbeddedEngine, Limits

LOW_DISK = 0.05
FULL_DISK_BYTES = 256 * 1024 * 1024
HIGH_MEMORY = 0.9
BUSY_QUEUE = 0.8


def control_check(control: ControlStore) -> Check:
    def work(conn: Connection) -> None:
        conn.execute(text("SELECT 1"))

    async def check() -> Component:
        await control.read(work)
        return Component(status="ok")

    return check


def telemetry_check(engine: EmbeddedEngine) -> Check:
    def ask() -> None:
        engine.query("health", "SELECT 1", limits=Limits(seconds=2, memory_mb=64), reserved=True)

    async def check() -> Component:
        await asyncio.to_thread(ask)
        return Component(status="ok")

    return check


def ingest_check(waiting_bytes: Callable[[], float], limit_bytes: int) -> Check:
    async def check() -> Component:
        waiting = waiting_bytes()
        values = {"waiting_bytes": waiting, "limit_bytes": float(limit_bytes)}
        if waiting > BUSY_QUEUE * limit_bytes:
            return Component(
                status="degraded", message="Clients are being told to retry.", values=values
            )
        return Component(status="ok", values=values)

    return check


def disk_check(directory: Path) -> Check:
    async def check() -> Component:
        usage = await asyncio.to_thread(shutil.disk_usage, directory)
        values = {"free_bytes": float(usage.free), "total_bytes": float(usage.total)}
        if usage.free < FULL_DISK_BYTES:
            return Component(status="degraded", message="The disk is full.", values=values)
        if usage.free < LOW_DISK * usage.total:
            return Component(status="degraded", message="The disk is nearly full.", values=values)
        return Component(status="ok", values=values)

    return check


def memory_check() -> Check:
    process = psutil.Process()

    async def check() -> Component:
        machine = psutil.virtual_memory()
        values = {
            "resident_bytes": float(process.memory_info().rss),
            "machine_available_bytes": float(machine.available),
        }
        if machine.available < (1 - HIGH_MEMORY) * machine.total:
            return Component(
                status="degraded", message="The machine is short of memory.", values=values
            )
        return Component(status="ok", values=values)

    return check
