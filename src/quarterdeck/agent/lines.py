"""Bytes of a file as lines, and lines as events: a stack trace is one event, not forty.

Memory is bounded whatever a file holds: of a line, or an event, beyond the bound only the
beginning is kept, with how long it was. Every event knows the position in its file after it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LARGEST = 256 * 1024  # bytes of an event that are kept
MOST_LINES = 500  # of an event

# Lines that go on with the event before them, in the traces of common languages.
_GOES_ON = re.compile(
    rb"\s+\S|Traceback \(most recent call last\)|Caused by\b|Suppressed: "
    rb"|During handling of the above exception|The above exception was the direct cause"
    rb"|\.\.\. \d+ (?:more|common frames)"
    rb"|(?:[a-z][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error|Throwable)\b"
)
_TRACEBACK = re.compile(rb"\s*Traceback \(most recent call last\)")
_RAISED = re.compile(rb"[A-Za-z_][\w.]*(?::\s|:?$)")  # the last line of a Python traceback
_JSON = re.compile(rb"\{.*\}\s*$", re.DOTALL)


@dataclass(slots=True)
class Event:
    text: bytes
    size: int  # before anything was cut off
    end: int  # the position in the file after it
    lines: int = 1

    @property
    def is_cut(self) -> bool:
        return len(self.text) < self.size


class Lines:
    """Cuts what is read into lines; remembers the beginning of the one that is not complete."""

    def __init__(self, position: int) -> None:
        self.position = position  # after what has been read
        self._kept = bytearray()
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Event]:
        start = 0
        while (newline := data.find(b"\n", start)) >= 0:
            self._keep(data[start:newline])
            self.position += newline + 1 - start
            start = newline + 1
            yield self._take()
        self._keep(data[start:])
        self.position += len(data) - start

    @property
    def begun(self) -> int:
        """Where the line begins that is not complete."""
        return self.position - self._size

    def rest(self) -> Event | None:
        """The last line of a file that will not grow any more, though nothing ends it."""
        return self._take() if self._size else None

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if (room := LARGEST - len(self._kept)) > 0:
            self._kept += piece[:room]

    def _take(self) -> Event:
        text, size = bytes(self._kept), self._size
        if text.endswith(b"\r"):
            text, size = text[:-1], size - 1
        self._kept.clear()
        self._size = 0
        return Event(text, size, self.position)


class Joiner:
    """Lines to events. `first` is a pattern of first lines, or `auto`, or `off`."""

    def __init__(self, first: str = "auto") -> None:
        self._mode = first if first in ("auto", "off") else "first"
        self._first = re.compile(first.encode())
        self._event: Event | None = None
        self._blank = 0  # lines since the event, which are part of it if it goes on
        self._traceback = False  # in Python's, whose last line is not indented

    @property
    def is_waiting(self) -> bool:
        return self._event is not None

    def add(self, line: Event) -> Iterator[Event]:
        """The events that are complete now that this line has come."""
        event = self._event
        if not line.text.strip():
            if event is not None:
                event.end = line.end
                self._blank += 1
            return
        if event is not None and event.lines < MOST_LINES and self._goes_on(line.text):
            _append(event, line, self._blank)
            self._blank = 0
            return
        yield from self.flush()
        self._event = line
        self._traceback = bool(_TRACEBACK.match(line.text))
        if self._mode == "off" or (self._mode == "auto" and _JSON.match(line.text)):
            yield from self.flush()  # nothing goes on with it

    def flush(self) -> Iterator[Event]:
        """The event that waits for more, when no more comes."""
        event, self._event = self._event, None
        self._blank, self._traceback = 0, False
        if event is not None:
            yield event

    def _goes_on(self, line: bytes) -> bool:
        if self._mode != "auto":
            return self._mode == "first" and not self._first.search(line)
        if _GOES_ON.match(line):
            self._traceback = self._traceback or bool(_TRACEBACK.match(line))
            return True
        if self._traceback and _RAISED.match(line):
            self._traceback = False
            return True
        return False


def _append(event: Event, line: Event, blank: int) -> None:
    between = b"\n" * (1 + blank)
    event.size += len(between) + line.size
    event.end = line.end
    event.lines += 1 + blank
    if (room := LARGEST - len(event.text)) > 0:
        event.text += (between + line.text)[:room]
