"""Relabelling: every action, as Prometheus defines it, and its regular expressions."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from quarterdeck.store.telemetry import Limits
from quarterdeck.telemetry.scrape.regex import compiled
from quarterdeck.telemetry.scrape.relabel import relabelling
from quarterdeck.telemetry.scrape.rules import RelabelRule
from support.engine import shared_engine

LABELS = {"a": "foo", "b": "bar", "c": "baz"}


def relabelled(labels: dict[str, str], *rules: dict[str, Any]) -> dict[str, str] | None:
    relabel = relabelling([RelabelRule.model_validate(rule) for rule in rules])
    assert relabel is not None
    return relabel(labels)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"source_labels": ["a"], "regex": "f(.*)", "target_label": "d", "replacement": "ch${1}-ch$1"}, {"d": "choo-choo"}),
        ({"source_labels": ["a", "b"], "regex": "f(.*);(.*)r", "target_label": "a", "replacement": "b${1}${2}m"}, {"a": "boobam"}),
        ({"source_labels": ["a", "b"], "separator": "-", "regex": "(.*)", "target_label": "d"}, {"d": "foo-bar"}),
        ({"source_labels": ["a"], "regex": "oo", "target_label": "d", "replacement": "x"}, {}),  # anchored
        ({"source_labels": ["a"], "regex": "fo{2}", "target_label": "d", "replacement": "x"}, {"d": "x"}),
        ({"source_labels": ["a"], "regex": "(f).*", "target_label": "${1}oz", "replacement": "x"}, {"foz": "x"}),
        ({"source_labels": ["a"], "regex": "(x)?foo", "target_label": "d", "replacement": "$1y$9z"}, {}),
        ({"source_labels": ["a"], "regex": "(?P<n>fo).*", "target_label": "d", "replacement": "${n}-$$-$nx"}, {"d": "fo-$-"}),
        ({"source_labels": ["a"], "regex": "foo", "target_label": "b", "replacement": ""}, {"b": None}),
        ({"source_labels": ["nope"], "target_label": "b"}, {"b": None}),
        ({"target_label": "d", "replacement": "fixed"}, {"d": "fixed"}),
        ({"action": "keep", "source_labels": ["a"], "regex": "foo"}, {}),
        ({"action": "keep", "source_labels": ["a"], "regex": "no|way"}, None),
        ({"action": "keep", "source_labels": ["a"], "regex": "f"}, None),
        ({"action": "drop", "source_labels": ["a"], "regex": "f.*"}, None),
        ({"action": "drop", "source_labels": ["a"], "regex": "f"}, {}),
        ({"action": "keepequal", "source_labels": ["a"], "target_label": "b"}, None),
        ({"action": "keepequal", "source_labels": ["nope"], "target_label": "neither"}, {}),
        ({"action": "dropequal", "source_labels": ["a"], "target_label": "a"}, None),
        ({"action": "dropequal", "source_labels": ["a"], "target_label": "b"}, {}),
        ({"action": "hashmod", "source_labels": ["c"], "target_label": "d", "modulus": 1000}, {"d": "976"}),
        ({"action": "labelmap", "regex": "(a|b)", "replacement": "x_$1"}, {"x_a": "foo", "x_b": "bar"}),
        ({"action": "labelmap", "regex": "a", "replacement": "b"}, {"b": "foo"}),
        ({"action": "labeldrop", "regex": "a|b"}, {"a": None, "b": None}),
        ({"action": "labelkeep", "regex": "a|b"}, {"c": None}),
        ({"action": "uppercase", "source_labels": ["a", "b"], "separator": "É", "target_label": "d"}, {"d": "FOOÉBAR"}),
        ({"action": "Lowercase", "source_labels": ["a"], "target_label": "d"}, {"d": "foo"}),
    ],
)  # fmt: skip
def test_every_action_does_what_prometheus_does(rule: Any, expected: Any) -> None:
    found = relabelled(LABELS, rule)
    if expected is None:
        assert found is None
    else:
        changed = {**LABELS, **expected}
        assert found == {name: text for name, text in changed.items() if text is not None}
    assert LABELS == {"a": "foo", "b": "bar", "c": "baz"}


def test_rules_follow_one_another_and_nothing_follows_a_drop() -> None:
    assert relabelled(
        LABELS,
        {"source_labels": ["a"], "target_label": "d"},
        {"source_labels": ["d"], "regex": "(.).*", "target_label": "e"},
        {"action": "labelkeep", "regex": "e"},
    ) == {"e": "f"}
    drop = {"action": "drop", "source_labels": ["a"], "regex": "foo"}
    assert relabelled(LABELS, drop, {"target_label": "z", "replacement": "z"}) is None


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "replace"}, {"action": "hashmod", "target_label": "x"}, {"action": "lowercase"},
        {"action": "keepequal", "target_label": "x"}, {"action": "explode"}, {"regex": "("}, {"regex": "(?=a)", "target_label": "x"},
        {"regex": "a" * 5000, "target_label": "x"}, {"target_label": "x", "mystery": 1}, {"regex": r"\pL", "target_label": "x"},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(rule: Any) -> None:
    with pytest.raises(ValidationError):
        RelabelRule.model_validate(rule)


def test_a_text_that_is_too_long_matches_only_everything() -> None:
    long = {"a": "x" * 5000}
    assert relabelled(long, {"action": "keep", "source_labels": ["a"], "regex": "x+"}) is None
    assert relabelled(long, {"source_labels": ["a"], "target_label": "b"}) == {
        **long,
        "b": "x" * 5000,
    }


def test_an_exporter_cannot_hold_the_server_with_a_label() -> None:
    """Python alone would take hours for each."""
    for regex, text in (("(a+)+", "a" * 4000 + "b"), ("(.*)-(.*)-(.*)-(.*)-(.*)x", "-" * 4000)):
        assert compiled(regex).fullmatch(text) is None


def in_engine(regex: str, text: str) -> bool:
    """What RE2 itself says."""
    sql = "SELECT match({text:String}, {regex:String})"
    params = {"text": text, "regex": f"^(?s:{regex})$"}
    return bool(shared_engine().query("regex", sql, params, limits=Limits(seconds=5)).rows[0][0])


PIECES = st.sampled_from(
    ["a", "Z", "_", "1", "(", ")", "(?:", "(?i)", "(?-s)", "(?i:", "[", "]", "^", "-", "|", "*", "+", "?", "{2}", "{1,3}",
     "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\b", "\\x41", "\\x{62}", "[:alpha:]", "[:^digit:]", "[^", "a-z", ".", "$", "\\.", " ", "\n", "\\z", "&", "~"]
)  # fmt: skip
TEXTS = st.text(alphabet="aAbZz_1 .\n-]^&~$", max_size=6)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=8).map("".join), TEXTS)
def test_an_expression_matches_where_re2_matches(regex: str, text: str) -> None:
    try:
        pattern = compiled(regex)
    except ValueError:
        return
    assert bool(pattern.fullmatch(text)) == in_engine(regex, text)


@pytest.mark.parametrize(
    ("regex", "text", "matches"),
    [
        ("a(?i)b|c", "aB", True), ("a(?i)b|c", "C", True), ("(a(?i)b)c", "aBC", False), ("a$", "a\n", False), ("[^\\D]", "5", True),
        ("[\\D5]+", "a5", True), ("[^[:alpha:]]", "a", False), ("[]a]", "]", True), ("[^]a]", "]", False), ("\\s", "\v", False),
        ("[a&&b]+", "&", True), (".*", "a\nb", True), ("(?-s).*", "a\nb", False), ("(?m)^a$\n^b$", "a\nb", True), ("\\x{1F600}", "😀", True),
    ],
)  # fmt: skip
def test_where_the_two_languages_differ_re2_holds(regex: str, text: str, matches: bool) -> None:
    assert in_engine(regex, text) == matches
    assert bool(compiled(regex).fullmatch(text)) == matches
