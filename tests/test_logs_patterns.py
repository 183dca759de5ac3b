"""Alike lines are folded, and what was never seen before a deployment comes first."""

import pytest

from quarterdeck.telemetry import patterns
from quarterdeck.telemetry.erase import erase_person
from quarterdeck.telemetry.query.log_mask import hash_of, pattern_of
from quarterdeck.telemetry.query.log_patterns import LogPatterns, Sort, log_patterns
from quarterdeck.telemetry.query.logs import search
from quarterdeck.telemetry.query.window import Window, window_of
from quarterdeck.telemetry.releases import note_new
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, now_ns

MINUTE = 60 * SECOND

LINES = {
    "Order 8812 placed by ada@example.com in 12ms": "Order <*> placed by <email> in <*>",
    "2026-11-21T10:03:33.120Z closed 10.0.3.7:52110, retries 3": "<time> closed <ip>, retries <*>",
    "job 7f3e2b1c-0d4a-4b7e-9c1d-2f6a5e8b9c0d done": "job <uuid> done",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736 at 0xDEADBEEF": "trace <*> at <*>",
    "commit deadbee, commit 1234567, commit 12a4f6e": "commit <*>, commit <*>, commit <*>",
    'column "price" of \'orders\' is missing, don\'t retry': "column <text> of <text> is missing, don't retry",
    '10.1.2.3 - "GET /items/77?page=3 HTTP/1.1" 200': "<ip> - GET /items/<*>?<query> HTTP/<*> <*>",
    "ids [1, 2, 3, 99] dropped": "ids [<*>] dropped",
    "\x1b[31mfailed\x1b[0m after 3 tries": "failed after <*> tries",
    "delta -5 is  below\n\t0": "delta <*> is below <*>",
    '{"level":"info","message":"paid order 77","n":1}': "paid order <*>",
    '{"a":"x","n":15}': "{a:x,n:<*>}",
    "peer 2001:db8::ff00:42:8329 left": "peer <ip> left",
    "": "",
}  # fmt: skip


def folded(*bodies: str) -> list[str]:
    quoted = ", ".join(f"unhex('{body.encode().hex()}')" for body in bodies)
    sql = f"SELECT {pattern_of('line')} FROM (SELECT arrayJoin([{quoted}]) AS line)"
    return [row[0] for row in shared_engine().query("mask", sql).rows]


def around(at: int, minutes: int = 60, environment: str = "") -> Window:
    return Window(0, at // 10**6 - minutes * 60_000, at // 10**6 + 60_000, environment)


def asked(
    project: int, window: Window, sort: Sort = "new", *, q: str = "", service: str = "", severity: str = ""
) -> LogPatterns:  # fmt: skip
    window = window_of(project, window.start_ms, window.end_ms, window.environment)
    return log_patterns(shared_engine(), window, sort=sort, q=q, service=service, severity=severity)


def count() -> None:
    at = now_ns() + 10 * SECOND
    note_new(shared_engine(), at)
    patterns.count_new(shared_engine(), at)


def test_what_varies_in_a_line_is_replaced_by_a_word_for_its_kind() -> None:
    assert dict(zip(LINES, folded(*LINES), strict=True)) == LINES


def test_a_mask_is_short_and_stays_text_whatever_the_line() -> None:
    hostile = ["ÿé" * 5_000, "(" * 9_000, '"' * 1_001, "a" * 20_000, "\x00\x1b[\x07<script>"]
    for text in folded(*hostile):
        assert len(text) <= 240
        assert "�" not in text[:-1]


def test_a_line_never_written_before_a_deployment_is_first_among_the_new() -> None:
    project, at = new_project().id, now_ns()
    old = [
        {"body": f"order {i} paid", "time": at - i * MINUTE, "release": "1.0" if i > 10 else "2.0"}
        for i in range(1, 50)
    ]
    other = [
        {"body": f"mail {i} sent", "service": "mail", "time": at - i * MINUTE} for i in range(60)
    ]
    planted = {"body": "stock of sku-17 is -3", "time": at - MINUTE, "release": "2.0", "severity_number": 13}  # fmt: skip
    chatty = [
        {"body": f"new cache warmed {i}", "time": at - i * SECOND, "release": "2.0"}
        for i in range(40)
    ]
    add_logs(shared_engine(), project, *old, *other, *chatty, planted)
    assert asked(project, around(at)).total == 150  # folded there and then: not counted yet
    count()
    found = asked(project, around(at))
    assert found.items[0].pattern == "stock of sku-<*> is <*>"
    assert [item.pattern for item in found.items if item.new] == [
        "stock of sku-<*> is <*>", "new cache warmed <*>",
    ]  # fmt: skip
    first = found.items[0]
    assert (first.release, first.severity, first.count, first.sample) == (
        "2.0", "warn", 1, "stock of sku-17 is -3",
    )  # fmt: skip
    assert first.since_ms == (at - 10 * MINUTE) // 10**6
    assert (found.new, found.patterns, found.total, found.sampled) == (2, 4, 150, False)
    # The same through a search, which folds the lines then and there.
    searched = asked(project, around(at), q="stock")
    assert [(item.pattern, item.new) for item in searched.items] == [
        ("stock of sku-<*> is <*>", True)
    ]


def test_without_a_deployment_new_is_what_was_not_seen_before_the_range() -> None:
    project, at = new_project().id, now_ns()
    hour = 60 * MINUTE
    add_logs(
        shared_engine(),
        project,
        {"body": "tick 1", "time": at - 3 * hour},
        {"body": "tick 2", "time": at - MINUTE},
        {"body": "tock 2", "time": at - MINUTE},
        {"body": "hello 1", "service": "fresh", "time": at - MINUTE},
        # Heard of shortly before the range: what it seldom writes is not new.
        {"body": "young 1", "service": "young", "time": at - 70 * MINUTE},
        {"body": "seldom 1", "service": "young", "time": at - MINUTE},
    )
    count()
    found = asked(project, around(at))
    assert sorted((item.pattern, item.new) for item in found.items) == [
        ("hello <*>", False), ("seldom <*>", False), ("tick <*>", False), ("tock <*>", True),
    ]  # fmt: skip
    assert found.items[0].new
    tick = next(item for item in found.items if item.pattern == "tick <*>")
    assert tick.first_ms == (at - 3 * hour) // 10**6


def test_patterns_are_counted_by_service_severity_and_environment() -> None:
    project, at = new_project().id, now_ns()
    add_logs(
        shared_engine(),
        project,
        *({"body": f"a {i}", "time": at - i * SECOND} for i in range(30)),
        *({"body": f"b {i}", "time": at - i * SECOND, "severity_number": 17} for i in range(20)),
        *({"body": f"a {i}", "time": at - i * SECOND, "environment": "test"} for i in range(10)),
    )
    count()
    every = asked(project, around(at), "count")
    assert [(i.pattern, i.count, i.severity) for i in every.items] == [("a <*>", 40, "info"), ("b <*>", 20, "error")]  # fmt: skip
    assert sum(every.items[0].trend) == 40
    assert every.items[0].share == pytest.approx(2 / 3)
    assert [i.count for i in asked(project, around(at), severity="error").items] == [20]
    assert [i.count for i in asked(project, around(at, environment="test")).items] == [10]
    assert asked(project, around(at), service="nobody").items == []


def test_the_lines_of_a_pattern_are_found_by_its_text_and_by_its_hash() -> None:
    project, at = new_project().id, now_ns()
    bodies = ["user 1 paid", "user 2 paid", "user ann paid", "paid user 3", "\x1b[1muser 4\x1b[0m paid"]  # fmt: skip
    add_logs(shared_engine(), project, *({"body": b, "time": at - i} for i, b in enumerate(bodies)))
    window = window_of(project, at // 10**6 - 1_000, at // 10**6 + 1_000)
    sql = f"SELECT lower(hex({hash_of(pattern_of('line'))})) FROM (SELECT 'user 9 paid' AS line)"
    hash = shared_engine().query("hash", sql).rows[0][0]
    for wanted in ('pattern:"user <*> paid"', f"pattern:{hash}"):
        found = search(shared_engine(), window, q=wanted).items
        assert [row.body for row in found] == [bodies[0], bodies[1], bodies[4]]
        found = search(shared_engine(), window, q=f"-{wanted}").items
        assert [row.body for row in found] == [bodies[2], bodies[3]]


def test_what_exceeds_the_bounds_is_counted_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(patterns, "PATTERNS_A_RUN", 3)
    project, at = new_project().id, now_ns()
    words = ["alpha", "beta", "gamma", "delta", "epsilon"]
    add_logs(
        shared_engine(),
        project,
        *({"body": word, "time": at - i} for word in words for i in range(words.index(word) + 1)),
        {"body": "rare failure", "time": at, "severity_number": 17},
    )
    count()
    found = asked(project, around(at), "count")
    assert {(i.pattern, i.count) for i in found.items} == {
        ("epsilon", 5), ("delta", 4), ("rare failure", 1), ("", 6),
    }  # fmt: skip
    assert (found.total, found.patterns) == (16, 3)


def test_an_erased_person_leaves_no_line_behind_as_a_sample() -> None:
    project, at = new_project().id, now_ns()
    add_logs(
        shared_engine(),
        project,
        {"body": "order 1 of Ada", "time": at, "attributes": {"user.id": "ada"}},
        {"body": "tick 2", "time": at},
    )
    count()
    assert [item.sample for item in asked(project, around(at), "count").items] == [
        "order 1 of Ada", "tick 2",
    ]  # fmt: skip
    erase_person(shared_engine(), project, "ada")
    left = {item.pattern: (item.sample, item.count) for item in asked(project, around(at)).items}
    assert left == {"order <*> of Ada": ("", 1), "tick <*>": ("tick 2", 1)}
