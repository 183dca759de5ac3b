"""Recording rules: what they write when, over restarts and changes."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from quarterdeck.core.metrics import Registry
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import load
from quarterdeck.core.testkit import ManualClock
from quarterdeck.registry import KINDS
from quarterdeck.resources.kind import parse_spec
from quarterdeck.store.control import open_control
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry.ingest.outcome import Outcome, Reason, Refused
from quarterdeck.telemetry.prometheus.params import Form
from quarterdeck.telemetry.prometheus.queries import Queries
from quarterdeck.telemetry.prometheus.rules.api import shown
from quarterdeck.telemetry.prometheus.rules.engine import MAKE_UP_MS, RecordingRules
from support.engine import new_project, shared_engine
from support.remote_write import STALE, Series, histogram, store, v1
from support.resourcekit import Desk, desk_over
from support.server import Server

MINUTE = 60_000
NOW = time.time_ns() // 1_000_000 // (60 * MINUTE) * 60 * MINUTE - 4 * 60 * MINUTE


@dataclass
class Deck:
    """Rules of one project over the real engine, with a clock that is moved by hand."""

    engine: EmbeddedEngine
    desk: Desk
    clock: ManualClock
    project: ProjectRef
    rules: RecordingRules
    busy: bool = False
    refused: bytes | None = None  # what holds this name is refused

    def restart(self) -> None:
        queries = Queries(self.engine, load({}, None, {}), self.clock)
        self.rules = RecordingRules(
            queries, self.engine, self.desk.resources, self.keep, lambda _: self.project, self.clock, Registry()
        )  # fmt: skip
        self.queries = queries

    async def keep(self, project: ProjectRef, request: bytes) -> Outcome:
        if self.busy:
            raise Refused(Reason.OVERLOADED, "busy", retry_after=1)
        if self.refused is not None and self.refused in request:
            return Outcome(1, {Reason.TOO_MANY_SERIES: 1})
        _, refused = await asyncio.to_thread(store, self.engine, project.id, request)
        assert refused == {}
        return Outcome(1)

    async def write(self, *series: Series) -> None:
        await self.keep(self.project, v1(series))

    async def put(self, *rules: dict[str, Any], interval: str = "1m", **group: Any) -> None:
        spec = {"groups": [{"name": "g", "interval": interval, "rules": list(rules), **group}]}
        await self.desk.put("/recording-rules/r", spec)

    async def pass_time(self, minutes: float) -> None:
        self.clock.advance(minutes * 60)
        await self.rules.tick()

    def points(self, name: str) -> dict[tuple[tuple[str, str], ...], list[tuple[int, float]]]:
        """Of each recorded series (labels without the name), markers left out."""
        until = self.clock.now_ns() // 1_000_000
        result = self.queries.instant(self.project.id, f"{name}[12h]", until)
        return {
            tuple(sorted((k, v) for k, v in p.labels.items() if k != "__name__")): list(
                zip(p.times.tolist(), p.values.tolist(), strict=True)
            )
            for p in result.raw or []
        }

    def shown(self) -> dict[str, Any]:
        [group] = shown(self.rules, self.project.id, Form([]))["groups"]
        return cast(dict[str, Any], group)


@pytest.fixture
async def deck(tmp_path: Path) -> AsyncIterator[Deck]:
    control = open_control(tmp_path)
    async with desk_over(control, KINDS) as desk:
        made = Deck(
            shared_engine(), desk, ManualClock(NOW * 1_000_000), new_project(), cast(Any, None)
        )  # fmt: skip
        made.restart()
        yield made
    control.close()


def counter(job: str, until: int = 180) -> Series:
    samples = [(float(i), NOW - 10 * MINUTE + i * 15_000) for i in range(4 * until)]
    return Series({"__name__": "hits_total", "job": job}, samples)


async def test_a_rule_records_at_each_moment_and_a_restart_neither_repeats_nor_loses(
    deck: Deck,
) -> None:
    await deck.write(counter("a"), counter("b"))
    rule = {"record": "job:hits:rate", "expr": "sum by (job) (rate(hits_total[2m]))", "labels": {"team": "x"}}  # fmt: skip
    await deck.put(rule)
    await deck.rules.tick()
    for _ in range(3):
        await deck.pass_time(1)
    await deck.rules.tick()  # nothing is due
    deck.restart()
    await deck.pass_time(5)  # while nothing ran, five were due
    deck.busy = True
    await deck.pass_time(1)
    deck.busy = False
    deck.restart()
    await deck.pass_time(1)
    points = deck.points("job:hits:rate")
    assert set(points) == {(("job", "a"), ("team", "x")), (("job", "b"), ("team", "x"))}
    for series in points.values():
        times = [moment for moment, _ in series]
        assert len(times) == 11
        assert [b - a for a, b in pairwise(times)] == [MINUTE] * 10
        assert all(value == pytest.approx(1 / 15) for _, value in series)
    assert deck.shown()["missed"] == 0
    assert deck.shown()["rules"][0]["health"] == "ok"


async def test_what_was_due_too_long_ago_is_missed_and_said_so(deck: Deck) -> None:
    await deck.put({"record": "one", "expr": "1"}, interval="10m")
    await deck.rules.tick()
    deck.restart()
    await deck.pass_time(3 * 60)
    group = deck.shown()
    [times] = [[moment for moment, _ in series] for series in deck.points("one").values()]
    made_up = MAKE_UP_MS // (10 * MINUTE)
    assert len(times) == 1 + made_up
    assert group["missed"] == 18 - made_up


async def test_series_that_go_away_end_with_a_marker(deck: Deck) -> None:
    await deck.write(counter("stays"), counter("goes", until=11))
    await deck.put({"record": "seen", "expr": "hits_total"})
    await deck.rules.tick()
    deck.restart()  # what was there before is read from the store
    for _ in range(8):
        await deck.pass_time(1)
    now = deck.clock.now_ns() // 1_000_000
    jobs = {labels["job"] for labels in deck.queries.instant(deck.project.id, "seen", now).labels}
    assert jobs == {"stays"}
    raw = deck.engine.query("t", f"SELECT countIf(isNaN(value)) FROM prom_samples WHERE project = {deck.project.id}")  # fmt: skip
    assert raw.rows == [[1]]
    assert (await deck.desk.ask("admin", "DELETE", "/recording-rules/r")).is_success
    await deck.pass_time(0)
    assert deck.queries.instant(deck.project.id, "seen", now).labels == []
    assert STALE != STALE


async def test_a_rule_sees_what_those_before_it_recorded(deck: Deck) -> None:
    await deck.write(
        counter("a"),
        Series({"__name__": "sizes"}, histograms=[histogram(9.5, NOW - 2 * MINUTE, positive=True, negative=True, zero=True)]),
    )  # fmt: skip
    await deck.put(
        {"record": "first", "expr": "hits_total * 2", "labels": {"job": ""}},
        {"record": "second", "expr": "first + 1"},
        {"record": "whole", "expr": "sizes"},
        labels={"level": "top"},
        query_offset="10s",
    )
    await deck.rules.tick()
    [(labels, [(moment, first)])] = deck.points("first").items()
    [(_, [(_, second)])] = deck.points("second").items()
    assert labels == (("level", "top"),)
    assert second == first + 1
    assert deck.shown()["lastEvaluation"] > "2"
    now = deck.clock.now_ns() // 1_000_000
    found = deck.queries.instant(deck.project.id, "whole", now).histograms
    source = deck.queries.instant(deck.project.id, "sizes", now).histograms
    assert found is not None
    assert source is not None
    assert found[0, 0].same_as(source[0, 0])
    assert moment <= now - 10_000


async def test_a_rule_that_fails_says_why_and_the_others_go_on(deck: Deck) -> None:
    await deck.write(counter("a"), counter("b"))
    await deck.put(
        {"record": "equal", "expr": "hits_total", "labels": {"job": "same"}},
        {"record": "many", "expr": "hits_total"},
        {"record": "fine", "expr": "sum(hits_total)"},
        limit=1,
    )
    await deck.rules.tick()
    equal, many, fine = deck.shown()["rules"]
    assert equal["health"] == "err"
    assert "same labelset" in equal["lastError"]
    assert many["lastError"] == "exceeded limit of 1 with 2 series"
    assert fine["health"] == "ok"
    assert "lastError" not in fine
    assert len(deck.points("fine")) == 1
    assert shown(deck.rules, deck.project.id, Form([("rule_name[]", "fine")]))["groups"][0]["rules"] == [fine]  # fmt: skip
    assert shown(deck.rules, deck.project.id, Form([("type", "alert")])) == {"groups": []}


async def test_a_rule_whose_series_the_store_refuses_says_so_and_the_others_go_on(
    deck: Deck,
) -> None:
    await deck.write(counter("a"))
    await deck.put(
        {"record": "one_too_many", "expr": "hits_total"},
        {"record": "fine", "expr": "sum(hits_total)"},
    )
    deck.refused = b"one_too_many"
    await deck.rules.tick()
    bad, fine = deck.shown()["rules"]
    assert bad["health"] == "err"
    assert "too_many_series" in bad["lastError"]
    assert fine["health"] == "ok"
    assert len(deck.points("fine")) == 1
    deck.refused = None
    await deck.pass_time(1)
    assert [rule["health"] for rule in deck.shown()["rules"]] == ["ok", "ok"]
    assert len(deck.points("one_too_many")) == 1


def test_a_prometheus_rule_file_is_taken_as_it_stands() -> None:
    text = """
    groups:
      - name: node
        interval: 30s
        limit: 10
        query_offset: 1m30s
        labels: {team: infra}
        rules:
          - record: instance:cpu:ratio
            expr: |
              1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))
            labels: {version: 2}
    """
    spec, flaws = parse_spec(KINDS.named("recording-rules"), yaml.safe_load(text))
    assert not flaws
    assert spec is not None


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"alert": "Down", "expr": "up == 0"}, "alerting rule"),
        ({"record": "a b", "expr": "1"}, "pattern"),
        ({"record": "a", "expr": "sum("}, "is no PromQL"),
        ({"record": "a", "expr": "x[5m]"}, "must give a vector or a number"),
        ({"record": "a", "expr": "1", "labels": {"__name__": "b"}}, "__name__"),
        ({"record": "a", "expr": "1", "for": "5m"}, "for"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any], told: str) -> None:
    spec, flaws = parse_spec(
        KINDS.named("recording-rules"), {"groups": [{"name": "g", "rules": [rule]}]}
    )
    assert spec is None
    assert told in str(flaws)


def test_a_server_evaluates_rules_on_its_own(server: Server) -> None:
    spec = {"groups": [{"name": "e2e", "interval": "1s", "rules": [{"record": "forty_two", "expr": "vector(42)"}]}]}  # fmt: skip
    with server.client() as client:
        client.post("/api/projects", json={"name": "Rules", "slug": "prom-rules"})
        client.headers["x-quarterdeck-project"] = "prom-rules"
        assert client.put("/api/resources/recording-rules/e2e", json={"spec": spec}).is_success
        deadline = time.monotonic() + 60
        found: list[Any] = []
        while not found and time.monotonic() < deadline:
            time.sleep(0.2)
            answer = client.get("/prometheus/api/v1/query", params={"query": "forty_two"})
            found = answer.json()["data"]["result"]
        assert found[0]["value"][1] == "42"
        [group] = client.get("/prometheus/api/v1/rules").json()["data"]["groups"]
        assert group["file"] == "e2e"
        assert group["rules"][0]["health"] == "ok"
        assert client.delete("/api/resources/recording-rules/e2e").is_success
