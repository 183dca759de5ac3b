"""`POST /prometheus/api/v1/write`: Prometheus remote write 1.0 and 2.0 over HTTP.

Which message a body is stands in its Content-Type alone. Everything kept is 204, and for 2.0 the
headers say how much of each kind was written. When items were refused the answer is 400, which no
sender repeats, though the rest is kept; 503 with Retry-After when the store is busy, which every
sender repeats: writing again does no harm.
"""

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import RawRoute
from quarterdeck.telemetry.ingest.intake import Intake
from quarterdeck.telemetry.ingest.logs.loki import unsnap
from quarterdeck.telemetry.ingest.logs.way import Answer, Asked, Headers, Unpacked, Way, handler
from quarterdeck.telemetry.ingest.outcome import HTTP_STATUS, Outcome, Reason, Refused
from quarterdeck.telemetry.ingest.prometheus.messages import V1, VERSIONS, Version, request_of

WRITE = "/prometheus/api/v1/write"
_TEXT = b"text/plain; charset=utf-8"
_MEDIA = "application/x-protobuf"
_WRITTEN = {
    kind: f"x-prometheus-remote-write-{kind}s-written".encode()
    for kind in ("sample", "histogram", "exemplar")
}


def routes(intake: Intake) -> list[RawRoute]:
    way = Way(unpack, refuse, decompress, "metrics")
    summary = "Prometheus remote write 1.0 and 2.0 (protobuf in snappy)"
    return [RawRoute("POST", WRITE, Permission.INGEST, handler(intake, way), summary)]


def version_of(asked: Asked) -> Version:
    """The version that the Content-Type names; without a name it is 1.0."""
    media, *parameters = asked.header(b"content-type").split(";")
    if media.strip().lower() not in ("", _MEDIA):
        raise Refused(Reason.MEDIA_TYPE, f"Send {_MEDIA}.")
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "proto":
            known = [version for version in VERSIONS if version.message == value.strip('"')]
            if not known:
                names = " or ".join(version.message for version in VERSIONS)
                raise Refused(Reason.MEDIA_TYPE, f"Send {names}, not {value[:80]!r}.")
            return known[0]
    return V1


def decompress(asked: Asked, raw: bytes, limit: int) -> bytes:
    version_of(asked)  # what has the wrong type is refused for that, whatever its body
    encoding = asked.header(b"content-encoding").lower()
    if encoding not in ("", "snappy"):
        raise Refused(
            Reason.ENCODING, f"Content-Encoding {encoding!r} is not supported; send snappy."
        )
    return unsnap(raw, limit)


def unpack(asked: Asked, data: bytes) -> Unpacked:
    version = version_of(asked)
    return request_of(version, data), lambda outcome: answer(version, outcome)


def answer(version: Version, outcome: Outcome) -> Answer:
    headers: Headers = []
    if version is not V1:
        headers = [
            (name, str(outcome.kept.get(kind, 0)).encode()) for kind, name in _WRITTEN.items()
        ]
    if not outcome.rejected:
        return Answer(204, headers=headers)
    return Answer(400, f"{outcome.message()}\n".encode(), _TEXT, headers)


def refuse(refused: Refused) -> Answer:
    status = HTTP_STATUS.get(refused.reason, 400)
    headers: Headers = [(b"www-authenticate", b"Bearer, Basic")] if status == 401 else []
    return Answer(status, f"{refused.message}\n".encode(), _TEXT, headers)
