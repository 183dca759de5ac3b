"""P11: a trace of 10,000 spans: how soon it stands, and how steadily it scrolls.

Frames are measured by the page itself, from one animation frame to the next, while the wheel
turns through the whole trace; a frame of more than 50 ms is one that a person sees.
"""

import shutil
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench.figures import Figure
from bench.options import Options
from bench.page import entered
from quarterdeck.telemetry.query.trace import MOST_SPANS
from support.bigtrace import BIG_TRACE, send_big_trace
from support.server import Server, temporary_data
from support.visitor import CHROMIUM, DESK

ROW = "[role=treeitem]"
FRAMES = """() => {
    window.frames_ms = [];
    let last = performance.now();
    const next = (now) => {
        window.frames_ms.push(now - last);
        last = now;
        window.requestAnimationFrame(next);
    };
    window.requestAnimationFrame(next);
}"""


def benchmark(options: Options) -> list[Figure]:
    data = temporary_data()
    try:
        with Server(data) as server, sync_playwright() as playwright:
            cookies = entered(server)
            send_big_trace(server, MOST_SPANS)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            context = browser.new_context(base_url=server.url, viewport=DESK)
            context.add_cookies(cookies)
            opened, rows, frames = _scrolled(context.new_page(), 40 if options.quick else 200)
            browser.close()
    finally:
        shutil.rmtree(data.parent, ignore_errors=True)
    frames.sort()
    return [
        Figure(
            "P11", "a trace of 10,000 spans stands", opened, "s", 1.5, less_is_better=True,
            note="from asking for the page to its first rows",
        ),
        Figure(
            "P11", "slowest frame while it scrolls", frames[-1], "ms", 50, less_is_better=True,
            details={"median": frames[len(frames) // 2], "p99": frames[len(frames) * 99 // 100], "frames": len(frames), "rows in the page": rows},
        ),
    ]  # fmt: skip


def _scrolled(page: Page, turns: int) -> tuple[float, int, list[float]]:
    """Seconds to the first rows, the most rows that stood in the page, and the frames."""
    page.goto("/traces")
    page.locator("main").first.wait_for()
    page.goto(f"/traces/{BIG_TRACE}")
    page.locator(ROW).nth(5).wait_for()
    opened: float = page.evaluate("performance.now()") / 1000
    page.keyboard.press("a")  # nothing is folded away but what is alike
    page.keyboard.press("a")
    page.wait_for_timeout(1000)
    page.mouse.move(700, 500)
    page.evaluate(FRAMES)
    rows = 0
    for turn in range(turns):
        page.mouse.wheel(0, 900 if turn < turns * 3 // 4 else -1500)
        page.wait_for_timeout(16)
        if turn % 10 == 0:
            rows = max(rows, page.locator(ROW).count())
    frames: list[Any] = page.evaluate("window.frames_ms")
    return opened, rows, [float(each) for each in frames[2:]]
