"""Exemplars: the traces behind points of series."""

from typing import Any

import numpy as np

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.prometheus.catalog import Catalog
from quarterdeck.telemetry.prometheus.families import LIMITS, listed
from quarterdeck.telemetry.prometheus.lookup import Selectors
from quarterdeck.telemetry.prometheus.numbers import text_of
from quarterdeck.telemetry.prometheus.otlp import naming
from quarterdeck.telemetry.prometheus.otlp.select import OtlpSeries
from quarterdeck.telemetry.prometheus.points import between
from quarterdeck.telemetry.promql.source import Labels

MOST = 10_000  # of one answer, the newest


def read(
    engine: Engine,
    catalog: Catalog,
    otlp: OtlpSeries,
    project: int,
    selectors: Selectors,
    start: int,
    end: int,
) -> list[dict[str, Any]]:
    """`seriesLabels` and `exemplars` of each series that has some, in the order of labels."""
    found: dict[int, tuple[Labels, list[dict[str, Any]]]] = {}
    for matchers in selectors:
        native = catalog.find(project, matchers, start, end)
        _add(engine, found, project, "prom_exemplars", _NATIVE, [(e.ids, e.labels()) for e in native], start, end)  # fmt: skip
        physical = [w for w in otlp.find(project, matchers, start, end) if w.part in _SHOWN]
        _add(engine, found, project, "exemplars", _OTLP, [(e.ids, e.labels()) for e in physical], start, end)  # fmt: skip
    shown = [{"seriesLabels": labels, "exemplars": each} for labels, each in found.values() if each]
    return sorted(shown, key=lambda one: sorted(one["seriesLabels"].items()))


# A histogram's exemplars stand with its buckets; without `le` they belong to the whole.
_SHOWN = ("value", "bucket", "native")
_NATIVE = "labels"
_OTLP = "attributes, lower(hex(trace_id)), lower(hex(span_id))"


def _add(
    engine: Engine,
    found: dict[int, tuple[Labels, list[dict[str, Any]]]],
    project: int,
    table: str,
    what: str,
    series: list[tuple[Any, list[Labels]]],
    start: int,
    end: int,
) -> None:
    for ids, labels in series:
        for id_, each in zip(ids.tolist(), labels, strict=True):
            found.setdefault(id_, (each, []))
    ids = np.concatenate([ids for ids, _ in series] or [np.empty(0, np.uint64)])
    if not len(ids):
        return
    sql = (
        f"SELECT series_id, toUnixTimestamp64Milli(time) AS at, value, {what} FROM {table}"
        f" WHERE project = {project} AND series_id IN ({listed(ids)}) AND {between(start - 1, end)}"
        f" ORDER BY time DESC LIMIT {MOST}"
    )
    for id_, at, value, given, *trace in reversed(
        engine.query("promql_exemplars", sql, limits=LIMITS).rows
    ):
        said = naming.labels_of(given.items()) if trace else dict(given)
        for name, text in zip(("trace_id", "span_id"), trace, strict=False):
            if text.strip("0"):
                said[name] = text
        one = {"labels": said, "value": text_of(float(value)), "timestamp": at / 1000}
        if one not in found[id_][1]:
            found[id_][1].append(one)
