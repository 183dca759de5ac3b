"""Where time goes: self time of spans, and what became slower since when."""

import random
import time
from typing import Any

from quarterdeck.telemetry import self_time
from quarterdeck.telemetry.minutes import LATE_MS
from quarterdeck.telemetry.query.bottlenecks import bottlenecks
from quarterdeck.telemetry.query.slower import Cut, best_cut, noticeable, slower
from quarterdeck.telemetry.query.window import Window, window_of
from quarterdeck.telemetry.releases import note_new
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_spans, now_ns

MINUTE = 60 * SECOND
MS = 1_000_000


def count() -> None:
    time.sleep(0.003)  # a mark is a millisecond, and what arrived within it counts as seen
    later = now_ns() + LATE_MS * MS
    self_time.count_new(shared_engine(), later, now_ns())
    time.sleep(0.003)


def window(project: int, minutes: int = 60, environment: str = "") -> Window:
    now = now_ns() // MS
    return window_of(project, now - minutes * 60_000, now + 60_000, environment)


def family(trace: str, at: int, *spans: tuple[str, str, str, int, int]) -> list[dict[str, Any]]:
    """(id, parent, name, start, duration), times in milliseconds since the start of the trace."""
    return [
        {
            "trace_id": trace * 32, "span_id": (id * 16)[:16], "parent_span_id": (parent * 16)[:16] or "0" * 16,
            "name": name, "time": at + start * MS, "duration_ns": duration * MS,
            "kind": "internal" if parent else "server", "service": "shop",
        }
        for id, parent, name, start, duration in spans
    ]  # fmt: skip


def selves(project: int) -> dict[str, tuple[int, float]]:
    found = bottlenecks(shared_engine(), window(project)).items
    return {each.name: (each.spans, round(each.self_ms, 3)) for each in found}


def test_self_time_leaves_out_children_once_however_they_overlap() -> None:
    project, at = new_project().id, now_ns() - 5 * MINUTE
    rows = family(
        "a", at,
        ("1", "", "root", 0, 100),
        ("2", "1", "one", 10, 30),  # overlaps with the next: together they cover 10 to 60
        ("3", "1", "two", 20, 40),
        ("4", "1", "late", 90, 50),  # outlives its parent, which lost 10 ms to it
        ("5", "3", "inner", 15, 10),  # began before its parent, by a clock that goes wrong
    )  # fmt: skip
    add_spans(shared_engine(), project, *rows)
    count()
    assert selves(project) == {
        "late": (1, 50.0),
        "root": (1, 40.0),
        "two": (1, 35.0),
        "one": (1, 30.0),
        "inner": (1, 10.0),
    }


def test_a_minute_that_more_arrives_for_is_counted_anew_and_not_twice() -> None:
    project, at = new_project().id, now_ns() - 5 * MINUTE
    root, child, other = family(
        "b", at, ("1", "", "root", 0, 100), ("2", "1", "child", 0, 60), ("3", "1", "other", 60, 30)
    )
    add_spans(shared_engine(), project, root, child)
    count()
    assert selves(project) == {"child": (1, 60.0), "root": (1, 40.0)}
    add_spans(shared_engine(), project, other)
    count()
    expected = {"child": (1, 60.0), "other": (1, 30.0), "root": (1, 10.0)}
    assert selves(project) == expected
    shared_engine().execute("TRUNCATE TABLE facet_marks")  # as if the run had died before its end
    count()
    assert selves(project) == expected


def test_shares_add_up_and_the_period_before_stands_beside() -> None:
    project, now = new_project().id, now_ns()
    for ago, duration in ((90, 10), (5, 30)):
        at = now - ago * MINUTE
        add_spans(
            shared_engine(), project, *family(f"{ago % 10}", at, ("1", "", "root", 0, duration))
        )
    add_spans(shared_engine(), project, *family("c", now - 3 * MINUTE, ("1", "", "new", 0, 10)))
    count()
    found = bottlenecks(shared_engine(), window(project))
    root, new = found.items
    assert (root.name, root.share, root.before, root.mean_self_ms) == ("root", 0.75, 10.0, 30.0)
    assert (new.name, new.share, new.before) == ("new", 0.25, None)
    assert round(sum(root.points) * found.step_ms / 1000, 6) == 0.03


def test_a_cut_is_found_where_a_course_becomes_slower_and_nowhere_else() -> None:
    rng = random.Random(7)

    def course(*levels: tuple[int, float], noise: float = 0.15) -> list[tuple[int, float]]:
        return [
            (50, level * MS * rng.lognormvariate(0, noise))
            for steps, level in levels
            for _ in range(steps)
        ]

    cut = best_cut(course((30, 100), (30, 180)))
    assert cut is not None
    assert 29 <= cut.at <= 31
    assert best_cut(course((60, 100))) is None
    assert best_cut(course((30, 180), (30, 100))) is None  # faster
    assert best_cut(course((30, 100), (30, 110))) is None  # hardly slower
    assert best_cut(course((58, 100), (2, 900))) is None  # a spike of two steps
    assert best_cut(course((54, 100), (6, 250))) is None  # minutes against an hour
    assert best_cut(course((50, 100), (10, 250))) is not None
    assert best_cut(course((20, 100), (10, 190), (20, 100), (10, 190))) is None  # it was so before
    assert best_cut([]) is None
    assert best_cut([(1, 100.0 * MS)] * 30 + [(0, 0.0)] * 2) is None
    false_alarms = sum(best_cut(course((60, 100), noise=0.4)) is not None for _ in range(200))
    assert false_alarms <= 2


def test_slower_counts_where_one_who_waits_or_the_machine_could_notice() -> None:
    assert not noticeable(Cut(5, 3 * MS, 18 * MS), rate=1)
    assert noticeable(Cut(5, 3 * MS, 18 * MS), rate=5)
    assert noticeable(Cut(5, 300 * MS, 600 * MS), rate=0.01)


def test_what_became_slower_is_named_with_its_moment_and_its_deployment() -> None:
    project, now = new_project().id, now_ns() // MINUTE * MINUTE
    spans = [
        {
            "service": "pay", "name": name, "kind": "server", "release": "2.0" if ago <= 20 else "1.0",
            "time": now - ago * MINUTE + i * SECOND, "trace_id": f"{ago * 100 + i + 1:032x}",
            "duration_ns": (250 if name == "charge" and ago <= 20 else 100) * MS + i * MS,
        }
        for ago in range(1, 55)
        for i in range(4)
        for name in ("charge", "refund")
    ]  # fmt: skip
    add_spans(shared_engine(), project, *spans)
    note_new(shared_engine(), now_ns() + SECOND)
    (found,) = slower(shared_engine(), window(project, 55))  # in steps of a minute
    assert (found.service, found.name, found.release) == ("pay", "charge", "2.0")
    assert found.since_ms == (now - 20 * MINUTE) // MS
    assert (round(found.before_ms), round(found.after_ms)) == (102, 252)
    assert found.impact > 0
