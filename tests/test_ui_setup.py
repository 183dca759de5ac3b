"""The set-up page, as somebody at another machine finds it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from quarterdeck.accounts.setup import SETUP_FILE
from support.server import Server
from support.visitor import CHROMIUM, PASSWORD, visit
from test_ui_walk import STATIC

pytestmark = pytest.mark.skipif(
    not STATIC.exists(), reason="the UI has not been built (make setup)"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def come_from_afar(page: Page) -> None:
    page.context.set_extra_http_headers({"X-Forwarded-For": "203.0.113.9"})


def fill_and_send(page: Page) -> None:
    page.get_by_label("Your name").fill("Mia")
    page.get_by_label("Email").fill("mia@example.com")
    page.get_by_role("textbox", name="New password").fill(PASSWORD)
    page.get_by_role("button", name="Create the admin account").click()


def test_from_afar_the_page_asks_for_the_token_and_says_where_it_is(
    own_server: Server, browser: Browser
) -> None:
    own_server.start()
    with visit(browser, own_server) as watched:
        watched.page.goto("/setup")
        expect(watched.page.get_by_label("Your name")).to_be_visible()
        expect(watched.page.get_by_label("Set-up token")).to_have_count(0)
    with visit(browser, own_server, expected=(403,)) as watched:
        page = watched.page
        come_from_afar(page)
        page.goto("/setup?token=of-an-older-server")
        expect(page.get_by_label("Set-up token")).to_have_count(0)
        fill_and_send(page)
        expect(page.get_by_text("This is not the set-up token of this server")).to_be_visible()
        expect(page.get_by_text("in the file setup.token").first).to_be_visible()
        page.get_by_label("Set-up token").fill((own_server.data / SETUP_FILE).read_text())
        fill_and_send(page)
        page.wait_for_url("**/settings/projects/default")


def test_the_printed_link_brings_the_token_along(own_server: Server, browser: Browser) -> None:
    own_server.start()
    assert own_server.process is not None
    assert own_server.process.stdout is not None
    link = own_server.process.stdout.readline().removeprefix("set up ").strip()
    with visit(browser, own_server) as watched:
        page = watched.page
        come_from_afar(page)
        page.goto(link)
        expect(page.get_by_label("Your name")).to_be_visible()
        expect(page.get_by_label("Set-up token")).to_have_count(0)
        fill_and_send(page)
        page.wait_for_url("**/settings/projects/default")
