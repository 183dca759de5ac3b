"""A queue of requests on disk, which a kill at any moment leaves whole.

    buffer = Buffer(directory, most_bytes, keep="newest")
    buffer.append(record)          # on disk when it returns
    batch = buffer.oldest()        # what to send next
    buffer.sent(batch)             # forgotten, once the server has it

Records are appended to segment files, each with its length and checksum, and fsync'd. What a
kill tore off at the end is cut away at the next start. How far records have been sent stands
in `state.json`, written whole or not at all, so a kill between an acknowledgement and that
note sends a batch again: at least once, never less.

A record may carry positions in files that were read. They become true in the same write as
the lines do, so that a restart neither loses nor repeats a line on its way into the buffer.

The size is bounded. Beyond it `keep="newest"` drops the oldest segment and counts what was in
it, and `keep="all"` refuses to append, so that the writer waits.
"""

import contextlib
import json
import logging
import os
import struct
import threading
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import zstandard

from quarterdeck.core.log import fields

_log = logging.getLogger("quarterdeck.agent")

_HEAD = struct.Struct("<4sII")  # mark, length, checksum
_MARK = b"qda1"
_BODY = struct.Struct("<III")  # items, length of the positions, length of the payload unpacked
_LARGEST_RECORD = 64 * 1024 * 1024
_SEGMENTS = 8  # that the size is shared out over: dropping the oldest drops an eighth
_BATCH_BYTES = 1024 * 1024
_BATCH_RECORDS = 200

Positions = Mapping[str, Any]


class FullError(Exception):
    """There is no room, on the disk or within the bound; try again later."""


@dataclass(frozen=True, slots=True)
class Record:
    """A serialized request, how many items it holds, and how far files have been read with it."""

    payload: bytes
    items: int
    positions: Positions = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that go out in one request: serialized requests put after one another are one."""

    payload: bytes
    records: int
    items: int
    end: tuple[int, int]  # segment and offset after it


@dataclass(slots=True)
class _Segment:
    number: int
    path: Path
    size: int = 0
    items: int = 0


class Buffer:
    """One queue in one directory; threads may share it."""

    def __init__(
        self, directory: Path, most_bytes: int, keep: Literal["newest", "all"] = "newest"
    ) -> None:
        self._directory = directory
        self._most = most_bytes
        self._segment_bytes = max(64 * 1024, most_bytes // _SEGMENTS)
        self._keep = keep
        self._changed = threading.Condition()
        self._pack = zstandard.ZstdCompressor(level=3)
        self._unpack = zstandard.ZstdDecompressor()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = self._read_state()
        self.positions: dict[str, Any] = state.get("positions", {})
        self._dropped = int(state.get("dropped", 0))
        self._at = (int(state.get("segment", 0)), int(state.get("offset", 0)))
        self._segments = self._recover()
        self._writing: BinaryIO | None = None

    # Writing.

    def append(self, record: Record) -> None:
        """Returns when the record is on disk; FullError when there is no room."""
        positions = json.dumps(record.positions).encode() if record.positions else b""
        body = b"".join((
            _BODY.pack(record.items, len(positions), len(record.payload)),
            positions,
            self._pack.compress(record.payload),
        ))  # fmt: skip
        data = _HEAD.pack(_MARK, len(body), zlib.crc32(body)) + body
        with self._changed:
            self._make_room(len(data))
            try:
                self._write(data)
            except OSError as error:
                self._undo()
                raise FullError(str(error)) from error
            segment = self._segments[-1]
            segment.size += len(data)
            segment.items += record.items
            self.positions.update(record.positions)
            self._changed.notify_all()

    def note(self, positions: Positions, forget: Iterable[str] = ()) -> None:
        """Positions that come with no record."""
        with self._changed:
            self.positions.update(positions)
            for key in forget:
                self.positions.pop(key, None)
            self._write_state()

    @property
    def dropped(self) -> int:
        """Items dropped to make room, of which nobody has been told yet."""
        return self._dropped

    def told_dropped(self, items: int) -> None:
        with self._changed:
            self._dropped -= items
            self._write_state()

    # Reading.

    def wait(self, seconds: float) -> bool:
        """Whether there is something to send; waits for it."""
        with self._changed:
            if not self._waiting_bytes():
                self._changed.wait(seconds)
            return self._waiting_bytes() > 0

    def oldest(self, most_records: int = _BATCH_RECORDS) -> Batch | None:
        """The next records in their order, together as large as one request should be."""
        while True:
            with contextlib.suppress(FileNotFoundError):  # dropped meanwhile, to make room
                return self._oldest(most_records)

    def _oldest(self, most_records: int) -> Batch | None:
        with self._changed:
            at, segments = self._at, [(s.number, s.path, s.size) for s in self._segments]
        payloads: list[bytes] = []
        items = size = 0
        for number, path, end in segments:
            if number < at[0]:
                continue
            offset = at[1] if number == at[0] else 0
            with path.open("rb") as file:
                file.seek(offset)
                while offset < end and len(payloads) < most_records:
                    found = _read(file)
                    if found is None:
                        _log.warning(
                            "A buffer segment is damaged; the rest of it is lost.",
                            extra=fields(segment=path.name, bytes=end - offset),
                        )
                        offset = end
                        break
                    count, _, packed, length = found
                    if payloads and size + length > _BATCH_BYTES:
                        return Batch(b"".join(payloads), len(payloads), items, (number, offset))
                    payloads.append(self._unpack.decompress(packed, max_output_size=length))
                    items, size, offset = items + count, size + length, file.tell()
            at = (number, offset)
            if len(payloads) >= most_records:
                break
        batch = Batch(b"".join(payloads), len(payloads), items, at)
        if payloads:
            return batch
        self.sent(batch)
        return None

    def sent(self, batch: Batch) -> None:
        """Forget the batch; its segments go once nothing in them is left to send."""
        with self._changed:
            if batch.end <= self._at:  # nothing, or dropped meanwhile to make room
                return
            self._at = batch.end
            last = self._segments[-1].number if self._segments else 0
            done = [
                s
                for s in self._segments
                if s.number < self._at[0]
                or (s.number == self._at[0] and s.size <= self._at[1] and s.number != last)
            ]
            self._write_state()
            self._remove(done)
            self._changed.notify_all()

    @property
    def waiting_bytes(self) -> int:
        with self._changed:
            return self._waiting_bytes()

    def close(self) -> None:
        with self._changed:
            self._write_state()
            self._close_segment()

    # Within.

    def _waiting_bytes(self) -> int:
        return sum(
            s.size - (self._at[1] if s.number == self._at[0] else 0)
            for s in self._segments
            if s.number >= self._at[0]
        )

    def _make_room(self, size: int) -> None:
        while self._segments and sum(s.size for s in self._segments) + size > self._most:
            if self._keep == "all" and self._waiting_bytes():
                raise FullError("The buffer is full.")
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self._segments[0]
        if len(self._segments) == 1:
            self._close_segment()
        self._dropped += self._unsent_items(oldest)
        if self._at < (oldest.number + 1, 0):
            self._at = (oldest.number + 1, 0)
        self._write_state()
        self._remove([oldest])

    def _unsent_items(self, segment: _Segment) -> int:
        if segment.number != self._at[0]:
            return segment.items if segment.number > self._at[0] else 0
        items, offset = 0, self._at[1]
        with segment.path.open("rb") as file:
            file.seek(offset)
            while file.tell() < segment.size and (found := _read(file)):
                items += found[0]
        return items

    def _write(self, data: bytes) -> None:
        segment = self._segments[-1] if self._segments else None
        if segment is None or self._writing is None or segment.size >= self._segment_bytes:
            self._close_segment()
            number = max(segment.number if segment else 0, self._at[0]) + 1
            path = self._directory / f"{number:010d}.segment"
            self._writing = path.open("ab", buffering=0)
            self._segments.append(_Segment(number, path))
            path.chmod(0o600)
            _sync_directory(self._directory)
        _write_all(self._writing, data)
        os.fsync(self._writing.fileno())

    def _undo(self) -> None:
        """Take back what was written of a record that found no room."""
        if self._writing is not None and self._segments:
            with contextlib.suppress(OSError):
                self._writing.truncate(self._segments[-1].size)

    def _close_segment(self) -> None:
        if self._writing is not None:
            self._writing.close()
            self._writing = None

    def _remove(self, segments: list[_Segment]) -> None:
        for segment in segments:
            self._segments.remove(segment)
            segment.path.unlink(missing_ok=True)

    def _recover(self) -> list[_Segment]:
        """What is on disk, with torn ends cut off; positions from records come after the state's."""
        found = []
        for path in sorted(self._directory.glob("*.segment")):
            segment = _Segment(int(path.stem), path)
            with path.open("rb") as file:
                while record := _read(file, check=True):
                    segment.items += record[0]
                    segment.size = file.tell()
                    self.positions.update(record[1])
            if (torn := path.stat().st_size - segment.size) > 0:
                _log.info(
                    "The end of a buffer segment was torn off and has been cut away.",
                    extra=fields(segment=path.name, bytes=torn),
                )
                os.truncate(path, segment.size)
            if segment.number < self._at[0] or not segment.size:
                path.unlink()
            else:
                found.append(segment)
        return found

    def _read_state(self) -> dict[str, Any]:
        try:
            state = json.loads((self._directory / "state.json").read_text())
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write_state(self) -> None:
        state = {
            "segment": self._at[0],
            "offset": self._at[1],
            "dropped": self._dropped,
            "positions": self.positions,
        }
        fresh = self._directory / "state.json.new"
        with fresh.open("w") as file:
            fresh.chmod(0o600)
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._directory / "state.json")
        _sync_directory(self._directory)


def _read(file: BinaryIO, *, check: bool = False) -> tuple[int, Positions, bytes, int] | None:
    """Items, positions, packed payload, its length; None at the end or where the file is torn."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    mark, length, checksum = _HEAD.unpack(head)
    if mark != _MARK or not _BODY.size <= length <= _LARGEST_RECORD:
        return None
    body = file.read(length)
    if len(body) < length or zlib.crc32(body) != checksum:
        return None
    items, held, unpacked = _BODY.unpack_from(body)
    positions = body[_BODY.size : _BODY.size + held]
    return (
        items,
        json.loads(positions) if held and check else {},
        body[_BODY.size + held :],
        unpacked,
    )


def _write_all(file: BinaryIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _sync_directory(directory: Path) -> None:
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
