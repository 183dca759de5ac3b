"""What a query may ask: limits, hostile expressions, and what holds of all expressions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.telemetry.promql.evaluate import evaluate
from quarterdeck.telemetry.promql.limits import Limits
from quarterdeck.telemetry.promql.source import Grid, Labels, Matcher, Matrix, Selected
from quarterdeck.telemetry.promql.syntax import parse
from quarterdeck.telemetry.promql.values import Result
from support.promql import Memory
from support.promql_random import Expressions

HOUR = Grid(0, 3_600_000, 60_000)
LINES = [
    'a_total{x="1", le="1"} 0+1x20',
    'a_total{x="2", le="+Inf"} 5-1x20 stale',
    'b{x="1"} 1 NaN Inf -Inf _ 3 1x10',
    'h{x="1"} {{schema:0 count:4 sum:5 buckets:[1 2 1]}}+{{schema:0 count:4 sum:5 buckets:[1 2 1]}}x15',
    'h{x="2"} 1 2 {{schema:-53 count:4 sum:5 buckets:[1 2 1] custom_values:[1 2]}} 3',
    'target_info{x="1", instance="a"} 1x20',
]


@pytest.fixture(scope="module")
def memory() -> Memory:
    memory = Memory()
    memory.load(60_000, LINES)
    return memory


@dataclass
class Watched(Memory):
    """Notes what it is asked; works `sum_over_time` out itself, the way it says."""

    selected: list[tuple[Matcher, ...]] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)

    def select(self, matchers: Sequence[Matcher], after: int, until: int) -> Selected:
        self.selected.append(tuple(matchers))
        return super().select(matchers, after, until)

    def over_grid(
        self, function: str, matchers: Sequence[Matcher], grid: Grid, window: int
    ) -> Matrix | None:
        self.pushed.append(function)
        if function != "sum_over_time":
            return None
        values = np.full((1, grid.count), 7.0)
        return Matrix([{"__name__": "a_total", "x": "7"}], values, values > 0)


def refused(
    memory: Memory, text: str, when: Grid | int = HOUR, limits: Limits | None = None
) -> QuarterdeckError:
    with pytest.raises(QuarterdeckError) as caught:
        evaluate(text, memory, when, limits=limits)
    return caught.value


@pytest.mark.parametrize(
    ("text", "limits", "code", "said"),
    [
        ("a_total", Limits(series=1), "promql_too_many_series", "matches 2 series"),
        ("sum(a_total)", Limits(samples=20), "promql_too_many_samples", "more than 20 samples"),
        ("a_total", Limits(steps=10), "promql_too_many_steps", "10 points per timeseries"),
        ("a_total", Limits(points=100), "promql_too_many_points", "2 series at 61 moments"),
        ("rate(a_total[5m])", Limits(points=100), "promql_too_many_points", "2 series"),
        ("a_total", Limits(seconds=0), "promql_timeout", "longer than 0 s"),
        ("max_over_time(a_total[1y:1s])", None, "promql_too_many_steps", "points per"),
        ("sum_over_time(a_total[30d:30s])", Limits(samples=60), "promql_too_many_samples", "60"),
    ],
)
def test_a_query_beyond_a_limit_is_stopped_and_the_limit_named(
    memory: Memory, text: str, limits: Limits | None, code: str, said: str
) -> None:
    error = refused(memory, text, limits=limits)
    assert error.code == code
    assert said in error.message
    assert error.hint


@pytest.mark.parametrize(
    "text",
    [
        *("(" * 200 + "1" + ")" * 200, "abs(" * 5_000 + "b" + ")" * 5_000, "-" * 20_000 + "b"),
        *("b + " * 20_000 + "b", "b or " * 15_000 + "b", "b ^ " * 20_000 + "b", "b" * 200_000),
        *("(" * 90_000, "b[" * 9_000, "b @ -1e300", "b @ 1e300", "b[99999999999y]", "\0", "\ud800"),
        *('b{x=~"((a{1000}){1000}){1000}"}', 'b{x=~"("}', "b{x='", "#", "", " ", "b{}{}"),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_a_hostile_expression_is_refused(memory: Memory, text: str) -> None:
    assert refused(memory, text, 0).code in ("promql_syntax", "promql_execution")


@pytest.mark.parametrize(
    "text",
    [
        *("rate(b[5m] anchored)", "rate(b[5m] smoothed)", "b smoothed", "b offset step()"),
        *("b[5m * 2]", "b[step()]", "b offset (1m + 1m)", "h </ 2", "h >/ 2"),
        *('b{x="1" or x="2"}', 'info(b, {x=~".*"})', "holt_winters(b[5m], 0.1, 0.2)"),
        *("topk(b, b)", "sum(1)", "1 < 2", "rate(b)", 'b + "x"', "sum(b[5m])"),
    ],
)
def test_what_is_not_supported_is_a_syntax_error(memory: Memory, text: str) -> None:
    error = refused(memory, text)
    assert error.code == "promql_syntax"
    assert error.status == 400


def test_labels_that_double_are_stopped(memory: Memory) -> None:
    text = "b"
    for _ in range(40):
        text = f'label_replace({text}, "x", "$1$1", "x", "(.*)")'
    assert "longer than 65536" in refused(memory, text).message
    text = "b"
    for _ in range(40):
        text = f'label_join({text}, "x", "", "x", "x")'
    assert "longer than 65536" in refused(memory, text).message


def test_a_range_query_of_a_range_vector_is_refused(memory: Memory) -> None:
    assert refused(memory, "b[5m]").code == "promql_syntax"
    assert refused(memory, '"text"').code == "promql_syntax"


def at(result: Result, moment: int) -> dict[frozenset[tuple[str, str]], object]:
    """The points at one moment, by labels."""
    found: dict[frozenset[tuple[str, str]], object] = {}
    for points in result.series():
        for i in np.flatnonzero(points.times == moment).tolist():
            one = None if points.histograms is None else points.histograms[i]
            found[frozenset(points.labels.items())] = points.values[i] if one is None else one
    return found


def alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        both = math.isnan(one) and math.isnan(other)
        return both or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and one.same_as(other)  # type: ignore[attr-defined]


def test_any_expression_gives_over_a_range_what_it_gives_at_each_moment(memory: Memory) -> None:
    """And none fails but as it should."""
    expressions = Expressions(5)
    compared = 0
    for _ in range(150):
        text = expressions.vector(3)
        moments = [300_000, 660_000, 1_260_000]
        try:
            over = evaluate(text, memory, Grid(300_000, 1_260_000, 120_000))
            instants = [evaluate(text, memory, moment) for moment in moments]
        except QuarterdeckError:
            continue
        if over.kind != "matrix" or "limit" in text:
            continue
        for moment, instant in zip(moments, instants, strict=True):
            ranged, single = at(over, moment), at(instant, moment)
            assert ranged.keys() == single.keys(), (text, moment)
            for key, value in single.items():
                assert alike(ranged[key], value), (text, moment, dict(key), ranged[key], value)
            compared += len(single)
    assert compared > 100


def test_a_selector_is_fetched_once_however_often_it_is_written() -> None:
    memory = Watched()
    memory.load(60_000, LINES)
    evaluate("sum(a_total) / count(a_total) + max(a_total)", memory, HOUR)
    assert len(memory.selected) == 1


def test_the_source_works_out_what_it_can() -> None:
    memory = Watched()
    memory.load(60_000, LINES)
    result = evaluate("sum_over_time(a_total[5m]) + 1", memory, HOUR)
    assert not memory.selected
    labels: list[Labels] = [{"x": "7"}]
    assert result.labels == labels
    assert (result.values == 8).all()
    evaluate("max_over_time(a_total[9m]) + a_total", memory, HOUR)
    assert memory.pushed == ["sum_over_time", "max_over_time", "last"]
    assert len(memory.selected) == 2


def test_places_in_warnings_point_into_the_text(memory: Memory) -> None:
    said = evaluate('sum by (x) (\n  rate(b{x="("}[5m]) + rate(b[5m]))', memory, HOUR).infos
    assert said == [
        "PromQL info: metric might not be a counter, name does not end in "
        '_total/_sum/_count/_bucket: "b" (2:29)'
    ]


def test_an_answer_does_not_say_more_than_ten_times_what_it_has_to_say() -> None:
    memory = Memory()
    memory.load(60_000, [f"gauge_{number} 1 2 3" for number in range(25)])
    said = evaluate('count(rate({__name__=~"gauge_.+"}[3m]))', memory, 120_000).infos
    assert len(said) == 11
    assert said[-1] == "15 more info annotations omitted"


def test_an_expression_survives_parsing_with_all_its_parts() -> None:
    node = parse('sum by (a, b) (rate({"x.y", c!~"d"}[5m] offset -1m @ 1.5))')
    assert "Matcher(name='__name__', op='=', value='x.y')" in repr(node)
    assert "offset=-60000, at=1500, window=300000" in repr(node)
