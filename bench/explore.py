"""P5: pages over 20 M spans and 20 M log records of a day, and five heavy queries beside ingest.

Each page is asked for as the browser does, over an hour and over the whole day, one after the
other on an otherwise quiet server; the first answer counts like every other. Background merges
are waited for. Then five statements that read everything run at once, again and again, while
spans go in: what counts is that the memory stays within its bound and that nothing is refused.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from bench.figures import Figure
from bench.generator import Job, run
from bench.ingest import fresh_server, stored
from bench.options import Options
from support.load import query
from support.server import Server
from support.usage import MIB, Peak, anonymous_bytes, cpu_seconds

ITEMS, CONNECTIONS = 512, 64
DAY, HOUR = 86_000, 3_600
QUIET_SECONDS = 240.0

HEAVY = (
    "SELECT name, quantileExact(0.99)(duration_ns) FROM spans GROUP BY name",
    "SELECT attributes['http.route'], uniqExact(trace_id) FROM spans GROUP BY 1",
    "SELECT count() FROM logs WHERE match(body, '(a+)+[0-9]{2,9}$')",
    "SELECT trace_id, count() AS n FROM spans GROUP BY trace_id ORDER BY n DESC LIMIT 10",
    "SELECT body, count() AS n FROM logs GROUP BY body ORDER BY n DESC LIMIT 10",
)


@dataclass(slots=True)
class Page:
    """One request of a page, and how long its answers took in milliseconds."""

    name: str
    path: str
    params: dict[str, Any] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    stopped: int = 0  # answers that were no more than the word that it takes too long

    @property
    def p95(self) -> float:
        return float(np.percentile(self.took, 95)) if self.took else 0.0


def benchmark(options: Options) -> list[Figure]:
    with fresh_server() as server:
        for signal in ("traces", "logs"):
            _fill(server, signal, options)
        _wait_for_merges(server, options)
        pages = _pages(server)
        with server.client(timeout=60) as client:
            for page in pages:
                for _ in range(options.page_loads):
                    _load(client, page)
        heavy = _heavy(server, options)
    return [*_figures(pages, options), heavy]


def _fill(server: Server, signal: str, options: Options) -> None:
    job = Job(
        signal, ITEMS, CONNECTIONS, seconds=3600, http_port=server.port, most=options.explored_items,
        templates=options.templates, back_seconds=DAY,
    )  # fmt: skip
    seen = run(job)
    found = stored(server, signal)
    if found < seen.items:
        raise AssertionError(f"{signal}: {seen.items} acknowledged, {found} found by SQL")


def _wait_for_merges(server: Server, options: Options) -> None:
    """Until the server rests; merges are its only work now."""
    child = server.child()
    deadline = time.monotonic() + (3 if options.quick else QUIET_SECONDS)
    while time.monotonic() < deadline:
        before = cpu_seconds(child)
        time.sleep(3)
        if cpu_seconds(child) - before < 0.3:
            return


def _pages(server: Server) -> list[Page]:
    now = int(time.time() * 1000)
    trace = str(query(server, "SELECT trace_id FROM spans LIMIT 1")[0][0])
    service = str(query(server, "SELECT service, count() AS n FROM spans GROUP BY service ORDER BY n DESC LIMIT 1")[0][0])  # fmt: skip
    word = str(query(server, "SELECT body FROM logs LIMIT 1")[0][0]).split()[0]
    found = []
    for name, seconds in (("hour", HOUR), ("day", DAY)):
        window = {"from": now - seconds * 1000, "to": now}
        wanted: list[tuple[str, str, dict[str, Any]]] = [
            ("overview", "/api/overview", {}),
            ("service", f"/api/services/{service}", {}),
            ("versions", "/api/service/versions", {"service": service}),
            ("bottlenecks", "/api/bottlenecks", {}),
            ("traces", "/api/traces", {}),
            ("slowest traces", "/api/traces", {"sort": "slowest"}),
            ("failed traces", "/api/traces", {"q": "status:error"}),
            ("compare", "/api/spans/compare", {"sel": "status:error"}),
            ("groups", "/api/spans/groups", {"by": "service"}),
            ("durations", "/api/spans/durations", {}),
            ("flame", "/api/flame", {"service": service}),
            ("logs", "/api/logs", {}),
            ("logs, a word", "/api/logs", {"q": word}),
            ("logs, histogram", "/api/logs/histogram", {}),
            ("logs, histogram of a word", "/api/logs/histogram", {"q": word}),
            ("patterns", "/api/logs/patterns", {}),
            ("facets", "/api/facets", {"signal": "logs"}),
            ("map", "/api/map", {}),
        ]
        found += [Page(f"{what}, {name}", path, {**window, **more}) for what, path, more in wanted]
    found.append(Page("token search", "/api/logs", {"from": now - DAY * 1000, "to": now, "q": "zzqx7token"}))  # fmt: skip
    found.append(Page("trace by id", f"/api/traces/{trace}"))
    return found


def _load(client: httpx.Client, page: Page) -> None:
    began = time.perf_counter()
    answer = client.get(page.path, params=page.params)
    took = (time.perf_counter() - began) * 1000
    stopped = "query_too_slow" in answer.text if answer.status_code == 400 else False
    if answer.status_code == 200 or stopped:
        page.took.append(took)
        page.stopped += stopped
    elif answer.status_code != 404:
        raise AssertionError(f"{page.name}: {answer.status_code} {answer.text[:300]}")


def _figures(pages: list[Page], options: Options) -> list[Figure]:
    # Two have targets of their own; the others are pages.
    own = {"token search": 50.0, "trace by id": 30.0}
    asked = [page for page in pages if page.took]
    rest = [page for page in asked if page.name not in own]
    every = [took for page in rest for took in page.took]
    slow = sorted(rest, key=lambda page: -page.p95)
    note = ", ".join(f"{page.name} {page.p95:.0f}" for page in slow[:4])
    if stopped := [page.name for page in asked if page.stopped]:
        note += f"; stopped at the limit of time: {', '.join(stopped)}"
    found = [
        Figure(
            "P5", f"pages, p95 over all, {options.explored_items:,} spans and logs",
            float(np.percentile(every, 95)), "ms", 200, less_is_better=True, note=f"slowest: {note}",
            details={page.name: page.p95 for page in asked},
        )
    ]  # fmt: skip
    for page in asked:
        if page.name in own:
            found.append(
                Figure("P5", f"{page.name}, p95", page.p95, "ms", own[page.name], less_is_better=True)
            )  # fmt: skip
    return found


def _heavy(server: Server, options: Options) -> Figure:
    """Five heavy statements at once while spans go in."""
    child, ended = server.child(), threading.Event()
    outcomes: dict[str, int] = {}

    def ask(statement: str) -> Callable[[], None]:
        def work() -> None:
            with server.client(timeout=120) as client:
                while not ended.is_set():
                    answer = client.post("/api/sql", json={"sql": statement})
                    code = "answered" if answer.is_success else answer.json()["error"]["code"]
                    outcomes[code] = outcomes.get(code, 0) + 1

        return work

    threads = [threading.Thread(target=ask(statement)) for statement in HEAVY]
    with Peak(lambda: anonymous_bytes(child)) as memory:
        for thread in threads:
            thread.start()
        seen = run(
            Job("traces", ITEMS, CONNECTIONS, options.seconds, http_port=server.port, templates=options.templates)
        )  # fmt: skip
        ended.set()
        for thread in threads:
            thread.join()
    told = ", ".join(f"{code} {count}" for code, count in sorted(outcomes.items()))
    return Figure(
        "Q5", "five heavy queries beside ingest, peak anonymous memory", memory.highest / MIB, "MiB",
        3072, less_is_better=True, note=f"{seen.rate:,.0f} spans/s meanwhile, refused {seen.refused}; {told}",
        details={"rate": seen.rate, "refused": seen.refused, **outcomes},
    )  # fmt: skip
