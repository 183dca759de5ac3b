"""Errors in a real browser, sent by Sentry's own SDK: none yet, one to read and resolve, back again."""

import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from support.server import Server
from support.visitor import CHROMIUM, sign_in, visit
from test_ui_explore import PERSON, STATIC

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]

# A file of its own, for its lines are what is looked at.
SHOP = """\
import json
import sys

import sentry_sdk

sentry_sdk.init(dsn=sys.argv[1], release=sys.argv[2], environment="production")


def cart_of(text):
    return json.loads(text)


def pay(text):
    customer = "Ada"
    try:
        return cart_of(text)
    except ValueError as error:
        raise RuntimeError("the cart <b>cannot</b> be read") from error


sentry_sdk.set_user({"id": "7"})
sentry_sdk.set_tag("plan", "free")
sentry_sdk.add_breadcrumb(category="cart", message="opened the cart")
try:
    pay("{broken")
except RuntimeError as error:
    sentry_sdk.capture_exception(error)
sentry_sdk.get_client().close(timeout=30)
"""
# Everything of another type than it should be, and what would harm a page that believes it.
HOSTILE = (
    {"exception": {"values": [None, 7, {"type": "Odd", "value": {"a": [1]}, "stacktrace": []}]}},
    {
        "exception": {"type": "Single", "value": "<img src=x onerror=alert(1)>"},
        "breadcrumbs": [{"timestamp": "never", "message": ["x"], "data": "text"}, None, 3],
        "request": {"url": "javascript:alert(1)", "headers": [["Host"], "x"], "cookies": 7},
        "tags": [["a", "1"], ["a", "2"], {"key": "__proto__", "value": "b"}],
        "user": ["nobody"],
        "contexts": {"os": "Linux", "browser": {"name": "\u202egnp.exe"}},
        "extra": {"deep": [[[[[]]]]]},
    },
    {"message": {"formatted": "only a message"}, "threads": {"values": {"stacktrace": 1}}},
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def deck(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        yield running


def dsn_of(deck: Server) -> str:
    with deck.client() as client:
        return str(client.get("/api/projects/default").raise_for_status().json()["dsn"])


def test_an_error_appears_is_read_resolved_and_comes_back(
    browser: Browser, deck: Server, tmp_path: Path
) -> None:
    shop = tmp_path / "shop.py"
    shop.write_text(SHOP)
    dsn = dsn_of(deck)

    def fail(release: str) -> None:
        command = [sys.executable, str(shop), dsn, release]
        subprocess.run(command, check=True, timeout=60, cwd=tmp_path)

    with visit(browser, deck) as watched:
        page = sign_in(watched, PERSON["email"], "/overview", PERSON["password"])
        page.keyboard.press("g")
        page.keyboard.press("e")
        expect(page).to_have_url(re.compile("/errors"))
        expect(page.get_by_text("No error has come yet")).to_be_visible()
        expect(page.get_by_text(f'dsn="{dsn}"')).to_be_visible()
        expect(page.get_by_text(f"dsn: '{dsn}'")).to_be_visible()

        fail("shop@1")
        rows = page.get_by_role("table", name="Errors").get_by_role("row")
        row = rows.filter(has_text="the cart <b>cannot</b> be read")
        expect(row).to_be_visible(timeout=30_000)  # by itself
        expect(row).to_contain_text("pay in shop.py")

        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/errors/1"))
        caught = page.get_by_role("region", name="RuntimeError", exact=True)
        line = caught.locator("[aria-current=true]").first
        expect(line).to_contain_text('raise RuntimeError("the cart <b>cannot</b> be read")')
        expect(line).to_contain_text("18")
        caught.get_by_text("Variables").first.click()
        expect(caught.get_by_text("customer", exact=True)).to_be_visible()
        cause = page.get_by_role("region", name="JSONDecodeError", exact=True)
        expect(cause).to_contain_text("Caused by")
        expect(cause).to_contain_text("return json.loads(text)")
        folded = cause.get_by_role("button", name=re.compile("frames of libraries"))
        expect(cause.get_by_text("raw_decode")).to_have_count(0)
        folded.click()
        expect(cause.get_by_text("raw_decode", exact=True)).to_be_visible()
        expect(page.get_by_text("opened the cart", exact=True)).to_be_visible()
        side = page.get_by_role("complementary", name="About the error")
        expect(side).to_contain_text("Since release")
        expect(side).to_contain_text("shop@1")
        expect(side).to_contain_text("The same place in the code")
        page.get_by_text("As it was sent (JSON)").click()
        expect(page.get_by_role("region", name="As it was sent (JSON)")).to_contain_text('"values"')
        side.get_by_role("textbox", name="Comment").fill("It is the <i>cart</i>.")
        page.keyboard.press("Control+Enter")
        expect(side.get_by_text("It is the <i>cart</i>.")).to_be_visible()

        page.keyboard.press("Escape")
        page.locator("h1").click()
        page.keyboard.press("m")
        expect(page.get_by_text(f"Assignee: {PERSON['email']}")).to_be_visible()
        page.keyboard.press("r")
        expect(page.get_by_role("button", name=re.compile("^Reopen"))).to_be_visible()
        expect(side).to_contain_text("resolved it")
        page.get_by_role("link", name="Back to the list").click()
        expect(page.get_by_text("No such error in this range")).to_be_visible()
        page.get_by_role("button", name="Resolved", exact=True).click()
        expect(row.get_by_text("Resolved", exact=True)).to_be_visible()
        page.get_by_role("button", name="Unresolved", exact=True).click()
        expect(row).to_have_count(0)

        fail("shop@2")
        expect(row.get_by_text("Regressed")).to_be_visible(timeout=30_000)
        row.get_by_role("link").click()
        expect(side).to_contain_text("It happened again shop@2")
        expect(caught).to_be_visible()
        page.keyboard.press("j")  # to the older one, whose address can be sent to others
        expect(page).to_have_url(re.compile("event=[0-9a-f]{32}"))
        expect(page.get_by_role("button", name="Older event")).to_be_disabled()
        page.keyboard.press("k")
        expect(page.get_by_role("button", name="Newer event")).to_be_disabled()


def test_rows_are_chosen_ignored_brought_back_and_merged(browser: Browser, deck: Server) -> None:
    store(deck, *({"message": f"it broke: {word}"} for word in ("alpha", "beta", "gamma")))
    with visit(browser, deck) as watched:
        page = sign_in(watched, PERSON["email"], "/errors", PERSON["password"])
        rows = page.get_by_role("table", name="Errors").locator("[data-index]")
        expect(rows).to_have_count(3, timeout=30_000)
        page.get_by_placeholder("Title, place, category").fill("beta")
        expect(rows).to_have_count(1)
        expect(page).to_have_url(re.compile("q=beta"))
        page.keyboard.press("Enter")
        rows.first.focus()
        page.keyboard.press("i")
        expect(page.get_by_text("No such error in this range")).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(rows).to_have_count(1)
        page.get_by_placeholder("Title, place, category").fill("")
        expect(rows).to_have_count(3)
        for word in ("alpha", "gamma"):
            page.get_by_role("checkbox", name=f"Select it broke: {word}").check()
        page.get_by_role("button", name="Merge").click()
        page.get_by_role("dialog").get_by_role("button", name="Merge").click()
        expect(rows).to_have_count(2)
        page.get_by_role("columnheader", name="Events").get_by_role("button").first.click()
        expect(page).to_have_url(re.compile("sort=events"))
        expect(rows.first).to_contain_text(re.compile("alpha|gamma"))
        rows.first.get_by_role("link").click()
        page.get_by_text("The same message").first.click()
        page.get_by_role("button", name="Split off").first.click()
        page.get_by_role("dialog").get_by_role("button", name="Split off").click()
        expect(page.get_by_role("button", name="Split off")).to_have_count(0)


@pytest.mark.parametrize("phone", [False, True])
def test_no_event_breaks_its_page(browser: Browser, deck: Server, phone: bool) -> None:
    store(deck, *HOSTILE)
    with deck.client() as client:
        found = client.get("/api/issues", params={"from": 1, "to": 2000, "quiet": True}).json()
    assert found["total"] == len(HOSTILE)
    with visit(browser, deck, phone=phone) as watched:
        page = sign_in(watched, PERSON["email"], "/errors", PERSON["password"])
        for number in range(1, len(HOSTILE) + 1):
            page.goto(f"/errors/{number}")
            expect(page.get_by_role("complementary", name="About the error")).to_be_visible()
            expect(page.get_by_text("As it was sent (JSON)")).to_be_visible()
            assert page.locator("main img").count() == 0
            assert page.evaluate(
                "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            )


def store(deck: Server, *events: Mapping[str, object]) -> None:
    """As an SDK of old sends them, one by one, and each is kept when it is answered."""
    key, number = re.findall(r"//(.+)@.+/(\d+)$", dsn_of(deck))[0]
    with deck.client(key=None) as client:
        for event in events:
            client.post(
                f"/api/{number}/store/",
                params={"sentry_key": key},
                json={"event_id": uuid.uuid4().hex, "platform": "python", **event},
            ).raise_for_status()
