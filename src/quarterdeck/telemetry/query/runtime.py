"""Runtime metrics of a service: what its process and its language's runtime report of themselves.

Metrics are found by the prefixes of OpenTelemetry's conventions. Gauges and sums that may fall are
shown as they are, each step's mean; sums that only rise as a rate a second, a fall being a restart;
of histograms the mean of what they measured.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import Asked, Grid, Window, grid_of, run

PREFIXES = (
    "process.", "jvm.", "nodejs.", "v8js.", "cpython.", "go.", "dotnet.", "ruby.", "php.", "beam.",
    "container.", "db.client.connection", "kestrel.", "aspnetcore.", "asyncio.", "python.", "webengine.",
)  # fmt: skip
MOST_METRICS = 24
MOST_SERIES = 6  # of a metric, those with the highest values


class RuntimeSeries(BaseModel):
    name: str = Field(description="Its labels in words; empty when there is one series only.")
    values: list[float | None]


class RuntimeMetric(BaseModel):
    metric: str
    unit: str
    description: str
    shown: Literal["value", "rate", "mean"]
    series: list[RuntimeSeries]
    left_out: int = Field(description="Series that are not shown.")


class Runtime(BaseModel):
    start_ms: int
    step_ms: int
    metrics: list[RuntimeMetric]


@dataclass(slots=True)
class _Known:
    id: int
    metric: str
    type: str
    temporality: str
    monotonic: bool
    unit: str
    description: str
    labels: dict[str, str]
    instance: str


def runtime(engine: Engine, window: Window, service: str) -> Runtime:
    grid = grid_of(window, 60, 10_000)
    known = _series(engine, window, service)
    values = _values(engine, window, grid, [each for each in known if each.type != "histogram"])
    values |= _means(engine, window, grid, [each for each in known if each.type == "histogram"])
    by_metric: dict[str, list[_Known]] = {}
    for each in known:
        by_metric.setdefault(each.metric, []).append(each)
    return Runtime(
        start_ms=grid.start_ms,
        step_ms=grid.step_ms,
        metrics=[
            _metric(grid, owned, values)
            for owned in list(by_metric.values())[:MOST_METRICS]
            if any(each.id in values for each in owned)
        ],
    )


def _metric(grid: Grid, owned: list[_Known], values: dict[int, dict[int, float]]) -> RuntimeMetric:
    first = owned[0]
    names = _names(owned)
    # Series that differ by what is not shown (a restarted process) go on as one.
    joined: dict[str, dict[int, float]] = {}
    for each in owned:
        for step, value in values.get(each.id, {}).items():
            course = joined.setdefault(names[each.id], {})
            course[step] = max(value, course.get(step, value))
    ranked = sorted(joined.items(), key=lambda item: -max(item[1].values(), default=0.0))
    rate = first.monotonic and first.type == "sum"
    return RuntimeMetric(
        metric=first.metric,
        unit=first.unit,
        description=first.description,
        shown="mean" if first.type == "histogram" else "rate" if rate else "value",
        series=[
            RuntimeSeries(name=name, values=grid.place(course, None))
            for name, course in ranked[:MOST_SERIES]
        ],
        left_out=max(0, len(ranked) - MOST_SERIES),
    )


def _names(owned: list[_Known]) -> dict[int, str]:
    """What tells the series of a metric apart: labels that differ, and the instance if those do not."""
    keys = sorted({key for each in owned for key in each.labels})
    differing = [key for key in keys if len({each.labels.get(key) for each in owned}) > 1]
    named = {each.id: " ".join(each.labels.get(key, "") for key in differing) for each in owned}
    if len({each.instance for each in owned}) > 1 and len(owned) <= 2 * MOST_SERIES:
        named = {each.id: f"{named[each.id]} {each.instance}".strip() for each in owned}
    return named


def _series(engine: Engine, window: Window, service: str) -> list[_Known]:
    asked = Asked()
    asked.add(f"service = {asked.bind(service)}")
    asked.add(" OR ".join(f"startsWith(metric, '{prefix}')" for prefix in PREFIXES))
    if window.environment:
        asked.add("environment = {environment:String}")
    instance = "JSONExtractString(any(resource), 'service.instance.id')"
    sql = f"""
        SELECT series_id, metric, any(type), any(temporality), any(monotonic), any(unit), any(description),
            any(labels), {instance}
        FROM series WHERE project = {{project:UInt32}}
            AND day >= toDate(fromUnixTimestamp64Milli({{from_ms:Int64}})) AND day <= toDate(fromUnixTimestamp64Milli({{to_ms:Int64}}))
            AND last_seen >= fromUnixTimestamp64Milli({{from_ms:Int64}}){asked.sql}
        GROUP BY series_id, metric ORDER BY metric, series_id LIMIT 2000"""
    rows = run(engine, "runtime_series", sql, window, asked).rows
    return [_Known(*row) for row in rows]


def _values(
    engine: Engine, window: Window, grid: Grid, known: list[_Known]
) -> dict[int, dict[int, float]]:
    """Series → step → mean value, or rate where it only rises."""
    if not known:
        return {}
    asked = Asked()
    asked.add(f"series_id IN {asked.bind([each.id for each in known], 'Array(UInt64)')}")
    rising = [each.id for each in known if each.monotonic and each.temporality == "cumulative"]
    delta = [each.id for each in known if each.temporality == "delta"]
    rates = asked.bind(rising, "Array(UInt64)")
    deltas = asked.bind(delta, "Array(UInt64)")
    times = window.where().replace(" AND environment = {environment:String}", "")
    sql = f"""
        SELECT series_id, {grid.index("time")} AS step, multiIf(
            has({rates}, series_id), sum(rise) / greatest(sum(seconds), 1e-9),
            has({deltas}, series_id), sum(value) / {grid.step_ms / 1000}, avg(value)) AS shown
        FROM (
            SELECT series_id, time, value,
                lagInFrame(value, 1, value) OVER w AS earlier, lagInFrame(time, 1, time) OVER w AS moment,
                if(value >= earlier, value - earlier, value) AS rise,
                dateDiff('millisecond', moment, time) / 1000 AS seconds
            FROM samples WHERE {times}{asked.sql}
            WINDOW w AS (PARTITION BY series_id ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
        ) GROUP BY series_id, step
        HAVING NOT has({rates}, series_id) OR sum(seconds) > 0"""
    return _by_series(run(engine, "runtime_values", sql, window, asked).rows)


def _means(
    engine: Engine, window: Window, grid: Grid, known: list[_Known]
) -> dict[int, dict[int, float]]:
    """Series of histograms → step → mean of what was measured."""
    if not known:
        return {}
    asked = Asked()
    asked.add(f"series_id IN {asked.bind([each.id for each in known], 'Array(UInt64)')}")
    delta = asked.bind([each.id for each in known if each.temporality == "delta"], "Array(UInt64)")
    times = window.where().replace(" AND environment = {environment:String}", "")
    sql = f"""
        SELECT series_id, step, sum(measured) / sum(items) AS mean FROM (
            SELECT series_id, {grid.index("time")} AS step,
                lagInFrame(count, 1, count) OVER w AS few, lagInFrame(ifNull(sum, 0), 1, ifNull(sum, 0)) OVER w AS little,
                if(has({delta}, series_id), count, if(count >= few, count - few, count))::Float64 AS items,
                if(has({delta}, series_id), ifNull(sum, 0), if(count >= few, ifNull(sum, 0) - little, ifNull(sum, 0))) AS measured
            FROM histograms WHERE {times}{asked.sql}
            WINDOW w AS (PARTITION BY series_id ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
        ) GROUP BY series_id, step HAVING sum(items) > 0"""
    return _by_series(run(engine, "runtime_means", sql, window, asked).rows)


def _by_series(rows: list[list[Any]]) -> dict[int, dict[int, float]]:
    found: dict[int, dict[int, float]] = {}
    for series, step, value in rows:
        found.setdefault(int(series), {})[int(step)] = float(value)
    return found
