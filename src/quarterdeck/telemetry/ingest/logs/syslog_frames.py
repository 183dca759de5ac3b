"""Syslog over a stream: where one message ends (RFC 6587), counted or by line, even in turns.

A message longer than `LONGEST` is cut, and the rest of its line is skipped. A count that lies
leaves lines that are no syslog; they are handed on as they are.
"""

import re

LONGEST = 262_144
_COUNT = re.compile(rb"([1-9]\d{0,6}) (?=<)")
_PERHAPS = re.compile(rb"[1-9]\d{0,6}(?: ?)")  # the beginning of a count, if it ends there
_END = re.compile(rb"[\n\0]")


class TooLongError(Exception):
    """A message was announced that is longer than we take; nothing after it can be trusted."""


class Frames:
    """The messages in the bytes of one connection."""

    def __init__(self) -> None:
        self._left = b""
        self._skipping = False  # to the end of a line that was cut

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._left)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now."""
        found: list[bytes] = []
        data = self._left + data
        at = 0
        while at < len(data):
            if self._skipping:
                end = _END.search(data, at)
                if end is None:
                    at = len(data)
                    break
                at, self._skipping = end.end(), False
                continue
            if (count := _COUNT.match(data, at)) is not None:
                size = int(count[1])
                if size > LONGEST:
                    raise TooLongError
                if count.end() + size > len(data):
                    break
                found.append(data[count.end() : count.end() + size])
                at = count.end() + size
                continue
            if _PERHAPS.fullmatch(data, at):
                break
            end = _END.search(data, at, at + LONGEST)
            if end is not None:
                found.append(data[at : end.start()])
                at = end.end()
            elif len(data) - at >= LONGEST:
                found.append(data[at : at + LONGEST])
                at += LONGEST
                self._skipping = True
            else:
                break
        self._left = data[at:]
        return [message for message in found if message.strip()]

    def end(self) -> list[bytes]:
        """What was begun when the connection ended."""
        left, self._left = _COUNT.sub(b"", self._left, count=1), b""
        return [left] if left.strip() else []
