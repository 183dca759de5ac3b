"""A gRPC client that misbehaves: HTTP/2 written frame by frame, which no library would do.

It keeps to the server's windows, so that what it cannot send is what the server does not take.
"""

import select
import socket
import struct
import time

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_HEADERS = 4
_FRAME = 16_384


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _field(name: str, value: str) -> bytes:
    return b"\0" + b"".join(struct.pack("B", len(text)) + text.encode() for text in (name, value))


class Dawdler:
    """One connection with streams that announce a message and never finish it.

    with Dawdler(port) as slow:
        slow.begin(20 * MIB, key=ADMIN_KEY)
        slow.send(seconds=5)
    assert slow.sent < MIB
    """

    def __init__(self, port: int) -> None:
        self.sent = 0
        self.ended: set[int] = set()
        self.closed = False
        self._next = 1
        self._left: dict[int, bytearray] = {}
        self._windows: dict[int, int] = {}
        self._window = self._initial = 65_535
        self._received = b""
        self._socket = socket.create_connection(("127.0.0.1", port), 30)
        self._write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, b""))
        self._read(0.2)

    def begin(self, size: int, key: str = "") -> int:
        """Open a stream and announce a message of `size`, of which the last byte never comes."""
        stream, self._next = self._next, self._next + 2
        fields = {":method": "POST", ":scheme": "http", ":path": EXPORT, ":authority": "deck"}
        fields |= {"content-type": "application/grpc", "te": "trailers"}
        if key:
            fields["authorization"] = f"Bearer {key}"
        head = b"".join(_field(name, value) for name, value in fields.items())
        self._windows[stream] = self._initial
        self._left[stream] = bytearray(b"\0" + struct.pack(">I", size) + bytes(size - 1))
        self._write(_frame(_HEADERS, _END_HEADERS, stream, head))
        return stream

    def send(self, seconds: float) -> None:
        """As much as the server takes, for so long or until it has ended all streams."""
        until = time.monotonic() + seconds
        while not self.closed and time.monotonic() < until and self._windows:
            for stream in list(self._windows):
                self._send_some(stream)
            self._read(0.02)

    def _send_some(self, stream: int) -> None:
        left = self._left[stream]
        while size := min(self._window, self._windows[stream], _FRAME, len(left)):
            if size < 0 or not self._write(_frame(_DATA, 0, stream, bytes(left[:size]))):
                return
            del left[:size]
            self._window -= size
            self._windows[stream] -= size
            self.sent += size

    def _write(self, data: bytes) -> bool:
        try:
            self._socket.sendall(data)
        except OSError:
            self.closed = True
        return not self.closed

    def _read(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        ready = select.poll()  # select itself knows the first 1,024 files alone
        ready.register(self._socket, select.POLLIN)
        while ready.poll(max(0.0, until - time.monotonic()) * 1000):
            try:
                data = self._socket.recv(1 << 20)
            except OSError:
                data = b""
            if not data:
                self.closed = True
                return
            self._received += data
            while len(self._received) >= 9:
                end = 9 + int.from_bytes(self._received[:3], "big")
                if len(self._received) < end:
                    break
                kind, flags, stream = struct.unpack(">BBI", self._received[3:9])
                self._take(kind, flags, stream, self._received[9:end])
                self._received = self._received[end:]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        answer = not flags & 1  # else it is the acknowledgement of ours
        if kind == _SETTINGS and answer:
            for name, value in struct.iter_unpack(">HI", payload):
                if name == 4:
                    self._windows = {s: w + value - self._initial for s, w in self._windows.items()}
                    self._initial = value
            self._write(_frame(_SETTINGS, 1, 0, b""))
        elif kind == _PING and answer:
            self._write(_frame(_PING, 1, 0, payload))
        elif kind == _WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == _WINDOW and stream in self._windows:
            self._windows[stream] += int.from_bytes(payload, "big")
        elif kind == _RESET or (kind == _HEADERS and flags & 1):
            self.ended.add(stream)
            self._windows.pop(stream, None)
        elif kind == _GOAWAY:
            self.closed = True

    def __enter__(self) -> "Dawdler":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
