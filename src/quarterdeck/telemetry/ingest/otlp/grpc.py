"""OTLP over gRPC, raw bytes in and out, so that nothing is deserialised twice.

Codes follow opentelemetry-proto docs/specification.md: UNAVAILABLE when the store is behind,
with a RetryInfo that says when to come back, INVALID_ARGUMENT for what can never succeed,
UNAUTHENTICATED and PERMISSION_DENIED for keys, RESOURCE_EXHAUSTED for messages over the limit.

Export is one message and one answer. It is served as a stream of messages all the same, since
gRPC hands over a stream's metadata before any message: the key is judged first, and of a
message nobody asked for, gRPC keeps no more than its window. Compressed messages are unpacked
here, because of a bomb that gRPC itself refuses we would hear nothing, and count nothing.
"""

import asyncio
import logging
import resource
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc

from quarterdeck.core.log import fields
from quarterdeck.telemetry.ingest.batcher import Request
from quarterdeck.telemetry.ingest.body import decompress
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.otlp.http import check, response
from quarterdeck.telemetry.ingest.otlp.probe import LARGE
from quarterdeck.telemetry.ingest.otlp.signals import SIGNALS, Signal
from quarterdeck.telemetry.ingest.otlp.wire import text_field, varint
from quarterdeck.telemetry.ingest.outcome import Reason, Refused, overloaded

_CODES: dict[Reason, grpc.StatusCode] = {
    Reason.KEY_MISSING: grpc.StatusCode.UNAUTHENTICATED,
    Reason.KEY_UNKNOWN: grpc.StatusCode.UNAUTHENTICATED,
    Reason.NOT_PERMITTED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ORIGIN_REFUSED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.PROJECT_UNKNOWN: grpc.StatusCode.PERMISSION_DENIED,
    Reason.OVERLOADED: grpc.StatusCode.UNAVAILABLE,
    Reason.STORE_FAILED: grpc.StatusCode.UNAVAILABLE,
    Reason.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.TOO_SLOW: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.DISCONNECTED: grpc.StatusCode.CANCELLED,
}

_INLINE = 16_384  # bytes; larger compressed messages are unpacked off the event loop
# DECISIONS.md 22 has what these bound together, and how it was measured.
_MOST_CALLS = 512  # at once, with a key
_MOST_ARRIVING = 16  # messages at once, each of which may fill the memory of a whole body
_PATIENCE = 5  # seconds until it is a message's turn to arrive
_SECONDS = 30  # for it to arrive, as over HTTP
_MOST_CONNECTIONS = 1000
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.per_message_decompression", 0),
    ("grpc.max_concurrent_streams", 100),  # of a connection; clients let further calls wait
    ("grpc.http.overload_protection", 0),  # it resets at random what it has promised to take
    ("grpc.http2.bdp_probe", 0),  # else the window of messages nobody asked for grows to 4 MiB
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_connection_idle_ms", 300_000),
)

log = logging.getLogger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"
Call = Callable[[object, Context], Awaitable[bytes]]


def _call(
    intake: Intake, signal: Signal, calls: asyncio.Semaphore, arriving: asyncio.Semaphore
) -> Call:
    async def export(_: object, context: Context) -> bytes:
        metadata = {str(key): value for key, value in context.invocation_metadata() or ()}
        try:
            project = intake.authorise(
                str(metadata.get("authorization", "")),
                _text(metadata.get("x-quarterdeck-project")),
                None,
            )
            if calls.locked():
                raise overloaded()
            async with calls:
                request = await _request(intake, signal, await _message(context, arriving))
                sender = ("grpc", str(metadata.get("user-agent", "")))
                outcome = await intake.keep(signal.name, project, request, sender=sender)
        except Refused as refused:
            intake.count_refused(signal.name, refused)
            await _abort(context, refused)
        except Exception:
            # Anything else is ours: told as UNKNOWN, senders would drop their data.
            log.exception("An export failed.", extra=fields(signal=signal.name))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Quarterdeck failed; send again.")
        return response(signal, outcome).SerializeToString()

    return export


def _text(value: object) -> str | None:
    return str(value) if value else None


async def _message(context: Context, arriving: asyncio.Semaphore) -> bytes:
    """The message of a call, as it was sent. Only now does gRPC make room for it."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await arriving.acquire()
    except TimeoutError:
        raise overloaded() from None
    try:
        async with asyncio.timeout(_SECONDS):
            message = await context.read()
    except TimeoutError:
        raise Refused(
            Reason.TOO_SLOW, f"The message was not complete after {_SECONDS} s."
        ) from None
    except asyncio.CancelledError:
        message = None
    finally:
        arriving.release()
    if not isinstance(message, bytes):
        # Gone, or told by gRPC itself that the message is far too large: we cannot tell which.
        raise Refused(Reason.DISCONNECTED, "The message did not arrive.")
    return message


async def _request(intake: Intake, signal: Signal, message: bytes) -> Request:
    """The request in a message. While it is looked at, it takes room like what waits to be written."""
    with intake.budget.held(len(message)):
        if len(message) > (_INLINE if _encoding(message) else LARGE):
            return await intake.apart(_unpack, signal, message, intake.limits.body)
        return _unpack(signal, message, intake.limits.body)


def _unpack(signal: Signal, message: bytes, limit: int) -> Request:
    if len(message) > limit:
        raise Refused(Reason.TOO_LARGE, f"The message is over {limit // 1048576} MiB.")
    return check(signal, decompress(message, _encoding(message), limit))


def _encoding(message: bytes) -> str:
    """How a message is compressed, by its first bytes: gRPC does not pass on what it was told.

    Neither can begin a request: gzip's would be a field of a type that does not exist, zlib's
    the field 15 of a message that has only a first.
    """
    if message[:2] == b"\x1f\x8b":
        return "gzip"
    return "deflate" if message[:1] == b"\x78" else ""


async def _abort(context: Context, refused: Refused) -> None:
    """End the call; when it is worth trying again, say after how long, or clients would not."""
    code = _CODES.get(refused.reason, grpc.StatusCode.INVALID_ARGUMENT)
    trailing: tuple[tuple[str, bytes], ...] = ()
    if refused.retry_after:
        status = _retry_status(code, refused.message, refused.retry_after)
        trailing = (("grpc-status-details-bin", status),)
    await context.abort(code, refused.message, trailing)


def _retry_status(code: grpc.StatusCode, message: str, seconds: int) -> bytes:
    """A google.rpc.Status with a google.rpc.RetryInfo in it."""
    info = text_field(1, varint(1 << 3) + varint(seconds))
    detail = text_field(1, b"type.googleapis.com/google.rpc.RetryInfo") + text_field(2, info)
    number = varint(1 << 3) + varint(code.value[0])
    return number + text_field(2, message.encode()) + text_field(3, detail)


def _affordable() -> int:
    """As many connections as may be; few enough to leave files for HTTP and for the engine."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    unlimited = files == resource.RLIM_INFINITY
    return _MOST_CONNECTIONS if unlimited else min(_MOST_CONNECTIONS, files // 4)


async def start(intake: Intake, host: str, port: int) -> "tuple[grpc.aio.Server, int]":
    """A running server and the port it listens on; OSError when the port is taken."""
    server = grpc.aio.server(
        options=(
            *_OPTIONS,
            # A little above our own limit, so that what is just too large is refused and counted by us.
            ("grpc.max_receive_message_length", intake.limits.body + 1_048_576),
            ("grpc.max_allowed_incoming_connections", _affordable()),
        ),
    )
    calls, arriving = asyncio.Semaphore(_MOST_CALLS), asyncio.Semaphore(_MOST_ARRIVING)
    for signal in SIGNALS:
        service, method = signal.grpc_method.strip("/").split("/")
        handler = grpc.stream_unary_rpc_method_handler(_call(intake, signal, calls, arriving))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise OSError(f"port {port} is taken: {error}") from error
    await server.start()
    return server, bound
