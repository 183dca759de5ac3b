"""Queries of Grafana's panels that cannot be asked here: said at the import, and kept."""

import json
import time
from typing import Any

import pytest

from quarterdeck.telemetry.dashboards.grafana import Found, read_dashboard


def read(panels: list[Any], variables: list[Any]) -> Found:
    dashboard = {"title": "D", "templating": {"list": variables}, "panels": panels}
    return read_dashboard(json.dumps(dashboard).encode())


def flaws(*queries: str) -> set[tuple[str, str]]:
    """What is said of a panel with these queries, on a dashboard with a few variables."""
    names = ("env", "label", "n", "window", "metric", "function")
    variables = [{"type": "textbox", "name": name, "query": "a"} for name in names]
    targets = [{"expr": query} for query in queries]
    panel = {"type": "timeseries", "title": "P", "targets": targets}
    found = read([panel], variables)
    assert [query.promql for query in found.spec.panels[0].queries] == list(queries)
    return {(note.code, note.detail) for note in found.notes}


@pytest.mark.parametrize(
    "query",
    [
        'rate(a{env="$env",x=~"${env}|b"}[$__rate_interval])',
        "topk($n, sum by ($label) (rate(a[$window])))",
        "quantile($n, avg_over_time($metric[${window}:1m] offset $window))",
        "node_${metric}_total{} and on ($label) a",
        "$function(a[5m]) + $function(b[${n}m])",
        "clamp_max(sum($metric) * $n, $n)",
        'label_replace(a, "b", "$first", "c", "(?P<first>.*)-$")',
        "a @ ${__from} > $__range_s",
    ],
)
def test_promql_with_variables_anywhere_is_not_spoken_of(query: str) -> None:
    assert flaws(query) == set()


def test_promql_that_cannot_be_asked_is_said_and_kept() -> None:
    assert flaws("rate(up", "median($metric)", "rate(up[$interval])") == {
        ("promql", "rate(up (unclosed left parenthesis)"),
        ("promql", "median($metric) (unknown function with name 'median')"),
        ("variable_missing", "$interval"),
    }


def test_no_number_of_queries_keeps_the_server_busy() -> None:
    query = "+".join(f"rate(a[$w{i % 5}])*$n{i}" for i in range(100)) + "+("
    panels = [
        {"type": "timeseries", "title": f"P{i}", "targets": [{"expr": query}] * 10}
        for i in range(200)
    ]
    began = time.process_time()
    found = read(panels, [])
    assert time.process_time() - began < 10  # all tries of all queries would take a minute
    assert {note.code for note in found.notes} == {"promql", "unchecked", "variable_missing"}
