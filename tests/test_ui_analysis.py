"""The traces page beyond its list, in a real browser: brush, compare, group, spans one by one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from support.server import Server
from support.shop import send_hour
from support.visitor import CHROMIUM, PASSWORD, sign_in, visit

STATIC = Path(__file__).parent.parent / "src/quarterdeck/http/static/index.html"
EMAIL = "ada@example.com"

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
    with Server(tmp_path_factory.mktemp("analysis") / "data") as running:
        with running.client(key=None) as client:
            person = {"email": EMAIL, "name": "Ada", "password": PASSWORD}
            client.post("/api/setup", json=person).raise_for_status()
        send_hour(running)
        yield running


@pytest.fixture
def page(browser: Browser, deck: Server) -> Iterator[Page]:
    with visit(browser, deck) as watched:
        yield sign_in(watched, EMAIL, "/traces?t=-2h")


def picture(page: Page) -> Locator:
    return page.locator("figure .hit")


def drag(page: Page, across: tuple[float, float], down: tuple[float, float]) -> None:
    box = picture(page).bounding_box()
    assert box
    x = [box["x"] + box["width"] * each for each in across]
    y = [box["y"] + box["height"] * each for each in down]
    page.mouse.move(x[0], y[0])
    page.mouse.down()
    page.mouse.move((x[0] + x[1]) / 2, (y[0] + y[1]) / 2)
    page.mouse.move(x[1], y[1])
    page.mouse.up()


def test_a_brush_selects_and_the_selection_is_compared(page: Page) -> None:
    page.get_by_role("link", name="Durations").click()
    expect(page.get_by_text("360 spans")).to_be_visible()
    drag(page, (0.6, 0.95), (0.02, 0.5))
    expect(page).to_have_url(re.compile(r"sel=duration.*sel_t=\d{4}-"))
    selected = page.get_by_role("region", name="Selected")
    expect(selected.get_by_role("listitem").first).to_contain_text("Time")
    page.reload()  # the address is the view
    selected.get_by_role("link", name="Compare with the rest").click()
    expect(page.get_by_text(re.compile(r"\d+ selected, \d+ others"))).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("service"))).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("sel="))


def test_a_selection_can_be_typed_and_shown_as_traces(page: Page) -> None:
    page.goto("/traces?t=-2h&tab=durations&of=spans")
    page.get_by_text("Select by typing").click()
    chosen = page.get_by_role("region", name="Selected")
    chosen.get_by_role("textbox", name="Duration, at least").fill("300ms")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"sel=duration%3E(%3D|=)300ms"))
    chosen.get_by_role("link", name="Show these traces").click()
    expect(page).to_have_url(re.compile(r"min=300ms"))
    expect(page.get_by_role("table", name="Traces").get_by_role("row").nth(1)).to_be_visible()


def test_failures_are_told_by_what_sets_them_apart_and_a_value_becomes_a_filter(
    page: Page,
) -> None:
    page.goto("/traces?t=-2h&tab=compare&service=payments")
    page.get_by_role("button", name="those that failed").click()
    expect(page.get_by_text("18 selected, 162 others")).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing sets them apart")).to_be_visible()
    page.goto("/traces?t=-2h&tab=compare&of=spans&sel=duration>=300ms")
    first = page.locator("ol.fields > li").first
    expect(first).to_contain_text("service")
    first.get_by_role("button", name=re.compile("web")).first.click()
    expect(page).to_have_url(re.compile(r"q=service:web"))
    expect(page.get_by_role("heading", name="Everything here is selected")).to_be_visible()


def test_groups_are_counted_sorted_and_lead_to_their_traces(page: Page) -> None:
    page.goto("/traces?t=-2h&tab=groups&of=spans&by=release")
    rows = page.get_by_role("table", name="Groups of spans").get_by_role("row")
    expect(rows).to_have_count(4)  # with the head
    expect(rows.nth(1)).to_contain_text("1.1.0")
    page.get_by_role("combobox", name="and by").fill("name")
    page.keyboard.press("Enter")
    expect(rows.nth(1)).to_contain_text("charge")
    rows.first.get_by_role("button", name="P95").click()
    expect(page).to_have_url(re.compile("sort=p95"))
    rows.nth(1).get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"q=release:.*name:"))
    expect(page.get_by_role("table", name="Traces").get_by_role("row").nth(1)).to_be_visible()


def test_spans_stand_one_by_one_with_columns_of_attributes(page: Page) -> None:
    page.get_by_role("button", name="spans", exact=True).click()
    expect(page).to_have_url(re.compile("rows=spans"))
    page.goto(page.url + "&of=spans&q=payment.provider:northcard")
    page.get_by_role("combobox", name="Column").fill("payment.amount")
    page.keyboard.press("Enter")
    table = page.get_by_role("table", name="Spans")
    expect(table.get_by_role("columnheader", name="payment.amount")).to_be_visible()
    expect(table.get_by_role("row").nth(1)).to_contain_text("18500")
    table.get_by_role("row").nth(1).get_by_role("link").click()
    expect(page).to_have_url(re.compile(r"/traces/[0-9a-f]{32}\?.*span="))


def test_a_point_leads_to_its_trace_and_the_figures_stand_in_a_table(page: Page) -> None:
    page.goto("/traces?t=-2h&tab=durations&service=payments&q=status:error&of=spans")
    expect(page.get_by_text("18 spans")).to_be_visible()
    page.get_by_role("button", name="Show as table: Durations over time").click()
    figures = page.get_by_role("region", name="Durations over time")
    expect(figures.get_by_role("row")).to_have_count(2)
    page.get_by_role("button", name="Show as chart: Durations over time").click()
    box = picture(page).bounding_box()
    assert box
    # The points lie on one line; along it the pointer says when it has found one.
    for step in range(4, 96):
        page.mouse.move(box["x"] + box["width"] * step / 100, box["y"] + box["height"] / 2)
        if page.locator("figure .hit.on").count():
            break
    page.mouse.down()
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"/traces/[0-9a-f]{32}\?.*span="))


def test_an_empty_search_says_that_filters_hide_things(page: Page) -> None:
    for tab in ("durations", "groups", "compare", "flame"):
        page.goto(f"/traces?t=-2h&tab={tab}&service=nobody")
        expect(page.get_by_role("heading", name="Nothing matches the filters")).to_be_visible()
