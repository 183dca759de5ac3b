"""Queries of Grafana's panels: PromQL as it is, the simple part of LogQL as a search."""

import re
from typing import Any

from quarterdeck.telemetry.dashboards.grafana.fields import Json, flag, inside, items, text
from quarterdeck.telemetry.dashboards.grafana.notes import Notes
from quarterdeck.telemetry.dashboards.spec import LONG, MOST_QUERIES

_OLD = re.compile(r"\[\[\s*([A-Za-z]\w*)\s*(?::\w+)?\s*\]\]")
_FORMATTED = re.compile(r"\$\{([A-Za-z]\w*):(\w+)\}")
_SAME = {"regex", "pipe", "text"}  # what values become in PromQL anyway
_BUILTIN = re.compile(r"\$\{?(__[A-Za-z_]+)")
KNOWN = {
    "__interval", "__interval_ms", "__rate_interval", "__range", "__range_s", "__range_ms", "__from", "__to",
}  # fmt: skip
_SELECTOR = re.compile(r"^\s*\{([^{}]*)\}")
_MATCHER = re.compile(r'^\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*$')
_FILTER = re.compile(r"""^\s*(\|=|!=)\s*(?:"((?:[^"\\]|\\.)*)"|`([^`]*)`)""")
_LABELS = {"job": "service", "app": "service", "service_name": "service", "level": "level"}


class Sources:
    """Which kind of data source a panel or a query asks."""

    def __init__(self, dashboard: Json) -> None:
        self._by_name: dict[str, str] = {}
        for each in items(dashboard, "__inputs"):
            self._by_name[text(each, "name")] = text(each, "pluginId")
        for each in items(inside(dashboard, "templating"), "list"):
            if text(each, "type") == "datasource":
                self._by_name[text(each, "name")] = text(each, "query")

    def kind(self, *asked: Any) -> str:
        """Of the first that names one; Prometheus where nothing says otherwise."""
        for each in asked:
            found = self._kind(each)
            if found and found not in ("mixed", "datasource"):
                return found
        return "prometheus"

    def _kind(self, source: Any) -> str:
        if isinstance(source, dict):
            return text(source, "type") or self._kind(text(source, "uid"))
        if not isinstance(source, str) or not source:
            return ""
        if source.startswith("-- "):
            return source.strip("- ").lower()
        name = re.sub(r"^\$\{?|\}$|^\[\[|\]\]$", "", source)
        if name in self._by_name:
            return self._by_name[name]
        return "loki" if "loki" in source.lower() else ""


def plain(expr: str, notes: Notes, panel: str) -> str:
    """Variables in the one form that is written here."""

    def formatted(found: re.Match[str]) -> str:
        if found[2] not in _SAME:
            notes.say("format", panel, found[0])
        return f"${{{found[1]}}}"

    expr = _FORMATTED.sub(formatted, _OLD.sub(r"${\1}", expr))
    for found in _BUILTIN.finditer(expr):
        if found[1] not in KNOWN:
            notes.say("builtin", panel, f"${found[1]}")
    return expr


def queries_of(
    panel: Json, kind: str, title: str, sources: Sources, notes: Notes
) -> list[dict[str, Any]]:
    """What a panel asks, in our form; what cannot be asked is noted."""
    found: list[dict[str, Any]] = []
    for target in items(panel, "targets"):
        if flag(target, "hide"):
            notes.say("query_hidden", title)
            continue
        source = sources.kind(target.get("datasource"), panel.get("datasource"))
        query = _query(target, kind, source, title, notes)
        if query and len(found) == MOST_QUERIES:
            notes.say("query_cut", title, str(MOST_QUERIES))
            break
        if query:
            found.append(query)
    return found


def _query(target: Json, kind: str, source: str, title: str, notes: Notes) -> dict[str, Any] | None:
    expr = text(target, "expr", "query", most=LONG + 1)
    if source in ("__expr__", "expression"):
        notes.say("expression", title, text(target, "type", most=40) or "expression")
        return None
    if kind == "logs" or source == "loki":
        if source not in ("loki", "prometheus") or kind != "logs":
            notes.say("datasource", title, source)
            return None
        return {"logs": search_of(expr, title, notes)}
    if source != "prometheus":
        notes.say("datasource", title, source[:60])
        return None
    if len(expr) > LONG:
        notes.say("cut", title, "expr")
        return None
    if not expr.strip():
        return None
    legend = text(target, "legendFormat", most=300)
    query = {"promql": plain(expr, notes, title)}
    if legend and legend != "__auto":
        query["legend"] = plain(legend, notes, title)
    return query


def search_of(logql: str, title: str, notes: Notes) -> str:
    """Labels that equal something and texts that a line holds; the rest is noted."""
    logql = plain(logql, notes, title)
    found = _SELECTOR.match(logql)
    if not found:
        if logql.strip():
            notes.say("logql", title, logql)
        return ""
    terms: list[str] = []
    for part in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', found[1]):
        matcher = _MATCHER.match(part)
        if matcher and matcher[2] in ("=", "!="):
            sign = "-" if matcher[2] == "!=" else ""
            terms.append(f'{sign}{_LABELS.get(matcher[1], matcher[1])}:"{matcher[3]}"')
        elif part.strip():
            notes.say("logql", title, part.strip())
    rest = logql[found.end() :]
    while line := _FILTER.match(rest):
        words = (
            line[2] if line[2] is not None else line[3].replace("\\", "\\\\").replace('"', '\\"')
        )
        terms.append(f'{"-" if line[1] == "!=" else ""}"{words}"')
        rest = rest[line.end() :]
    if rest.strip():
        notes.say("logql", title, rest.strip())
    return " ".join(terms)[:4_000]
