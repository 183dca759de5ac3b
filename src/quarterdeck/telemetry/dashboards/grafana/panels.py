"""Panels of Grafana's dashboards, in our form."""

import html
import re
from typing import Any

from pydantic import ValidationError

from quarterdeck.telemetry.dashboards.grafana.fields import (
    Json,
    flag,
    inside,
    items,
    number,
    text,
    texts,
)
from quarterdeck.telemetry.dashboards.grafana.notes import Notes
from quarterdeck.telemetry.dashboards.grafana.places import Placed
from quarterdeck.telemetry.dashboards.grafana.queries import Sources, plain, queries_of
from quarterdeck.telemetry.dashboards.grafana.units import tone_of, unit_of
from quarterdeck.telemetry.dashboards.spec import LONG, Panel

KINDS = {
    "timeseries": "timeseries", "graph": "timeseries",
    "stat": "stat", "singlestat": "stat", "gauge": "stat", "grafana-singlestat-panel": "stat",
    "table": "table", "table-old": "table", "heatmap": "heatmap",
    "bargauge": "bar", "barchart": "bar", "piechart": "bar", "grafana-piechart-panel": "bar",
    "logs": "logs", "text": "markdown",
}  # fmt: skip
_CHANGED = {"gauge": "A gauge", "piechart": "A pie chart", "grafana-piechart-panel": "A pie chart"}
_REDUCE = {
    "lastNotNull": "last", "last": "last", "current": "last", "mean": "mean", "avg": "mean", "min": "min",
    "max": "max", "sum": "sum", "total": "sum", "first": "first", "firstNotNull": "first", "count": "count",
}  # fmt: skip


def panel_of(placed: Placed, id: str, sources: Sources, notes: Notes) -> Panel | None:
    """Our panel, or none where there is nothing to show; the notes say why."""
    found = placed.panel
    title = plain(text(found, "title", most=200), notes, text(found, "title", most=200))
    if placed.row:
        if text(found, "repeat"):
            notes.say("panel_repeat", title, f"${text(found, 'repeat', most=60)}")
        spec: dict[str, Any] | None = {"kind": "row", "folded": placed.folded}
    else:
        spec = _spec(found, title, sources, notes)
    if spec is None:
        return None
    place = {"x": placed.x, "y": placed.y, "w": placed.w, "h": placed.h}
    try:
        return Panel.model_validate({"id": id, "title": title, **place, **spec})
    except ValidationError as error:
        flaw = error.errors(include_input=False, include_url=False)[0]["msg"]
        notes.say("panel_invalid", title, flaw.removeprefix("Value error, "))
        return None


def _spec(found: Json, title: str, sources: Sources, notes: Notes) -> dict[str, Any] | None:
    theirs = text(found, "type", most=80)
    kind = KINDS.get(theirs)
    if isinstance(found.get("libraryPanel"), dict) and not any(items(found, "targets")):
        notes.say("panel_library", title)
        return None
    if kind is None:
        notes.say("panel_kind", title, theirs or "?")
        return None
    if theirs in _CHANGED:
        notes.say("panel_changed", title, _CHANGED[theirs])
    _note_what_is_left(found, title, notes)
    spec: dict[str, Any] = {
        "kind": kind,
        "description": text(found, "description", most=4_000),
        "links": links_of(found, title, notes),
    }
    if kind == "markdown":
        return spec | {"text": _words(found, title, notes)}
    spec["queries"] = queries_of(found, kind, title, sources, notes)
    if not spec["queries"]:
        notes.say("panel_empty", title)
        return None
    if kind == "logs":
        return spec
    return spec | _looks(found, kind, title, notes)


def _note_what_is_left(found: Json, title: str, notes: Notes) -> None:
    if repeat := text(found, "repeat", most=60):
        notes.say("panel_repeat", title, f"${repeat}")
    if changed := [text(each, "id", most=40) for each in items(found, "transformations")]:
        notes.say("transformations", title, ", ".join(changed))
    fields = inside(found, "fieldConfig")
    properties = [
        text(each, "id", most=40)
        for override in [*items(fields, "overrides"), *items(found, "seriesOverrides")]
        for each in items(override, "properties")
    ]
    if any(items(fields, "overrides")) or any(items(found, "seriesOverrides")):
        notes.say("overrides", title, ", ".join(dict.fromkeys(properties)) or "series")
    if any(items(inside(fields, "defaults"), "mappings")) or any(items(found, "valueMaps")):
        notes.say("mappings", title)
    if isinstance(found.get("alert"), dict):
        notes.say("alert", title)
    if own := text(found, "timeFrom", "timeShift", most=20):
        notes.say("own_time", title, own)


def _looks(found: Json, kind: str, title: str, notes: Notes) -> dict[str, Any]:
    """Unit, axis and drawing: of today's field options, or of the panels from before them."""
    defaults = inside(found, "fieldConfig", "defaults")
    custom, options = inside(defaults, "custom"), inside(found, "options")
    axis = next(items(found, "yaxes"), {})
    unit, known = unit_of(text(defaults, "unit") or text(axis, "format") or text(found, "format"))
    if not known:
        notes.say("unit", title, unit)
    low = number(defaults, "min")
    high = number(defaults, "max")
    low, high = (
        number(axis, "min") if low is None else low,
        number(axis, "max") if high is None else high,
    )
    if low is not None and high is not None and low >= high:
        low = high = None
    decimals = number(defaults, "decimals")
    decimals = number(found, "decimals") if decimals is None else decimals
    stacking = text(inside(custom, "stacking"), "mode")
    if stacking == "percent" or flag(found, "percentage"):
        notes.say("percent_stack", title)
    if text(custom, "axisPlacement") == "right" or any(
        each.get("yaxis") == 2 for each in items(found, "seriesOverrides")
    ):
        notes.say("second_axis", title)
    calcs = texts(inside(options, "reduceOptions"), "calcs") or texts(found, "valueName")
    thresholds = _thresholds(found, kind, low, high, title, notes)
    return {
        "unit": unit,
        "decimals": None if decimals is None else int(min(10, max(0, decimals))),
        "min": low,
        "max": high,
        "log": text(inside(custom, "scaleDistribution"), "type") == "log"
        or (number(axis, "logBase") or 1) > 1,
        "stacked": stacking in ("normal", "percent") or flag(found, "stack"),
        "fill": (number(custom, "fillOpacity") or number(found, "fill") or 0) > 0,
        "bars": text(custom, "drawStyle") == "bars"
        or (flag(found, "bars") and found.get("lines") is False),
        "legend": _legend(found, options),
        "reduce": _REDUCE.get(calcs[0], "last") if calcs else "last",
        "thresholds": thresholds,
    }


def _legend(found: Json, options: Json) -> str:
    legend, old = inside(options, "legend"), inside(found, "legend")
    if text(legend, "displayMode") == "hidden" or legend.get("showLegend") is False:
        return "hidden"
    if old and old.get("show") is False:
        return "hidden"
    return (
        "table" if text(legend, "displayMode") == "table" or flag(old, "alignAsTable") else "above"
    )


def _thresholds(
    found: Json, kind: str, low: float | None, high: float | None, title: str, notes: Notes
) -> list[dict[str, Any]]:
    if kind == "timeseries":
        old = [
            {"value": value, "tone": _OLD_TONES.get(text(each, "colorMode"), "warning")}
            for each in items(found, "thresholds")
            if (value := number(each, "value")) is not None
        ]
        style = text(inside(found, "fieldConfig", "defaults", "custom", "thresholdsStyle"), "mode")
        if old or style in ("", "off"):
            return _rising(old)
    if isinstance(written := found.get("thresholds"), str):  # "70,90", of a singlestat
        colors = texts(found, "colors")
        values = [number({"value": part}, "value") for part in written.split(",")]
        tones = [tone_of(color) for color in colors] or ["good", "warning", "critical"]
        steps = zip([None, *values], tones, strict=False)
        coloured = flag(found, "colorValue") or flag(found, "colorBackground")
        return _rising([{"value": v, "tone": t} for v, t in steps]) if coloured else []
    told = inside(found, "fieldConfig", "defaults", "thresholds")
    steps_told = [
        {"value": number(each, "value"), "tone": tone_of(text(each, "color"))}
        for each in items(told, "steps")
    ]
    if text(told, "mode") == "percentage" and len(steps_told) > 1:
        if low is None or high is None:
            notes.say("percent_thresholds", title)
            return []
        for step in steps_told:
            if step["value"] is not None:
                step["value"] = low + (high - low) * float(step["value"]) / 100
    rising = _rising(steps_told)
    return [] if len(rising) < 2 else rising


_OLD_TONES = {"critical": "critical", "warning": "warning", "ok": "good", "custom": "warning"}


def _rising(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In order, each value once, the one without a value first."""
    base = [step for step in steps if step["value"] is None][:1]
    known = {step["value"]: step for step in steps if step["value"] is not None}
    return [*base, *(known[value] for value in sorted(known))][:20]


def _words(found: Json, title: str, notes: Notes) -> str:
    options = inside(found, "options")
    words = text(options, "content", most=LONG) or text(found, "content", most=LONG)
    if (text(options, "mode") or text(found, "mode")) == "html":
        notes.say("html", title)
        words = re.sub(r"(?is)<(script|style)\b.{0,20000}?</\1\s*>", "", words)
        words = re.sub(r"(?i)<(?:br|/p|/div|/li|/h\d)\b[^<>]*>", "\n", words)
        words = html.unescape(re.sub(r"<[^<>]*>", "", words)).strip()
    return plain(words, notes, title)


def links_of(found: Json, title: str, notes: Notes) -> list[dict[str, Any]]:
    """Links to the web; those to other dashboards of Grafana lead nowhere here."""
    links = []
    for each in items(found, "links"):
        url, name = text(each, "url", most=2_000), text(each, "title", most=120)
        if url.startswith(("http://", "https://")) and name:
            links.append({"title": name, "url": plain(url, notes, title)[:2_000]})
        else:
            notes.say("links", title, name or url or text(each, "type", most=40))
    return links[:20]
