"""Requests that should not be: each is refused in its protocol's own words and counted by reason.

A refusal may be 4xx, never 5xx; what is good beside what is bad is kept.
"""

import gzip
import os
import zlib
from typing import Any

import grpc
import pytest
import zstandard
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from support.hostile import (
    MIB,
    hostile,
    refused,
    refused_since,
    sender,
    stored,
    tagged,
    told,
    unique,
    varint,
)
from support.load import JSON, PATHS, PROTOBUF, Answer, Sender, send_all, traces
from support.server import ADMIN_KEY, Server

__all__ = ["hostile", "sender"]

# Whole requests: (what is sent) → status, google.rpc code, reason.

GOOD = traces("refusals").SerializeToString()
NESTED = b'{"resource":' * 900 + b"1" + b"}" * 900
REFUSALS: dict[str, tuple[dict[str, Any], int, int, str]] = {
    "no key": ({"key": ""}, 401, 16, "key_missing"),
    "an unknown key": ({"key": "qd_unknown"}, 401, 16, "key_unknown"),
    "a key in another scheme": (
        {"key": "", "authorization": "Basic abc"}, 401, 16, "key_missing"
    ),
    "an unknown project": ({"x_quarterdeck_project": "nowhere"}, 403, 7, "project_unknown"),
    "no media type": ({"media": ""}, 415, 3, "media_type"),
    "another media type": ({"media": "text/html"}, 415, 3, "media_type"),
    "another encoding": ({"content_encoding": "br"}, 415, 3, "encoding"),
    "gzip that is none": ({"content_encoding": "gzip"}, 400, 3, "compression_broken"),
    "zstd that is none": ({"content_encoding": "zstd"}, 400, 3, "compression_broken"),
    "gzip that ends too early": (
        {"content_encoding": "gzip", "body": gzip.compress(os.urandom(500))[:-20]},
        400, 3, "compression_broken",
    ),
    "random bytes": ({"body": b"\xff" + os.urandom(100)}, 400, 3, "unparsable"),
    "protobuf that ends too early": ({"body": GOOD[:-1]}, 400, 3, "unparsable"),
    "protobuf nested without end": (
        {"body": tagged(1, tagged(1, tagged(1, tagged(2, b"\x2a\x80\x80\x01" * 200))))},
        400, 3, "unparsable",
    ),
    "text that is no UTF-8": (
        {"body": tagged(1, tagged(2, tagged(3, b"\xff\xfe")))}, 400, 3, "unparsable"
    ),
    "a body over the limit": ({"body": b"\0" * (20 * MIB + 1)}, 413, 8, "too_large"),
    "a gzip bomb": (
        {"body": gzip.compress(b"\0" * (100 * MIB), 9), "content_encoding": "gzip"},
        413, 8, "too_large",
    ),
    "a deflate bomb": (
        {"body": zlib.compress(b"\0" * (100 * MIB), 9), "content_encoding": "deflate"},
        413, 8, "too_large",
    ),
    "a zstd bomb": (
        {
            "body": zstandard.ZstdCompressor(19).compress(b"\0" * (100 * MIB)),
            "content_encoding": "zstd",
        },
        413, 8, "too_large",
    ),
    "JSON that is none": ({"media": JSON, "body": b"{"}, 400, 3, "unparsable"),
    "JSON of nothing": ({"media": JSON, "body": b""}, 400, 3, "unparsable"),
    "JSON of another shape": ({"media": JSON, "body": b"[1]"}, 400, 3, "unparsable"),
    "JSON nested without end": ({"media": JSON, "body": b"[" * 900_000}, 400, 3, "unparsable"),
    "JSON of very many lists": ({"media": JSON, "body": b"[" * MIB}, 400, 3, "too_many_items"),
    "JSON objects nested without end": (
        {
            "media": JSON,
            "body": b'{"resourceSpans":%b,"resourceLogs":%b,"resourceMetrics":%b}' % ((NESTED,) * 3),
        },
        400, 3, "unparsable",
    ),
    "JSON with a number too large": (
        {
            "media": JSON,
            "body": b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":1e99}]}]}],'
            b'"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":1e99}]}]}],'
            b'"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":7}]}]}]}',
        },
        400, 3, "unparsable",
    ),
    "JSON with half a character": (
        {"media": JSON, "body": rb'{"resourceSpans":[{"schemaUrl":"\ud800"}]}'},
        400, 3, "unparsable",
    ),
}  # fmt: skip


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
def test_a_bad_request_is_refused_in_its_own_encoding_and_counted(
    hostile: Server, sender: Sender, signal: str
) -> None:
    wrong = []
    for what, (given_request, status, code, reason) in REFUSALS.items():
        before = refused(hostile)
        answer = sender.send(PATHS[signal], **{"body": GOOD, **given_request})
        if answer.status == 0:  # the connection may be cut while a body over the limit is sent
            wrong.append(f"{what}: no answer")
            continue
        media = given_request.get("media", PROTOBUF)
        expected = media if media in (JSON, PROTOBUF) else JSON
        if (answer.status, answer.media.split(";")[0]) != (status, expected):
            wrong.append(f"{what}: {answer}")
        elif told(answer)[0] != code or not told(answer)[1]:
            wrong.append(f"{what}: status {told(answer)}")
        elif refused_since(hostile, before) != {(signal, reason): 1}:
            wrong.append(f"{what}: counted {refused_since(hostile, before)}")
    assert wrong == []


def test_an_empty_request_is_welcome(sender: Sender) -> None:
    for path in PATHS.values():
        assert sender.send(path, b"") == Answer(200, PROTOBUF, b"")
        assert sender.send(path, b"{}", JSON).body == b"{}"


# Keys.


def test_a_key_that_was_revoked_may_write_no_more(hostile: Server, sender: Sender) -> None:
    with hostile.client() as client:
        made = client.post("/api/keys", json={"name": "gone", "kind": "secret"}).json()
        assert sender.send("/v1/traces", GOOD, key=made["secret"]).status == 200
        assert client.delete(f"/api/keys/{made['id']}").is_success
    before = refused(hostile)
    assert sender.send("/v1/traces", GOOD, key=made["secret"]).status == 401
    assert refused_since(hostile, before) == {("traces", "key_unknown"): 1}


def test_a_key_writes_only_to_its_own_projects(hostile: Server, sender: Sender) -> None:
    name = unique("foreign")
    body = traces(name).SerializeToString()
    with hostile.client() as client:
        assert client.post("/api/projects", json={"slug": "theirs", "name": "Theirs"}).is_success
        given_key = {"name": "theirs", "kind": "secret", "projects": ["theirs"]}
        key = client.post("/api/keys", json=given_key).json()["secret"]
        reader = client.post(
            "/api/keys", json={"name": "reader", "kind": "secret", "role": "viewer"}
        ).json()["secret"]
    foreign = sender.send("/v1/traces", body, key=key, x_quarterdeck_project="default")
    assert (foreign.status, told(foreign)[0]) == (403, 7)
    assert sender.send("/v1/traces", body, key=key).status == 200
    assert stored(hostile, name) == 0  # of the project `default`
    # The envelope's own fields, sent by a stranger, carry nothing into another project.
    for smuggled in (
        varint(1002 << 3) + varint(1),
        tagged(1010, b"{}"),
        b"".join(tagged(field, b"") for field in range(1010, 1015)),
    ):
        assert sender.send("/v1/traces", body + smuggled, key=key).status in (200, 400)
        assert sender.send("/v1/traces", smuggled + body, key=key).status in (200, 400)
    assert stored(hostile, name) == 0
    not_for_writing = sender.send("/v1/traces", body, key=reader)
    assert (not_for_writing.status, told(not_for_writing)[0]) == (403, 7)


def test_fields_of_the_envelope_do_not_spoil_the_neighbours(hostile: Server) -> None:
    name = unique("neighbour")
    good = traces(name).SerializeToString()
    bad = good + tagged(1010, b"{}")
    answers = send_all(
        hostile, [("/v1/traces", body, PROTOBUF) for body in (good, bad, good, bad, good, bad)]
    )
    assert [a.status for a in answers[::2]] == [200] * 3
    accepted = sum(a.status == 200 and not a.body for a in answers)
    assert stored(hostile, name) == accepted


@pytest.mark.parametrize("key", [ADMIN_KEY, "qd_unknown"])
def test_a_page_of_another_origin_may_read_when_to_come_back(hostile: Server, key: str) -> None:
    with hostile.client(key) as client:
        headers = {"origin": "https://shop.example.com", "content-type": PROTOBUF}
        answer = client.post("/v1/traces", content=GOOD, headers=headers)
    assert answer.headers["access-control-allow-origin"] == "https://shop.example.com"
    assert answer.headers["access-control-expose-headers"] == "retry-after"


# gRPC.

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
GRPC_REFUSALS: dict[str, tuple[bytes, dict[str, str], grpc.StatusCode, str]] = {
    "no key": (GOOD, {}, grpc.StatusCode.UNAUTHENTICATED, "key_missing"),
    "an unknown key": (
        GOOD, {"authorization": "Bearer x"}, grpc.StatusCode.UNAUTHENTICATED, "key_unknown"
    ),
    "an unknown project": (
        GOOD,
        {"authorization": f"Bearer {ADMIN_KEY}", "x-quarterdeck-project": "nowhere"},
        grpc.StatusCode.PERMISSION_DENIED, "project_unknown",
    ),
    "random bytes": (
        b"\xff" + os.urandom(50), {"authorization": f"Bearer {ADMIN_KEY}"},
        grpc.StatusCode.INVALID_ARGUMENT, "unparsable",
    ),
    "a message over the limit": (
        b"\0" * (20 * MIB + 1), {"authorization": f"Bearer {ADMIN_KEY}"},
        grpc.StatusCode.RESOURCE_EXHAUSTED, "too_large",
    ),
    "a bomb": (
        b"\0" * (100 * MIB), {"authorization": f"Bearer {ADMIN_KEY}"},
        grpc.StatusCode.RESOURCE_EXHAUSTED, "too_large",
    ),
}  # fmt: skip


def _as_it_is(data: bytes) -> bytes:
    return data


def test_grpc_refuses_in_its_own_codes_and_counts(hostile: Server) -> None:
    options = [("grpc.max_send_message_length", -1)]
    wrong = []
    with grpc.insecure_channel(f"127.0.0.1:{hostile.otlp_grpc_port}", options) as channel:
        export = channel.unary_unary(METHOD, _as_it_is, _as_it_is)
        name = unique("grpc")
        mixed = traces(name, 2)
        mixed.MergeFrom(traces(name, change=lambda span: setattr(span, "trace_id", b"short")))
        key = (("authorization", f"Bearer {ADMIN_KEY}"),)
        answer = export(mixed.SerializeToString(), metadata=key, timeout=60)
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
        assert partial.rejected_spans == 1
        assert stored(hostile, name) == 2
        for what, (body, metadata, code, reason) in GRPC_REFUSALS.items():
            before = refused(hostile)
            compression = grpc.Compression.Gzip if "bomb" in what else None
            try:
                export(body, metadata=tuple(metadata.items()), timeout=60, compression=compression)
                wrong.append(f"{what}: accepted")
            except grpc.RpcError as error:
                if error.code() is not code:
                    wrong.append(f"{what}: {error.code()}")
            if refused_since(hostile, before) != {("traces", reason): 1}:
                wrong.append(f"{what}: counted {refused_since(hostile, before)}")
    assert wrong == []
