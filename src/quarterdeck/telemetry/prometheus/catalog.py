"""Which series remote write and scraping have brought a project: labels, without points."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from quarterdeck.store.telemetry import Engine, columns
from quarterdeck.telemetry.known import known_series
from quarterdeck.telemetry.prometheus.families import LIMITS, Families, Table, seen
from quarterdeck.telemetry.prometheus.family import Family, Ids, Rows
from quarterdeck.telemetry.prometheus.match import matches
from quarterdeck.telemetry.promql.limits import too_many_series
from quarterdeck.telemetry.promql.source import Labels, Matcher

NAME = "__name__"
MOST_IN_MEMORY = 150_000  # series of one metric
MOST_FOUND = 250_000  # series of one selector, however little is asked of them
_TABLE = Table("prom_series", "any(labels)", lambda row: row[0])


@dataclass(slots=True)
class Found:
    """Series of one metric that match: rows of its family."""

    metric: str
    family: Family
    rows: Rows

    def labels(self) -> list[Labels]:
        return self.family.labels(self.rows, self.metric)

    @property
    def ids(self) -> Ids:
        return self.family.ids[self.rows]


class Catalog:
    """Series of the tables `prom_*`, for all projects; a `lookup.Place`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        known = known_series(engine)
        self._families = Families(engine, _TABLE, lambda: known.changes)
        self._with_histograms: set[int] = set()
        self._news: dict[int, int] = {}
        self._without_histograms: dict[int, int] = {}  # as of which news

    def find(
        self, project: int, matchers: Sequence[Matcher], after: int, until: int
    ) -> list[Found]:
        """Series that match and were seen on a day of the range (milliseconds)."""
        match = partial(matches, self._engine)
        rest = [m for m in matchers if m.name != NAME]
        chosen = self._metrics(project, [m for m in matchers if m.name == NAME], after, until)
        found = []
        for metric, ids in self._families.present(project, chosen, after, until):
            if len(ids) > MOST_IN_MEMORY:
                family, rows = self._in_engine(project, metric, rest, after, until)
            else:
                family, rows = self._families.family(project, metric, ids, after, until)
                rows = family.match(rows, rest, match)
            if len(rows):
                found.append(Found(metric, family, rows))
                if (count := sum(len(each.rows) for each in found)) > MOST_FOUND:
                    raise too_many_series(count, MOST_FOUND)
        return found

    def _in_engine(
        self, project: int, metric: str, matchers: Sequence[Matcher], after: int, until: int
    ) -> tuple[Family, Rows]:
        """Series of a metric that has more than memory should hold: the engine matches them."""
        where = f"{seen(after, until)} AND metric = {{metric:String}}"
        params = {"project": project, "metric": metric}
        for i, matcher in enumerate(matchers):
            params |= {f"n{i}": matcher.name, f"v{i}": matcher.value}
            test = f"labels[{{n{i}:String}}] = {{v{i}:String}}"
            if matcher.op in ("=~", "!~"):
                params[f"v{i}"] = f"^(?s:{matcher.value})$"
                test = f"match(labels[{{n{i}:String}}], {{v{i}:String}})"
            where += f" AND {'NOT ' if matcher.op[0] == '!' else ''}{test}"
        family = Family()
        family.add(*self._families.described(where, params))
        return family, np.arange(len(family))

    def committed(self, signal: str, projects: set[int]) -> None:
        """New rows are durable; may be called from any thread."""
        if signal == "metrics":
            for project in projects:
                self._news[project] = self._news.get(project, 0) + 1

    def has_histograms(self, project: int) -> bool:
        """Whether the project has ever had a native histogram: most never have, and need not look."""
        if project in self._with_histograms:
            return True
        news = self._news.get(project, 0)
        if self._without_histograms.get(project) == news:
            return False
        sql = "SELECT 1 FROM prom_histograms WHERE project = {project:UInt32} LIMIT 1"
        params = {"project": project}
        if self._engine.query("promql_histograms", sql, params, limits=LIMITS).rows:
            self._with_histograms.add(project)
            return True
        self._without_histograms[project] = news
        return False

    def names(self, project: int, matchers: Sequence[Matcher], after: int, until: int) -> set[str]:
        """Names of the labels of series that match; of all series without matchers."""
        if matchers:
            found = self.find(project, matchers, after, until)
            names = {name for each in found for name in each.family.names(each.rows)}
            return names | {NAME} if found else names
        sql = f"SELECT DISTINCT arrayJoin(mapKeys(labels))::String AS name FROM prom_series WHERE {seen(after, until)}"
        params = {"project": project}
        read = columns.read(self._engine, "promql_label_names", sql, params, limits=LIMITS)
        names = set(read["name"].values)
        return names | {NAME} if self._families.metrics(project, after, until) else names

    def values(
        self, project: int, name: str, matchers: Sequence[Matcher], after: int, until: int
    ) -> set[str]:
        """Values of a label among series that match; among all without matchers."""
        if matchers:
            found = self.find(project, matchers, after, until)
            if name == NAME:
                return {each.metric for each in found}
            return {value for each in found for value in each.family.values(each.rows, name)}
        if name == NAME:
            return set(self._families.metrics(project, after, until))
        sql = (
            "SELECT DISTINCT labels[{name:String}] AS value FROM prom_series"
            f" WHERE {seen(after, until)} AND value != ''"
        )
        params = {"project": project, "name": name}
        read = columns.read(self._engine, "promql_label_values", sql, params, limits=LIMITS)
        return set(read["value"].values)

    def series(
        self, project: int, matchers: Sequence[Matcher], after: int, until: int
    ) -> list[Labels]:
        """The labels of series that match."""
        return [one for each in self.find(project, matchers, after, until) for one in each.labels()]

    def _metrics(
        self, project: int, names: Sequence[Matcher], after: int, until: int
    ) -> Sequence[str]:
        """Metrics whose names match."""
        exact = [matcher.value for matcher in names if matcher.op == "="]
        chosen = exact[:1] or self._families.metrics(project, after, until)
        for matcher in names:
            taken = matches(self._engine, matcher, chosen)
            chosen = [name for name, take in zip(chosen, taken, strict=True) if take]
        return chosen
