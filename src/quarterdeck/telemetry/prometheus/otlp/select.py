"""Points of OTLP metrics as the Prometheus series that they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from quarterdeck.store.telemetry import Engine
from quarterdeck.store.telemetry import Limits as EngineLimits
from quarterdeck.telemetry.prometheus.families import LIMITS, listed
from quarterdeck.telemetry.prometheus.family import Family, Ids, Rows
from quarterdeck.telemetry.prometheus.match import matches
from quarterdeck.telemetry.prometheus.numbers import text_of
from quarterdeck.telemetry.prometheus.otlp import info
from quarterdeck.telemetry.prometheus.otlp.catalog import KIND, Kind, OtlpCatalog
from quarterdeck.telemetry.prometheus.otlp.exponential import exponential
from quarterdeck.telemetry.prometheus.otlp.spread import (
    Asked,
    Reader,
    histograms,
    numbers,
    summaries,
)
from quarterdeck.telemetry.prometheus.points import Points, Series, between
from quarterdeck.telemetry.promql.limits import Limits, too_many_series
from quarterdeck.telemetry.promql.source import Labels, Matcher

NAME = "__name__"
_EXTRA = {"bucket": "le", "quantile": "quantile"}  # labels that a part's points bring themselves


_READERS: dict[str, Reader] = {
    "gauge": numbers,
    "sum": numbers,
    "histogram": histograms,
    "exponential_histogram": exponential,
    "summary": summaries,
}


@dataclass(slots=True)
class Wanted:
    """Series of one kind that match, and which part of their points shows under this name."""

    name: str
    part: str
    kind: Kind
    family: Family
    rows: Rows
    own: tuple[Matcher, ...]  # matchers of the label that the points bring

    @property
    def ids(self) -> Ids:
        return self.family.ids[self.rows]

    def labels(self) -> list[Labels]:
        found = self.family.labels(self.rows, self.name)
        for labels in found:
            del labels[KIND]
        return found


class OtlpSeries:
    """OTLP metrics of all projects, seen as Prometheus series; a `lookup.Place`."""

    def __init__(self, engine: Engine, catalog: OtlpCatalog) -> None:
        self._engine = engine
        self._catalog = catalog
        self._match = partial(matches, engine)

    def find(
        self, project: int, matchers: Sequence[Matcher], after: int, until: int
    ) -> list[Wanted]:
        """What matches and was seen on a day of the range (milliseconds)."""
        by_name = [m for m in matchers if m.name == NAME]
        names = [
            (name, part, described.kind)
            for described in self._catalog.kinds(project, after, until)
            for name, part in described.kind.names().items()
        ]
        for matcher in by_name:
            taken = self._match(matcher, [name for name, _, _ in names])
            names = [one for one, take in zip(names, taken, strict=True) if take]
        families = self._catalog.families
        metrics = sorted({kind.metric for _, _, kind in names})
        present = {
            metric: families.family(project, metric, ids, after, until)
            for metric, ids in families.present(project, metrics, after, until)
        }
        found = []
        for name, part, kind in names:
            if kind.metric not in present:
                continue
            family, rows = present[kind.metric]
            own = tuple(m for m in matchers if m.name == _EXTRA.get(part))
            rest = [m for m in matchers if m.name != NAME and m not in own]
            rows = family.match(rows, [Matcher(KIND, "=", kind.text), *rest], self._match)
            if len(rows):
                found.append(Wanted(name, part, kind, family, rows, own))
        return found

    def any(self, project: int, matchers: Sequence[Matcher], after: int, until: int) -> bool:
        """Whether anything of OTLP matches."""
        asked = (project, matchers, after, until)
        return bool(info.resources(self._catalog, self._match, *asked) or self.find(*asked))

    def select(
        self,
        series: Series,
        project: int,
        matchers: Sequence[Matcher],
        after: int,
        until: int,
        limits: Limits,
        engine_limits: EngineLimits,
    ) -> list[Points]:
        """Points of what matches; their series get places in `series`."""
        parts = info.select(self._catalog, self._match, series, project, matchers, after, until)
        found = self.find(project, matchers, after, until)
        count = sum(len(each.rows) for each in found)
        if count > limits.series:
            raise too_many_series(count, limits.series)
        for each in found:
            asked = Asked(
                self._engine, project, listed(each.ids), after, until, engine_limits, self._match
            )
            parts.append(_READERS[each.kind.type](asked, each, series))
        return parts

    def names(self, project: int, matchers: Sequence[Matcher], after: int, until: int) -> set[str]:
        """Names of the labels of series that match; of all series without matchers."""
        found = self.find(project, matchers, after, until)
        names = {n for each in found for n in each.family.names(each.rows)} - {KIND}
        names |= {_EXTRA[each.part] for each in found if each.part in _EXTRA}
        asked = (self._catalog, self._match, project, matchers, after, until)
        names |= {n for labels, _, _ in info.resources(*asked) for n in labels}
        return names | {NAME} if found else names

    def values(
        self, project: int, name: str, matchers: Sequence[Matcher], after: int, until: int
    ) -> set[str]:
        """Values of a label among series that match; among all without matchers."""
        asked = (self._catalog, self._match, project, matchers, after, until)
        values = {labels.get(name, "") for labels, _, _ in info.resources(*asked)} - {""}
        if name == NAME and not matchers:
            kinds = self._catalog.kinds(project, after, until)
            return values | {n for described in kinds for n in described.kind.names()}
        for each in self.find(project, matchers, after, until):
            if name == NAME:
                values.add(each.name)
            elif name == _EXTRA.get(each.part):
                values |= {labels[name] for labels in self._extended(project, each, after, until)}
            else:
                values |= each.family.values(each.rows, name)
        return values

    def series(
        self, project: int, matchers: Sequence[Matcher], after: int, until: int
    ) -> list[Labels]:
        """The labels of series that match."""
        asked = (self._catalog, self._match, project, matchers, after, until)
        found = [labels for labels, _, _ in info.resources(*asked)]
        for each in self.find(project, matchers, after, until):
            if each.part in _EXTRA:
                found += self._extended(project, each, after, until)
            else:
                found += each.labels()
        return found

    def _extended(self, project: int, wanted: Wanted, after: int, until: int) -> list[Labels]:
        """Labels of series with `le` or `quantile`, as the points name their bounds."""
        table, column = {
            "bucket": ("histograms", "bounds"),
            "quantile": ("summaries", "quantiles"),
        }[wanted.part]
        sql = (
            f"SELECT series_id, arraySort(groupUniqArrayArray({column})) AS bounds FROM {table}"
            f" WHERE project = {project} AND series_id IN ({listed(wanted.ids)})"
            f" AND {between(after, until)} GROUP BY series_id"
        )
        label = _EXTRA[wanted.part]
        rows = self._engine.query("promql_bounds", sql, limits=LIMITS).rows
        bounds = {row[0]: [text_of(float(bound)) for bound in row[1]] for row in rows}
        found = []
        for id_, labels in zip(wanted.ids.tolist(), wanted.labels(), strict=True):
            names = bounds.get(id_, [])
            if wanted.part == "bucket" and names and names[-1] != "+Inf":
                names = [*names, "+Inf"]
            for name in names:
                if all(self._match(matcher, [name])[0] for matcher in wanted.own):
                    found.append({**labels, label: name})
        return found
