"""The page of targets in a real browser: nothing yet, then what is up and what is down."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from support.exporters import Exporters
from support.server import Server, free_port
from support.visitor import CHROMIUM, sign_in, visit
from test_ui_explore import PERSON, STATIC

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
    data: Path = tmp_path_factory.mktemp("targets") / "data"
    with Server(data) as running:
        with running.client(key=None) as client:
            client.post("/api/setup", json=PERSON).raise_for_status()
        yield running


def test_targets_are_added_told_apart_found_and_opened(browser: Browser, deck: Server) -> None:
    with Exporters() as exporters, visit(browser, deck) as watched:
        page = sign_in(watched, PERSON["email"], "/overview", PERSON["password"])
        page.keyboard.press("g")
        page.keyboard.press("r")
        expect(page).to_have_url(re.compile("/targets"))
        expect(page.get_by_text("Nothing is scraped yet")).to_be_visible()
        expect(page.get_by_text("kind: scrape-job")).to_be_visible()

        paths = {"good": "/metrics", "bad <b>": "/html"}
        groups = [
            {"targets": [exporters.address], "labels": {"instance": name, "__metrics_path__": path}}
            for name, path in paths.items()
        ]
        with deck.client() as client:
            for name, static in (("shop", groups), ("nobody", [{"targets": ["127.0.0.1:1"]}])):
                spec = {"scrape_interval": "1s", "static_configs": static}
                client.put(
                    f"/api/resources/scrape-job/{name}", json={"spec": spec}
                ).raise_for_status()
            spec = {"file_sd_configs": [{"files": ["none.yml"]}]}
            client.put("/api/resources/scrape-job/files", json={"spec": spec}).raise_for_status()

        table = page.get_by_role("table", name=re.compile("Targets that are scraped"))
        rows = table.get_by_role("row")
        up = rows.filter(has_text="good")
        expect(up.get_by_text("Up")).to_be_visible(timeout=20_000)
        expect(page.get_by_role("list", name="Targets that cannot be found")).to_contain_text(
            "none.yml"
        )
        expect(rows.filter(has_text="bad <b>")).to_contain_text("a web page (HTML)")
        expect(rows.filter(has_text="nobody")).to_contain_text("connection refused")

        page.get_by_role("link", name=re.compile("^Down")).click()
        expect(up).to_have_count(0)
        page.get_by_label("Job").select_option("nobody")
        expect(rows).to_have_count(2)
        rows.nth(1).click()
        panel = page.get_by_role("complementary", name="127.0.0.1:1")
        expect(panel).to_contain_text("It cannot be reached: connection refused.")
        expect(panel).to_contain_text("http://127.0.0.1:1/metrics")
        page.reload()  # the address is the view
        expect(panel).to_contain_text("connection refused")
        expect(rows).to_have_count(2)
        expect(panel.get_by_role("link", name="Change the job")).to_have_attribute(
            "href", re.compile("/settings/resources/scrape-job/nobody")
        )
        page.keyboard.press("Escape")
        expect(panel).to_have_count(0)
        page.get_by_role("link", name="Add a job").click()
        expect(page).to_have_url(re.compile("scrape-job.*new"))
        expect(page.get_by_role("button", name="Create")).to_be_visible()


def test_a_target_that_is_kept_in_part_says_so(browser: Browser, deck: Server) -> None:
    with Exporters() as exporters, visit(browser, deck) as watched:
        exporters.body = b"".join(b'a{i="%d"} 1\n' % i for i in range(20))
        spec = {"scrape_interval": "1s", "static_configs": [{"targets": [exporters.address]}]}
        with deck.client() as client:
            client.post("/api/projects", json={"slug": "narrow"}).raise_for_status()
            client.headers["x-quarterdeck-project"] = "narrow"
            limit = {"spec": {"series_limit": 10}}
            client.put("/api/resources/retention/default", json=limit).raise_for_status()
            client.put("/api/resources/scrape-job/wide", json={"spec": spec}).raise_for_status()
        page = sign_in(watched, PERSON["email"], "/targets?project=narrow", PERSON["password"])
        row = page.get_by_role("row").filter(has_text=exporters.address)
        expect(row).to_contain_text("15 refused: a new series beyond", timeout=20_000)
        expect(row).to_contain_text("Up, in part")
        row.click()
        panel = page.get_by_role("complementary", name=exporters.address)
        expect(panel).to_contain_text("Samples refused 15")
        expect(panel).to_contain_text("Samples kept 5")


def test_on_a_phone_the_job_and_the_error_stand_below_the_target(
    browser: Browser, deck: Server
) -> None:
    spec = {"scrape_interval": "1s", "static_configs": [{"targets": ["127.0.0.1:1"]}]}
    with deck.client() as client:
        client.put("/api/resources/scrape-job/nobody", json={"spec": spec}).raise_for_status()
    with visit(browser, deck, phone=True) as watched:
        page = sign_in(watched, PERSON["email"], "/targets?job=nobody", PERSON["password"])
        row = page.get_by_role("row").filter(has_text="127.0.0.1:1")
        expect(row.get_by_text("connection refused")).to_be_visible()
        expect(row.get_by_text("nobody")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_to_be_pasted_for_remote_write_makes_a_real_prometheus_arrive(
    browser: Browser, deck: Server, tmp_path: Path
) -> None:
    with visit(browser, deck) as watched:
        page = sign_in(watched, PERSON["email"], "/send?source=prometheus", PERSON["password"])
        code = page.get_by_role("region", name="Prometheus (remote write)")
        expect(code).to_contain_text("authorization:")
        expect(page.get_by_role("main").get_by_role("status")).to_contain_text(
            "waiting for the first item"
        )
        port = free_port()
        config = tmp_path / "prometheus.yml"
        config.write_text(
            f"{code.text_content()}\nscrape_configs:\n- job_name: self\n  scrape_interval: 1s\n"
            f"  static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        )
        command = [
            "/usr/bin/prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address=127.0.0.1:{port}", "--log.level=error",
        ]  # fmt: skip
        with subprocess.Popen(command) as process:
            try:
                expect(page.get_by_role("main").get_by_role("status")).to_contain_text(
                    "items, the last", timeout=40_000
                )
            finally:
                process.terminate()
        page.get_by_role("link", name="Exporters (scraped from here)").click()
        expect(page.get_by_text("kind: scrape-job")).to_be_visible()
        page.get_by_role("link", name="Whether they answer stands under Targets").click()
        expect(page).to_have_url(re.compile("/targets"))
