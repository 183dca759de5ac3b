"""A real Prometheus scrapes a real node_exporter and writes to us; both are restarted, one is killed."""

import json
import math
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from support.otlp import Sql
from support.server import ADMIN_KEY, Server, free_port

Samples = dict[str, list[tuple[int, str]]]
"""Series, as JSON of its labels → (ms, value) in order of time."""

SETTINGS = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
- job_name: node
  static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
remote_write:
- url: {url}/prometheus/api/v1/write
  basic_auth: {{username: prometheus, password: {key}}}
  send_exemplars: true
  send_native_histograms: true
  queue_config: {{batch_send_deadline: 500ms, min_backoff: 50ms, max_backoff: 500ms}}
  metadata_config: {{send_interval: 2s}}
"""


@contextmanager
def running(command: list[str], url: str) -> Iterator[None]:
    """A program that answers at `url`, ended by its own pid."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        until(lambda: answers(url), f"{command[0]} to answer")
        yield
    finally:
        process.terminate()
        _, told = process.communicate(timeout=30)
    assert process.returncode in (0, -15, 143), told[-2000:].decode()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def theirs(url: str, from_ms: int, to_ms: int) -> Samples:
    """Raw samples with from < time <= to, of Prometheus itself; 2.42 has the left edge in its range."""
    asked = f'{{job="node"}}[{to_ms - from_ms - 1}ms]'
    answer = httpx.get(
        f"{url}/api/v1/query", params={"query": asked, "time": f"{to_ms / 1000:.3f}"}, timeout=30
    )
    found = answer.json()["data"]["result"]
    return {
        json.dumps(series["metric"], sort_keys=True): [
            (round(at * 1000), shown(float(value))) for at, value in series["values"]
        ]
        for series in found
    }


def ours(sql: Sql, from_ms: int, to_ms: int) -> Samples:
    rows = sql(
        "SELECT metric, labels, groupArray((toUnixTimestamp64Milli(time), toString(value))) AS points"
        f" FROM (SELECT * FROM samples WHERE service = 'node' AND time > fromUnixTimestamp64Milli({from_ms})"
        f" AND time <= fromUnixTimestamp64Milli({to_ms}) ORDER BY time) GROUP BY metric, labels"
    )
    return {
        json.dumps({"__name__": row["metric"], **row["labels"]}, sort_keys=True): [
            (at, shown(float(value))) for at, value in (tuple(point) for point in row["points"])
        ]
        for row in rows
    }


def shown(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(value)


@pytest.mark.timeout(300)
def test_both_sides_hold_the_same_samples_after_restarts_and_a_kill(
    own_server: Server, tmp_path: Path
) -> None:
    exporter, port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    settings = tmp_path / "prometheus.yml"
    settings.write_text(SETTINGS.format(exporter=exporter, url=own_server.url, key=ADMIN_KEY))
    collectors = [f"--collector.{name}" for name in ("cpu", "loadavg", "meminfo", "stat", "uname")]
    node = ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{exporter}"]
    prometheus = [
        "prometheus", f"--config.file={settings}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    with (
        own_server,
        running(
            [*node, "--collector.disable-defaults", *collectors],
            f"http://127.0.0.1:{exporter}/metrics",
        ),
    ):
        sql = Sql(own_server)

        def newest() -> int:
            rows = sql(
                "SELECT max(toUnixTimestamp64Milli(time)) AS t FROM samples WHERE service = 'node'"
            )
            return int(rows[0]["t"] or 0)

        began = time.time_ns() // 1_000_000
        with running(prometheus, f"{url}/-/ready"):
            until(lambda: newest() > began + 2_000, "samples")
        with running(prometheus, f"{url}/-/ready"):
            restarted = time.time_ns() // 1_000_000
            until(lambda: newest() > restarted + 1_000, "samples after Prometheus' restart")
            own_server.kill()
            time.sleep(1.5)  # scrapes that nobody takes
            own_server.start()
            back = time.time_ns() // 1_000_000
            until(lambda: newest() > back + 1_000, "samples after our restart")
            to = back + 1_000
            until(
                lambda: ours(sql, began, to) == theirs(url, began, to),
                "both to hold the same samples",
            )
            held = theirs(url, began, to)
        with own_server.client() as client:
            told = client.get("/prometheus/api/v1/metadata").json()["data"]
    assert told["node_cpu_seconds_total"][0]["type"] == "counter"
    assert len(held) > 100
    assert sum(map(len, held.values())) > 500
