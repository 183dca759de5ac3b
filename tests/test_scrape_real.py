"""Real exporters, scraped by a real server, read back as PromQL reads them."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.exporters import Exporters
from support.server import Server, free_port

NODE, PROMETHEUS = "/usr/bin/prometheus-node-exporter", "/usr/bin/prometheus"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as made:
        made.post("/api/projects", json={"slug": "scraped", "name": "Scraped"}).raise_for_status()
        made.headers["x-quarterdeck-project"] = "scraped"
        yield made


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    """A real node_exporter."""
    port = free_port()
    command = [
        NODE,
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
        "--no-collector.systemd",
    ]
    with subprocess.Popen(command) as process:
        yield f"127.0.0.1:{port}"
        process.terminate()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus, whose own figures come in every format."""
    home: Path = tmp_path_factory.mktemp("prometheus")
    (home / "prometheus.yml").write_text("{}\n")
    port = free_port()
    command = [
        PROMETHEUS, f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
    ]  # fmt: skip
    with subprocess.Popen(command) as process:
        yield f"127.0.0.1:{port}"
        process.terminate()


def put(client: httpx.Client, name: str, **spec: Any) -> None:
    answer = client.put(
        f"/api/resources/scrape-job/{name}", json={"spec": {"scrape_interval": "2s", **spec}}
    )
    assert answer.status_code in (200, 201), answer.text


def targets(client: httpx.Client, job: str) -> list[dict[str, Any]]:
    found = client.get("/api/scrape/targets").raise_for_status().json()["targets"]
    return [target for target in found if target["job"] == job]


def until(found: Callable[[], Any], seconds: float = 40.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := found():
            return result
        time.sleep(0.2)
    return found()


def value(client: httpx.Client, query: str) -> float | None:
    answer = client.get("/prometheus/api/v1/query", params={"query": query})
    assert answer.status_code == 200, answer.text
    result = answer.json()["data"]["result"]
    return float(result[0]["value"][1]) if result else None


def test_every_format_of_a_real_exporter_gives_the_same_series(
    client: httpx.Client, node: str, prometheus: str
) -> None:
    formats = {
        "text": "PrometheusText0.0.4",
        "open": "OpenMetricsText1.0.0",
        "proto": "PrometheusProto",
    }
    for address, name in ((node, "node"), (prometheus, "prom")):
        for short, protocol in formats.items():
            put(
                client,
                f"{name}-{short}",
                static_configs=[{"targets": [address]}],
                scrape_protocols=[protocol],
            )

    def all_up() -> list[dict[str, Any]]:
        found = [
            t
            for name in ("node", "prom")
            for short in formats
            for t in targets(client, f"{name}-{short}")
        ]
        return found if len(found) == 6 and all(t["state"] == "up" for t in found) else []

    found = until(all_up)
    assert [t["error"] for t in found] == [""] * 6
    samples = {t["job"]: t["samples_kept"] for t in found}
    assert min(samples.values()) > 200
    assert abs(samples["node-text"] - samples["node-proto"]) < 20  # some come and go

    def metrics(job: str) -> set[str]:
        path = "/prometheus/api/v1/label/__name__/values"
        answer = client.get(path, params={"match[]": f'{{job="{job}"}}'})
        return set(answer.raise_for_status().json()["data"])

    assert until(lambda: all(len(metrics(t["job"])) > 100 for t in found))
    for name in ("node", "prom"):
        # Its first answers lack what it counts of them itself.
        assert len(metrics(f"{name}-text") ^ metrics(f"{name}-open")) < 10
        assert len(metrics(f"{name}-text") ^ metrics(f"{name}-proto")) < 10
    assert value(client, 'node_load1{job="node-text"}') is not None
    assert until(lambda: value(client, 'sum(up{job=~"node.*|prom.*"})') == 6)


def test_what_ends_is_gone_from_answers_at_once(client: httpx.Client) -> None:
    with Exporters() as exporters:
        put(client, "mine", scrape_interval="1s", static_configs=[{"targets": [exporters.address]}])
        assert until(lambda: value(client, 'a{job="mine"}') == 1)
        exporters.body = b"b 3\n"
        assert until(lambda: value(client, 'b{job="mine"}') == 3)
        assert until(lambda: value(client, 'a{job="mine"}') is None)
    assert until(lambda: value(client, 'up{job="mine"}') == 0)
    assert value(client, 'b{job="mine"}') is None
    client.delete("/api/resources/scrape-job/mine").raise_for_status()
    assert until(lambda: value(client, 'up{job="mine"}') is None)


def test_targets_are_told_as_prometheus_tells_them(client: httpx.Client) -> None:
    rules = [{"source_labels": ["__address__"], "regex": "drop.*", "action": "drop"}]
    put(client, "shape", scrape_interval="1m", relabel_configs=rules,
        static_configs=[{"targets": ["127.0.0.1:1", "drop:1"], "labels": {"a": "<b>"}}])  # fmt: skip

    def asked(**params: str) -> Any:
        answer = client.get("/prometheus/api/v1/targets", params={"scrapePool": "shape", **params})
        assert answer.json()["status"] == "success"
        return answer.json()["data"]

    until(lambda: asked()["activeTargets"])
    [target] = asked()["activeTargets"]
    assert target["labels"] == {"a": "<b>", "instance": "127.0.0.1:1", "job": "shape"}
    assert target["discoveredLabels"]["__address__"] == "127.0.0.1:1"
    assert (target["scrapeUrl"], target["scrapeInterval"], target["scrapeTimeout"]) == (
        "http://127.0.0.1:1/metrics",
        "1m",
        "10s",
    )
    assert target["lastScrape"] == "0001-01-01T00:00:00Z" or target["health"] == "down"
    assert [d["discoveredLabels"]["__address__"] for d in asked()["droppedTargets"]] == ["drop:1"]
    assert asked()["droppedTargetCounts"] == {"shape": 1}
    assert asked(state="active")["droppedTargets"] == asked(state="dropped")["activeTargets"] == []


def test_a_target_whose_new_series_are_refused_says_how_many_and_why(
    server: Server, node: str
) -> None:
    with server.client() as client:
        client.post("/api/projects", json={"slug": "narrow"}).raise_for_status()
        client.headers["x-quarterdeck-project"] = "narrow"
        limit = "/api/resources/retention/default"
        client.put(limit, json={"spec": {"series_limit": 40}}).raise_for_status()
        put(client, "node", static_configs=[{"targets": [node]}])
        [target] = until(lambda: [t for t in targets(client, "node") if t["samples_refused"]])
        assert target["state"] == "up"
        assert f"{target['samples_refused']} refused: a new series beyond" in target["error"]
        assert target["samples_scraped"] == target["samples_kept"] + target["samples_refused"]
        assert value(client, "up") == 1  # what it tells is refused, not that it answers
        for _ in range(20):  # and it stands there, also while the next scrape is on its way
            [again] = targets(client, "node")
            assert again["samples_refused"] == target["samples_refused"]
            time.sleep(0.2)
        client.put(limit, json={"spec": {}}).raise_for_status()
        assert until(lambda: not targets(client, "node")[0]["error"])
        assert targets(client, "node")[0]["samples_refused"] == 0
