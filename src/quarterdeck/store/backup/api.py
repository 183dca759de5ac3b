"""`POST /api/backup`: the running server takes the backup, since it alone has its stores open."""

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from quarterdeck.core.clock import Clock
from quarterdeck.core.errors import Conflict, Forbidden
from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import PrincipalDep, Record, Router
from quarterdeck.store.backup.take import Snapshot, clear_leftovers, snapshot_live
from quarterdeck.store.control import ControlStore
from quarterdeck.store.telemetry import EmbeddedEngine

_WAITING = 8  # chunks of at most a megabyte between the archive and a slow client


def backup_router(
    data: Path,
    control: ControlStore,
    engine: EmbeddedEngine,
    blobs: Path | None,
    clock: Clock,
    record: Record,
) -> Router:
    """The route. `blobs` is the directory of the blobs, None when they are kept elsewhere."""
    clear_leftovers(data, engine)
    router = Router("/api/backup", tag="backup")
    running = asyncio.Lock()

    @router.post(
        "",
        permission=Permission.ADMIN,
        response_class=StreamingResponse,
        responses={200: {"content": {"application/zstd": {}}, "description": "The archive."}},
    )
    async def take_backup(principal: PrincipalDep) -> StreamingResponse:
        """A backup of everything Quarterdeck keeps, as a .tar.zst; needs all projects.

        An answer that breaks off is no backup: `quarterdeck backup` and `restore` refuse it.
        """
        if principal.projects is not None:
            raise Forbidden(
                "not_permitted",
                f"A backup holds all projects, and {principal.name} is for some of them.",
                "Use an admin's key that all projects are open to.",
            )
        if running.locked():
            raise Conflict(
                "backup_running",
                "Another backup is being taken.",
                "Wait until it is done.",
            )
        await running.acquire()
        try:
            await record(principal, "backup.take", "everything")
            snapshot = await snapshot_live(data, control, engine, blobs, clock)
        except BaseException:
            running.release()
            raise
        return _Archive(snapshot, running)

    return router


class _Archive(StreamingResponse):
    """The archive as an answer; however that ends, the snapshot goes."""

    def __init__(self, snapshot: Snapshot, running: asyncio.Lock) -> None:
        super().__init__(
            _stream(snapshot),
            media_type="application/zstd",
            headers={"Content-Disposition": 'attachment; filename="quarterdeck.tar.zst"'},
        )
        self._snapshot = snapshot
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await asyncio.shield(asyncio.to_thread(self._snapshot.discard))
            self._running.release()


async def _stream(snapshot: Snapshot) -> AsyncIterator[bytes]:
    """The archive while a thread writes it, no faster than the client reads."""
    pipe = _Pipe()
    writing = asyncio.ensure_future(asyncio.to_thread(_write, snapshot, pipe))
    try:
        while (chunk := await asyncio.to_thread(pipe.read)) is not None:
            yield chunk
        await writing  # what went wrong breaks the answer off
    finally:
        pipe.close()
        with contextlib.suppress(Exception):
            await asyncio.shield(writing)


def _write(snapshot: Snapshot, pipe: "_Pipe") -> None:
    try:
        snapshot.write(pipe)
    finally:
        pipe.end()


class _Pipe:
    """Chunks from a thread to a reader, a few at a time."""

    def __init__(self) -> None:
        self._chunks: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._closed = threading.Event()

    def write(self, data: bytes) -> None:
        """Waits while the reader is slow; raises when it has gone."""
        self._put(data)
        if self._closed.is_set():
            raise BrokenPipeError("the client went away")

    def end(self) -> None:
        self._put(None)

    def read(self) -> bytes | None:
        return self._chunks.get()

    def close(self) -> None:
        self._closed.set()

    def _put(self, chunk: bytes | None) -> None:
        while True:
            try:
                self._chunks.put(chunk, timeout=0.2)
                return
            except queue.Full:
                if self._closed.is_set():
                    return
