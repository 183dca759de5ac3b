"""Sentry's own SDKs for Python and Node against a running server: nothing but the DSN is ours."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sentry import Dsn, RecordingServer

APPLICATION = """
import sys
import sentry_sdk
from sentry_sdk import logger
from sentry_sdk.crons import capture_checkin

options = {"traces_sample_rate": 1.0, "enable_logs": True, "default_integrations": False}
sentry_sdk.init(sys.argv[1], release="shop@1.4.2", environment="staging", server_name="web-1", **options)
scope = sentry_sdk.get_isolation_scope()
scope.start_session()
with sentry_sdk.start_transaction(op="http.server", name="GET /cart") as transaction:
    transaction.set_tag("plan", "free")
    transaction.set_data("items", 3)
    transaction.set_data("share", 0.5)
    transaction.set_http_status(200)
    with sentry_sdk.start_span(op="db", name="SELECT * FROM carts WHERE id = %s") as span:
        span.set_data("db.system", "postgresql")
        span.set_status("internal_error")
    logger.warning("stock is {left}", left=2)
    try:
        try:
            {}["cart"]
        except KeyError as error:
            raise ValueError("no cart") from error
    except ValueError as error:
        scope.add_attachment(bytes=b"cart: none", filename="cart.txt")
        sentry_sdk.set_user({"id": "7"})
        sentry_sdk.capture_exception(error)
    print(transaction.trace_id)
scope.end_session()
capture_checkin("nightly", status="ok")
sentry_sdk.flush(30)
sentry_sdk.get_client().close()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordingServer]:
    running = RecordingServer(tmp_path_factory.mktemp("sentry") / "data").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def sent(server: RecordingServer) -> tuple[Dsn, str]:
    """The project that the application wrote to, and its trace."""
    project = server.project("sdk")
    done = subprocess.run(
        [sys.executable, "-c", APPLICATION, str(project)],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return project, done.stdout.strip()


def test_an_exception_arrives_with_its_cause_and_its_attachment(sent: tuple[Dsn, str]) -> None:
    project, trace_id = sent
    (event,) = project.events
    document = event["document"]
    thrown = document["exception"]["values"]
    assert [(one["type"], one["value"]) for one in thrown] == [
        ("KeyError", "'cart'"), ("ValueError", "no cart"),
    ]  # fmt: skip
    assert event["event_id"] == document["event_id"]
    assert document["contexts"]["trace"]["trace_id"] == trace_id
    assert (document["user"]["id"], document["release"]) == ("7", "shop@1.4.2")
    assert event["attachments"] == [["cart.txt", "text/plain", "event.attachment", 10]]
    assert (event["type"], event["service"], event["shift_s"]) == ("error", "shop", 0)


def test_a_transaction_is_a_trace_of_spans(sent: tuple[Dsn, str]) -> None:
    project, trace_id = sent
    root, query = project.sql(
        "SELECT * FROM spans WHERE attributes['sentry.op'] IN ('http.server', 'db') ORDER BY kind = 'client'",
        rows=2,
    )
    assert {root["trace_id"], query["trace_id"]} == {trace_id}
    assert (root["name"], root["kind"], root["status"]) == ("GET /cart", "server", "ok")
    assert (root["service"], root["release"], root["environment"]) == (
        "shop",
        "shop@1.4.2",
        "staging",
    )
    assert root["resource"]["host.name"] == "web-1"
    attributes = root["attributes"]
    assert (attributes["items"], attributes["share"], attributes["plan"]) == (3, 0.5, "free")
    assert attributes["http.response.status_code"] == 200
    assert query["parent_span_id"] == root["span_id"]
    assert (query["kind"], query["status"], query["status_message"]) == (
        "client", "error", "internal_error",
    )  # fmt: skip
    assert query["attributes"]["db.system.name"] == "postgresql"
    assert query["attributes"]["db.query.text"] == "SELECT * FROM carts WHERE id = %s"
    assert 0 < query["duration_ns"] <= root["duration_ns"]


def test_a_log_stands_in_its_trace(sent: tuple[Dsn, str]) -> None:
    project, trace_id = sent
    (record,) = project.sql("SELECT * FROM logs")
    assert (record["body"], record["severity_number"], record["trace_id"]) == (
        "stock is 2",
        13,
        trace_id,
    )
    assert record["attributes"]["sentry.message.parameter.left"] == 2
    assert (record["service"], record["release"], record["environment"]) == (
        "shop",
        "shop@1.4.2",
        "staging",
    )


def test_a_session_is_counted_by_how_it_began_and_ended(sent: tuple[Dsn, str]) -> None:
    project, _ = sent
    rows = project.sql(
        "SELECT labels, value, release, environment FROM samples WHERE metric = 'sentry.sessions'",
        rows=2,
    )
    counted = {row["labels"]["status"]: row["value"] for row in rows}
    assert counted == {"init": 1, "errored": 1}
    assert {(row["release"], row["environment"]) for row in rows} == {("shop@1.4.2", "staging")}


def test_what_is_not_supported_yet_is_counted(
    sent: tuple[Dsn, str], server: RecordingServer
) -> None:
    with server.client() as client:
        text = client.get("/metrics").text
    assert 'quarterdeck_sentry_items_total{type="check_in",outcome="unsupported"} 1' in text


def test_the_sdk_is_named_among_the_senders(sent: tuple[Dsn, str], server: RecordingServer) -> None:
    """They are written down every few seconds."""
    project, _ = sent
    headers = {"X-Quarterdeck-Project": project.slug}
    deadline = time.monotonic() + 20
    with server.client() as client:
        items = 0
        while items < 6:  # an event, two spans, a log record, two counts of sessions
            assert time.monotonic() < deadline
            time.sleep(0.2)
            heard = client.get("/api/data-health/senders", headers=headers).json()
            items = sum(one["items"] for one in heard)
    assert [(one["way"], one["agent"]) for one in heard] == [("sentry", "sentry.python")]


BUSY = """
import sys
import sentry_sdk

sentry_sdk.init(sys.argv[1], traces_sample_rate=1.0, default_integrations=False)
for number in range(90):  # as many as wait in the SDK's queue, which it works off one by one
    with sentry_sdk.start_transaction(op="task", name=f"job {number}"):
        pass
sentry_sdk.flush(15)
"""


def test_a_busy_application_does_not_wait_for_the_store(server: RecordingServer) -> None:
    project = server.project("busy")
    subprocess.run([sys.executable, "-c", BUSY, str(project)], check=True, timeout=60)
    rows = project.sql("SELECT DISTINCT name FROM spans", rows=90)
    assert len(rows) == 90


def test_node_streams_its_spans_and_all_meets_in_one_trace(server: RecordingServer) -> None:
    project = server.project("node")
    done = subprocess.run(
        ["node", "sentry.mjs", str(project)],
        capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parent / "node",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    trace_id = done.stdout.strip()
    child, parent = project.sql("SELECT * FROM spans ORDER BY kind", rows=2)
    assert {child["trace_id"], parent["trace_id"]} == {trace_id}
    assert (parent["name"], parent["kind"], parent["attributes"]["items"]) == (
        "GET /cart",
        "server",
        3,
    )
    assert (child["name"], child["kind"], child["parent_span_id"]) == (
        "SELECT 1",
        "client",
        parent["span_id"],
    )
    assert child["attributes"]["db.system.name"] == "postgresql"
    (record,) = project.sql("SELECT * FROM logs")
    assert (record["body"], record["level"], record["trace_id"]) == (
        "stock is low",
        "error",
        trace_id,
    )
    for row in (parent, child, record):
        assert (row["service"], row["release"], row["environment"]) == (
            "cart",
            "cart@3.0.1",
            "staging",
        )
    (event,) = project.events
    assert event["document"]["exception"]["values"][0]["type"] == "TypeError"
    assert event["document"]["contexts"]["trace"]["trace_id"] == trace_id
    assert project.sql("SELECT value, labels FROM samples WHERE metric = 'carts'") == [
        {"value": 3, "labels": {"plan": "free"}}
    ]
    (took,) = project.sql("SELECT count, sum, unit FROM histograms WHERE metric = 'cart.took'")
    assert (took["count"], took["sum"], took["unit"]) == (1, 30, "ms")
