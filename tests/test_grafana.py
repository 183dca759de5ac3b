"""What deploy/grafana provisions: files that parse, and panels over metrics that there are."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from quarterdeck.agent import system as agent
from quarterdeck.demo.shop.metrics import METRICS
from quarterdeck.telemetry.prometheus.otlp.catalog import Kind
from quarterdeck.telemetry.prometheus.queries import selectors_of
from quarterdeck.telemetry.promql import syntax

FOLDER = Path(__file__).parent.parent / "deploy" / "grafana"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
_TYPES = {
    "histogram": ("histogram", False), "exponential": ("exponential_histogram", False), "counter": ("sum", True),
    "updown": ("sum", False), "gauge": ("gauge", False), "total": ("sum", True),
}  # fmt: skip
VARIABLES = {"$__rate_interval": "5m", "$job": ".*", "$instance": ".*"}


def known_metrics() -> set[str]:
    """Prometheus names of what the shop and a host tell."""
    kinds = [
        Kind(m.name, _TYPES[m.kind][0], "cumulative", _TYPES[m.kind][1], m.unit) for m in METRICS
    ]
    system = agent.System({"host.name": "here"})
    system.points()
    for owner in system.points().request.resource_metrics:
        for scope in owner.scope_metrics:
            for m in scope.metrics:
                type_ = "sum" if m.HasField("sum") else "gauge"
                kinds.append(Kind(m.name, type_, "cumulative", m.sum.is_monotonic, m.unit))
    # What this machine has no device for stands in the source all the same.
    told = re.findall(
        r'points\.(gauge|amount|total)\(\s*"([\w.]+)",\s*"([^"]+)"', inspect.getsource(agent)
    )
    for how, name, unit in told:
        type_ = "gauge" if how == "gauge" else "sum"
        kinds.append(Kind(name, type_, "cumulative", how == "total", unit))
    return {name for kind in kinds for name in kind.names()} | {"target_info"}


def expressions(path: Path) -> list[str]:
    document = json.loads(path.read_text())
    return [t["expr"] for panel in document["panels"] for t in panel["targets"]]


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_ask_for_metrics_that_there_are(path: Path) -> None:
    known, used = known_metrics(), set()
    for expression in expressions(path):
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        assert "$" not in expression
        for matchers in selectors_of(syntax.parse(expression)):
            used |= {m.value for m in matchers if m.name == "__name__"}
    for variable in json.loads(path.read_text())["templating"]["list"]:
        found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
        assert found is not None
        used.add(found.group(1))
    assert used
    assert used <= known, used - known


def test_the_data_source_is_what_the_dashboards_ask() -> None:
    source = _yaml("provisioning/datasources/quarterdeck.yaml")["datasources"][0]
    assert source["type"] == "prometheus"
    assert source["url"].endswith("/prometheus")
    assert source["secureJsonData"]["basicAuthPassword"] == "$__file{/run/secrets/quarterdeck_key}"
    compose = _yaml("compose.yaml")
    grafana = compose["services"]["grafana"]
    assert compose["secrets"]["quarterdeck_key"] == {"environment": "QUARTERDECK_KEY"}
    assert "quarterdeck_key" in grafana["secrets"]
    assert not any("KEY" in name for name in grafana["environment"])  # a secret is no environment
    for path in DASHBOARDS:
        document = json.loads(path.read_text())
        ids = [panel["id"] for panel in document["panels"]]
        assert len(set(ids)) == len(ids)
        assert {panel["datasource"]["uid"] for panel in document["panels"]} == {source["uid"]}
    provider = _yaml("provisioning/dashboards/quarterdeck.yaml")["providers"][0]
    mounted = [volume.split(":") for volume in grafana["volumes"]]
    assert ["./dashboards", provider["options"]["path"], "ro"] in mounted
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert Path(home).name in {path.name for path in DASHBOARDS}


def _yaml(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text())
