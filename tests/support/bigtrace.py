"""One trace of many spans as OTLP: a job that does much, in several services, partly side by side.

Everything is drawn from a seed, so that a span stands at the same place every time.
"""

import random
import time

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from support.server import Server

BIG_TRACE = f"{0xB16:032x}"
NEEDLE = "a needle in ten thousand"
_SERVICES = ("jobs", "catalogue", "prices", "search", "mail")
_MS = 1_000_000


def send_big_trace(server: Server, spans: int = 10_000, trace: str = BIG_TRACE) -> None:
    """Batches of alike queries under steps under stages; a few fail, one says the needle."""
    request = ExportTraceServiceRequest()
    scopes = []
    for service in _SERVICES:
        resource = request.resource_spans.add()
        resource.resource.attributes.append(_text("service.name", service))
        scopes.append(resource.scope_spans.add())
    chance = random.Random(7)
    start = time.time_ns() - 600 * 10**9
    made: list[Span] = []

    def add(service: int, parent: Span | None, name: str, at: int, duration: int) -> Span:
        span = scopes[service].spans.add(
            trace_id=bytes.fromhex(trace),
            span_id=(len(made) + 1).to_bytes(8, "big"),
            parent_span_id=parent.span_id if parent else b"",
            name=name,
            kind=Span.SPAN_KIND_INTERNAL,
            start_time_unix_nano=at,
            end_time_unix_nano=at + duration,
        )
        for i in range(8):
            span.attributes.append(_text(f"job.detail.{i}", f"value {i} of span {len(made)}"))
        made.append(span)
        return span

    root = add(0, None, "nightly job", start, 20_000 * _MS)
    stage = step = root
    while len(made) < spans:
        n = len(made)
        if n % 1000 == 1:
            stage = add(n // 1000 % 5, root, f"stage {n // 1000}", start + n * 2 * _MS, 1_990 * _MS)
        if n % 25 in (1, 2):
            at = stage.start_time_unix_nano + chance.randrange(1_800) * _MS
            step = add(chance.randrange(5), stage, f"step {chance.randrange(12)}", at, 180 * _MS)
            continue
        at = step.start_time_unix_nano + (n % 25) * 7 * _MS
        leaf = add(1 + n // 25 % 3, step, "SELECT products" if n % 25 < 15 else f"work {n % 40}", at, chance.randrange(1, 7) * _MS)  # fmt: skip
        if n % 997 == 0:
            leaf.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message="it did not work"))
        if n == spans * 3 // 4:
            leaf.attributes.append(_text("note", NEEDLE))
    with server.client() as client:
        answer = client.post(
            "/v1/traces",
            content=request.SerializeToString(),
            headers={"content-type": "application/x-protobuf"},
        )
    assert answer.status_code == 200, answer.text


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))
