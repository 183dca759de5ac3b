"""The search field and the searches that a project keeps, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.server import Server
from support.shop import send_hour
from support.visitor import CHROMIUM, sign_in, visit
from test_ui_explore import PERSON, STATIC

EMAIL, PASSWORD = PERSON["email"], PERSON["password"]

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
    data: Path = tmp_path_factory.mktemp("search") / "data"
    with Server(data) as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        send_hour(running)
        yield running


def sought(page: Page) -> str:
    return parse_qs(urlsplit(page.url).query).get("q", [""])[0]


def test_a_search_is_completed_by_keyboard_and_remembered(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/traces", PASSWORD)
        field = page.get_by_role("combobox", name="Search")
        expect(page.get_by_role("table", name="Traces")).to_be_visible()
        page.keyboard.press("/")
        page.keyboard.type("kin")
        expect(page.get_by_role("option", name=re.compile("^kind ")).first).to_be_visible()
        page.keyboard.press("Tab")
        expect(field).to_have_value("kind:")
        page.keyboard.type("se")
        expect(page.get_by_role("option", name=re.compile("^server "))).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(field).to_have_value("kind:server ")
        expect(page).to_have_url(re.compile(r"q=kind:server(&|$)"))
        page.get_by_role("button", name="Clear", exact=False).first.click()
        expect(page).not_to_have_url(re.compile("q="))
        field.click()
        expect(page.get_by_role("option", name=re.compile("^kind:server recent"))).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("listbox")).to_have_count(0)


def test_a_fault_is_pointed_at_and_does_not_become_the_search(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/logs?q=declined", PASSWORD)
        field = page.get_by_role("combobox", name="Search")
        field.fill("declined (severity_number>many OR x) y")
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").filter(has_text="A number is expected")).to_be_visible()
        expect(page.locator(".fault")).to_have_text("many")
        expect(field).to_have_attribute("aria-invalid", "true")
        assert sought(page) == "declined"
        field.fill("declined (severity_number>4 OR x)")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("severity_number%3E4"))
        expect(page.locator(".fault")).to_have_count(0)
        expect(field).to_have_attribute("aria-invalid", "false")


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)> \"'&amp;",
        "a\\\\b \\\"c\\\" 'd' %20 + # ? & =",
        "\u202ertl \u0645\u0631\u062d\u0628\u0627 😀 ﷽",
        "/a+b/ f:[1 TO 2} (x OR -y) 'z",
    ],
)
def test_the_text_of_a_search_goes_to_the_address_and_back(
    browser: Browser, deck: Server, text: str
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/logs", PASSWORD)
        page.goto(f"/logs?q={quote(text)}")
        field = page.get_by_role("combobox", name="Search")
        expect(field).to_have_value(text)
        expect(page.locator(".under")).to_have_text(text, use_inner_text=False)
        field.press("End")
        page.keyboard.type(" z")
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"(\+|%20)z(&|$)"))
        assert sought(page) == f"{text} z"
        page.reload()
        expect(field).to_have_value(f"{text} z")


def test_what_one_clicks_is_added_beside_alternatives(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/logs?q=payment+OR+refund", PASSWORD)
        records = page.get_by_role("listbox", name="Log records").get_by_role("option")
        expect(records.first).to_contain_text("payment declined")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        panel = page.get_by_role("complementary").filter(has_text="tenant")
        panel.get_by_role("button", name="Keep only tenant = acme").click()
        expect(page).to_have_url(re.compile("tenant"))
        assert sought(page) == "(payment OR refund) tenant:acme"
        page.get_by_role("button", name="Remove tenant acme").click()
        expect(page).not_to_have_url(re.compile("tenant"))
        assert sought(page) == "(payment OR refund)"


def test_the_grammar_is_a_click_away_and_its_examples_can_be_tried(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/traces", PASSWORD)
        for index in range(page.locator(".help td button").count()):
            page.get_by_role("button", name="How to search").click()
            page.locator(".help td button").nth(index).click()
            expect(page.locator(".fault")).to_have_count(0)
            page.get_by_role("combobox", name="Search").fill("")
        page.get_by_role("button", name="How to search").click()
        page.get_by_role("button", name="duration>250ms").click()
        expect(page).to_have_url(re.compile("duration%3E250ms"))


def test_a_search_is_saved_found_changed_and_deleted(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/logs?q=a+OR+declined&severity=error&t=-2h", PASSWORD)
        page.get_by_role("button", name="Saved searches").click()
        page.get_by_role("button", name="Save this search").click()
        page.get_by_role("textbox", name="Title").fill("Declined ones")
        page.get_by_role("checkbox", name=re.compile("Pinned")).check()
        page.get_by_role("button", name="Save search").click()
        pinned = page.get_by_role("navigation", name="Saved searches")
        pinned.get_by_text("Declined ones").click()
        expect(page).not_to_have_url(re.compile("severity="))
        assert sought(page) == "(a OR declined) level:error"
        expect(page).to_have_url(re.compile("t=-2h"))
        page.goto("/logs?q=other")
        page.get_by_role("button", name="Saved searches").click()
        page.get_by_role("button", name="What to do with Declined ones").click()
        page.get_by_role("menuitem", name="Edit title and description").click()
        page.get_by_role("textbox", name="Title").fill("Other ones")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="Saved searches").click()
        page.get_by_role("button", name="What to do with Other ones").click()
        page.get_by_role("menuitem", name="Update with what the page shows").click()
        listed = page.get_by_role("dialog").get_by_role("link")
        expect(listed).to_contain_text("other")
        page.get_by_role("button", name="What to do with Other ones").click()
        page.get_by_role("menuitem", name="Delete").click()
        expect(pinned).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(pinned).to_contain_text("Other ones")


def test_a_search_from_a_file_says_so_and_is_left_alone(browser: Browser, deck: Server) -> None:
    document = {
        "kind": "saved-search",
        "name": "from-file",
        "project": "default",
        "spec": {"title": "Filed", "signal": "traces", "query": "status:error"},
    }
    with deck.client() as admin:
        body = {"documents": [document], "source": "quarterdeck.yaml"}
        answer = admin.post("/api/resources/apply", json=body)
        assert answer.status_code == 200, answer.text
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/traces", PASSWORD)
        page.get_by_role("button", name="Saved searches").click()
        dialog = page.get_by_role("dialog", name="Saved searches")
        expect(dialog).to_contain_text("Filed")
        expect(dialog).to_contain_text("from a file")
        expect(dialog.get_by_role("button", name=re.compile("^What to do"))).to_have_count(0)
        dialog.get_by_role("link", name="Filed").click()
        expect(page).to_have_url(re.compile(r"q=status:error"))
