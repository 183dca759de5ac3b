"""A service's SQLite file: real statements in worker threads, each in a span that shows it."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.trace import SpanKind, Status, StatusCode

from quarterdeck.demo.shop.telemetry import Attributes, Telemetry

SLOW = 0.1  # seconds of processor time that a statement may take before the log says so


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with placeholders, and the two words that name its span."""

    operation: str
    table: str
    sql: str

    @property
    def summary(self) -> str:
        return f"{self.operation} {self.table}"


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, ready for several processes on one file."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=5, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


class Database:
    """A few threads with a connection each; telemetry stays on the caller's side."""

    def __init__(self, path: Path, telemetry: Telemetry, threads: int = 3) -> None:
        self._path = path
        self._telemetry = telemetry
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="db")

    async def rows(
        self, statement: Statement, *values: Any, about: Attributes | None = None
    ) -> list[dict[str, Any]]:
        """What the statement returns; `about` is for the span."""
        return await self._run(statement, values, None, about)

    async def row(self, statement: Statement, *values: Any) -> dict[str, Any] | None:
        found = await self.rows(statement, *values)
        return found[0] if found else None

    async def run(self, statement: Statement, *values: Any) -> list[dict[str, Any]]:
        """A change; what RETURNING gave, if anything."""
        return await self._run(statement, values, None)

    async def many(self, statement: Statement, rows: Sequence[tuple[Any, ...]]) -> None:
        """The same change for many rows, in one transaction."""
        await self._run(statement, (), rows)

    async def peek(self, statement: Statement, *values: Any) -> list[dict[str, Any]]:
        """Rows without a span, for polling that would bury everything else."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._execute, statement, values, None)

    async def each(
        self, statement: Statement, many: Sequence[tuple[Any, ...]]
    ) -> list[list[dict[str, Any]]]:
        """What the statement returns for each of the values, asked one by one, a span for each.

        All of them go to a thread at once, and their spans are told afterwards: asking hundreds
        of times costs the loop little.
        """

        def ask() -> list[tuple[int, int, list[dict[str, Any]]]]:
            told = []
            for values in many:
                began = time.time_ns()
                found = self._execute(statement, values, None)
                told.append((began, time.time_ns(), found))
            return told

        loop = asyncio.get_running_loop()
        answers = await loop.run_in_executor(self._threads, ask)
        attributes = self._attributes(statement)
        for began, ended, found in answers:
            span = self._telemetry.tracer.start_span(
                statement.summary,
                kind=SpanKind.CLIENT,
                attributes={**attributes, "db.response.returned_rows": len(found)},
                start_time=began,
            )
            span.end(ended)
        return [found for _, _, found in answers]

    def _attributes(self, statement: Statement) -> Attributes:
        return {
            "db.system.name": "sqlite",
            "db.namespace": self._path.name,
            "db.operation.name": statement.operation,
            "db.collection.name": statement.table,
            "db.query.summary": statement.summary,
            "db.query.text": statement.sql,
        }

    async def _run(
        self,
        statement: Statement,
        values: tuple[Any, ...],
        batch: Sequence[tuple[Any, ...]] | None,
        about: Attributes | None = None,
    ) -> list[dict[str, Any]]:
        attributes: Attributes = {**self._attributes(statement), **(about or {})}
        if batch is not None:
            attributes["db.operation.batch.size"] = len(batch)
        failed = ""
        started = time.perf_counter()
        with self._telemetry.tracer.start_as_current_span(
            statement.summary,
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            loop = asyncio.get_running_loop()
            try:
                busy, found = await loop.run_in_executor(
                    self._threads, self._timed, statement, values, batch
                )
                if busy > SLOW:
                    self._telemetry.log.warning(
                        "slow query: %s took %d ms of processor time, limit %d ms",
                        statement.summary,
                        busy * 1000,
                        SLOW * 1000,
                        extra={"db.query.summary": statement.summary, **(about or {})},
                    )
                if batch is None:
                    span.set_attribute("db.response.returned_rows", len(found))
                return found
            except sqlite3.Error as error:
                failed = type(error).__name__
                span.set_attribute("error.type", failed)
                span.set_status(Status(StatusCode.ERROR, str(error)))
                raise
            finally:
                measured: Attributes = {
                    "db__system__name": "sqlite",
                    "db__operation__name": statement.operation,
                    "db__collection__name": statement.table,
                }
                if failed:
                    measured["error__type"] = failed
                self._telemetry.measure(
                    "db.client.operation.duration", time.perf_counter() - started, **measured
                )

    def _timed(
        self, statement: Statement, values: tuple[Any, ...], batch: Sequence[tuple[Any, ...]] | None
    ) -> tuple[float, list[dict[str, Any]]]:
        """The answer, and the processor time it took: a busy machine makes no query slow."""
        began = time.thread_time()
        found = self._execute(statement, values, batch)
        return time.thread_time() - began, found

    def _execute(
        self, statement: Statement, values: tuple[Any, ...], batch: Sequence[tuple[Any, ...]] | None
    ) -> list[dict[str, Any]]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path)
            self._open.append(connection)
        if batch is None:
            return [dict(row) for row in connection.execute(statement.sql, values).fetchall()]
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany(statement.sql, batch)
            connection.execute("COMMIT")
        except sqlite3.Error:
            connection.execute("ROLLBACK")
            raise
        return []

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        for connection in self._open:
            connection.close()
