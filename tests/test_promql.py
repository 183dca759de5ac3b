"""The PromQL evaluator, against files in the language of Prometheus' own tests.

`tests/promql` holds ours, with results worked out by hand. Prometheus' files are run too where
`PROMQLTEST` names their directory (promql/promqltest/testdata in prometheus/prometheus).
"""

import os
from pathlib import Path

import pytest

from support.promqltest import read, run
from support.promqltest_excused import excuse

OURS = sorted((Path(__file__).parent / "promql").glob("*.test"))


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_expressions_give_what_was_worked_out_by_hand(path: Path) -> None:
    wrong = {}
    for case in read(path.name, path.read_text()):
        problems = run(case)
        if problems:
            wrong[f"{case.name} {case.text}"] = problems
    assert not wrong


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
