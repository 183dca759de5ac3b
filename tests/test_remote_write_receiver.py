"""The official receiver cases of remote write 2.0, and 1.0 beside them.

Source: prometheus/compliance remotewrite/receiver/*_test.go, re-expressed: what is sent, whether it
is kept, and what the headers must tell. All of them are sent at once, as senders do.
"""

import math
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cramjam
import httpx
import pytest

from support.remote_write import (
    STALE,
    V2_TYPE,
    Series,
    histogram,
    now_ms,
    push,
    v1,
    v2,
    written,
)
from support.server import Server

Exemplar = tuple[dict[str, str], float, int]
HOUR, MINUTE = 3_600_000, 60_000
NOW = now_ms()
VALUES = {
    "1": 1.0,
    "stale": STALE,
    "nan": struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0],
    "inf": math.inf,
    "-inf": -math.inf,
}
UP = {"__name__": "up", "job": "testjob", "instance": "localhost:9090"}
COUNTER, GAUGE, HISTOGRAM, GAUGE_HISTOGRAM, SUMMARY, INFO, STATESET = range(1, 8)


@dataclass(frozen=True)
class Case:
    name: str
    series: list[Series]
    written: tuple[int, int, int]  # samples, histograms, exemplars
    kept: bool = True


def named(name: str, **labels: str) -> dict[str, str]:
    return {"__name__": name, **labels}


def sample(
    labels: dict[str, str],
    value: float = 1.0,
    at: int = NOW,
    *exemplars: Exemplar,
    metadata: tuple[int, str, str] | None = None,
    start: int = 0,
) -> Series:
    return Series(labels, [(value, at)], (), exemplars, metadata, start)


def native(
    labels: dict[str, str],
    total: float,
    *exemplars: Exemplar,
    metadata: tuple[int, str, str] | None = None,
    start: int = 0,
    **parts: Any,
) -> Series:
    made = histogram(total, NOW, **parts)
    if start:
        made["start_timestamp"] = start
    return Series(labels, (), [made], exemplars, metadata)


def trace(id: str, value: float = 1.0, at: int = NOW, **more: str) -> Exemplar:
    return {"trace_id": id, **more}, value, at


def metric_cases() -> Iterator[Case]:
    """metric_test.go"""
    instances = [{**UP, "instance": f"localhost:909{i}"} for i in range(4)]
    for shown, value in VALUES.items():
        for name, labels, kept in (
            ("simple", named("up"), True),
            ("multiple labels", UP, True),
            ("newlines", {**UP, "job": "test\njob\n"}, True),
            ("dots", {"__name__": "resource.cpu.usage", "job.name": "testjob"}, True),
            ("spaces", {"__name__": "resource cpu usage", "job name": "testjob"}, True),
            ("no name", {"job": "testjob", "instance": "localhost:9090"}, False),
            ("empty", {}, False),
        ):
            yield Case(f"metric {shown} {name}", [sample(labels, value)], (1, 0, 0), kept)
        nameless = [{k: v for k, v in one.items() if k != "__name__"} for one in instances]
        mixed = [nameless[0], *instances[1:]]
        yield Case(f"metrics {shown}", [sample(x, value) for x in instances], (4, 0, 0))
        yield Case(
            f"metrics {shown} nameless", [sample(x, value) for x in nameless], (0, 0, 0), False
        )
        yield Case(
            f"metrics {shown} one nameless", [sample(x, value) for x in mixed], (3, 0, 0), False
        )
    yield Case(
        "counter created", [sample(named("created_total"), 100.0, start=NOW - HOUR)], (1, 0, 0)
    )


def exemplar_cases() -> Iterator[Case]:
    """exemplar_test.go"""
    for name, metric, labels in (
        ("basic", named("http_requests_total", job="api"), {"trace_id": "abc123def456"}),
        (
            "span id",
            named("request_duration_seconds"),
            {"trace_id": "xyz789", "span_id": "span123"},
        ),
        ("no trace id", named("cpu_usage", instance="host1"), {"user_id": "user123"}),
        (
            "many labels",
            named("request_latency"),
            {"trace_id": "t", "user": "admin", "endpoint": "/"},
        ),
        ("no labels", named("simple_counter"), {}),
        ("special", named("test_metric"), {"trace_id": "trace-with-dashes_and_underscores.123"}),
        ("unicode", named("unicode_test", region="🌍"), {"trace_id": "unicode_trace_测试"}),
    ):
        yield Case(f"exemplar {name}", [sample(metric, 1.0, NOW, (labels, 1.0, NOW))], (1, 0, 1))
    both = sample(named("http_requests_total"), 250.0, NOW, trace("a", 250.0), start=NOW - 2 * HOUR)
    yield Case("exemplar created", [both], (1, 0, 1))
    several = [
        sample(named("request_duration", method="GET"), 0.1, NOW, trace("trace1", 0.1)),
        sample(named("request_duration", method="POST"), 0.25, NOW, trace("trace2", 0.25)),
        sample(named("error_count", service="payment"), 1.0, NOW, trace("trace3", user="test")),
    ]
    yield Case("exemplars", several, (3, 0, 3))
    times = [
        sample(named("latency_hist"), 0.1, NOW + offset, trace(f"at {offset}", 0.1, NOW + offset))
        for offset in (-HOUR, -MINUTE, 0)
    ]
    yield Case("exemplars at times", times, (3, 0, 3))
    for name, labels, kept in (
        ("no name", {"job": "test"}, False),
        ("empty name", named(""), False),
        ("valid", named("valid_metric"), True),
    ):
        yield Case(f"exemplar {name}", [sample(labels, 1.0, NOW, trace("t"))], (1, 0, 1), kept)
    for value in (0.0, -123.456, 1e10, 1e-10, VALUES["nan"], math.inf, -math.inf):
        one = sample(named("test_metric"), value, NOW, trace("special", value))
        yield Case(f"exemplar of {value}", [one], (1, 0, 1))


def histogram_cases() -> Iterator[Case]:
    """histograms_test.go"""
    for name, labels, parts, kept in (
        ("basic", {}, {"positive": True, "negative": True, "zero": True}, True),
        ("custom", {}, {"custom": True}, True),
        ("positive", {"job": "test"}, {"positive": True, "zero": True}, True),
        ("negative", {"instance": "localhost"}, {"negative": True}, True),
        ("minimal", {"a": "b"}, {"zero": True}, True),
        ("bad count", {}, {"positive": True, "count": 99}, False),
    ):
        made = native(named("test_histogram", **labels), 1.0, **parts)
        yield Case(f"histogram {name}", [made], (0, 1, 0), kept)
    everything: dict[str, Any] = {"positive": True, "negative": True, "zero": True}
    about = (HISTOGRAM, "HTTP request duration in seconds", "seconds")
    duration = named("request_duration_seconds", job="api")
    yield Case(
        "histogram created", [native(duration, 1.5, start=NOW - HOUR, **everything)], (0, 1, 0)
    )
    two = [native(named("hist1"), 10.5, positive=True), native(named("hist2"), 5.2, negative=True)]
    yield Case("histograms", two, (0, 2, 0))
    yield Case("histogram empty", [native(named("empty_hist"), 0.0)], (0, 1, 0))
    yield Case(
        "histogram metadata", [native(duration, 2.5, metadata=about, **everything)], (0, 1, 0)
    )
    with_trace = native(duration, 1.23, trace("abc", 1.23, span_id="span789"), positive=True)
    yield Case("histogram exemplar", [with_trace], (0, 1, 1))
    with_both = native(duration, 10485760, trace("large"), metadata=about, **everything)
    yield Case("histogram metadata exemplar", [with_both], (0, 1, 1))
    pair = [
        native(named("cpu_usage_histogram"), 0.75, metadata=(HISTOGRAM, "CPU", "ratio"), zero=True),
        native(named("memory_usage_histogram"), 8e9, metadata=(HISTOGRAM, "Memory", "bytes")),
    ]
    yield Case("histograms metadata", pair, (0, 2, 0))
    custom = native(
        named("custom_latency_hist"), 0.05, trace("custom", 0.05, bucket="0.1"), custom=True
    )
    yield Case("histogram custom exemplar", [custom], (0, 1, 1))


def metadata_cases() -> Iterator[Case]:
    """metadata_test.go"""
    for name, kind, help, unit in (
        ("counter", COUNTER, "Total number of HTTP requests", "requests"),
        ("gauge", GAUGE, "Current CPU usage percentage", "percent"),
        ("nothing", COUNTER, "", ""),
        ("special", GAUGE, 'Test metric with\nnewlines and "quotes"', "bytes/sec"),
        ("unspecified", 0, "Unknown metric type", ""),
        ("info", INFO, "Build information", ""),
        ("stateset", STATESET, "Node state information", ""),
        ("summary", SUMMARY, "Request latency summary", "seconds"),
        ("gaugehistogram", GAUGE_HISTOGRAM, "Temperature distribution", "celsius"),
    ):
        one = sample(named(f"metadata_{name}"), metadata=(kind, help, unit))
        yield Case(f"metadata {name}", [one], (1, 0, 0))
    labels = {"job": "api-server", "method": "GET", "endpoint": "/api/v1/users"}
    about = (HISTOGRAM, "HTTP request duration in seconds", "seconds")
    made = native(named("http_request_duration_seconds", **labels), 0.25, metadata=about, zero=True)
    yield Case("metadata histogram", [made], (0, 1, 0))
    created = sample(named("c_total"), 150.0, metadata=(COUNTER, "c", "s"), start=NOW - HOUR)
    yield Case("metadata created", [created], (1, 0, 0))
    usages = [
        sample(named(f"{x}_usage"), metadata=(GAUGE, x, "percent"))
        for x in ("cpu", "memory", "disk")
    ]
    yield Case("metadata several", usages, (3, 0, 0))
    for name, bad in (("no name", {"job": "test"}), ("empty name", named(""))):
        one = sample(bad, metadata=(GAUGE, "Test help", "unit"))
        yield Case(f"metadata {name}", [one], (1, 0, 0), False)


def combined_cases() -> Iterator[Case]:
    """combined_test.go"""
    about = (COUNTER, "Total", "requests")
    one = sample(
        named("http_requests_total"), 1.0, NOW, trace("t", user_id="user789"), metadata=about
    )
    yield Case("all of a sample", [one], (1, 0, 1))
    two = [one, sample(named("memory_usage"), 8589934592, metadata=(GAUGE, "Memory", "bytes"))]
    yield Case("two families", two, (2, 0, 1))
    hists = [
        native(named("response_time_hist"), 0.125, trace("fast", 0.125), positive=True, zero=True),
        native(named("request_size_hist"), 1024, negative=True, zero=True),
    ]
    yield Case("two families of histograms", hists, (0, 2, 1))
    yield Case("metadata alone", [Series(named("orphan"), metadata=about)], (0, 0, 0))
    alone = Series(named("orphan_metric"), exemplars=[trace("orphan_trace", 42.0)])
    yield Case("exemplar alone", [alone], (0, 0, 1))
    old = sample(named("old_metric"), 1.0, NOW - HOUR, trace("old", 1.0, NOW - 30 * MINUTE))
    yield Case("old and new", [old, sample(named("new_metric"), 2.0)], (2, 0, 1))
    many = [
        sample(
            named(f"counter_metric_{i}", series=f"s{i}"),
            i * 100.0,
            NOW,
            trace(f"t{i}"),
            metadata=about,
        )
        for i in range(50)
    ]
    yield Case("many samples", many, (50, 0, 50))
    many = [
        native(
            named(f"histogram_metric_{i}"),
            i / 10,
            trace(f"t{i}"),
            positive=True,
            negative=i % 2 == 0,
        )
        for i in range(50)
    ]
    yield Case("many histograms", many, (0, 50, 50))
    special = named("test_metric", job="test-job_with.special@chars", environment="test🚀")
    said = (GAUGE, 'äöü, newlines\nand "quotes"', "special/units")
    mark = trace("special_trace_äöü-123", 42.0, span_id="span_with.dots-and_underscores")
    yield Case("special characters", [sample(special, 42.0, NOW, mark, metadata=said)], (1, 0, 1))


CASES = [
    case
    for make in (metric_cases, exemplar_cases, histogram_cases, metadata_cases, combined_cases)
    for case in make()
]


@pytest.fixture(scope="module")
def answers(server: Server) -> dict[tuple[int, str], httpx.Response]:
    """Every case in both versions → its answer."""

    client = server.client()

    def ask(asked: tuple[int, Case]) -> httpx.Response:
        version, case = asked
        if version == 2:
            return push(client, v2(case.series), V2_TYPE, x_prometheus_remote_write_version="2.0.0")
        return push(client, v1(case.series))

    asked = [(version, case) for version in (2, 1) for case in CASES]
    with client, ThreadPoolExecutor(96) as pool:
        found = list(pool.map(ask, asked))
    return {(v, c.name): a for (v, c), a in zip(asked, found, strict=True)}


def test_case_names_are_unique() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_receiver(answers: dict[tuple[int, str], httpx.Response], case: Case) -> None:
    second, first = answers[2, case.name], answers[1, case.name]
    if case.kept:
        assert (second.status_code, second.content) == (204, b""), second.text
        assert written(second) == case.written
    else:
        assert second.status_code == 400
        assert all(a <= b for a, b in zip(written(second), case.written, strict=True))
        assert second.text.strip()
    assert first.status_code == (204 if case.kept else 400)
    assert written(first) == (0, 0, 0)


def test_types_and_encodings_that_are_not_spoken_are_415(server: Server) -> None:
    """request_test.go: told even when the body is broken."""
    body = b"0" + bytes(cramjam.snappy.compress_raw(v2([sample(named("up"))])))[1:]
    for media in (
        "application/json",
        "image/png",
        "application/x-protobuf;proto=io.prometheus.write.v9.Request",
    ):
        assert push(server, body, media, raw=True).status_code == 415, media
    for encoding in ("gzip", "deflate"):
        assert push(server, body, V2_TYPE, raw=True, content_encoding=encoding).status_code == 415


def test_a_broken_body_is_400(server: Server) -> None:
    """request_test.go, rw1_compat_test.go"""
    good = bytes(cramjam.snappy.compress_raw(v2([sample(named("up"))])))
    assert push(server, b"0" + good[1:], V2_TYPE, raw=True).status_code == 400
    assert push(server, b"\xff" + good[1:], raw=True).status_code == 400
    unsorted = [Series([("job", "testjob"), ("__name__", "up"), ("instance", "x")], [(1.0, NOW)])]
    assert push(server, v1(unsorted)).status_code == 204
