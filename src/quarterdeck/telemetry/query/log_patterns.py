"""The patterns of log lines in a range: how many, since when, and which of them are new.

Without a search the answer comes from the rollup (telemetry/patterns.py fills it), whatever the
range. With one, or over a range too short for its five minutes, the newest matching lines are
folded then and there, and the answer says of how many.

A pattern of a service is new when it was not seen before the newest deployment of the service;
where none is known, before the range. A service must have been heard of for a while before that
moment: for ten minutes before a deployment, for as long as the range (a day at most) before a range.
Of one that was first heard of shortly before, nearly all would be new.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.log_mask import hash_of, pattern_of, sample_of
from quarterdeck.telemetry.query.logs import condition
from quarterdeck.telemetry.query.releases import Deployment, newest_deployments
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Grid, Window, grid_of, run
from quarterdeck.telemetry.search.fields import LEVEL, LEVELS

Sort = Literal["new", "count", "recent"]

MOST = 500
SAMPLE = 100_000
SLOT_MS = 5 * MINUTE_MS
_SHORT_MS = 6 * SLOT_MS  # below this a slot is too coarse
_STEPS = 30
# The first slot may begin before the range does.
_IN_RANGE = (
    f"slot > fromUnixTimestamp64Milli({{from_ms:Int64}}) - {SLOT_MS // 1000}"
    " AND slot < fromUnixTimestamp64Milli({to_ms:Int64})"
)
_MOST_GROUPS = 50_000
_MOST_LOOKED_UP = 5_000


class LogPattern(BaseModel):
    hash: str = Field(description="In hexadecimal; the search `pattern:HASH` finds its lines.")
    pattern: str = Field(description="Empty for what exceeded the bounds of the count.")
    sample: str = Field(description="One of its lines, cut.")
    service: str
    severity: str = Field(description="The worst it was written with.")
    count: int
    share: float = Field(description="Of all lines counted here, 0 to 1.")
    trend: list[int] = Field(description="Lines in each step of the range.")
    first_ms: int = Field(description="First seen, as far back as logs are kept.")
    last_ms: int
    new: bool = Field(description="Not seen before `since_ms`.")
    since_ms: int = Field(description="The newest deployment of the service, or the range's start.")
    release: str = Field(description="What was deployed then; empty where no deployment is known.")


class LogPatterns(BaseModel):
    items: list[LogPattern]
    start_ms: int
    step_ms: int
    total: int = Field(description="Lines that were counted.")
    patterns: int = Field(description="Different patterns among them.")
    new: int = Field(description="How many of these are new.")
    sampled: bool = Field(description="Only the newest lines were looked at.")


@dataclass(slots=True)
class _Group:
    service: str
    hash: int
    level: int
    count: int
    first_ms: int
    last_ms: int
    pattern: str = ""
    sample: str = ""
    trend: list[int] = field(default_factory=list)
    new: bool = False

    @property
    def key(self) -> tuple[str, int]:
        return self.service, self.hash


def log_patterns(
    engine: Engine,
    window: Window,
    *,
    q: str = "",
    service: str = "",
    severity: str = "",
    trace_id: str = "",
    sort: Sort = "new",
    limit: int = 200,
) -> LogPatterns:
    wanted = {"service": service, "severity": severity}
    short = window.end_ms - window.start_ms < _SHORT_MS
    groups = [] if q.strip() or trace_id or short else _rolled(engine, window, wanted)
    live = not groups
    if live:
        grid = grid_of(window, _STEPS)
        groups = _folded(engine, window, {**wanted, "q": q, "trace_id": trace_id}, grid)
    deployed = newest_deployments(engine, window)
    heard = _heard(engine, window)
    for group in groups:
        deployment = deployed.get(group.service)
        since = _since(deployment, window)
        known = heard.get(group.service, window.end_ms) <= since - _acquaintance(deployment, window)
        group.new = known and group.first_ms >= since and group.hash != 0
    total = sum(group.count for group in groups)
    chosen = sorted(groups, key=_order(sort))[:limit]
    if not live:
        grid = grid_of(window, _STEPS, SLOT_MS)
        _add_texts(engine, window, wanted, grid, chosen)
    return LogPatterns(
        items=[_item(group, deployed.get(group.service), window, total) for group in chosen],
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        total=total,
        patterns=sum(group.hash != 0 for group in groups),
        new=sum(group.new for group in groups),
        sampled=live and total >= SAMPLE,
    )


def _since(deployment: Deployment | None, window: Window) -> int:
    return deployment.time_ms if deployment else window.start_ms


def _acquaintance(deployment: Deployment | None, window: Window) -> int:
    """How long a service must have been heard of before a pattern of it can be new."""
    return (
        10 * MINUTE_MS if deployment else min(window.end_ms - window.start_ms, 24 * 60 * MINUTE_MS)
    )


def _order(sort: Sort) -> Callable[[_Group], tuple[Any, ...]]:
    if sort == "count":
        return lambda group: (-group.count, *group.key)
    if sort == "recent":
        return lambda group: (-group.last_ms, *group.key)
    # Among the new ones what is worst comes first: it may have been written once.
    return lambda group: (
        not group.new,
        -group.level if group.new else 0,
        -group.count,
        *group.key,
    )


def _item(group: _Group, deployment: Deployment | None, window: Window, total: int) -> LogPattern:
    return LogPattern.model_construct(
        hash=f"{group.hash:016x}",
        pattern=group.pattern,
        sample=group.sample,
        service=group.service,
        severity=LEVELS[group.level],
        count=group.count,
        share=group.count / total if total else 0.0,
        trend=group.trend,
        first_ms=group.first_ms,
        last_ms=group.last_ms,
        new=group.new,
        since_ms=_since(deployment, window),
        release=deployment.release if deployment else "",
    )


def _kept(window: Window) -> str:
    """All that is kept up to the end of the range: what is new is told by what was before."""
    more = " AND environment = {environment:String}" if window.environment else ""
    return (
        f"project = {{project:UInt32}} AND slot < fromUnixTimestamp64Milli({{to_ms:Int64}}){more}"
    )


def _rolled(engine: Engine, window: Window, wanted: dict[str, str]) -> list[_Group]:
    asked = Asked()
    condition(asked, **wanted, level="severity")
    sql = f"""
        SELECT service, hash, maxIf(severity, inside) AS level, sumIf(records, inside) AS lines,
            toUnixTimestamp64Milli(min(first)), toUnixTimestamp64Milli(maxIf(last, inside))
        FROM (SELECT *, {_IN_RANGE} AS inside FROM log_patterns WHERE {_kept(window)}{asked.sql})
        GROUP BY service, hash HAVING lines > 0 ORDER BY lines DESC LIMIT {_MOST_GROUPS}"""
    return [_Group(*row) for row in run(engine, "log_patterns", sql, window, asked).rows]


def _add_texts(
    engine: Engine, window: Window, wanted: dict[str, str], grid: Grid, groups: list[_Group]
) -> None:
    asked = Asked()
    condition(asked, **wanted, level="severity")
    _among(asked, (group.key for group in groups))
    sql = f"""
        SELECT service, hash, max(pattern), max(sample), sumMap([step], [records]) FROM (
            SELECT *, greatest(0, {grid.index("slot")}) AS step FROM log_patterns
            WHERE {_kept(window)} AND {_IN_RANGE}{asked.sql}
        ) GROUP BY service, hash"""
    rows = run(engine, "log_patterns_texts", sql, window, asked).rows
    found = {(row[0], row[1]): row[2:] for row in rows}
    for group in groups:
        group.pattern, group.sample, steps = found.get(group.key, ("", "", [[], []]))
        group.trend = _trend(grid, steps)


def _folded(engine: Engine, window: Window, wanted: dict[str, str], grid: Grid) -> list[_Group]:
    """The patterns of the newest lines that meet the conditions."""
    asked = Asked()
    condition(asked, **wanted)
    groups: list[_Group] = []
    for part in window.ends():
        sql = f"""
            SELECT service, {hash_of("text")} AS hash, max(level), count() AS lines,
                toUnixTimestamp64Milli(min(time)::DateTime64(3)), toUnixTimestamp64Milli(max(time)::DateTime64(3)),
                {pattern_of()} AS text, any({sample_of()}), sumMap([step], [1])
            FROM (
                SELECT service, time, body, {LEVEL}::Int8 AS level, {grid.index("time")} AS step
                FROM logs WHERE {part.where()}{asked.sql} ORDER BY time DESC LIMIT {SAMPLE}
            ) GROUP BY service, text ORDER BY lines DESC LIMIT {_MOST_GROUPS}"""
        rows = run(engine, "log_patterns_folded", sql, part, asked).rows
        groups = [_Group(*row) for row in rows]
        if sum(group.count for group in groups) >= SAMPLE:
            break
    before = _first_seen(engine, window, groups)
    for group in groups:
        group.trend = _trend(grid, group.trend)
        group.first_ms = min(group.first_ms, before.get(group.key, group.first_ms))
    return groups


def _first_seen(engine: Engine, window: Window, groups: list[_Group]) -> dict[tuple[str, int], int]:
    """When patterns were first seen, as far as the rollup knows."""
    asked = Asked()
    _among(asked, (group.key for group in groups[:_MOST_LOOKED_UP]))
    sql = f"""
        SELECT service, hash, toUnixTimestamp64Milli(min(first)) FROM log_patterns
        WHERE {_kept(window)}{asked.sql} GROUP BY service, hash"""
    rows = run(engine, "log_patterns_first", sql, window, asked).rows
    return {(row[0], row[1]): row[2] for row in rows}


def _heard(engine: Engine, window: Window) -> Mapping[str, int]:
    """When each service was first heard of."""
    sql = f"""
        SELECT service, toUnixTimestamp64Milli(min(first)) FROM log_patterns
        WHERE {_kept(window)} GROUP BY service"""
    return dict(run(engine, "log_patterns_heard", sql, window).rows)


def _among(asked: Asked, keys: Iterable[tuple[str, int]]) -> None:
    """Only these patterns of these services, or others of theirs."""
    listed = list(keys)
    services = asked.bind(sorted({service for service, _ in listed}), "Array(String)")
    hashes = asked.bind(sorted({hash for _, hash in listed}), "Array(UInt64)")
    asked.add(f"service IN {services} AND hash IN {hashes}")


def _trend(grid: Grid, steps: Any) -> list[int]:
    return grid.place(dict(zip(*steps, strict=True)), 0)
