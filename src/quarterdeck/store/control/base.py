"""The contract of the control store: one write helper, one read helper, nothing else.

    row = await store.write(lambda conn: rename(conn, project_id, "Shop"))

A closure is synchronous, gets a SQLAlchemy Core connection inside one transaction, and
does nothing but talk to it. Guarantees, the same on SQLite and PostgreSQL:

- Writes are serializable, so check-then-insert needs no lock of its own.
- When `write` returns, the change is on disk. When it raises, nothing of it is.
- A closure that fails takes no other closure with it.
- On PostgreSQL a closure may run more than once before it commits (serialization
  failures are retried), so it changes nothing outside its connection.
- Calling `write` or `read` from inside a closure raises `NestedTransaction` at once:
  on SQLite it would wait for itself for ever.
- A database that is locked, full or away gives `Unavailable` (503, retryable) within
  seconds, never a hang.

The context variables of the caller are visible inside the closure.
"""

import asyncio
import inspect
import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import Context, ContextVar, copy_context
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.errors import Unavailable

_log = logging.getLogger("quarterdeck.control")

T = TypeVar("T")
Work = Callable[[Connection], T]

BUSY_SECONDS = 5
"""How long a statement waits for a lock before the caller is told to come back."""

MAX_PENDING = 5_000
"""Closures that may wait at once; beyond it callers are told to come back."""

_inside: ContextVar[bool] = ContextVar("quarterdeck_inside_transaction", default=False)


class NestedTransaction(RuntimeError):
    """A closure tried to open a second transaction: a mistake in the program."""


def refuse_nesting() -> None:
    if _inside.get():
        raise NestedTransaction(
            "write() or read() called from inside a closure; do it before or after, "
            "or pass the connection on."
        )


def run_closure(work: Work[T], conn: Connection) -> T:
    """Run a closure with the nesting guard up."""
    token = _inside.set(True)
    try:
        result = work(conn)
    finally:
        _inside.reset(token)
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError("A closure for the control store must be synchronous.")
    return result


def now_of(conn: Connection) -> int:
    """Milliseconds on the clock that the store was opened with."""
    clock: Clock = conn.get_execution_options()["quarterdeck_clock"]
    return now_ms(clock)


def take_emitted(conn: Connection) -> bool:
    """Whether the transaction wrote to the outbox; asked once, before the connection goes."""
    return bool(conn.info.pop("emitted", False))


def unavailable(error: BaseException) -> BaseException:
    """What the caller sees: trouble of the database as Unavailable, all else as it is."""
    if (
        isinstance(error, PoolTimeout | OperationalError | InterfaceError)
        or type(error) is DatabaseError  # SQLite: not a database, or damaged
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
    ):
        busy = (
            isinstance(error, PoolTimeout) or "locked" in str(error) or "lock timeout" in str(error)
        )
        refusal = Unavailable(
            "control_store_busy" if busy else "control_store_unavailable",
            "The control store is locked by another process."
            if busy
            else "The control store does not answer.",
            "Try again; if it lasts, look at the disk and the database behind it.",
            retry_after=2,
        )
        refusal.__cause__ = error
        return refusal
    return error


class ControlStore(ABC):
    """See the module's docstring; built by `open_control`."""

    dialect: str
    path: Path | None = None
    """The database file, for SQLite."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._closed = False
        self._pending = 0
        self._counting = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def write(self, work: Work[T]) -> Coroutine[Any, Any, T]:
        """Run the closure in one transaction; durable when this returns."""
        refuse_nesting()
        return self._run(self._submit_write, work)

    def read(self, work: Work[T]) -> Coroutine[Any, Any, T]:
        """Run the closure on a consistent, read-only snapshot, in a thread."""
        refuse_nesting()
        return self._run(self._submit_read, work)

    def on_emit(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener`, from any thread, after a commit that may hold outbox rows.

        Answers with a function that ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @abstractmethod
    def close(self) -> None:
        """Finish what is queued, then release everything."""

    @abstractmethod
    def _submit_write(self, work: Work[T], context: Context) -> "Future[T]": ...

    @abstractmethod
    def _submit_read(self, work: Work[T], context: Context) -> "Future[T]": ...

    async def _run(self, submit: Callable[[Work[T], Context], "Future[T]"], work: Work[T]) -> T:
        with self._counting:
            if self._closed:
                raise Unavailable(
                    "control_store_closed",
                    "The control store is closed.",
                    "The server is stopping; try again.",
                    retry_after=2,
                )
            if self._pending >= MAX_PENDING:
                raise Unavailable(
                    "control_store_busy",
                    f"{self._pending} changes already wait for the control store.",
                    "Try again in a few seconds.",
                    retry_after=2,
                )
            self._pending += 1
            future = submit(work, copy_context())
        future.add_done_callback(self._count_down)
        return await asyncio.wrap_future(future)

    def _count_down(self, _: "Future[Any]") -> None:
        with self._counting:
            self._pending -= 1

    def _tell_listeners(self) -> None:
        for listener in list(self._listeners):
            try:
                listener()
            except Exception:  # the commit stands, whoever wanted to know of it
                _log.exception("A listener of the control store failed.")
