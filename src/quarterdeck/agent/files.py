"""Follows log files: finds them, notices rotation, and puts their events into the buffer.

A position goes into the buffer in the same write as the lines up to it (`buffer.py`), under
the file's device and inode, with a fingerprint of its beginning, which tells it from another
file that got the same inode. So a restart goes on exactly where the buffer ends; what the
server may see twice is only a request whose acknowledgement a kill kept from being noted.

A file that was renamed is read to its end, also when that happened while nothing ran: it is
looked for among its neighbours. A copy that was made before truncating, if a pattern finds it,
goes on where the original was.

When the buffer is full, reading waits: the files are the buffer then.
"""

import contextlib
import glob
import logging
import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from quarterdeck.agent.buffer import Buffer, FullError, Record
from quarterdeck.agent.config import FileGroup
from quarterdeck.agent.lines import Event
from quarterdeck.agent.otlp import Attributes, logs_request
from quarterdeck.agent.records import clean, record_of
from quarterdeck.agent.tail import Mark, Tail, begins_as, key_of, mark_of
from quarterdeck.core.log import fields

_log = logging.getLogger("quarterdeck.agent")

POLL_S = 0.5
SCAN_S = 3.0
_IDLE_S = 3600.0  # after which a file is closed until it grows
_MOST_FILES = 1000
_RECORD_BYTES = 512 * 1024
_RECORD_ITEMS = 2000
_PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip", ".lz4", ".Z")
_ROTATED = re.compile(r"[-.]\d")
_COPYING_S = 60.0  # after which a file that begins like another one is taken for its own
_TELLING = 32  # bytes of a beginning that tell a file from others
_DATED = re.compile(r"[-_.]?\d[\d\-_.T]*$")


class Follower(threading.Thread):
    """Reads files until told to stop."""

    def __init__(self, groups: Sequence[FileGroup], resource: Attributes, buffer: Buffer) -> None:
        super().__init__(name="files", daemon=True)
        self._groups = {pattern: group for group in reversed(groups) for pattern in group.paths}
        self._resource = resource
        self._buffer = buffer
        self._tails: dict[str, Tail] = {}
        self._ended = threading.Event()
        self._told: set[str] = set()
        self._sought: set[str] = set()
        self._copies: dict[str, float] = {}  # since when they have looked like being made
        self._records: dict[str, list[LogRecord]] = {}
        self._touched: dict[str, Tail] = {}
        self._bytes = self._items = 0

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> None:
        scanned = -SCAN_S
        while not self._ended.is_set():
            now = time.monotonic()
            try:
                if now - scanned >= SCAN_S:
                    scanned = now
                    self.scan(now)
                if not self.read(now):
                    self._ended.wait(POLL_S)
            except _StoppedError:
                break
            except Exception:
                _log.exception("Following files failed; it goes on.")
                self._ended.wait(SCAN_S)
        for tail in self._tails.values():
            tail.close()

    # Finding files.

    def scan(self, now: float) -> None:
        """Find files that are new, and those that have been renamed."""
        seen: dict[str, str] = {}
        for pattern, path, told in self._matches():
            key = key_of(told)
            if key in seen:
                continue
            seen[key] = path
            tail = self._tails.get(key)
            if tail is not None:
                tail.left_at = 0.0
                if tail.idle_for(now) > _IDLE_S:
                    self._close(tail)
            elif self._has_news(key, told):
                self._open(path, pattern, now)
        for key, tail in list(self._tails.items()):
            if key not in seen and not tail.left_at:
                tail.left_at = now
        self._sought -= seen.keys()
        for key in self._buffer.positions.keys() - seen.keys() - self._tails.keys() - self._sought:
            self._sought.add(key)
            self._seek(key, now)
        first = {f"pattern {pattern}": True for pattern in self._groups}
        if not first.keys() <= self._buffer.positions.keys():
            self._buffer.note(first)

    def _matches(self) -> Iterator[tuple[str, str, os.stat_result]]:
        """(pattern, path, what the system says) of each file that is to be followed."""
        for pattern, group in self._groups.items():
            found = 0
            for path in glob.iglob(pattern, recursive=True):
                if path.endswith(_PACKED) or any(
                    fnmatch(path, no) or fnmatch(os.path.basename(path), no) for no in group.exclude
                ):
                    continue
                try:
                    told = os.stat(path)
                except OSError:
                    continue
                if not stat.S_ISREG(told.st_mode):
                    continue
                found += 1
                if found > _MOST_FILES:
                    self._tell(
                        pattern,
                        "There are too many files; the others are not followed.",
                        most=_MOST_FILES,
                    )
                    break
                yield pattern, path, told

    def _has_news(self, key: str, told: os.stat_result) -> bool:
        mark = mark_of(self._buffer.positions.get(key))
        return mark is None or told.st_size != mark.offset or time.time() - told.st_mtime < _IDLE_S

    def _open(self, path: str, pattern: str, now: float) -> None:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self._tell(path, "A file cannot be read.", reason=str(error.strerror))
            return
        group = self._groups[pattern]
        key = key_of(os.fstat(file))
        known = mark_of(self._buffer.positions.get(key))
        original = self._original_of(path, file) if known is None else None
        if original is not None and original.former and begins_as(file, original.former):
            known = original.former
        elif original is not None and now - self._copies.setdefault(key, now) < _COPYING_S:
            os.close(file)  # it is being copied right now, and looked at again
            return
        tail = Tail(file, path, pattern, group.multiline, known, now)
        if (
            known is None
            and group.start == "end"
            and f"pattern {pattern}" not in self._buffer.positions
        ):
            tail.skip_to_end()
            self._buffer.note({tail.key: tail.mark.as_json()})
        self._tails[tail.key] = tail

    def _original_of(self, path: str, file: int) -> Mark | None:
        """The file that this one is a copy of, as rotation makes them: `app.log.1` of `app.log`."""
        for stored in list(self._buffer.positions.values()):
            mark = mark_of(stored)
            if mark is None or not _is_rotated(path, mark.path):
                continue
            if any(m and m.length >= _TELLING and begins_as(file, m) for m in (mark, mark.former)):
                return mark
        return None

    def _seek(self, key: str, now: float) -> None:
        """A file that no pattern finds any more: read on under its new name, or forgotten."""
        mark = mark_of(self._buffer.positions[key])
        if mark is None or mark.pattern not in self._groups:
            return
        try:
            with os.scandir(os.path.dirname(mark.path) or ".") as entries:
                neighbours = {
                    key_of(entry.stat(follow_symlinks=False)): entry.path for entry in entries
                }
        except OSError:
            self._sought.discard(key)
            return
        path = neighbours.get(key)
        if path is None:
            if neighbours:  # else the file system may be away
                self._buffer.note({}, forget=[key])
            return
        with contextlib.suppress(OSError):
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            if os.fstat(file).st_size <= mark.offset or not begins_as(file, mark):
                os.close(file)
                return
            tail = Tail(
                file, mark.path, mark.pattern, self._groups[mark.pattern].multiline, mark, now
            )
            tail.left_at = now
            self._tails[key] = tail

    # Reading them.

    def read(self, now: float) -> bool:
        """Put what is new into the buffer; whether there was anything."""
        grew = False
        for tail in list(self._tails.values()):
            try:
                before = tail.position
                for event in tail.read(now):
                    self._add(tail, event)
                grew = grew or tail.position != before
            except OSError as error:
                self._tell(tail.path, "A file cannot be read.", reason=str(error.strerror))
                tail.ended = True
        self._flush()
        for tail in [tail for tail in self._tails.values() if tail.ended]:
            self._close(tail)
        return grew

    def _add(self, tail: Tail, event: Event) -> None:
        group = self._groups[tail.pattern]
        path = clean(tail.path)
        name = os.path.basename(path)
        of = {"log.file.path": path, "log.file.name": name, **group.attributes}
        service = group.service or _DATED.sub("", name.partition(".")[0]) or "unknown_service"
        self._records.setdefault(service, []).append(record_of(event, of, time.time_ns()))
        self._touched[tail.key] = tail
        self._bytes += len(event.text)
        self._items += 1
        if self._bytes >= _RECORD_BYTES or self._items >= _RECORD_ITEMS:
            self._flush()

    def _flush(self) -> None:
        """Put what was read into the buffer; waits while it is full."""
        if not self._items:
            return
        request = logs_request(
            ({**self._resource, "service.name": service}, records)
            for service, records in self._records.items()
        )
        positions = {key: tail.mark.as_json() for key, tail in self._touched.items()}
        record = Record(request.SerializeToString(), self._items, positions)
        while True:
            try:
                self._buffer.append(record)
                break
            except FullError as error:
                self._tell("buffer", "Reading waits for room in the buffer.", reason=str(error))
            if self._ended.wait(POLL_S):
                raise _StoppedError
        self._told.discard("buffer")
        self._records, self._touched = {}, {}
        self._bytes = self._items = 0

    def _close(self, tail: Tail) -> None:
        tail.close()
        self._tails.pop(tail.key, None)

    def _tell(self, about: str, what: str, **more: str | int) -> None:
        """Once, until it has changed."""
        if about not in self._told:
            self._told.add(about)
            _log.warning(what, extra=fields(about=about, **more))


class _StoppedError(Exception):
    """It is time to end, and the buffer is full."""


def _is_rotated(path: str, original: str) -> bool:
    return path.startswith(original) and bool(_ROTATED.match(path[len(original) :]))
