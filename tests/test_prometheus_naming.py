"""What OTLP metrics, attributes and resources are called in Prometheus."""

import pytest

from quarterdeck.telemetry.prometheus.otlp.naming import (
    info_labels,
    label_name,
    labels_of,
    metric_name,
    target_labels,
    unit_name,
)


@pytest.mark.parametrize(
    ("name", "unit", "type", "monotonic", "expected"),
    [
        ("http.server.request.duration", "s", "histogram", False, "http_server_request_duration_seconds"),
        ("system.cpu.time", "s", "sum", True, "system_cpu_time_seconds_total"),
        ("process.memory.usage", "By", "sum", False, "process_memory_usage_bytes"),
        ("queue.length", "{item}", "gauge", False, "queue_length"),
        ("cache.hit", "1", "gauge", False, "cache_hit_ratio"),
        ("cache.hit.ratio", "1", "gauge", False, "cache_hit_ratio"),
        ("cache.hits", "1", "sum", True, "cache_hits_total"),
        ("items", "1", "sum", False, "items"),
        ("a.total.b", "", "sum", True, "a_b_total"),
        ("requests_total", "{request}", "sum", True, "requests_total"),
        ("net.io", "By/s", "gauge", False, "net_io_bytes_per_second"),
        ("speed", "{rev}/min", "gauge", False, "speed_per_minute"),
        ("ratio.of.hits", "%", "gauge", False, "ratio_of_hits_percent"),
        ("wait.seconds", "s", "gauge", False, "wait_seconds"),
        ("disk", "GiBy", "gauge", False, "disk_gibibytes"),
        ("unknown", "foo.bar", "gauge", False, "unknown_foo_bar"),
        ("2xx", "", "gauge", False, "_2xx"),
        ("ns:sub..x--y", "", "gauge", False, "ns:sub_x_y"),
        ("größe", "", "gauge", False, "gr_e"),
        ("...", "", "gauge", False, "_"),
    ],
)  # fmt: skip
def test_a_metric_gets_its_unit_and_ending(
    name: str, unit: str, type: str, monotonic: bool, expected: str
) -> None:
    assert metric_name(name, unit, type, monotonic) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [("http.route", "http_route"), ("a..b", "a_b"), ("1st", "key_1st"), ("", "_"), ("__name__", "_name_"), ("ü", "_")],
)  # fmt: skip
def test_an_attribute_gets_a_name_that_prometheus_takes(key: str, expected: str) -> None:
    assert label_name(key) == expected


def test_values_of_attributes_that_become_one_label_are_joined_in_the_order_of_their_keys() -> None:
    assert labels_of([("a_b", "2"), ("a.b", "1"), ("a/b", "0"), ("c", "3")]) == {"a_b": "1;0;2", "c": "3"}  # fmt: skip


def test_units_are_written_in_words() -> None:
    assert [unit_name(u) for u in ("s", "By/s", "{item}", "1", "{rev}/min", "")] == [
        "seconds", "bytes_per_second", "", "", "per_minute", "",
    ]  # fmt: skip


def test_job_and_instance_come_from_the_service_and_two_hosts_stay_two() -> None:
    shop = {"service.name": "shop", "service.namespace": "web", "host.name": "a"}
    assert target_labels(shop) == {"job": "web/shop", "instance": "a"}
    assert target_labels({**shop, "service.instance.id": "7"}) == {"job": "web/shop", "instance": "7"}  # fmt: skip
    assert target_labels({"service.namespace": "web"}) == {}
    assert info_labels({**shop, "cloud.region": "eu"}) == {
        "job": "web/shop", "instance": "a", "host_name": "a", "cloud_region": "eu",
    }  # fmt: skip
