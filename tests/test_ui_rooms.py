"""SQL console, Send data, Data health, Bottlenecks and derived metrics, in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

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
        expect(page.get_by_text("of 1,000,000 that may be active")).to_be_visible()
    watched.clean()


def send_histogram(deck: Server) -> None:
    """Ten minutes of requests that take up to 0.1 s, up to 200 s, or longer."""
    now = now_ms()
    told = [
        Series(
            {"__name__": "took_seconds_bucket", "job": "shop", "le": le},
            [(float(i * step), now - (40 - i) * 15_000) for i in range(40)],
        )
        for le, step in (("0.1", 10), ("200", 30), ("+Inf", 31))
    ]
    answer = push(deck, v1(told, [("took_seconds", 3, "How long it took.", "seconds")]))
    assert answer.is_success


def test_the_explorer_says_whose_figures_are_whose_and_in_which_unit(
    browser: Browser, deck: Server
) -> None:
    send_counter(deck)
    send_histogram(deck)
    asked = {
        "a": "sum(rate(http_requests_total[5m]))",
        "b": "histogram_quantile(0.95, sum by (le) (rate(took_seconds_bucket[5m])))",
        "c": "$b / $a",
    }
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/explore", PASSWORD)
        page.goto(f"/explore?{urlencode(asked)}")
        legend = page.get_by_role("table").filter(has_text="Highest").get_by_role("row")
        expect(legend).to_have_count(4)
        expect(legend.nth(1)).to_contain_text(re.compile(r"A · sum.*/s"))
        expect(legend.nth(2)).to_contain_text(re.compile(r"B · histogram.*min.*s"))
        expect(legend.nth(3)).to_contain_text(re.compile(r"C · \$b / \$a[\d.]+$"))
        expect(page.get_by_text("The queries differ in unit")).to_be_visible()
        page.get_by_role("button", name="Remove query C").click()
        page.get_by_role("button", name="Remove query A").click()
        expect(legend).to_have_count(2)
        expect(legend.nth(1)).not_to_contain_text("·")
        # Figures of an axis are drawn on a canvas: the room beside the chart must hold the widest.
        plotted = page.locator("figure.chart .over")
        expect(plotted).to_have_css("left", "56px")
        page.goto(f"/explore?{urlencode({'a': asked['a'], 'unit': 'orders in the queue'})}")
        expect(plotted).to_be_visible()
        assert plotted.evaluate("each => each.offsetLeft") > 100


def test_a_click_on_a_histogram_is_built_upon_and_becomes_a_heat_map_of_its_buckets(
    browser: Browser, deck: Server
) -> None:
    send_histogram(deck)
    with visit(browser, deck) as watched:
        page = sign_in(watched, EMAIL, "/explore", PASSWORD)
        # Told every 15 s, so that a rate over a minute finds its points.
        with page.expect_request(lambda sent: "%5B60s%5D" in (sent.post_data or "")):
            page.get_by_role("button", name=re.compile("^took_seconds_bucket")).first.click()
        query = page.get_by_role("combobox", name="Query A")
        expect(query).to_have_value(re.compile("^histogram_quantile"))
        page.get_by_role("button", name="Builder").click()
        page.get_by_label("Quantile").select_option("0.5")
        expect(query).to_have_value(
            "histogram_quantile(0.5, sum by (le) (rate(took_seconds_bucket[$__rate_interval])))"
        )
        page.get_by_role("button", name="Heat map").click()
        heat = page.locator(".heat .name")
        expect(heat).to_have_text(["100 ms", "3 min 20 s", "+Inf"])
        expect(page.get_by_text("The heat map asks for the buckets")).to_be_visible()
        query.fill("vector(1)")
        query.press("Control+Enter")
        expect(page.get_by_text("No buckets here")).to_be_visible()
        expect(heat).to_have_text(["vector(1)"])


def test_an_error_of_a_query_stands_below_it_and_points_at_its_place(
    browser: Browser, deck: Server
) -> None:
    send_counter(deck)
    asked = {"a": "http_requests_total", "b": "sum(rate(http_requests_total[5m)"}
    with visit(browser, deck, expected=(400,)) as watched:
        page = sign_in(watched, EMAIL, "/explore", PASSWORD)
        page.goto(f"/explore?{urlencode(asked)}")
        complaint = page.get_by_role("alert")
        expect(complaint).to_have_count(1)
        expect(complaint).not_to_contain_text("invalid parameter")
        second = page.locator(".query").nth(1)
        expect(second.get_by_role("alert")).to_be_visible()
        expect(second.locator(".editor .flaw")).to_have_count(1)
        expect(page.locator("figure.chart")).to_be_visible()  # the other is drawn
        editor = page.get_by_role("combobox", name="Query B")
        editor.fill("sum(rate(http_requests_total[5m]))")
        editor.press("Control+Enter")
        expect(complaint).to_have_count(0)
