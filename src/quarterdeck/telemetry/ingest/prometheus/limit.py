"""How many series of Prometheus a project may have active: new ones beyond it are refused.

A series is active when it was heard of in this hour or the one before. Known series go on whatever
the limit, and so does one that comes back within that time. Far from its limit a project is only
counted, generously, and counted anew when that count reaches the limit; near it, the engine is
told which series are active (`prom_active`) and how many more fit, one batch at a time.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from quarterdeck.store.telemetry import EmbeddedEngine, Limits

_ACTIVE = (
    "FROM prom_series WHERE project IN ({projects}) AND day >= today() - 1"
    " AND last_seen >= toStartOfHour(now()) - INTERVAL 1 HOUR"
)

SeriesLimit = Callable[[int], int]
"""project → active series that it may have."""


class ActiveSeries:
    """The count of every project; one for all writers of an engine."""

    def __init__(self, engine: EmbeddedEngine, limit: SeriesLimit) -> None:
        self._engine = engine
        self._limit = limit
        self._lock = threading.RLock()
        self._counted: dict[int, int] = {}  # at least as many as are active
        self._listed: set[int] = set()  # projects whose series stand in `prom_active`
        self._listed_in = 0  # the hour in which they were read

    def crowded(self, asked: Mapping[int, int]) -> set[int]:
        """The projects where so many new series may not fit; for the others they are counted."""
        over: set[int] = set()
        with self._lock:
            for project, more in asked.items():
                limit = self._limit(project)
                counted = self._counted.get(project)
                if counted is None or counted + more > limit:
                    counted = self._counted[project] = self._count(project)
                if counted + more > limit:
                    over.add(project)
                else:
                    self._counted[project] = counted + more
        return over

    @contextmanager
    def admitting(self, projects: set[int]) -> Iterator[dict[int, int]]:
        """How many new series fit into each of these projects, while nobody else admits any there."""
        if not projects:
            yield {}
            return
        with self._lock:
            self._list(projects)
            try:
                yield {p: max(0, self._limit(p) - self._count(p)) for p in projects}
            finally:
                self._counted.update({p: self._count(p) for p in projects})

    def _count(self, project: int) -> int:
        sql = f"SELECT uniqExact(series_id) {_active((project,))}"
        answer = self._engine.query("active_series", sql, limits=Limits(threads=1), reserved=True)
        return int(answer.rows[0][0])

    def _list(self, projects: set[int]) -> None:
        """Tell the engine which series of these projects are active; each hour anew, to forget some."""
        hour = time.time_ns() // 3_600_000_000_000
        if hour != self._listed_in:
            self._engine.execute("TRUNCATE TABLE prom_active")
            self._listed, self._listed_in = set(), hour
        if missing := projects - self._listed:
            sql = f"INSERT INTO prom_active SELECT DISTINCT series_id {_active(missing)}"
            self._engine.execute(sql)
            self._listed |= missing


def _active(projects: Iterable[int]) -> str:
    return _ACTIVE.format(projects=", ".join(map(str, projects)))
