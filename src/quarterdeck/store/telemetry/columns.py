"""Answers of the engine as numpy columns, read from its `Native` format without a loop over rows,
and rows that are given to it in the same way.

The format (ClickHouse documentation, "Native") is blocks of columns: counts as LEB128, name and
type as text, then the values as they lie in memory, little-endian. Numbers become arrays that
look into the answer's bytes where it is one block, and copies where it is several. Text is
read in a loop: ask for it in rows that are few.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry.engine import EmbeddedEngine, Engine, Limits

Array = npt.NDArray[Any]

_LIMITS = Limits()

_PLAIN = {
    "UInt8": "u1", "UInt16": "<u2", "UInt32": "<u4", "UInt64": "<u8",
    "Int8": "i1", "Int16": "<i2", "Int32": "<i4", "Int64": "<i8",
    "Float32": "<f4", "Float64": "<f8", "Bool": "u1", "Date": "<u2", "DateTime": "<u4",
}  # fmt: skip


@dataclass(slots=True)
class Column:
    """Values of a column.

    Of a list column they are those of all rows, end to end: row `i` has
    `offsets[i]:offsets[i + 1]`. `missing` tells the NULLs of a Nullable one.
    """

    values: Array
    missing: npt.NDArray[np.bool_] | None = None
    offsets: npt.NDArray[np.int64] | None = None


class Columns(dict[str, Column]):
    """Columns by name. An answer without rows names none: each is then empty."""

    def __missing__(self, name: str) -> Column:
        return Column(np.empty(0), np.empty(0, np.bool_), np.zeros(1, np.int64))


def read(
    engine: Engine,
    name: str,
    sql: str,
    params: Mapping[str, Any] | None = None,
    *,
    limits: Limits = _LIMITS,
    reserved: bool = False,
    settings: Mapping[str, Any] | None = None,
) -> Columns:
    """The answer of a SELECT by column."""
    data = engine.raw(
        name, sql, "Native", params, limits=limits, reserved=reserved, settings=settings
    )
    return parse(data)


Given = Mapping[str, tuple[str, Array]]
"""Columns of one length, by name: the engine's type, and values as they lie in its memory."""


def insert(engine: EmbeddedEngine, table: str, given: Given) -> None:
    """Insert rows; columns that are not given have their default."""
    (count,) = {len(values) for _, values in given.values()}
    parts = [_count(len(given)), _count(count)]
    for name, (kind, values) in given.items():
        parts += (_text(name), _text(kind), values.tobytes())
    engine.insert_native(table, ", ".join(given), b"".join(parts))


def _count(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes((low | 0x80,)) + _count(rest) if rest else bytes((low,))


def _text(text: str) -> bytes:
    return _count(len(text)) + text.encode()


def parse(data: bytes) -> Columns:
    """Columns of an answer in `Native`; a type this does not know raises TypeError."""
    blocks: dict[str, list[Column]] = {}
    reader = _Reader(data)
    while reader.at < len(data):
        columns, rows = reader.count(), reader.count()
        for _ in range(columns):
            name, kind = reader.text(), reader.text()
            blocks.setdefault(name, []).append(reader.column(kind, rows))
    return Columns((name, _joined(parts)) for name, parts in blocks.items())


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def count(self) -> int:
        value = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self) -> str:
        size = self.count()
        self.at += size
        return self._data[self.at - size : self.at].decode("utf-8", "replace")

    def plain(self, kind: str, rows: int) -> Array:
        found: Array = np.frombuffer(self._data, dtype=kind, count=rows, offset=self.at)
        self.at += found.nbytes
        return found

    def column(self, kind: str, rows: int) -> Column:
        if kind.startswith("Array("):
            ends = self.plain("<u8", rows).astype(np.int64)
            offsets = np.concatenate((np.zeros(1, np.int64), ends))
            inner = self.column(kind[6:-1], int(offsets[-1]))
            if inner.offsets is not None:
                raise TypeError(f"lists of lists are not read: {kind}")
            return Column(inner.values, inner.missing, offsets)
        if kind.startswith("Nullable("):
            missing = self.plain("u1", rows).view(np.bool_)
            return Column(self.column(kind[9:-1], rows).values, missing)
        if kind.startswith("SimpleAggregateFunction("):
            return self.column(kind.split(", ", 1)[1][:-1], rows)
        if kind == "String":
            return Column(np.array([self.text() for _ in range(rows)], dtype=object))
        if kind.startswith("LowCardinality("):
            return Column(self._dictionary(kind[15:-1], rows))
        if kind.startswith("DateTime64("):
            return Column(self.plain("<i8", rows))
        if kind.startswith("Enum8("):
            return Column(self.plain("i1", rows))
        plain = _PLAIN.get(kind.split("(")[0])
        if plain is None:
            raise TypeError(f"a column of type {kind} is not read")
        return Column(self.plain(plain, rows))

    def _dictionary(self, kind: str, rows: int) -> Array:
        """LowCardinality: a dictionary and which entry each row has."""
        if not rows:
            return np.empty(0, dtype=object)
        self.at += 8  # the version of the encoding
        width = ("u1", "<u2", "<u4", "<u8")[int(self.plain("<u8", 1)[0]) & 0xF]
        entries = self.column(kind, int(self.plain("<u8", 1)[0])).values
        found: Array = entries[self.plain(width, int(self.plain("<u8", 1)[0]))]
        return found


def _joined(parts: list[Column]) -> Column:
    """One column of several blocks."""
    if len(parts) > 1:
        parts = [part for part in parts if len(part.values) or part.offsets is not None]
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return Column(np.empty(0))
    values = np.concatenate([part.values for part in parts])
    missing = None
    if parts[0].missing is not None:
        missing = np.concatenate([p.missing for p in parts if p.missing is not None])
    if parts[0].offsets is None:
        return Column(values, missing)
    counts = [np.diff(part.offsets) for part in parts if part.offsets is not None]
    offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.concatenate(counts))))
    return Column(values, missing, offsets)
