"""What became slower, since when, and by how much: the best place to cut each operation's course.

The mean duration of an operation by step is cut where the two sides differ most against their
own noise (Student's t over the logarithm, so that a doubling weighs the same at any duration). A
cut counts when the later side is slower by a quarter and stands out clearly; the deployment of the
service that lies nearest before it is named.
"""

import math
from dataclasses import dataclass

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.operations import KIND
from quarterdeck.telemetry.query.releases import Deployment, deployments
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Window, grid_of, run

MOST_OPERATIONS = 300
MOST = 20
LEAST_STEPS = 3  # on either side of a cut
LEAST_SHARE = 1 / 8  # of all steps, on either side
LEAST_SPANS = 30  # on either side
LEAST_FACTOR = 1.35
LEAST_ABOVE = 1.1  # the median step after a cut, against nearly all before
LEAST_NS = 25_000_000.0  # longer for one span: what a person could notice
LEAST_IMPACT = 0.05  # or seconds longer each second, all spans together
LEAST_T = 5.0


class Slower(BaseModel):
    service: str
    name: str
    kind: str
    since_ms: int
    before_ms: float = Field(description="Mean duration before, in milliseconds.")
    after_ms: float
    factor: float
    rate: float = Field(description="Spans a second, since then.")
    impact: float = Field(description="Seconds that it takes longer, each second.")
    release: str = Field(description="Deployed just before; empty when nothing was.")
    points: list[float | None] = Field(description="Mean duration by step, in milliseconds.")


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a course is cut: the index of the first step after it."""

    at: int
    before: float
    after: float


def slower(engine: Engine, window: Window, service: str = "") -> list[Slower]:
    """Operations that became slower within the range, those that cost most first."""
    grid = grid_of(window, 60, MINUTE_MS)
    asked = Asked()
    if service:
        asked.add(f"service = {asked.bind(service)}")
    sql = f"""
        SELECT service, name, {KIND} AS kind_name, groupArray((step, count, total)) FROM (
            SELECT service, name, kind, {grid.index("minute")} AS step, sum(spans) AS count, sum(total_ns) AS total
            FROM red_1m WHERE {window.where_rolled()}{asked.sql} GROUP BY service, name, kind, step
        ) GROUP BY service, name, kind ORDER BY sum(total) DESC LIMIT {MOST_OPERATIONS}"""
    rows = run(engine, "slower", sql, window, asked).rows
    deployed = deployments(engine, window, service) if rows else []
    found = []
    for owner, name, kind, course in rows:
        steps = sorted((int(step), int(count), float(total)) for step, count, total in course)
        cut = best_cut([(count, total / max(count, 1)) for _, count, total in steps])
        if cut is None:
            continue
        since = grid.start_ms + steps[cut.at][0] * grid.step_ms
        spans = sum(count for _, count, _ in steps[cut.at :])
        rate = spans / max((window.end_ms - since) / 1000, 1)
        if not noticeable(cut, rate):
            continue
        means = {step: total / max(count, 1) / 1e6 for step, count, total in steps}
        found.append(
            Slower(
                service=owner,
                name=name,
                kind=kind,
                since_ms=max(since, window.start_ms),
                before_ms=cut.before / 1e6,
                after_ms=cut.after / 1e6,
                factor=cut.after / max(cut.before, 1.0),
                rate=rate,
                impact=(cut.after - cut.before) / 1e9 * rate,
                release=_deployed(deployed, owner, since, grid.step_ms),
                points=grid.place(means, None),
            )
        )
    return sorted(found, key=lambda each: -each.impact)[:MOST]


def best_cut(course: list[tuple[int, float]]) -> Cut | None:
    """The cut after which a course of (spans, mean duration) is slower; None where none stands out."""
    logs = [math.log(max(mean, 1.0)) for _, mean in course]
    best: tuple[float, int] | None = None
    least = max(LEAST_STEPS, math.ceil(len(course) * LEAST_SHARE))
    for at in range(least, len(course) - least + 1):
        t = _t(logs[:at], logs[at:])
        if t > 0 and (best is None or t > best[0]):
            best = (t, at)
    if best is None or best[0] < LEAST_T:
        return None
    at = best[1]
    sides = [_mean(course[:at]), _mean(course[at:])]
    (few, before), (some, after) = sides
    if min(few, some) < LEAST_SPANS or after < before * LEAST_FACTOR:
        return None
    if course[at][1] < math.sqrt(before * after):  # it begins later, too late to be sure of
        return None
    earlier, later = sorted(logs[:at]), sorted(logs[at:])
    usual = earlier[int(0.95 * (len(earlier) - 1))]
    if later[len(later) // 2] < usual + math.log(LEAST_ABOVE):  # it was so before, too
        return None
    return Cut(at, before, after)


def noticeable(cut: Cut, rate: float) -> bool:
    longer = cut.after - cut.before
    return longer >= LEAST_NS or longer / 1e9 * rate >= LEAST_IMPACT


def _t(first: list[float], second: list[float]) -> float:
    """How far the second side lies above the first, against the noise within both."""
    n, m = len(first), len(second)
    a, b = sum(first) / n, sum(second) / m
    spread = sum((x - a) ** 2 for x in first) + sum((x - b) ** 2 for x in second)
    noise = math.sqrt(spread / max(n + m - 2, 1)) + 0.02  # perfectly even courses do not exist
    return (b - a) / (noise * math.sqrt(1 / n + 1 / m))


def _mean(side: list[tuple[int, float]]) -> tuple[int, float]:
    spans = sum(count for count, _ in side)
    return spans, sum(count * mean for count, mean in side) / max(spans, 1)


def _deployed(deployed: list[Deployment], service: str, since: int, step: int) -> str:
    near = [
        each
        for each in deployed
        if each.service == service and since - 3 * step <= each.time_ms <= since + step
    ]
    return near[-1].release if near else ""
