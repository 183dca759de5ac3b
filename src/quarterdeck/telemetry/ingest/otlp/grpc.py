"""OTLP over gRPC, raw bytes in and out, so that nothing is deserialised twice.

Codes follow opentelemetry-proto docs/specification.md: UNAVAILABLE when the store is behind
(clients send again), INVALID_ARGUMENT for what can never succeed, UNAUTHENTICATED and
PERMISSION_DENIED for keys. Messages over the limit are refused by gRPC itself with
RESOURCE_EXHAUSTED, also after decompression.
"""

import logging
from collections.abc import Awaitable, Callable

import grpc

from quarterdeck.core.log import fields
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.otlp.http import check, response
from quarterdeck.telemetry.ingest.otlp.probe import LARGE
from quarterdeck.telemetry.ingest.otlp.signals import SIGNALS, Signal
from quarterdeck.telemetry.ingest.outcome import Reason, Refused

_CODES: dict[Reason, grpc.StatusCode] = {
    Reason.KEY_MISSING: grpc.StatusCode.UNAUTHENTICATED,
    Reason.KEY_UNKNOWN: grpc.StatusCode.UNAUTHENTICATED,
    Reason.NOT_PERMITTED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.ORIGIN_REFUSED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.PROJECT_UNKNOWN: grpc.StatusCode.PERMISSION_DENIED,
    Reason.OVERLOADED: grpc.StatusCode.UNAVAILABLE,
    Reason.STORE_FAILED: grpc.StatusCode.UNAVAILABLE,
    Reason.TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
}
_MOST_CALLS = 512  # at once; each may hold a message before its key is known

log = logging.getLogger(__name__)

Call = Callable[[bytes, "grpc.aio.ServicerContext[bytes, bytes]"], Awaitable[bytes]]


def _call(intake: Intake, signal: Signal) -> Call:
    async def export(data: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        metadata = {str(key): value for key, value in context.invocation_metadata() or ()}
        try:
            project = intake.authorise(
                str(metadata.get("authorization", "")),
                _text(metadata.get("x-quarterdeck-project")),
                None,
            )
            if len(data) > intake.limits.body:
                raise Refused(
                    Reason.TOO_LARGE, f"The message is over {intake.limits.body // 1048576} MiB."
                )
            if len(data) > LARGE:
                request = await intake.apart(check, signal, data)
            else:
                request = check(signal, data)
            outcome = await intake.keep(signal.name, project, request)
        except Refused as refused:
            intake.count_refused(signal.name, refused.reason)
            code = _CODES.get(refused.reason, grpc.StatusCode.INVALID_ARGUMENT)
            await context.abort(code, refused.message)
        except Exception:
            # Anything else is ours: told as UNKNOWN, senders would drop their data.
            log.exception("An export failed.", extra=fields(signal=signal.name))
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Quarterdeck failed; send again.")
        return response(signal, outcome).SerializeToString()

    return export


def _text(value: object) -> str | None:
    return str(value) if value else None


async def start(intake: Intake, host: str, port: int) -> "tuple[grpc.aio.Server, int]":
    """A running server and the port it listens on; OSError when the port is taken."""
    server = grpc.aio.server(
        maximum_concurrent_rpcs=_MOST_CALLS,
        options=(
            # A little above our own limit, so that what is just too large is refused and counted by us.
            ("grpc.max_receive_message_length", intake.limits.body + 1_048_576),
            ("grpc.so_reuseport", 0),
        ),
    )
    for signal in SIGNALS:
        service, method = signal.grpc_method.strip("/").split("/")
        handler = grpc.unary_unary_rpc_method_handler(_call(intake, signal))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {method: handler}),)
        )
    try:
        bound = server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise OSError(f"port {port} is taken: {error}") from error
    await server.start()
    return server, bound
