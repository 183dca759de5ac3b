"""Who calls whom: every kind of call, late and lost spans, and counting each of them once."""

import itertools
import time
from typing import Any

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry import edges
from quarterdeck.telemetry.minutes import LATE_MS
from quarterdeck.telemetry.query.dependencies import dependencies
from quarterdeck.telemetry.query.edge_detail import edge_detail
from quarterdeck.telemetry.query.edge_figures import Pair, end_of, node_id
from quarterdeck.telemetry.query.service_map import service_map
from quarterdeck.telemetry.query.window import Window, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_spans, now_ns

MS = 1_000_000
MINUTE = 60 * SECOND
HTTP = {"http.request.method": "GET", "server.address": "pay.internal", "server.port": 8080}
KAFKA = {"messaging.system": "kafka", "messaging.destination.name": "orders"}

_ids = itertools.count(1)


def span(
    service: str, kind: str, parent: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """A span below another, in its trace and a little after it, or at the head of a trace."""
    number = next(_ids)
    return {
        "service": service,
        "kind": kind,
        "trace_id": parent["trace_id"] if parent else f"{number:032x}",
        "span_id": f"{number:016x}",
        "parent_span_id": parent["span_id"] if parent else "0" * 16,
        "time": parent["time"] + MS if parent else now_ns() - 5 * MINUTE,
        "duration_ns": 10 * MS,
        **more,
    }


def count() -> None:
    """What the job does, once all that arrived has had its time."""
    time.sleep(0.003)  # a mark is a millisecond, and what arrived within it counts as seen
    edges.count_new(shared_engine(), now_ns() + LATE_MS * MS, now_ns())
    time.sleep(0.003)


def window(project: int, minutes: int = 60, environment: str = "") -> Window:
    now = now_ns() // MS
    return window_of(project, now - minutes * 60_000, now + 60_000, environment)


def pairs(project: int) -> dict[tuple[str, str], Pair]:
    found = service_map(shared_engine(), window(project))
    return {(edge.source, edge.target): edge for edge in found.edges}


def stored(project: int) -> dict[tuple[str, str], tuple[int, int]]:
    """Calls and errors as they are stored, by source and target."""
    sql = f"""
        SELECT source_kind, source, target_kind, target, system, sum(calls), sum(errors) FROM edges_1m
        WHERE project = {project} AND (minute, version) IN (
            SELECT minute, max(version) FROM edges_1m WHERE project = {project} GROUP BY minute)
        GROUP BY ALL HAVING sum(calls) > 0"""
    return {
        (node_id(a, system, b), node_id(c, system, d)): (calls, errors)
        for a, b, c, d, system, calls, errors in shared_engine().query("test", sql).rows
    }


def counted(*spans: dict[str, Any]) -> dict[tuple[str, str], tuple[int, int]]:
    project = new_project().id
    add_spans(shared_engine(), project, *spans)
    count()
    return stored(project)


def test_a_call_of_another_service_counts_once_as_the_caller_saw_it() -> None:
    project = new_project().id
    web = span("web", "server")
    call = span("web", "client", web, duration_ns=50 * MS, status="error", attributes=HTTP)
    pay = span("pay", "server", call, duration_ns=20 * MS)
    inside = span("pay", "internal", pay)
    nested = span("pay", "server", inside)  # a framework within the framework: no call
    add_spans(shared_engine(), project, web, call, pay, inside, nested)
    count()
    found = pairs(project)
    assert set(found) == {("outside", "service:web"), ("service:web", "service:pay")}
    edge = found["service:web", "service:pay"].figures
    assert edge.error_rate == 1
    assert edge.p95_ms is not None
    assert 47 < edge.p95_ms < 53


LEAVING = {
    "database:postgresql:shop": {"db.system.name": "postgresql", "db.namespace": "shop", "server.address": "db1"},
    "database:mysql:shop": {"db.system": "mysql", "db.name": "shop"},
    "database:redis:cache": {"db.system": "redis", "net.peer.name": "cache"},
    "database:elasticsearch:es": {"db.system.name": "Elasticsearch", "url.full": "http://es:9200/_search"},
    "external:api.stripe.com": {"http.request.method": "POST", "server.address": "api.stripe.com"},
    "external:api.paypal.com": {"http.method": "POST", "http.url": "https://me:secret@API.PayPal.com:443/v1?u=http://x"},
    "external:mail.example": {"http.method": "GET", "http.host": "mail.example:8443"},
    "external:203.0.113.7": {"http.method": "GET", "net.peer.ip": "203.0.113.7"},
    "external:rates.Rates": {"rpc.system": "grpc", "rpc.service": "rates.Rates"},
    "external:legacy billing": {"peer.service": "legacy billing", "net.peer.name": "10.0.0.9"},
    "external:smtp.example": {"server.address": "smtp.example"},
    "external:*.s3.amazonaws.com": {"http.method": "GET", "server.address": "bucket-8f3a9c2b.s3.amazonaws.com"},
    "external:*.ec2.internal": {"http.method": "GET", "server.address": "ip-10-0-31-17.ec2.internal"},
    "external:": {"http.method": "GET"},
}  # fmt: skip


def test_a_call_that_leaves_the_house_is_named_by_old_and_new_conventions() -> None:
    web = span("web", "server")
    calls = [span("web", "client", web, attributes=attributes) for attributes in LEAVING.values()]
    assert counted(web, *calls) == {
        ("outside", "service:web"): (1, 0),
        **{("service:web", node): (1, 0) for node in LEAVING},
    }


def test_a_client_span_that_says_nothing_of_its_peer_is_no_call() -> None:
    web = span("web", "server")
    assert counted(web, span("web", "client", web)) == {("outside", "service:web"): (1, 0)}


def test_a_queue_stands_between_who_sends_and_who_consumes() -> None:
    web = span("web", "server")
    send = span("web", "producer", web, attributes=KAFKA)
    receive = span("mail", "consumer", send, attributes=KAFKA)
    process = span("mail", "consumer", receive, attributes=KAFKA)  # of the same message
    linked = span("stock", "consumer", attributes={**KAFKA, "messaging.operation": "process"})
    plain = span("audit", "consumer", send)  # known by its producer alone
    old = span("web", "producer", web, attributes={"messaging.system": "sqs", "messaging.destination": "jobs"})  # fmt: skip
    poll = span("jobs", "client", attributes={"messaging.system": "sqs", "messaging.destination.name": "jobs",
                                              "messaging.operation.type": "receive"})  # fmt: skip
    settle = span("jobs", "client", poll, attributes={"messaging.system": "sqs", "messaging.destination.name": "jobs",
                                                      "messaging.operation.type": "settle"})  # fmt: skip
    assert counted(web, send, receive, process, linked, plain, old, poll, settle) == {
        ("outside", "service:web"): (1, 0),
        ("service:web", "queue:kafka:orders"): (1, 0),
        ("queue:kafka:orders", "service:mail"): (1, 0),
        ("queue:kafka:orders", "service:stock"): (1, 0),
        ("queue:kafka:orders", "service:audit"): (1, 0),
        ("service:web", "queue:sqs:jobs"): (1, 0),
        ("queue:sqs:jobs", "service:jobs"): (1, 0),
    }


def test_a_parent_within_another_service_makes_a_call_too_and_an_unknown_one_comes_from_outside() -> (
    None
):
    web = span("web", "server")
    inside = span("web", "internal", web)
    pay = span("pay", "server", inside)
    lost = span("pay", "server", span("gone", "client"))
    assert counted(web, inside, pay, lost) == {
        ("outside", "service:web"): (1, 0),
        ("service:web", "service:pay"): (1, 0),
        ("outside", "service:pay"): (1, 0),
    }


def test_a_library_above_a_library_makes_one_call() -> None:
    web = span("web", "server")
    sdk = span("web", "client", web, attributes={"rpc.system": "aws-api", "rpc.service": "S3"})
    http = span("web", "client", sdk, attributes={"http.request.method": "PUT", "server.address": "s3.example"})  # fmt: skip
    dns = span("web", "client", http, attributes={"net.peer.name": "s3.example"})
    search = span("web", "client", web, attributes={"db.system": "elasticsearch", "db.name": "products"})  # fmt: skip
    wire = span("web", "client", search, attributes={"http.method": "POST", "net.peer.name": "es"})
    assert counted(web, sdk, http, dns, search, wire) == {
        ("outside", "service:web"): (1, 0),
        ("service:web", "external:s3.example"): (1, 0),
        ("service:web", "database:elasticsearch:products"): (1, 0),
    }


def test_calls_in_a_circle_and_of_oneself_are_calls() -> None:
    web = span("web", "server")
    there = span("web", "client", web, attributes=HTTP)
    pay = span("pay", "server", there)
    back = span("pay", "client", pay, attributes=HTTP)
    again = span("web", "server", back)
    own = span("web", "client", again, attributes=HTTP)
    last = span("web", "server", own)
    assert counted(web, there, pay, back, again, own, last) == {
        ("outside", "service:web"): (1, 0),
        ("service:web", "service:pay"): (1, 0),
        ("service:pay", "service:web"): (1, 0),
        ("service:web", "service:web"): (1, 0),
    }


def test_what_arrives_late_is_counted_where_it_belongs_and_nothing_twice() -> None:
    project = new_project().id
    web = span("web", "server", time=(now_ns() - 5 * MINUTE) // MINUTE * MINUTE + 59 * SECOND)
    call = span("web", "client", web, attributes=HTTP)
    add_spans(shared_engine(), project, web, call)
    count()
    before = {("outside", "service:web"): (1, 0), ("service:web", "external:pay.internal"): (1, 0)}
    assert stored(project) == before
    # The answer began in the next minute and comes when its call has long been counted.
    pay = span("pay", "server", call, time=call["time"] + 2 * SECOND)
    add_spans(shared_engine(), project, pay)
    count()
    after = {("outside", "service:web"): (1, 0), ("service:web", "service:pay"): (1, 0)}
    assert stored(project) == after
    # And the other way round: what looked like traffic from outside finds its caller.
    other = span("web", "client", web, attributes=HTTP, time=web["time"])
    ship = span("ship", "server", other, time=other["time"] + 3 * SECOND)
    add_spans(shared_engine(), project, ship)
    count()
    assert stored(project) == {**after, ("outside", "service:ship"): (1, 0)}
    add_spans(shared_engine(), project, {**other, "duration_ns": 5 * SECOND})
    count()
    assert stored(project) == {**after, ("service:web", "service:ship"): (1, 0)}


@pytest.mark.parametrize("lost", ["the mark", "the mark and half the rows"])
def test_a_run_that_died_and_is_done_again_counts_nothing_twice(lost: str) -> None:
    project = new_project().id
    web = span("web", "server")
    calls = [span("web", "client", web, attributes={**HTTP, "server.address": f"{n}.example"}) for n in "abc"]  # fmt: skip
    arrived = now_ns() // MS - 1
    add_spans(shared_engine(), project, web, *calls)
    count()
    expected = stored(project)
    assert len(expected) == 4
    engine = shared_engine()
    engine.execute(
        "INSERT INTO facet_marks (signal, received, version)"
        f" VALUES ('edges', fromUnixTimestamp64Milli({arrived}), {edges.counted_ms(engine) + 1})"
    )
    if lost != "the mark":
        engine.execute(
            f"ALTER TABLE edges_1m DELETE WHERE project = {project} AND target IN ('a.example', 'web') SETTINGS mutations_sync = 1"
        )
    count()
    assert stored(project) == expected


def test_a_call_that_nobody_answers_belongs_to_the_service_of_that_address() -> None:
    project = new_project().id

    def call(answered: bool) -> list[dict[str, Any]]:
        web = span("web", "server")
        asks = span("web", "client", web, attributes=HTTP, status="ok" if answered else "error")
        return [web, asks, span("pay", "server", asks)] if answered else [web, asks]

    add_spans(shared_engine(), project, *call(True))
    count()
    add_spans(shared_engine(), project, *call(False), *call(False))
    count()
    assert stored(project) == {
        ("outside", "service:web"): (3, 0),
        ("service:web", "service:pay"): (3, 2),
    }


def test_names_without_end_become_one_and_names_are_cut() -> None:
    project = new_project().id
    web = span("web", "server")
    add_spans(
        shared_engine(), project, web,
        *(span("web", "client", web, attributes={"http.method": "GET", "net.peer.name": f"{'x' * (n + 1)}.example"}) for n in range(60)),
        *(span("web", "client", web, attributes={"http.method": "GET", "net.peer.name": "busy.example"}) for _ in range(2)),
        span("web", "client", web, attributes={"db.system": "post:gres", "db.name": "a\nb" + "c" * 5_000}),
    )  # fmt: skip
    count()
    found = stored(project)
    outside = {target: calls for (_, target), (calls, _) in found.items() if "external" in target}
    assert len(outside) == edges.MOST_NAMES + 1
    assert outside["external:busy.example"] == 2
    assert sum(outside.values()) == 62
    (database,) = (target for _, target in found if target.startswith("database"))
    assert database == "database:post gres:a b" + "c" * 197
    assert end_of(database) == ("database", "post gres", "a b" + "c" * 197)


def test_of_a_busy_minute_whole_traces_are_sampled_and_scaled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edges, "EXACT_SPANS", 300)
    project = new_project().id
    spans = []
    for _ in range(400):
        web = span("web", "server", time=now_ns() // MINUTE * MINUTE - 5 * MINUTE)
        call = span("web", "client", web, attributes=HTTP)
        spans += [web, call, span("pay", "server", call)]
    add_spans(shared_engine(), project, *spans)
    count()
    found = stored(project)
    assert set(found) == {("outside", "service:web"), ("service:web", "service:pay")}
    assert len({calls for calls, _ in found.values()}) == 1
    assert 250 < found["service:web", "service:pay"][0] < 550


def busy(project: int, ago: int, calls: int, duration: int, failing: int = 0) -> None:
    spans = []
    for n in range(calls):
        web = span("web", "server", time=now_ns() - ago * MINUTE)
        call = span(
            "web", "client", web, attributes=HTTP, duration_ns=duration * MS,
            status="error" if n < failing else "ok",
        )  # fmt: skip
        spans += [web, call, span("pay", "server", call, duration_ns=duration * MS)]
    add_spans(shared_engine(), project, *spans)


def test_the_period_before_stands_beside_and_what_became_worse_is_said() -> None:
    project = new_project().id
    busy(project, 59, 30, 10)
    busy(project, 40, 30, 10)
    busy(project, 10, 30, 40)
    count()
    found = service_map(shared_engine(), window(project, 29))
    (edge,) = (e for e in found.edges if e.target == "service:pay")
    assert (edge.health, edge.figures.error_rate) == ("worse", 0)
    assert edge.before is not None
    assert edge.before.p95_ms is not None
    assert 9 < edge.before.p95_ms < 11
    nodes = {node.id: node for node in found.nodes}
    assert (nodes["service:pay"].health, nodes["service:web"].health) == ("worse", "good")
    assert nodes["outside"].figures is None
    busy(project, 5, 30, 40, failing=6)
    count()
    (edge,) = (
        e
        for e in service_map(shared_engine(), window(project, 29)).edges
        if e.target == "service:pay"
    )
    assert edge.health == "failing"
    assert edge.figures.error_rate == 0.1


def test_the_neighbours_of_a_service_come_with_their_course() -> None:
    project = new_project().id
    busy(project, 10, 6, 10, failing=3)
    count()
    found = dependencies(shared_engine(), window(project, 30), "pay")
    (caller,) = found.upstream
    assert (caller.id, caller.kind, caller.name) == ("service:web", "service", "web")
    assert found.downstream == []
    rates = [rate for rate in caller.course.rate if rate]
    assert rates == [pytest.approx(0.1)]
    assert [share for share in caller.course.errors if share is not None] == [0.5]
    web = dependencies(shared_engine(), window(project, 30), "web")
    assert [each.id for each in web.upstream] == ["outside"]
    assert [each.id for each in web.downstream] == ["service:pay"]


def test_an_edge_from_close_by_names_its_operations_and_slowest_calls() -> None:
    project = new_project().id
    web = span("web", "server")
    calls = [
        span("web", "client", web, name=name, attributes=HTTP, duration_ns=duration * MS)
        for name, duration in (("GET /a", 10), ("GET /a", 30), ("POST /b", 20))
    ]
    answers = [span("pay", "server", call) for call in calls]
    other = span("web", "client", web, attributes={"db.system": "postgresql", "db.name": "shop"})
    add_spans(shared_engine(), project, web, *calls, *answers, other)
    count()
    found = edge_detail(shared_engine(), window(project), "service:web", "service:pay")
    assert [(each.name, each.calls) for each in found.operations] == [("GET /a", 2), ("POST /b", 1)]
    assert [round(each.duration_ms) for each in found.slowest] == [30, 20, 10]
    assert found.slowest[0].span_id == calls[1]["span_id"]
    assert found.address == "pay.internal:8080"
    node = edge_detail(shared_engine(), window(project), "", "database:postgresql:shop")
    assert [(each.service, each.calls) for each in node.operations] == [("web", 1)]
    outside = edge_detail(shared_engine(), window(project), "outside", "")
    assert [each.service for each in outside.operations] == ["web"]


def test_environments_are_kept_apart() -> None:
    project = new_project().id
    web = span("web", "server", environment="staging")
    add_spans(shared_engine(), project, web, span("shop", "server"))
    count()
    found = service_map(shared_engine(), window(project, environment="staging"))
    assert [(edge.source, edge.target) for edge in found.edges] == [("outside", "service:web")]


@pytest.mark.parametrize("node", ["", "planet:x", "database:x", "outside:x"])
def test_what_is_no_node_is_refused(node: str) -> None:
    with pytest.raises(BadInput):
        edge_detail(shared_engine(), window(new_project().id), node, "")
