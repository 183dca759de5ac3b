"""Logs as files: whole, in order, within bounded memory, and never short without a sign."""

import csv
import io
import json
import os
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import Response

from quarterdeck.core.errors import TooMany, Unavailable
from quarterdeck.telemetry.exports import MOST, Exports
from quarterdeck.telemetry.query import log_export
from quarterdeck.telemetry.query.log_export import Format, export_logs
from quarterdeck.telemetry.query.window import Asked, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, now_ns
from support.server import Server, free_port
from support.usage import Peak, anonymous_bytes

ROWS = 200_000


def exported(project: int, at: int, format: Format, *columns: str, minutes: int = 10) -> str:
    window = window_of(project, at // 10**6 - minutes * 60_000, at // 10**6 + 60_000)
    return b"".join(export_logs(shared_engine(), window, Asked(), format, columns)).decode()


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_lines_of_json_carry_all_there_is_with_its_type() -> None:
    project, at = new_project().id, now_ns()
    attributes = {"n": -5, "d": 2.0, "s": "x\n", "b": True, "l": [1, "a"]}
    add_logs(
        shared_engine(),
        project,
        {"body": 'a\n"b" \x00 é', "time": at, "attributes": attributes, "trace_id": "ab" * 16},
        {"body": "later", "time": at + 1},
    )
    first, later = map(json.loads, exported(project, at, "ndjson").splitlines())
    assert first["time"].endswith(f".{at % SECOND:09d}Z")
    assert (first["body"], first["attributes"], first["trace_id"]) == ('a\n"b" \x00 é', attributes, "ab" * 16)  # fmt: skip
    assert isinstance(first["attributes"]["d"], float)
    assert (first["service"], first["level"], first["resource"]) == ("shop", "info", {"service.name": "shop"})  # fmt: skip
    assert later["body"] == "later"
    chosen = json.loads(exported(project, at, "ndjson", "n", "none", "level").splitlines()[0])
    assert chosen == {"n": -5, "none": None, "level": "info"}


def test_a_spreadsheet_finds_no_formula_in_a_table() -> None:
    project, at = new_project().id, now_ns()
    bodies = ["=1+1", "  @SUM(A1)", "-2+3|cmd", "\t=x", "＝x", "-5", "+1.5e3", 'say "hi",\r\nbye', "a=b"]  # fmt: skip
    add_logs(shared_engine(), project, *({"body": b, "time": at + i} for i, b in enumerate(bodies)))
    text = exported(project, at, "csv", "body", "=name")
    assert text.startswith('"body","\'=name"\r\n')
    assert [row[0] for row in table(text)[1:]] == [
        "'=1+1", "'  @SUM(A1)", "'-2+3|cmd", "'\t=x", "'＝x", "-5", "+1.5e3", 'say "hi",\r\nbye', "a=b",
    ]  # fmt: skip


def test_parts_hold_every_record_once_however_dense_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_export, "PART_BYTES", 4_000)
    project, at = new_project().id, now_ns() // SECOND * SECOND - 300 * SECOND
    times = [
        *(at + i * SECOND for i in range(50)),
        *(at + 60 * SECOND + i for i in range(100)),
        *[at + 61 * SECOND] * 100,
    ]
    add_logs(shared_engine(), project, *({"body": f"{i}", "time": t} for i, t in enumerate(times)))
    add_logs(shared_engine(), project, *[{"body": "twin", "time": at + 62 * SECOND}] * 30)
    window = window_of(project, at // 10**6 - 5_000, at // 10**6 + 400_000)
    parts = list(export_logs(shared_engine(), window, Asked(), "csv", ("body",)))
    bodies = [row[0] for row in table(b"".join(parts).decode())[1:]]
    assert len(parts) > 15
    assert bodies[:150] == [str(i) for i in range(150)]
    assert sorted(bodies[150:250], key=int) == [str(i) for i in range(150, 250)]
    assert bodies[250:] == ["twin"] * 30


def send(server: Server, at: int) -> None:
    with server.client() as client:
        for start in range(0, ROWS, 20_000):
            lines = (
                f'{{"time":{at + i},"message":"line {i} {"x" * 300}","service":"bulk","n":{i}}}'
                for i in range(start, start + 20_000)
            )
            client.post("/api/logs", content="\n".join(lines)).raise_for_status()


def test_many_records_are_sent_whole_while_memory_stays_and_a_client_that_goes_frees_its_place(
    own_server: Server,
) -> None:
    at = int(time.time() * 1000) - ROWS - 1_000  # a millisecond each
    own_server.start()
    send(own_server, at)
    ask: dict[str, str | int] = {"from": at - 1_000, "to": at + ROWS + 60_000, "q": "service:bulk"}
    pid = own_server.child()
    with own_server.client(timeout=120) as client:
        for _ in range(MOST + 1):  # a client that goes leaves its place
            with client.stream("GET", "/api/logs/export", params=ask) as answer:
                assert answer.status_code == 200
                next(answer.iter_raw())
        before = anonymous_bytes(pid)
        size = row = 0
        with (
            Peak(lambda: anonymous_bytes(pid)) as memory,
            client.stream("GET", "/api/logs/export", params=ask) as answer,
        ):
            assert answer.headers["content-encoding"] == "gzip"
            assert ".ndjson" in answer.headers["content-disposition"]
            for line in answer.iter_lines():
                size += len(line)
                if row % 10_000 == 0:
                    assert f'"n":{row}' in line
                row += 1
        assert row == ROWS
        assert size > 80_000_000
        assert memory.highest - before < size / 2


class Breaking:
    """An application that answers with one export after another, the last of which breaks."""

    def __init__(self) -> None:
        self.exports = Exports()
        self.port = free_port()
        self.server = uvicorn.Server(
            uvicorn.Config(
                self.answer, port=self.port, log_config=None, lifespan="off", interface="asgi3"
            )
        )

    def parts(self, after: int) -> Iterator[bytes]:
        for _ in range(after):
            yield os.urandom(50_000)
        raise Unavailable("engine_busy", "No more.", "Try again.")

    async def answer(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        request = Request(scope, receive)
        try:
            made: Response = await self.exports.respond(
                self.parts(int(request.query_params["after"])),
                accepts_gzip="gzip" in request.headers.get("accept-encoding", ""),
                filename="x",
                media_type="text/plain",
            )
        except Unavailable as error:
            made = Response(error.code, 503)
        await made(scope, receive, send)


@pytest.fixture
def breaking() -> Iterator[Breaking]:
    made = Breaking()
    running = threading.Thread(target=made.server.run)
    running.start()
    while not made.server.started:
        time.sleep(0.01)
    yield made
    made.server.should_exit = True
    running.join()


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_an_export_that_breaks_midway_is_no_whole_answer(breaking: Breaking, encoding: str) -> None:
    url = f"http://127.0.0.1:{breaking.port}/"
    headers = {"Accept-Encoding": encoding}
    early = httpx.get(url, params={"after": 0}, headers=headers)
    assert (early.status_code, early.text) == (503, "engine_busy")
    for _ in range(MOST + 1):
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.get(url, params={"after": 3}, headers=headers)


async def test_only_so_many_exports_run_at_once() -> None:
    exports = Exports()
    options = {"accepts_gzip": False, "filename": "x", "media_type": "text/plain"}
    for _ in range(MOST):
        await exports.respond(iter([b"x"]), **options)  # type: ignore[arg-type]
    with pytest.raises(TooMany):
        await exports.respond(iter([b"x"]), **options)  # type: ignore[arg-type]
