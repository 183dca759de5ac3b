"""The pages that show telemetry, in a real browser, over what a real server took in and stored."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.server import Server
from support.shop import FAILED_TRACE, HOSTILE, log, send_hour, send_logs

CHROMIUM = "/usr/bin/chromium"
PERSON = {
    "email": "ada@example.com",
    "name": "Ada",
    "password": "a lantern over calm water",
}
STATIC = Path(__file__).parent.parent / "src/quarterdeck/http/static/index.html"

pytestmark = [
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        with_browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield with_browser
        with_browser.close()


@pytest.fixture(scope="module")
def deck(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with its first admin, that has seen nothing yet and then an hour of a shop."""
    with Server(tmp_path_factory.mktemp("explore") / "data") as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        with visit(browser, running) as page:
            page.goto("/overview")
            expect(page.get_by_role("heading", name="Nothing has arrived yet")).to_be_visible()
            recipe = page.get_by_role("region", name="Any SDK")
            expect(recipe).to_contain_text(f"OTEL_EXPORTER_OTLP_ENDPOINT={running.url}")
            expect(recipe).to_contain_text(re.compile(r"Bearer%20[0-9a-f]{32}"))
            send_hour(running)  # and the page notices by itself
            expect(page.get_by_role("table", name="Services")).to_be_visible(timeout=20_000)
        yield running


@contextmanager
def visit(browser: Browser, deck: Server, *, fails: bool = False, **context: Any) -> Iterator[Page]:
    """A signed-in page; whatever goes wrong on its console fails the test, unless it `fails`."""
    size = {"width": 1440, "height": 900}
    made = browser.new_context(base_url=deck.url, locale="en-GB", **{"viewport": size, **context})
    answer = made.request.post(
        "/api/login", data={"email": PERSON["email"], "password": PERSON["password"]}
    )
    assert answer.ok, answer.text()
    page = made.new_page()
    page.set_default_timeout(10_000)
    wrong: list[str] = []
    page.on(
        "console",
        lambda message: (
            wrong.append(message.text) if message.type in {"error", "warning"} else None
        ),
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        yield page
    finally:
        made.close()
    assert fails or not wrong, "\n".join(wrong)


def rows(page: Page, table: str) -> Any:
    return page.get_by_role("table", name=table).get_by_role("row")


def records(page: Page) -> Any:
    return page.get_by_role("listbox", name="Log records").get_by_role("option")


def test_services_stand_worst_first_and_open(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto("/overview")
        listed = rows(page, "Services")
        expect(listed).to_have_count(3)  # with the head
        expect(listed.nth(1)).to_contain_text("web")
        expect(listed.nth(1)).to_contain_text("2.0.0")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/services/web"))
        expect(page.get_by_role("heading", name="web", exact=True)).to_be_visible()


def test_the_palette_opens_over_every_page_and_leads_to_a_service(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as page:
        for path in ("/overview", "/services/web", "/traces", "/logs"):
            page.goto(path)
            expect(page.get_by_role("button", name="Search or act")).to_be_visible()
            expect(page.locator(".skeleton")).to_have_count(0)
            page.keyboard.press("Control+k")
            palette = page.get_by_role("dialog", name="Search or act")
            expect(palette.get_by_role("option", name="payments")).to_have_count(1)
            page.keyboard.type("paym")
            expect(palette.get_by_role("option").first).to_contain_text("payments")
            page.keyboard.press("Enter")
            expect(page).to_have_url(re.compile("/services/payments"))


def test_the_overview_names_the_newest_errors_once_each(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto("/overview")
        newest = rows(page, "Newest errors")
        expect(newest).to_have_count(2)  # with the head: all say the same
        expect(newest.nth(1)).to_contain_text("payment declined by the provider")
        expect(newest.nth(1)).to_contain_text(re.compile("×1[78]"))
        newest.nth(1).get_by_role("link").click()
        expect(page).to_have_url(re.compile(r"/logs\?.*log="))
        expect(page.get_by_role("button", name="Close").last).to_be_visible()


def test_a_service_shows_its_charts_with_figures_and_releases(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as page:
        page.goto("/services/web")
        for name in ("Requests", "Error rate", "Latency"):
            expect(page.get_by_role("heading", name=name)).to_be_visible()
        # Releases are found twice a minute.
        expect(page.locator(".flag").filter(has_text="2.0.0")).to_have_count(3, timeout=45_000)
        page.get_by_role("button", name="Show as table: Latency").click()
        figures = page.get_by_role("region", name="Latency")
        expect(figures.get_by_role("columnheader", name="P95")).to_be_visible()
        expect(rows(page, "Operations").nth(1)).to_contain_text("POST /checkout")
        slowest = rows(page, "Slowest spans").nth(1)
        expect(slowest).to_contain_text("400 ms")
        slowest.get_by_role("link").click()
        expect(page).to_have_url(re.compile(r"/traces/[0-9a-f]{32}\?.*span="))


def test_a_brush_narrows_the_range_and_escape_goes_back(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto("/services/web")
        chart = page.get_by_role("button", name=re.compile("^Requests,"))
        box = chart.bounding_box()
        assert box
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.down()
        page.mouse.move(box["x"] + 90, box["y"] + 40)
        page.mouse.move(box["x"] + 140, box["y"] + 40)
        page.mouse.up()
        expect(page).to_have_url(re.compile(r"t=\d{4}-\d\d-\d\dT"))
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(r"/services/web$"))


def test_a_moment_of_a_chart_leads_to_its_traces_by_keyboard(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as page:
        page.goto("/services/web")
        page.get_by_role("button", name=re.compile("^Error rate,")).focus()
        for _ in range(12):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        page.get_by_role("menuitem", name="Traces at this moment", exact=True).press("Enter")
        expect(page).to_have_url(re.compile(r"/traces\?service=web&t=\d{4}-"))
        expect(rows(page, "Traces").nth(1)).to_contain_text("POST /checkout")


def test_traces_are_found_by_what_is_typed(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto("/traces")
        expect(rows(page, "Traces").nth(1)).to_be_visible()
        page.keyboard.press("/")
        page.keyboard.type("payment.provider:northcard")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"q=payment\.provider:northcard"))
        page.get_by_role("button", name="failed", exact=True).click()
        expect(page.get_by_text("18 shown")).to_be_visible()
        page.get_by_role("button", name="Remove payment.provider northcard").click()
        expect(page).not_to_have_url(re.compile(r"q="))
        page.get_by_role("textbox", name="Duration, at least").fill("2s")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Nothing matches the filters")).to_be_visible()
        page.get_by_role("button", name="Clear filters").last.click()
        expect(page).to_have_url(re.compile(r"/traces$"))


def test_a_trace_unfolds_by_keyboard_and_says_what_failed(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto(f"/traces/{FAILED_TRACE}")
        tree = page.get_by_role("tree")
        expect(tree.get_by_role("treeitem")).to_have_count(2)
        page.keyboard.press("e")  # to the failing charge
        page.keyboard.press("ArrowLeft")  # to its parent
        page.keyboard.press("ArrowLeft")
        expect(tree.get_by_role("treeitem")).to_have_count(1)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"span=[0-9a-f]{16}"))
        panel = page.get_by_role("complementary", name="charge")
        expect(panel).to_contain_text("CardDeclined")
        expect(panel).to_contain_text(HOSTILE)  # as text, and nothing ran
        expect(panel).to_contain_text("18500")
        expect(panel).to_contain_text("payment declined by the provider")
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        page.get_by_role("textbox", name="Find in this trace").fill("northcard")
        page.keyboard.press("Enter")
        expect(page.get_by_text("1 of 1")).to_be_visible()
        page.get_by_role("link", name="Logs 1").click()
        expect(records(page)).to_contain_text("payment declined by the provider")
        page.keyboard.press("Escape")
        expect(page).to_have_url(re.compile(r"/traces(\?|$)"))


def test_an_unknown_trace_says_so(browser: Browser, deck: Server) -> None:
    with visit(browser, deck, fails=True) as page:
        page.goto(f"/traces/{'f' * 32}")
        expect(page.get_by_role("heading", name="This trace is not here")).to_be_visible()


def test_a_log_record_becomes_a_filter(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto("/logs?severity=error")
        expect(records(page).first).to_contain_text("payment declined")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        panel = page.get_by_role("complementary").filter(has_text="tenant")
        expect(panel).to_contain_text(HOSTILE)
        expect(panel.get_by_title("number")).to_have_text("2")
        panel.get_by_role("button", name="Leave out tenant = acme").click()
        expect(page).to_have_url(re.compile(r"q=-tenant:acme"))
        expect(page.get_by_role("heading", name="Nothing matches the filters")).to_be_visible()


def test_new_records_appear_and_wait_while_one_reads(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto("/logs")
        expect(page.get_by_text("following")).to_be_visible()
        send_logs(deck, log("the first live record", time.time_ns()))
        expect(records(page).first).to_contain_text("the first live record")
        page.mouse.move(900, 600)
        page.mouse.wheel(0, 1200)
        expect(page.get_by_text("paused while you read")).to_be_attached()
        send_logs(deck, log("a record that waits", time.time_ns()))
        page.get_by_role("button", name="1 new").click()
        expect(records(page).first).to_contain_text("a record that waits")


def test_a_search_that_cannot_be_read_is_explained_in_place(browser: Browser, deck: Server) -> None:
    with visit(browser, deck, fails=True) as page:
        page.goto("/logs?q=severity_number:many")
        expect(page.get_by_role("alert")).to_contain_text("search_invalid")
        page.get_by_role("combobox", name="Search").fill("declined")
        page.keyboard.press("Enter")
        expect(records(page).first).to_contain_text("payment declined")
        expect(page.get_by_role("alert")).to_have_count(0)


def test_a_pinned_search_stands_on_its_page_and_in_the_palette(
    browser: Browser, deck: Server
) -> None:
    spec = {
        "title": "Declined",
        "signal": "logs",
        "query": "declined",
        "service": "payments",
        "range": "-2h",
        "columns": ["time", "tenant"],
        "pinned": True,
    }
    path = "/api/resources/saved-search/declined"
    with deck.client() as admin:
        admin.put(path, params={"project": "default"}, json={"spec": spec}).raise_for_status()
    with visit(browser, deck) as page:
        page.goto("/logs")
        page.get_by_role("navigation", name="Saved searches").get_by_text("Declined").click()
        expect(page).to_have_url(
            re.compile(r"/logs\?q=declined&service=payments&t=-2h&cols=tenant")
        )
        expect(records(page).first).to_contain_text("payment declined by the provider")
        page.keyboard.press("Control+k")
        page.keyboard.type("declined")
        palette = page.get_by_role("dialog", name="Search or act")
        expect(palette.get_by_role("option").first).to_contain_text("saved search")
        page.goto("/traces")
        expect(page.get_by_role("table", name="Traces")).to_be_visible()
        expect(page.get_by_role("link", name="Declined")).to_have_count(0)  # it is for logs
    with deck.client() as admin:
        admin.delete(path, params={"project": "default"}).raise_for_status()


def test_an_empty_range_leads_to_where_the_data_is(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as page:
        page.goto("/traces?t=2026-01-01T00:00Z..2026-01-01T01:00Z")
        expect(page.get_by_role("heading", name="No traces in this range")).to_be_visible()
        page.get_by_role("button", name="Go there").click()
        expect(rows(page, "Traces").nth(1)).to_be_visible()


@pytest.mark.parametrize("finger", [True, False])
@pytest.mark.parametrize(
    "path", ["/overview", "/services/web", "/traces", f"/traces/{FAILED_TRACE}", "/logs"]
)
def test_a_narrow_screen_shows_every_page_without_scrolling_sideways(
    browser: Browser, deck: Server, path: str, finger: bool
) -> None:
    phone = {"width": 390, "height": 844}
    with visit(browser, deck, viewport=phone, is_mobile=finger, has_touch=finger) as page:
        page.goto(path)
        page.wait_for_timeout(1500)
        assert page.evaluate("document.documentElement.scrollWidth") <= phone["width"]
