"""What the pages of hosts are told: shares, rates over restarts, full disks, silent machines."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from quarterdeck.agent.otlp import Points
from quarterdeck.core.errors import NotFound
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.batcher import Pending
from quarterdeck.telemetry.ingest.otlp.resources import inspect
from quarterdeck.telemetry.ingest.otlp.signals import METRICS
from quarterdeck.telemetry.ingest.otlp.write import writer
from quarterdeck.telemetry.query.host import host, host_services
from quarterdeck.telemetry.query.hosts import hosts
from quarterdeck.telemetry.query.window import Window
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, add_spans

MINUTE = 60 * SECOND
NOW = time.time_ns() // MINUTE * MINUTE


@pytest.fixture
def engine() -> EmbeddedEngine:
    return shared_engine()


@pytest.fixture
def project() -> int:
    return new_project().id


def window(project: int, minutes: int = 60, environment: str = "") -> Window:
    end = NOW // 1_000_000
    return Window(project, end - minutes * 60_000, end, environment)


def send(engine: EmbeddedEngine, project: int, *told: Points) -> None:
    """Store points as ingest does."""
    whole = ExportMetricsServiceRequest()
    for points in told:
        whole.MergeFrom(points.request)
    request = inspect(METRICS, whole, whole.SerializeToString())
    pending = Pending(project, request, time.time_ns(), cast(Any, None), cast(Any, None))
    assert writer(engine, METRICS, lambda project, signal: 30)([pending]) == {}


def machine(
    name: str, minute: float, resource: Mapping[str, str] | None = None, since: int = 10_000
) -> Points:
    """Empty points of a machine, so many minutes ago, that has run since some minutes ago."""
    at = NOW - int(minute * MINUTE)
    return Points({"host.name": name, **(resource or {})}, at, NOW - since * MINUTE)


def healthy(name: str, minute: float, resource: Mapping[str, str] | None = None) -> Points:
    points = machine(name, minute, resource)
    for mode, share in (("user", 0.2), ("system", 0.1), ("iowait", 0.1), ("idle", 0.6)):
        points.gauge("system.cpu.utilization", "1", share, {"cpu.mode": mode})
    for state, size in (("used", 6_000), ("cached", 1_000), ("free", 3_000)):
        points.amount("system.memory.usage", "By", size, {"system.memory.state": state})
    return points


def disk(points: Points, used: float, size: float = 100e9, mountpoint: str = "/data") -> Points:
    of = {"system.filesystem.mountpoint": mountpoint}
    for state, amount in (("used", used), ("free", size - used), ("reserved", 5e9)):
        points.amount(
            "system.filesystem.usage", "By", amount, {**of, "system.filesystem.state": state}
        )
    return points


def network(points: Points, received: float, sent: float = 0) -> Points:
    for direction, amount in (("receive", received), ("transmit", sent)):
        of = {"network.interface.name": "eth0", "network.io.direction": direction}
        points.total("system.network.io", "By", int(amount), of)
    return points


def known(points: Sequence[float | None]) -> list[float]:
    return [point for point in points if point is not None]


def test_a_host_is_listed_with_what_it_uses(engine: EmbeddedEngine, project: int) -> None:
    who = {"os.description": "Debian 12", "host.arch": "arm64"}
    send(engine, project, *(healthy("web-1", minute, who) for minute in (1, 2, 3)))
    [row] = hosts(engine, window(project, minutes=30)).items
    assert (row.host, row.os, row.arch) == ("web-1", "Debian 12", "arm64")
    assert row.cpu == pytest.approx(0.3)  # waiting for a disk is not computing
    assert row.memory == pytest.approx(0.6)
    assert row.memory_bytes == 10_000
    assert known(row.cpu_points) == pytest.approx([0.3] * 3)
    assert row.last_seen == (NOW - MINUTE) // 1_000_000


def test_traffic_is_a_rate_and_a_restart_is_no_negative_one(
    engine: EmbeddedEngine, project: int
) -> None:
    send(
        engine, project,
        network(machine("web-1", 4), 600_000),
        network(machine("web-1", 3), 660_000),
        network(machine("web-1", 2, since=3), 30_000),  # it has begun anew since
        network(machine("web-1", 1, since=3), 90_000),
    )  # fmt: skip
    [row] = hosts(engine, window(project, minutes=30)).items
    assert known(row.network_points) == pytest.approx([1_000, 500, 1_000])
    assert row.network == pytest.approx(1_000)


def test_the_point_before_the_range_gives_the_first_rate(
    engine: EmbeddedEngine, project: int
) -> None:
    send(engine, project, network(machine("a", 11), 0), network(machine("a", 9), 120_000))
    [row] = hosts(engine, window(project, minutes=10)).items
    assert known(row.network_points) == pytest.approx([1_000])


def test_a_machine_that_is_told_of_twice_counts_once(engine: EmbeddedEngine, project: int) -> None:
    by = {"telemetry.sdk.name": "another"}
    points = [
        network(machine("web-1", minute, more), 60_000 * (5 - minute), 60_000 * (5 - minute))
        for minute in (2, 1)
        for more in ({}, by)
    ]
    send(engine, project, *points)
    [row] = hosts(engine, window(project)).items
    assert row.network == pytest.approx(2_000)


def test_the_fullest_disk_is_shown_and_when_it_will_be_full(
    engine: EmbeddedEngine, project: int
) -> None:
    told = [
        disk(disk(machine("db-1", minute), 80e9 - minute * 1e9 / 60), 10e9, mountpoint="/")
        for minute in range(0, 180, 10)
    ]
    send(engine, project, *told)
    [row] = hosts(engine, window(project, minutes=15)).items
    assert row.disk is not None
    assert row.disk.mountpoint == "/data"
    assert row.disk.used == pytest.approx(0.8, abs=0.01)
    assert row.disk.days_until_full == pytest.approx(20 / 24, abs=0.1)
    shown = host(engine, window(project, minutes=15), "db-1").filesystems
    assert [(each.mountpoint, each.days_until_full) for each in shown[1:]] == [("/", None)]


def test_growth_of_a_few_minutes_says_nothing_about_days(
    engine: EmbeddedEngine, project: int
) -> None:
    send(engine, project, *(disk(machine("a", minute), 90e9 - minute * 1e9) for minute in range(9)))
    [row] = hosts(engine, window(project)).items
    assert row.disk is not None
    assert row.disk.days_until_full is None


def test_a_host_that_fell_silent_is_still_there(engine: EmbeddedEngine, project: int) -> None:
    send(engine, project, healthy("gone", 300), healthy("here", 1))
    found = {row.host: row for row in hosts(engine, window(project, minutes=15)).items}
    assert set(found) == {"gone", "here"}
    assert found["gone"].cpu is None
    assert found["gone"].last_seen == (NOW - 300 * MINUTE) // 1_000_000
    assert host(engine, window(project, minutes=15), "gone").memory == {}


def test_an_environment_hides_the_hosts_of_others(engine: EmbeddedEngine, project: int) -> None:
    name = "deployment.environment.name"
    send(engine, project, healthy("a", 1, {name: "prod"}), healthy("b", 1, {name: "test"}))
    found = hosts(engine, window(project, environment="prod")).items
    assert [(row.host, row.environment) for row in found] == [("a", "prod")]


def test_another_project_sees_no_host(engine: EmbeddedEngine, project: int) -> None:
    send(engine, project, healthy("secret", 1))
    other = new_project().id
    assert hosts(engine, window(other)).items == []
    with pytest.raises(NotFound):
        host(engine, window(other), "secret")


def test_hosts_of_the_collector_are_understood(engine: EmbeddedEngine, project: int) -> None:
    """The receiver hostmetrics counts the time of each processor, and has names of its own."""
    told = []
    for minute in (2, 1):
        points = machine("c", minute)
        for cpu in ("cpu0", "cpu1"):
            for mode, second in (("user", 15), ("idle", 45)):
                spent = float(second * (3 - minute))
                points.total("system.cpu.time", "s", spent, {"cpu": cpu, "state": mode})
        for state, size in (("used", 1_000), ("free", 3_000)):
            points.amount("system.memory.usage", "By", size, {"state": state})
            of = {"device": "/dev/sda1", "mountpoint": "/", "mode": "rw", "type": "ext4"}
            points.amount("system.filesystem.usage", "By", size, {**of, "state": state})
        for direction in ("receive", "transmit"):
            of = {"device": "eth0", "direction": direction}
            points.total("system.network.io", "By", 60_000 * (3 - minute), of)
        told.append(points)
    send(engine, project, *told)
    [row] = hosts(engine, window(project)).items
    assert row.cpu == pytest.approx(0.25)
    assert row.memory == pytest.approx(0.25)
    assert row.disk is not None
    assert (row.disk.mountpoint, row.disk.used) == ("/", 0.25)
    assert row.network == pytest.approx(2_000)


def test_a_host_is_told_in_full(engine: EmbeddedEngine, project: int) -> None:
    told = []
    for minute in (3, 2, 1):
        points = disk(network(healthy("web-1", minute), 60_000 * (4 - minute)), 40e9)
        points.gauge("system.cpu.load_average.1m", "1", 1.5)
        for direction in ("read", "write"):
            of = {"system.device": "sda", "disk.io.direction": direction}
            points.total("system.disk.io", "By", 6_000 * (4 - minute), of)
        points.total("system.disk.io_time", "s", 15.0 * (4 - minute), {"system.device": "sda"})
        for name, share, size in (("nginx", 0.1, 10), ("postgres", 0.2, 900), ("idle", 0.0, 5)):
            of = {"process.executable.name": name, "process.owner": "www"}
            points.gauge("process.cpu.utilization", "1", share, of)
            points.amount("process.memory.usage", "By", size, of)
            points.amount("process.count", "1", 2, of)
        points.amount("process.memory.usage", "By", 7)  # of a service: it names no program
        told.append(points)
    send(engine, project, *told)
    found = host(engine, window(project), "web-1")
    assert found.resource == {"host.name": "web-1"}
    assert set(found.cpu_modes) == {"user", "system", "iowait"}
    assert known(found.disk["read"]) == pytest.approx([100, 100])
    assert known(found.disk_busy["sda"]) == pytest.approx([0.25, 0.25])
    assert known(found.load["1m"]) == [1.5] * 3
    assert found.network_trouble == {}
    assert found.swap == {}
    assert [(each.name, each.cpu, each.memory_bytes, each.count) for each in found.programs] == [
        ("postgres", pytest.approx(0.2), 900, 2),
        ("nginx", pytest.approx(0.1), 10, 2),
        ("idle", 0.0, 5, 2),
    ]


def test_figures_that_no_machine_can_have_spoil_no_others(
    engine: EmbeddedEngine, project: int
) -> None:
    odd = []
    for minute, value in enumerate((float("nan"), float("inf"), -float("inf"), 1e308, 1e308), 1):
        points = machine("odd", minute)
        for metric in ("system.cpu.utilization", "system.memory.usage", "system.filesystem.usage"):
            for state in ("user", "idle", "used", "free"):
                points.gauge(metric, "1", value, {"state": state, "mountpoint": "/"})
        for metric in ("system.uptime", "system.cpu.logical.count", "process.memory.usage"):
            points.gauge(metric, "1", value, {"process.executable.name": "x"})
        points.gauge("system.network.io", "By", value, {"direction": "receive"})
        odd.append(points)
    send(engine, project, *odd, healthy("web-1", 1))
    rows = {row.host: row for row in hosts(engine, window(project)).items}
    assert set(rows) == {"odd", "web-1"}
    assert (rows["odd"].cpu, rows["odd"].memory, rows["odd"].disk) == (None, None, None)
    assert rows["web-1"].cpu == pytest.approx(0.3)
    alone = host(engine, window(project), "odd")
    assert (alone.cpu, alone.memory_bytes, alone.programs) == (None, None, [])


def test_services_are_found_by_the_host_that_their_telemetry_names(
    engine: EmbeddedEngine, project: int
) -> None:
    on, off = {"host.name": "web-1"}, {"host.name": "web-2"}
    at = NOW - 5 * MINUTE
    spans = [{"time": at, "service": "shop", "resource": of} for of in (on, on, off)]
    add_spans(engine, project, *spans)
    add_logs(engine, project, {"time": at, "service": "nginx", "resource": on})
    found = host_services(engine, window(project), "web-1")
    assert [(each.service, each.spans, each.logs) for each in found] == [
        ("shop", 2, 0),
        ("nginx", 0, 1),
    ]


def test_a_name_that_is_no_name_is_only_data(engine: EmbeddedEngine, project: int) -> None:
    name = "'; DROP TABLE samples --\x1b[31m\u202e"
    send(engine, project, healthy(name, 1))
    assert host(engine, window(project), name).host == name
