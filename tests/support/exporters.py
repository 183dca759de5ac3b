"""Exporters that answer as exporters in the wild do, good and bad, from one real server."""

import asyncio
import gzip
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

TEXT = b"text/plain; version=0.0.4"
Writer = asyncio.StreamWriter
Behaviour = Callable[["Exporters", dict[str, str], Writer], Coroutine[Any, Any, None]]
_BEHAVIOURS: dict[str, Behaviour] = {}


def behaves(path: str) -> Callable[[Behaviour], Behaviour]:
    def note(behaviour: Behaviour) -> Behaviour:
        _BEHAVIOURS[path] = behaviour
        return behaviour

    return note


class Exporters:
    """One server; each path behaves in its own way. `asked` counts requests by path."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.headers: dict[str, dict[str, str]] = {}  # of the last request by path
        self.connections = 0
        self.body = b"# TYPE a counter\na 1\nb 2\n"
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.address = ""

    def __enter__(self) -> "Exporters":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def start() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()

        self._loop.create_task(start())
        self._loop.run_forever()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode().split("\r\n")
                path = first.split()[1].partition("?")[0]
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines if line)
                }
                self.asked[path] = self.asked.get(path, 0) + 1
                self.headers[path] = {**headers, "line": first}
                await _BEHAVIOURS.get(path, missing)(self, headers, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # cancelled when all of it ends
        finally:
            writer.close()


def answer(
    writer: Writer, body: bytes, kind: bytes = TEXT, status: str = "200 OK", *more: str
) -> None:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *more]
    if kind:
        head.append(f"Content-Type: {kind.decode()}")
    writer.write("\r\n".join([*head, "", ""]).encode() + body)


async def missing(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"secret", b"text/html", "404 Not Found")


@behaves("/metrics")
async def good(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, exporters.body)


@behaves("/gzip")
async def compressed(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    assert headers["accept-encoding"] == "gzip"
    answer(writer, gzip.compress(exporters.body), TEXT, "200 OK", "Content-Encoding: gzip")


@behaves("/hang")
async def hang(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    await asyncio.sleep(60)


@behaves("/drip")
async def drip(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


@behaves("/endless")
async def endless(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"a 1\n" * 4096
    while True:
        writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        await writer.drain()


@behaves("/loop")
async def loop(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"", b"", "302 Found", "Location: /loop")


@behaves("/moved")
async def moved(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"x" * 1000, b"", "301 Moved Permanently", "Location: /metrics")


@behaves("/away")
async def away(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    port = exporters.address.partition(":")[2]
    answer(writer, b"", b"", "307 Temporary Redirect", f"Location: http://localhost:{port}/metrics")


@behaves("/away-to-nothing")
async def away_to_nothing(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    port = exporters.address.partition(":")[2]
    answer(writer, b"", b"", "302 Found", f"Location: http://localhost:{port}/nowhere")


@behaves("/astray")
async def astray(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"", b"", "302 Found", "Location: http://127.0.0.1:1/secret")


@behaves("/file")
async def to_a_file(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"", b"", "302 Found", "Location: file:///etc/passwd")


@behaves("/html")
async def html(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"<html>secret</html>", b"text/html; charset=utf-8")


@behaves("/json")
async def json(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b'{"secret": 1}', b"application/json")


@behaves("/untyped")
async def untyped(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, exporters.body, b"")


@behaves("/bomb")
async def bomb(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, gzip.compress(b"\n" * 30_000_000), TEXT, "200 OK", "Content-Encoding: gzip")


@behaves("/brotli")
async def brotli(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"secret", TEXT, "200 OK", "Content-Encoding: br")


@behaves("/not-gzip")
async def not_gzip(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"secret", TEXT, "200 OK", "Content-Encoding: gzip")


@behaves("/half-gzip")
async def half_gzip(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    half = gzip.compress(exporters.body)[:-10]
    answer(writer, half, TEXT, "200 OK", "Content-Encoding: gzip")


@behaves("/labels")
async def labels(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    many = ",".join(f'l{n}="v"' for n in range(10_000))
    answer(writer, f"a{{{many}}} 1\n".encode())


@behaves("/broken")
async def broken(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"a 1\nsecret secret\n")


@behaves("/cut")
async def cut(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\na 1\n")
    writer.close()


@behaves("/garbage")
async def garbage(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    writer.write(b"SSH-2.0-secret\r\n\r\n")
    writer.close()


@behaves("/closed-once")
async def closed_once(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    """Answers, and closes the connection that it promised to keep."""
    answer(writer, exporters.body)
    await writer.drain()
    writer.close()


@behaves("/forbidden")
async def forbidden(exporters: Exporters, headers: dict[str, str], writer: Writer) -> None:
    answer(writer, b"secret", TEXT, "403 Forbidden")
