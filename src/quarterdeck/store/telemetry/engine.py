"""The telemetry engine: ClickHouse, embedded (chDB), behind the few calls the rest needs.

Guarantees. `insert` returns after the rows and every rollup derived from them are written
to the data directory: a killed process loses nothing that returned. Inserts and queries have
pools of connections of their own, and some readers are reserved for rules, so that no user's
query delays a page. Every query is bounded by time, memory, threads and a queue; what exceeds
them is stopped with a clear error. The engine releases the GIL, so callers run these blocking
methods in threads.

One process per directory and one directory per process: the engine's own rule.
"""

import hashlib
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from quarterdeck.core.errors import BadInput, QuarterdeckError, TooMany, Unavailable
from quarterdeck.store.telemetry.migrate import migrate
from quarterdeck.store.telemetry.params import params_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Result:
    """Rows of a query: names, ClickHouse types, and values as JSON has them."""

    columns: list[tuple[str, str]]
    rows: list[list[Any]]
    elapsed_ms: float
    bytes_read: int
    rows_read: int

    def dicts(self) -> list[dict[str, Any]]:
        names = [name for name, _ in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may use at most."""

    seconds: float = 30.0
    memory_mb: int = 1024
    rows: int = 0  # rows of the result, 0 for no limit; more is an error, not a cut
    threads: int = 2


class Engine(Protocol):
    """What the embedded engine and a cluster have in common."""

    def execute(self, sql: str) -> None: ...
    def insert(self, table: str, schema: str, data: bytes) -> None: ...
    def query(
        self,
        name: str,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        limits: Limits = Limits(),
        reserved: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> Result: ...
    def raw(
        self,
        name: str,
        sql: str,
        format: str,
        params: Mapping[str, Any] | None = None,
        *,
        limits: Limits = Limits(),
        reserved: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> bytes: ...
    def close(self) -> None: ...


# Parse errors, values out of range, strings and arrays beyond the engine's own limits, bad
# protobuf, arrays that should run parallel and do not.
_BAD_DATA = frozenset(
    ("6", "26", "27", "33", "53", "69", "117", "128", "131", "190", "321", "349", "436", "444", "676")
)  # fmt: skip
_CODE = re.compile(r"Code: (\d+)")
_RETRYABLE = {
    "241": "engine_memory",
    "243": "disk_full",
    "252": "too_many_parts",
    "202": "engine_busy",
}

WRITERS = 14  # two a batcher of the ingest
INSERT_SECONDS = 60.0  # that an insert may wait for others, or for a backup


def _pool(size: int) -> "queue.LifoQueue[Any]":
    """Room for so many connections, each opened at its first use."""
    pool: queue.LifoQueue[Any] = queue.LifoQueue()
    for _ in range(size):
        pool.put(None)
    return pool


class EmbeddedEngine:
    """chDB in this process, in `path`."""

    def __init__(self, path: Path, *, memory_mb: int, readers: int = 4, reserved: int = 2) -> None:
        os.environ["TZ"] = (
            "UTC"  # days are cut in UTC wherever the machine stands; read once, at import
        )
        import chdb  # 260 MB of library: only the process that serves pays for it

        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._address = (
            f"{path}?mark_cache_size=67108864&uncompressed_cache_size=0"
            f"&index_mark_cache_size=33554432&mmap_cache_size=128"
            f"&max_server_memory_usage={memory_mb * 1024 * 1024}"
            # Merges yield to inserts and queries: under load they fall behind and catch up later.
            "&background_pool_size=2&os_threads_nice_value_merge_mutate=10"
            "&background_schedule_pool_size=2"
            "&background_move_pool_size=1&background_fetches_pool_size=1"
            "&background_common_pool_size=1&background_buffer_flush_schedule_pool_size=1"
        )
        self._chdb = chdb
        self._insert_memory = memory_mb * 1024 * 1024 // 2
        self._closed = False
        self._admin = self._connect()
        self._admin_lock = threading.Lock()
        self._pause_lock = threading.Lock()
        self._schemas: dict[str, Path] = {}
        self._writers = _pool(WRITERS)
        self._readers = _pool(readers)
        self._reserved = _pool(reserved)
        migrate(self)

    def _connect(self) -> Any:
        try:
            return self._chdb.connect(self._address)  # type: ignore[no-untyped-call]
        except Exception as error:
            raise _translate(error) from error

    def execute(self, sql: str) -> None:
        """Run a statement that answers nothing: schema, retention, deletion."""
        with self._admin_lock:
            try:
                self._admin.query(sql, "Null")
            except Exception as error:
                raise _translate(error) from error

    def insert(self, table: str, schema: str, data: bytes) -> None:
        """Insert length-delimited `Envelope` messages of the protobuf `schema`."""
        settings = (
            f"format_schema = '{self._schema_file(schema)}:Envelope',"
            " input_format_protobuf_oneof_presence = 1,"
            # Views read nothing but what is inserted, and merging the steps of their
            # expressions would evaluate parts of them again and again.
            " query_plan_enable_optimizations = 0"
        )
        self._insert(table, settings, "Protobuf", data)

    def insert_native(self, table: str, columns: str, data: bytes) -> None:
        """Insert a block of these columns in the format `Native`; duplicates are left to merges."""
        self._insert(f"{table} ({columns})", "optimize_on_insert = 0", "Native", data)

    def insert_json(self, table: str, data: bytes) -> None:
        """Insert JSON objects, one a line; fields that the table does not have are an error."""
        settings = "input_format_skip_unknown_fields = 0, query_plan_enable_optimizations = 0"
        self._insert(table, settings, "JSONEachRow", data)

    def _insert(self, into: str, settings: str, format: str, data: bytes) -> None:
        """The bytes pass through a file in memory, because the engine's streaming insert reports
        parse errors alone: what a view or a full disk refuses would be lost without a word.
        """
        with open(os.memfd_create("batch"), "w+b") as file:
            file.write(data)
            file.seek(0)
            statement = (
                f"INSERT INTO {into} FROM INFILE '/proc/self/fd/{file.fileno()}'"
                f" SETTINGS {settings}, max_insert_threads = 1, async_insert = 0,"
                " max_partitions_per_insert_block = 0, materialize_skip_indexes_on_insert = 0,"
                f" max_memory_usage = {self._insert_memory} FORMAT {format}"
            )
            with self._borrow(self._writers, INSERT_SECONDS) as connection:
                try:
                    connection.query(statement, "Null")
                except Exception as error:
                    raise _translate(error) from error

    @contextmanager
    def writers_paused(self) -> Iterator[None]:
        """Let running inserts end and hold new ones back, so that all tables show one moment."""
        with self._pause_lock, ExitStack() as held:
            for _ in range(WRITERS):
                held.callback(self._writers.put, self._take(self._writers, INSERT_SECONDS))
            yield

    def _schema_file(self, schema: str) -> Path:
        """A file with the schema: given inline, the engine would write one where we were started."""
        known = self._schemas.get(schema)
        if known is None:
            folder = self.path.resolve() / "schemas"
            folder.mkdir(exist_ok=True)
            known = folder / f"{hashlib.sha256(schema.encode()).hexdigest()[:16]}.proto"
            half = known.with_suffix(f".{os.getpid()}")
            half.write_text(schema)
            half.replace(known)
            self._schemas[schema] = known
        return known

    def query(
        self,
        name: str,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        limits: Limits = Limits(),
        reserved: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> Result:
        """Rows of a SELECT. `name` stands in the engine's log; `{p:Type}` in the SQL takes `params`."""
        text = self._with_settings(name, sql, limits, settings)
        pool = self._reserved if reserved else self._readers
        with self._borrow(pool, limits.seconds) as connection:
            started = time.perf_counter()
            try:
                answer = connection.query(text, "JSONCompact", params=params_of(params))
                raw = answer.bytes()
            except Exception as error:
                raise _translate(error) from error
        return _parse(raw, (time.perf_counter() - started) * 1000)

    def raw(
        self,
        name: str,
        sql: str,
        format: str,
        params: Mapping[str, Any] | None = None,
        *,
        limits: Limits = Limits(),
        reserved: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The answer in one of the engine's own formats, such as Native or TSVRaw."""
        text = self._with_settings(name, sql, limits, settings)
        pool = self._reserved if reserved else self._readers
        with self._borrow(pool, limits.seconds) as connection:
            try:
                return bytes(connection.query(text, format, params=params_of(params)).bytes())
            except Exception as error:
                raise _translate(error) from error

    @staticmethod
    def _with_settings(name: str, sql: str, limits: Limits, extra: Mapping[str, Any] | None) -> str:
        settings: dict[str, Any] = {
            "max_execution_time": limits.seconds,
            "max_memory_usage": limits.memory_mb * 1024 * 1024,
            "max_threads": limits.threads,
            "log_comment": f"'{name}'",
            "output_format_json_quote_64bit_integers": 0,
            "output_format_json_quote_denormals": 1,
            "output_format_json_named_tuples_as_objects": 1,
            "output_format_json_escape_forward_slashes": 0,
            "max_bytes_before_external_group_by": limits.memory_mb * 1024 * 512,
            "max_bytes_before_external_sort": limits.memory_mb * 1024 * 512,
        }
        if limits.rows:
            settings["max_result_rows"] = limits.rows
        settings.update(extra or {})
        return f"{sql}\nSETTINGS " + ", ".join(f"{k} = {v}" for k, v in settings.items())

    @staticmethod
    def _take(pool: "queue.LifoQueue[Any]", seconds: float) -> Any:
        """A connection, or None where it has yet to be opened."""
        try:
            return pool.get(timeout=seconds)
        except queue.Empty:
            raise TooMany(
                "query_queue_full",
                "Too many queries are running.",
                "Try again in a moment.",
                retry_after=2,
            ) from None

    @contextmanager
    def _borrow(self, pool: "queue.LifoQueue[Any]", seconds: float) -> Iterator[Any]:
        connection = self._take(pool, seconds)
        try:
            if connection is None:
                connection = self._connect()
            yield connection
        except BaseException:
            # What a failed query has already written would begin the next one's answer.
            if connection is not None:
                connection.close()
                connection = None
            raise
        finally:
            pool.put(connection)

    def close(self) -> None:
        """Close every connection; running queries end first."""
        if self._closed:
            return
        self._closed = True
        for pool in (self._writers, self._readers, self._reserved):
            while not pool.empty():
                connection = pool.get_nowait()
                if connection is not None:
                    connection.close()
        with self._admin_lock:
            self._admin.close()


def _parse(raw: Any, elapsed_ms: float) -> Result:
    data = bytes(raw)
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        # Bytes that are not UTF-8 can reach a result from raw ids; they show as replacement characters.
        document = orjson.loads(data.decode("utf-8", "replace"))
    statistics = document.get("statistics", {})
    return Result(
        columns=[(c["name"], c["type"]) for c in document["meta"]],
        rows=document["data"],
        elapsed_ms=elapsed_ms,
        bytes_read=statistics.get("bytes_read", 0),
        rows_read=statistics.get("rows_read", 0),
    )


def _translate(error: Exception) -> QuarterdeckError:
    """The engine's complaint as one of ours: what may be retried, what was stopped, what is wrong."""
    text = str(error)
    found = _CODE.search(text)
    code = found.group(1) if found else ""
    message = text.split("DB::Exception: ", 1)[-1].split(" (version ")[0][:600]
    if code == "241" and ("(for query)" in text or "Query memory limit" in text):
        return BadInput(
            "query_memory",
            f"The query needs too much memory: {message}",
            "Narrow its time range or filter more.",
        )
    if code in {"159", "160"}:
        return BadInput(
            "query_too_slow",
            f"The query took too long: {message}",
            "Narrow its time range or filter more.",
        )
    if code in {"396", "158", "307"}:
        return BadInput(
            "query_too_large",
            f"The query reads or answers too much: {message}",
            "Add a LIMIT or narrow its time range.",
        )
    if code in _RETRYABLE:
        return Unavailable(
            _RETRYABLE[code],
            f"The telemetry store cannot take this now: {message}",
            "Try again.",
            retry_after=2,
        )
    return EngineError(code, message)


class EngineError(BadInput):
    """A statement that the engine refused."""

    def __init__(self, engine_code: str, message: str) -> None:
        super().__init__("query_failed", message, "Check the statement against docs/sql.md.")
        self.engine_code = engine_code

    @property
    def bad_data(self) -> bool:
        """True when the data is at fault rather than the store: sending it again would not help."""
        return self.engine_code in _BAD_DATA or "Invalid protobuf data" in self.message
