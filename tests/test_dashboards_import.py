"""Dashboards of Grafana, old and new, whole and hostile: what becomes of them, and what is said."""

import contextlib
import json
from typing import Any

import pytest

from quarterdeck.core.errors import BadInput, TooLarge
from quarterdeck.telemetry.dashboards.grafana import MOST_BYTES, Found, read_dashboard
from quarterdeck.telemetry.dashboards.grafana.notes import SENTENCES
from quarterdeck.telemetry.dashboards.grafana.units import tone_of, unit_of

PROM = {"type": "prometheus", "uid": "${ds}"}
RATE = 'sum by (mode) (irate(node_cpu_seconds_total{instance="$node",job=~"[[job]]"}[$__rate_interval]))'


def read(dashboard: Any) -> Found:
    return read_dashboard(json.dumps(dashboard).encode())


def said(found: Found) -> set[tuple[str, str, str]]:
    return {(note.panel, note.code, note.detail) for note in found.notes}


def modern() -> dict[str, Any]:
    """In the style of a large exporter dashboard of schema version 39, with a folded row."""
    defaults = {
        "unit": "percentunit",
        "min": 0,
        "max": 1,
        "decimals": 1,
        "custom": {
            "stacking": {"mode": "normal"},
            "fillOpacity": 40,
            "thresholdsStyle": {"mode": "line"},
        },
        "thresholds": {
            "mode": "absolute",
            "steps": [
                {"color": "green", "value": None},
                {"color": "#EAB839", "value": 0.85},
                {"color": "rgba(245, 54, 54, 0.9)", "value": 0.95},
            ],
        },
    }
    return {
        "__inputs": [{"name": "DS_MAIN", "type": "datasource", "pluginId": "prometheus"}],
        "title": "Node metrics",
        "description": "All of a machine",
        "tags": ["linux", "node"],
        "schemaVersion": 39,
        "time": {"from": "now-24h", "to": "now"},
        "links": [
            {"type": "link", "title": "Source", "url": "https://example.com/source"},
            {"type": "dashboards", "title": "Others", "tags": ["linux"]},
        ],
        "annotations": {"list": [{"builtIn": 1, "name": "Annotations & Alerts"}, {"name": "Boots"}]},
        "templating": {
            "list": [
                {"type": "datasource", "name": "ds", "query": "prometheus"},
                {
                    "type": "query", "name": "job", "label": "Job", "datasource": PROM,
                    "query": {"qryType": 1, "query": "label_values(node_uname_info, job)", "refId": "x"},
                    "regex": "/^node.*/", "multi": True, "includeAll": True,
                    "current": {"value": ["$__all"]},
                },
                {
                    "type": "query", "name": "node", "datasource": PROM, "hide": 2,
                    "query": 'label_values(node_uname_info{job=~"${job:regex}"}, instance)',
                    "current": {"value": "localhost:9100"},
                },
                {"type": "custom", "name": "quantile", "query": "0.5, 0.9,Most : 0.99, a\\,b"},
                {"type": "interval", "name": "step", "query": "1m,5m,1h", "auto": True},
                {"type": "textbox", "name": "find", "query": "abc"},
                {"type": "constant", "name": "cluster", "query": "main"},
                {"type": "adhoc", "name": "filters"},
            ]
        },
        "panels": [
            {"type": "row", "title": "Quick", "collapsed": False, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 0}, "panels": []},
            {
                "type": "timeseries", "title": "CPU of $node", "datasource": PROM, "id": 77,
                "gridPos": {"h": 7, "w": 18, "x": 0, "y": 1},
                "fieldConfig": {"defaults": defaults, "overrides": [
                    {"matcher": {"id": "byName", "options": "idle"}, "properties": [{"id": "color"}, {"id": "custom.transform"}]}]},
                "options": {"legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean"]}},
                "targets": [
                    {"expr": RATE, "legendFormat": "{{mode}}", "refId": "A", "datasource": PROM},
                    {"expr": "hidden", "hide": True, "refId": "B"},
                    {"refId": "C", "datasource": {"type": "__expr__", "uid": "__expr__"}, "type": "math", "expression": "$A*2"},
                ],
            },
            {
                "type": "gauge", "title": "Memory", "gridPos": {"h": 7, "w": 6, "x": 18, "y": 1}, "datasource": None,
                "options": {"reduceOptions": {"calcs": ["mean"]}},
                "fieldConfig": {"defaults": {"unit": "bytes", "thresholds": defaults["thresholds"],
                                             "mappings": [{"type": "value", "options": {}}]}},
                "targets": [{"expr": "node_memory_MemFree_bytes", "legendFormat": "__auto"}],
            },
            {
                "type": "row", "title": "Disks", "collapsed": True, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 8},
                "panels": [
                    {"type": "bargauge", "title": "Space", "gridPos": {"h": 8, "w": 12, "x": 0, "y": 9},
                     "targets": [{"expr": "node_filesystem_avail_bytes"}], "repeat": "job"},
                    {"type": "table", "title": "Mounts", "gridPos": {"h": 8, "w": 12, "x": 12, "y": 9},
                     "targets": [{"expr": "node_filesystem_size_bytes", "format": "table", "instant": True}],
                     "transformations": [{"id": "organize"}]},
                ],
            },
            {
                "type": "row", "title": "More", "collapsed": True, "gridPos": {"h": 1, "w": 24, "x": 0, "y": 9},
                "panels": [
                    {"type": "heatmap", "title": "Latency", "gridPos": {"h": 8, "w": 24, "x": 0, "y": 10},
                     "targets": [{"expr": "sum by (le) (rate(d_bucket[5m]))", "format": "heatmap", "legendFormat": "{{le}}"}]},
                    {"type": "logs", "title": "Logs", "gridPos": {"h": 8, "w": 24, "x": 0, "y": 18},
                     "datasource": {"type": "loki", "uid": "l"},
                     "targets": [{"expr": '{app="shop", level=~"e.*"} |= "boom" != "noise" | json'}]},
                    {"type": "text", "title": "", "gridPos": {"h": 3, "w": 24, "x": 0, "y": 26},
                     "options": {"mode": "html", "content": "<h1>Hi &amp; bye</h1><script>alert(1)</script><p>there"}},
                    {"type": "geomap", "title": "Where", "gridPos": {"h": 8, "w": 24, "x": 0, "y": 29}},
                    {"type": "timeseries", "title": "Rows of a database", "gridPos": {"h": 8, "w": 24, "x": 0, "y": 37},
                     "datasource": {"type": "postgres", "uid": "p"}, "targets": [{"rawSql": "SELECT 1"}]},
                    {"title": "Shared", "libraryPanel": {"uid": "u", "name": "n"}, "gridPos": {"h": 4, "w": 4, "x": 0, "y": 45}},
                ],
            },
        ],
    }  # fmt: skip


def test_a_dashboard_of_today_comes_along_with_rows_panels_and_variables() -> None:
    found = read(modern())
    spec = found.spec
    assert (spec.title, spec.range, spec.tags) == ("Node metrics", "-24h", ["linux", "node"])
    assert [(p.title, p.kind) for p in spec.panels] == [
        ("Quick", "row"), ("CPU of $node", "timeseries"), ("Memory", "stat"), ("Disks", "row"), ("Space", "bar"),
        ("Mounts", "table"), ("More", "row"), ("Latency", "heatmap"), ("Logs", "logs"), ("", "markdown"),
    ]  # fmt: skip
    assert found.panels == 10
    # What folded rows hide is put below them, and what follows moves down.
    assert [(p.x, p.y, p.w, p.h) for p in spec.panels[:8]] == [
        (0, 0, 24, 1), (0, 1, 18, 7), (18, 1, 6, 7), (0, 8, 24, 1), (0, 9, 12, 8), (12, 9, 12, 8), (0, 17, 24, 1),
        (0, 18, 24, 8),
    ]  # fmt: skip
    assert [p.folded for p in spec.panels if p.kind == "row"] == [False, True, True]
    cpu, memory = spec.panels[1], spec.panels[2]
    assert [q.promql for q in cpu.queries] == [RATE.replace("[[job]]", "${job}")]
    assert cpu.queries[0].legend == "{{mode}}"
    assert (cpu.unit, cpu.decimals, cpu.min, cpu.max) == ("share", 1, 0.0, 1.0)
    assert cpu.stacked
    assert cpu.fill
    assert cpu.legend == "table"
    assert [(t.value, t.tone) for t in cpu.thresholds] == [
        (None, "good"), (0.85, "warning"), (0.95, "critical"),
    ]  # fmt: skip
    assert (memory.unit, memory.reduce, memory.queries[0].legend) == ("bytes_iec", "mean", "")
    assert spec.panels[8].queries[0].logs == 'service:"shop" "boom" -"noise"'
    assert spec.panels[9].text == "Hi & bye\nthere"
    assert [link.url for link in spec.links] == ["https://example.com/source"]


def test_variables_come_along_and_data_sources_go() -> None:
    by_name = {v.name: v for v in read(modern()).spec.variables}
    assert list(by_name) == ["job", "node", "quantile", "step", "find", "cluster"]
    job, node = by_name["job"], by_name["node"]
    assert (job.kind, job.query) == ("labels", "label_values(node_uname_info, job)")
    assert (job.regex, job.multi, job.include_all, job.default) == ("^node.*", True, True, [])
    assert node.query == 'label_values(node_uname_info{job=~"${job}"}, instance)'
    assert (node.hidden, node.default) == (True, ["localhost:9100"])
    assert [(o.label, o.value) for o in by_name["quantile"].options] == [
        ("", "0.5"), ("", "0.9"), ("Most", "0.99"), ("", "a,b"),
    ]  # fmt: skip
    assert by_name["step"].kind == "interval"
    assert by_name["find"].default == ["abc"]
    assert (by_name["cluster"].hidden, by_name["cluster"].options[0].value) == (True, "main")


def test_a_regular_expression_of_one_value_stands_where_it_is_used() -> None:
    """As the disks of Node Exporter Full: quoted, the pattern would match its own letters."""
    devices = "[a-z]+|nvme[0-9]+n[0-9]+|sd\\d"
    found = read(
        {
            "title": "Disks",
            "templating": {
                "list": [
                    {"type": "custom", "name": "devices", "query": devices, "hide": 2},
                    {"type": "custom", "name": "mode", "query": "idle|user,system"},
                    {"type": "textbox", "name": "find", "query": ".*"},
                ]
            },
            "panels": [
                {
                    "type": "timeseries",
                    "targets": [
                        {
                            "expr": 'a{device=~"$devices",mode=~"$mode"} / b{device!~"${devices}",x="$devices"}'
                        }
                    ],
                }
            ],
        }
    )
    value = devices.replace("\\", "\\\\")
    assert found.spec.panels[0].queries[0].promql == (
        f'a{{device=~"{value}",mode=~"$mode"}} / b{{device!~"{value}",x="$devices"}}'
    )
    notes = {detail for _, code, detail in said(found) if code == "variable_regex"}
    assert notes == {"mode", "find"}


def test_what_does_not_come_along_is_said() -> None:
    notes = said(read(modern()))
    for expected in (
        ("", "datasource_variable", "ds"), ("", "variable_kind", "filters (adhoc)"), ("", "variable_auto", "step"),
        ("", "annotations", "Boots"), ("", "links", "Others"),
        ("CPU of $node", "query_hidden", ""), ("CPU of $node", "expression", "math"),
        ("CPU of $node", "overrides", "color, custom.transform"), ("Memory", "panel_changed", "A gauge"),
        ("Memory", "mappings", ""), ("Space", "panel_repeat", "$job"), ("Mounts", "transformations", "organize"),
        ("Logs", "logql", 'level=~"e.*"'), ("Logs", "logql", "| json"), ("", "html", ""),
        ("Where", "panel_kind", "geomap"), ("Rows of a database", "datasource", "postgres"),
        ("Rows of a database", "panel_empty", ""), ("Shared", "panel_library", ""),
    ):  # fmt: skip
        assert expected in notes, expected
    for note in read(modern()).notes:
        assert note.lost is SENTENCES[note.code][0]
        assert "{}" not in note.text


def test_a_dashboard_from_before_the_grid_comes_along() -> None:
    found = read(
        {
            "title": "Old", "schemaVersion": 14,
            "rows": [
                {"title": "First", "showTitle": True, "height": "250px", "panels": [
                    {"type": "graph", "title": "Load", "span": 8, "datasource": "$ds", "stack": True, "fill": 2,
                     "yaxes": [{"format": "s", "logBase": 10, "min": "1"}, {"format": "short"}],
                     "legend": {"show": True, "alignAsTable": True}, "bars": False, "lines": True,
                     "thresholds": [{"value": 2, "colorMode": "critical", "op": "gt"}],
                     "targets": [{"expr": "node_load1", "legendFormat": "1m"}], "timeFrom": "1h"},
                    {"type": "singlestat", "title": "Up", "span": 4, "format": "percent", "valueName": "current",
                     "thresholds": "80,90", "colorValue": True, "colors": ["#299c46", "rgba(237, 129, 40, 0.89)", "#d44a3a"],
                     "targets": [{"expr": "up"}]},
                    {"type": "graph", "title": "Below", "span": 12, "height": 380, "legend": {"show": False},
                     "bars": True, "lines": False, "yaxes": [{"format": "wattage"}], "targets": [{"expr": "x"}]},
                ]},
                {"title": "Hidden", "collapse": True, "panels": [
                    {"type": "text", "title": "Notes", "content": "# Hello\n$node", "mode": "markdown", "span": 12}]},
            ],
        }
    )  # fmt: skip
    first, load, up, below, hidden, notes = found.spec.panels
    assert [(p.x, p.y, p.w, p.h) for p in (first, load, up, below, hidden, notes)] == [
        (0, 0, 24, 1), (0, 1, 16, 7), (16, 1, 8, 7), (0, 8, 24, 10), (0, 18, 24, 1), (0, 19, 24, 7),
    ]  # fmt: skip
    assert (load.unit, load.log, load.min, load.stacked, load.fill) == ("seconds", True, 1.0, True, True)  # fmt: skip
    assert [(t.value, t.tone) for t in load.thresholds] == [(2.0, "critical")]
    assert (load.legend, below.legend, below.bars) == ("table", "hidden", True)
    assert [(t.value, t.tone) for t in up.thresholds] == [
        (None, "good"), (80.0, "warning"), (90.0, "critical"),
    ]  # fmt: skip
    assert (hidden.folded, notes.text) == (True, "# Hello\n$node")
    assert {("Load", "own_time", "1h"), ("Below", "unit", "wattage")} <= said(found)


def test_the_shapes_in_which_a_dashboard_travels_are_one() -> None:
    plain = {"title": "T", "panels": []}
    for shape in (
        plain,
        {"dashboard": plain, "meta": {"slug": "t"}},
        {"dashboard": {"dashboard": plain}},
        {"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "spec": plain},
    ):
        assert read(shape).spec.title == "T"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b'{"panels": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not valid JSON"),
        (b"[" * 2_000 + b"]" * 2_000, "not valid JSON"),
        (b'{"panels": [NaN]}', "not valid JSON"),
        (b'["panels"]', "not a dashboard"),
        (b'"panels"', "not a dashboard"),
        (b"{}", "neither panels nor rows"),
        (b'{"panels": {"a": 1}}', "neither panels nor rows"),
        (b'{"elements": {}, "layout": {}, "title": "v2"}', "second schema"),
    ],
)
def test_what_is_no_dashboard_is_refused_in_a_sentence(body: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as refused:
        read_dashboard(body)
    assert refused.value.code == "dashboard_invalid"


def test_a_document_that_is_too_large_is_refused() -> None:
    with pytest.raises(TooLarge):
        read_dashboard(b" " * (MOST_BYTES + 1))


JUNK: list[Any] = [
    None, True, 0, -1, 1e308, 10**30, "", "x" * 50_000, "\0", [], {}, [[]], [{}], {"a": {"b": []}}, [None, 1, "x"],
]  # fmt: skip


def test_wrong_types_anywhere_never_break_the_reading() -> None:
    """Every field of a real document in turn holds something that does not belong there."""

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        inner = (
            value.items() if isinstance(value, dict)
            else enumerate(value) if isinstance(value, list) else ()
        )  # fmt: skip
        return [path, *(p for key, each in inner for p in places(each, (*path, key)))]

    tried = 0
    for at, path in enumerate(places(modern())[1:]):
        document = modern()
        inside: Any = document
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = JUNK[at % len(JUNK)]
        with contextlib.suppress(BadInput):  # any other error fails the test
            read(document)
        tried += 1
    assert tried > 300


def test_hostile_texts_stay_texts_and_hundreds_of_panels_are_cut() -> None:
    panels = [
        {"type": "stat", "title": f"<img onerror=x>{n}\0", "targets": [{"expr": "up"}]}
        for n in range(500)
    ]
    links = [{"title": "x", "url": "javascript:alert(1)"}]
    found = read({"title": "\0" + "y" * 500, "panels": panels, "links": links})
    assert len(found.spec.title) == 120
    assert found.spec.panels[0].title == "<img onerror=x>0"
    assert (len(found.spec.panels), found.panels, found.spec.links) == (400, 500, [])
    assert ("", "panels_cut", "400") in said(found)


def test_variables_that_wait_for_each_other_are_refused() -> None:
    def asks(name: str, other: str) -> dict[str, Any]:
        return {"type": "query", "name": name, "query": f"label_values(up{{a='${other}'}}, b)"}

    with pytest.raises(BadInput, match="wait for each other"):
        read({"panels": [], "templating": {"list": [asks("a", "b"), asks("b", "a")]}})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("percentunit", ("share", True)),
        ("bytes", ("bytes_iec", True)),
        ("decbytes", ("bytes", True)),
        ("dtdurations", ("seconds", True)),
        ("suffix: req", ("req", True)),
        ("flops", ("flops", False)),
    ],
)
def test_units_have_our_names(theirs: str, ours: tuple[str, bool]) -> None:
    assert unit_of(theirs) == ours


@pytest.mark.parametrize(
    ("color", "tone"),
    [
        ("semi-dark-red", "critical"), ("#d44a3a", "critical"), ("#F2495C", "critical"), ("#299c46", "good"),
        ("#EAB839", "warning"), ("rgba(237, 129, 40, 0.89)", "warning"), ("#5794F2", "info"), ("#808080", "neutral"),
        ("var(--x)", "neutral"), ("rgb(999999999999, 0, 0)", "critical"),
    ],
)  # fmt: skip
def test_colours_become_tones(color: str, tone: str) -> None:
    assert tone_of(color) == tone
