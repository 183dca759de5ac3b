"""A dashboard as Grafana exports it (schema versions 16 to 41, and the rows from before), read.

Nothing in the document is trusted: what has the wrong type counts as absent, what cannot be shown
is noted, and a document that is no dashboard is refused with a sentence that says so.
"""

import re
from dataclasses import dataclass

import orjson
from pydantic import ValidationError

from quarterdeck.core.errors import BadInput, TooLarge
from quarterdeck.telemetry.dashboards.grafana.check import note_flaws
from quarterdeck.telemetry.dashboards.grafana.fields import Json, inside, items, text, texts
from quarterdeck.telemetry.dashboards.grafana.notes import Note, Notes
from quarterdeck.telemetry.dashboards.grafana.panels import links_of, panel_of
from quarterdeck.telemetry.dashboards.grafana.places import places
from quarterdeck.telemetry.dashboards.grafana.queries import Sources
from quarterdeck.telemetry.dashboards.grafana.variables import inlined, variables_of
from quarterdeck.telemetry.dashboards.spec import MOST_PANELS, MOST_ROWS, DashboardSpec, Link, Panel

MOST_BYTES = 8 * 1_048_576
_RELATIVE = re.compile(r"^now-(\d{1,6}[smhdwMy])$")
_HINT = "In Grafana: Share, Export, Save to file; or the JSON of the dashboard's settings."


@dataclass(frozen=True, slots=True)
class Found:
    spec: DashboardSpec
    panels: int  # in the document, rows aside
    notes: list[Note]


def read_dashboard(body: bytes) -> Found:
    """Raises BadInput with the code `dashboard_invalid`, or TooLarge."""
    if len(body) > MOST_BYTES:
        raise TooLarge(
            "dashboard_too_large",
            f"The document is larger than {MOST_BYTES // 1_048_576} MiB.",
            "A dashboard without its data is rarely larger than one.",
        )
    dashboard = _dashboard(body)
    notes = Notes()
    sources = Sources(dashboard)
    panels, found = _panels(dashboard, sources, notes)
    variables = variables_of(dashboard, sources, notes)
    panels = [inlined(panel, variables) for panel in panels]
    note_flaws(panels, {each.name for each in variables}, notes)
    for each in items(inside(dashboard, "annotations"), "list"):
        if each.get("builtIn") != 1:
            notes.say("annotations", detail=text(each, "name", most=80))
    opens = _RELATIVE.match(text(inside(dashboard, "time"), "from"))
    try:
        spec = DashboardSpec(
            title=text(dashboard, "title", most=120).strip() or "Imported dashboard",
            description=text(dashboard, "description", most=2_000),
            tags=list(dict.fromkeys(tag[:40] for tag in texts(dashboard, "tags") if tag))[:20],
            range=f"-{opens[1]}" if opens else "",
            interval="1m",
            variables=variables,
            panels=panels,
            links=[Link(**link) for link in links_of(dashboard, "", notes)],
        )
    except ValidationError as error:
        flaw = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise BadInput(
            "dashboard_invalid", f"{flaw.removeprefix('Value error, ').capitalize()}.", _HINT
        ) from None
    return Found(spec, found, list(notes))


def _dashboard(body: bytes) -> Json:
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadInput(
            "dashboard_invalid",
            f"The document is not valid JSON: line {error.lineno}, column {error.colno}.",
            _HINT,
        ) from None
    for _ in range(3):  # as our API takes it, and as Grafana's answers it
        if isinstance(read, dict) and isinstance(read.get("dashboard"), dict):
            read = read["dashboard"]
    if isinstance(read, dict) and isinstance(read.get("spec"), dict) and "apiVersion" in read:
        read = read["spec"]
    if not isinstance(read, dict):
        raise BadInput("dashboard_invalid", "The document is not a dashboard.", _HINT)
    if isinstance(read.get("elements"), dict) and "layout" in read:
        raise BadInput(
            "dashboard_invalid",
            "The document has Grafana's second schema (elements and a layout).",
            "Export it in the classic form: Share, Export, with the model “Classic”.",
        )
    if not isinstance(read.get("panels"), list) and not isinstance(read.get("rows"), list):
        raise BadInput("dashboard_invalid", "The document holds neither panels nor rows.", _HINT)
    return read


def _panels(dashboard: Json, sources: Sources, notes: Notes) -> tuple[list[Panel], int]:
    kept: list[Panel] = []
    found = 0
    for placed in places(dashboard):
        found += not placed.row
        if len(kept) == MOST_PANELS or placed.y > MOST_ROWS:
            notes.say("panels_cut", detail=str(MOST_PANELS))
            continue
        panel = panel_of(placed, f"p{len(kept) + 1}", sources, notes)
        if panel is not None:
            kept.append(panel)
    return kept, found
