"""What the pages of hosts read: points of `system.*` and `process.*`, by host and label, on a grid.

Names are those of OpenTelemetry's semantic conventions; labels are also understood as the
collector's receiver `hostmetrics` names them. A point has two labels at most: what it is of
(a mode, a device, a mount point, a program), and a second one (a direction, a state, an owner).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.window import Asked, Grid, Window, grid_of, run

_OF = (
    "system.filesystem.mountpoint", "mountpoint", "network.interface.name", "system.device", "device", "cpu.mode",
    "system.memory.state", "system.paging.state", "process.executable.name", "state",
)  # fmt: skip
_SECOND = (
    "system.filesystem.state", "disk.io.direction", "network.io.direction", "direction", "process.owner",
    "cpu.logical_number", "cpu", "state",
)  # fmt: skip
HOST = "JSONExtractString(resource, 'host.name')"
DAYS = (
    "project = {project:UInt32} AND day >= toDate(fromUnixTimestamp64Milli({from_ms:Int64}))"
    " AND day <= toDate(fromUnixTimestamp64Milli({to_ms:Int64}))"
)
_ENOUGH_MS = 30 * 60_000  # of a step, to tell its mean by
_BEFORE_MS = 5 * 60_000  # how far back the point before the first one may lie at least
# An exabyte: nothing of a machine is larger. What is, or is not a number at all, would make sums
# and shares of the others infinite.
_LARGEST = "1e18"


@dataclass(frozen=True, slots=True)
class Key:
    host: str
    metric: str
    of: str
    second: str


@dataclass(slots=True)
class Line:
    """The course of a series on the grid, and its newest value."""

    points: dict[int, float]
    last: float


Lines = dict[Key, Line]


def levels(
    engine: Engine, window: Window, grid: Grid, metrics: Sequence[str], host: str = ""
) -> Lines:
    """What is measured: the mean of each step, over all series that have the same labels."""
    asked = Asked()
    sql = f"""
        WITH known AS ({_known(asked, window, metrics, host)})
        SELECT host, metric, of, second, step, sum(total) / sum(points), argMax(newest, at) FROM (
            SELECT series_id, {grid.index("time")} AS step, sum(value) AS total, count() AS points,
                argMax(value, time) AS newest, max(time) AS at
            FROM samples WHERE {_points(window)}{_thinned(grid)} GROUP BY series_id, step
        ) AS each INNER JOIN known USING (series_id)
        GROUP BY host, metric, of, second, step ORDER BY step"""
    return _lines(run(engine, "host_levels", sql, window, asked).rows)


def rates(
    engine: Engine, window: Window, grid: Grid, metrics: Sequence[str], host: str = ""
) -> Lines:
    """What is counted, by the second. A counter that has begun anew counts from zero.

    Of several series with the same labels the largest: a machine may be told of twice.
    """
    start = max(0, window.start_ms - max(_BEFORE_MS, grid.step_ms))
    wide = Window(window.project, start, window.end_ms, window.environment)
    asked = Asked()
    first = asked.bind(window.start_ms, "Int64")
    sql = f"""
        WITH known AS ({_known(asked, wide, metrics, host)})
        SELECT host, metric, of, second, step, max(rate), max(rate) FROM (
            SELECT series_id, {grid.index("time")} AS step, sum(grown) / sum(seconds) AS rate FROM (
                SELECT series_id, time, lagInFrame(value) OVER w AS old, lagInFrame(time) OVER w AS since, row_number() OVER w AS number,
                    if(value < old OR start > since, value, value - old) AS grown,
                    (toUnixTimestamp64Milli(time) - toUnixTimestamp64Milli(since)) / 1000 AS seconds
                FROM samples WHERE {_points(wide)}{_thinned(grid)}
                WINDOW w AS (PARTITION BY series_id ORDER BY time ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
            ) WHERE number > 1 AND seconds > 0 AND toUnixTimestamp64Milli(time) >= {first}
            GROUP BY series_id, step
        ) AS each INNER JOIN known USING (series_id)
        GROUP BY host, metric, of, second, step ORDER BY step"""
    return _lines(run(engine, "host_rates", sql, wide, asked).rows)


def slopes(
    engine: Engine, window: Window, metric: str, second: str, host: str = ""
) -> dict[tuple[str, str], float]:
    """How much a level grows a second, by host and what it is of, where an hour of it is known."""
    asked = Asked()
    grid = grid_of(window, 45)
    sql = f"""
        WITH known AS ({_known(asked, window, [metric], host, second)})
        SELECT host, of, slope FROM (
            SELECT series_id, simpleLinearRegression(toUnixTimestamp(time), value).1 AS slope
            FROM samples WHERE {_points(window)}{_thinned(grid)}
            GROUP BY series_id HAVING max(time) - min(time) >= 3600
        ) AS each INNER JOIN known USING (series_id)"""
    rows = run(engine, "host_slopes", sql, window, asked).rows
    return {(name, of): slope for name, of, slope in rows}


def by(lines: Lines, metric: str) -> Iterable[tuple[Key, Line]]:
    return ((key, line) for key, line in lines.items() if key.metric == metric)


def _known(
    asked: Asked, window: Window, metrics: Sequence[str], host: str, second: str = ""
) -> str:
    """SQL: the series of the metrics with their host and labels."""
    which = f"= {asked.bind(host)}" if host else "!= ''"
    more = " AND environment = {environment:String}" if window.environment else ""
    more += f" AND second = {asked.bind(second)}" if second else ""
    return f"""
        SELECT DISTINCT series_id, metric, {HOST} AS host, {_first(_OF)} AS of, {_first(_SECOND)} AS second
        FROM series WHERE {DAYS} AND metric IN {asked.bind(list(metrics), "Array(String)")} AND host {which}{more}"""


def _first(labels: Sequence[str]) -> str:
    """SQL: the first of the labels that a series has."""
    texts = ", ".join(f"labels['{label}']" for label in labels)
    return f"arrayFirst(text -> text != '', [{texts}])"


def _points(window: Window) -> str:
    """SQL: which points count. They have no environment of their own; their series has."""
    bare = Window(window.project, window.start_ms, window.end_ms)
    return f"{bare.where()} AND series_id IN (SELECT series_id FROM known) AND abs(value) <= {_LARGEST}"


def _thinned(grid: Grid) -> str:
    """SQL: of long steps, half an hour's worth of minutes will do; any minutes, so that what is
    measured seldom has its turn as well."""
    every = grid.step_ms // _ENOUGH_MS
    return f" AND intHash32(intDiv(toUnixTimestamp(time), 60)) % {every} = 0" if every > 1 else ""


def _lines(rows: Iterable[Sequence[Any]]) -> Lines:
    found: Lines = {}
    for host, metric, of, second, step, value, last in rows:
        line = found.setdefault(Key(host, metric, of, second), Line({}, 0.0))
        line.points[int(step)] = value
        line.last = last
    return found
