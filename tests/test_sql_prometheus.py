"""POST /api/sql over what Prometheus wrote: the same views as for OTLP, and native histograms."""

import math
from typing import Any

import pytest

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import load
from quarterdeck.telemetry.sql import run_sql
from quarterdeck.telemetry.sql.rewrite import rewrite
from support.engine import new_project, shared_engine
from support.remote_write import STALE, Series, histogram, now_ms, store, v1
from support.rows import add_samples

SETTINGS = load({"query_rows": 1000}, environ={})
NOW = now_ms() // 1000 * 1000
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture(scope="module")
def project() -> ProjectRef:
    made = new_project("prometheus-sql")
    engine = shared_engine()
    labels = {"__name__": "up", "job": "node", "environment": "prod", "mode": "idle"}
    series = [
        Series(labels, [(1.0, NOW - 1000), (math.inf, NOW), (STALE, NOW + 1000)]),
        Series({"__name__": "other"}, [(7.0, NOW)]),
        Series(
            {"__name__": "took", "job": "shop"},
            histograms=[histogram(1.5, NOW, positive=True, zero=True)],
            exemplars=[({"trace_id": TRACE, "span_id": SPAN, "user": "u-1"}, 0.25, NOW)],
        ),
    ]
    for _ in range(2):  # sent again
        store(engine, made.id, v1(series))
    add_samples(engine, made.id, "cpu", 5, {NOW * 1_000_000: 3.0}, {"cpu": 0})
    return made


def ask(project: ProjectRef, sql: str) -> list[list[Any]]:
    return run_sql(shared_engine(), SETTINGS, sql, [project]).rows


def test_samples_of_both_kinds_stand_in_one_view(project: ProjectRef) -> None:
    rows = ask(
        project, "SELECT metric, service, environment, value FROM samples ORDER BY metric, time"
    )
    assert rows == [
        ["cpu", "shop", "prod", 3.0],
        ["other", "", "", 7.0],
        ["up", "node", "prod", 1.0],
        ["up", "node", "prod", "inf"],
    ]
    (row,) = ask(
        project,
        "SELECT labels, value_type, project, labels['mode'], time FROM samples"
        " WHERE metric = 'up' AND labels['job'] = 'node' AND value = 1",
    )
    labels = {"job": "node", "environment": "prod", "mode": "idle"}
    assert row[:4] == [labels, "double", "prometheus-sql", "idle"]
    assert ask(project, "SELECT count() FROM samples WHERE service = 'node'") == [[2]]


def test_series_are_shown_once(project: ProjectRef) -> None:
    rows = ask(project, "SELECT metric, labels FROM series ORDER BY metric")
    assert [row[0] for row in rows] == ["cpu", "other", "took", "up"]
    assert ask(project, "SELECT service FROM series WHERE metric = 'took'") == [["shop"]]


def test_native_histograms_have_a_view(project: ProjectRef) -> None:
    rows = ask(
        project,
        "SELECT metric, count, sum, zero_count, positive_index, positive_count FROM native_histograms",
    )
    assert rows == [["took", 24.0, 1.5, 1.0, [0, 1, 2, 5, 6], [1.0, 3.0, 4.0, 7.0, 8.0]]]


def test_exemplars_lead_to_their_trace(project: ProjectRef) -> None:
    rows = ask(
        project,
        "SELECT metric, value, trace_id, span_id, attributes['user'] FROM exemplars"
        f" WHERE trace_id = '{TRACE}'",
    )
    assert rows == [["took", 0.25, TRACE, SPAN, "u-1"]]


def test_another_project_sees_none_of_it(project: ProjectRef) -> None:
    for view in ("samples", "series", "exemplars", "native_histograms"):
        assert ask(new_project(), f"SELECT count() FROM {view}") == [[0]]


def test_conditions_reach_the_tables_of_prometheus(project: ProjectRef) -> None:
    def plan(sql: str) -> str:
        bound = rewrite(shared_engine(), sql, [project]).sql
        explained = shared_engine().query("explain", f"EXPLAIN indexes = 1 {bound}").rows
        text = "\n".join(row[0] for row in explained)
        return text[text.index("prom_samples") :]

    by_time = plan("SELECT value FROM samples WHERE time > now() - INTERVAL 1 HOUR")
    assert "Min-Max" in by_time
    assert "prom_series" not in by_time
    by_metric = plan("SELECT value FROM samples WHERE metric = 'up'")
    assert "series_id" in by_metric
    assert "'up'" in by_metric or "prom_series" in by_metric
