"""P11: what a page costs the one who opens it: its script, its first paint, Lighthouse's marks.

Every page is opened in a fresh browser against a server that holds an hour of a shop. Sizes
and paints come from the browser itself; the marks from Lighthouse with its desktop preset,
which slows network and processor down by calculation. Lighthouse is installed with npm for the
run and thrown away; without it the other figures stand alone.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Cookie, sync_playwright

from bench.figures import Figure
from bench.options import Options
from quarterdeck.http.static import DIRECTORY
from support.server import Server, temporary_data
from support.shop import send_hour
from support.visitor import CHROMIUM, DESK, PASSWORD

DOOR = "/login"
# The log is opened paused: that new records push the others down is what following means.
PAGES = (
    DOOR, "/overview", "/services/web", "/map", "/traces", "/traces?tab=durations", "/traces?tab=groups",
    "/traces?tab=flame", "/logs?live=off", "/logs?tab=patterns", "/bottlenecks", "/hosts", "/sql", "/send",
    "/data-health", "/dashboards", "/explore", "/explore/cost", "/targets",
)  # fmt: skip
# The middle of three: a paint takes a second, and any machine hesitates for one.
VISITS = 3
MARKS = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best-practices": "best practices",
}
PAINT = """() => new Promise((done) =>
    new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
        .observe({type: "largest-contentful-paint", buffered: true}))"""


def benchmark(options: Options) -> list[Figure]:
    data = temporary_data()
    tools = Path(tempfile.mkdtemp(prefix="quarterdeck-lighthouse-"))
    try:
        with Server(data) as server, sync_playwright() as playwright:
            cookies = entered(server)
            send_hour(server)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            opened = {
                path: [
                    _open(browser, server.url, path, cookies)
                    for _ in range(1 if options.quick else VISITS)
                ]
                for path in PAGES
            }
            browser.close()
            marks = {} if options.quick else _marks(tools, server.url, cookies)
    finally:
        shutil.rmtree(data.parent, ignore_errors=True)
        shutil.rmtree(tools, ignore_errors=True)
    return [
        _worst(
            "script of the first load, gzipped",
            {path: max(kb for kb, _ in visits) for path, visits in opened.items()}, "kB", 200,
        ),
        _worst(
            "largest contentful paint",
            {path: median(paint for _, paint in visits) for path, visits in opened.items()}, "s", 1,
        ),
        *(
            _worst(f"Lighthouse {name}", {p: m[id] for p, m in marks.items()}, "", 95, least=True)
            for id, name in MARKS.items()
            if marks
        ),
    ]  # fmt: skip


def entered(server: Server) -> list[Cookie]:
    with server.client(key=None) as client:
        person = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
        client.post("/api/setup", json=person).raise_for_status()
        return [
            {"name": each.name, "value": each.value or "", "url": server.url}
            for each in client.cookies.jar
        ]


def _open(browser: Browser, url: str, path: str, cookies: Sequence[Cookie]) -> tuple[float, float]:
    """Kilobytes of gzipped script, and seconds to the largest paint."""
    context = browser.new_context(base_url=url, viewport=DESK)
    if path != DOOR:
        context.add_cookies(list(cookies))
    page = context.new_page()
    scripts: set[str] = set()
    page.on("request", lambda request: scripts.add(urlsplit(request.url).path))
    page.goto(path)
    page.locator("main").first.wait_for()
    page.wait_for_timeout(2000)  # a paint that comes later is not what one waited for
    paint = page.evaluate(PAINT) / 1000
    context.close()
    sizes = [
        Path(f"{DIRECTORY}{name}.gz").stat().st_size for name in scripts if name.endswith(".js")
    ]
    return sum(sizes) / 1000, paint


def _marks(tools: Path, url: str, cookies: Sequence[Cookie]) -> dict[str, dict[str, float]]:
    """Lighthouse's marks out of 100 by page; nothing when it cannot be had."""
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "lighthouse"]
    if subprocess.run(install, cwd=tools, capture_output=True).returncode:
        return {}
    header = {"Cookie": "; ".join(f"{each['name']}={each['value']}" for each in cookies)}
    (tools / "headers.json").write_text(json.dumps(header))
    found = {}
    for path in PAGES:
        report = _lighthouse(tools, url + path, signed_in=path != DOOR)
        found[path] = {id: 100 * report["categories"][id]["score"] for id in MARKS}
    return found


def _lighthouse(tools: Path, address: str, *, signed_in: bool) -> dict[str, Any]:
    command = [
        "node",
        "node_modules/lighthouse/cli/index.js",
        address,
        "--preset=desktop",
        f"--only-categories={','.join(MARKS)}",
        "--chrome-flags=--headless=new --no-sandbox",
        "--output=json",
        "--quiet",
        *(["--extra-headers=headers.json"] if signed_in else []),
    ]
    environment = {**os.environ, "CHROME_PATH": CHROMIUM}
    for _ in range(3):  # on a busy machine it now and then loses its browser
        answer = subprocess.run(command, cwd=tools, env=environment, capture_output=True)
        if answer.returncode == 0:
            report: dict[str, Any] = json.loads(answer.stdout)
            return report
    raise RuntimeError(answer.stderr.decode()[-2000:])


def _worst(
    what: str, values: dict[str, float], unit: str, target: float, *, least: bool = False
) -> Figure:
    """The page that does worst stands for all of them."""
    path = (min if least else max)(values, key=lambda each: values[each])
    return Figure(
        "P11", what, values[path], unit, target, less_is_better=not least,
        note=f"{path} is the worst of {len(values)}", details=values,
    )  # fmt: skip
