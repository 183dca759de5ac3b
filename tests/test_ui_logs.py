"""The logs page in a real browser: around a record, patterns, fields, columns, hostile lines."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.server import Server
from test_ui_explore import CHROMIUM, PERSON, STATIC, records, rows, visit

pytestmark = [
    pytest.mark.xdist_group("browser_explore"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]

ESCAPED = "\x1b[31mred\x1b[0m <script>alert(1)</script> \u202egnp.exe"
LONG = "start of it " + "x" * 1_000_000 + " end of it"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def deck(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with its first admin and a service's lines, one of them hostile and one huge."""
    with Server(tmp_path_factory.mktemp("logs") / "data") as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        at = int(time.time() * 1000) - 120_000
        lines: list[dict[str, Any]] = [
            {"time": at + i * 100, "message": f"order {i} paid", "service": "shop", "tenant": "ab"[i % 2], "ms": i, "one": 1, "two": 2, "three": 3}
            for i in range(300)
        ]  # fmt: skip
        lines.append({"time": at + 40_000, "message": ESCAPED, "service": "shop"})
        lines.append({"time": at + 41_000, "message": LONG, "service": "shop"})
        with running.client() as client:
            text = "\n".join(map(json.dumps, lines))
            client.post("/api/logs", content=text).raise_for_status()
        yield running


@contextmanager
def opened(browser: Browser, deck: Server, path: str) -> Iterator[Page]:
    with visit(browser, deck) as page:
        page.goto(path)
        yield page


def test_a_record_shows_what_was_logged_around_it(browser: Browser, deck: Server) -> None:
    with opened(browser, deck, '/logs?q="order 150 paid"') as page:
        records(page).first.click()
        page.keyboard.press("a")
        expect(page).to_have_url(re.compile("around=service"))
        around = page.get_by_role("list", name="Records around this one")
        here = around.locator("[aria-current]")
        expect(here).to_contain_text("order 150 paid")
        expect(around.get_by_role("listitem")).to_have_count(51)
        around.get_by_role("button", name="Load earlier").click()
        expect(around.get_by_text("order 25 paid")).to_have_count(1)
        page.reload()  # its address leads to it
        expect(here).to_contain_text("order 150 paid")


def test_alike_lines_are_one_pattern_that_leads_to_them(browser: Browser, deck: Server) -> None:
    with opened(browser, deck, "/logs?tab=patterns") as page:
        first = rows(page, "Patterns of log lines").filter(has_text="order")
        expect(first).to_contain_text("300")
        first.click()
        expect(page).to_have_url(re.compile("/logs.*pattern"))
        expect(records(page).first).to_contain_text("order 299 paid")
        expect(page.get_by_role("listbox")).not_to_contain_text("script")


def test_a_field_tells_what_it_holds(browser: Browser, deck: Server) -> None:
    with opened(browser, deck, "/logs") as page:
        page.get_by_role("textbox", name="Find a field").fill("tenan")
        page.get_by_role("link", name="tenant", exact=True).click()
        panel = page.get_by_role("complementary", name="tenant")
        expect(panel).to_contain_text("2 values")
        page.goto("/logs?field=ms")
        panel = page.get_by_role("complementary", name="ms")
        expect(panel).to_contain_text("P95")
        expect(panel.get_by_role("img", name=re.compile("spread"))).to_be_visible()


def test_columns_are_arranged_by_keyboard_and_stand_in_the_address(
    browser: Browser, deck: Server
) -> None:
    with opened(browser, deck, "/logs?q=order&cols=tenant,ms&fields=off") as page:
        page.get_by_role("button", name=re.compile("^tenant")).first.focus()
        page.keyboard.press("ArrowRight")
        expect(page).to_have_url(re.compile("cols=ms,tenant"))
        page.get_by_role("button", name=re.compile("^ms")).first.focus()
        page.keyboard.press("Shift+ArrowRight")
        expect(page).to_have_url(re.compile("cols=ms:140,tenant"))
        page.keyboard.press("Delete")
        expect(page).to_have_url(re.compile(r"cols=tenant(&|$)"))


def test_hostile_and_huge_lines_are_shown_harmlessly(browser: Browser, deck: Server) -> None:
    with opened(browser, deck, "/logs?q=script") as page:
        expect(records(page).first).to_contain_text(
            "␛[31mred␛[0m <script>alert(1)</script> ⟨202E⟩gnp"
        )
        page.goto('/logs?q="start of it"')
        records(page).first.click()
        body = page.get_by_role("region", name="Body")
        expect(body).to_contain_text("start of it")
        assert len(body.inner_text()) < 10_000
        page.get_by_role("button", name="Show all of it").click()
        expect(body).to_contain_text("end of it")


def test_the_search_is_saved_as_a_file(browser: Browser, deck: Server, tmp_path: Path) -> None:
    with opened(browser, deck, "/logs?q=order&cols=tenant&fields=off") as page:
        expect(records(page).first).to_be_visible()
        page.get_by_role("button", name=re.compile("^All records of this search")).click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name="Table with the columns shown").click()
        kept = tmp_path / "logs.csv"
        download.value.save_as(kept)
        text = kept.read_text().splitlines()
        assert text[0] == '"time","level","service","tenant","body"'
        assert len(text) == 301
        assert text[1].endswith('"shop","a","order 0 paid"')
