"""Traces of a range, newest or slowest first, with what each is about.

A trace is found by one of its spans. Without words or an operation to look for only entry
spans count (what a service was asked for, and what began a trace), which is a fraction of
all spans. Found traces are described from the rollup of trace times and their root spans.
"""

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import trace_ids
from quarterdeck.telemetry.query.search_sql import search_spans
from quarterdeck.telemetry.query.slowest import at_least
from quarterdeck.telemetry.query.window import MINUTE_MS, Asked, Grid, Window, grid_of, run
from quarterdeck.telemetry.search.fields import ENTRY

Sort = Literal["recent", "slowest"]
Status = Literal["ok", "error"]
Of = Literal["", "requests", "spans"]
"""Requests alone or all spans; without a word a search or an operation looks at all."""

MOST = 500
_MAX_ROUNDS = 8
_CURSOR = re.compile(r"(\d{1,19})((?:-[0-9a-f]{32}){0,500})")


class TraceRow(BaseModel):
    trace_id: str
    time_ms: int
    root_service: str
    root_name: str
    duration_ms: float
    spans: int
    errors: int
    services: list[str]


class TraceHistogram(BaseModel):
    start_ms: int
    step_ms: int
    ok: list[int]
    error: list[int]


class Traces(BaseModel):
    items: list[TraceRow]
    next_cursor: str | None
    histogram: TraceHistogram | None = Field(description="Null on every page but the first.")


@dataclass(frozen=True, slots=True)
class Filter:
    """What a page of traces is filtered by."""

    q: str = ""
    service: str = ""
    operation: str = ""
    status: Status | None = None
    min_ms: float | None = None
    max_ms: float | None = None
    of: Of = ""

    @property
    def any_span(self) -> bool:
        """Whether spans inside a service are looked at too."""
        return self.of == "spans" or (not self.of and bool(self.q.strip() or self.operation))

    def conditions(self) -> Asked:
        asked = Asked()
        if not self.any_span:
            asked.add(ENTRY)
        if self.service:
            asked.add(f"service = {asked.bind(self.service)}")
        if self.operation:
            asked.add(f"name = {asked.bind(self.operation)}")
        if self.status:
            asked.add(f"status {'=' if self.status == 'error' else '!='} 'error'")
        if self.min_ms is not None:
            asked.add(f"duration_ns >= {asked.bind(int(self.min_ms * 1e6), 'Int64')}")
        if self.max_ms is not None:
            asked.add(f"duration_ns <= {asked.bind(int(self.max_ms * 1e6), 'Int64')}")
        search_spans(asked, self.q)
        return asked

    def keeps(self, row: TraceRow) -> bool:
        """Whether a trace as a whole is what was asked for."""
        if self.any_span or self.service:
            return True
        if self.status == "ok" and row.errors:
            return False
        return self.max_ms is None or row.duration_ms <= self.max_ms


@dataclass(frozen=True, slots=True)
class _Found:
    trace_id: str
    rank: int  # nanoseconds: the span's time, or its duration when the slowest are wanted


def traces(
    engine: Engine,
    window: Window,
    wanted: Filter,
    *,
    sort: Sort = "recent",
    limit: int = 50,
    cursor: str = "",
) -> Traces:
    rank, shown = _read_cursor(cursor)
    items: list[TraceRow] = []
    ranks: list[_Found] = []
    exhausted = False
    for _ in range(_MAX_ROUNDS):
        asked = wanted.conditions()
        if rank is not None:
            column = _RANK[sort]
            asked.add(f"{column} <= {asked.bind(rank, 'Int64')}")
        wide = limit + len(shown) + 1
        quick = (
            _slowest(engine, window, wanted, wide) if sort == "slowest" and rank is None else None
        )
        found, exhausted = quick or _find(engine, window, asked, sort, wide, rank)
        fresh = [f for f in found if f.trace_id not in shown]
        if cursor or items:
            fresh = _unseen(engine, window, wanted, sort, fresh, cursor)
        rows = describe(engine, window, [f.trace_id for f in fresh])
        for f in fresh:
            row = rows.get(f.trace_id)
            if row and wanted.keeps(row):
                items.append(row)
                ranks.append(f)
        if exhausted or len(items) > limit or not found:
            break
        rank = found[-1].rank
        shown = shown | {f.trace_id for f in found}
    more = len(items) > limit or not exhausted
    items, ranks = items[:limit], ranks[:limit]
    return Traces(
        items=items,
        next_cursor=_write_cursor(ranks, shown) if more and items else None,
        histogram=None if cursor else _histogram(engine, window, wanted),
    )


_RANK: dict[Sort, str] = {"recent": "toUnixTimestamp64Nano(time)", "slowest": "duration_ns"}


def _find(
    engine: Engine, window: Window, asked: Asked, sort: Sort, limit: int, rank: int | None
) -> tuple[list[_Found], bool]:
    """The first traces that have a span like this, and whether there are no others."""
    order = "time" if sort == "recent" else "duration_ns"
    if sort == "recent" and rank is not None:
        end = min(window.end_ms, rank // 1_000_000 + 1)
        window = window.until(end)
    parts = window.ends() if sort == "recent" else [window]
    spans, at = limit * 4, 0
    while True:
        sql = f"""
            SELECT lower(hex(trace_id)), {_RANK[sort]} AS rank FROM spans
            WHERE {parts[at].where()}{asked.sql} ORDER BY {order} DESC LIMIT {spans}"""
        rows = run(engine, "traces_find", sql, parts[at], asked).rows
        first: dict[str, int] = {}
        for trace_id, found in rows:
            first.setdefault(trace_id, found)
        distinct = [_Found(t, r) for t, r in first.items()]
        if len(distinct) >= limit:
            return distinct[:limit], False
        if len(rows) == spans:  # many spans of few traces
            if spans > 200_000:  # the next round goes on below them
                return distinct, False
            spans *= 8
        elif at + 1 == len(parts):
            return distinct, True
        else:
            at += 1


def _slowest(
    engine: Engine, window: Window, wanted: Filter, limit: int
) -> tuple[list[_Found], bool] | None:
    """The slowest traces by way of the rollup, where it can tell; None where it cannot."""
    if wanted.any_span or wanted.status or wanted.max_ms is not None:
        return None
    asked = at_least(engine, window, service=wanted.service, limit=limit * 4)
    if asked is None:
        return [], True
    asked.add(ENTRY)
    if wanted.min_ms is not None:
        asked.add(f"duration_ns >= {asked.bind(int(wanted.min_ms * 1e6), 'Int64')}")
    found, _ = _find(engine, window, asked, "slowest", limit, None)
    return (found, False) if len(found) == limit else None


def _unseen(
    engine: Engine, window: Window, wanted: Filter, sort: Sort, found: list[_Found], cursor: str
) -> list[_Found]:
    """Without the traces that an earlier page has shown because of a span that ranks higher."""
    if not found or not cursor:
        return found
    rank, _ = _read_cursor(cursor)
    asked = wanted.conditions()
    asked.add(f"{_RANK[sort]} > {asked.bind(rank, 'Int64')}")
    asked.add(f"trace_id IN ({trace_ids(f.trace_id for f in found)})")
    sql = f"SELECT DISTINCT lower(hex(trace_id)) FROM spans WHERE {window.where()}{asked.sql}"
    earlier = {row[0] for row in run(engine, "traces_earlier", sql, window, asked).rows}
    return [f for f in found if f.trace_id not in earlier]


def describe(engine: Engine, window: Window, ids: list[str]) -> dict[str, TraceRow]:
    """What the list shows of each trace."""
    if not ids:
        return {}
    days = "day >= toDate(fromUnixTimestamp64Milli({from_ms:Int64})) - 1 AND day <= toDate(fromUnixTimestamp64Milli({to_ms:Int64})) + 1"
    sql = f"""
        SELECT lower(hex(trace_id)) AS id, toUnixTimestamp64Nano(min(first)), toUnixTimestamp64Nano(max(last)), sum(spans), sum(errors),
            arraySort(groupUniqArrayArray(services))
        FROM trace_times WHERE project = {{project:UInt32}} AND {days} AND trace_id IN ({trace_ids(ids)}) GROUP BY trace_id"""
    times = {row[0]: row[1:] for row in run(engine, "traces_describe", sql, window).rows}
    if not times:
        return {}
    roots = _roots(engine, window, times)
    out = {}
    for trace_id, (first, last, spans, errors, services) in times.items():
        service, name = roots.get(trace_id, (services[0] if services else "", ""))
        out[trace_id] = TraceRow(
            trace_id=trace_id, time_ms=first // 1_000_000, root_service=service, root_name=name,
            duration_ms=(last - first) / 1e6, spans=spans, errors=errors, services=services,
        )  # fmt: skip
    return out


def _roots(
    engine: Engine, window: Window, times: dict[str, list[int]]
) -> dict[str, tuple[str, str]]:
    """Service and name of each trace's root, or of its first span where no root has come in."""
    asked = Asked()
    asked.add(f"trace_id IN ({trace_ids(times)})")
    moments = sorted((t[0], t[1]) for t in times.values())
    # Whole seconds, joined where they meet, so that the primary key can skip what lies between.
    spans: list[list[int]] = []
    for first, last in moments:
        start, end = first // 10**9, last // 10**9 + 1
        if spans and start <= spans[-1][1] + 60:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    parts = (
        f"(time >= fromUnixTimestamp64Nano({start * 10**9}) AND time < fromUnixTimestamp64Nano({end * 10**9}))"
        for start, end in spans
    )
    asked.add(" OR ".join(parts))
    sql = f"""
        SELECT lower(hex(trace_id)) AS id, argMin((service, name), (parent_span_id != toFixedString('', 8), time))
        FROM spans WHERE project = {{project:UInt32}}{asked.sql} GROUP BY trace_id"""
    return {
        row[0]: (row[1][0], row[1][1])
        for row in run(engine, "traces_roots", sql, window, asked).rows
    }


def _histogram(engine: Engine, window: Window, wanted: Filter) -> TraceHistogram:
    """Matching spans by time, those that failed apart."""
    rolled = not wanted.q.strip() and wanted.min_ms is None and wanted.max_ms is None
    grid = grid_of(window, 80)
    if rolled and grid.step_ms >= MINUTE_MS:
        rows = _rolled(engine, window, grid, wanted)
    else:
        asked = wanted.conditions()
        sql = f"""
            SELECT {grid.index("time")} AS step, count(), countIf(status = 'error') FROM spans
            WHERE {window.where()}{asked.sql} GROUP BY step"""
        rows = run(engine, "traces_histogram", sql, window, asked).rows
    ok = {int(step): count - errors for step, count, errors in rows}
    failed = {int(step): errors for step, _, errors in rows}
    return TraceHistogram(
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        ok=grid.place(ok, 0),
        error=grid.place(failed, 0),
    )


def _rolled(engine: Engine, window: Window, grid: Grid, wanted: Filter) -> list[list[int]]:
    asked = Asked()
    if not wanted.any_span:
        asked.add("entry")
    if wanted.service:
        asked.add(f"service = {asked.bind(wanted.service)}")
    if wanted.operation:
        asked.add(f"name = {asked.bind(wanted.operation)}")
    count = {"ok": "sum(spans) - sum(errors)", "error": "sum(errors)", None: "sum(spans)"}[
        wanted.status
    ]
    failed = "toUInt64(0)" if wanted.status == "ok" else "sum(errors)"
    sql = f"""
        SELECT {grid.index("minute")} AS step, {count}, {failed} FROM red_1m
        WHERE {window.where_rolled()}{asked.sql} GROUP BY step"""
    return run(engine, "traces_histogram_rolled", sql, window, asked).rows


def _read_cursor(cursor: str) -> tuple[int | None, set[str]]:
    """The rank of the last trace shown, and the traces shown that share it."""
    if not cursor:
        return None, set()
    found = _CURSOR.fullmatch(cursor)
    if not found:
        raise BadInput(
            "cursor_invalid", "This cursor is not one of ours.", "Start from the first page."
        )
    return int(found.group(1)), set(found.group(2).split("-")[1:])


def _write_cursor(ranks: list[_Found], shown: set[str]) -> str:
    last = ranks[-1].rank
    same = [f.trace_id for f in ranks if f.rank == last]
    return "-".join([str(last), *same, *sorted(shown - set(same))][:500])
