"""What remote write leaves in the tables: series, samples by their bits, histograms, refusals."""

import math
import struct
from datetime import UTC, datetime
from typing import Any

import pytest

from quarterdeck.core.errors import Unavailable
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.store.telemetry import EngineError
from quarterdeck.telemetry.erase import erase_person
from quarterdeck.telemetry.ingest.otlp.wire import varint
from quarterdeck.telemetry.ingest.outcome import EXPLAIN, Reason, Refused
from quarterdeck.telemetry.ingest.prometheus.messages import V1, V2, request_of
from quarterdeck.telemetry.known import forget_known_series
from quarterdeck.telemetry.retention import delete_project
from support.engine import new_project, shared_engine
from support.remote_write import STALE, Series, histogram, now_ms, store, v1, v2
from support.remote_write import V1 as MESSAGES_1
from support.remote_write import V2 as MESSAGES_2

NOW = now_ms() // 3_600_000 * 3_600_000 + 60_000  # no batch of a test falls into two hours
HOUR = 3_600_000
Encoded = tuple[Any, Any]
VERSIONS = [(V1, v1), (V2, v2)]
BOTH = pytest.mark.parametrize(("version", "encode"), VERSIONS, ids=["1.0", "2.0"])


def rows(sql: str, project: ProjectRef) -> list[list[Any]]:
    return shared_engine().query("test", sql.replace("PROJECT", str(project.id))).rows


def bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def keep(project: ProjectRef, series: list[Series], version: Any = V1) -> tuple[Any, Any]:
    encode = v1 if version is V1 else v2
    return store(shared_engine(), project.id, encode(series), version)


def samples(project: ProjectRef) -> list[list[Any]]:
    return rows(
        "SELECT toUnixTimestamp64Milli(time), reinterpretAsUInt64(value) FROM prom_samples FINAL"
        " WHERE project = PROJECT ORDER BY series_id, time",
        project,
    )


def series_ids(project: ProjectRef) -> dict[str, list[int]]:
    found = rows(
        "SELECT metric, groupUniqArray(series_id) FROM prom_series WHERE project = PROJECT GROUP BY metric",
        project,
    )
    return dict(found)


@BOTH
def test_bits_of_every_value_survive_both_ways_in(version: Any, encode: Any) -> None:
    """The first time a series is taken apart, the second time its bytes are known."""
    project = new_project()
    quiet = struct.unpack("<d", struct.pack("<Q", 0x7FF8000000000001))[0]
    values = [1.5, 0.0, -0.0, math.inf, -math.inf, quiet, STALE, 5e-324, 1.7976931348623157e308]
    for step, at in enumerate((NOW, NOW + 1, NOW + 15_000)):
        many = [Series({"__name__": "v", "i": str(i)}, [(x, at)]) for i, x in enumerate(values)]
        kept, refused = keep(project, many, version)
        assert (kept["sample"], refused) == (len(values), {}), step
    found = samples(project)
    assert len(found) == 3 * len(values)
    assert {value for _, value in found} == {bits(value) for value in values}
    assert {at for at, _ in found} == {NOW, NOW + 1, NOW + 15_000}
    assert len(series_ids(project)["v"]) == len(values)


@BOTH
def test_what_is_sent_again_or_out_of_order_is_there_once(version: Any, encode: Any) -> None:
    project = new_project()
    labels = {"__name__": "again", "job": "a"}
    for _ in range(3):
        for at in (NOW + 30_000, NOW, NOW + 15_000):
            assert keep(project, [Series(labels, [(at / 1000, at)])], version)[1] == {}
    assert [at for at, _ in samples(project)] == [NOW, NOW + 15_000, NOW + 30_000]
    keep(project, [Series(labels, [(7.0, NOW)])], version)
    assert samples(project)[0] == [NOW, bits(7.0)]  # the last word counts


def test_labels_in_any_order_and_either_version_are_one_series() -> None:
    project = new_project()
    pairs = [
        ("__name__", "same"),
        ("Zone", "z"),
        ("a.b", "ü\n"),
        ("job", "x" * 300),
        ("long", "y" * 16_384),
    ]
    as_sent: list[list[tuple[str, str]]] = [sorted(pairs), pairs[::-1], [*pairs, ("none", "")]]
    for version, _ in VERSIONS:
        for sent in as_sent:
            assert keep(project, [Series(sent, [(1.0, NOW)])], version) == ({"sample": 1}, {})
    assert len(samples(project)) == 1
    (found,) = rows("SELECT metric, labels FROM prom_series FINAL WHERE project = PROJECT", project)
    assert found == ["same", dict(pairs[1:])]


def test_two_projects_do_not_share_series() -> None:
    mine, yours = new_project(), new_project()
    one = [Series({"__name__": "shared"}, [(1.0, NOW)])]
    keep(mine, one)
    keep(yours, one)
    assert series_ids(mine)["shared"] != series_ids(yours)["shared"]
    assert len(samples(yours)) == 1


@BOTH
def test_a_known_series_gets_its_row_again_each_hour_and_day(version: Any, encode: Any) -> None:
    project = new_project()
    at = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    at += (NOW - at) // (24 * HOUR) * 24 * HOUR - 30_000  # just before the last midnight
    for offset in (0, 10_000, 30_000, 40_000):
        keep(project, [Series({"__name__": "turn"}, [(1.0, at + offset)])], version)
    days = rows(
        "SELECT day, uniqExact(series_id), toUnixTimestamp64Milli(min(first_seen)) FROM prom_series"
        " WHERE project = PROJECT GROUP BY day ORDER BY day",
        project,
    )
    assert [row[1:] for row in days] == [[1, at], [1, at + 30_000]]
    assert len(samples(project)) == 4


def test_native_histograms_are_unfolded() -> None:
    project = new_project()
    floats = {
        "count_float": 6.5, "sum": -2.0, "schema": 3, "zero_threshold": 0.001, "zero_count_float": 1.0,
        "negative_spans": [{"offset": -2, "length": 1}, {"offset": 3, "length": 2}], "negative_counts": [0.5, 1.0, 2.0],
        "positive_spans": [{"offset": -1, "length": 2}], "positive_counts": [1.5, 0.5],
        "reset_hint": 3, "timestamp": NOW + 1, "start_timestamp": NOW - 5000,
    }  # fmt: skip
    stale = {"sum": STALE, "timestamp": NOW + 2}
    integers = histogram(10.0, NOW, positive=True, negative=True, zero=True)
    custom = histogram(1.0, NOW + 3, custom=True)
    wanted = [
        [27.0, 10.0, 0, 0.0, 1.0, [0, 1, 2, 5, 6], [1, 3, 4, 7, 8], [0, 1], [1, 2], [], 0, 0],
        [6.5, -2.0, 3, 0.001, 1.0, [-1, 0], [1.5, 0.5], [-2, 2, 3], [0.5, 1.0, 2.0], [], 3, NOW - 5000],
        [0.0, "nan", 0, 0.0, 0.0, [], [], [], [], [], 0, 0],
        [30.0, 1.0, -53, 0.0, 0.0, [0, 1, 2, 3, 4, 5], [2, 3, 5, 8, 7, 5], [], [], [0.1, 0.5, 1, 2.5, 5, 10], 0, 0],
    ]  # fmt: skip
    for version, _ in reversed(VERSIONS):
        series = [Series({"__name__": "h"}, histograms=[integers, floats, stale, custom])]
        assert keep(project, series, version) == ({"histogram": 4}, {})
        found = rows(
            "SELECT count, sum, schema, zero_threshold, zero_count, positive_index, positive_count,"
            " negative_index, negative_count, custom_bounds, reset_hint, toUnixTimestamp64Milli(start)"
            " FROM prom_histograms FINAL WHERE project = PROJECT ORDER BY time",
            project,
        )
        assert found == wanted
        wanted[1][-1] = 0  # 1.0 has no start
    stale_bits = "SELECT reinterpretAsUInt64(sum) FROM prom_histograms WHERE project = PROJECT AND isNaN(sum)"
    assert rows(stale_bits, project)[0] == [bits(STALE)]


def bad_histograms() -> list[dict[str, Any]]:
    good = histogram(1.0, NOW, positive=True)
    custom = histogram(1.0, NOW, custom=True)
    span = {"offset": 0, "length": 4_294_967_295}
    return [
        {**good, "schema": 9},
        {**good, "schema": -5},
        {**good, "count_int": 22},
        {**good, "positive_spans": [{"offset": 0, "length": 4}]},
        {**good, "positive_spans": [span, span]},
        {**good, "positive_spans": [{"offset": 0, "length": 3}, {"offset": -1, "length": 2}]},
        {**good, "positive_deltas": [1, -2, 1, 3, 1]},
        {**good, "custom_values": [1.0]},
        {**custom, "custom_values": [0.1, 0.5, 0.5, 2.5, 5.0, 10.0]},
        {**custom, "custom_values": [0.1, 0.5, 1.0, 2.5, 5.0, math.inf]},
        {**custom, "custom_values": [0.1, 0.5]},
        {**custom, "zero_count_int": 1, "count_int": 31},
        {"count_float": -1.0, "timestamp": NOW},
        {"count_float": 1.0, "timestamp": NOW, "positive_counts": [-1.0], "positive_spans": [{"length": 1}]},
        {"count_float": math.nan, "sum": math.nan, "timestamp": NOW, "zero_count_float": -1.0},
    ]  # fmt: skip


@BOTH
def test_histograms_that_contradict_themselves_are_refused(version: Any, encode: Any) -> None:
    project = new_project()
    bad = bad_histograms()
    series = [Series({"__name__": "h"}, histograms=[histogram(1.0, NOW, zero=True), *bad])]
    assert keep(project, series, version) == ({"histogram": 1}, {"histogram_invalid": len(bad)})


@BOTH
def test_each_refusal_has_its_reason_and_neighbours_are_kept(version: Any, encode: Any) -> None:
    project = new_project()
    many = {f"l{i}": "v" for i in range(10_000)}
    just = {f"l{i}": "v" for i in range(255)}
    series = [
        Series({"__name__": "good", **just}, [(1.0, NOW)]),
        Series({"__name__": "many", **many}, [(1.0, NOW)]),
        Series({"job": "nameless"}, [(1.0, NOW)]),
        Series({}, [(1.0, NOW)]),
        Series({"__name__": ""}, [(1.0, NOW)]),
        Series([("__name__", "x"), ("", "empty name")], [(1.0, NOW)]),
        Series([("__name__", "x"), ("a", "1"), ("a", "2")], [(1.0, NOW), (2.0, NOW + 1)]),
        Series({"__name__": "x" * 1025}, [(1.0, NOW)]),
        Series({"__name__": "x", "a": "y" * 16_385}, [(1.0, NOW)]),
        Series({"__name__": "old"}, [(1.0, 0), (1.0, -5), (1.0, NOW - 40 * 24 * HOUR), (1.0, NOW)]),
        Series({"__name__": "early"}, [(1.0, NOW + 3 * HOUR), (1.0, 2**63 - 1)]),
        Series({"__name__": "e"}, exemplars=[({}, 1.0, NOW), ({}, 1.0, 5), ({"": "x"}, 1.0, NOW)]),
    ]
    kept, refused = keep(project, series, version)
    assert kept == {"sample": 2, "exemplar": 1}
    assert refused == {
        "too_many_labels": 1,
        "metric_unnamed": 3,
        "label_invalid": 2,
        "label_duplicate": 2,
        "label_too_long": 2,
        "too_old": 3,
        "in_future": 2,
        "exemplar_time": 1,
    }
    assert all(Reason(reason) in EXPLAIN for reason in refused)
    shown = "SELECT reason, sum(items) FROM rejects WHERE project = PROJECT GROUP BY reason"
    assert dict(rows(shown, project)) == refused
    assert sorted(series_ids(project)) == ["e", "good", "old"]


def test_text_that_is_not_utf8_is_refused() -> None:
    project = new_project()
    body = v1(
        [
            Series({"__name__": "x", "a": "QQ"}, [(1.0, NOW)]),
            Series({"__name__": "y"}, [(1.0, NOW)]),
        ]
    )
    kept, refused = store(shared_engine(), project.id, body.replace(b"QQ", b"\xff\xfe"))
    assert (kept, refused) == ({"sample": 1}, {"label_invalid": 1})


def test_references_to_no_symbol_are_refused() -> None:
    project = new_project()
    request = MESSAGES_2["Request"](symbols=["", "__name__", "x"])
    for refs in ([1, 2], [1, 3], [1], [1, 2, 1], [4_294_967_295, 2]):
        request.timeseries.add(labels_refs=refs).samples.add(value=1.0, timestamp=NOW)
    request.timeseries.add(labels_refs=[1, 2]).metadata.help_ref = 9
    request.timeseries[-1].samples.add(value=1.0, timestamp=NOW + 1)
    request.timeseries.add(labels_refs=[1, 2]).exemplars.add(labels_refs=[1, 7], timestamp=NOW)
    for _ in range(2):
        kept, refused = store(shared_engine(), project.id, request.SerializeToString(), V2)
        assert kept == {"sample": 1}
        assert refused == {"symbol_missing": 5, "label_invalid": 1}


def test_metadata_and_starts_are_kept() -> None:
    project = new_project()
    body = v1(
        [], [("a_total", 1, "What a is.", "s"), ("a_total", 1, "What a is.", "s"), ("", 2, "", "")]
    )
    kept, refused = store(shared_engine(), project.id, body)
    assert (kept, refused) == ({"metadata": 2}, {"metric_unnamed": 1})
    series = [
        Series({"__name__": "b"}, [(1.0, NOW)], metadata=(2, "What b is.", ""), start=NOW - 1000),
        Series({"__name__": "c"}, metadata=(7, "", "")),
        Series({"__name__": "d"}, metadata=(4711, "", "u")),
    ]
    for _ in range(2):
        keep(project, series, V2)
    found = "SELECT metric, type, help, unit FROM prom_metadata FINAL WHERE project = PROJECT ORDER BY metric"
    assert rows(found, project) == [
        ["a_total", "counter", "What a is.", "s"],
        ["b", "gauge", "What b is.", ""],
        ["c", "stateset", "", ""],
        ["d", "unknown", "", "u"],
    ]
    start = "SELECT toUnixTimestamp64Milli(start) FROM prom_samples FINAL WHERE project = PROJECT"
    assert rows(start, project) == [[NOW - 1000]]


def test_a_sample_within_a_label_is_no_sample() -> None:
    """Bytes at the end of a label that look like a sample, whose labels before it are known."""
    project = new_project()
    known = Series({"__name__": "trap", "a": "b"}, [(1.0, NOW)])
    keep(project, [known])
    ending = MESSAGES_1["TimeSeries"]()
    ending.samples.add(value=2.0, timestamp=NOW + 5)
    fake = MESSAGES_1["WriteRequest"]()
    made = fake.timeseries.add()
    made.labels.add(name="__name__", value="trap")
    made.labels.add(name="z", value="SAMPLE" * 3)
    body = fake.SerializeToString().replace(b"SAMPLE" * 3, ending.SerializeToString())
    kept, _ = store(shared_engine(), project.id, body)
    assert "sample" not in kept
    assert len(samples(project)) == 1


def test_broken_series_are_refused_by_the_engine() -> None:
    """The outline of the request is fine; what it holds is not."""
    project = new_project()
    for inside in (b"\x0a\x05ab", b"\xff" * 11, b"\x12\x01"):
        body = b"\x0a" + bytes([len(inside)]) + inside
        with pytest.raises(EngineError) as error:
            store(shared_engine(), project.id, body)
        assert error.value.bad_data, error.value.message


def test_a_body_of_the_other_version_is_refused() -> None:
    series = [Series({"__name__": "x"}, [(1.0, NOW)])]
    for version, body in ((V1, v2(series)), (V2, v1(series)), (V2, v1([], [("x", 1, "", "")]))):
        with pytest.raises(Refused) as refused:
            request_of(version, body)
        assert refused.value.reason is Reason.UNPARSABLE
        assert "version" in refused.value.message


def test_a_sender_cannot_write_the_envelope() -> None:
    mine, yours = new_project(), new_project()
    body = v1([Series({"__name__": "x"}, [(1.0, NOW)])])
    spoofed = body + b"\xd0\x3e" + varint(yours.id) + b"\x90\x3f\x02"  # project, phase
    assert store(shared_engine(), mine.id, spoofed)[0] == {"sample": 1}
    assert (len(samples(mine)), len(samples(yours))) == (1, 0)


@BOTH
def test_new_series_beyond_the_limit_are_refused_and_known_ones_go_on(
    version: Any, encode: Any
) -> None:
    project = new_project()

    def send(names: str, at: int) -> tuple[dict[str, int], dict[str, int]]:
        series = [Series({"__name__": name, "job": "full"}, [(1.0, at)]) for name in names]
        return store(shared_engine(), project.id, encode(series), version, limit=4)

    assert send("abc", NOW) == ({"sample": 3}, {})
    assert send("cdef", NOW + 1) == ({"sample": 2}, {"too_many_series": 2})
    assert send("abcdef", NOW + 2) == ({"sample": 4}, {"too_many_series": 2})
    forget_known_series(shared_engine())  # as in a new hour, or after a start
    assert send("fedcba", NOW + 3) == ({"sample": 4}, {"too_many_series": 2})
    assert sorted(series_ids(project)) == ["a", "b", "c", "d"]
    assert len(samples(project)) == 13
    assert (
        store(shared_engine(), project.id, v1([Series({"__name__": "f"}, [(1.0, NOW)])]))[1] == {}
    )


def test_rows_of_series_that_were_deleted_are_written_again() -> None:
    project = new_project()
    one = [Series({"__name__": "gone"}, [(1.0, NOW)])]
    keep(project, one)
    delete_project(shared_engine(), project.id)
    assert (samples(project), series_ids(project)) == ([], {})
    keep(project, one)
    assert (len(samples(project)), len(series_ids(project)["gone"])) == (1, 1)


def test_an_erased_person_leaves_no_series_point_or_exemplar() -> None:
    project = new_project()
    exemplars = [
        ({"user_id": "ada", "trace_id": "1"}, 1.0, NOW),
        ({"user_id": "eve"}, 1.0, NOW + 1),
    ]
    series = [
        Series(
            {"__name__": "clicks", "user_id": "ada"}, [(1.0, NOW)], [histogram(1.0, NOW, zero=True)]
        ),
        Series({"__name__": "clicks", "user.id": "ada"}, [(1.0, NOW)]),
        Series({"__name__": "clicks", "user_id": "eve"}, [(1.0, NOW)], exemplars=exemplars),
    ]
    keep(project, series)
    erased = erase_person(shared_engine(), project.id, "ada")
    assert (erased.series, erased.points, erased.exemplars) == (2, 3, 1)
    left = "SELECT labels FROM prom_series WHERE project = PROJECT"
    assert rows(left, project) == [[{"user_id": "eve"}]]
    assert len(samples(project)) == 1
    keep(project, series[:1])  # they come back whole, not as points without a series
    assert rows("SELECT count() FROM prom_series WHERE project = PROJECT", project) == [[2]]


def test_a_batch_whose_outcome_cannot_be_read_is_not_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = new_project()
    one = [Series({"__name__": "lost"}, [(1.0, NOW)])]
    monkeypatch.setattr(
        "quarterdeck.telemetry.ingest.prometheus.write._OUTCOMES",
        "SELECT 0, '', '', 0, [], [] WHERE {batch:UInt64} = 0",
    )
    with pytest.raises(Unavailable):
        keep(project, one)
    monkeypatch.undo()
    assert keep(project, one) == ({"sample": 1}, {})
    assert len(samples(project)) == 1
