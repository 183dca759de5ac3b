"""Loki's push protocol, in its two encodings.

The requests are those of https://grafana.com/docs/loki/latest/reference/loki-http-api/ and of
https://github.com/grafana/loki/blob/main/pkg/push/push.proto, encoded by hand.
"""

import base64
import gzip
import json
import time
from typing import Any

import cramjam
import httpx
import pytest

from support.hostile import tagged, varint
from support.otlp import Sql
from support.server import ADMIN_KEY, Server

PUSH = "/loki/api/v1/push"
PROTOBUF = {"content-type": "application/x-protobuf", "content-encoding": "snappy"}


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


def snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(data))


def entry(line: str, at_ns: int, **metadata: str) -> bytes:
    seconds, nanos = divmod(at_ns, 1_000_000_000)
    at = varint(1 << 3) + varint(seconds) + varint(2 << 3) + varint(nanos)
    pairs = b"".join(
        tagged(3, tagged(1, name.encode()) + tagged(2, value.encode()))
        for name, value in metadata.items()
    )
    return tagged(1, at) + tagged(2, line.encode()) + pairs


def stream(labels: str, *entries: bytes) -> bytes:
    inner = tagged(1, labels.encode()) + b"".join(tagged(2, one) for one in entries)
    return tagged(1, inner + varint(3 << 3) + varint(12345))  # 3: the hash that Promtail sends


def push(server: Server, body: bytes, key: str = ADMIN_KEY, **more: str) -> httpx.Response:
    headers = {**PROTOBUF, **{name.replace("_", "-"): value for name, value in more.items()}}
    with server.client(key=key) as client:
        return client.post(PUSH, content=snappy(body), headers=headers)


def test_streams_in_protobuf_keep_labels_metadata_and_times(server: Server, sql: Sql) -> None:
    at = time.time_ns()
    body = stream(
        '{service_name="loki-shop", level="error", env="prod", pod="web-1", quote="a\\"b"}',
        entry("payment declined", at, trace_id="0af7651916cd43dd8448eb211c80319c", user="u-1"),
        entry('{"level":"warn","msg":"low","sku":{"id":7}}', at + 5),
    ) + stream('{job="loki-cron"}', entry("done", at))
    answer = push(server, body, x_scope_orgid="tenant")
    assert (answer.status_code, answer.content) == (204, b"")
    shop = sql(
        "SELECT body, time, level, environment, trace_id, attributes FROM logs"
        " WHERE service = 'loki-shop' ORDER BY time"
    )
    assert [row["body"] for row in shop] == ["payment declined", "low"]
    assert shop[0]["time"].endswith(f"{at % 1_000_000_000:09d}Z")
    assert [row["level"] for row in shop] == ["error", "warn"]
    assert shop[0]["environment"] == "prod"
    assert shop[0]["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert shop[0]["attributes"].items() >= {("pod", "web-1"), ("quote", 'a"b'), ("user", "u-1")}
    assert shop[1]["attributes"].items() >= {("sku.id", 7), ("level", "error"), ("pod", "web-1")}
    (cron,) = sql("SELECT body, attributes FROM logs WHERE service = 'loki-cron'")
    assert cron == {"body": "done", "attributes": {"job": "loki-cron"}}


def test_streams_in_json_mean_the_same(server: Server, sql: Sql) -> None:
    at = time.time_ns()
    document = {
        "streams": [
            {
                "stream": {"app": "loki-json", "filename": 'C:\\log "x"'},
                "values": [
                    [str(at), "plain line"],
                    [str(at), "with metadata", {"trace_id": "0" * 31 + "1", "n": 3}],
                ],
            }
        ]
    }
    body = gzip.compress(json.dumps(document).encode())
    with server.client() as client:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        assert client.post(PUSH, content=body, headers=headers).status_code == 204
    rows = sql(
        "SELECT body, trace_id, attributes FROM logs WHERE service = 'loki-json' ORDER BY body"
    )
    assert [row["body"] for row in rows] == ["plain line", "with metadata"]
    assert rows[0]["attributes"] == {"app": "loki-json", "filename": 'C:\\log "x"'}
    assert rows[1]["trace_id"] == "0" * 31 + "1"
    assert rows[1]["attributes"] == {"app": "loki-json", "filename": 'C:\\log "x"', "n": "3"}


def test_the_key_may_be_the_password(server: Server) -> None:
    body = stream('{job="x"}', entry("x", time.time_ns()))
    basic = base64.b64encode(f"anything:{ADMIN_KEY}".encode()).decode()
    assert push(server, body, key="none", authorization=f"Basic {basic}").status_code == 204
    wrong = base64.b64encode(b"anything:wrong").decode()
    assert push(server, body, key="none", authorization=f"Basic {wrong}").status_code == 401


def test_entries_out_of_time_are_told_and_their_neighbours_kept(server: Server, sql: Sql) -> None:
    at = time.time_ns()
    body = stream('{job="loki-late"}', entry("old", at - 400 * 86_400 * 10**9), entry("new", at))
    answer = push(server, body)
    assert answer.status_code == 400
    assert "1 refused: older than the project's retention (too_old)" in answer.text
    assert sql("SELECT body FROM logs WHERE service = 'loki-late'") == [{"body": "new"}]


BAD: dict[str, tuple[bytes, dict[str, Any], int]] = {
    "no snappy": (b"\xff" * 20, PROTOBUF, 400),
    "no protobuf": (snappy(b"\xff" * 9), PROTOBUF, 400),
    "no labels": (snappy(stream("job=x", entry("x", 1))), PROTOBUF, 400),
    "half an entry": (snappy(stream('{a="b"}', b"\x0a\x05\x08")), PROTOBUF, 400),
    "a snappy bomb": (varint(1 << 31) + b"\xfe\xff\xff" * 100, PROTOBUF, 413),
    "no JSON": (b"{", {"content-type": "application/json"}, 400),
    "another shape": (b'{"streams":[{"stream":[],"values":1}]}', {"content-type": "application/json"}, 400),
    "an entry that is none": (b'{"streams":[{"stream":{},"values":[[1]]}]}', {"content-type": "application/json"}, 400),
    "a time that is none": (b'{"streams":[{"stream":{},"values":[["soon","x"]]}]}', {"content-type": "application/json"}, 400),
    "a time beyond all": (b'{"streams":[{"stream":{},"values":[["1%s","x"]]}]}' % (b"0" * 60), {"content-type": "application/json"}, 400),
    "another media type": (b"x", {"content-type": "text/plain"}, 400),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_push_is_refused(server: Server, what: str) -> None:
    body, headers, status = BAD[what]
    with server.client() as client:
        answer = client.post(PUSH, content=bytes(body), headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.text.strip()


def test_a_push_cannot_name_another_project(server: Server, sql: Sql) -> None:
    foreign = varint(1002 << 3) + varint(999) + tagged(1012, b"elsewhere")
    body = foreign + stream('{job="loki-foreign"}', entry("x", time.time_ns())) + foreign
    assert push(server, body).status_code == 204
    (row,) = sql("SELECT environment FROM logs WHERE service = 'loki-foreign'")
    assert row["environment"] == ""
