"""What a dashboard may hold, and that those which ship can be asked."""

import re
from typing import Any

import promql_parser
import pytest

from quarterdeck.registry import KINDS
from quarterdeck.resources.kind import parse_spec, spec_json
from quarterdeck.telemetry.dashboards.ready import shipped
from quarterdeck.telemetry.dashboards.spec import DashboardSpec

KIND = KINDS.named("dashboard")
PANEL = {"id": "a", "kind": "timeseries", "queries": [{"promql": "up"}]}


def flaws(**fields: Any) -> list[str]:
    spec, found = parse_spec(KIND, {"title": "T", **fields})
    assert (spec is None) == bool(found)
    return [f"{flaw.path}: {flaw.message}" for flaw in found]


def panel(**fields: Any) -> list[str]:
    return flaws(panels=[{**PANEL, **fields}])


def variable(**fields: Any) -> list[str]:
    return flaws(variables=[{"name": "v", **fields}])


def test_a_panel_stands_on_the_grid_and_asks_what_its_kind_can_show() -> None:
    assert panel() == []
    assert panel(x=12, w=13) == ["panels.0: reaches beyond column 24"]
    assert panel(w=0)
    assert panel(h=101)
    assert panel(x=24)
    assert panel(y=-1)
    assert panel(kind="pie")
    assert panel(id="<b>")
    assert panel(id="")
    assert panel(min=1.0, max=1.0) == [
        "panels.0: ends below its beginning: min must be less than max"
    ]
    assert panel(kind="logs") == ["panels.0: a logs panel asks for logs or a saved search"]
    assert panel(kind="logs", queries=[{"logs": ""}, {"saved_search": "failed"}]) == []
    assert "needs exactly one of" in panel(queries=[{"legend": "x"}])[0]
    assert "needs exactly one of" in panel(queries=[{"promql": "up", "sql": "SELECT 1"}])[0]
    assert panel(queries=[{"promql": "up"}] * 27)
    assert panel(unknown=1) == ["panels.0.unknown: is not a field of this kind"]


def test_thresholds_rise() -> None:
    def thresholds(*values: float | None) -> list[str]:
        return panel(thresholds=[{"value": value, "tone": "good"} for value in values])

    assert thresholds(None, 1.0, 2.5) == []
    assert thresholds(2.0, 1.0) == ["panels.0: thresholds must rise"]
    assert thresholds(1.0, 1.0) == ["panels.0: thresholds must rise"]
    assert thresholds(1.0, None) == ["panels.0: only the first threshold may have no value"]
    assert panel(thresholds=[{"value": 1.0, "tone": "purple"}])


def test_a_variable_has_values_and_waits_for_no_circle() -> None:
    assert variable(kind="text") == []
    assert variable(kind="labels") == ["variables.0: needs a query"]
    assert variable(kind="custom") == ["variables.0: needs values"]
    assert variable(kind="interval", options=[{"value": "soon"}]) == [
        "variables.0: values must be durations such as 5m"
    ]
    assert variable(kind="text", multi=True) == ["variables.0: has one value at a time"]
    for name in ("", "1a", "a-b", "__range", "a" * 51):
        assert flaws(variables=[{"name": name, "kind": "text"}]), name
    circle = [
        {"name": "a", "query": "label_values(up{x='$b'}, y)"},
        {"name": "b", "query": "label_values(up{x='${a:regex}'}, y)"},
    ]
    assert flaws(variables=circle) == [": the variables a and b wait for each other"]
    assert flaws(variables=[{"name": "a", "query": "label_values($a)"}])
    assert flaws(variables=[*circle[:1], {"name": "b", "kind": "text"}]) == []


def test_names_are_its_own() -> None:
    assert flaws(panels=[PANEL, PANEL]) == [": two panels have the id a"]
    twice = [{"name": "v", "kind": "text"}] * 2
    assert flaws(variables=twice) == [": two variables are named v"]
    assert flaws(panels=[{**PANEL, "id": f"p{n}"} for n in range(401)])


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://example.com/$service", True),
        ("/logs?q=$service", True),
        ("javascript:alert(1)", False),
        ("//evil.example", False),
        ("/\\evil.example", False),
        ("data:text/html,x", False),
        ("", False),
    ],
)
def test_a_link_leads_to_the_web_or_to_a_page_here(url: str, fine: bool) -> None:
    link = {"title": "x", "url": url}
    assert (flaws(links=[link]) == []) is fine
    assert (panel(links=[link]) == []) is fine


def test_what_is_stored_reads_back_equal() -> None:
    for spec in shipped().values():
        assert DashboardSpec.model_validate_json(spec.model_dump_json()) == spec
        assert parse_spec(KIND, spec_json(spec, terse=True))[0] == spec


_WORDS = {
    "__rate_interval": "1m", "__interval": "15s", "__range": "1h",
}  # fmt: skip


@pytest.mark.parametrize("name", ["demo-shop", "hosts", "quarterdeck", "services"])
def test_every_expression_that_ships_is_promql(name: str) -> None:
    spec = shipped()[name]
    known = {variable.name for variable in spec.variables}
    for each in spec.panels:
        assert each.kind == "row" or each.queries or each.text, each.id
        for query in each.queries:
            used = set(re.findall(r"\$(\w+)", query.promql)) - set(_WORDS)
            assert used <= known, (each.id, used - known)
            if query.promql:
                text = re.sub(r"\$(\w+)", lambda m: _WORDS.get(m[1], "x"), query.promql)
                promql_parser.parse(text)
