"""Envelopes that should not be: refused in Sentry's words, never 5xx, never fatal."""

import base64
import gzip
import json
import random
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cramjam
import httpx
import pytest
import zstandard

from quarterdeck.errors.sentry.envelope import parse
from quarterdeck.errors.sentry.items import take
from quarterdeck.errors.sentry.received import Context
from quarterdeck.telemetry.ingest.outcome import Refused
from support.hostile import MIB, Responsive
from support.sentry import Dsn, RecordingServer, envelope
from support.usage import anonymous_bytes

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
TRACE = "0af7651916cd43dd8448eb211c80319c"
ROOM = 1_600 * MIB
MUTATIONS, SENT = 5000, 600


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingServer]:
    running = RecordingServer(
        tmp_path_factory.mktemp("sentry") / "data",
        environment={"QUARTERDECK_ENGINE_MEMORY_MB": "1024"},
    ).start()
    yield running
    assert running.process is not None
    assert running.process.poll() is None, "the server died"
    assert running.stop() == 0
    assert "Traceback" not in running.log


@pytest.fixture(scope="module")
def project(server: RecordingServer) -> Dsn:
    return server.project("hostile")


@pytest.fixture
def client(server: RecordingServer) -> Iterator[httpx.Client]:
    with server.client(key=None, timeout=120) as opened:
        yield opened


def post(
    client: httpx.Client, project: Dsn, content: bytes, endpoint: str = "envelope", **headers: str
) -> httpx.Response:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(project.path(endpoint), content=content, headers={**project.auth, **given})


BLANKS = b"{}\n" + b" " * (100 * MIB)
BOMBS: dict[str, tuple[bytes, str]] = {
    "gzip": (gzip.compress(BLANKS, 9), "gzip"),
    "deflate": (zlib.compress(BLANKS, 9), "deflate"),
    "zstd": (zstandard.ZstdCompressor(19).compress(BLANKS), "zstd"),
    "br": (bytes(cramjam.brotli.compress(BLANKS)), "br"),
}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_little_that_unfolds_to_much_is_refused(
    encoding: str, project: Dsn, client: httpx.Client, server: RecordingServer
) -> None:
    body, named = BOMBS[encoding]
    answer = post(client, project, body, content_encoding=named)
    assert (answer.status_code, answer.json()["detail"]) == (413, "envelope exceeded size limits")
    assert anonymous_bytes(server.pid) < ROOM


def test_a_bomb_in_the_oldest_encoding_is_refused(project: Dsn, client: httpx.Client) -> None:
    body = base64.b64encode(BOMBS["deflate"][0])
    assert post(client, project, body, "store").status_code == 413


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


SHAPES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "only newlines": (b"\n" * MIB, 400),
    "ten thousand items": (envelope({}, *[({"type": "event"}, b"{}")] * 10_000), 400),
    "ten thousand unknown ones": (envelope({}, *[({"type": "x"}, b"")] * 10_000), 400),
    "a header that nests without end": (b'{"a":' * 5000 + b"\n", 400),
    "an event that nests too deeply": (envelope({}, ({"type": "event"}, deep(5000))), 400),
    "an event that nests deeply": (envelope({}, ({"type": "event"}, deep(900))), 200),
    "tags that nest": (envelope({}, ({"type": "transaction"}, b'{"tags":{"a":' + deep(900) + b"}}")), 200),
    "an event over a megabyte": (envelope({}, ({"type": "event"}, json.dumps({"message": "x" * MIB}).encode())), 413),
    "a tag of almost a megabyte": (envelope({}, ({"type": "transaction"}, json.dumps({"tags": {"a": "x" * 1_000_000}}).encode())), 200),
    "a hundred thousand tags": (envelope({}, ({"type": "transaction"}, json.dumps({"tags": {str(n): 1 for n in range(80_000)}}).encode())), 200),
    "a hundred thousand spans": (envelope({}, ({"type": "transaction"}, b'{"spans":[' + b"{}," * 300_000 + b"{}]}")), 200),
    "lists in lists": (envelope({}, ({"type": "span"}, b'{"items":[' + b"[]," * 3_000_000 + b"[]]}")), 200),
    "spans of nothing": (envelope({}, ({"type": "span"}, b'{"items":[' + b"{}," * 200_000 + b"{}]}")), 200),
    "logs of nothing": (envelope({}, ({"type": "log"}, b'{"items":[' + b"{}," * 200_000 + b"{}]}")), 200),
    "an unknown giant": (envelope({}, ({"type": "novelty"}, b"x" * (15 * MIB))), 200),
}  # fmt: skip


@pytest.mark.parametrize("what", SHAPES)
def test_a_hostile_shape_is_answered_as_it_deserves(
    what: str, project: Dsn, client: httpx.Client, server: RecordingServer
) -> None:
    body, status = SHAPES[what]
    with Responsive(server) as others:
        answer = post(client, project, gzip.compress(body, 1), content_encoding="gzip")
    assert answer.status_code == status, answer.text
    assert others.slowest < 20
    assert anonymous_bytes(server.pid) < ROOM


def test_an_envelope_that_is_cut_at_every_byte_is_200_or_400(
    project: Dsn, client: httpx.Client
) -> None:
    whole = envelope(
        {"event_id": EVENT_ID},
        ({"type": "event"}, b'{"message":"cut"}'),
        ({"type": "attachment"}, b"\n\n"),
    )
    answers = Counter(post(client, project, whole[:end]).status_code for end in range(len(whole)))
    assert set(answers) == {200, 400}
    assert answers[200] < 15  # after a header, an item, a newline


def test_lengths_that_lie_are_refused(project: Dsn, client: httpx.Client) -> None:
    lengths: list[Any] = [-1, 1, 10**6, 2**31, 2**63, 2**64, 10**30, 1.5, "2", True, [], {}]
    for length in lengths:
        body = envelope({}, ({"type": "event", "length": length}, b"{}"))
        assert post(client, project, body).status_code == 400, length


def test_a_service_per_item_is_bounded(project: Dsn, client: httpx.Client) -> None:
    """As many resources as items, which OTLP would refuse as a whole."""
    items = [
        {"attributes": {"service.name": {"value": f"s{n}"}}, "body": "x", "timestamp": 1}
        for n in range(20_000)
    ]
    answer = post(
        client, project, envelope({}, ({"type": "log"}, json.dumps({"items": items}).encode()))
    )
    assert answer.status_code == 400, answer.text


# Mutations: of bytes, which the grammar must survive, and of values, which the handlers must.

LOG: dict[str, Any] = {
    "timestamp": 1_700_000_000.5, "trace_id": TRACE, "level": "info", "body": "hello", "severity_number": 9,
    "attributes": {"a": {"value": 1, "type": "integer"}, "sentry.release": {"value": "shop@1", "type": "string"}},
}  # fmt: skip
SPAN: dict[str, Any] = {
    "trace_id": TRACE, "span_id": "b7ad6b7169203331", "parent_span_id": "00f067aa0ba902b7", "op": "db", "status": "ok",
    "description": "SELECT 1", "start_timestamp": 1_700_000_000, "timestamp": "2023-11-14T22:13:21Z",
    "data": {"db.system": "postgresql", "n": [1, "a"]}, "tags": {"a": "b"}, "measurements": {"m": {"value": 1, "unit": "s"}},
}  # fmt: skip
CORPUS: list[tuple[str, dict[str, Any]]] = [
    ("event", {"event_id": EVENT_ID, "message": "hello", "exception": {"values": [{"type": "E", "value": "v"}]}}),
    ("transaction", {"transaction": "t", "contexts": {"trace": SPAN, "otel": {"resource": {"service.name": "s"}}},
                     "spans": [SPAN, SPAN], "start_timestamp": 1, "timestamp": 2, "release": "shop@1",
                     "tags": [["a", "b"]], "user": {"id": 1}, "request": {"url": "/", "method": "GET"},
                     "sdk": {"name": "n", "version": "1"}, "measurements": {"lcp": {"value": 1, "unit": "ms"}}}),
    ("span", SPAN),
    ("span", {"items": [{**SPAN, "name": "n", "end_timestamp": 3, "attributes": LOG["attributes"],
                         "links": [{"trace_id": TRACE, "span_id": "b7ad6b7169203331", "attributes": {}}]}]}),
    ("log", {"items": [LOG, LOG]}),
    ("trace_metric", {"items": [{"name": "m", "type": kind, "value": 1, "timestamp": 1_700_000_000, "unit": "byte",
                                 "trace_id": TRACE, "attributes": LOG["attributes"]} for kind in ("counter", "gauge", "distribution")]}),
    ("session", {"sid": "1", "init": True, "status": "exited", "errors": 1, "started": "2023-11-14T22:13:21Z",
                 "attrs": {"release": "shop@1", "environment": "e"}}),
    ("sessions", {"attrs": {"release": "shop@1"}, "aggregates": [{"started": 1, "exited": 2, "crashed": 1}]}),
    ("client_report", {"discarded_events": [{"reason": "before_send", "category": "error", "quantity": 1}]}),
    ("raw_security", {"csp-report": {"document-uri": "http://a/", "blocked-uri": "inline", "effective-directive": "d"}}),
    ("attachment", {"any": "thing"}),
    ("check_in", {"status": "ok"}),
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308, "", "\0", "x" * 5000, "\ud83d", "٣", "NaN", "-inf",
    "9999-12-31T23:59:59.999999999Z", "0001-01-01", [], {}, [[]], [None], {"": {}}, [1, "a", None, {"b": [{}]}], "a" * 32,
    {"value": None}, {"value": {"value": 1}, "type": "double"}, {"key": 1}, [["a"]], [[1, 2], [{}, []]], "http://[", "@", "1@2@3",
]  # fmt: skip
PIECES = [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\0", b"\xff", b"\\", b"\\ud800", b"NaN", b"1e999",
          b'"length":', b'"type":"event"', b'{"type":"span"}\n', b"-1", b"null", b"{}\n"]  # fmt: skip


def twisted(value: Any, chance: random.Random) -> Any:
    """A copy with something else in one place."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.05:
            return {**value, str(chance.choice(VALUES)): value[key]}
        return {**value, key: twisted(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        at = chance.randrange(len(value))
        return [*value[:at], twisted(value[at], chance), *value[at + 1 :]]
    return chance.choice(VALUES)


def mangled(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at, to = sorted((chance.randrange(len(out) + 1), chance.randrange(len(out) + 1)))
        match chance.randrange(4):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                out[at:at] = chance.choice(PIECES)
            case 2:
                del out[at : min(to, at + 40)]
            case _:
                out[at:at] = out[at : min(to, at + 40)]
    return bytes(out)


def mutation(number: int) -> bytes:
    chance = random.Random(number)
    items = []
    for kind, document in chance.choices(CORPUS, k=chance.randrange(1, 4)):
        for _ in range(chance.randrange(0, 3)):
            document = twisted(document, chance)
        items.append(({"type": kind}, json.dumps(document).encode()))
    headers = {"event_id": EVENT_ID, "sent_at": "2023-11-14T22:13:21Z"}
    headers = twisted(headers, chance) if chance.random() < 0.2 else headers
    whole = envelope(headers, *items)
    return mangled(whole, chance) if number % 3 == 0 else whole


def test_five_thousand_mutations_raise_nothing() -> None:
    taken = 0
    for number in range(MUTATIONS):
        data = mutation(number)
        try:
            found = parse(data)
        except Refused:
            continue
        received = take(found, Context(found.event_id, "project", 1_700_000_001 * 10**9, 0))
        assert not any(why == "failed" for _, why in received.items), number
        for export in (received.spans, received.logs, received.metrics):
            export.request()
        taken += 1
    assert taken > MUTATIONS / 2


def test_mutations_are_answered_without_a_5xx(project: Dsn, server: RecordingServer) -> None:
    def send(numbers: range) -> Counter[int]:
        with server.client(key=None, timeout=120) as own:
            return Counter(post(own, project, mutation(number)).status_code for number in numbers)

    workers = 50
    answers: Counter[int] = Counter()
    with ThreadPoolExecutor(workers) as pool:
        for counted in pool.map(send, (range(first, SENT, workers) for first in range(workers))):
            answers += counted
    assert set(answers) <= {200, 400, 403, 413}, answers
    assert answers[200] > SENT / 2
    with server.client() as admin:
        assert admin.get("/api/health").status_code == 200


def test_more_than_there_is_room_for_is_told_to_wait(tmp_path: Path) -> None:
    narrow = {"QUARTERDECK_INGEST_QUEUE_MB": "1"}
    text = "x" * 700_000
    body = envelope({}, ({"type": "log"}, json.dumps({"items": [{**LOG, "body": text}]}).encode()))
    server = RecordingServer(tmp_path / "data", environment=narrow)
    with server:
        project = server.project("narrow")

        def send(_: int) -> httpx.Response:
            with server.client(key=None) as own:
                return post(own, project, body)

        with ThreadPoolExecutor(15) as pool:
            answers = list(pool.map(send, range(30)))
        with server.client() as admin:
            refusals = admin.get("/metrics").text.count('reason="overloaded"}')
    assert refusals
    assert {answer.status_code for answer in answers} == {200, 429}
    for answer in answers:
        if answer.status_code == 429:
            assert answer.headers["retry-after"] == "2"
            assert answer.headers["x-sentry-rate-limits"] in (
                "2:log_item:project:overloaded",
                "2::project:overloaded",  # there was no room for the body already
            )
