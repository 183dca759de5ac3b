"""Families of series kept in memory, as far as somebody asks for them.

Guarantees. What a query sees is what the store holds at that moment: each look asks the engine
for the ids of a metric's series, which is a read of one sorted column, unless it can be told that
no series came or went since; and for the labels only of those ids that are not known yet. A series
never changes its labels, so nothing is ever out of date. Memory is bounded: what was asked for
longest ago is forgotten first.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from quarterdeck.store.telemetry import Engine, Limits, columns
from quarterdeck.telemetry.prometheus.family import Family, Ids, Rows
from quarterdeck.telemetry.promql.limits import too_many_series
from quarterdeck.telemetry.promql.source import Labels

MOST_KEPT = 300_000  # series in memory, of each table
MOST_LOOKS = 1_000  # metrics and ranges of days whose ids are in memory
MOST_LISTED = 20_000  # ids named one by one in a statement
LIMITS = Limits(seconds=20, memory_mb=512)
_EPOCH = date(1970, 1, 1)
_LAST_DAY = 65_535  # of the engine's Date: 2149-06-06


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a row a series and day, in the order of project, metric and series_id."""

    name: str
    described: str  # SQL: what tells of a series, besides its id
    labels: Callable[[Sequence[Any]], Labels]


class Families:
    """The series of one table, for all projects; used from several threads."""

    def __init__(
        self, engine: Engine, table: Table, changes: Callable[[], int] | None = None
    ) -> None:
        """`changes` counts how often rows of series were written or deleted, where that is known."""
        self._engine = engine
        self._table = table
        self._changes = changes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str], Family] = OrderedDict()
        self._listed: OrderedDict[tuple[int, str, str], tuple[int, Ids]] = OrderedDict()

    def metrics(self, project: int, after: int, until: int) -> list[str]:
        """All metrics that have series on a day of the range."""
        sql = f"SELECT DISTINCT toString(metric) AS metric FROM {self._table.name} WHERE {seen(after, until)}"
        params = {"project": project}
        read = columns.read(self._engine, "promql_metrics", sql, params, limits=LIMITS)
        return list(read["metric"].values)

    def present(
        self, project: int, metrics: Sequence[str], after: int, until: int
    ) -> list[tuple[str, Ids]]:
        """(metric, ids of its series) of those that have series on a day of the range."""
        if not metrics:
            return []
        where = seen(after, until)
        if len(metrics) == 1:
            ids = self._ids_of(project, metrics[0], where)
            return [(metrics[0], ids)] if len(ids) else []
        sql = (
            f"SELECT toString(metric) AS metric, groupUniqArray(series_id) AS ids FROM {self._table.name}"
            f" WHERE {where} AND metric IN {{metrics:Array(String)}} GROUP BY metric ORDER BY metric"
        )
        many = {"project": project, "metrics": list(metrics)}
        read = columns.read(self._engine, "promql_series", sql, many, limits=LIMITS)
        ends = read["ids"].offsets
        assert ends is not None
        return [
            (name, read["ids"].values[ends[i] : ends[i + 1]])
            for i, name in enumerate(read["metric"].values)
        ]

    def _ids_of(self, project: int, metric: str, where: str) -> Ids:
        key = (project, metric, where)
        changes = self._changes() if self._changes else 0
        with self._lock:
            known = self._listed.get(key)
            if self._changes and known is not None and known[0] == changes:
                self._listed.move_to_end(key)
                return known[1]
        sql = f"SELECT DISTINCT series_id FROM {self._table.name} WHERE {where} AND metric = {{metric:String}}"
        params = {"project": project, "metric": metric}
        read = columns.read(self._engine, "promql_series", sql, params, limits=LIMITS)
        ids: Ids = read["series_id"].values.astype(np.uint64)
        if self._changes:
            with self._lock:
                self._listed[key] = (changes, ids)
                self._listed.move_to_end(key)
                kept = sum(len(ids) for _, ids in self._listed.values())
                while len(self._listed) > MOST_LOOKS or (
                    kept > MOST_KEPT and len(self._listed) > 1
                ):
                    _, (_, gone) = self._listed.popitem(last=False)
                    kept -= len(gone)
        return ids

    def family(
        self, project: int, metric: str, ids: Ids, after: int, until: int
    ) -> tuple[Family, Rows]:
        """The family with at least these series, which the range has, and their rows."""
        if len(ids) > MOST_KEPT:
            raise too_many_series(len(ids), MOST_KEPT)
        key = (project, metric)
        missing = ids
        with self._lock:
            family = self._kept.get(key)
            if family is not None:
                self._kept.move_to_end(key)
                rows, known = family.rows(ids)
                if known.all():
                    return family, rows
                missing = ids[~known]
        new_ids, labels = self._fetch(project, metric, missing, after, until)
        with self._lock:
            family = self._kept.setdefault(key, Family())
            self._kept.move_to_end(key)
            _, known = family.rows(new_ids)  # another thread may have brought them meanwhile
            if not known.all():
                new = np.flatnonzero(~known)
                family.add(new_ids[new], [labels[i] for i in new.tolist()])
            rows, known = family.rows(ids)
            self._forget()
            return family, rows[known]

    def _fetch(
        self, project: int, metric: str, ids: Ids, after: int, until: int
    ) -> tuple[Ids, list[Labels]]:
        where = f"{seen(after, until)} AND metric = {{metric:String}}"
        if len(ids) <= MOST_LISTED:
            where += f" AND series_id IN ({listed(ids)})"
        return self.described(where, {"project": project, "metric": metric})

    def described(self, where: str, params: Mapping[str, Any]) -> tuple[Ids, list[Labels]]:
        """Series and their labels by a condition, at most `MOST_KEPT`."""
        sql = (
            f"SELECT series_id, {self._table.described} FROM {self._table.name} WHERE {where}"
            f" GROUP BY series_id LIMIT {MOST_KEPT}"
        )
        rows = self._engine.query("promql_labels", sql, params, limits=LIMITS).rows
        labels = [self._table.labels(row[1:]) for row in rows]
        return np.array([row[0] for row in rows], np.uint64), labels

    def _forget(self) -> None:
        kept = sum(map(len, self._kept.values()))
        while kept > MOST_KEPT and len(self._kept) > 1:
            _, family = self._kept.popitem(last=False)
            kept -= len(family)


def listed(ids: Ids) -> str:
    """Ids as SQL."""
    return ",".join(map(str, ids.tolist()))


def seen(after: int, until: int) -> str:
    """SQL: of the project, on one of the days of a range in milliseconds."""
    first, last = (min(max(ms // 86_400_000, 0), _LAST_DAY) for ms in (after, until))
    return (
        f"project = {{project:UInt32}} AND day >= '{_EPOCH + timedelta(first)}'"
        f" AND day <= '{_EPOCH + timedelta(last)}'"
    )
