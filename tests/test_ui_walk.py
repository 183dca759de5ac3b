"""Every page of the running demo: dark, light and on a phone, complete, silent and within its walls.

Each page is watched for console errors, failed scripts and requests to anywhere else, must not
scroll sideways, and leaves a screenshot in artifacts/screens (or in QUARTERDECK_SCREENS).
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from support.server import Server
from support.visitor import CHROMIUM, DESK, PHONE, watch
from test_demo_e2e import Demo

ROOT = Path(__file__).parent.parent
STATIC = ROOT / "src/quarterdeck/http/static/index.html"
SCREENS = Path(os.environ.get("QUARTERDECK_SCREENS", ROOT / "artifacts/screens"))
# On a desk a page is looked at dark and then light, as the system turns while it stands there.
LOOKS = ("dark", "phone")
FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# A busy machine is slow; what never comes is wrong.
PATIENCE = 20_000

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.xdist_group("demo_e2e"),
    pytest.mark.skipif(not STATIC.exists(), reason="the UI has not been built (make setup)"),
]


@dataclass(frozen=True)
class Stop:
    """A page of the walk: where it is and what is on it when it is complete."""

    name: str
    path: str
    shows: str
    then: Callable[[Page], None] | None = None
    expected: tuple[int, ...] = ()


def open_first(page: Page) -> None:
    page.locator("[role=table][aria-label=Traces] .row a").first.click()
    expect(page.locator("[role=treeitem]").first).to_be_visible(timeout=PATIENCE)


def open_host(page: Page) -> None:
    page.locator("[role=table] .row a").first.click()
    expect(page.locator("figure.chart").first).to_be_visible(timeout=PATIENCE)


def open_error(page: Page) -> None:
    page.locator("[role=table][aria-label=Errors] [data-index='0'] a").first.click()
    expect(page.locator("main [aria-current=true]").first).to_be_visible(timeout=PATIENCE)


def open_span(page: Page) -> None:
    open_first(page)
    page.locator("[role=treeitem]").first.click()
    expect(page.locator("aside[aria-label]").last).to_be_visible(timeout=PATIENCE)


def open_record(page: Page) -> None:
    page.locator("[role=option]").first.click()
    expect(page.get_by_role("button", name="Close").last).to_be_visible(timeout=PATIENCE)


ROWS = "[role=table] [role=row][data-index='0']"
SETTINGS = "/settings/resources"
QUESTION = "SELECT service, count() AS spans FROM spans GROUP BY service ORDER BY spans DESC"

INSIDE = (
    Stop("overview", "/overview", f"{ROWS} svg, {ROWS}"),
    Stop("service", "/services/orders", "[role=table][aria-label=Operations] [data-index='0']"),
    Stop("service-versions", "/services/payments?tab=versions", "main table tbody td"),
    Stop("service-runtime", "/services/payments?tab=runtime", "main figure canvas"),
    Stop("map", "/map", f"main [data-node], {ROWS}"),
    Stop("bottlenecks", "/bottlenecks", f"{ROWS}, main h2"),
    Stop("traces", "/traces", ROWS),
    Stop("traces-spans", "/traces?rows=spans&of=spans&columns=payment.provider", ROWS),
    Stop("traces-durations", "/traces?tab=durations", "figure canvas"),
    Stop("traces-groups", "/traces?tab=groups&by=name&of=spans", ROWS),
    Stop("traces-compare", "/traces?tab=compare&sel=status:error&of=spans", "ol.fields > li"),
    Stop("traces-flame", "/traces?tab=flame", "main [role=treeitem], main .flame"),
    Stop("trace", "/traces", ROWS, open_first),
    Stop("trace-span", "/traces", ROWS, open_span),
    Stop("logs", "/logs", "[role=option]"),
    Stop("logs-record", "/logs", "[role=option]", open_record),
    Stop("errors", "/errors", ROWS),
    Stop("error", "/errors", ROWS, open_error),
    Stop("hosts", "/hosts", ROWS),
    Stop("host", "/hosts", ROWS, open_host),
    Stop("targets", "/targets", ROWS),
    Stop("rules", "/rules", ROWS),
    Stop("cost", "/explore/cost", ROWS),
    Stop("dashboards", "/dashboards", ROWS),
    Stop("dashboard", "/dashboards/demo-shop", "main section.panel span.figure"),
    Stop("sql", f"/sql?show=chart&sql={QUESTION}", "main figure, main .bars"),
    Stop("send", "/send", "main nav a"),
    Stop("data-health", "/data-health", ROWS),
    Stop("logs-around", "/logs?around=service", "[role=option]", open_record),
    Stop("logs-patterns", "/logs?tab=patterns", ROWS),
    Stop("demo", "/demo", "main [role=switch], main button"),
    Stop("settings-projects", "/settings/projects", ROWS),
    Stop("settings-project", "/settings/projects/default", "main form, main input"),
    Stop("settings-keys", "/settings/keys", ROWS),
    Stop("settings-users", "/settings/users", ROWS),
    Stop("settings-project-settings", f"{SETTINGS}/project-settings/default", "main form"),
    Stop("settings-retention", f"{SETTINGS}/retention/default", "main form"),
    Stop("settings-searches", f"{SETTINGS}/saved-search", "main h2, main [role=table]"),
    Stop("settings-search", f"{SETTINGS}/saved-search/failed-payments", "main form"),
    Stop("settings-scrape-job", f"{SETTINGS}/scrape-job/quarterdeck", "main form"),
    Stop("settings-storage", "/settings/storage", ROWS),
    Stop("settings-secrets", "/settings/secrets", "main h2, main [role=table]"),
    Stop("settings-audit", "/settings/audit", ROWS),
    Stop("account", "/account", "main form"),
    Stop("not-found", "/nowhere", "main h1, main h2", expected=(404,)),
)
OUTSIDE = (
    Stop("door-login", "/login", "main form"),
    Stop("door-invite-unknown", "/invite/unknown", "main h1, main h2", expected=(404, 410, 400)),
    Stop("door-reset-unknown", "/reset/unknown", "main h1, main h2", expected=(404, 410, 400)),
)
FIRST = (Stop("door-setup", "/setup", "main form"),)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("walk") / "data")
    try:
        running.enter()
        for service in ("orders", "payments"):
            running.until(f"SELECT 1 FROM spans WHERE service = '{service}' LIMIT 1")
        search = {"spec": {"title": "Failed payments", "signal": "traces", "query": "status:error"}}
        running.visitor.put(
            "/api/resources/saved-search/failed-payments?project=default", json=search
        ).raise_for_status()
        fail(running)
        yield running
    finally:
        running.end()


def fail(demo: Demo) -> None:
    """The shop fails once, as an SDK of Sentry would tell."""
    dsn = demo.visitor.get("/api/projects/default").raise_for_status().json()["dsn"]
    key, number = re.findall(r"//(.+)@.+/(\d+)$", dsn)[0]
    line = {"filename": "shop/pay.py", "function": "pay", "lineno": 2, "in_app": True}
    source = {"pre_context": ["def pay(card):"], "context_line": "    raise Declined(card)"}
    thrown = {"type": "Declined", "value": "4242", "stacktrace": {"frames": [line | source]}}
    event = {"event_id": "0" * 31 + "1", "platform": "python", "exception": {"values": [thrown]}}
    demo.visitor.post(
        f"/api/{number}/store/", params={"sentry_key": key}, json=event
    ).raise_for_status()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as running:
        chromium = running.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--force-prefers-reduced-motion"]
        )
        yield chromium
        chromium.close()


@contextmanager
def looking(browser: Browser, url: str, look: str) -> Iterator[BrowserContext]:
    phone = look == "phone"
    context = browser.new_context(
        base_url=url,
        locale="en-GB",
        viewport=PHONE if phone else DESK,
        has_touch=phone,
        is_mobile=phone,
        color_scheme="dark",
    )
    try:
        yield context
    finally:
        context.close()


def walk(context: BrowserContext, url: str, stops: tuple[Stop, ...], look: str) -> None:
    """Visit each stop, keep what it looks like, and tell all that is wrong at the end."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page = context.new_page()
    watched = watch(page, url)
    page.set_default_timeout(PATIENCE)
    wrong: list[str] = []
    for stop in stops:
        watched.expected = stop.expected
        try:
            page.goto(stop.path)
            expect(page.locator(stop.shows).first).to_be_visible(timeout=PATIENCE)
            if stop.then:
                stop.then(page)
            expect(page.locator("[aria-busy=true], .skeleton")).to_have_count(0, timeout=PATIENCE)
        except AssertionError as error:
            wrong.append(f"{stop.name}: {error}")
        page.screenshot(path=SCREENS / f"{stop.name}-{look}.png")
        if look == "dark":
            page.emulate_media(color_scheme="light")
            page.evaluate(FRAMES)
            page.screenshot(path=SCREENS / f"{stop.name}-light.png")
            page.emulate_media(color_scheme="dark")
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if over > 0:
            wrong.append(f"{stop.name}: scrolls {over} px sideways")
        wrong += [f"{stop.name}: {each}" for each in watched.wrong]
        watched.wrong.clear()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_inside_is_complete_and_silent(browser: Browser, demo: Demo, look: str) -> None:
    with looking(browser, demo.url, look) as context:
        # The link signs in once: what it gave is shared by the looks.
        context.add_cookies(
            [
                {"name": cookie.name, "value": cookie.value or "", "url": demo.url}
                for cookie in demo.visitor.cookies.jar
            ]
        )
        walk(context, demo.url, INSIDE, look)


@pytest.mark.parametrize("look", LOOKS)
def test_every_door_is_complete_and_silent(browser: Browser, demo: Demo, look: str) -> None:
    with looking(browser, demo.url, look) as context:
        walk(context, demo.url, OUTSIDE, look)


def test_the_first_visit_is_complete_and_silent(browser: Browser, tmp_path: Path) -> None:
    with Server(tmp_path / "data") as server:
        for look in LOOKS:
            with looking(browser, server.url, look) as context:
                walk(context, server.url, FIRST, look)
                expect(context.pages[0]).to_have_url(re.compile("/setup$"))
