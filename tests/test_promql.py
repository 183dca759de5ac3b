"""The PromQL evaluator, against files in the language of Prometheus' own tests.

`tests/promql` holds ours, with results worked out by hand. Prometheus' files are run too where
`PROMQLTEST` names their directory (promql/promqltest/testdata in prometheus/prometheus).
"""

import os
import re
from pathlib import Path

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.promql import calls, functions, ranging
from quarterdeck.telemetry.promql.operators import ARITHMETIC, COMPARISONS
from quarterdeck.telemetry.promql.syntax import parse
from support.promqltest import read, run
from support.promqltest_excused import excuse

FUNCTIONS = {*ranging.KERNELS, *functions.SIMPLE, *functions.DATES, *calls.TABLE, "info"}
AGGREGATIONS = {
    *("sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "quantile"),
    *("topk", "bottomk", "limitk", "limit_ratio", "count_values"),
}
OURS = sorted((Path(__file__).parent / "promql").glob("*.test"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_expressions_give_what_was_worked_out_by_hand(path: Path) -> None:
    wrong = {}
    for case in read(path.name, path.read_text()):
        problems = run(case)
        if problems:
            wrong[f"{case.name} {case.text}"] = problems
    assert not wrong


def test_every_function_aggregation_and_operator_is_among_the_cases() -> None:
    asked = " ".join(case.text for path in OURS for case in read(path.name, path.read_text()))
    words = set(re.findall(r"[a-z][a-z0-9_]*|[-+*/%^<>=!]+", asked))
    operators = {*ARITHMETIC, *COMPARISONS, "and", "or", "unless"}
    assert len(FUNCTIONS) == 90
    assert not (FUNCTIONS | AGGREGATIONS | operators) - words


def test_the_docs_list_every_function() -> None:
    table = (Path(__file__).parents[1] / "docs/promql.md").read_text().split("## What is not")[0]
    words = set(re.findall(r"\w+", table))
    assert not (FUNCTIONS | AGGREGATIONS) - words


def test_the_parser_knows_every_function_of_the_evaluator() -> None:
    def refusal(name: str) -> str:
        with pytest.raises(BadInput) as caught:
            parse(f'{name}("x", "x", "x", "x", "x", "x", "x")')
        return caught.value.message

    assert not [name for name in FUNCTIONS if "unknown function" in refusal(name)]


def test_the_evaluator_passes_the_tests_of_prometheus() -> None:
    directory = os.environ.get("PROMQLTEST")
    if not directory:
        pytest.skip("PROMQLTEST does not name the directory of Prometheus' test files")
    wrong, seen = {}, 0
    for path in sorted(Path(directory).glob("*.test")):
        for case in read(path.name, path.read_text()):
            seen += 1
            problems, reason = run(case), excuse(case)
            if bool(problems) != bool(reason):
                wrong[f"{case.name} {case.text}"] = problems or [f"passes, though {reason}"]
    assert seen > 1000
    assert not wrong
