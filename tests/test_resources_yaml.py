"""YAML is hostile input: bounded, without surprises, and what goes out comes back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.core.errors import BadInput, TooLarge
from quarterdeck.resources.record import FieldChange, Precondition, field_changes
from quarterdeck.resources.yamltext import dump_documents, load_documents

TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(TEXT, VALUES, min_size=1, max_size=4), max_size=4))
def test_what_is_exported_reads_back_equal(documents: list[dict[str, Any]]) -> None:
    assert load_documents(dump_documents(documents)) == documents


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"), ("on", "on"), ("y", "y"), ("12:30", "12:30"), ("2026-11-21", "2026-11-21"),
        ("010", "010"), ("0x10", "0x10"), ("1_000", "1_000"), ("true", True), ("~", None),
        ("-5", -5), ("1.5", 1.5), ("${secret:A}", "${secret:A}"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_it_looks_like(written: str, meant: Any) -> None:
    assert load_documents(f"a: {written}") == [{"a": meant}]


def test_a_bomb_of_aliases_is_refused_before_it_unfolds() -> None:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for earlier, later in zip("abcdefghijk", "bcdefghijkl", strict=True):
        lines.append(f"{later}: &{later} [{','.join([f'*{earlier}'] * 9)}]")
    with pytest.raises(TooLarge) as caught:
        load_documents("\n".join(lines))
    assert caught.value.code == "yaml_too_large"


def test_a_merge_key_counts_what_it_unfolds() -> None:
    base = "base: &base {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\n"
    with pytest.raises(TooLarge):
        load_documents(base + "".join(f"m{n}: {{<<: *base}}\n" for n in range(300)))
    assert load_documents("a: &a {x: 1}\nb: {<<: *a, y: 2}")[0]["b"] == {"x": 1, "y": 2}


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{a: " * 500, "x: " + "y" * 5_000_000])
def test_depth_and_size_are_bounded(text: str) -> None:
    with pytest.raises(TooLarge):
        load_documents(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: [", "a: &a [*a]", "a: *nobody", "a: 1\na: 2", "a: !!python/object/apply:os.system [ls]",
        "a: !!python/name:os.system ''", "\0", "? [a, b]\n: 1", "a: \t- b\n c", "%YAML 9.9\n---\na",
        "a: .inf", "a: !!float nan", "a: !!timestamp 2026-11-21", "a: !!binary aGk=", "a: !!set {b}",
    ],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_documents(text)
    assert caught.value.code == "yaml_invalid"


def test_an_error_tells_line_and_column() -> None:
    with pytest.raises(BadInput, match=r"given twice \(line 3, column 1\)"):
        load_documents("a: 1\nb: 2\na: 3\n")


def test_empty_documents_do_not_count() -> None:
    assert load_documents("---\na: 1\n---\n---\n# nothing\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert load_documents("") == []


def test_differences_are_told_field_by_field() -> None:
    before = {"a": 1, "b": {"c": [1, 2], "d": True}, "gone": "x"}
    after = {"a": 1, "b": {"c": [1, 3], "d": 1}, "new": None, "list": [1]}
    assert list(field_changes(before, after, "spec")) == [
        FieldChange("spec.b.c.1", 2, 3),
        FieldChange("spec.b.d", True, 1),
        FieldChange("spec.gone", "x", None),
        FieldChange("spec.list", None, [1]),
    ]


def test_an_empty_precondition_lets_everything_pass() -> None:
    Precondition().check(None)
