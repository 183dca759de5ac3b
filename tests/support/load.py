"""Requests as senders make them, many at a time, and load with a ledger of what was acknowledged.

The senders are plain: a thread each with one connection that is kept open, requests that
are bytes before they are sent.
"""

import http.client
import itertools
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from support.server import ADMIN_KEY, Server

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
PATHS = {"traces": "/v1/traces", "logs": "/v1/logs", "metrics": "/v1/metrics"}


def traces(
    name: str, count: int = 1, *, service: str = "", change: Callable[[Span], object] | None = None
) -> ExportTraceServiceRequest:
    """A request of valid spans that end now; `change` makes one of them what a test needs."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    if service:
        resource.resource.attributes.add(key="service.name").value.string_value = service
    spans = resource.scope_spans.add().spans
    now = time.time_ns()
    for _ in range(count):
        span = spans.add(
            trace_id=os.urandom(16),
            span_id=os.urandom(8),
            name=name,
            start_time_unix_nano=now - 1_000_000,
            end_time_unix_nano=now,
        )
        if change is not None:
            change(span)
    return request


def logs(body: str, count: int = 1, *, service: str = "") -> ExportLogsServiceRequest:
    """A request of valid log records of now."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    if service:
        resource.resource.attributes.add(key="service.name").value.string_value = service
    records = resource.scope_logs.add().log_records
    for _ in range(count):
        records.add(time_unix_nano=time.time_ns(), severity_number=9).body.string_value = body
    return request


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `status` 0 stands for a connection that was closed without an answer."""

    status: int
    media: str = ""
    body: bytes = b""
    retry_after: str | None = None


class Sender:
    """One connection, opened again when it breaks."""

    def __init__(self, server: Server, timeout: float = 60.0) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=timeout)

    def send(
        self, path: str, body: bytes, media: str = PROTOBUF, key: str = ADMIN_KEY, **headers: str
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given["content-type"] = media
        if key:
            given["authorization"] = f"Bearer {key}"
        try:
            self._connection.request("POST", path, body, given)
            answer = self._connection.getresponse()
            return Answer(
                answer.status,
                answer.headers.get("content-type", ""),
                answer.read(),
                answer.headers.get("retry-after"),
            )
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return Answer(0)

    def close(self) -> None:
        self._connection.close()


def send_all(
    server: Server, requests: Sequence[tuple[str, bytes, str]], senders: int = 48
) -> list[Answer]:
    """The answers to many (path, body, media type), in their order."""
    answers: list[Answer] = [Answer(0)] * len(requests)
    turn = itertools.count()

    def work(_: int) -> None:
        sender = Sender(server)
        while (position := next(turn)) < len(requests):
            path, body, media = requests[position]
            answers[position] = sender.send(path, body, media)
        sender.close()

    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(work, range(senders)))
    return answers


def query(server: Server, sql: str) -> list[list[object]]:
    """Rows of one SELECT through the public API."""
    with server.client() as client:
        response = client.post("/api/sql", json={"sql": sql})
    assert response.status_code == 200, response.text
    rows: list[list[object]] = response.json()["rows"]
    return rows


@dataclass
class Load:
    """Traces and logs from several senders until told to stop; keeps what was acknowledged.

    Each request has a name of its own, which is the name of its spans or the body of its
    records, so that what is missing can be named too.
    """

    server: Server
    service: str
    senders: int = 6
    items: int = 20
    spans: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> "Load":
        for number in range(self.senders):
            thread = threading.Thread(target=self._run, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        sender = Sender(self.server, timeout=10)
        for turn in itertools.count():
            if self._stop.is_set():
                break
            name = f"{self.service}/{number}/{turn}"
            if number % 2:
                body = logs(name, self.items, service=self.service).SerializeToString()
                answer = sender.send("/v1/logs", body)
            else:
                body = traces(name, self.items, service=self.service).SerializeToString()
                answer = sender.send("/v1/traces", body)
            if answer.status == 200 and not answer.body:
                (self.records if number % 2 else self.spans).append(name)
            else:
                self.refused += answer.status != 0
                time.sleep(0.02)
        sender.close()

    @property
    def acknowledged(self) -> int:
        """Items, not requests."""
        return (len(self.spans) + len(self.records)) * self.items

    def missing(self) -> list[str]:
        """Acknowledged requests of which anything is absent, asked through the public API."""
        where = f"WHERE service = '{self.service}'"
        found = _counts(self.server, f"SELECT name, count() FROM spans {where} GROUP BY name")
        found |= _counts(self.server, f"SELECT body, count() FROM logs {where} GROUP BY body")
        return [name for name in (*self.spans, *self.records) if found.get(name, 0) < self.items]


def _counts(server: Server, sql: str) -> dict[str, int]:
    return {str(name): int(str(count)) for name, count in query(server, sql)}
