"""The shop by itself: real requests through all its services, seen through in-memory exporters."""

import asyncio
import contextlib
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from quarterdeck.demo.history.record import Studio, weather
from quarterdeck.demo.shop import goods, payments, runtime, schema
from quarterdeck.demo.shop.telemetry import Telemetry, resource
from quarterdeck.demo.traffic.personas import Plan, Step
from quarterdeck.demo.traffic.visitors import Shop, Visitor, act_as_staff

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[tuple[Studio, Shop]]:
    studio = Studio(tmp_path, seed=1)
    async with studio.open() as shop:
        yield studio, shop


def plan(city: str = "Bamako", provider: str = "northcard", html: bool = True) -> Plan:
    customer = next(found for found in goods.customers(1) if found.city == city)
    return Plan("buyer", customer, provider, "test", "198.51.100.7", html)


async def buy(shop: Shop, whose: Plan) -> tuple[Visitor, httpx.Response]:
    """Put something into a cart and check out, until the provider does not decline."""
    while True:
        visitor = Visitor(shop, whose)
        for step in (Step(0, "add", sku="BOO-001"), Step(0, "login")):
            await visitor.act(step)
        answer = await visitor.act(Step(0, "checkout"))
        assert answer is not None
        if answer.status_code != 402:
            return visitor, answer


def finished(studio: Studio) -> list[ReadableSpan]:
    return [span for kept in studio.spans.values() for span in kept.get_finished_spans()]


def service(span: ReadableSpan) -> str:
    return str(span.resource.attributes["service.name"])


def trace_of(studio: Studio, root: str) -> list[ReadableSpan]:
    """The last trace whose root has the name."""
    spans = finished(studio)
    roots = [span for span in spans if span.parent is None and span.name == root]
    assert roots[-1].context is not None
    wanted = roots[-1].context.trace_id
    return [span for span in spans if span.context and span.context.trace_id == wanted]


async def test_a_shop_that_starts_again_on_its_data_still_takes_orders(tmp_path: Path) -> None:
    numbers = set()
    for _ in range(2):
        async with Studio(tmp_path, seed=1).open() as shop:
            visitor, answer = await buy(shop, plan())
            assert answer.status_code == 303
            numbers.add(visitor.order)
    assert len(numbers) == 2


async def test_a_checkout_is_one_trace_across_four_services(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    visitor, answer = await buy(shop, plan())
    assert answer.status_code == 303
    assert visitor.order.startswith("SH-")
    spans = trace_of(seen, "POST /checkout")
    assert {service(span) for span in spans} == {"web", "orders", "catalogue", "payments"}
    ids = {span.context.span_id for span in spans if span.context}
    assert all(span.parent is None or span.parent.span_id in ids for span in spans)
    assert sum(span.parent is None for span in spans) == 1
    assert {span.kind for span in spans} == {
        SpanKind.SERVER,
        SpanKind.CLIENT,
        SpanKind.INTERNAL,
        SpanKind.PRODUCER,
    }


async def test_session_and_user_travel_with_the_trace(studio: tuple[Studio, Shop]) -> None:
    seen, shop = studio
    await buy(shop, plan())
    servers = [s for s in trace_of(seen, "POST /checkout") if s.kind is SpanKind.SERVER]
    assert len(servers) == 4
    for name in ("session.id", "user.id", "enduser.id"):
        assert len({(s.attributes or {}).get(name) for s in servers}) == 1
        assert all((s.attributes or {}).get(name) for s in servers)


async def test_the_provider_outside_is_seen_through_a_client_span_alone(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    await buy(shop, plan(provider="sahelpay"))
    called = [s for s in trace_of(seen, "POST /checkout") if s.name == "POST /v2/charges"]
    assert called
    for span in called:
        attributes = span.attributes or {}
        assert span.kind is SpanKind.CLIENT
        assert attributes["server.address"] == "api.sahelpay.example"
        assert attributes["payment.provider"] == "sahelpay"
        assert isinstance(attributes["payment.amount"], int)
    assert "outside" not in {service(span) for span in finished(seen)}


async def test_fulfilment_is_a_trace_of_its_own_that_links_to_the_order(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    visitor, _ = await buy(shop, plan())
    for _attempt in range(60):
        processed = [s for s in finished(seen) if s.name == "process fulfilment"]
        if processed:
            break
        await asyncio.sleep(0.1)
    sent = next(s for s in finished(seen) if s.name == "send fulfilment")
    assert sent.context is not None
    assert processed[0].context is not None
    link = processed[0].links[0]
    assert (link.context.trace_id, link.context.span_id) == (
        sent.context.trace_id,
        sent.context.span_id,
    )
    assert processed[0].context.trace_id != sent.context.trace_id
    assert processed[0].parent is None
    assert (link.attributes or {})["order.number"] == visitor.order


async def test_database_spans_show_statements_with_placeholders(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    await Visitor(shop, plan()).act(Step(0, "product", sku="KIT-001"))
    span = next(s for s in finished(seen) if s.name == "SELECT products")
    attributes = span.attributes or {}
    assert attributes["db.system.name"] == "sqlite"
    assert attributes["db.query.text"] == "SELECT * FROM products WHERE sku = ?"
    assert attributes["db.collection.name"] == "products"
    assert attributes["db.response.returned_rows"] == 1


async def test_a_missing_tariff_is_a_recorded_exception_and_a_500(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    weather.set(frozenset({"checkout-errors"}))
    _, answer = await buy(shop, plan("Dakar"))
    assert answer.status_code == 502
    spans = trace_of(seen, "POST /checkout")
    fault = next(s for s in spans if service(s) == "orders" and s.kind is SpanKind.SERVER)
    assert fault.status.status_code is StatusCode.ERROR
    event = next(event for event in fault.events if event.name == "exception")
    recorded = event.attributes or {}
    assert recorded["exception.type"] == "KeyError"
    assert "in quote" in str(recorded["exception.stacktrace"])
    assert any(s.name == "POST /restock" for s in spans), "what was reserved is given back"


async def test_cities_inland_are_served_while_the_coast_is_not(
    studio: tuple[Studio, Shop],
) -> None:
    _, shop = studio
    weather.set(frozenset({"checkout-errors"}))
    _, answer = await buy(shop, plan("Bamako"))
    assert answer.status_code == 303


async def test_slow_queries_slow_one_category_alone(tmp_path: Path) -> None:
    seen = Studio(tmp_path, seed=1, sales_days=schema.SALES_DAYS)
    async with seen.open() as shop:
        visitor = Visitor(shop, plan())

        async def milliseconds(category: str) -> float:
            await visitor.act(Step(0, "category", category=category))
            span = [s for s in finished(seen) if s.name == "SELECT products"][-1]
            assert span.start_time is not None
            assert span.end_time is not None
            return (span.end_time - span.start_time) / 1e6

        before = await milliseconds("kitchen")
        weather.set(frozenset({"slow-queries"}))
        slow = await milliseconds("kitchen")
        assert slow > before * 4
        assert slow > 100
        lines = [str(log.log_record.body) for log in seen.logs["catalogue"].get_finished_logs()]
        assert any(line.startswith("slow query: SELECT products took ") for line in lines)
        assert await milliseconds("books") < slow / 4


async def test_the_category_stands_on_the_spans_where_one_looks(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    await Visitor(shop, plan()).act(Step(0, "category", category="kitchen"))
    spans = trace_of(seen, "GET /c/{category}")
    for name in ("GET /c/{category}", "GET /categories/{slug}/products", "SELECT products"):
        found = [s for s in spans if s.name == name and s.kind is not SpanKind.INTERNAL]
        assert any((s.attributes or {}).get("product.category") == "kitchen" for s in found), name


async def test_those_outside_are_named_as_the_world_would_name_them(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    await buy(shop, plan(provider="sahelpay"))
    outside = {
        (str((s.attributes or {})["server.address"]), (s.attributes or {})["server.port"])
        for s in trace_of(seen, "POST /checkout")
        if s.kind is SpanKind.CLIENT and "url.full" in (s.attributes or {})
    }
    assert {("api.sahelpay.example", 443), ("rates.colisway.example", 443)} < outside


async def test_a_recount_is_one_large_trace_that_links_to_its_cause(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    answer = await shop.send("catalogue", "POST", "/stock/recount", {})
    assert answer is not None
    assert answer.status_code == 200
    spans = trace_of(seen, "recount stock")
    assert len(spans) == 1 + 8 * 2 + 96 * 21
    root = next(s for s in spans if s.parent is None)
    cause = next(s for s in finished(seen) if s.name == "POST /stock/recount")
    assert [link.context for link in root.links] == [cause.context]
    counted = [log.log_record for log in seen.logs["catalogue"].get_finished_logs()]
    event = next(log for log in counted if log.event_name == "stock.recounted")
    assert isinstance(event.body, dict)
    assert set(event.body["categories"]) == set(goods.CATEGORIES)


def test_a_process_tells_of_its_memory_threads_and_collector() -> None:
    reader = InMemoryMetricReader()
    telemetry = Telemetry(resource("web", "1"), [], [], reader)
    runtime.watch(telemetry)
    data = reader.get_metrics_data()
    assert data is not None
    points = {
        metric.name: [point.value for point in metric.data.data_points]  # type: ignore[union-attr]
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
    }
    assert points["process.memory.usage"][0] > 10_000_000
    assert points["process.thread.count"][0] >= 1
    assert len(points["cpython.gc.collections"]) == 3
    assert sum(points["process.cpu.time"]) > 0
    telemetry.close()


async def test_an_outage_is_retried_with_backoff_and_then_refused(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    weather.set(frozenset({"payment-outage"}))
    statuses = []
    for _ in range(8):
        _, answer = await buy(shop, plan(provider="sahelpay"))
        statuses.append(answer.status_code)
        if answer.status_code == 503:
            break
    assert statuses[-1] == 503
    spans = trace_of(seen, "POST /checkout")
    attempts = sorted(
        (s for s in spans if s.name == "POST /v2/charges"), key=lambda s: s.start_time or 0
    )
    assert [(s.attributes or {}).get("http.request.resend_count", 0) for s in attempts] == [0, 1, 2]
    pauses = [
        (after.start_time or 0) - (before.end_time or 0)
        for before, after in itertools.pairwise(attempts)
    ]
    assert pauses[1] > pauses[0] > 50e6
    charge = next(s for s in spans if service(s) == "payments" and s.kind is SpanKind.SERVER)
    assert [event.name for event in charge.events].count("payment.retry") == 2


async def test_a_bad_release_is_slow_for_one_provider_in_one_country_alone(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    weather.set(frozenset({"bad-release"}))
    plans = [plan(city, paid) for city in ("Dakar", "Abidjan") for paid in payments.PEERS]
    await asyncio.gather(*(buy(shop, whose) for whose in plans for _ in range(6)))
    spans = finished(seen)
    slow = {s.context.trace_id for s in spans if s.context and s.name == "GET /v2/wallets"}
    charges = defaultdict[tuple[str, str, str], set[bool]](set)
    for span in spans:
        about = span.attributes or {}
        if span.context and span.name == "POST /charges" and span.kind is SpanKind.SERVER:
            key = (
                str(span.resource.attributes["service.version"]),
                str(about["payment.provider"]),
                str(about["customer.country"]),
            )
            charges[key].add(span.context.trace_id in slow)
    assert charges.pop(("1.10.0", "sahelpay", "SN")) == {True}
    assert {asked for many in charges.values() for asked in many} == {False}
    assert {version for version, _, _ in charges} == {"1.9.3", "1.10.0"}
    lines = [
        (str(log.resource.attributes["service.version"]), str(log.log_record.body))
        for kept in ("payments", "payments-next")
        for log in seen.logs[kept].get_finished_logs()
    ]
    told = {version for version, line in lines if line.startswith("no wallet operator known")}
    assert told == {"1.10.0"}


async def test_logs_carry_their_trace_and_typed_attributes(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    await buy(shop, plan())
    logs = seen.logs["orders"].get_finished_logs()
    placed = next(log.log_record for log in logs if "placed" in str(log.log_record.body))
    attributes = placed.attributes or {}
    assert isinstance(attributes["order.total"], int)
    assert attributes["order.skus"] == ("BOO-001",)
    assert attributes["shipping.free"] is False
    root = next(s for s in trace_of(seen, "POST /checkout") if s.parent is None)
    assert root.context is not None
    assert placed.trace_id == root.context.trace_id


async def test_metrics_hold_every_kind(studio: tuple[Studio, Shop]) -> None:
    seen, shop = studio
    await buy(shop, plan())
    await act_as_staff(shop, "admin_analytics", "u_0001")
    kinds = {}
    for reader in seen.readers.values():
        data = reader.get_metrics_data()
        for resource_metrics in data.resource_metrics if data else []:
            for scope in resource_metrics.scope_metrics:
                for metric in scope.metrics:
                    kinds[metric.name] = type(metric.data).__name__
                    if metric.name == "shop.revenue":
                        assert metric.unit == "XOF"
                        assert isinstance(metric.data.data_points[0].value, int)  # type: ignore[union-attr]
    assert kinds["http.server.request.duration"] == "Histogram"
    assert kinds["db.client.operation.duration"] == "ExponentialHistogram"
    assert kinds["shop.orders"] == "Sum"
    assert kinds["shop.cart.items"] == "Sum"
    assert kinds["shop.stock"] == "Gauge"


async def test_a_request_whose_caller_gives_up_is_in_flight_no_more(
    studio: tuple[Studio, Shop],
) -> None:
    seen, shop = studio
    giving_up = asyncio.create_task(buy(shop, plan()))
    await asyncio.sleep(0.05)
    giving_up.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await giving_up
    await buy(shop, plan())
    levels = [
        point.value  # type: ignore[union-attr]
        for reader in seen.readers.values()
        if (data := reader.get_metrics_data())
        for resource_metrics in data.resource_metrics
        for scope in resource_metrics.scope_metrics
        for metric in scope.metrics
        if metric.name == "http.server.active_requests"
        for point in metric.data.data_points
    ]
    assert len(levels) > 3
    assert set(levels) == {0}
