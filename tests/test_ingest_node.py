"""Clients from npm, as Node applications use them: OpenTelemetry's SDK, and winston for Loki.

`make test` installs them from tests/node/package-lock.json.
"""

import subprocess
from pathlib import Path

import pytest

from support.otlp import Sql
from support.server import ADMIN_KEY, Server

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def sql(server: Server) -> Sql:
    return Sql(server)


def run(script: str, server: Server, service: str) -> str:
    done = subprocess.run(
        ["node", script, server.url, ADMIN_KEY, service],
        cwd=NODE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_opentelemetry_for_node_is_understood_whole(server: Server, sql: Sql) -> None:
    trace_id = run("otlp.mjs", server, "node-otlp")
    child, parent = sql("SELECT * FROM spans WHERE service = 'node-otlp' ORDER BY kind")
    assert {child["trace_id"], parent["trace_id"]} == {trace_id}
    assert (parent["name"], parent["kind"], parent["attributes"]) == (
        "GET /cart", "server", {"items": 3},
    )  # fmt: skip
    assert (child["parent_span_id"], child["status"]) == (parent["span_id"], "error")
    assert (parent["release"], parent["environment"]) == ("1.4.2", "staging")
    (record,) = sql("SELECT * FROM logs WHERE service = 'node-otlp'")
    assert (record["body"], record["level"]) == ("stock is low", "warn")
    assert (record["trace_id"], record["span_id"]) == (trace_id, parent["span_id"])
    assert record["attributes"] == {
        "sku": "A-1", "left": 2, "tags": ["a", "b"], "nested": {"deep": True},
    }  # fmt: skip
    (orders,) = sql("SELECT value, labels FROM samples WHERE metric = 'node.orders'")
    assert orders == {"value": 7, "labels": {"kind": "web"}}
    (took,) = sql("SELECT count, sum FROM histograms WHERE metric = 'node.duration'")
    assert (took["count"], took["sum"]) == (1, 0.25)


def test_winston_sends_to_loki_and_is_heard(server: Server, sql: Sql) -> None:
    run("loki.mjs", server, "node-winston")
    (record,) = sql("SELECT body, level, attributes FROM logs WHERE service = 'node-winston'")
    assert "payment declined" in record["body"]
    assert record["level"] == "error"
