"""Requests that are new each time at the price of a few numpy operations.

The generator shares the processors with the server, so serialising items while measuring
would measure the generator. A template is serialised once; sending it again gives it other
ids (every id is combined with the same chance, so that traces hold together) and other times.
"""

import re
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

# Field numbers from the request down to what is changed: 128-bit ids, 64-bit ids, times.
Shape = dict[int, "Shape | str"]
SHAPES: dict[str, Shape] = {
    "traces": {1: {2: {2: {1: "trace", 2: "span", 4: "span", 7: "time", 8: "time", 11: {1: "time"}}}}},
    "logs": {1: {2: {2: {1: "time", 11: "time", 9: "trace", 10: "span"}}}},
}  # fmt: skip


class Fresh(Protocol):
    """A request that is another one each time."""

    def fresh(self, now_ns: int, chance: np.random.Generator) -> bytes: ...


def template(signal: str, body: bytes, base_ns: int) -> Fresh:
    return Lines(body) if signal == "lines" else Template(signal, body, base_ns)


class Lines:
    """Lines of JSON: other trace and span ids, and the present second in every timestamp."""

    _HEX = np.frombuffer(b"0123456789abcdef", np.uint8)

    def __init__(self, body: bytes) -> None:
        self._body = np.frombuffer(body, np.uint8)
        self._seconds = self._after(body, rb'"timestamp":"', 19)
        ids = [self._after(body, rb'"traceId":"', 32), self._after(body, rb'"spanId":"', 16)]
        self._ids = np.concatenate([places.ravel() for places in ids])
        self._digits = np.searchsorted(self._HEX, self._body[self._ids]).astype(np.uint8)

    @staticmethod
    def _after(body: bytes, mark: bytes, size: int) -> npt.NDArray[np.intp]:
        starts = np.array([found.end() for found in re.finditer(mark, body)], np.intp)
        return starts.reshape(-1, 1) + np.arange(size, dtype=np.intp)

    def fresh(self, now_ns: int, chance: np.random.Generator) -> bytes:
        """The lines as of now."""
        body = self._body.copy()
        now = datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        body[self._seconds] = np.frombuffer(now.encode(), np.uint8)
        other = np.resize(chance.integers(0, 16, 61, np.uint8), len(self._digits))
        body[self._ids] = self._HEX[(self._digits + other) & 15]
        return body.tobytes()


class Template:
    """One request and where in it the ids and the times stand."""

    def __init__(self, signal: str, body: bytes, base_ns: int) -> None:
        found: dict[str, list[int]] = {"trace": [], "span": [], "time": []}
        _find(body, 0, len(body), SHAPES[signal], found)
        self._body = np.frombuffer(body, np.uint8)
        self._at = {kind: _windows(places) for kind, places in found.items()}
        self._base_ns = base_ns

    def fresh(self, now_ns: int, chance: np.random.Generator) -> bytes:
        """The request with other ids, as of now."""
        body = self._body.copy()
        other = chance.integers(0, 256, (2, 8), np.uint8)
        body[self._at["trace"]] ^= other[0]
        body[self._at["span"]] ^= other[1]
        times = np.ascontiguousarray(body[self._at["time"]]).view(np.uint64)
        times += np.uint64(now_ns - self._base_ns)
        body[self._at["time"]] = times.view(np.uint8)
        return body.tobytes()


def _windows(places: list[int]) -> npt.NDArray[np.intp]:
    starts = np.array(places, np.intp).reshape(-1, 1)
    return starts + np.arange(8, dtype=np.intp)


def _find(body: bytes, at: int, end: int, shape: Shape, found: dict[str, list[int]]) -> None:
    while at < end:
        tag, at = _varint(body, at)
        wire = tag & 7
        wanted = shape.get(tag >> 3)
        if wire == 0:
            _, at = _varint(body, at)
        elif wire in (1, 5):
            if wire == 1 and isinstance(wanted, str):
                found[wanted].append(at)
            at += 8 if wire == 1 else 4
        else:
            size, at = _varint(body, at)
            if isinstance(wanted, dict):
                _find(body, at, at + size, wanted, found)
            elif wanted is not None and size >= 8:
                found[wanted].append(at)
            at += size


def _varint(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = body[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
