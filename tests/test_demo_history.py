"""The past hour: valid, shaped like live telemetry, and with the two things that happened in it."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from quarterdeck.demo.history import metrics
from quarterdeck.demo.history.record import OUTAGE, Pools, record
from quarterdeck.demo.history.replay import LENGTH, MINUTE, Chunk, Past, Replayer, events

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("demo_history")]

NOW = 1_795_000_000_000_000_000
SEED = 3


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Pools:
    directory: Path = tmp_path_factory.mktemp("shop")
    return asyncio.run(record(directory, SEED))


@pytest.fixture(scope="module")
def when() -> Past:
    return Past(NOW - LENGTH, NOW)


@pytest.fixture(scope="module")
def chunks(pools: Pools, when: Past) -> list[Chunk]:
    return list(Replayer(pools, when, SEED).chunks(events(when, SEED), 5 * MINUTE))


def spans(chunks: list[Chunk]) -> Iterator[tuple[dict[str, str], Span]]:
    for chunk in chunks:
        for group in chunk.traces.resource_spans:
            about = {pair.key: pair.value.string_value for pair in group.resource.attributes}
            for scope in group.scope_spans:
                for span in scope.spans:
                    yield about, span


def keys(span: Span) -> frozenset[str]:
    return frozenset(pair.key for pair in span.attributes)


def test_every_action_was_recorded(pools: Pools) -> None:
    assert {
        "home", "category", "product", "search", "search_odd", "missing", "add", "cart", "login",
        "checkout/sahelpay", "checkout/northcard", OUTAGE, "track", "fulfil", "offers", "accept",
        "deliver", "admin_users", "admin_user", "admin_analytics", "admin_settings", "admin_change",
    } == set(pools)  # fmt: skip
    assert sum(template.failed for template in pools[OUTAGE]) > len(pools[OUTAGE]) / 2


def test_the_hour_is_full_from_end_to_end(chunks: list[Chunk], when: Past) -> None:
    minutes = Counter(
        (span.start_time_unix_nano - when.start) // MINUTE for _, span in spans(chunks)
    )
    assert set(minutes) == set(range(60))
    assert min(minutes.values()) > 300


def test_times_and_ids_are_valid(chunks: list[Chunk], when: Past) -> None:
    seen: set[bytes] = set()
    for _, span in spans(chunks):
        assert len(span.trace_id) == 16
        assert len(span.span_id) == 8
        assert span.span_id not in seen
        seen.add(span.span_id)
        assert when.start <= span.start_time_unix_nano <= span.end_time_unix_nano <= when.end
        for event in span.events:
            assert when.start <= event.time_unix_nano <= when.end
    for chunk in chunks:
        for group in chunk.logs.resource_logs:
            for scope in group.scope_logs:
                for written in scope.log_records:
                    assert when.start <= written.time_unix_nano <= when.end
                    assert written.span_id in seen


def test_every_trace_is_whole(chunks: list[Chunk]) -> None:
    traces: dict[bytes, list[Span]] = defaultdict(list)
    for _, span in spans(chunks):
        traces[span.trace_id].append(span)
    for found in traces.values():
        ids = {span.span_id for span in found}
        assert sum(not span.parent_span_id for span in found) == 1
        assert all(not span.parent_span_id or span.parent_span_id in ids for span in found)


def test_fulfilment_links_to_a_checkout_of_the_same_order(chunks: list[Chunk]) -> None:
    sent, processed = {}, []
    for _, span in spans(chunks):
        number = next(
            (p.value.string_value for p in span.attributes if p.key == "order.number"), ""
        )
        if span.name == "send fulfilment":
            sent[span.trace_id, span.span_id] = number
        elif span.name == "process fulfilment":
            processed.append((span, number))
    assert len(processed) > 50
    for span, number in processed:
        assert sent[span.links[0].trace_id, span.links[0].span_id] == number


def test_orders_and_sessions_are_not_repeated(chunks: list[Chunk]) -> None:
    numbers = [
        pair.value.string_value
        for _, span in spans(chunks)
        if span.name == "send fulfilment"
        for pair in span.attributes
        if pair.key == "order.number"
    ]
    assert len(set(numbers)) == len(numbers)
    sessions = {
        pair.value.string_value
        for _, span in spans(chunks)
        for pair in span.attributes
        if pair.key == "session.id"
    }
    assert len(sessions) > 800


def test_the_release_of_web_changed_forty_minutes_ago(chunks: list[Chunk], when: Past) -> None:
    versions = defaultdict(set)
    for about, span in spans(chunks):
        if about["service.name"] == "web":
            after = span.start_time_unix_nano >= when.release + MINUTE
            before = span.start_time_unix_nano < when.release
            if before or after:
                versions[before].add(about["service.version"])
    assert versions == {True: {"2.13.2"}, False: {"2.14.0"}}


def test_one_incident_of_six_minutes_stands_out(chunks: list[Chunk], when: Past) -> None:
    total: Counter[bool] = Counter()
    failed: Counter[bool] = Counter()
    for _, span in spans(chunks):
        if span.name == "POST /checkout" and not span.parent_span_id:
            during = when.outage(span.start_time_unix_nano)
            total[during] += 1
            failed[during] += span.status.code == Span().status.STATUS_CODE_ERROR
    assert total[True] > 10
    assert failed[True] / total[True] > 0.2
    assert failed[False] / total[False] < 0.03


def test_metrics_agree_with_the_traces(pools: Pools, chunks: list[Chunk], when: Past) -> None:
    values = [
        value
        for chunk in Replayer(pools, when, SEED, values_only=True).chunks(
            events(when, SEED), 5 * MINUTE
        )
        for value in chunk.values
    ]
    last: dict[tuple[str, str], int] = defaultdict(int)
    ids = {span.span_id for _, span in spans(chunks)}
    exemplars = 0
    for request in metrics.requests(values, when, SEED):
        parsed = ExportMetricsServiceRequest.FromString(request.SerializeToString())
        for group in parsed.resource_metrics:
            service = next(
                p.value.string_value for p in group.resource.attributes if p.key == "service.name"
            )
            for metric in group.scope_metrics[0].metrics:
                if metric.name == "shop.orders":
                    last[service, "orders"] = sum(p.as_int for p in metric.sum.data_points)
                if metric.name == "http.server.request.duration" and service == "orders":
                    points = metric.histogram.data_points
                    last[service, "requests"] = sum(p.count for p in points)
                    for point in points:
                        assert when.start <= point.start_time_unix_nano < point.time_unix_nano
                        assert point.time_unix_nano <= when.end
                        for exemplar in point.exemplars:
                            assert exemplar.span_id in ids
                            exemplars += 1
    names = Counter(
        span.name
        for about, span in spans(chunks)
        if about["service.name"] == "orders" and (span.kind == 2 or span.name == "send fulfilment")
    )
    assert last["orders", "orders"] == names.pop("send fulfilment")
    assert last["orders", "requests"] == names.total()
    assert exemplars > 0


def test_the_same_seed_makes_the_same_hour(pools: Pools, when: Past) -> None:
    assert events(when, SEED) == events(when, SEED)
    assert events(when, SEED) != events(when, SEED + 1)
    first, second = (
        next(Replayer(pools, when, SEED).chunks(events(when, SEED), MINUTE)) for _ in range(2)
    )
    assert first.traces == second.traces
    assert first.logs == second.logs


def test_an_hour_takes_few_seconds_to_make(pools: Pools, when: Past) -> None:
    began = time.process_time()
    count = sum(
        chunk.spans for chunk in Replayer(pools, when, SEED).chunks(events(when, SEED), 5 * MINUTE)
    )
    assert count > 50_000
    assert time.process_time() - began < 8
