"""The past hour: valid, shaped like live telemetry, and with the two things that happened in it."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from quarterdeck.demo.history import metrics
from quarterdeck.demo.history.record import OUTAGE, Pools, record
from quarterdeck.demo.history.replay import LENGTH, MINUTE, Chunk, Past, Replayer, events
from quarterdeck.demo.shop import goods
from quarterdeck.demo.shop.outside import DECLINES
from quarterdeck.demo.shop.service import clf_time

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
        "checkout/sahelpay", "checkout/northcard", "checkout/sahelpay/rare", "checkout/northcard/rare", OUTAGE, "track", "fulfil", "offers", "accept",
        "deliver", "recount", "admin_users", "admin_user", "admin_analytics", "admin_settings", "admin_change",
    } == set(pools)  # fmt: skip
    # Four of five fail, each by chance: fewer than a third would be no chance any more.
    assert sum(template.failed for template in pools[OUTAGE]) > len(pools[OUTAGE]) / 3


def test_those_who_browse_are_recorded_one_at_a_time_as_none_slows_another_down(
    pools: Pools,
) -> None:
    """Else every database operation of the past would take ten times what a live one takes."""
    gated = {"home", "category", "product", "search", "add", "cart", "login", "track"}
    taken = sorted((template.start, template.end) for action in gated for template in pools[action])
    assert len(taken) > 100
    assert all(later[0] >= earlier[1] for earlier, later in pairwise(taken))


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


def test_web_and_orders_were_deployed_within_the_hour(chunks: list[Chunk], when: Past) -> None:
    versions: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for about, span in spans(chunks):
        service = about["service.name"]
        if service in ("web", "orders"):
            # A trace is of the release with which it began.
            before = span.start_time_unix_nano < when.released(service)
            if before or span.start_time_unix_nano >= when.released(service) + MINUTE:
                versions[service, before].add(about["service.version"])
    assert versions == {
        ("web", True): {"2.13.2"}, ("web", False): {"2.14.0"},
        ("orders", True): {"3.8.0"}, ("orders", False): {"3.8.1"},
    }  # fmt: skip
    assert when.end - when.released("orders") == 25 * MINUTE


def test_a_release_brought_a_line_that_was_not_there_before(
    chunks: list[Chunk], when: Past
) -> None:
    times = [
        record.time_unix_nano
        for chunk in chunks
        for group in chunk.logs.resource_logs
        for scope in group.scope_logs
        for record in scope.log_records
        if record.body.string_value.startswith("shipping of ")
    ]
    assert len(times) > 50
    assert min(times) >= when.released("orders")


def test_access_lines_tell_the_time_at_which_they_are_written(chunks: list[Chunk]) -> None:
    lines = [
        (record.time_unix_nano // 10**9, record.body.string_value)
        for chunk in chunks
        for group in chunk.logs.resource_logs
        for scope in group.scope_logs
        for record in scope.log_records
        if "HTTP/1.1" in record.body.string_value
    ]
    assert len(lines) > 500
    for at, line in lines:
        assert clf_time(at) in line


def test_what_staff_and_suppliers_do_is_logged_in_the_past_as_it_is_live(
    chunks: list[Chunk],
) -> None:
    said = [
        record.body.string_value
        for chunk in chunks
        for group in chunk.logs.resource_logs
        for scope in group.scope_logs
        for record in scope.log_records
    ]
    for live in (" - staff_awa [", " - supplier_kora [", "GET /offers ", " offers are accepted"):
        assert any(live in line for line in said), live


def test_the_past_holds_a_trace_of_more_than_two_thousand_spans(chunks: list[Chunk]) -> None:
    sizes = Counter(span.trace_id for _, span in spans(chunks))
    assert [size for size in sizes.values() if size > 1_000] == [2033, 2033]


def test_payments_are_declined_now_and_then_for_more_than_one_reason(chunks: list[Chunk]) -> None:
    reasons = Counter(
        record.body.string_value.rpartition(": ")[2]
        for chunk in chunks
        for group in chunk.logs.resource_logs
        for scope in group.scope_logs
        for record in scope.log_records
        if " declined " in record.body.string_value and scope.scope.name == "shop.payments"
    )
    placed = sum(span.name == "send fulfilment" for _, span in spans(chunks))
    assert set(reasons) <= set(DECLINES)
    assert len(reasons) > 1  # one of three is rare enough to be missing in an hour
    assert 0.005 < reasons.total() / placed < 0.09


def test_customers_come_from_their_own_countries(chunks: list[Chunk]) -> None:
    countries: Counter[str] = Counter()
    for _, span in spans(chunks):
        found = {pair.key: pair.value.string_value for pair in span.attributes}
        if span.name == "POST /checkout" and not span.parent_span_id:
            countries[found["customer.country"]] += 1
            assert goods.CITIES[found["shipping.city"]][0] == found["customer.country"]
    assert len(countries) == 8
    assert countries["SN"] / countries.total() == pytest.approx(0.26, abs=0.06)


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
    last: dict[tuple[str, str], int] = defaultdict(int)  # of each release, which is a process
    ids = {span.span_id for _, span in spans(chunks)}
    exemplars = 0
    for request in metrics.requests(values, when, SEED):
        parsed = ExportMetricsServiceRequest.FromString(request.SerializeToString())
        for group in parsed.resource_metrics:
            about = {p.key: p.value.string_value for p in group.resource.attributes}
            service, release = about["service.name"], about["service.version"]
            for metric in group.scope_metrics[0].metrics:
                if metric.name == "shop.orders":
                    last[release, "orders"] = sum(p.as_int for p in metric.sum.data_points)
                if metric.name == "http.server.request.duration" and service == "orders":
                    points = metric.histogram.data_points
                    last[release, "requests"] = sum(p.count for p in points)
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
    assert last["3.8.0", "orders"] + last["3.8.1", "orders"] == names.pop("send fulfilment")
    assert last["3.8.0", "requests"] + last["3.8.1", "requests"] == names.total()
    assert exemplars > 0


def test_requests_in_flight_are_never_fewer_than_none(pools: Pools, when: Past) -> None:
    """Also across a release, whose process knows nothing of what the one before began."""
    for template in (template for pool in pools.values() for template in pool):
        active = Counter[str]()
        for measure in template.measures:
            if measure.name == metrics.ACTIVE:
                active[measure.service] += int(measure.value)
                assert active[measure.service] >= 0, template.action
        assert not any(active.values()), template.action
    replayer = Replayer(pools, when, SEED, values_only=True)
    values = [v for chunk in replayer.chunks(events(when, SEED), 5 * MINUTE) for v in chunk.values]
    levels = [
        point.as_int
        for request in metrics.requests(values, when, SEED)
        for group in request.resource_metrics
        for metric in group.scope_metrics[0].metrics
        if metric.name == metrics.ACTIVE
        for point in metric.sum.data_points
    ]
    assert min(levels) == 0
    assert 0 < max(levels) < 100


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
