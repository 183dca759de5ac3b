"""The clock of scraping over real exporters: who is asked, what is kept, what ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from quarterdeck.core.clock import SystemClock
from quarterdeck.core.errors import Unprocessable
from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.store.control import open_control
from quarterdeck.telemetry.ingest.outcome import Outcome, Reason, Refused
from quarterdeck.telemetry.scrape.engine import Scraping
from quarterdeck.telemetry.scrape.job import Health, Point
from support.exporters import Exporters
from support.remote_write import V1
from support.resourcekit import Desk, desk_over
from support.scrape import STALE_BITS, bits_of, key

PROJECT = ProjectRef(1, "default", "Default")
PATIENCE = 20.0


@pytest.fixture(scope="module")
def exporters() -> Iterator[Exporters]:
    with Exporters() as running:
        yield running


@dataclass
class Store:
    """What ingest was given, decoded; `refuse` is raised instead once for each that it holds."""

    kept: list[dict[str, float]] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    refuse: list[Refused] = field(default_factory=list)
    offered: list[bytes] = field(default_factory=list)

    async def keep(self, project: ProjectRef, request: bytes) -> Outcome:
        assert project == PROJECT
        self.offered.append(request)
        if self.refuse:
            raise self.refuse.pop()
        values: dict[str, float] = {}
        for series in V1["WriteRequest"].FromString(request).timeseries:
            for sample in series.samples:
                if bits_of(sample.value) == STALE_BITS:
                    self.ended.add(key(series.labels))
                else:
                    values[key(series.labels)] = sample.value
                    self.ended.discard(key(series.labels))
        self.kept.append(values)
        return Outcome(len(values))

    def last(self, name: str) -> float | None:
        return next((values[name] for values in reversed(self.kept) if name in values), None)


@dataclass
class Deck:
    desk: Desk
    store: Store
    scraping: Scraping
    secrets: dict[str, str]

    async def put(self, name: str, **spec: Any) -> None:
        await self.desk.put(f"/scrape-job/{name}", {"scrape_interval": "1s", **spec})
        self.scraping.look()

    def points(self) -> dict[str, Point]:
        """By path."""
        return {
            "/" + point.target.url.split("/", 3)[3].partition("?")[0]: point
            for point in self.scraping.points(PROJECT.id)
        }

    def health(self, path: str = "/metrics") -> Health:
        point = self.points().get(path)
        return point.memory.health if point else Health()

    async def until(self, holds: Callable[[], Any]) -> None:
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not holds():
            assert asyncio.get_running_loop().time() < deadline, self.store.kept[-3:]
            await asyncio.sleep(0.02)


@asynccontextmanager
async def deck_over(directory: Path) -> AsyncIterator[Deck]:
    store = Store()
    secrets: dict[str, str] = {}

    async def resolve(text: str) -> str:
        for name, value in secrets.items():
            text = text.replace(f"${{secret:{name}}}", value)
        if "${" in text:
            raise Unprocessable("secret_unknown", "There is no such secret.")
        return text

    control = open_control(directory / "control")
    try:
        async with desk_over(control) as desk:
            scraping = Scraping(
                desk.resources,
                store.keep,
                lambda id: PROJECT if id == 1 else None,
                resolve,
                directory / "targets",
                SystemClock(),
                Registry(),
            )
            await scraping.start()
            try:
                yield Deck(desk, store, scraping, secrets)
            finally:
                await scraping.stop()
    finally:
        control.close()


@pytest.fixture
async def deck(tmp_path: Path) -> AsyncIterator[Deck]:
    async with deck_over(tmp_path) as made:
        yield made


def targets(exporters: Exporters, *paths: str, **labels: str) -> list[dict[str, Any]]:
    return [
        {
            "targets": [exporters.address],
            "labels": {"__metrics_path__": path, "path": path, **labels},
        }
        for path in paths
    ]


def named(metric: str, exporters: Exporters, path: str = "/metrics", job: str = "j") -> str:
    return f'{metric}{{instance="{exporters.address}",job="{job}",path="{path}"}}'


async def test_one_target_that_hangs_and_others_that_fail_delay_nobody(
    deck: Deck, exporters: Exporters
) -> None:
    paths = ("/metrics", "/hang", "/drip", "/html", "/endless", "/broken", "/loop")
    await deck.put("j", static_configs=targets(exporters, *paths), body_size_limit="100KB")
    asked = exporters.asked.get("/metrics", 0)
    await deck.until(lambda: exporters.asked.get("/metrics", 0) >= asked + 3)
    await deck.until(lambda: all(deck.health(path).state != "unknown" for path in paths))
    states = {path: deck.health(path).state for path in paths}
    assert states == {path: "up" if path == "/metrics" else "down" for path in paths}
    up = {path: deck.store.last(named("up", exporters, path)) for path in paths}
    assert up == {path: float(path == "/metrics") for path in paths}
    assert deck.store.last(named("a", exporters)) == 1
    assert deck.store.last(named("scrape_samples_scraped", exporters)) == 2


async def test_what_is_no_longer_configured_ends_and_what_changes_goes_on(
    deck: Deck, exporters: Exporters
) -> None:
    await deck.put("j", static_configs=targets(exporters, "/metrics", "/moved"))
    both = {named("b", exporters, path) for path in ("/metrics", "/moved")}
    await deck.until(lambda: all(deck.store.last(name) == 2 for name in both))
    rule = {"source_labels": ["__name__"], "regex": "b", "action": "drop"}
    await deck.put(
        "j", static_configs=targets(exporters, "/metrics"), metric_relabel_configs=[rule]
    )
    gone = {named(name, exporters, "/moved") for name in ("a", "b", "up", "scrape_series_added")}
    await deck.until(lambda: gone | {named("b", exporters)} <= deck.store.ended)
    assert named("a", exporters) not in deck.store.ended
    assert (await deck.desk.ask("admin", "DELETE", "/scrape-job/j")).status_code in (200, 204)
    deck.scraping.look()
    await deck.until(lambda: {named("a", exporters), named("up", exporters)} <= deck.store.ended)
    assert deck.scraping.points(PROJECT.id) == []


async def test_a_busy_store_is_offered_the_same_again_and_what_it_refuses_is_told(
    deck: Deck, exporters: Exporters
) -> None:
    deck.store.refuse.append(Refused(Reason.STORE_FAILED, "Busy.", retry_after=1))
    await deck.put("j", scrape_interval="5s", static_configs=targets(exporters, "/metrics"))
    await deck.until(lambda: len(deck.store.offered) >= 2)
    assert deck.store.offered[0] == deck.store.offered[1]
    await deck.until(lambda: deck.health().state == "up")
    deck.store.refuse.append(Refused(Reason.TOO_LARGE, "Far too large."))
    await deck.put("j", static_configs=targets(exporters, "/metrics"))
    await deck.until(lambda: "Far too large." in deck.health().error)


def _sent(exporters: Exporters, header: str) -> bool:
    return exporters.headers.get("/metrics", {}).get("authorization") == header


async def test_credentials_are_opened_when_a_target_is_asked(
    deck: Deck, exporters: Exporters
) -> None:
    static = targets(exporters, "/metrics")
    await deck.put("j", static_configs=static, authorization={"credentials": "${secret:t}"})
    await deck.until(lambda: "secret is not there" in deck.health().error)
    assert deck.store.last(named("up", exporters)) == 0
    deck.secrets["t"] = "hush\n"
    basic = {"username": "u", "password": "${secret:t}"}
    for way, header in (
        ({"bearer_token": "${secret:t}"}, "Bearer hush"),
        ({"authorization": {"type": "Token", "credentials": "${secret:t}"}}, "Token hush"),
        ({"basic_auth": {**basic, "password": "${secret:t}"}}, "Basic dTpodXNoCg=="),
    ):
        await deck.put("j", static_configs=static, **way)
        await deck.until(partial(_sent, exporters, header))
    assert "hush" not in str(deck.points()["/metrics"].target)


async def test_targets_of_a_file_come_when_it_is_written(
    deck: Deck, exporters: Exporters, tmp_path: Path
) -> None:
    await deck.put("j", file_sd_configs=[{"files": ["*.yml"]}])
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "a.yml").write_text(
        f"- targets: ['{exporters.address}']\n  labels: {{path: /metrics}}\n"
    )
    deck.scraping.look()
    await deck.until(lambda: deck.store.last(named("up", exporters)) == 1)


async def test_stopping_ends_no_series_for_the_next_start_goes_on_with_them(
    tmp_path: Path, exporters: Exporters
) -> None:
    async with deck_over(tmp_path) as deck:
        await deck.put("j", static_configs=targets(exporters, "/metrics", "/hang"))
        await deck.until(lambda: deck.store.last(named("a", exporters)) == 1)
    assert deck.store.ended == set()
    async with deck_over(tmp_path) as again:
        again.scraping.look()
        await again.until(lambda: again.store.last(named("a", exporters)) == 1)


async def test_a_job_of_a_project_that_is_gone_keeps_nothing(
    deck: Deck, exporters: Exporters
) -> None:
    await deck.desk.put(
        "/scrape-job/j?project=shop",
        {"scrape_interval": "1s", "static_configs": targets(exporters, "/metrics")},
    )
    deck.scraping.look()
    await deck.until(lambda: [p.memory.health.state for p in deck.scraping.points(2)] == ["up"])
    assert deck.store.offered == []


async def test_only_an_admin_of_all_projects_writes_a_job_for_it_may_use_any_secret(
    deck: Deck,
) -> None:
    document = {"kind": "scrape-job", "name": "y", "project": "shop", "spec": {}}
    body = {"documents": [document], "source": "deck.yaml"}
    for who, status in (("bob", 403), ("viewer", 403), ("shop", 403), ("admin", 201)):
        path = "/scrape-job/x?project=shop"
        answer = await deck.desk.ask(who, "PUT", path, {"spec": {}})
        assert answer.status_code == status
    assert (await deck.desk.ask("shop", "POST", "/apply", body)).status_code == 403
    assert (await deck.desk.ask("admin", "POST", "/apply", body)).status_code == 200
