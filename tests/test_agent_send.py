"""What the agent makes of a server's answers: when it waits, when it gives up, and on what."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from quarterdeck.agent.buffer import Buffer, Record
from quarterdeck.agent.send import Sender, Target

MIB = 1024 * 1024
PROTOBUF = "application/x-protobuf"
Answer = tuple[int, dict[str, str], bytes]
TAKEN: Answer = (200, {"Content-Type": PROTOBUF}, b"")


def status(code: int, message: str) -> bytes:
    text = message.encode()
    return bytes((8, code, 18, len(text))) + text


@dataclass
class Door:
    """A server that answers as told, and what came to it."""

    answer: Callable[[int, bytes], Answer]
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    at: list[float] = field(default_factory=list)
    url: str = ""


@contextmanager
def answering(answer: Callable[[int, bytes], Answer]) -> Iterator[Door]:
    door = Door(answer)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            packed = self.rfile.read(int(self.headers["Content-Length"]))
            body = zstandard.ZstdDecompressor().decompress(packed)
            number = len(door.bodies)
            door.bodies.append(body)
            door.headers.append({name.lower(): value for name, value in self.headers.items()})
            door.at.append(time.monotonic())
            code, headers, content = door.answer(number, body)
            self.send_response(code)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *told: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
    door.url = f"http://127.0.0.1:{listening.server_address[1]}/base/"
    try:
        yield door
    finally:
        listening.shutdown()
        listening.server_close()


@pytest.fixture
def buffer(tmp_path: Path) -> Buffer:
    return Buffer(tmp_path / "buffer", MIB)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quarterdeck.agent.send.SHORTEST_PAUSE", 0.02)


@contextmanager
def sending(door: Door, buffer: Buffer) -> Iterator[Sender]:
    target = Target(door.url, "a key", "shop")
    sender = Sender(target, "/v1/logs", buffer, ExportLogsServiceResponse)
    sender.start()
    try:
        yield sender
    finally:
        sender.stop(1.0)
        sender.join(10)
        assert not sender.is_alive()


def wait(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def fill(buffer: Buffer, *payloads: bytes) -> None:
    for payload in payloads:
        buffer.append(Record(payload, 1))


def emptied(buffer: Buffer) -> Callable[[], bool]:
    return lambda: buffer.waiting_bytes == 0


def test_records_go_together_with_the_key_and_the_project(buffer: Buffer) -> None:
    fill(buffer, b"a", b"b", b"c")
    with answering(lambda number, body: TAKEN) as door, sending(door, buffer):
        wait(emptied(buffer))
    assert door.bodies == [b"abc"]
    told = door.headers[0]
    assert told["authorization"] == "Bearer a key"
    assert told["x-quarterdeck-project"] == "shop"
    assert (told["content-type"], told["content-encoding"]) == (PROTOBUF, "zstd")


@pytest.mark.parametrize("code", [301, 401, 403, 404, 408, 429, 500, 502, 503, 504])
def test_what_says_nothing_about_the_data_is_sent_again(buffer: Buffer, code: int) -> None:
    fill(buffer, b"a")

    def answer(number: int, body: bytes) -> Answer:
        return (code, {"Location": "/elsewhere"}, b"") if number < 2 else TAKEN

    with answering(answer) as door, sending(door, buffer):
        wait(emptied(buffer))
    assert door.bodies == [b"a"] * 3


def test_a_pause_that_the_server_names_is_kept(buffer: Buffer) -> None:
    fill(buffer, b"a")

    def answer(number: int, body: bytes) -> Answer:
        return (503, {"Retry-After": "1"}, b"") if number == 0 else TAKEN

    with answering(answer) as door, sending(door, buffer):
        wait(emptied(buffer))
    assert door.at[1] - door.at[0] >= 1


def test_only_the_record_at_fault_is_dropped_and_the_reason_told(
    buffer: Buffer, caplog: pytest.LogCaptureFixture
) -> None:
    fill(buffer, b"a", b"bad", b"c", b"d")

    def answer(number: int, body: bytes) -> Answer:
        if b"bad" in body:
            return 400, {"Content-Type": PROTOBUF}, status(3, "it makes no sense")
        return TAKEN

    with answering(answer) as door, sending(door, buffer):
        wait(emptied(buffer))
    taken = [body for body in door.bodies if b"bad" not in body]
    assert b"".join(taken) == b"acd"
    [told] = [record for record in caplog.records if "dropped" in record.message]
    assert told.fields["reason"] == "it makes no sense"  # type: ignore[attr-defined]
    assert told.fields["items"] == 1  # type: ignore[attr-defined]


def test_a_page_that_says_200_is_no_server_of_ours(buffer: Buffer) -> None:
    fill(buffer, b"a")

    def answer(number: int, body: bytes) -> Answer:
        return (200, {"Content-Type": "text/html"}, b"<p>Hello") if number == 0 else TAKEN

    with answering(answer) as door, sending(door, buffer):
        wait(emptied(buffer))
    assert len(door.bodies) == 2


def test_trouble_is_told_once(buffer: Buffer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    fill(buffer, b"a")

    def answer(number: int, body: bytes) -> Answer:
        return TAKEN if number > 4 else (503, {}, b"busy")

    with answering(answer) as door, sending(door, buffer):
        wait(emptied(buffer))
    told = [record.message for record in caplog.records if record.name == "quarterdeck.agent"]
    assert told == [
        "The server does not take data; it is kept and sent again.",
        "The server takes data again.",
    ]


def test_what_was_refused_in_part_is_told(buffer: Buffer, caplog: pytest.LogCaptureFixture) -> None:
    fill(buffer, b"a")
    part = ExportLogsServiceResponse()
    part.partial_success.rejected_log_records = 1
    part.partial_success.error_message = "1 refused: too old"
    answer = (200, {"Content-Type": PROTOBUF}, part.SerializeToString())
    with answering(lambda number, body: answer) as door, sending(door, buffer):
        wait(emptied(buffer))
    assert any(
        getattr(r, "fields", {}).get("reason") == "1 refused: too old" for r in caplog.records
    )


def test_an_end_does_not_wait_for_a_server_that_is_away(buffer: Buffer) -> None:
    fill(buffer, b"a")
    with answering(lambda number, body: TAKEN) as door:
        pass
    with sending(door, buffer):
        pass
    assert buffer.waiting_bytes > 0
