"""What we pass as a regular expression the engine compiles."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quarterdeck.store.telemetry import Limits
from quarterdeck.telemetry.search.regex import fault_in
from support.engine import shared_engine


def compiled(regex: str) -> bool:
    shared_engine().query(
        "regex", "SELECT match('some text', {regex:String})", {"regex": regex}, limits=Limits(seconds=5)
    )  # fmt: skip
    return True


@pytest.mark.parametrize(
    "regex",
    [
        "time(d )?out|refused", "(?i)error", "a{2,5}?b+?", "[^a-z]", "[]x]", "[a-]", "\\d+\\.\\d*", "\\bword\\b",
        "\\p{Lu}\\pN\\P{L}", "[[:alpha:][:^digit:]_]", "\\x41\\x{10FFFF}", "^$", "(a|)", ".{1000}", "é{1000}",
        "(?i)[à-ü]{500}", "(a{10}){100}", "\\p{L}{33}", "[\\pL\\pN]{16}", "(?i-s:a)b", "{", "a{,3}", "\x00", "\\/",
    ],
)  # fmt: skip
def test_these_are_taken(regex: str) -> None:
    assert fault_in(regex) is None
    assert compiled(regex)


@pytest.mark.parametrize(
    ("regex", "position"),
    [
        ("a(b", 1), ("a)b", 1), ("ab[c", 2), ("[z-a]", 1), ("*a", 0), ("a**", 2), ("(|*)", 2), ("a{5,2}", 1),
        ("a{1001}", 1), ("a{99999999}", 1), ("(a{100}){11}", 8), ("\\", 0), ("x\\1", 1), ("\\8", 0), ("(?=a)", 0),
        ("(?P<n>a)", 0), ("\\p{Klingon}", 0), ("\\x{110000}", 0), ("[\\b]", 1), ("[a-\\d]", 1), ("\\pL{100}", 0),
        ("\\Qa\\E", 0), ("\\C", 0), ("[[:nope:]]", 1),
    ],
)  # fmt: skip
def test_these_are_refused_where_they_go_wrong(regex: str, position: int) -> None:
    fault = fault_in(regex)
    assert fault is not None
    assert fault.position == position


pieces = st.sampled_from(
    ["a", "Z", "é", "😀", "(", ")", "(?:", "(?i)", "(?", "[", "]", "^", "-", "|", "*", "+", "?", "{2}", "{1,9}", "{",
     "}", ",", "\\", "\\d", "\\b", "\\pL", "\\p{Lu}", "\\x41", "[:alpha:]", "[^", "a-z", ".", "$", "/", " ", "\n", ":", "{1000}"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(pieces, max_size=10).map("".join))
def test_what_is_not_refused_the_engine_compiles(regex: str) -> None:
    assert fault_in(regex) is not None or compiled(regex)
