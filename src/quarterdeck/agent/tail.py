"""One log file, read from a position on: its new events, and what became of it.

A file that is shorter than it has been read, or begins otherwise, was truncated and is read
from its start; what it was before stays known, so that a copy of it can be recognised. A file
that was renamed or deleted is read to its end.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from quarterdeck.agent.lines import Event, Joiner, Lines

QUIET_S = 1.0  # after which an event that could go on is taken to be complete
LEFT_S = 3.0  # after which nobody writes to a renamed file any more
_CHUNK = 64 * 1024
_TURN = 8  # chunks, after which other files have their turn
_FINGERPRINT = 256


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a file has been read, and how it begins."""

    path: str
    pattern: str  # of the configuration, by which it was found
    offset: int
    length: int  # of the beginning that the digest is of
    digest: str
    former: "Mark | None" = None  # before it was truncated

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def mark_of(stored: Any) -> Mark | None:
    """A mark from the buffer's positions; None for what is none."""
    if not isinstance(stored, Mapping):
        return None
    try:
        return Mark(**{**stored, "former": mark_of(stored.get("former"))})
    except TypeError:
        return None


def key_of(told: os.stat_result) -> str:
    return f"{told.st_dev}:{told.st_ino}"


def begins_as(file: int, mark: Mark) -> bool:
    """Whether an open file begins as the one that the mark is of."""
    return _digest(os.pread(file, mark.length, 0)) == mark.digest


def _digest(beginning: bytes) -> str:
    return hashlib.sha256(beginning).hexdigest()[:24]


class Tail:
    """A file that is followed, from an open descriptor on, which is its own from then on."""

    def __init__(
        self, file: int, path: str, pattern: str, multiline: str, known: Mark | None, now: float
    ) -> None:
        self.path = path
        self.pattern = pattern
        self.key = key_of(os.fstat(file))
        self.left_at = 0.0  # when it was seen to be renamed or deleted
        self.ended = False
        self._file = file
        self._multiline = multiline
        self._grew_at = now
        self._former = known.former if known else None
        self._length, self._hash = 0, _digest(b"")
        self._begin(0)
        if known is not None:
            self._length, self._hash = known.length, known.digest
            if self._is_other(known.offset):
                self._restart(known)
            else:
                self._begin(known.offset)

    @property
    def mark(self) -> Mark:
        """After the last event that was handed out."""
        return Mark(self.path, self.pattern, self._done, self._length, self._hash, self._former)

    @property
    def position(self) -> int:
        """After the last byte that was read."""
        return self._lines.position

    def skip_to_end(self) -> None:
        self._begin(os.fstat(self._file).st_size)
        self._fingerprint()

    def read(self, now: float) -> Iterator[Event]:
        """What is new; an event that could go on is handed out once it is quiet."""
        size = os.fstat(self._file).st_size
        if size != self._lines.position and self._is_other(self._lines.position):
            yield from self._hand_out(self._joiner.flush())
            self._restart(self.mark)
        for _ in range(_TURN):
            data = os.pread(self._file, _CHUNK, self._lines.position)
            if not data:
                break
            self._grew_at = now
            for line in self._lines.feed(data):
                yield from self._hand_out(self._joiner.add(line))
        else:
            return  # there is more
        self._fingerprint()
        quiet = now - self._grew_at
        if quiet >= QUIET_S and self._joiner.is_waiting:
            yield from self._hand_out(self._joiner.flush())
        if not self._joiner.is_waiting:
            self._done = self._lines.begun  # past blank lines too
        if self.left_at and now - max(self.left_at, self._grew_at) >= LEFT_S:
            if (last := self._lines.rest()) is not None:
                yield from self._hand_out(self._joiner.add(last))
            yield from self._hand_out(self._joiner.flush())
            self.ended = True

    def idle_for(self, now: float) -> float:
        """Seconds since it grew; 0 while something in it waits."""
        return (
            0.0
            if self._joiner.is_waiting or self._lines.begun < self._lines.position
            else now - self._grew_at
        )

    def close(self) -> None:
        os.close(self._file)

    def _hand_out(self, events: Iterator[Event]) -> Iterator[Event]:
        for event in events:
            self._done = event.end
            yield event

    def _begin(self, offset: int) -> None:
        self._lines = Lines(offset)
        self._joiner = Joiner(self._multiline)
        self._done = offset

    def _restart(self, former: Mark) -> None:
        self._former = Mark(
            former.path, former.pattern, former.offset, former.length, former.digest
        )
        self._begin(0)
        self._length = 0
        self._fingerprint()

    def _is_other(self, position: int) -> bool:
        """Truncated, or written anew, since it was read up to here."""
        if os.fstat(self._file).st_size < position:
            return True
        return not begins_as(self._file, self.mark)

    def _fingerprint(self) -> None:
        """Of as much as there is, until there is enough."""
        if self._length < _FINGERPRINT:
            beginning = os.pread(self._file, _FINGERPRINT, 0)
            self._length, self._hash = len(beginning), _digest(beginning)
