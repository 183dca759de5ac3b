"""SQL console, Send data, Data health, Bottlenecks and derived metrics, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from support.remote_write import Series, now_ms, push, v1
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
    data: Path = tmp_path_factory.mktemp("rooms") / "data"
    with Server(data) as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        send_hour(running)
        yield running


def test_sql_is_written_completed_run_drawn_and_kept_by_keyboard_alone(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/overview", PASSWORD)
        expect(page.get_by_role("table", name="Services")).to_be_visible()
        page.keyboard.press("g")
        page.keyboard.press("q")
        expect(page).to_have_url(re.compile("/sql"))
        editor = page.get_by_role("combobox", name="Statement")
        editor.focus()
        page.keyboard.type("SELECT service, cou")
        expect(page.get_by_role("option", name=re.compile("^count ")).first).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.type("nt() AS n FROM spa")
        expect(page.get_by_role("option", name=re.compile("^spans"))).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.type("GROUP BY service ORDER BY n DESC ")
        page.keyboard.press("Escape")
        page.keyboard.press("Control+Enter")
        answer = page.get_by_role("table", name="Answer")
        expect(answer.get_by_role("row")).to_have_count(3)
        expect(page).to_have_url(re.compile("sql=SELECT"))
        page.get_by_role("link", name="Chart").press("Enter")
        expect(page.locator("table.bars tr")).to_have_count(2)
        page.get_by_role("button", name="Save query").press("Enter")
        page.get_by_label("Title").fill("Spans by service")
        page.keyboard.press("Enter")
        expect(page.get_by_role("link", name="Spans by service")).to_be_visible()
        page.reload()  # the address is the view
        expect(page.locator("table.bars tr")).to_have_count(2)
        expect(page.get_by_role("link", name="Spans by service")).to_be_visible()


def test_a_statement_that_makes_no_sense_is_marked_where_it_stops(
    browser: Browser, deck: Server
) -> None:
    with visit(browser, deck, expected=(400,)) as watched:
        page = sign_in(watched, EMAIL, "/sql", PASSWORD)
        page.get_by_role("combobox", name="Statement").fill("SELECT 1 FROM spans WHERE )")
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_text("not valid SQL: line 1, column 27")).to_be_visible()
        expect(page.locator(".flaw")).to_be_visible()


def test_a_source_turns_green_when_its_first_item_arrives(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/send?source=lines", PASSWORD)
        status = page.get_by_role("status").filter(has_text="waiting for the first item")
        expect(status).to_be_visible()
        recipe = page.get_by_role("region", name="curl: a log line")
        expect(recipe).to_contain_text(f"{deck.url}/api/logs")
        key = re.search(r"Bearer ([0-9a-f]{32})", recipe.inner_text())
        assert key, recipe.inner_text()
        with deck.client(key=key.group(1)) as client:
            line = {"level": "info", "message": "<img src=x onerror=alert(1)>"}
            sent = client.post("/api/logs", json=line, headers={"user-agent": "curl/8.9"})
            assert sent.status_code == 200, sent.text
        expect(page.get_by_text(re.compile("1 items, the last"))).not_to_have_count(
            0, timeout=20_000
        )
        expect(page.get_by_text("curl: a log line has arrived")).to_be_visible()


def test_data_health_says_what_arrives_and_what_was_refused(browser: Browser, deck: Server) -> None:
    with deck.client() as client:
        client.post("/api/logs", content=b'{"message":"fine"}\n{broken <script>\n')
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/data-health", PASSWORD)
        arrivals = page.get_by_role("table", name="What arrives")
        expect(arrivals.get_by_role("row").filter(has_text="web").first).to_be_visible()
        refused = page.get_by_role("table", name="What was refused")
        expect(refused).to_contain_text("unparsable_line")
        expect(refused).to_contain_text("{broken <script>")
        expect(page.get_by_role("table", name="Attributes by size")).to_be_visible()


def test_a_ready_made_metric_is_saved_as_it_is(browser: Browser, deck: Server) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/settings/resources/derived-metric", PASSWORD)
        page.get_by_role("link", name="Use log-errors").click()
        expect(page.get_by_label("Name")).to_have_value("log-errors")
        page.get_by_role("button", name=re.compile("Create|Save")).first.click()
        expect(page).to_have_url(re.compile("/derived-metric/log-errors"))
        page.goto("/settings/resources/derived-metric")
        expect(page.get_by_role("table", name="Derived metrics")).to_contain_text("log-errors")
        expect(page.get_by_role("link", name="Use log-errors")).to_have_count(0)


def send_counter(deck: Server) -> None:
    """Ten minutes of a counter with two series, as Prometheus would write it."""
    now = now_ms()
    told = [
        Series(
            {"__name__": "http_requests_total", "job": "shop", "code": code},
            [(float(i * step), now - (40 - i) * 15_000) for i in range(40)],
        )
        for code, step in (("200", 90), ("500", 3))
    ]
    answer = push(deck, v1(told, [("http_requests", 1, "Requests answered.", "")]))
    assert answer.is_success


def test_a_metric_is_found_drawn_put_in_a_formula_and_on_a_dashboard_by_keyboard_alone(
    browser: Browser, deck: Server
) -> None:
    send_counter(deck)
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/overview", PASSWORD)
        expect(page.get_by_role("table", name="Services")).to_be_visible()
        page.keyboard.press("g")
        page.keyboard.press("x")
        expect(page.get_by_text("Choose a metric, or write a query.")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^http_requests_total"))).to_be_visible()
        page.keyboard.press("/")
        page.keyboard.type("requests answered")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        query = page.get_by_role("combobox", name="Query A")
        expect(query).to_have_value("sum (rate(http_requests_total[$__rate_interval]))")
        expect(page.locator("figure.chart")).to_be_visible()
        page.get_by_role("button", name="Builder").press("Enter")
        page.get_by_label("add a label").select_option("code")
        expect(query).to_have_value("sum by (code) (rate(http_requests_total[$__rate_interval]))")
        legend = page.get_by_role("table").filter(has_text="Highest")
        expect(legend.get_by_role("row")).to_have_count(3)
        page.get_by_role("button", name="Add a query").press("Enter")
        second = page.get_by_role("combobox", name="Query B")
        second.focus()
        page.keyboard.type("$a * 60")
        page.keyboard.press("Enter")
        expect(legend.get_by_role("row")).to_have_count(5)
        second.fill("$b")
        second.press("Control+Enter")
        expect(page.get_by_text("Query B needs itself.")).to_be_visible()
        page.get_by_role("button", name="Remove query B").press("Enter")
        expect(legend.get_by_role("row")).to_have_count(3)
        page.reload()  # the address is the view
        expect(legend.get_by_role("row")).to_have_count(3)
        page.keyboard.press("p")
        page.get_by_label("Title of the panel").fill("Requests by code")
        page.get_by_label("Title of the dashboard").fill("Shop front")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("/dashboards/shop-front"))
        expect(page.get_by_role("region", name="Requests by code")).to_be_visible()
        page.goto("/explore/cost")
        row = page.get_by_role("row").filter(has_text="http_requests_total").first
        expect(row).to_contain_text("2")
        expect(page.get_by_text("of 1,000,000 that the project may have")).to_be_visible()
    watched.clean()
