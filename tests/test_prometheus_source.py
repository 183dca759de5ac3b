"""The source of PromQL over the engine: matchers, repeated samples, limits; columns of answers."""

import re

import numpy as np
import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.store.telemetry import Limits, columns
from quarterdeck.telemetry.prometheus import catalog
from quarterdeck.telemetry.prometheus.catalog import Catalog
from quarterdeck.telemetry.prometheus.match import matches
from quarterdeck.telemetry.prometheus.otlp.catalog import OtlpCatalog
from quarterdeck.telemetry.prometheus.otlp.select import OtlpSeries
from quarterdeck.telemetry.prometheus.source import PromSource
from quarterdeck.telemetry.promql.limits import Limits as QueryLimits
from quarterdeck.telemetry.promql.source import STALE_BITS, Matcher
from support.engine import new_project, shared_engine
from support.prometheus import add_series, source_of

T = 1_790_000_000_000
STALE = float(np.array([STALE_BITS], np.uint64).view(np.float64)[0])
NAME = Matcher("__name__", "=", "m")


def test_answers_of_the_engine_become_columns() -> None:
    engine = shared_engine()
    sql = (
        "SELECT number AS n, toFloat64(number) / 4 AS f, toInt8(-1) AS i, toDate(number) AS d, 'x' AS s,"
        " toLowCardinality(toString(number % 2)) AS lc, range(number % 3)::Array(UInt16) AS many,"
        " if(number = 1, NULL, number)::Nullable(Float64) AS maybe, toDateTime64(number, 3) AS t,"
        " [NULL, 1]::Array(Nullable(Float64)) AS holes FROM numbers(5)"
    )
    whole = columns.read(engine, "t", sql)
    in_blocks = columns.read(engine, "t", sql, settings={"max_block_size": 2})
    for read in (whole, in_blocks):
        assert read["n"].values.tolist() == [0, 1, 2, 3, 4]
        assert read["f"].values.tolist() == [0, 0.25, 0.5, 0.75, 1]
        assert read["i"].values.tolist() == [-1] * 5
        assert read["d"].values.tolist() == [0, 1, 2, 3, 4]
        assert read["s"].values.tolist() == ["x"] * 5
        assert read["lc"].values.tolist() == ["0", "1", "0", "1", "0"]
        assert read["many"].values.tolist() == [0, 0, 1, 0]
        assert read["many"].offsets is not None
        assert read["many"].offsets.tolist() == [0, 0, 1, 3, 3, 4]
        assert read["maybe"].missing is not None
        assert read["maybe"].missing.tolist() == [False, True, False, False, False]
        assert read["t"].values.tolist() == [0, 1000, 2000, 3000, 4000]
        assert read["holes"].missing is not None
        assert read["holes"].missing.tolist() == [True, False] * 5
    empty = columns.read(engine, "t", "SELECT 1 AS a WHERE 0")
    assert "a" not in empty
    assert len(empty["a"].values) == 0
    with pytest.raises(TypeError):
        columns.read(engine, "t", "SELECT (1, 'a') AS pair")


@pytest.mark.parametrize(
    "pattern",
    ["a|b", "api-.*", ".+", ".*", "", "a\\.b|c\\|d", "(api|web)-[0-9]+", "x.y", "(?i)API-1", "a{2}", ".*-.*-.*-.*"],
)  # fmt: skip
def test_expressions_mean_what_the_engine_says(pattern: str) -> None:
    values = ["", "a", "b", "api-1", "web-22", "a.b", "axb", "c|d", "aa", "x\ny", "xay", "a-b-c-d", "API-1"]  # fmt: skip
    found = matches(shared_engine(), Matcher("l", "=~", pattern), values).tolist()
    assert found == [re.fullmatch(pattern, v, re.DOTALL) is not None for v in values]
    assert matches(shared_engine(), Matcher("l", "!~", pattern), values).tolist() == [not f for f in found]  # fmt: skip


@pytest.mark.parametrize("most", [150_000, 1])
def test_matchers_choose_series_and_an_absent_label_is_empty(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In memory, and in the engine where a metric has too many series for that."""
    monkeypatch.setattr(catalog, "MOST_IN_MEMORY", most)
    engine, project = shared_engine(), new_project().id
    add_series(engine, project, [
        ({"__name__": "m", "a": "1", "b": "x"}, [(T, 1.0)]),
        ({"__name__": "m", "a": "2"}, [(T, 2.0)]),
        ({"__name__": "n", "a": "1"}, [(T, 3.0)]),
    ])  # fmt: skip
    source = source_of(engine, project)

    def values(*matchers: Matcher) -> list[float]:
        return sorted(source.select(matchers, T - 1, T).values.tolist())

    assert values(NAME) == [1, 2]
    assert values(NAME, Matcher("b", "=", "")) == [2]
    assert values(NAME, Matcher("b", "!=", "")) == [1]
    assert values(Matcher("a", "=", "1")) == [1, 3]
    assert values(Matcher("__name__", "=~", "m|n"), Matcher("a", "!~", "2|3")) == [1, 3]
    assert values(Matcher("__name__", "!=", "m"), Matcher("a", "=~", ".+")) == [3]
    assert values(NAME, Matcher("none", "=", "x")) == []
    # A series that arrives later is seen at once, though others of its metric are known.
    add_series(engine, project, [({"__name__": "m", "a": "9", "new": "yes"}, [(T, 9.0)])])
    assert values(NAME) == [1, 2, 9]
    assert values(NAME, Matcher("new", "=", "yes")) == [9]


def test_the_range_is_open_at_its_left_and_markers_keep_their_bits() -> None:
    engine, project = shared_engine(), new_project().id
    points = [(T, 1.0), (T + 1, STALE), (T + 2, float("nan")), (T + 3, 4.0)]
    add_series(engine, project, [({"__name__": "m"}, points)])
    found = source_of(engine, project).select([NAME], T, T + 2)
    assert found.times.tolist() == [T + 1, T + 2]
    assert (found.values.view(np.uint64) == STALE_BITS).tolist() == [True, False]
    assert found.labels == [{"__name__": "m"}]


def test_a_sample_sent_again_comes_once_and_a_changed_one_is_the_newest() -> None:
    engine, project = shared_engine(), new_project().id
    for value in (1.0, 1.0, 7.0, 5.0):
        add_series(engine, project, [({"__name__": "m"}, [(T, value), (T + 1, 2.0)])])
    found = source_of(engine, project).select([NAME], T - 1, T + 1)
    assert found.times.tolist() == [T, T + 1]
    assert found.values.tolist() == [5.0, 2.0]


def test_what_would_read_too_much_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, project = shared_engine(), new_project().id
    points = [(T + i, float(i)) for i in range(200)]
    add_series(engine, project, [({"__name__": "m", "n": str(n)}, points) for n in range(3)])

    def source(limits: QueryLimits) -> PromSource:
        otlp = OtlpSeries(engine, OtlpCatalog(engine))
        return PromSource(engine, Catalog(engine), otlp, project, limits, Limits())

    with pytest.raises(BadInput, match="samples") as told:
        source(QueryLimits(samples=500)).select([NAME], 0, T + 1000)
    assert told.value.code == "promql_too_many_samples"
    monkeypatch.setattr(catalog, "MOST_FOUND", 2)
    with pytest.raises(BadInput, match="matches 3 series"):
        Catalog(engine).find(project, [NAME], 0, T + 1000)
    monkeypatch.undo()
    with pytest.raises(BadInput, match="matches 3 series"):
        source(QueryLimits(series=2)).select([NAME], 0, T + 1000)
    assert len(source(QueryLimits(samples=600)).select([NAME], 0, T + 1000).times) == 600
