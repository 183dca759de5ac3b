"""The whole demo as a visitor starts it: server, shop, past hour, link, switches, end."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from support.server import free_port

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("demo_e2e")]

SERVICES = {"web", "catalogue", "orders", "payments", "supplier", "admin"}


class Demo:
    """`quarterdeck demo` as a process, and a visitor who followed its link."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._output = data.with_suffix(".out")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "quarterdeck",
                    "demo",
                    "--data",
                    str(data),
                    "--port",
                    str(free_port()),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.link = self._found(r"(http\S+login/link\S+)")
        except BaseException:
            self.process.kill()
            raise
        self.url = self.link.partition("/api/")[0]
        self.visitor = httpx.Client(base_url=self.url, timeout=30)

    @property
    def said(self) -> str:
        return self._output.read_text()

    def _found(self, pattern: str) -> str:
        limit = time.monotonic() + 90
        while time.monotonic() < limit:
            if found := re.search(pattern, self.said):
                return found.group(1)
            assert self.process.poll() is None, self.said + self.logs()
            time.sleep(0.1)
        raise AssertionError(self.said + self.logs())

    def logs(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text()[-3000:]}" for path in self.data.glob("logs/*.log")
        )

    def enter(self) -> dict[str, Any]:
        """Follow the link; the session."""
        answer = self.visitor.get(self.link)
        assert answer.status_code == 303
        session: dict[str, Any] = self.visitor.get("/api/session").raise_for_status().json()
        self.visitor.headers["x-csrf-token"] = session["csrf_token"]
        return session

    def sql(self, text: str) -> list[list[Any]]:
        answer = self.visitor.post("/api/sql", json={"sql": text})
        assert answer.status_code == 200, answer.text
        rows: list[list[Any]] = answer.json()["rows"]
        return rows

    def until(self, text: str, seconds: float = 60) -> list[list[Any]]:
        """The rows of a query, as soon as it has some."""
        limit = time.monotonic() + seconds
        while True:
            rows = self.sql(text)
            if rows or time.monotonic() > limit:
                assert rows, f"{text}\n{self.logs()}"
                return rows
            time.sleep(0.5)

    def turn(self, name: str, on: bool) -> None:
        answer = self.visitor.put(f"/api/demo/switches/{name}", json={"on": on})
        assert answer.status_code == 200, answer.text

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def runs(self, module: str) -> bool:
        """Whether a process of that name is there, while others come and go."""
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                if any(module in word for word in process.cmdline()):
                    return True
        return False

    def shop(self) -> psutil.Process:
        """The parent of the services: only what it starts itself comes and goes with switches."""
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                if "quarterdeck.demo.shop.run" in process.cmdline():
                    return process
        raise AssertionError(self.logs())

    def services(self) -> set[int]:
        return {child.pid for child in self.shop().children()}

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(40)
        self.visitor.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = Demo(tmp_path_factory.mktemp("demo") / "data")
    try:
        running.enter()
        yield running
    finally:
        running.end()


def gone(processes: list[psutil.Process], seconds: float = 20) -> list[psutil.Process]:
    """Those that still live after so long."""
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return [found for found in alive if found.status() != psutil.STATUS_ZOMBIE]


def test_the_link_signs_in_and_works_once(demo: Demo) -> None:
    session = demo.visitor.get("/api/session").json()
    assert session["user"]["email"] == "demo@quarterdeck.local"
    assert session["user"]["role"] == "admin"
    assert session["demo"] is True
    with httpx.Client(base_url=demo.url) as stranger:
        assert "login" in stranger.get(demo.link).headers["location"]
        assert stranger.get("/api/session").json()["user"] is None


def test_the_past_hour_is_there(demo: Demo) -> None:
    rows = demo.until(
        "SELECT service, uniqExact(toStartOfMinute(time)) AS minutes, count() AS spans FROM spans "
        "WHERE time < now() - INTERVAL 3 MINUTE GROUP BY service HAVING minutes > 40"
    )
    limit = time.monotonic() + 40
    while {row[0] for row in rows} != SERVICES and time.monotonic() < limit:
        time.sleep(1)
        rows = demo.sql("SELECT DISTINCT service FROM spans WHERE time < now() - INTERVAL 3 MINUTE")
    assert {row[0] for row in rows} == SERVICES
    logs = demo.sql("SELECT count() FROM logs WHERE time < now() - INTERVAL 3 MINUTE")
    assert int(logs[0][0]) > 5_000
    releases = demo.sql("SELECT DISTINCT release FROM spans WHERE service = 'web' ORDER BY release")
    assert releases == [["2.13.2"], ["2.14.0"]]


def test_live_telemetry_comes_from_every_service(demo: Demo) -> None:
    limit = time.monotonic() + 90
    seen: set[str] = set()
    while seen != SERVICES and time.monotonic() < limit:
        rows = demo.sql("SELECT DISTINCT service FROM logs WHERE body LIKE '% started'")
        seen = {row[0] for row in rows}
        time.sleep(0.5)
    assert seen == SERVICES, demo.logs()
    demo.until("SELECT trace_id FROM spans WHERE time > now() - INTERVAL 10 SECOND LIMIT 1")


def test_a_person_can_shop_in_it(demo: Demo) -> None:
    shop_url = demo.visitor.get("/api/demo").json()["shop_url"]
    with httpx.Client(base_url=shop_url, headers={"accept": "text/html"}, timeout=20) as browser:
        assert "Marigot" in browser.get("/").text
        added = browser.post("/cart/items", data={"sku": "BOO-003", "quantity": "1"})
        assert added.status_code == 303
        assert "Atlas of rivers" in browser.get("/cart").text
        session = browser.cookies["sid"]
    demo.until(
        "SELECT name FROM spans WHERE service = 'web' AND name = 'POST /cart/items' "
        f"AND attributes['session.id'] = '{session}'"
    )


def test_it_costs_little(demo: Demo) -> None:
    """Before the switches: a spike's visitors stay for a minute."""
    shop = [demo.shop(), *demo.shop().children()]
    began = time.monotonic()
    before = sum(sum(p.cpu_times()[:2]) for p in shop)
    time.sleep(10)
    used = sum(sum(p.cpu_times()[:2]) for p in shop) - before
    assert used / (time.monotonic() - began) < 0.25
    memory = [p.memory_full_info().pss for p in shop]
    assert max(memory) < 60 * 1024 * 1024


def test_a_switch_breaks_the_shop_and_mends_it(demo: Demo) -> None:
    demo.turn("traffic-spike", True)
    demo.turn("checkout-errors", True)
    demo.until(
        "SELECT trace_id FROM spans WHERE service = 'orders' AND status_message LIKE '%KeyError%' "
        "AND time > now() - INTERVAL 2 MINUTE LIMIT 1",
        seconds=100,
    )
    demo.turn("checkout-errors", False)
    demo.turn("traffic-spike", False)
    assert not any(row["on"] for row in demo.visitor.get("/api/demo").json()["switches"])


def test_a_bad_release_is_deployed_beside_the_good_one_and_withdrawn(demo: Demo) -> None:
    before = demo.services()
    demo.turn("bad-release", True)
    said = "SELECT attributes['process.pid'] FROM logs WHERE body = 'payments 1.10.0 started'"
    [[canary]] = demo.until(said)
    assert demo.services() == before | {int(canary)}
    demo.turn("bad-release", False)
    limit = time.monotonic() + 60
    while demo.services() != before and time.monotonic() < limit:
        time.sleep(0.2)
    assert demo.services() == before
    now = round(time.time() * 1000)
    asked: dict[str, str | int] = {
        "from": now - 600_000,
        "to": now + 60_000,
        "service": "payments",
    }
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        marks = demo.visitor.get("/api/annotations", params=asked).raise_for_status().json()
        if len([mark for mark in marks if mark["source"] == "announced"]) == 2:
            break
        time.sleep(0.2)
    assert [(mark["kind"], mark["release"]) for mark in marks] == [
        ("deploy", "1.10.0"),
        ("deploy", "1.9.3"),
    ]


def test_edge_functions_hand_on_their_log(demo: Demo) -> None:
    demo.until(
        "SELECT body FROM logs WHERE service = 'edge-functions' "
        "AND attributes['faas.name'] = 'image-resize' AND time > now() - INTERVAL 1 MINUTE LIMIT 1"
    )


def test_the_server_scrapes_itself(demo: Demo) -> None:
    def up() -> Any:
        query = {"query": 'up{job="quarterdeck"} == 1'}
        answer = demo.visitor.get("/prometheus/api/v1/query", params=query)
        return answer.raise_for_status().json()["data"]["result"]

    limit = time.monotonic() + 60
    while not up() and time.monotonic() < limit:
        time.sleep(0.5)
    assert up()


def test_a_service_that_crashes_comes_back_at_its_address(demo: Demo) -> None:
    shop_url = demo.visitor.get("/api/demo").json()["shop_url"]
    port = int(shop_url.rpartition(":")[2])
    before = demo.services()
    web = min(before)  # the services are forked in the order of the roster, web first
    os.kill(web, signal.SIGKILL)
    limit = time.monotonic() + 30
    while time.monotonic() < limit:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200:
                break
        time.sleep(0.2)
    after = demo.services()
    assert web not in after
    assert len(after) == len(before)


def test_it_ends_whole_and_starts_again_on_the_same_directory(tmp_path: Path) -> None:
    first = Demo(tmp_path / "data")
    try:
        first.enter()
        first.until("SELECT 1 FROM logs WHERE body LIKE 'web % started'")
        limit = time.monotonic() + 120
        while first.runs("demo.history"):
            assert time.monotonic() < limit, "the past hour is still being sent"
            time.sleep(0.5)
        old = first.sql("SELECT count() FROM spans WHERE time < now() - INTERVAL 5 MINUTE")[0][0]
        family = first.family()
    finally:
        # The launcher itself is killed, so nobody tells the others to end but the kernel.
        first.process.kill()
        first.process.wait()
    assert gone(family) == []
    second = Demo(tmp_path / "data")
    try:
        assert "password" not in second.said
        assert second.enter()["user"]["email"] == "demo@quarterdeck.local"
        second.until(
            "SELECT 1 FROM logs WHERE body LIKE 'web % started' AND time > now() - INTERVAL 20 SECOND"
        )
        again = second.sql("SELECT count() FROM spans WHERE time < now() - INTERVAL 5 MINUTE")[0][0]
        assert abs(int(again) - int(old)) < 0.1 * int(old)
        family = second.family()
    finally:
        second.end()
    assert second.process.returncode == 0
    assert gone(family) == []
