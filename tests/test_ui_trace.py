"""One trace, the flame over many and two compared, in a real browser over a real server."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from support.bigtrace import BIG_TRACE, NEEDLE, send_big_trace
from support.server import Server
from support.shop import FAILED_TRACE, send_hour
from support.visitor import CHROMIUM, PASSWORD, sign_in, visit

STATIC = Path(__file__).parent.parent / "src/quarterdeck/http/static/index.html"
EMAIL = "ada@example.com"
WELL = f"{1:032x}"
ROW = "[role=treeitem]"

pytestmark = [
    pytest.mark.xdist_group("browser_explore"),
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
    with Server(tmp_path_factory.mktemp("trace") / "data") as running:
        with running.client(key=None) as client:
            person = {"email": EMAIL, "name": "Ada", "password": PASSWORD}
            client.post("/api/setup", json=person).raise_for_status()
        send_hour(running)
        send_big_trace(running)
        yield running


def active(page: Page) -> str:
    """What the active row says; the tree itself has the focus."""
    says: str = page.evaluate(
        "document.getElementById(document.querySelector('[role=tree]')"
        ".getAttribute('aria-activedescendant'))?.getAttribute('aria-label') ?? ''"
    )
    return says


def test_ten_thousand_spans_open_in_a_bounded_page_and_the_keyboard_goes_through(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{BIG_TRACE}")
        expect(page.get_by_text("10000 spans")).to_be_visible()
        tree = page.get_by_role("tree", name="Spans of the trace")
        expect(tree.locator(ROW).first).to_contain_text("nightly job")
        expect(tree.locator(ROW).filter(has_text=re.compile(r"\d+ × SELECT products")).first).to_be_visible()  # fmt: skip
        tree.focus()
        page.keyboard.press("End")
        last = active(page)
        assert "nightly job" not in last
        assert tree.locator(ROW).count() < 120
        page.keyboard.press("k")
        assert active(page) != last
        page.keyboard.press("Home")
        at = tree.locator(f"{ROW}.active")
        expect(at).to_have_attribute("aria-label", re.compile("^nightly job"))
        page.keyboard.press("e")  # to the first that failed
        expect(tree.locator(f"{ROW}.active")).to_have_attribute("aria-label", re.compile("error"))
        first = active(page)
        page.keyboard.press("e")
        page.keyboard.press("E")
        expect(tree.locator(f"{ROW}.active")).to_have_attribute("aria-label", first)
        page.keyboard.press("a")  # all folded: the root and its stages
        page.keyboard.press("a")
        page.keyboard.press("Home")
        page.keyboard.press("ArrowLeft")
        expect(tree.locator(ROW)).to_have_count(1)
        assert tree.locator(ROW).count() < 120


def test_a_search_inside_finds_what_only_an_attribute_says(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{BIG_TRACE}")
        find = page.get_by_role("textbox", name="Find in this trace")
        find.fill(f'note:"{NEEDLE}"')
        expect(page.get_by_text("0 of 1")).to_be_visible()
        find.press("Enter")
        expect(page.get_by_text("1 of 1")).to_be_visible()
        row = page.locator(f"{ROW}.active")
        expect(row).to_have_class(re.compile("match"))
        find.fill("status:error")
        expect(page.get_by_text(re.compile(r"0 of \d\d?"))).to_be_visible()
        find.press("Escape")
        find.fill("stage")
        find.press("Enter")
        expect(page.get_by_text("1 of 10")).to_be_visible()
        find.press("Escape")
        find.press("Escape")
        page.keyboard.press("n")  # nothing is sought: nothing happens
        expect(page.get_by_text(re.compile(r"of \d"))).to_have_count(0)


def test_what_is_typed_before_the_address_has_followed_is_kept(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{BIG_TRACE}")
        find = page.get_by_role("textbox", name="Find in this trace")
        find.fill("status:error")
        expect(page).to_have_url(re.compile("find=status"))
        # Both within one task of the browser, so that the address certainly follows later.
        find.evaluate(
            """field => {
                field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
                field.value = 'stage';
                field.dispatchEvent(new InputEvent('input', { bubbles: true }));
            }"""
        )
        expect(page).not_to_have_url(re.compile("find=status"))
        expect(find).to_have_value("stage")
        expect(page).to_have_url(re.compile("find=stage"))
        expect(find).to_have_value("stage")
        expect(page.get_by_text("0 of 10")).to_be_visible()


def test_enter_before_the_matches_are_known_goes_to_the_first_of_them(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{BIG_TRACE}")
        find = page.get_by_role("textbox", name="Find in this trace")
        held: list[Route] = []
        page.route("**/find?*", lambda route: held.append(route))
        with page.expect_request("**/find?*"):
            find.fill("stage")
        expect(page).to_have_url(re.compile("find=stage"))
        find.press("Enter")
        for route in held:
            route.continue_()
        expect(page.get_by_text("1 of 10")).to_be_visible()


def test_a_span_has_an_address_and_its_panel_tells_everything(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{BIG_TRACE}?span={8007:016x}")
        panel = page.get_by_role("complementary").last
        expect(panel).to_contain_text("job.detail.7")
        expect(panel).to_contain_text("value 7 of span 8006")
        row = page.locator(f"{ROW}.selected")
        expect(row).to_be_visible()  # unfolded and scrolled to
        page.keyboard.press("j")
        expect(panel).not_to_contain_text("value 7 of span 8006")
        page.keyboard.press("Escape")
        expect(page).not_to_have_url(re.compile("span="))
        page.keyboard.press("z")
        expect(page.get_by_role("button", name=re.compile("×$")).first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name=re.compile("×$"))).to_have_count(0)


def test_the_summary_says_what_the_time_went_to(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{FAILED_TRACE}")
        expect(page.locator(ROW)).to_have_count(2)
        page.keyboard.press("s")
        table = page.get_by_role("table", name="Summary")
        expect(table.get_by_role("row").nth(1)).to_contain_text(re.compile("charge.*250"))
        page.get_by_role("button", name="service").click()
        expect(table.get_by_role("row").nth(1)).to_contain_text("payments")
        table.get_by_role("link").first.click()
        expect(page).to_have_url(re.compile("only=payments"))
        expect(page.locator(f"{ROW}.aside")).to_have_count(1)


def test_records_stand_between_the_spans(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{FAILED_TRACE}")
        expect(page.locator(ROW)).to_have_count(2)
        page.keyboard.press("i")
        expect(page.locator(ROW)).to_have_count(3)
        expect(page.locator(ROW).last).to_contain_text("payment declined by the provider")
        expect(page).to_have_url(re.compile("records=1"))


def test_a_flame_is_looked_into_by_keyboard_and_compared(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/traces?tab=flame&t=-2h&service=web")
        flame = page.get_by_role("tree", name=re.compile("Where the time goes"))
        expect(flame.locator(ROW).filter(has_text="charge")).to_be_visible()
        flame.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("status").filter(has_text="charge")).to_contain_text("180 times")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("at="))
        expect(page.get_by_role("link", name="Traces of this operation")).to_be_visible()
        page.keyboard.press("Escape")  # to what stands above it
        expect(page.locator("nav [aria-current=location]")).to_have_text("POST /checkout")
        page.keyboard.press("Escape")
        expect(page).not_to_have_url(re.compile("at="))
        page.get_by_label("Compare").select_option("failed")
        expect(page.get_by_text("18 failed requests against 162 others")).to_be_visible()
        page.get_by_role("button", name="table").click()
        expect(page.get_by_role("table").get_by_text("charge")).to_be_visible()


def test_a_flame_of_nothing_says_so(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/traces?tab=flame&t=-2h&operation=nowhere")
        expect(page.get_by_role("heading", name="Nothing matches the filters")).to_be_visible()


def test_a_trace_is_compared_with_a_typical_one(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{FAILED_TRACE}")
        expect(page.locator(ROW)).to_have_count(2)
        page.keyboard.press("v")
        dialog = page.get_by_role("dialog", name="Compare with…")
        dialog.get_by_role("link", name="A typical one").click()
        expect(page).to_have_url(re.compile(rf"/traces/compare\?.*a={FAILED_TRACE}"))
        rows = page.get_by_role("tree", name="Two traces compared").locator(ROW)
        expect(rows).to_have_count(2)
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        panel = page.get_by_role("complementary").last
        expect(panel).to_contain_text("All attributes are the same")
        panel.get_by_role("button", name="Show the 3 that are the same").click()
        expect(panel).to_contain_text("payment.provider")
        page.keyboard.press("Escape")
        page.get_by_role("link", name="What made the difference").click()
        expect(page.get_by_role("table").get_by_text("charge")).to_be_visible()


def test_a_trace_is_compared_with_one_by_its_address(browser: Browser, deck: Server) -> None:
    with visit(browser, deck, expected=(404,)) as watched:
        page = sign_in(watched, EMAIL, f"/traces/{BIG_TRACE}")
        expect(page.locator(ROW).first).to_be_visible()
        page.keyboard.press("v")
        field = page.get_by_role("textbox", name="The id of a trace, or its address")
        field.fill(f"{deck.url}/traces/{WELL}?span=1")
        page.get_by_role("button", name="Compare", exact=True).click()
        tree = page.get_by_role("tree", name="Two traces compared")
        expect(tree.locator(ROW).first).to_be_visible()
        assert tree.locator(ROW).count() < 120
        page.goto(f"/traces/compare?a={WELL}&b={'f' * 32}")
        expect(page.get_by_role("alert")).to_contain_text("trace_unknown")
        page.goto("/traces/compare")
        expect(page.get_by_role("heading", name="Two traces are needed")).to_be_visible()


@pytest.mark.parametrize(
    "path",
    [
        f"/traces/{BIG_TRACE}?records=1",
        f"/traces/{FAILED_TRACE}?tab=summary",
        "/traces?tab=flame&t=-2h",
        f"/traces/compare?a={FAILED_TRACE}&b={WELL}",
    ],
)
def test_a_phone_shows_it_without_scrolling_sideways(
    browser: Browser, deck: Server, path: str
) -> None:
    with visit(browser, deck, phone=True) as watched:
        page = sign_in(watched, EMAIL, path)
        expect(page.locator(".skeleton")).to_have_count(0)
        expect(page.locator(f"{ROW}, [role=table]").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
