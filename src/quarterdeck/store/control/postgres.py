"""The control store on PostgreSQL: a pool, serializable writes, retried conflicts.

Guarantee: as strong as on SQLite. Writes run SERIALIZABLE, so closures that check and
then insert are right on both engines; what PostgreSQL refuses for it (40001, 40P01) is
run again, a few times, after a random pause. Reads see one snapshot.
"""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import Context

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError

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

CONNECTIONS = 8
ATTEMPTS = 12
_CONFLICTS = {"40001", "40P01"}  # serialization failure, deadlock
_WAITED = {"55P03", "57014"}  # lock timeout, statement timeout


def postgres_url(text: str) -> URL:
    """The address with our driver, however its scheme is spelt."""
    return make_url(text.replace("postgres://", "postgresql://", 1)).set(
        drivername="postgresql+psycopg"
    )


def postgres_engine(url: URL, clock: Clock, *, isolation: str, statement_seconds: int) -> Engine:
    options = f"-c lock_timeout={BUSY_SECONDS}s -c statement_timeout={statement_seconds}s"
    return create_engine(
        url,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        pool_pre_ping=True,
        isolation_level=isolation,
        connect_args={
            "connect_timeout": BUSY_SECONDS,
            "application_name": "quarterdeck",
            "options": options,
        },
        hide_parameters=True,  # an error must not repeat what was stored
        execution_options={"quarterdeck_clock": clock},
    )


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


class PostgresStore(ControlStore):
    """Built by `open_control`, on a database whose migrations have run."""

    dialect = "postgresql"

    def __init__(self, url: URL, clock: Clock) -> None:
        super().__init__(clock)
        self._engine = postgres_engine(
            url, clock, isolation="SERIALIZABLE", statement_seconds=4 * BUSY_SECONDS
        )
        self._readers_engine = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="control")

    def close(self) -> None:
        with self._counting:
            if self._closed:
                return
            self._closed = True
        self._threads.shutdown()
        self._engine.dispose()

    def _submit_write(self, work: Work[T], context: Context) -> "Future[T]":
        return self._threads.submit(context.run, self._transact, self._engine, work)

    def _submit_read(self, work: Work[T], context: Context) -> "Future[T]":
        return self._threads.submit(context.run, self._transact, self._readers_engine, work)

    def _transact(self, engine: Engine, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with engine.connect() as conn:
                    with conn.begin():
                        result = run_closure(work, conn)
                    emitted = take_emitted(conn)
                if emitted:
                    self._tell_listeners()
                return result
            except DBAPIError as error:
                state = _sqlstate(error)
                if state in _WAITED or (state in _CONFLICTS and attempt == ATTEMPTS):
                    raise _busy() from error
                if state not in _CONFLICTS:
                    raise unavailable(error) from error.__cause__
                time.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))
            except Exception as error:
                raise unavailable(error) from error.__cause__
        raise AssertionError("the last attempt returns or raises")


def _busy() -> Unavailable:
    return Unavailable(
        "control_store_busy",
        "The control store is locked by another transaction.",
        "Try again in a few seconds.",
        retry_after=2,
    )
