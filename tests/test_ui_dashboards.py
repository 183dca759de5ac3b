"""Dashboards in a real browser: made, arranged and saved by keyboard, changed by two, imported."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from support.server import Server
from support.shop import HOSTILE, send_hour
from support.visitor import CHROMIUM, sign_in, visit
from test_ui_explore import PERSON, STATIC

EMAIL, PASSWORD = PERSON["email"], PERSON["password"]
PATH = "/api/resources/dashboard/checkout-health"

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data: Path = tmp_path_factory.mktemp("boards") / "data"
    with Server(data) as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        send_hour(running)
        yield running


def stored(deck: Server) -> dict[str, Any]:
    with deck.client() as client:
        found: dict[str, Any] = client.get(PATH).json()
    return found


def test_a_dashboard_is_made_arranged_and_saved_by_keyboard_alone(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck, expected=(400, 412)) as watched:
        page = sign_in(watched, EMAIL, "/dashboards", PASSWORD)
        expect(page.get_by_role("link", name="Hosts", exact=True).last).to_be_visible()
        page.keyboard.press("n")
        page.get_by_role("textbox", name="Title").fill("Checkout health")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/dashboards/checkout-health"))
        expect(page.get_by_text("Nothing on it yet")).to_be_visible()

        page.keyboard.press("a")
        page.get_by_label("Language").select_option("sql")
        page.get_by_label("Query 1", exact=True).fill(
            "SELECT $__timeInterval(time) AS t, service, count() AS n FROM spans"
            " WHERE $__timeFilter(time) AND service IN ($service) GROUP BY t, service ORDER BY t"
        )
        page.get_by_role("textbox", name="Title").fill("Spans")
        settled = page.get_by_role("region", name="Spans", exact=True)
        expect(settled.get_by_role("alert")).to_contain_text("sql_")  # there is no $service yet
        page.get_by_role("button", name="Done").press("Enter")
        page.keyboard.press("a")
        page.get_by_label("Kind").select_option("markdown")
        page.get_by_role("textbox", name="Title").fill("Runbook")
        page.get_by_label("Markdown").fill(f"# Look first\n\n{HOSTILE} [logs](/logs)")
        page.get_by_role("button", name="Done").press("Enter")

        handle = page.get_by_role("button", name="Move Runbook")
        handle.focus()
        said = page.get_by_role("status").filter(has_text="Runbook")
        page.keyboard.press("ArrowUp")
        expect(said).to_have_text("Runbook: column 1, row 1, 12 wide, 8 high")
        for _ in range(12):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Shift+ArrowUp")
        expect(said).to_have_text("Runbook: column 13, row 1, 12 wide, 7 high")
        page.keyboard.press("z")  # the step in height and no more
        page.keyboard.press("Z")
        page.keyboard.press("z")
        page.keyboard.press("Control+s")
        expect(page.get_by_text("“Checkout health” is saved")).to_be_visible()
        places = {
            each["title"]: tuple(each[side] for side in "xywh")
            for each in stored(deck)["spec"]["panels"]
        }
        assert places == {"Spans": (0, 0, 12, 8), "Runbook": (12, 0, 12, 8)}

        # Somebody else saves meanwhile: nobody's work is lost unseen.
        spec = stored(deck)["spec"]
        service = {"name": "service", "kind": "custom", "multi": True, "include_all": True}
        spec["variables"] = [{**service, "options": [{"value": "web"}, {"value": "payments"}]}]
        with deck.client() as client:
            client.put(PATH, json={"spec": spec}).raise_for_status()
        page.keyboard.press("e")
        page.get_by_role("button", name="Move Spans").focus()
        page.keyboard.press("Shift+ArrowDown")
        page.keyboard.press("g")
        page.keyboard.press("l")
        expect(page.get_by_role("dialog", name="Leave without saving?")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("Control+s")
        conflict = page.get_by_role("alert").filter(has_text="Somebody else has saved")
        expect(conflict).to_be_visible()
        conflict.get_by_role("button").first.press("Enter")  # take theirs

        chart = page.get_by_role("region", name="Spans", exact=True)
        expect(chart.get_by_role("button", name=re.compile("payments"))).to_be_visible()
        expect(page.get_by_role("region", name="Runbook")).to_contain_text(HOSTILE)
        page.get_by_label("service", exact=True).press("Enter")
        page.get_by_label("payments").press("Space")
        expect(page).to_have_url(re.compile("var-service=payments"))
        page.keyboard.press("Escape")
        expect(chart.get_by_role("button", name=re.compile("web"))).to_have_count(0)
        chart.get_by_role("link", name="Spans").press("Enter")
        expect(page.get_by_role("region", name="Runbook")).to_have_count(0)
        page.reload()  # the address is the view
        expect(chart).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("region", name="Runbook")).to_be_visible()


def test_a_dashboard_of_grafana_is_looked_through_and_kept(browser: Browser, deck: Server) -> None:
    theirs = {
        "title": f"Node {HOSTILE}",
        "panels": [
            {"type": "stat", "title": "Up", "targets": [{"expr": "vector(42)"}]},
            {"type": "news", "title": "News"},
        ],
    }
    with visit(browser, deck, phone=True) as watched:
        page = sign_in(watched, EMAIL, "/dashboards", PASSWORD)
        page.get_by_role("button", name="Import from Grafana").click()
        page.get_by_label("The dashboard as JSON").fill(json.dumps(theirs))
        page.get_by_role("button", name="Look through it").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("1 of 2 panels and 0 variables can be shown.")
        expect(dialog).to_contain_text("Panels of the kind news do not exist here.")
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_role("region", name="Up")).to_contain_text("42")
        # It is there to be seen, not to be arranged.
        expect(page.get_by_role("button", name="Undo")).to_have_count(0)
        wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        assert not wide, "a phone scrolls sideways"
