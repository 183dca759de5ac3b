"""Minutes that are counted anew: sized whole, counted in chunks, none of them in the way of others."""

import logging

import pytest

from quarterdeck.core.errors import BadInput, Unavailable
from quarterdeck.store.telemetry import Limits
from quarterdeck.telemetry import edges
from quarterdeck.telemetry.minutes import Chunk, Minute, count_in_chunks, every, sized
from support.engine import new_project, shared_engine
from support.rows import SECOND, add_spans, now_ns

MINUTE = 60 * SECOND


def test_a_minute_is_as_large_as_all_its_spans_not_as_those_that_came_last() -> None:
    project, at = new_project().id, (now_ns() - 30 * MINUTE) // MINUTE * MINUTE
    seconds = at // SECOND
    for spans in (40, 1):  # the one comes late
        add_spans(shared_engine(), project, *[{"time": at + i, "name": "x"} for i in range(spans)])
    touched = {(project, seconds), (project, seconds - 60)}
    assert sized(shared_engine(), touched, Limits()) == [Minute(project, seconds, 41)]
    assert sized(shared_engine(), set(), Limits()) == []


def test_chunks_hold_minutes_of_one_project_that_are_near_and_not_too_many_spans() -> None:
    seen: list[Chunk] = []
    minutes = [
        Minute(1, 0, 100_000), Minute(1, 60, 40_000), Minute(1, 120, 20_000),  # over the 150,000
        Minute(1, 14_520, 1), Minute(1, 14_580, 1),  # four hours on
        Minute(2, 14_580, 5_000_000), Minute(2, 14_640, 1),  # sampled down to the limit
    ]  # fmt: skip
    count_in_chunks("test", minutes, 140_000, seen.append)
    assert [[minutes.index(each) for each in chunk] for chunk in seen] == [
        [0, 1],
        [2],
        [3, 4],
        [5, 6],
    ]
    assert [every(chunk, 140_000) for chunk in seen] == [1, 1, 1, 36]


def test_a_minute_too_heavy_is_left_out_with_a_word_and_its_neighbours_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    counted: list[int] = []

    def count(chunk: Chunk) -> None:
        if any(each.at == 60 for each in chunk):
            raise BadInput("query_memory", "The query needs too much memory.", "Narrow it.")
        counted.extend(each.at for each in chunk)

    with caplog.at_level(logging.ERROR):
        minutes = [Minute(1, at, 10) for at in range(0, 300, 60)]
        assert count_in_chunks("test", minutes, 100, count)
    assert counted == [0, 120, 180, 240]
    assert [record.message for record in caplog.records] == [
        "A minute is too heavy to count and was left out: The query needs too much memory."
    ]


def test_what_is_wrong_with_the_store_ends_the_run_so_that_it_is_made_again() -> None:
    def full(chunk: Chunk) -> None:
        raise Unavailable("disk_full", "The disk is full.", "Free some.", retry_after=2)

    with pytest.raises(Unavailable):
        count_in_chunks("test", [Minute(1, 0, 10)], 100, full)


def test_a_server_that_stops_waits_for_one_chunk_and_not_for_all() -> None:
    seen: list[Chunk] = []
    minutes = [Minute(1, at, 150_000) for at in (0, 60, 120)]
    assert not count_in_chunks("test", minutes, 150_000, seen.append, lambda: len(seen) == 2)
    assert seen == [[minutes[0]], [minutes[1]]]


def test_the_busier_the_minutes_around_a_sampled_one_the_nearer_a_call_looks_for_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = new_project().id
    at = now_ns() // MINUTE * 60 - 600
    add_spans(
        shared_engine(), project, *({"time": (at + s) * SECOND} for s in (0, -90, 70, 70, 200))
    )
    chunk = [Minute(project, at, 1)]

    def near(most: float) -> int:
        monkeypatch.setattr(edges, "MOST_NEAR", most)
        return edges._near_seconds(shared_engine(), chunk)

    assert [near(most) for most in (4, 3, 2, 0.1)] == [300, 120, 60, 10]
