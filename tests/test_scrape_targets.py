"""Which targets a job has, what they are called, and when each is asked."""

import asyncio
import os
import socket
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.asyncresolver
import dns.message
import dns.resolver
import dns.rrset
import pytest
import yaml

from quarterdeck.registry import KINDS
from quarterdeck.resources.kind import parse_spec
from quarterdeck.telemetry.scrape import units
from quarterdeck.telemetry.scrape.clock import MOST_AT_ONCE, Schedule, next_due
from quarterdeck.telemetry.scrape.discovery import Discovery
from quarterdeck.telemetry.scrape.spec import ScrapeJobSpec
from quarterdeck.telemetry.scrape.target import Target, Targets, targets_of

PASTED = """
job_name: node
honor_labels: true
honor_timestamps: false
scrape_interval: 15s
scrape_timeout: 10s
metrics_path: /probe
scheme: https
params: {module: [http_2xx], n: [1]}
basic_auth: {username: prometheus, password: "${secret:exporter}"}
tls_config: {insecure_skip_verify: true, server_name: exporter.internal}
follow_redirects: false
sample_limit: 5000
body_size_limit: 10MB
static_configs:
  - targets: ["10.0.0.5:9100", "10.0.0.6:9100"]
    labels: {env: prod, shard: 1, canary: true}
file_sd_configs:
  - files: ["nodes/*.yml"]
    refresh_interval: 1m
dns_sd_configs:
  - names: [_metrics._tcp.example.com]
  - {names: [db.example.com], type: A, port: 9187}
relabel_configs:
  - {source_labels: [__address__], target_label: __param_target}
  - {source_labels: [__param_target], target_label: instance}
  - {target_label: __address__, replacement: "127.0.0.1:9115"}
metric_relabel_configs:
  - {source_labels: [__name__], regex: go_.*, action: drop}
"""


def job(text: str | None = None, **fields: Any) -> ScrapeJobSpec:
    found, flaws = parse_spec(KINDS.named("scrape-job"), yaml.safe_load(text) if text else fields)
    assert isinstance(found, ScrapeJobSpec), flaws
    return found


def static(spec: ScrapeJobSpec, name: str = "named") -> Targets:
    groups = [
        [{**each.labels, "__address__": target} for target in each.targets]
        for each in spec.static_configs
    ]
    return targets_of(name, spec, groups)


def only(targets: Targets) -> Target:
    [target] = targets.active.values()
    return target


def test_a_job_of_prometheus_can_be_pasted_as_it_stands() -> None:
    spec = job(PASTED)
    first, second = static(spec).active.values()
    assert first.url == "https://127.0.0.1:9115/probe?module=http_2xx&n=1&target=10.0.0.5%3A9100"
    assert first.labels == {
        "job": "node",
        "env": "prod",
        "shard": "1",
        "canary": "true",
        "instance": "10.0.0.5:9100",
    }
    assert second.labels["instance"] == "10.0.0.6:9100"
    assert (first.interval_ms, first.timeout_ms, spec.most_bytes) == (15_000, 10_000, 10 * 1024**2)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"scrape_interval": "soon"}, "scrape_interval"), ({"scrape_interval": "100ms"}, ""), ({"scrape_interval": "5s", "scrape_timeout": "6s"}, ""),
        ({"basic_auth": {"username": "u", "password": "open"}}, "basic_auth.password"), ({"bearer_token": "open"}, "bearer_token"),
        ({"authorization": {"type": "Basic", "credentials": "${secret:x}"}}, "authorization.type"),
        ({"bearer_token": "${secret:x}", "authorization": {"credentials": "${secret:x}"}}, ""), ({"metrics_path": "metrics"}, ""),
        ({"scheme": "ftp"}, "scheme"), ({"body_size_limit": "2GB"}, "body_size_limit"), ({"body_size_limit": "lots"}, "body_size_limit"),
        ({"sample_limit": -1}, "sample_limit"), ({"dns_sd_configs": [{"names": ["a"], "type": "A"}]}, "dns_sd_configs.0"),
        ({"file_sd_configs": [{"files": ["../secret.key"]}]}, "file_sd_configs.0.files"), ({"file_sd_configs": [{"files": ["a/../b.yml"]}]}, "file_sd_configs.0.files"),
        ({"file_sd_configs": [{"files": ["*/a.yml"]}]}, "file_sd_configs.0.files"), ({"tls_config": {"ca": "no PEM"}}, "tls_config.ca"),
        ({"tls_config": {"cert": "x"}}, "tls_config"), ({"kubernetes_sd_configs": []}, "kubernetes_sd_configs"), ({"static_configs": [{"labels": {}}]}, "static_configs.0.targets"),
        ({"relabel_configs": [{"regex": "(", "target_label": "a"}]}, "relabel_configs.0.regex"),
    ],
)  # fmt: skip
def test_a_job_that_cannot_be_is_refused_where_it_goes_wrong(fields: Any, place: str) -> None:
    found, flaws = parse_spec(KINDS.named("scrape-job"), fields)
    assert found is None
    assert place in [flaw.path for flaw in flaws]
    assert "open" not in str([flaw.message for flaw in flaws])


@pytest.mark.parametrize(
    ("text", "ms"),
    [("0", 0), ("15s", 15_000), ("1m30s", 90_000), ("1h", 3_600_000), ("1d12h", 129_600_000), ("250ms", 250), ("1w", 604_800_000), ("1y", 31_536_000_000)],
)  # fmt: skip
def test_durations_are_read_and_written_as_prometheus_does(text: str, ms: int) -> None:
    assert units.milliseconds(text) == ms
    assert units.milliseconds(units.duration(ms)) == ms


@pytest.mark.parametrize(
    "text", ["", "15", "s", "1s1m", "-1s", "1.5s", "1 s", "9999999999y", "1s\n"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        units.milliseconds(text)


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("512", 512), ("512B", 512), ("10MB", 10 * 1024**2), ("1.5KiB", 1536), ("1G", 1024**3)])  # fmt: skip
def test_sizes_are_powers_of_1024(text: str, size: int) -> None:
    assert units.size_bytes(text) == size


def test_a_target_is_called_after_its_job_and_address_unless_relabelling_says_otherwise() -> None:
    plain = only(static(job(static_configs=[{"targets": ["h:1"]}])))
    assert plain.labels == {"job": "named", "instance": "h:1"}
    assert plain.url == "http://h:1/metrics"
    renamed = only(static(job(
        static_configs=[{"targets": ["h:1"], "labels": {"__meta_x": "y", "__metrics_path__": "/a b", "__scheme__": "https"}}],
        relabel_configs=[
            {"target_label": "job", "replacement": "other"}, {"source_labels": ["__meta_x"], "target_label": "instance"},
            {"target_label": "__scrape_interval__", "replacement": "2m"}, {"target_label": "__tmp", "replacement": "x"},
        ],
    )))  # fmt: skip
    assert renamed.labels == {"job": "other", "instance": "y"}
    assert (renamed.url, renamed.interval_ms) == ("https://h:1/a%20b", 120_000)


@pytest.mark.parametrize(
    ("address", "rule", "flaw"),
    [
        ("h:1/path", None, "no host:port"), ("user@h:1", None, "no host:port"), ("h h", None, "no host:port"),
        ("h:1", {"target_label": "__scheme__", "replacement": "file"}, "neither http nor https"),
        ("h:1", {"target_label": "__scrape_timeout__", "replacement": "2h"}, "do not fit"),
        ("h:1", {"target_label": "__scrape_interval__", "replacement": "1ms"}, "do not fit"),
        ("h:1", {"action": "labeldrop", "regex": "__address__"}, "no host:port"),
    ],
)  # fmt: skip
def test_a_target_that_cannot_be_asked_says_why(address: str, rule: Any, flaw: str) -> None:
    rules = [rule] if rule else []
    spec = job(static_configs=[{"targets": [address]}], relabel_configs=rules)
    assert flaw in only(static(spec)).flaw


def test_the_same_target_twice_is_one_and_dropped_ones_are_counted() -> None:
    rules = [{"action": "drop", "source_labels": ["__address__"], "regex": "d.*"}]
    many = ["a:1", "a:1", *(f"d:{n}" for n in range(150))]
    targets = static(job(static_configs=[{"targets": many}], relabel_configs=rules))
    assert len(targets.active) == 1
    assert (targets.dropped_count, len(targets.dropped)) == (150, 100)
    assert targets.dropped[0]["__address__"] == "d:0"


def test_none_is_asked_of_a_job_with_more_targets_than_its_limit() -> None:
    targets = static(job(static_configs=[{"targets": ["a:1", "b:1"]}], target_limit=1))
    assert [t.flaw for t in targets.active.values()] == [
        "target_limit is 1, but the job has 2 targets."
    ] * 2


# Files


def test_files_are_read_again_when_they_change_and_kept_when_they_break(tmp_path: Path) -> None:
    root = tmp_path / "targets"
    (root / "nodes").mkdir(parents=True)
    found = Discovery(job(file_sd_configs=[{"files": ["nodes/*.yml", "one.json"]}]), root)

    def addresses() -> list[str]:
        groups = asyncio.run(found.look(0))
        return sorted(labels["__address__"] for group in groups for labels in group)

    assert addresses() == []
    assert set(found.flaws) == {"nodes/*.yml", "one.json"}
    (root / "one.json").write_text('[{"targets": ["j:1"], "labels": {"a": "b"}}]')
    (root / "nodes" / "a.yml").write_text("- targets: [y:1, y:2]\n")
    (root / "nodes" / "not.txt").write_text("- targets: [no:1]\n")
    assert addresses() == ["j:1", "y:1", "y:2"]
    assert found.flaws == {}
    [[labels]] = [g for g in asyncio.run(found.look(0)) if len(g) == 1]
    assert labels == {"__address__": "j:1", "a": "b", "__meta_filepath": str(root / "one.json")}
    (root / "nodes" / "a.yml").write_text("- targets: [y:3]\n")
    assert addresses() == ["j:1", "y:3"]
    for broken in (
        "- targets: [1]\n",
        "{",
        "- targets: [y:4]\n  lables: {}\n",
        "targets: [y:4]",
        "- [y:4]",
    ):
        (root / "nodes" / "a.yml").write_text(broken)
        assert addresses() == ["j:1", "y:3"]
        assert "a.yml" in found.flaws
        assert addresses() == ["j:1", "y:3"]
    (root / "nodes" / "a.yml").unlink()
    assert addresses() == ["j:1"]


def test_no_file_outside_the_directory_is_read(tmp_path: Path) -> None:
    root = tmp_path / "targets"
    root.mkdir()
    outside = tmp_path / "outside.json"
    outside.write_text('[{"targets": ["leak:1"]}]')
    os.symlink(outside, root / "link.json")
    os.symlink(tmp_path, root / "up")
    names = [str(outside), "link.json", "up/outside.json", "up/*.json", "/etc/*.json"]
    found = Discovery(job(file_sd_configs=[{"files": names}]), root)
    assert asyncio.run(found.look(0)) == []
    assert set(found.flaws) == set(names)
    os.mkfifo(root / "pipe.json")  # reading it would never end
    found = Discovery(job(file_sd_configs=[{"files": ["pipe.json"]}]), root)
    assert asyncio.run(found.look(0)) == []
    assert "pipe.json" in found.flaws


# DNS


RECORDS: dict[tuple[str, str], list[str]] = {
    ("_m._tcp.example.test.", "SRV"): ["0 0 9100 a.example.test.", "0 0 9200 b.example.test."],
    ("a.example.test.", "A"): ["10.0.0.1", "10.0.0.2"],
    ("a.example.test.", "AAAA"): ["fd00::1"],
}


class NameServer(asyncio.DatagramProtocol):
    """A real name server, over UDP, for example.test."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, peer: Any) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        name = question.name.to_text()
        if name.startswith("broken"):
            reply = dns.message.make_response(query)
            reply.set_rcode(dns.rcode.SERVFAIL)
        else:
            reply = dns.message.make_response(query)
            records = RECORDS.get((name, kind), [])
            if records:
                reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *records))
            elif not any(known == name for known, _ in RECORDS):
                reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(), peer)


@pytest.fixture
def name_port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield port
    dns.asyncresolver.reset_default_resolver()
    dns.resolver.reset_default_resolver()


async def test_names_are_looked_up_and_keep_their_targets_when_that_fails(name_port: int) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", name_port)
    )
    resolver = dns.asyncresolver.get_default_resolver()
    resolver.nameservers, resolver.port, resolver.search = ["127.0.0.1"], name_port, []
    spec = job(dns_sd_configs=[
        {"names": ["_m._tcp.example.test"], "refresh_interval": "10s"}, {"names": ["a.example.test"], "type": "A", "port": 1},
        {"names": ["a.example.test"], "type": "AAAA", "port": 2}, {"names": ["none.example.test", "broken.example.test"]},
    ])  # fmt: skip
    found = Discovery(spec, Path("nowhere"))
    groups = await found.look(0)
    assert sorted(labels["__address__"] for group in groups for labels in group) == [
        "10.0.0.1:1", "10.0.0.2:1", "[fd00::1]:2", "a.example.test:9100", "b.example.test:9200",
    ]  # fmt: skip
    assert {
        "__meta_dns_name": "_m._tcp.example.test", "__meta_dns_srv_record_target": "a.example.test.",
        "__meta_dns_srv_record_port": "9100", "__address__": "a.example.test:9100",
    } in groups[0]  # fmt: skip
    assert set(found.flaws) == {"broken.example.test"}
    RECORDS[("_m._tcp.example.test.", "SRV")] = ["0 0 9300 c.example.test."]
    assert await found.look(9_999) == groups
    assert [labels["__address__"] for labels in (await found.look(10_000))[0]] == [
        "c.example.test:9300"
    ]
    transport.close()


# The clock


def keys(count: int) -> list[bytes]:
    return list(
        static(
            job(
                static_configs=[
                    {"targets": [f"10.0.{n // 250}.{n % 250}:9100" for n in range(count)]}
                ]
            )
        ).active
    )


def test_two_thousand_targets_are_spread_evenly_over_the_interval() -> None:
    seconds = Counter(next_due(key, 15_000, 0) // 1000 for key in keys(2000))
    assert len(seconds) in (15, 16)  # the sixteenth: due at the very end
    # Poisson with a mean of 133 and a deviation of 11.5: within five of them.
    assert all(75 < count < 195 for second, count in seconds.items() if second < 15)
    tenths = Counter(next_due(key, 15_000, 0) // 100 for key in keys(2000))
    assert max(tenths.values()) < 40


def test_a_target_s_moment_stays_the_same_over_restarts() -> None:
    for key in keys(20):
        first = next_due(key, 15_000, 1_000_000)
        assert 1_000_000 < first <= 1_015_000
        assert next_due(key, 15_000, first) == first + 15_000
        assert next_due(key, 15_000, first + 14_999) == first + 15_000
    assert keys(3) == keys(3)


def test_every_item_comes_once_in_every_interval() -> None:
    schedule: Schedule[bytes] = Schedule()
    every = keys(200)
    for key in every:
        schedule.add(key, 15_000, key, 0)
    begun: Counter[bytes] = Counter()

    def begin(item: bytes, due: int) -> bool:
        begun[item] += 1
        return True

    now = 0
    while now < 60_000:
        now = max(now + 1, schedule.tick(now, begin))
    assert set(begun.values()) == {4}


def test_after_a_pause_nobody_is_asked_twice_and_no_herd_goes_out() -> None:
    schedule: Schedule[bytes] = Schedule()
    for key in keys(1000):
        schedule.add(key, 15_000, key, 0)
    begun: list[tuple[int, bytes]] = []

    def begin(item: bytes, due: int) -> bool:
        begun.append((due, item))
        return True

    now = 10 * 60_000  # ten minutes of sleep
    assert schedule.tick(now, begin) > now
    assert begun == []
    now += 7_000  # a hiccup: what is late by less than the interval is made up for, in handfuls
    assert schedule.tick(now, begin) <= now
    assert len(begun) == MOST_AT_ONCE
    while schedule.tick(now, begin) <= now:
        pass
    assert len(begun) == len({item for _, item in begun})
    assert 300 < len(begun) < 700


def test_what_leaves_the_schedule_does_not_come_back() -> None:
    schedule: Schedule[bytes] = Schedule()
    schedule.add(b"x" * 32, 1000, b"x", 0)
    assert schedule.tick(1000, lambda item, due: False) > 60_000
