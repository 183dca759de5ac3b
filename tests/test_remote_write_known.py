"""Known series of remote write 1.0: read off their bytes, and the set that remembers them."""

import struct

import numpy as np
import pytest

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.telemetry.ingest.prometheus.messages import V1
from quarterdeck.telemetry.ingest.prometheus.samples import ends_of, samples_of
from quarterdeck.telemetry.known import (
    KnownSeries,
    int_hash_64,
    known_keys,
    known_series,
    series_ids,
)
from support.engine import new_project, shared_engine
from support.remote_write import Series, histogram, now_ms, store, v1

NOW = now_ms() // 3_600_000 * 3_600_000 + 60_000  # no batch of a test falls into two hours


def keep(project: ProjectRef, series: list[Series]) -> tuple[dict[str, int], dict[str, int]]:
    return store(shared_engine(), project.id, v1(series))


def numbers(count: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.random.default_rng(seed).integers(0, 2**64, count, np.uint64)


def lies(
    keys: np.ndarray[tuple[int], np.dtype[np.uint64]],
) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    """A place for each key."""
    return (keys >> np.uint64(44)).astype(np.uint32) | np.uint32(1 << 20)


def test_what_was_added_is_known_and_nothing_else() -> None:
    known = KnownSeries()
    mine, others = numbers(300_000, 1), numbers(300_000, 2)
    for part in np.array_split(mine, 7):
        known.add(part, lies(part), known.forgotten)
        known.add(part[:100], lies(part[:100]), known.forgotten)
    assert len(known) == len(mine)
    assert (known.find(mine) == lies(mine)).all()
    assert not known.find(others).any()
    assert not known.find(np.zeros(3, np.uint64)).any()


def test_keys_that_want_the_same_place_are_all_known() -> None:
    known = KnownSeries()
    crowd = np.arange(1, 2_000, dtype=np.uint64) << np.uint64(40)
    keys = np.append(crowd, np.uint64(0))
    known.add(keys, lies(keys), known.forgotten)
    assert (known.find(crowd) == lies(crowd)).all()
    assert len(known) == len(crowd)
    assert not known.find((crowd + np.uint64(1)) << np.uint64(8)).any()


def test_what_was_written_before_everything_was_forgotten_is_not_known_after() -> None:
    known = KnownSeries()
    keys = numbers(10, 3)
    known.add(keys, lies(keys), known.forgotten)
    before = known.forgotten
    known.forget()
    assert len(known) == 0
    assert not known.find(keys).any()
    known.add(keys, lies(keys), before)
    assert not known.find(keys).any()
    known.add(keys, lies(keys), known.forgotten)
    assert known.find(keys).all()


def test_ids_and_keys_are_the_engines() -> None:
    project = new_project()
    labels = {"__name__": "same", "a": "ü", "long": "x" * 300}
    keep(project, [Series(labels, [(1.5, NOW)])])
    ((found,),) = (
        shared_engine()
        .query("test", f"SELECT series_id FROM prom_series WHERE project = {project.id}")
        .rows
    )
    for value in (2.5, 0.0, -0.0):
        series = list(V1.outline.FromString(v1([Series(labels, [(value, NOW)])])).f1)
        read = samples_of([ends_of(series)], np.array([project.id], np.uint32))
        places = known_series(shared_engine()).find(known_keys(read.hashes, read.times))
        assert series_ids(read.hashes, places).tolist() == [found]
        assert read.times.tolist() == [NOW]
        assert struct.pack("<d", read.values[0]) == struct.pack("<d", value)
        assert read.simple.tolist() == [True]
    key = f"SELECT bitXor({read.hashes[0]}, intHash64(intDiv({NOW}, 3600000)))"
    assert known_keys(read.hashes, read.times).tolist() == [
        shared_engine().query("t", key).rows[0][0]
    ]
    of_numbers = f"SELECT intHash64(arrayJoin([0, 1, {2**64 - 1}]::Array(UInt64)))"
    hashed = [row[0] for row in shared_engine().query("t", of_numbers).rows]
    assert int_hash_64(np.array([0, 1, 2**64 - 1], np.uint64)).tolist() == hashed


def test_what_is_more_or_less_than_labels_and_one_sample_is_not_simple() -> None:
    labels = {"__name__": "x"}
    sample = (1.0, NOW)
    body = v1(
        [
            Series(labels, [sample]),
            Series(labels),
            Series({}),
            Series(labels, histograms=[histogram(1.0, NOW, zero=True)]),
            Series(labels, exemplars=[({}, 1.0, NOW)]),
            Series(labels, [(1.0, 5)]),
            Series(labels, [(1.0, 0)]),
            Series(labels, [(1.0, -1)]),
        ]
    )
    series = list(V1.outline.FromString(body).f1)
    read = samples_of([ends_of(series)], np.ones(len(series), np.uint32))
    assert read.simple.tolist() == [True] + [False] * 7
    whole, two = (
        samples_of(
            [ends_of(list(V1.outline.FromString(v1([one])).f1))], np.ones(1, np.uint32)
        ).hashes
        for one in (Series(labels, [sample]), Series(labels, [sample, sample]))
    )
    assert whole != two  # what stands before its last sample is no known series' labels


@pytest.mark.parametrize("order", [1, -1])
def test_of_a_sample_that_comes_twice_in_a_request_the_last_counts(order: int) -> None:
    project = new_project()
    labels = {"__name__": "twice"}
    keep(project, [Series(labels, [(0.5, NOW)])])
    values = [1.0, 2.0, 3.0, 4.0][::order]
    twice = [Series(labels, [(value, NOW + 1)]) for value in values]
    assert keep(project, twice) == ({"sample": 4}, {})
    found = f"SELECT value FROM prom_samples FINAL WHERE project = {project.id} ORDER BY time"
    assert [row[0] for row in shared_engine().query("test", found).rows] == [0.5, values[-1]]


def test_known_and_new_series_metadata_and_refusals_of_one_batch_are_told_apart() -> None:
    project = new_project()
    keep(project, [Series({"__name__": "a"}, [(1.0, NOW)])])
    series = [
        Series({"__name__": "new"}, [(1.0, NOW + 1)]),
        Series({"__name__": "a"}, [(0.0, NOW + 1)]),
        Series({"job": "nameless"}, [(1.0, NOW)]),
        Series({"__name__": "a"}, [(1.0, NOW + 100 * 3_600_000)]),
        Series({"__name__": "a"}, [(1.0, NOW - 100 * 24 * 3_600_000)]),
    ]
    body = v1(series, [("a", 2, "What a is.", ""), ("", 1, "", "")])
    refusals = {"metric_unnamed": 2, "in_future": 1, "too_old": 1}
    for _ in range(2):
        kept, refused = store(shared_engine(), project.id, body)
        assert (kept, refused) == ({"sample": 2, "metadata": 1}, refusals)
    found = f"SELECT count() FROM prom_samples FINAL WHERE project = {project.id}"
    assert shared_engine().query("test", found).rows == [[3]]
