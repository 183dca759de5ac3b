"""Variables of Grafana's dashboards, in our form."""

import re
from typing import Any

from pydantic import ValidationError

from quarterdeck.telemetry.dashboards.grafana.fields import Json, flag, inside, items, text, texts
from quarterdeck.telemetry.dashboards.grafana.notes import Notes
from quarterdeck.telemetry.dashboards.grafana.queries import Sources, plain
from quarterdeck.telemetry.dashboards.spec import DURATION, Panel, Variable

_ASKED = re.compile(r"^\s*(label_values|label_names|metrics)\s*\(", re.I)
_ALL = "$__all"
_MOST = 50
_MATCHED = re.compile(r"""([=!]~\s*")\$(?:(\w+)|\{(\w+)\})(?=")""")
_REGEX = re.compile(r"[.\])][*+?]|[|^$\[(\\]")


def variables_of(dashboard: Json, sources: Sources, notes: Notes) -> list[Variable]:
    found: list[Variable] = []
    for each in items(inside(dashboard, "templating"), "list"):
        name = text(each, "name", most=80)
        if text(each, "type") == "datasource":
            notes.say("datasource_variable", detail=name)
            continue
        spec = _variable(each, name, sources, notes)
        if spec is None:
            continue
        try:
            variable = Variable.model_validate(spec)
        except ValidationError:
            notes.say("variable_invalid", detail=name)
            continue
        if variable.name in {other.name for other in found} or len(found) == _MOST:
            notes.say("variable_invalid", detail=name)
            continue
        found.append(variable)
        if not _is_pattern(variable) and any(
            _REGEX.search(each)
            for each in (*variable.default, *(option.value for option in variable.options))
            if variable.kind in ("custom", "text")
        ):
            notes.say("variable_regex", detail=name)
    return found


def inlined(panel: Panel, variables: list[Variable]) -> Panel:
    """The panel with the regular expression of a variable of one value in its place.

    Grafana puts the value of such a variable in as it is; here values are quoted, and
    `=~"$devices"` would match its letters.
    """
    patterns = {each.name: each.options[0].value for each in variables if _is_pattern(each)}

    def put(found: re.Match[str]) -> str:
        pattern = patterns.get(found[2] or found[3])
        if pattern is None:
            return found[0]
        return found[1] + pattern.replace("\\", "\\\\").replace('"', '\\"')

    queries = [
        query.model_copy(update={"promql": _MATCHED.sub(put, query.promql)})
        for query in panel.queries
    ]
    return panel.model_copy(update={"queries": queries})


def _is_pattern(variable: Variable) -> bool:
    """One value for ever, which is a regular expression."""
    return (
        variable.kind == "custom"
        and len(variable.options) == 1
        and not (variable.multi or variable.include_all)
        and _REGEX.search(variable.options[0].value) is not None
    )


def _variable(of: Json, name: str, sources: Sources, notes: Notes) -> dict[str, Any] | None:
    kind = text(of, "type")
    spec: dict[str, Any] = {
        "name": name,
        "label": text(of, "label", most=80),
        "hidden": of.get("hide") == 2 or of.get("hide") == "hideVariable",
    }
    several = {"multi": flag(of, "multi"), "include_all": flag(of, "includeAll")}
    chosen = [each[:500] for each in texts(inside(of, "current"), "value") if each != _ALL]
    spec["default"] = chosen if several["multi"] or not several["include_all"] else chosen[:1]
    if several["include_all"] and text(of, "allValue") not in ("", ".*", ".+"):
        notes.say("variable_all", detail=name)
    if kind == "query":
        query = text(of, "query") or text(inside(of, "query"), "query", "expr")
        query = query or text(of, "definition")
        if sources.kind(of.get("datasource")) != "prometheus" or not _ASKED.match(query):
            notes.say("variable_query", detail=name)
            return None
        regex = text(of, "regex", most=500)
        bare = re.fullmatch(r"/(.*)/[a-z]*", regex, re.S)
        spec |= {"kind": "labels", "query": plain(query.strip(), notes, ""), **several}
        spec |= {"regex": bare[1] if bare else regex}
    elif kind == "custom":
        spec |= {"kind": "custom", "options": _options(of), **several}
    elif kind == "interval":
        if flag(of, "auto"):
            notes.say("variable_auto", detail=name)
        options = [each for each in _options(of) if re.match(DURATION, each["value"])]
        known = {each["value"] for each in options}
        spec |= {"kind": "interval", "options": options}
        spec["default"] = [each for each in chosen if each in known][:1]
    elif kind == "textbox":
        spec |= {"kind": "text", "default": (chosen or texts(of, "query"))[:1]}
    elif kind == "constant":
        value = (texts(of, "query") or chosen or [""])[0][:500]
        spec |= {"kind": "custom", "options": [{"value": value}], "hidden": True, "default": []}
    else:
        notes.say("variable_kind", detail=f"{name} ({kind[:40] or '?'})")
        return None
    return spec


def _options(of: Json) -> list[dict[str, str]]:
    """`a, b, Three : 3`: a comma with a backslash before it belongs to the value."""
    found = []
    for part in re.split(r"(?<!\\),", text(of, "query")):
        part = part.replace("\\,", ",").strip()
        label, colon, value = part.rpartition(" : ")
        if part:
            found.append({"value": value.strip() if colon else part, "label": label.strip()[:200]})
    if not found:
        found = [
            {"value": text(each, "value"), "label": ""}
            for each in items(of, "options")
            if text(each, "value") not in ("", _ALL)
        ]
    return [{**each, "value": each["value"][:500]} for each in found[:500]]
