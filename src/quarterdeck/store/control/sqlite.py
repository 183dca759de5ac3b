"""The control store on SQLite: one writer thread, many readers.

Guarantee: a write is in the write-ahead log and synced before its future resolves
(`synchronous=FULL`). Closures that wait together commit together: each runs in a
savepoint of one `BEGIN IMMEDIATE` transaction, so the price of the sync is shared and a
closure that fails is rolled back alone.

Why a thread of its own: SQLite admits one writer at a time, and writers that compete for
its lock poll and starve; a queue is fair, and the lock is only ever contended by other
processes (a backup, a command).
"""

import contextlib
import os
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event

from quarterdeck.core.clock import Clock
from quarterdeck.core.errors import Unavailable
from quarterdeck.store.control.base import (
    BUSY_SECONDS,
    ControlStore,
    T,
    Work,
    run_closure,
    take_emitted,
    unavailable,
)

READERS = 4
BATCH = 256


def sqlite_engine(
    path: Path, clock: Clock, *, begin: str, pool_size: int, pragmas: tuple[str, ...]
) -> Engine:
    """An engine whose transactions begin as told; the driver's own BEGIN is switched off."""
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,  # an error must not repeat what was stored
        execution_options={"quarterdeck_clock": clock},
    )

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, _record: Any) -> None:
        raw.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", *pragmas):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def start(conn: Connection) -> None:
        conn.exec_driver_sql(begin)

    return engine


def create_private(path: Path) -> None:
    """The database holds hashes and ciphertext: nobody but its owner reads it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    context: Context
    future: "Future[Any]"


class SqliteStore(ControlStore):
    """Built by `open_control`, on a file whose migrations have run."""

    dialect = "sqlite"

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(clock)
        self.path = path
        self._writer_engine = sqlite_engine(
            path, clock, begin="BEGIN IMMEDIATE", pool_size=1, pragmas=("foreign_keys=ON",)
        )
        self._reader_engine = sqlite_engine(
            path, clock, begin="BEGIN", pool_size=READERS, pragmas=("query_only=ON",)
        )
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="control-read")
        self._writer = threading.Thread(target=self._write_loop, name="control-write", daemon=True)
        self._writer.start()

    def close(self) -> None:
        with self._counting:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._writer.join()
        self._readers.shutdown()
        self._writer_engine.dispose()
        self._reader_engine.dispose()

    def _submit_write(self, work: Work[T], context: Context) -> "Future[T]":
        future: Future[T] = Future()
        self._queue.put(_Job(work, context, future))
        return future

    def _submit_read(self, work: Work[T], context: Context) -> "Future[T]":
        return self._readers.submit(context.run, self._read, work)

    def _read(self, work: Work[T]) -> T:
        try:
            with self._reader_engine.connect() as conn, conn.begin():
                return run_closure(work, conn)
        except Exception as error:
            raise unavailable(error) from error.__cause__

    def _write_loop(self) -> None:
        running = True
        while running:
            job = self._queue.get()
            if job is None:
                break
            batch = [job]
            for waiting in self._waiting(BATCH - 1):
                if waiting is None:
                    running = False
                    break
                batch.append(waiting)
            self._commit([j for j in batch if j.future.set_running_or_notify_cancel()])

    def _waiting(self, limit: int) -> Iterator[_Job | None]:
        for _ in range(limit):
            try:
                yield self._queue.get_nowait()
            except queue.Empty:
                return

    def _commit(self, batch: list[_Job]) -> None:
        """One transaction for the whole batch; nothing is reported before it is durable."""
        outcomes: list[Any] = []
        try:
            with self._writer_engine.connect() as conn:
                with conn.begin():
                    for job in batch:
                        outcomes.append(self._attempt(conn, job))
                emitted = take_emitted(conn)
        except BaseException as error:
            for job in batch:
                job.future.set_exception(_lost(error))
            return
        for job, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, _Failed):
                job.future.set_exception(unavailable(outcome.error))
            else:
                job.future.set_result(outcome)
        if emitted:
            self._tell_listeners()

    def _attempt(self, conn: Connection, job: _Job) -> Any:
        try:
            with conn.begin_nested():
                return job.context.run(run_closure, job.work, conn)
        except BaseException as error:  # even SystemExit: without its writer the store is dead
            # A full disk or an I/O error makes SQLite roll the whole transaction back:
            # then the neighbours are lost too and must be told.
            if not conn.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr]
                raise
            return _Failed(error)


@dataclass(slots=True)
class _Failed:
    error: BaseException


def _lost(error: BaseException) -> Exception:
    """The error of a transaction that failed as a whole, one for each of its closures."""
    seen = unavailable(error)
    if isinstance(seen, Unavailable):
        return seen
    refusal = Unavailable(
        "control_store_unavailable",
        "The control store could not keep the change.",
        "Try again; if it lasts, look at the disk.",
        retry_after=2,
    )
    refusal.__cause__ = error
    return refusal
