"""Metrics derived from logs and spans: what is counted, by what, and exactly once."""

import threading
import time
from typing import Any

import pytest

from quarterdeck.registry import KINDS
from quarterdeck.resources.kind import parse_spec
from quarterdeck.telemetry.derived.count import Point, count
from quarterdeck.telemetry.derived.otlp import OVERFLOW, folded
from quarterdeck.telemetry.derived.spec import DerivedMetricSpec
from support.engine import new_project, shared_engine
from support.otlp import Sql
from support.rows import SECOND, add_logs, add_spans, now_ns
from support.server import Server

MINUTE = 60 * SECOND


def spec(**fields: Any) -> DerivedMetricSpec:
    base = {"title": "T", "metric": "m", "signal": "logs"}
    found, flaws = parse_spec(KINDS.named("derived-metric"), {**base, **fields})
    assert isinstance(found, DerivedMetricSpec), flaws
    return found


def counted(project: int, wanted: DerivedMetricSpec) -> list[Point]:
    now = now_ns() // 1_000_000
    return count(shared_engine(), project, wanted, now - 60_000, now + 60_000)


def test_a_metric_whose_search_cannot_be_read_is_refused_when_it_is_written() -> None:
    for signal, query, at in (("logs", "(((", 2), ("logs", "level>=warm", 7), ("traces", "a )", 2)):
        metric = {"title": "T", "metric": "m", "signal": signal, "query": query}
        found, flaws = parse_spec(KINDS.named("derived-metric"), metric)
        assert found is None
        assert f"cannot be read, at {at}" in str(flaws)


def test_a_metric_cannot_take_a_name_of_hosts_or_of_quarterdeck() -> None:
    taken = ("system.cpu.utilization", "process.memory", "quarterdeck_requests", "System_cpu", "quarterdeck")  # fmt: skip
    for name in (*taken, "systems.up", "shop.process.time", "processed_total"):
        metric = {"title": "T", "metric": name, "signal": "logs"}
        found, flaws = parse_spec(KINDS.named("derived-metric"), metric)
        assert (found is None) == (name in taken), name
        assert ("is a name of hosts" in str(flaws)) == (name in taken)


def test_records_are_counted_by_minute_service_and_label() -> None:
    project, minute = new_project().id, now_ns() // MINUTE * MINUTE - 3 * MINUTE
    lines = [
        {"time": minute, "attributes": {"code": 500}, "body": "failed"},
        {"time": minute + SECOND, "attributes": {"code": 500}, "body": "failed again"},
        {"time": minute + 2 * SECOND, "attributes": {"code": 200}, "body": "fine"},
        {"time": minute + MINUTE, "attributes": {}, "body": "failed late"},
        {"time": minute, "service": "pay", "resource": {"code": "r"}, "body": "failed"},
    ]
    add_logs(shared_engine(), project, *lines)
    found = counted(project, spec(query="failed", group_by=["code", "severity"]))
    shown = {(p.service, p.minute_s - minute // SECOND, p.labels, p.count) for p in found}
    assert shown == {
        ("shop", 0, (("code", "500"), ("severity", "info")), 2),
        ("shop", 60, (("severity", "info"),), 1),
        ("pay", 0, (("code", "r"), ("severity", "info")), 1),
    }


def test_a_field_is_added_up_and_rows_without_a_number_in_it_do_not_count() -> None:
    project = new_project().id
    values: list[Any] = [10, 2.5, "7", "seven", None, float("inf")]
    add_logs(shared_engine(), project, *({"attributes": {"ms": v} if v else {}} for v in values))
    (found,) = counted(project, spec(aggregation="sum", field="ms", scale=0.001))
    assert (found.count, round(found.sum, 6), found.min, found.max) == (3, 0.0195, 0.0025, 0.01)


def test_durations_of_spans_are_spread_over_buckets() -> None:
    project = new_project().id
    durations = [5, 100, 101, 250, 9_000, 20_000]  # milliseconds
    add_spans(shared_engine(), project, *({"duration_ns": d * 10**6} for d in durations))
    wanted = spec(signal="traces", aggregation="histogram", field="duration", bounds=[0.1, 0.25, 10.0])  # fmt: skip
    (found,) = counted(project, wanted)
    assert found.buckets == (2, 2, 1, 1)
    assert (found.count, found.min, found.max) == (6, 0.005, 20.0)


def test_labels_beyond_the_limit_are_folded_and_the_known_ones_go_on() -> None:
    def point(user: str, count: int, minute: int = 0) -> Point:
        return Point("s", "", "", minute, (("user", user),), count, count, 1, count, (count,))

    known: set[Any] = {("s", "", "", (("user", "old"),))}
    points = [point("a", 5), point("b", 4), point("c", 3), point("c", 2, 60), point("old", 1)]
    kept = folded(points, 2, known)
    assert [(p.labels, p.minute_s, p.count) for p in kept] == [
        ((("user", "a"),), 0, 5),
        ((("user", "old"),), 0, 1),
        (OVERFLOW, 0, 7),
        (OVERFLOW, 60, 2),
    ]
    assert kept[2].buckets == (7,)


@pytest.mark.parametrize(
    "fields",
    [
        {"aggregation": "sum"},
        {"field": "ms"},
        {"metric": "9lives"},
        {"aggregation": "histogram", "field": "ms", "bounds": [2.0, 1.0]},
        {"group_by": ["a", "a"]},
        {"group_by": [""]},
        {"max_series": 0},
        {"query": "x" * 4001},
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    base = {"title": "T", "metric": "m", "signal": "logs"}
    found, flaws = parse_spec(KINDS.named("derived-metric"), {**base, **fields})
    assert found is None
    assert flaws


@pytest.mark.timeout(170)
def test_each_record_is_counted_once_though_the_server_is_killed_again_and_again(
    own_server: Server,
) -> None:
    own_server.start()
    sent, stop = [0], threading.Event()
    body = {
        "spec": {"title": "Orders", "metric": "shop.orders", "signal": "logs", "query": "order"}
    }
    with own_server.client() as client:
        assert client.put("/api/resources/derived-metric/orders", json=body).status_code in (200, 201)  # fmt: skip

    def send() -> None:
        with own_server.client(timeout=5) as client:
            while not stop.is_set():
                try:
                    answer = client.post("/v1/logs", json=log_request(7))
                    sent[0] += 7 * (answer.status_code == 200)
                except Exception:
                    time.sleep(0.05)
                time.sleep(0.02)

    thread = threading.Thread(target=send)
    thread.start()
    for _ in range(2):
        time.sleep(7)
        own_server.kill()
        own_server.start()
    stop.set()
    thread.join()
    sql = Sql(own_server)
    deadline = time.monotonic() + 60
    total = kept = 0
    while time.monotonic() < deadline:
        kept = sql("SELECT count() AS n FROM logs")[0]["n"]
        total = sql("SELECT sum(value) AS n FROM samples WHERE metric = 'shop.orders'")[0]["n"]
        if total >= kept > 0:
            break
        time.sleep(1)
    time.sleep(6)  # another run finds nothing more
    total = sql("SELECT sum(value) AS n FROM samples WHERE metric = 'shop.orders'")[0]["n"]
    assert total == kept >= sent[0] > 0


def log_request(lines: int) -> dict[str, Any]:
    record = {
        "timeUnixNano": str(now_ns()),
        "severityNumber": 9,
        "body": {"stringValue": "order placed"},
    }
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record] * lines}]}]}
