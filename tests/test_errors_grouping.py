"""What is one fault is one issue, whatever varies about it; and a person can see why."""

from collections import defaultdict
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from errors.corpus import CASES
from errors.corpus.shapes import browser, python, python_frame, script_frame
from quarterdeck.errors.event import Event, Grouped
from quarterdeck.errors.grouping import group
from quarterdeck.errors.normalise import normalise
from quarterdeck.errors.rules import Matcher, Rule

NOW = 1_795_859_500 * 10**9


def event_of(document: dict[str, Any]) -> Event:
    return normalise(document, received_ns=NOW)


def grouped(document: dict[str, Any], *rules: Rule) -> Grouped:
    return group(1, event_of(document), rules)


def frame(module: str, function: str, **more: Any) -> dict[str, Any]:
    return {**python_frame(module, function, 1), **more}


def test_the_corpus_is_wide_enough_to_mean_something() -> None:
    languages = {document.get("platform") for _, _, document in CASES}
    assert len(CASES) >= 140
    assert len(languages) >= 11


@pytest.mark.parametrize("name", dict.fromkeys(name for name, _, _ in CASES))
def test_events_of_one_fault_are_one_group(name: str) -> None:
    parts = {grouped(event).parts: why for group_, why, event in CASES if group_ == name}
    assert len(parts) == 1, parts


def test_different_faults_are_different_groups() -> None:
    names: dict[int, set[str]] = defaultdict(set)
    for name, _, document in CASES:
        names[grouped(document).group].add(name)
    assert [together for together in names.values() if len(together) > 1] == []


def test_a_group_is_64_bits_and_belongs_to_its_project() -> None:
    event = event_of(python("ValueError", "x", frame("a", "b")))
    groups = [group(project, event).group for project in (1, 2, 11)]
    assert len(set(groups)) == 3
    assert all(0 <= number < 2**64 for number in groups)


def test_a_group_is_the_same_in_every_version_or_every_issue_would_come_anew() -> None:
    assert (
        grouped(python("KeyError", "x", frame("shop.cart", "total"))).group
        == 4_090_575_036_445_923_173
    )
    assert grouped(browser("Error", "x 7")).group == 7_506_586_060_313_940_296
    assert grouped({"message": "Order 7 paid"}).group == 5_214_626_832_021_883_817
    assert grouped({"fingerprint": ["mail"]}).group == 9_536_173_779_968_458_556


def test_parts_cannot_be_made_to_look_like_other_parts() -> None:
    one = grouped({"fingerprint": ["a", "b"]})
    for other in (["a b"], ["a\x00b"], ["a", "b", ""], ["b", "a"]):
        if other != ["a", "b", ""]:  # an empty part is no part
            assert grouped({"fingerprint": other}).group != one.group


def test_parts_say_in_words_what_was_hashed() -> None:
    found = grouped(
        python("KeyError", "'price'", frame("shop.views", "checkout"), frame("shop.cart", "total"))
    )
    assert found.method == "stack"
    assert found.parts == (
        "exception KeyError",
        "call checkout in shop.views",
        "call total in shop.cart",
    )
    assert found.culprit == "total in shop/cart.py"


@pytest.mark.parametrize(
    ("document", "method", "parts"),
    [
        ({"fingerprint": ["mail"], "message": "x"}, "fingerprint", ("fingerprint mail",)),
        (python("ValueError", "row 7"), "type", ("exception ValueError: row <*>",)),
        ({"exception": {"values": [{"type": "ValueError"}]}}, "type", ("exception ValueError",)),
        ({"exception": [{"value": "it broke"}]}, "type", ("exception (no type): it broke",)),
        ({"message": "Order 7 paid"}, "message", ("message Order <*> paid",)),
        ({}, "message", ("message ",)),
    ],
)  # fmt: skip
def test_the_first_method_that_says_something_decides(
    document: dict[str, Any], method: str, parts: tuple[str, ...]
) -> None:
    found = grouped(document)
    assert (found.method, found.parts) == (method, parts)


# Fingerprints and rules


def test_variables_of_a_fingerprint_are_filled_in() -> None:
    document = python(
        "ValueError", "order 7 is gone", frame("shop.cart", "total"),
        transaction="/cart", logger="shop", tags={"tenant": "berlin"},
        fingerprint=[
            "{{ type }}", "{{error.type}}", "{{ value }}", "{{ function }} of {{ stack.module }}", "{{ transaction }}",
            "{{ tags.tenant }}", "{{ tags.none }}", "{{ level }}", "{{ nonsense }}", "{{ default }}",
        ],
    )  # fmt: skip
    assert grouped(document).parts == (
        "fingerprint ValueError",
        "fingerprint ValueError",
        "fingerprint order <*> is gone",
        "fingerprint total of shop.cart",
        "fingerprint /cart",
        "fingerprint berlin",
        "fingerprint ",
        "fingerprint error",
        "fingerprint {{ nonsense }}",
        "exception ValueError",
        "call total in shop.cart",
    )


TIMEOUTS = Rule(
    (Matcher("type", "*Timeout*"), Matcher("path", "shop/*")), ("timeouts", "{{ type }}")
)


def test_a_rule_applies_when_all_its_matchers_do() -> None:
    one = python("ReadTimeout", "x", frame("shop.cart", "total"))
    assert grouped(one, TIMEOUTS).method == "rule"
    assert grouped(one, TIMEOUTS).parts == ("rule timeouts", "rule ReadTimeout")
    assert grouped(python("ReadTimeout", "x", frame("mail.send", "go")), TIMEOUTS).method == "stack"
    assert (
        grouped(python("ValueError", "x", frame("shop.cart", "total")), TIMEOUTS).method == "stack"
    )


def test_the_senders_fingerprint_stands_above_a_rule_and_the_first_rule_above_the_next() -> None:
    anything = Rule((Matcher("type", "*"),), ("anything",))
    document = python("ReadTimeout", "x", frame("shop.cart", "total"))
    assert grouped(document, anything, TIMEOUTS).parts == ("rule anything",)
    assert grouped({**document, "fingerprint": ["mine"]}, anything).parts == ("fingerprint mine",)
    assert grouped({**document, "fingerprint": ["{{ default }}"]}, anything).parts == (
        "rule anything",
    )


@pytest.mark.parametrize(
    ("key", "pattern", "matches"),
    [
        ("type", "valueerror", True),
        ("type", "Value", False),
        ("type", "Value?rror", True),
        ("value", "*order * gone", True),
        ("value", "*gone*order*", False),
        ("message", "no order*", True),
        ("path", "*/site-packages/*", False),
        ("path", "shop/*.py", True),
        ("function", "tot*", True),
        ("module", "shop.cart", True),
        ("module", "shopXcart", False),
        ("tags.tenant", "b*n", True),
        ("tags.other", "*", False),
        ("environment", "prod*", True),
        ("level", "[a-z]*", False),
        ("nonsense", "*", False),
        ("value", "*(*", False),
    ],
)
def test_a_matcher_knows_wildcards_and_nothing_else(key: str, pattern: str, matches: bool) -> None:
    event = event_of(
        python(
            "ValueError", "no order 7: gone", frame("shop.cart", "total"), tags={"tenant": "berlin"}
        )
    )
    assert Matcher(key, pattern).matches(event) is matches
    assert Matcher(key, pattern, negated=True).matches(event) is not matches


def test_a_rule_without_a_matcher_applies_to_nothing() -> None:
    assert grouped({"message": "x"}, Rule((), ("all",))).method == "message"


# Stacks


def test_calls_of_libraries_count_when_there_are_no_others() -> None:
    library = frame("gunicorn.sock", "close", in_app=False)
    assert grouped(python("OSError", "x", library)).parts[1:] == ("call close in gunicorn.sock",)
    both = python("OSError", "x", frame("shop.app", "stop"), library)
    assert grouped(both).parts[1:] == ("call stop in shop.app",)


def test_a_cause_without_a_call_of_the_application_counts_by_its_type_alone() -> None:
    document = python("CartError", "x", frame("shop.cart", "save"))
    cause = {
        "type": "OSError",
        "stacktrace": {"frames": [frame("gunicorn.sock", "close", in_app=False)]},
    }
    document["exception"]["values"].insert(0, cause)
    assert grouped(document).parts == (
        "exception OSError",
        "exception CartError",
        "call save in shop.cart",
    )


def test_a_line_of_source_counts_only_where_the_function_has_no_name() -> None:
    def parts(function: str, code: str) -> tuple[str, ...]:
        return grouped(python("E", "x", frame("shop.cart", function, context_line=code))).parts

    assert parts("total", "return a") == parts("total", "return b")
    assert parts("<lambda>", "return a") != parts("<lambda>", "return b")
    assert parts("<lambda>", "  return   a ") == parts("<lambda>", "return a")
    minified = "x" * 161
    assert parts("<lambda>", minified) == parts("<lambda>", minified + "y")
    assert parts("<lambda>", "{snip} a {snip}") == parts("<lambda>", "{snip} b {snip}")


def test_a_stack_that_names_nothing_is_told_apart_by_the_message() -> None:
    def parts(value: str, function: str) -> tuple[str, ...]:
        return grouped(
            browser("Error", value, script_frame(function, "https://s.example/a.8f3a2c1d.js", 1, 7))
        ).parts

    assert parts("no cart 7", "t") == parts("no cart 9", "n")
    assert parts("no cart 7", "t") != parts("no order 7", "t")
    assert parts("no cart 7", "total") == parts("no order 7", "total")


def test_a_type_is_told_without_addresses_and_parameters_of_generics() -> None:
    def told(kind: str) -> str:
        return grouped(python(kind, "x", frame("shop.cart", "total"))).parts[0]

    assert told("#<Class:0x00007f8a>::Missing") == told("#<Class:0x00001111>::Missing")
    assert (
        told("Shop.ApiException`1")
        == told("Shop.ApiException<Shop.Cart>")
        == "exception Shop.ApiException"
    )
    assert told("com.acme.Cart$Missing") == "exception com.acme.Cart$Missing"


def test_a_minified_class_is_no_type() -> None:
    call = script_frame("total", "https://s.example/a.js", 1, 7)
    assert grouped(browser("Xe", "x", call)).parts == grouped(browser("t", "x", call)).parts
    assert grouped(browser("Xe", "x", call)).parts[0] == "exception (minified)"
    assert grouped(browser("", "x", call)).parts[0] == "exception (no type)"


def test_of_a_very_deep_stack_the_innermost_calls_count() -> None:
    calls = [frame("shop.deep", f"step_{number}") for number in range(240)]
    parts = grouped(python("E", "x", *calls)).parts
    assert len(parts) == 51
    assert parts[-1] == "call step_239 in shop.deep"


def test_recursion_counts_once_wherever_it_stands() -> None:
    a, b, c = (frame("shop.tree", name) for name in "abc")
    called = [[a, b, a, b, c], [a, b, a, b, a, b, c], [a, b, a, b, b, b, c]]
    assert len({grouped(python("E", "x", *calls)).parts for calls in called}) == 1
    straight = grouped(python("E", "x", a, b, c)).parts
    assert straight == (
        "exception E",
        "call a in shop.tree",
        "call b in shop.tree",
        "call c in shop.tree",
    )
    assert grouped(python("E", "x", c, b, a)).parts != straight


def test_symbolication_changes_the_call_and_so_may_a_library_the_sdk_took_for_ours() -> None:
    event = event_of(browser("Error", "x", script_frame("t", "https://s.example/a.js", 1, 7)))
    thrown = event.exceptions[0]
    [minified] = thrown.frames
    named = replace(minified, function="total", filename="src/cart.ts")
    library = replace(
        minified, function="render", filename="webpack:///./node_modules/react/index.js"
    )
    found = replace(event, exceptions=(replace(thrown, frames=(library, named)),))
    assert group(1, found).parts == ("exception Error", "call total in src/cart.ts")


def test_the_culprit_is_the_innermost_call_within_the_application() -> None:
    library = frame("django.db", "execute", in_app=False)
    assert (
        grouped(python("E", "x", frame("shop.a", "f"), frame("shop.b", "g"), library)).culprit
        == "g in shop/b.py"
    )
    assert grouped(python("E", "x", library, transaction="/cart")).culprit == "/cart"
    assert grouped({"message": "x", "culprit": "shop.jobs"}).culprit == "shop.jobs"
    assert grouped({"message": "x"}).culprit == ""


def test_every_two_cases_of_the_corpus_agree_on_parts_exactly_when_they_agree_on_the_group() -> (
    None
):
    found = [grouped(document) for _, _, document in CASES]
    for one, other in combinations(found, 2):
        assert (one.parts == other.parts) is (one.group == other.group)
