"""The service map in a real browser: drawn, walked by keyboard, narrowed, read as a table."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.server import Server
from support.visitor import CHROMIUM, PASSWORD, Watched, sign_in, visit

TESTS = Path(__file__).parent
STATIC = TESTS.parent / "src/quarterdeck/http/static/index.html"
EMAIL = "ada@example.com"

pytestmark = [
    pytest.mark.xdist_group("browser_explore"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        made = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("map") / "data"
    subprocess.run(
        [sys.executable, TESTS / "support/calls.py", data / "telemetry"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        check=True,
    )
    with Server(data) as running:
        with running.client(key=None) as client:
            person = {"email": EMAIL, "name": "Ada", "password": PASSWORD}
            client.post("/api/setup", json=person).raise_for_status()
        yield running


def on_map(watched: Watched, to: str = "/map") -> Page:
    page = sign_in(watched, EMAIL, to)
    expect(node(page, "service:web")).to_be_visible(timeout=20_000)
    return page


def node(page: Page, id: str):  # type: ignore[no-untyped-def]
    return page.locator(f'[data-node="{id}"]')


def test_the_map_is_walked_along_its_calls_and_opened_by_keyboard(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = on_map(watched)
        expect(node(page, "service:web")).to_have_accessible_name(
            re.compile(r"web, Service, well\. .* Called by 1, calls 2\.")
        )
        expect(node(page, "external:api.provider.example")).to_have_accessible_name(
            re.compile("failing")
        )
        node(page, "outside").focus()
        for key, reached in (
            ("ArrowRight", "service:web"),
            ("ArrowRight", None),
            ("ArrowLeft", "service:web"),
            ("ArrowLeft", "outside"),
            ("ArrowRight", "service:web"),
        ):
            page.keyboard.press(key)
            if reached:
                expect(node(page, reached)).to_be_focused()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"node=service:web"))
        panel = page.get_by_role("complementary", name="web")
        expect(panel.get_by_text("POST /orders").first).to_be_visible(timeout=20_000)
        panel.get_by_role("link", name=re.compile("^pay")).click()
        edge = page.get_by_role("complementary", name="web → pay")
        expect(edge.get_by_role("link", name="Traces")).to_have_attribute(
            "href", re.compile("service=web")
        )
        page.keyboard.press("Escape")
        expect(edge).to_be_hidden()


def test_what_is_looked_for_is_opened_and_what_is_not_wanted_is_left_out(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = on_map(watched)
        page.keyboard.press("/")
        page.keyboard.type("provider")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("node=external:api.provider.example"))
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Databases").click()
        expect(node(page, "database:postgresql:shop")).to_be_hidden()
        page.get_by_role("button", name="With errors").click()
        expect(page.locator("[data-node]")).to_have_count(2)
        expect(page).to_have_url(re.compile("hide=database&errors=1"))


def test_nothing_moves_when_the_map_is_read_again(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = on_map(watched)
        places = "() => [...document.querySelectorAll('[data-node]')].map(n => n.dataset.node + n.style.left + n.style.top).sort()"
        before = page.evaluate(places)
        with page.expect_response(re.compile(r"/api/map\?")):
            page.keyboard.press("r")
        assert page.evaluate(places) == before


def test_on_a_phone_the_map_is_a_table_first(browser: Browser, deck: Server) -> None:
    with visit(browser, deck, phone=True) as watched:
        page = sign_in(watched, EMAIL, "/map")
        first = page.get_by_role("table", name="Nodes").get_by_role("row").nth(1)
        expect(first).to_contain_text("api.provider.exa", timeout=20_000)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0
        page.get_by_role("button", name="Map", exact=True).click()
        expect(node(page, "service:web")).to_be_visible()


def test_the_page_of_a_service_lists_its_neighbours(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/services/pay")
        calls = page.get_by_role("region", name="Dependencies")
        expect(calls.get_by_role("table", name="Called by")).to_contain_text("web", timeout=20_000)
        downstream = calls.get_by_role("table", name="Calls", exact=True)
        expect(downstream).to_contain_text("shop")
        downstream.get_by_role("link", name=re.compile("provider")).click()
        expect(page).to_have_url(re.compile("to=external:api.provider.example"))
