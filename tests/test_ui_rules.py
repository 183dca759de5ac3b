"""The page of recording rules in a real browser: none yet, then what is recorded and what fails."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from support.server import Server
from support.visitor import CHROMIUM, sign_in, visit
from test_ui_explore import PERSON, STATIC

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]

LIMIT = "exceeded limit of 2 with 3 series"
GROUPS = [
    {"name": "good", "interval": "1s", "rules": [{"record": "answer", "expr": "vector(42)"}]},
    {
        "name": "bad <b>",
        "interval": "1s",
        "limit": 2,
        "rules": [
            {
                "record": "many",
                "expr": " or ".join(f'label_replace(vector(1), "n", "{n}", "", "")' for n in "abc"),
                "labels": {"team": "web"},
            }
        ],
    },
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data: Path = tmp_path_factory.mktemp("rules") / "data"
    with Server(data) as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        yield running


def test_rules_are_offered_listed_and_told_why_they_fail(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, PERSON["email"], "/overview", PERSON["password"])
        page.keyboard.press("g")
        page.keyboard.press("c")
        expect(page).to_have_url(re.compile("/rules"))
        expect(page.get_by_text("Nothing is recorded by a rule yet")).to_be_visible()
        expect(page.get_by_text("kind: recording-rules")).to_be_visible()

        with deck.client() as client:
            spec = {"spec": {"groups": GROUPS}}
            client.put("/api/resources/recording-rules/web", json=spec).raise_for_status()
        rows = page.get_by_role("table", name=re.compile("Recording rules")).get_by_role("row")
        fails = rows.filter(has_text="many")
        expect(fails.get_by_text("Fails", exact=True)).to_be_visible(timeout=30_000)
        expect(fails).to_contain_text(LIMIT)
        expect(fails).to_contain_text("bad <b>")
        expect(rows.nth(1)).to_contain_text("many")  # what fails comes first
        expect(rows.filter(has_text="answer").get_by_text("OK", exact=True)).to_be_visible()
        expect(page.get_by_role("heading", name="Rules")).to_contain_text("2, 1 fails")

        page.get_by_role("link", name=re.compile("^Fails")).click()
        expect(rows).to_have_count(2)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        panel = page.get_by_role("complementary", name="many")
        expect(panel.get_by_role("alert")).to_have_text(LIMIT)
        expect(panel).to_contain_text('label_replace(vector(1), "n", "c", "", "")')
        expect(panel).to_contain_text("team")
        page.reload()  # the address is the view
        expect(panel.get_by_role("alert")).to_have_text(LIMIT)
        panel.get_by_role("link", name="Change it").click()
        expect(page).to_have_url(re.compile("/settings/resources/recording-rules/web"))
        expect(page.get_by_text("bad <b>").first).to_be_visible()
        page.go_back()
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        page.get_by_role("link", name="New rules").click()
        expect(page).to_have_url(re.compile("recording-rules.*new"))
        expect(page.get_by_role("button", name="Create")).to_be_visible()


def test_on_a_phone_the_error_stands_below_the_rule(browser: Browser, deck: Server) -> None:
    with deck.client() as client:
        spec = {"spec": {"groups": GROUPS}}
        client.put("/api/resources/recording-rules/web", json=spec).raise_for_status()
    with visit(browser, deck, phone=True) as watched:
        page = sign_in(watched, PERSON["email"], "/rules", PERSON["password"])
        expect(page.get_by_text(LIMIT)).to_be_visible(timeout=30_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_text(LIMIT).click()
        expect(page.get_by_role("complementary", name="many").get_by_role("alert")).to_be_visible()
