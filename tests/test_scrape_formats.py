"""What is read of an answer: text, OpenMetrics, protobuf, and answers that are none."""

import math
from typing import Any

import pytest

from quarterdeck.telemetry.scrape.families import _CLASSES, MetricFamily
from quarterdeck.telemetry.scrape.number import canonical
from quarterdeck.telemetry.scrape.turn import Turn
from support.scrape import AT, OPEN, PROTO, TEXT, course, key, messages, samples, series

NO_NUMBER = "the value is no number"


def read(body: str | bytes, protocol: Any = TEXT, **how: Any) -> Turn:
    raw = body.encode() if isinstance(body, str) else body
    return course(**how).answer(raw, protocol, AT)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a 1\n", {"a": 1}),
        ("a 1", {"a": 1}),
        ("", {}),
        ("\n\n \t\n# only a remark\n#\n", {}),
        ("a:b_9 +1.5e3\n", {"a:b_9": 1500}),
        ("a{} 1\na{ } 1\n", {"a": 1}),
        ('a{x="1"} 2\n', {'a{x="1"}': 2}),
        ('  a  { x = "1" , y="2" , }\t 2 \n', {'a{x="1",y="2"}': 2}),
        ('a{x="1"}2\n', {'a{x="1"}': 2}),
        ('a{y="2",x="1"} 1\na{x="1",y="2"} 7\n', {'a{x="1",y="2"}': 1}),
        ('a{x=""} 1\n', {"a": 1}),
        ('a{x="} 1 # {\\"\\\\\\n,="} 3\n', {'a{x="} 1 # {"\\\n,="}': 3}),
        ('a{x="\\q"} 1\n', {'a{x="\\q"}': 1}),
        ('a{x="é😀"} 1\n', {'a{x="é😀"}': 1}),
        ('{"a.b"} 1\n', {"a.b": 1}),
        ('{"a b","x.y"="1",z="2"} 1\n', {'a b{x.y="1",z="2"}': 1}),
        ('{"name \\"q\\"",x="1"} 1\n', {'name "q"{x="1"}': 1}),
        ("a 1 1600000000000\n", {"a@1600000000000": 1}),
        ("a 1 -5\n", {"a@-5": 1}),
        ('a{x=" "} 1\t1600000000000\n', {'a{x=" "}@1600000000000': 1}),
        ("a +Inf\nb -inf\nc 0x\n", NO_NUMBER),
        ("a +Inf\nb -inf\nc -0\nd Infinity\n", {"a": math.inf, "b": -math.inf, "c": 0, "d": math.inf}),
        ("# HELP a Text \\n with \\\\ things\n# TYPE a counter\na 1\n# EOF\n", {"a": 1}),
        ("a 1_000\n", NO_NUMBER), ("a 0x10\n", NO_NUMBER), ("a one\n", NO_NUMBER), ("a 1\r\n", NO_NUMBER),
        ("a\n", "no sample"), ("a 1 2 3\n", "no sample"), ("1a 1\n", "no name"), ("a{x=1} 1\n", "quoted"),
        ('a{x="1" y="2"} 1\n', "commas"), ('a{x="1"\n', "no sample"), ('a{x} 1\n', "no value"), ('{x="1"} 1\n', "no name"),
        ('a{x="1",x="2"} 1\n', "twice"), ('{"a","b"} 1\n', "no value"), ('a{"b"} 1\n', "two names"), ('a{,} 1\n', "commas"),
        ("a 1 1.5\n", "the time is none"), ("a 1 99999999999999999999\n", "the time is none"), ("é 1\n", "no name"),
        ("# TYPE a nothing\na 1\n", "TYPE is none"), (b'a{x="\xff"} 1\n', "no UTF-8"), ("<html><body>\n", "no name"),
        ('a 1 # {trace_id="x"} 1\n', "only OpenMetrics"), ("a 1\n\x00\n", "no name"),
    ],
)  # fmt: skip
def test_text_is_read_to_the_letter(body: str | bytes, expected: Any) -> None:
    turn = read(body)
    if isinstance(expected, str):
        assert expected in turn.error
        assert samples(turn) == {}
    else:
        assert (turn.error, samples(turn)) == ("", expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a 1\n# EOF\n", {"a": 1}), ("a 1\n# EOF", {"a": 1}), ("# EOF\n", {}),
        ("a_total 1\na_created 1600000000.5\n# EOF\n", {"a_total": 1, "a_created": 1600000000.5}),
        ("a 1 1600000000.25\n# EOF\n", {"a@1600000000250": 1}),
        ('# TYPE a counter\n# UNIT a seconds\na_total 1 # {trace_id="x"} 0.5\n# EOF\n', {"a_total": 1}),
        ('a{x="# {"} 1 1600000000 # {} 0.5 1600000000.001\n# EOF\n', {'a{x="# {"}@1600000000000': 1}),
        ("a 1\n", "# EOF"), ("", "# EOF"), ("a 1\n# EOF\nb 1\n", "follows `# EOF`"), ("a 1\n\n# EOF\n", "no empty lines"),
        ("a 1 # nothing\n# EOF\n", "no exemplar"), ("a 1 # {} x\n# EOF\n", NO_NUMBER), ("a 1 1e400\n# EOF\n", "the time is none"),
        ("a 1 NaN\n# EOF\n", "the time is none"),
    ],
)  # fmt: skip
def test_openmetrics_is_read_to_the_letter(body: str, expected: Any) -> None:
    turn = read(body, OPEN)
    if isinstance(expected, str):
        assert expected in turn.error
    else:
        assert (turn.error, samples(turn)) == ("", expected)


def test_a_malformed_line_is_told_by_its_number_and_not_repeated() -> None:
    once = course()
    assert once.answer(b"a 1\nsecret 1\n", TEXT, AT).error == ""
    assert once.answer(b"a 1\nsecret hunter2\n", TEXT, AT).error == f"Line 2: {NO_NUMBER}."
    assert once.answer(b"a 1\n\nhunter2 x y z\n", TEXT, AT).error.startswith("Line 3: ")


def test_an_answer_of_more_lines_than_can_be_known_fails() -> None:
    assert "500000 lines" in read(b"\n" * 500_001).error
    assert read(b"\n" * 500_000).error == ""


def test_what_is_not_a_number_is_kept_as_prometheus_keeps_it() -> None:
    turn = read("a NaN\nb nan 1600000000000\n")
    written = b"".join(turn.requests())
    assert [math.isnan(each.samples[0].value) for each in series(turn)] == [True, True]
    assert "stale" not in samples(turn).values()
    assert (
        written.count(b"\x00\x00\x00\x00\x00\x00\xf8\x7f")
        + written.count(b"\x01\x00\x00\x00\x00\x00\xf8\x7f")
        == 2
    )


def test_lines_that_are_known_are_read_as_the_first_time() -> None:
    body = (
        '# TYPE a gauge\na{x="1"} %s\nb %s 1600000000000\nc{y="2"} %s # {trace_id="t%s"} 1\n# EOF\n'
    )
    once = course({"job": "j"})
    for turn in range(3):
        values = tuple(float(turn + each) for each in range(3))
        found = once.answer((body % (*values, turn)).encode(), OPEN, AT)
        assert found.error == ""
        assert (found.scraped, found.kept, found.added) == (3, 3, 0 if turn else 3)
        told = [sample for name, sample in sorted(samples(found).items())]
        assert told == list(values)
        assert sum(len(each.exemplars) for each in series(found)) == 1


def test_an_exemplar_is_told_once_and_only_when_it_is_short_enough() -> None:
    once = course()
    line = b'a_bucket{le="1"} 1 # {trace_id="%s"} 0.5 1600000000\n# EOF\n'
    first = once.answer(line % b"x", OPEN, AT)
    [exemplar] = [e for each in series(first) for e in each.exemplars]
    assert (exemplar.value, exemplar.timestamp) == (0.5, 1_600_000_000_000)
    assert [(label.name, label.value) for label in exemplar.labels] == [("trace_id", "x")]
    again = once.answer(line % b"x", OPEN, AT)
    long = once.answer(line % (b"x" * 200), OPEN, AT)
    assert not any(each.exemplars for turn in (again, long) for each in series(turn))
    assert (again.error, long.error) == ("", "")


def test_bounds_and_quantiles_are_one_label_however_they_are_written() -> None:
    body = """\
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="0.005"} 1
h_bucket{le="1000000"} 1
h_bucket{le="+Inf"} 1
# TYPE s summary
s{quantile="0.50"} 1
# TYPE g gauge
g{le="1"} 1
"""
    assert list(samples(read(body))) == [
        'h_bucket{le="1.0"}', 'h_bucket{le="0.005"}', 'h_bucket{le="1e+06"}', 'h_bucket{le="+Inf"}',
        's{quantile="0.5"}', 'g{le="1"}',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"), (1.0, "1.0"), (-2.5, "-2.5"), (0.0001, "0.0001"), (0.00001, "1e-05"), (1.5e-7, "1.5e-07"),
        (100000.0, "100000.0"), (123456.7, "123456.7"), (1e6, "1e+06"), (1234567.0, "1.234567e+06"), (1e100, "1e+100"),
        (math.inf, "+Inf"), (-math.inf, "-Inf"), (math.nan, "NaN"), (0.1, "0.1"), (-0.0, "-0.0"), (30.0, "30.0"),
    ],
)  # fmt: skip
def test_a_bound_is_written_as_prometheus_writes_it(value: float, text: str) -> None:
    assert canonical(value) == text


def test_type_help_and_unit_are_told_when_they_change_and_once_a_day() -> None:
    once = course()
    body = b'# HELP a How \\"much\\"\\n.\n# TYPE a counter\n# UNIT a seconds\n# TYPE "b.c" gauge\na_total 1\n# EOF\n'
    first = messages(once.answer(body, OPEN, AT))[0].metadata
    assert [(m.metric_family_name, m.type, m.help, m.unit) for m in first] == [
        ("a", 1, 'How "much"\n.', "seconds"),
        ("b.c", 2, "", ""),
    ]
    assert not messages(once.answer(body, OPEN, AT + 15_000))[0].metadata
    changed = body.replace(b"gauge", b"info")
    assert len(messages(once.answer(changed, OPEN, AT + 30_000))[0].metadata) == 1
    assert len(messages(once.answer(changed, OPEN, AT + 86_400_000))[0].metadata) == 2


# Protobuf


def label(name: str, value: str) -> bytes:
    return bytes(_CLASSES["Label"](name=name, value=value).SerializeToString())


def delimited(*families: Any) -> bytes:
    out = b""
    for family in families:
        body = family.SerializeToString()
        size = len(body)
        while size > 127:
            out += bytes([size & 127 | 128])
            size >>= 7
        out += bytes([size]) + body
    return out


def test_protobuf_counters_gauges_summaries_and_classic_histograms_are_read() -> None:
    x = label("x", "1")
    stamped = {"label": [{"name": "trace_id", "value": "t"}], "value": 2.0}
    body = delimited(
        MetricFamily(name="c_total", help="Counts.", type=0, metric=[{"label": [x], "counter": {"value": 3, "exemplar": stamped}}]),
        MetricFamily(name="g", type=1, unit="bytes", metric=[{"gauge": {"value": -1}, "timestamp_ms": 1_600_000_000_000}]),
        MetricFamily(name="u", type=3, metric=[{"untyped": {"value": 5}}]),
        MetricFamily(name="s", type=2, metric=[{"summary": {"sample_count": 2, "sample_sum": 7, "quantile": [{"quantile": 0.5, "value": 3}]}}]),
        MetricFamily(name="h", type=4, metric=[{"label": [x], "histogram": {
            "sample_count": 4, "sample_sum": 9, "bucket": [{"cumulative_count": 3, "upper_bound": 1}]}}]),
    )  # fmt: skip
    once = course({"job": "j"})
    for _ in range(2):  # the second time from what is known
        turn = once.answer(body, PROTO, AT)
        assert turn.error == ""
        assert samples(turn) == {
            'c_total{job="j",x="1"}': 3, 'g{job="j"}@1600000000000': -1, 'u{job="j"}': 5,
            's{job="j",quantile="0.5"}': 3, 's_sum{job="j"}': 7, 's_count{job="j"}': 2,
            'h_bucket{job="j",le="1.0",x="1"}': 3, 'h_bucket{job="j",le="+Inf",x="1"}': 4,
            'h_sum{job="j",x="1"}': 9, 'h_count{job="j",x="1"}': 4,
        }  # fmt: skip
    told = messages(course().answer(body, PROTO, AT))[0]
    assert ("c_total", 1, "Counts.", "") in [
        (m.metric_family_name, m.type, m.help, m.unit) for m in told.metadata
    ]
    assert [e.value for each in told.timeseries for e in each.exemplars] == [2.0]


def native(**more: Any) -> Any:
    return {
        "sample_count": 6, "sample_sum": 12.5, "schema": 3, "zero_threshold": 1e-9, "zero_count": 1,
        "positive_span": [{"offset": -2, "length": 2}, {"offset": 3, "length": 1}], "positive_delta": [1, 1, -1],
        "negative_span": [{"offset": 0, "length": 1}], "negative_delta": [1],
        "bucket": [{"cumulative_count": 6, "upper_bound": 1}], **more,
    }  # fmt: skip


def test_a_native_histogram_is_kept_as_one_and_its_buckets_only_where_asked_for() -> None:
    stamped = {"value": 0.5, "timestamp": {"seconds": 1_600_000_000, "nanos": 5_000_000}}
    body = delimited(
        MetricFamily(name="n", type=4, metric=[{"histogram": native(exemplars=[stamped])}])
    )
    turn = read(body, PROTO, native=True)
    [kept] = [each for each in series(turn) if each.histograms]
    [histogram] = kept.histograms
    assert key(kept.labels) == "n"
    assert (histogram.count_int, histogram.sum, histogram.schema) == (6, 12.5, 3)
    assert (histogram.zero_count_int, histogram.zero_threshold) == (1, 1e-9)
    assert [(s.offset, s.length) for s in histogram.positive_spans] == [(-2, 2), (3, 1)]
    assert list(histogram.positive_deltas) == [1, 1, -1]
    assert list(histogram.negative_deltas) == [1]
    assert (histogram.timestamp, histogram.reset_hint) == (AT, 0)
    assert samples(turn) == {}
    assert (turn.scraped, turn.kept) == (1, 1)
    assert [e.timestamp for each in series(turn) for e in each.exemplars] == [1_600_000_000_005]
    both = read(body, PROTO, native=True, classic_too=True)
    assert set(samples(both)) == {'n_bucket{le="1.0"}', 'n_bucket{le="+Inf"}', "n_sum", "n_count"}
    assert both.scraped == 5
    classic = read(body, PROTO)
    assert set(samples(classic)) == set(samples(both))
    assert not any(each.histograms for each in series(classic))


def test_a_native_histogram_of_floats_and_one_of_a_gauge_are_told_apart() -> None:
    floats = native(sample_count=0, sample_count_float=6.5, zero_count=0, zero_count_float=0.5, positive_delta=[],
                    positive_count=[1.5, 2.5, 1.0], negative_delta=[], negative_count=[1.0])  # fmt: skip
    family = MetricFamily(name="n", type=5, metric=[{"histogram": floats}])
    [one] = series(read(delimited(family), PROTO, native=True))
    [histogram] = one.histograms
    assert (histogram.count_float, histogram.zero_count_float, histogram.reset_hint) == (
        6.5,
        0.5,
        3,
    )
    assert list(histogram.positive_counts) == [1.5, 2.5, 1.0]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"\x05abc", "in the middle"), (b"\xff\xff\xff\xff\xff\x01", "in the middle"), (b"\x80", "in the middle"),
        (b"\x03\x0a\x05a", "no protobuf"), (delimited(MetricFamily(type=1, metric=[{}])), "no name"),
        (delimited(MetricFamily(name="g", type=1, metric=[{"label": [b"\xff"]}])), "no protobuf"),
        (delimited(MetricFamily(name="g", type=1, metric=[{"label": [label("x", "1"), label("x", "2")]}])), "twice"),
        (delimited(MetricFamily(name="n", type=4, metric=[{"histogram": native(schema=99)}])), "schema 99"),
        (delimited(MetricFamily(name="n", type=4, metric=[{"histogram": native(positive_delta=[1])}])), "do not fit"),
    ],
)  # fmt: skip
def test_protobuf_that_is_none_fails_as_a_whole(body: bytes, error: str) -> None:
    turn = read(body, PROTO, native=True)
    assert error in turn.error
    assert samples(turn) == {}


def test_protobuf_of_nothing_and_of_a_kind_to_come_is_no_failure() -> None:
    assert read(b"", PROTO).error == ""
    odd = MetricFamily(name="odd", type=77, metric=[{"untyped": {"value": 1}}])
    assert samples(read(delimited(odd), PROTO)) == {"odd": 1}
