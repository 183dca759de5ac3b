"""Log lines that should not be, by every way but OTLP: refused by reason, never 5xx, never fatal."""

import gzip
import json
import random
import zlib

import cramjam
import pytest
import zstandard

from support.hostile import (
    MIB,
    Responsive,
    hostile,
    refused,
    refused_since,
    sender,
    tagged,
    unique,
    varint,
)
from support.load import Answer, Sender, query, send_all
from support.server import Server
from support.usage import anonymous_bytes

__all__ = ["hostile", "sender"]

NDJSON = "application/x-ndjson"
LOKI, BULK = "/loki/api/v1/push", "/elasticsearch/_bulk"
ROOM = 1_600 * MIB  # engine_memory_mb of the fixture, the queue, and what Python unpacks


def snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


def kept(server: Server, service: str) -> int:
    return int(str(query(server, f"SELECT count() FROM logs WHERE service = '{service}'")[0][0]))


BOMBS: dict[str, tuple[str, bytes, str, dict[str, str], int, str]] = {
    "gzip": ("/api/logs", gzip.compress(b" " * (100 * MIB), 9), NDJSON, {"content_encoding": "gzip"}, 413, "too_large"),
    "deflate": ("/api/logs", zlib.compress(b" " * (100 * MIB), 9), NDJSON, {"content_encoding": "deflate"}, 413, "too_large"),
    "zstd": ("/api/logs", zstandard.ZstdCompressor(19).compress(b" " * (100 * MIB)), NDJSON, {"content_encoding": "zstd"}, 413, "too_large"),
    "snappy": (LOKI, snappy(b" " * (100 * MIB)), "application/x-protobuf", {}, 413, "too_large"),
    "blank lines": ("/api/logs", b"\n" * (10 * MIB), NDJSON, {}, 400, "too_many_items"),
    "an array of nothing": ("/api/logs", b"[" + b"{}," * MIB + b"{}]", NDJSON, {}, 400, "too_many_items"),
    "an array without end": ("/api/logs", b"[" * 400_000, NDJSON, {}, 400, "unparsable"),
    "empty entries": (LOKI, snappy(tagged(1, tagged(1, b'{a="b"}') + b"\x12\x00" * (3 * MIB))), "application/x-protobuf", {}, 400, "too_many_items"),
    "empty streams": (LOKI, snappy(tagged(1, tagged(1, b'{a="b"}')) * 500_000), "application/x-protobuf", {}, 400, "too_many_resources"),
    "actions without end": (BULK, b"{}\n" * (6 * MIB), NDJSON, {}, 400, "too_many_items"),
}  # fmt: skip


@pytest.mark.parametrize("what", BOMBS)
def test_a_little_that_unfolds_to_much_is_refused(
    hostile: Server, sender: Sender, what: str
) -> None:
    path, body, media, headers, status, reason = BOMBS[what]
    before = refused(hostile)
    answer = sender.send(path, body, media, **headers)
    assert answer.status == status, answer
    assert refused_since(hostile, before) == {("logs", reason): 1}
    assert anonymous_bytes(hostile.child()) < ROOM


def test_lines_that_grow_when_they_are_taken_apart_stay_within_bounds(
    hostile: Server, sender: Sender
) -> None:
    service = unique("grow")
    wide = "{" + ",".join(f'"{"k" * 120}{i}":{{"a":1,"b":2}}' for i in range(300)) + "}"
    long = '{"' + "k" * 1_000_000 + '":{' + ",".join(f'"{i}":1' for i in range(900)) + "}}"
    many = "{" + ",".join(f'"{i}":{i}' for i in range(200_000)) + "}"
    deep = '{"a":' * 900 + "1" + "}" * 900
    good = json.dumps({"message": "good", "service": service})
    lines = [*[wide] * 60, long, many, deep, *[good] * 100]
    with Responsive(hostile) as others:
        answer = sender.send("/api/logs", "\n".join(lines).encode(), NDJSON)
    assert answer.status == 200, answer
    assert json.loads(answer.body)["reasons"] == {"too_many_attributes": 1}
    assert kept(hostile, service) == 100
    assert others.slowest < 20
    assert anonymous_bytes(hostile.child()) < ROOM


def test_a_line_of_ten_megabytes_is_refused_alone(hostile: Server, sender: Sender) -> None:
    service = unique("huge")
    good = json.dumps({"message": "good", "service": service})
    huge = json.dumps({"message": "x" * 10_000_000, "service": service})
    answer = sender.send("/api/logs", f"{good}\n{huge}\n{good}".encode(), NDJSON)
    assert json.loads(answer.body)["reasons"] == {"value_too_large": 1}
    assert kept(hostile, service) == 2


def test_a_request_at_fault_does_not_harm_what_is_written_with_it(hostile: Server) -> None:
    """Protobuf that our outline reads and the engine does not: its batch is cut until it stands alone."""
    service = unique("beside")
    good = json.dumps({"message": "good", "service": service}).encode()
    bad = snappy(tagged(1, tagged(1, b'{a="b"}') + tagged(2, b"\x0a\x05\x08")))
    requests = [
        (LOKI, bad, "application/x-protobuf") if n % 5 == 0 else ("/api/logs", good, NDJSON)
        for n in range(100)
    ]
    answers = send_all(hostile, requests)
    assert [a.status for a in answers] == [400 if n % 5 == 0 else 200 for n in range(100)]
    assert kept(hostile, service) == 80


PIECES = [
    b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\\", b"\\u0000",
    b"\\ud800", b"NaN", b"1e999", b"-", b"null", b"true", b'"message"', b'"time"', b'"level"', b'"trace_id"',
    b'"service"', b"1700000000", b"99999999999999999999", b'{"index":{}}', b'{"create":{"_index":"x"}}',
    b'{"delete":{}}', b'{"streams":[{"stream":{},"values":[["1","x"]]}]}', b"<13>1 - - - - - -", b" ",
]  # fmt: skip
WAYS = (
    ("/api/logs", NDJSON), ("/api/logs", "application/json"), ("/api/logs", "text/plain"),
    (LOKI, "application/json"), (LOKI, "application/x-protobuf"), (BULK, NDJSON),
    ("/elasticsearch/a/_bulk", NDJSON), ("/api/drains/netlify/fuzz", "application/json"),
    ("/api/drains/supabase/fuzz-supabase", "application/json"),
)  # fmt: skip


def test_anything_at_all_has_an_answer_that_is_no_failure(hostile: Server) -> None:
    with hostile.client() as client:
        for name, provider in (("fuzz", "netlify"), ("fuzz-supabase", "supabase")):
            spec = {"spec": {"provider": provider}}
            client.put(f"/api/resources/log-drain/{name}", json=spec).raise_for_status()
    chance = random.Random(7)

    def body() -> bytes:
        made = b"".join(chance.choices(PIECES, k=chance.randrange(40)))
        if chance.random() < 0.3:
            made = bytes(chance.choices(range(256), k=chance.randrange(60)))
        return made

    requests = []
    for n in range(1_500):
        path, media = WAYS[n % len(WAYS)]
        data = body()
        if media == "application/x-protobuf" and n % 2:
            data = snappy(tagged(1, tagged(1, b'{a="b"}') + tagged(2, data)) + data)
        requests.append((path, data, media))
    answers = send_all(hostile, requests)
    odd = {
        (requests[n], answer)
        for n, answer in enumerate(answers)
        if answer.status not in (200, 204, 400, 413)
    }
    assert odd == set()


def test_headers_and_queries_may_be_nonsense(hostile: Server, sender: Sender) -> None:
    line = b'{"message":"x"}'
    for headers in (
        {"content_length": "x"}, {"authorization": "Basic ====", "key": ""},
        {"authorization": "ApiKey " + "A" * 5000, "key": ""}, {"content_encoding": "gzip, gzip"},
        {"content_type": ";;;"}, {"x_quarterdeck_project": "\xff"},
    ):  # fmt: skip
        answer = sender.send("/api/logs", line, NDJSON, **headers)
        assert answer.status in (0, 200, 400, 401, 403, 415), (headers, answer)
    for path in ("?&&=&%ff%00", "?service=" + "%00" * 300, "?" + "a=b&" * 4000, "?key=&key=x"):
        answer = sender.send(f"/api/logs{path}", line, NDJSON)
        assert answer.status in (200, 400, 431), (path[:30], answer)
    for path in ("/elasticsearch/%2e%2e/_bulk", "/elasticsearch/" + "x" * 3000 + "/_bulk"):
        assert sender.send(path, b'{"create":{}}\n{}\n', NDJSON).status == 200


def test_a_timestamp_in_loki_that_no_clock_has_is_no_failure(
    hostile: Server, sender: Sender
) -> None:
    for seconds in (1, 2**62, 2**63 - 1, 2**64 - 1):
        at = tagged(1, varint(1 << 3) + varint(seconds))
        body = tagged(1, tagged(1, b'{job="clock"}') + tagged(2, at + tagged(2, b"x")))
        answer: Answer = sender.send(LOKI, snappy(body), "application/x-protobuf")
        assert answer.status in (204, 400), answer
