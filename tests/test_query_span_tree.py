"""The tree of a trace, the time its spans spent themselves, and its critical path, case by case."""

import itertools
import random

import pytest

from quarterdeck.telemetry.query.span_tree import Seen, critical_path, self_times, tree_of

Case = list[tuple[str, str, int, int]]  # id, parent, start, end; id may say its kind: "a:client"


def seen(case: Case) -> list[Seen]:
    return [
        Seen(id.partition(":")[0], parent, start, end, id.partition(":")[2] or "internal")
        for id, parent, start, end in case
    ]


def path(case: Case) -> list[tuple[str, int, int]]:
    """The critical path from its beginning."""
    spans = seen(case)
    parts = critical_path(tree_of(spans))
    return [(str(spans[i].id), start, end) for i, start, end in reversed(parts)]


@pytest.mark.parametrize(
    ("case", "parents"),
    [
        pytest.param([("a", "", 0, 9), ("b", "a", 1, 2), ("c", "b", 1, 2)], [-1, 0, 1], id="nested"),
        pytest.param([("b", "a", 1, 2), ("a", "", 0, 9)], [1, -1], id="a parent that comes later"),
        pytest.param([("a", "", 0, 9), ("x", "gone", 3, 4)], [-1, -1], id="an orphan"),
        pytest.param([("a", "a", 0, 9)], [-1], id="its own parent"),
        pytest.param([("a", "b", 1, 9), ("b", "a", 0, 9)], [1, -1], id="a circle of two"),
        pytest.param(
            [("a", "c", 2, 9), ("b", "a", 0, 9), ("c", "b", 1, 9), ("d", "c", 3, 4)],
            [2, -1, 1, 2], id="a circle of three with a tail",
        ),
        pytest.param([("a", "", 0, 9), ("a", "", 2, 3), ("b", "a", 4, 5)], [-1, -1, 0], id="twins"),
        pytest.param(
            [("p", "", 0, 9), ("s:client", "p", 1, 8), ("s:server", "p", 2, 7), ("x", "s", 3, 4)],
            [-1, 0, 1, 2], id="two sides of a call that share an id",
        ),
        pytest.param(
            [("s:server", "", 2, 7), ("s:client", "", 1, 8)], [1, -1], id="the same, server first",
        ),
        pytest.param([("", "", 0, 9), ("", "", 1, 2), ("b", "", 3, 4)], [-1, -1, -1], id="no ids"),
    ],
)  # fmt: skip
def test_every_span_has_one_place(case: Case, parents: list[int]) -> None:
    tree = tree_of(seen(case))
    assert tree.parents == parents
    assert sorted(tree.order) == list(range(len(case)))


def test_a_chain_of_thousands_is_no_deeper_than_memory() -> None:
    case = [(str(i), str(i - 1), i, 20_000 - i) for i in range(5_000)]
    tree = tree_of(seen(case))
    assert tree.order == list(range(5_000))
    assert sum(end - start for _, start, end in critical_path(tree)) == 20_000
    assert self_times(tree)[0] == 2


def test_self_time_counts_each_moment_once_and_ignores_what_lies_outside() -> None:
    case = [
        ("a", "", 0, 100),
        ("b", "a", 10, 50),
        ("c", "a", 30, 60),  # overlaps b
        ("d", "a", 90, 150),  # outlives its parent
        ("e", "gone", 0, 10),  # its parent never came
        ("f", "f", 0, 5),  # its own parent
    ]
    assert self_times(tree_of(seen(case))) == [40, 40, 30, 60, 10, 5]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        pytest.param([("a", "", 0, 10)], [("a", 0, 10)], id="alone"),
        pytest.param([("a", "", 5, 5)], [], id="no time at all"),
        pytest.param(
            [("a", "", 0, 100), ("b", "a", 10, 40), ("c", "a", 50, 90)],
            [("a", 0, 10), ("b", 10, 40), ("a", 40, 50), ("c", 50, 90), ("a", 90, 100)],
            id="one after the other",
        ),
        pytest.param(
            [("a", "", 0, 100), ("b", "a", 10, 40), ("c", "a", 10, 90)],
            [("a", 0, 10), ("c", 10, 90), ("a", 90, 100)],
            id="side by side: the longer one",
        ),
        pytest.param(
            [("a", "", 0, 100), ("b", "a", 0, 60), ("c", "a", 40, 100)],
            [("a", 0, 40), ("c", 40, 100)],
            id="began while another ran: it did not wait for that",
        ),
        pytest.param(
            [("a", "", 0, 100), ("b", "a", 0, 40), ("c", "a", 40, 100)],
            [("b", 0, 40), ("c", 40, 100)],
            id="one ends as the next begins",
        ),
        pytest.param(
            [("a", "", 0, 100), ("b", "a", 20, 80), ("c", "b", 30, 50), ("d", "b", 50, 70)],
            [("a", 0, 20), ("b", 20, 30), ("c", 30, 50), ("d", 50, 70), ("b", 70, 80), ("a", 80, 100)],
            id="nested",
        ),
        pytest.param(
            [("a", "", 0, 100), ("work", "a", 10, 30), ("mail", "a", 40, 500)],
            [("a", 0, 10), ("work", 10, 30), ("a", 30, 100)],
            id="a child that outlives its parent was not waited for",
        ),
        pytest.param(
            [("a", "", 0, 100), ("b", "a", 10, 50), ("z", "a", 60, 60), ("y", "a", 100, 100)],
            [("a", 0, 10), ("b", 10, 50), ("a", 50, 100)],
            id="children that took no time",
        ),
        pytest.param(
            [("a", "", 50, 100), ("b", "a", 20, 80)],
            [("b", 50, 80), ("a", 80, 100)],
            id="a child that began before its parent",
        ),
        pytest.param(
            [("a", "", 50, 100), ("b", "a", 10, 40)],
            [("a", 50, 100)],
            id="a child that was over before",
        ),
        pytest.param(
            [("a", "", 0, 30), ("b", "", 50, 80), ("c", "b", 60, 70)],
            [("a", 0, 30), ("b", 50, 60), ("c", 60, 70), ("b", 70, 80)],
            id="roots with a gap between",
        ),
        pytest.param(
            [("a", "", 0, 100), ("lost", "gone", 20, 60)],
            [("a", 0, 100)],
            id="an orphan beside a root that runs all the time",
        ),
        pytest.param(
            [("a:client", "", 0, 100), ("b:server", "a", 40, 120), ("c", "b", 50, 110)],
            [("a", 0, 20), ("b", 40, 50), ("c", 50, 110), ("b", 110, 120)],
            id="the server's clock is ahead: its path lies on its bars",
        ),
        pytest.param(
            [("a:client", "", 0, 100), ("b:server", "a", 10, 300), ("c", "b", 20, 90), ("d", "b", 95, 250)],
            [("a", 0, 10), ("b", 10, 20), ("c", 20, 90), ("b", 90, 95), ("d", 95, 100)],
            id="a caller that gave up waited until then",
        ),
        pytest.param(
            [("a", "b", 0, 10), ("b", "a", 2, 8)],
            [("a", 0, 2), ("b", 2, 8), ("a", 8, 10)],
            id="a circle",
        ),
    ],
)  # fmt: skip
def test_the_critical_path_is_what_the_end_waited_for(
    case: Case, expected: list[tuple[str, int, int]]
) -> None:
    assert path(case) == expected


@pytest.mark.parametrize("seed", range(40))
def test_the_path_of_any_trace_adds_up_to_its_time(seed: int) -> None:
    random.seed(seed)
    spans = [Seen(1, 0, 0, 1000, "server")]
    for i in range(2, 60):
        start = random.randint(-50, 900)
        kind = random.choice(["client", "server", "internal", "consumer"])
        parent = random.choice([random.randint(1, 59), i - 1])
        spans.append(Seen(i, parent, start, start + random.randint(0, 300), kind))
    tree = tree_of(spans)
    parts = critical_path(tree)
    told = [(start + tree.shifts[i], end + tree.shifts[i]) for i, start, end in reversed(parts)]
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(told))
    roots = sorted((tree.starts[i], tree.ends[i]) for i in tree.roots)
    assert told[-1][1] == max(end for _, end in roots)
    gaps = sum(after[0] - before[1] for before, after in itertools.pairwise(told))
    assert sum(end - start for start, end in told) + gaps == told[-1][1] - told[0][0]
    alone = self_times(tree)
    assert all(0 <= own <= tree.ends[i] - tree.starts[i] for i, own in enumerate(alone))
