"""What of a target is kept from scrape to scrape: names, ends, figures, limits."""

from typing import Any

import pytest

from quarterdeck.telemetry.scrape.relabel import relabelling
from quarterdeck.telemetry.scrape.rules import RelabelRule
from quarterdeck.telemetry.scrape.series import Naming
from quarterdeck.telemetry.scrape.turn import Course, Reading, Turn
from support.scrape import AT, OPEN, TEXT, course, messages, samples

FIGURES = {
    "scrape_duration_seconds": 0.25, "scrape_samples_post_metric_relabeling": 0.0, "scrape_samples_scraped": 0.0,
    "scrape_series_added": 0.0, "up": 0.0,
}  # fmt: skip


def answer(once: Course, body: str) -> Turn:
    return once.answer(body.encode(), TEXT, AT)


def relabel(*rules: dict[str, Any]) -> Any:
    return relabelling([RelabelRule.model_validate(rule) for rule in rules])


def test_a_series_that_is_told_no_more_ends_once() -> None:
    once = course()
    assert samples(answer(once, "a 1\nb 2\n")) == {"a": 1, "b": 2}
    assert samples(answer(once, "b 3\nc 4\n")) == {"b": 3, "c": 4, "a": "stale"}
    assert samples(answer(once, "b 3\nc 4\n")) == {"b": 3, "c": 4}
    assert samples(answer(once, "a 3\n")) == {"a": 3, "b": "stale", "c": "stale"}


def test_all_series_end_when_the_target_fails_and_begin_again() -> None:
    once = course()
    answer(once, "a 1\nb 2\n")
    assert samples(once.failed("gone", AT)) == {"a": "stale", "b": "stale"}
    assert samples(once.failed("gone", AT)) == {}
    assert samples(answer(once, "a 1\nb 2\n")) == {"a": 1, "b": 2}
    broken = answer(once, "a 1\nb two\n")
    assert samples(broken) == {"a": "stale", "b": "stale"}
    assert broken.error


def test_a_target_that_goes_ends_its_figures_too() -> None:
    once = course({"job": "j"})
    turn = answer(once, "a 1\n")
    once.report(turn, 0.25, AT)
    assert samples(turn)['up{job="j"}'] == 1
    assert set(samples(once.ended(AT)).values()) == {"stale"}
    assert samples(once.ended(AT)).keys() == {f'{name}{{job="j"}}' for name in FIGURES}


def test_figures_count_what_was_told_kept_and_new() -> None:
    once = course(relabel=relabel({"action": "drop", "source_labels": ["__name__"], "regex": "b"}))
    turn = answer(once, "a 1\nb 2\nc 3\nc 4\n")
    once.report(turn, 0.25, AT)
    figures = {name: value for name, value in samples(turn).items() if name in FIGURES}
    assert figures == {**FIGURES, "up": 1, "scrape_samples_scraped": 4,
                       "scrape_samples_post_metric_relabeling": 2, "scrape_series_added": 2}  # fmt: skip
    again = answer(once, "a 1\nb 2\nd 3\n")
    assert (again.scraped, again.kept, again.added) == (3, 2, 1)
    failed = once.failed("gone", AT)
    once.report(failed, 0.25, AT)
    assert {n: v for n, v in samples(failed).items() if n in FIGURES} == FIGURES


def test_our_labels_win_and_theirs_are_called_exported() -> None:
    once = course({"job": "ours", "instance": "i"})
    told = samples(answer(once, 'a{job="theirs",exported_job="too",instance=""} 1\n'))
    assert list(told) == [
        'a{exported_exported_job="theirs",exported_job="too",instance="i",job="ours"}'
    ]


def test_their_labels_win_where_a_job_honors_them() -> None:
    once = course({"job": "ours", "instance": "i"}, honor_labels=True)
    told = samples(answer(once, 'a{job="theirs"} 1\nb{instance=""} 1\n'))
    assert list(told) == ['a{instance="i",job="theirs"}', 'b{job="ours"}']


def test_times_of_their_own_are_honored_or_not_and_end_only_where_asked() -> None:
    body = "a 1 1600000000000\n"
    believed = course()
    assert samples(answer(believed, body)) == {"a@1600000000000": 1}
    assert samples(answer(believed, "")) == {}
    not_believed = course(honor_timestamps=False)
    assert samples(answer(not_believed, body)) == {"a": 1}
    assert samples(answer(not_believed, "")) == {"a": "stale"}
    tracked = course(track_timestamps=True)
    assert samples(answer(tracked, body)) == {"a@1600000000000": 1}
    assert samples(answer(tracked, body)) == {"a@1600000000000": 1}
    assert samples(answer(tracked, "")) == {"a": "stale"}


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"samples": 2}, "sample_limit is 2, but 3"), ({"labels": 2}, "label_limit is 2"), ({"name_length": 7}, "label_name_length_limit is 7"),
        ({"value_length": 5}, "label_value_length_limit is 5"), ({"samples": 3, "labels": 3, "name_length": 8, "value_length": 6}, ""),
    ],
)  # fmt: skip
def test_an_answer_over_a_limit_fails_as_a_whole(limits: dict[str, int], error: str) -> None:
    once = course({"job": "j"}, limits=limits)
    turn = answer(once, 'a{x="sixsix"} 1\nb 2\nc 3\n')
    assert error in turn.error
    assert bool(turn.error) == bool(error)
    assert len(samples(turn)) == (0 if error else 3)
    once.report(turn, 0.25, AT)
    assert samples(turn)['up{job="j"}'] == (0 if error else 1)


def test_limits_look_at_what_relabelling_leaves() -> None:
    drop = relabel({"action": "drop", "source_labels": ["__name__"], "regex": "b|c"})
    assert answer(course(relabel=drop, limits={"samples": 1}), "a 1\nb 2\nc 3\n").error == ""
    without = relabel({"action": "labeldrop", "regex": "long"})
    assert answer(course(relabel=without, limits={"labels": 1}), 'a{long="x"} 1\n').error == ""


def test_a_series_may_not_lose_its_name_nor_have_ten_thousand_labels() -> None:
    nameless = course(relabel=relabel({"action": "labeldrop", "regex": "__name__"}))
    assert "without a name" in answer(nameless, 'a{x="1"} 1\n').error
    many = ",".join(f'l{n}="{n}"' for n in range(10_000))
    assert "2,000" in answer(course(), f"a{{{many}}} 1\n").error
    assert "2,000" in answer(course(), 'a{x="%s"} 1\n' % ("y" * 70_000)).error


def test_a_job_that_changes_ends_only_what_is_called_otherwise_now() -> None:
    once = course({"job": "j"})
    answer(once, "a 1\nb 2\n")
    rename = relabel(
        {
            "source_labels": ["__name__"],
            "regex": "b",
            "target_label": "__name__",
            "replacement": "c",
        }
    )
    once.reconfigure(Reading(Naming({"job": "j"}, relabel=rename)))
    turn = answer(once, "a 1\nb 2\n")
    assert samples(turn) == {'a{job="j"}': 1, 'c{job="j"}': 2, 'b{job="j"}': "stale"}
    assert turn.added == 1


def test_what_is_known_of_a_target_stays_bounded_while_its_series_change() -> None:
    once = course()
    for n in range(40):
        lines = "".join(f'a{{n="{n}-{each}"}} 1\n' for each in range(100))
        assert answer(once, lines).kept == 100
    assert len(once._known.by_text) <= 2 * 100 + 1000 + 100
    assert len(once._known._by_labels) <= 2 * 100 + 1000 + 100


def test_a_large_answer_becomes_requests_that_ingest_takes() -> None:
    lines = "".join(f'a{{n="{n}"}} {n} 1600000000000\n' for n in range(3000))
    once = course()
    turn = once.answer((lines * 90 + "b 1\n").encode(), TEXT, AT)
    sizes = [len(message.timeseries) for message in messages(turn)]
    assert sum(sizes) == 3000 * 90 + 1
    assert max(sizes) <= 250_000


def test_an_exemplar_alone_does_not_keep_a_series_alive() -> None:
    once = course()
    once.answer(b'a_total 1 # {t="1"} 1\n# EOF\n', OPEN, AT)
    assert samples(once.answer(b"# EOF\n", OPEN, AT)) == {"a_total": "stale"}
