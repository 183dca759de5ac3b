"""Syslog over UDP, TCP and TLS: machines and programs that speak nothing else.

Syslog knows no keys and no answers. So senders are told by their network (`syslog_allow`) and
write to one project (`syslog_project`), unless a message brings a key of its own in structured
data. What is read waits in a bounded place for its turn in the same batches as all log lines;
when it is full, TCP is read no further and UDP is dropped, which is counted as `overloaded`.
A batch is tried again until the store takes it.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from quarterdeck.core.errors import BadInput
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import Settings
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.lines import STREAMS, of_streams
from quarterdeck.telemetry.ingest.logs.loki import Push
from quarterdeck.telemetry.ingest.logs.syslog_frames import Frames, TooLongError
from quarterdeck.telemetry.ingest.logs.syslog_message import Message, parse
from quarterdeck.telemetry.ingest.otlp.wire import text_field
from quarterdeck.telemetry.ingest.outcome import Reason, Refused, overloaded

SIGNAL = "logs"
MOST_CONNECTIONS = 500
_MOST_WAITING = 8 * 1024 * 1024  # bytes that are read and not yet durable
_MOST_ENTRIES = 10_000  # of one request to the intake
_ENTRY_BYTES = 256  # that an entry takes besides its text
_COLLECT_SECONDS = 0.1
_PARTIAL_SECONDS = 30  # from the beginning of a message to its end
_IDLE_SECONDS = 3600  # between messages: senders keep connections for the next one
_HANDSHAKE_SECONDS = 10
_RECEIVE_BUFFER = 4 * 1024 * 1024
_REMEMBERED = 10_000  # addresses that were judged


@dataclass(slots=True)
class _Waiting:
    """Entries of one project, as the engine takes them."""

    project: ProjectRef
    push: Any = field(default_factory=Push)
    entries: int = 0
    size: int = 0

    def add(self, message: Message, size: int) -> None:
        if self.entries % _MOST_ENTRIES == 0:
            self.push.streams.add()
        entry = self.push.streams[-1].entries.add(line=message.text)
        if message.time_ns > 0:
            seconds, nanos = divmod(message.time_ns, 1_000_000_000)
            entry.timestamp.seconds, entry.timestamp.nanos = seconds, nanos
        for name, value in message.pairs:
            entry.metadata.add(name=name, value=value)
        self.entries += 1
        self.size += size


class Collector:
    """Joins messages to requests and sees them into the store."""

    def __init__(self, intake: Intake, project: str) -> None:
        self._intake = intake
        self._project = project
        self._waiting: dict[int, _Waiting] = {}
        self._used = 0
        self._room = asyncio.Event()
        self._room.set()
        self._news = asyncio.Event()
        self._keeping: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._run())

    def take(self, raw: bytes) -> None:
        """One message; Refused when it may not be kept."""
        message = parse(raw, datetime.now(UTC))
        project = self._of(message)
        if (waiting := self._waiting.get(project.id)) is None:
            waiting = self._waiting[project.id] = _Waiting(project)
        size = len(raw) + _ENTRY_BYTES
        waiting.add(message, size)
        self._used += size
        if self._used >= _MOST_WAITING:
            self._room.clear()
        self._news.set()

    @property
    def full(self) -> bool:
        return not self._room.is_set()

    async def room(self) -> None:
        """Returns once more may be read."""
        await self._room.wait()

    def refuse(self, refused: Refused) -> None:
        self._intake.count_refused(SIGNAL, refused)

    def _of(self, message: Message) -> ProjectRef:
        if message.key:
            return self._intake.authorise(f"Bearer {message.key}", message.project or None, None)
        project = self._intake.project(self._project) if self._project else None
        if project is not None:
            return project
        if self._project:
            raise Refused(Reason.PROJECT_UNKNOWN, f"Syslog: no project {self._project!r}.")
        raise Refused(Reason.KEY_MISSING, "Syslog: a message without a key; see syslog_project.")

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(_COLLECT_SECONDS)
            self._news.clear()
            waiting, self._waiting = self._waiting, {}
            for one in waiting.values():
                task = asyncio.create_task(self._keep(one))
                self._keeping.add(task)
                task.add_done_callback(self._keeping.discard)

    async def _keep(self, waiting: _Waiting) -> None:
        try:
            for stream in waiting.push.streams:
                await self._insist(waiting.project, stream)
        finally:
            self._used -= waiting.size
            if self._used < _MOST_WAITING:
                self._room.set()

    async def _insist(self, project: ProjectRef, stream: Any) -> None:
        """Until the store takes them, or says that it never will."""
        data = text_field(1, stream.SerializeToString())
        request = of_streams(data, [{}], len(stream.entries))
        while True:
            try:
                await self._intake.keep(SIGNAL, project, request, by=STREAMS, sender=("syslog", ""))
                return
            except Refused as refused:
                self._intake.count_refused(SIGNAL, refused)
                if not refused.retry_after:
                    return
                await asyncio.sleep(refused.retry_after)

    async def stop(self) -> None:
        """Store what was read; what the store does not take now is lost."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        left = [self._keep(one) for one in self._waiting.values()]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.gather(*self._keeping, *left, return_exceptions=True)


class Allowed:
    """Which addresses may send."""

    def __init__(self, networks: str) -> None:
        self._networks = [ipaddress.ip_network(part.strip()) for part in networks.split(",")]
        self._known: dict[str, bool] = {}

    def __call__(self, host: str) -> bool:
        known = self._known.get(host)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            address = ipaddress.ip_address(host.split("%", 1)[0])
            if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
                address = address.ipv4_mapped
            known = self._known[host] = any(address in network for network in self._networks)
        return known


def _stranger() -> Refused:
    return Refused(Reason.NOT_PERMITTED, "Syslog from an address that syslog_allow does not have.")


class Datagrams(asyncio.DatagramProtocol):
    """A message a datagram."""

    def __init__(self, collector: Collector, allowed: Allowed) -> None:
        self._collector = collector
        self._allowed = allowed

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            if not self._allowed(addr[0]):
                raise _stranger()
            if self._collector.full:
                raise overloaded()
            if data.strip():
                self._collector.take(data)
        except Refused as refused:
            self._collector.refuse(refused)


class Streams:
    """Connections over TCP or TLS."""

    def __init__(self, collector: Collector, allowed: Allowed) -> None:
        self._collector = collector
        self._allowed = allowed
        self._open: set[asyncio.Task[None]] = set()

    async def accept(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Take connections for ever; each is judged before a byte of it is read."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(listener)
            except OSError:  # gone already, or no file is left for it
                await asyncio.sleep(0.1)
                continue
            try:
                if not self._allowed(address[0]):
                    raise _stranger()
                if len(self._open) >= MOST_CONNECTIONS:
                    raise overloaded()
            except Refused as refused:
                connection.close()
                self._collector.refuse(refused)
                continue
            task = asyncio.create_task(self._serve(connection, tls))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def _serve(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        reader = asyncio.StreamReader()
        transport: asyncio.BaseTransport | None = None
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: asyncio.StreamReaderProtocol(reader),
                connection,
                ssl=tls,
                ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls else None,
            )
            await self._read(reader)
        except Refused as refused:
            self._collector.refuse(refused)
        except OSError:
            pass  # the sender is gone, or speaks no TLS
        finally:
            (transport or connection).close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        since = 0.0  # when the message began that has not ended
        try:
            while True:
                await self._collector.room()
                limit = since + _PARTIAL_SECONDS - time.monotonic() if since else _IDLE_SECONDS
                data = await asyncio.wait_for(reader.read(65_536), max(limit, 0))
                for raw in frames.feed(data) if data else frames.end():
                    self._take(raw)
                    since = 0.0
                if not data:
                    return
                since = (since or time.monotonic()) if frames.partial else 0.0
        except TimeoutError:
            if since:
                raise Refused(
                    Reason.TOO_SLOW, f"A message was not complete after {_PARTIAL_SECONDS} s."
                ) from None
        except TooLongError:
            raise Refused(Reason.TOO_LARGE, "A syslog message over 256 KiB.") from None

    def _take(self, raw: bytes) -> None:
        try:
            self._collector.take(raw)
        except Refused as refused:
            self._collector.refuse(refused)

    async def stop(self) -> None:
        running = list(self._open)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


class Syslog:
    """The listeners that are switched on, over one collector."""

    def __init__(self, intake: Intake, project: str, networks: str) -> None:
        self._collector = Collector(intake, project)
        self._allowed = Allowed(networks)
        self._streams = Streams(self._collector, self._allowed)
        self._listeners: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._transports: list[asyncio.BaseTransport] = []

    async def udp(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Datagrams(self._collector, self._allowed), sock=listener
        )
        self._transports.append(transport)

    def tcp(self, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        self._listeners.append(listener)
        self._accepting.append(asyncio.create_task(self._streams.accept(listener, tls)))

    async def stop(self) -> None:
        for transport in self._transports:
            transport.close()
        for task in self._accepting:
            task.cancel()
        await asyncio.gather(*self._accepting, return_exceptions=True)
        for listener in self._listeners:
            listener.close()
        await self._streams.stop()
        await self._collector.stop()


class Listen(Protocol):
    """Makes a listening socket for the port of a setting."""

    def __call__(
        self, port: int, *, setting: str, kind: socket.SocketKind
    ) -> socket.socket | None: ...


async def open_syslog(
    intake: Intake, settings: Settings, listen: Listen
) -> list[Callable[[], Awaitable[None]]]:
    """Start what the settings switch on; the answer ends it."""
    kinds = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM, "tls": socket.SOCK_STREAM}
    ports = {
        "udp": int(settings.syslog_udp_port),
        "tcp": int(settings.syslog_tcp_port),
        "tls": int(settings.syslog_tls_port),
    }
    if not any(ports.values()):
        return []
    tls = _tls(settings) if ports["tls"] else None
    syslog = Syslog(intake, str(settings.syslog_project), str(settings.syslog_allow))
    try:
        for kind, port in ports.items():
            listener = (
                listen(port, setting=f"syslog_{kind}_port", kind=kinds[kind]) if port else None
            )
            if listener is not None and kind == "udp":
                await syslog.udp(listener)
            elif listener is not None:
                syslog.tcp(listener, tls if kind == "tls" else None)
    except BaseException:
        await syslog.stop()
        raise
    return [syslog.stop]


def _tls(settings: Settings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(
            str(settings.syslog_tls_certificate), str(settings.syslog_tls_key) or None
        )
    except (OSError, ssl.SSLError) as error:
        raise BadInput(
            "syslog_certificate_unusable",
            f"Syslog over TLS cannot use its certificate or key: {error}.",
            "Name PEM files in syslog_tls_certificate and syslog_tls_key.",
        ) from error
    return context
