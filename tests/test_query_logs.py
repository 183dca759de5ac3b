"""The logs page: order, pages, histogram, and typed values."""

import pytest

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.log_context import read_record
from quarterdeck.telemetry.query.logs import Logs, search
from quarterdeck.telemetry.query.logs_histogram import logs_histogram
from quarterdeck.telemetry.query.window import grid_of, window_of
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_logs, now_ns


def pages(project: int, start: int, end: int, limit: int, order: str = "desc") -> list[Logs]:
    """Every page until there is no other."""
    found: list[Logs] = []
    cursor = ""
    while True:
        found.append(
            search(
                shared_engine(), window_of(project, start, end), limit=limit, cursor=cursor, order=order  # type: ignore[arg-type]
            )
        )  # fmt: skip
        cursor = found[-1].next_cursor or ""
        if not cursor or len(found) > 100:
            return found


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_pages_show_every_record_once_and_in_order(order: str) -> None:
    project, at = new_project().id, now_ns()
    add_logs(
        shared_engine(), project, *({"body": str(i), "time": at - i * SECOND} for i in range(25))
    )
    found = pages(project, at // 10**6 - 60_000, at // 10**6 + 1, 10, order)
    bodies = [row.body for page in found for row in page.items]
    assert [len(page.items) for page in found] == [10, 10, 5]
    assert bodies == [str(i) for i in (range(25) if order == "desc" else reversed(range(25)))]


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_pages_end_well_among_records_of_one_nanosecond(order: str) -> None:
    project, at = new_project().id, now_ns()
    moments = [at, at, at - SECOND, *[at - 2 * SECOND] * 30, at - 3 * SECOND]
    add_logs(
        shared_engine(), project, *({"body": f"{i}", "time": t} for i, t in enumerate(moments))
    )
    found = pages(project, at // 10**6 - 60_000, at // 10**6 + 1, 7, order)
    bodies = [row.body for page in found for row in page.items]
    assert sorted(bodies, key=int) == [str(i) for i in range(len(moments))]
    ids = [row.id for page in found for row in page.items]
    assert len(set(ids)) == len(ids)


def test_a_long_range_is_searched_to_its_other_end() -> None:
    project, at = new_project().id, now_ns()
    hour = 3600 * SECOND
    add_logs(
        shared_engine(),
        project,
        {"body": "old needle", "time": at - 20 * hour},
        {"body": "new needle", "time": at - 60 * SECOND},
    )
    window = window_of(project, at // 10**6 - 24 * 3_600_000, at // 10**6)
    assert [r.body for r in search(shared_engine(), window, q="needle").items] == [
        "new needle",
        "old needle",
    ]
    assert [r.body for r in search(shared_engine(), window, q="needle", order="asc").items] == [
        "old needle",
        "new needle",
    ]


def test_a_record_keeps_the_types_of_its_values() -> None:
    project, at = new_project().id, now_ns()
    attributes = {"s": "5", "i": 2**62, "d": 2.0, "b": True, "l": [1, 2.0, "x"], "o": {"k": None}}
    resource = {"service.name": "shop", "n": 1, "d": 1.0}
    add_logs(
        shared_engine(),
        project,
        {
            "attributes": attributes,
            "resource": resource,
            "time": at,
            "severity_number": 21,
            "severity_text": "CRIT",
        },
    )
    row = search(shared_engine(), window_of(project, at // 10**6 - 1, at // 10**6 + 1)).items[0]
    assert row.attributes == attributes
    assert row.resource == resource
    assert [type(v) for v in (row.attributes["i"], row.attributes["d"], row.resource["d"])] == [
        int,
        float,
        float,
    ]
    assert (row.severity, row.severity_text, row.severity_number) == ("fatal", "CRIT", 21)
    assert row.time_ns == str(at)


def test_no_other_project_and_no_other_environment_shows() -> None:
    one, other, at = new_project().id, new_project().id, now_ns()
    for project in (one, other):
        add_logs(shared_engine(), project, {"body": f"{project} prod", "time": at}, {"body": f"{project} test", "environment": "test", "time": at})  # fmt: skip
    start, end = at // 10**6 - 1000, at // 10**6 + 1000
    assert {r.body for r in search(shared_engine(), window_of(one, start, end)).items} == {
        f"{one} prod",
        f"{one} test",
    }
    only = search(shared_engine(), window_of(one, start, end, "test"))
    assert [r.body for r in only.items] == [f"{one} test"]


def test_the_histogram_counts_what_the_search_finds() -> None:
    project, at = new_project().id, now_ns()
    add_logs(
        shared_engine(),
        project,
        *({"body": "payment" if i % 2 else "cache", "severity_number": 17 if i % 4 == 0 else 9, "time": at - i * 30 * SECOND}
          for i in range(200)),
    )  # fmt: skip
    whole = window_of(project, at // 10**6 - 2 * 3_600_000, at // 10**6 + 1)
    for q, total in (("", 200), ("payment", 100), ("level:error", 50)):
        histogram = logs_histogram(shared_engine(), whole, q=q)
        assert histogram.total == total
        assert sum(sum(s.counts) for s in histogram.series) == total
        assert {len(s.counts) for s in histogram.series} == {grid_of(whole, 80).size}
    short = logs_histogram(
        shared_engine(), window_of(project, at // 10**6 - 60_000, at // 10**6 + 1)
    )
    assert short.step_ms == 1000
    assert short.total == 3


@pytest.mark.parametrize("cursor", ["x", "1-2", "9" * 30, "1-" + "z" * 16])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput) as refused:
        search(shared_engine(), window_of(1, 0, 1000), cursor=cursor)
    assert refused.value.code == "cursor_invalid"


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (-1, 5), (0, 10**15)])
def test_what_is_no_range_of_time_is_refused(start: int, end: int) -> None:
    with pytest.raises(BadInput) as refused:
        window_of(1, start, end)
    assert refused.value.code == "time_range_invalid"


def test_lists_hold_the_beginning_of_long_bodies_and_the_record_itself_all_of_it() -> None:
    project, at = new_project().id, now_ns()
    long = "é" * 50_000
    add_logs(shared_engine(), project, {"body": long, "time": at}, {"body": "short", "time": at})
    rows = {row.body_cut: row for row in pages(project, at // 10**6 - 1_000, at // 10**6 + 1, 10)[0].items}  # fmt: skip
    assert rows[True].body == "é" * 16_384
    assert rows[False].body == "short"
    assert read_record(shared_engine(), project, rows[True].id).body == long


def test_lists_hold_the_beginning_of_long_attributes_and_the_record_itself_all_of_them() -> None:
    project, at = new_project().id, now_ns()
    many = {f"n{i}": "é" * 400 for i in range(1_000)}
    add_logs(
        shared_engine(),
        project,
        {"body": "one", "time": at, "attributes": {"big": '"' * 300_000, "order": 7, "deep": {"a": [1.0]}}},
        {"body": "many", "time": at, "attributes": many},
        {"body": "none", "time": at, "attributes": {"plain": "x" * 20_000, "whole": 2.0}},
        {"body": "there", "time": at, "resource": {"banner": "b" * 200_000, "cores": 2}},
    )  # fmt: skip
    rows = {row.body: row for row in pages(project, at // 10**6 - 1_000, at // 10**6 + 1, 10)[0].items}  # fmt: skip
    assert {body for body, row in rows.items() if row.attributes_cut} == {"one", "many", "there"}
    one = rows["one"].attributes
    assert one == {"big": '"' * (32_768 // 3), "order": 7, "deep": {"a": [1.0]}}
    assert len(rows["many"].attributes) == 1_000
    assert set(rows["many"].attributes.values()) == {"é" * 16}
    assert rows["none"].attributes == {"plain": "x" * 20_000, "whole": 2.0}
    assert rows["there"].resource["cores"] == 2
    assert 0 < len(rows["there"].resource["banner"]) < 32_768
    engine = shared_engine()
    assert read_record(engine, project, rows["one"].id).attributes["big"] == '"' * 300_000
    assert read_record(engine, project, rows["many"].id).attributes == many
    whole = read_record(engine, project, rows["there"].id)
    assert whole.resource["banner"] == "b" * 200_000
    assert not whole.attributes_cut
