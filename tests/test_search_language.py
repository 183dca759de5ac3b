"""The language of the search fields: how it is read, printed and refused."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.search.parse import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_REGEX,
    MAX_TERMS,
    parse,
)
from quarterdeck.telemetry.search.tokens import tokens_of
from quarterdeck.telemetry.search.tree import (
    All,
    Compare,
    Exists,
    Match,
    Node,
    Not,
    Pattern,
    Range,
    Regex,
    Text,
    all_of,
    any_of,
    pattern_of,
    print_search,
)

# What may be written, and the one way in which it is printed.
PRINTED = [
    ("", ""),
    ("   ", ""),
    ("payment", "payment"),
    ('payment -"card declined" service:shop', 'payment -"card declined" service:shop'),
    ("a AND b", "a b"),
    ("a b OR c d", "a b OR c d"),
    ("a AND (b OR c)", "a (b OR c)"),
    ("((a))", "a"),
    ("(a b) (c d)", "a b c d"),
    ("NOT a", "-a"),
    ("NOT(a OR b)", "-(a OR b)"),
    ("-(a b)", "-(a b)"),
    ("NOT NOT a", "-(-a)"),
    ("and or not", "and or not"),
    ("service=shop", "service:shop"),
    ("service!=shop", "-service:shop"),
    ("duration:>=100ms", "duration>=100ms"),
    ("level:(warn OR error)", "level:warn OR level:error"),
    ("level:(warn -error)", "level:warn -level:error"),
    ("n:(>=1 <5)", "n>=1 n<5"),
    ("n:[10 TO 20]", "n:[10 TO 20]"),
    ("n:{10 TO 20}", "n:{10 TO 20}"),
    ("n:[10 TO 20}", "n:[10 TO 20}"),
    ("n:[ 10  TO  * ]", "n:[10 TO *]"),
    ("n:[* TO 5]", "n:[* TO 5]"),
    ("n:[* TO *]", "n:*"),
    ("n:10..20", "n:[10 TO 20]"),
    ("n:-5..*", "n:[-5 TO *]"),
    ("level:warn..error", "level:[warn TO error]"),
    ('t:["2026-01-01 10:00" TO x]', 't:["2026-01-01 10:00" TO x]'),
    ("a..b ../x f:../x", '"a..b" "../x" f:"../x"'),
    ("f:* f:**", "f:* f:*"),
    ("pay* ?at f:5*", "pay* ?at f:5*"),
    ("/time(d )?out/", "/time(d )?out/"),
    ("f:/a\\/b/", "f:/a\\/b/"),
    ("GET /cart", 'GET "/cart"'),
    ("GET /cart /pay", 'GET "/cart" "/pay"'),
    ("\\*", '"*"'),
    ("\\(x\\)", '"(x)"'),
    ("a\\ b", '"a b"'),
    ("f:C:\\temp\\x", 'f:"C:\\\\temp\\\\x"'),
    ('"say \\"hi\\""', '"say \\"hi\\""'),
    ('"my field":x', '"my field":x'),
    ('"größe">5', '"größe">5'),
    ('{"user":"x"}', '"{" user:x "}"'),
    ("main()", '"main()"'),
    ("--verbose a -> b -", '"--verbose" a "->" b "-"'),
    ("http://shop.example/cart", '"http://shop.example/cart"'),
    ("12:30", '"12:30"'),
    ("ß 😀", 'ß "😀"'),
    # What is still being typed.
    ('"still being', '"still being"'),
    ('f:"half \\', 'f:"half "'),
    ("(a OR (b", "a OR b"),
    ("f:(a OR b", "f:a OR f:b"),
    ("/half", '"/half"'),
    ("a\\", '"a\\\\"'),
]


@pytest.mark.parametrize(("text", "printed"), PRINTED)
def test_every_form_has_one_way_in_which_it_is_printed(text: str, printed: str) -> None:
    tree = parse(text)
    assert print_search(tree) == printed
    assert parse(printed) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", All(())),
        ("pay", Match("", Text("pay"))),
        ("pay*", Match("", Pattern("pay*"))),
        ("f:a\\*b*", Match("f", Pattern("a\\*b*"))),
        ("/a|b/", Match("", Regex("a|b"))),
        ("f>=1", Compare("f", ">=", "1")),
        ("f:{1 TO *]", Range("f", "1", None, with_low=False)),
        ("f:*", Exists("f")),
        ("a b OR -c", any_of(all_of(*map(parse, "ab")), Not(parse("c")))),
    ],
)
def test_a_text_is_read_as_this_tree(text: str, tree: Node) -> None:
    assert parse(text) == tree


@pytest.mark.parametrize(
    ("text", "fault", "says"),
    [
        ("payment service:", "service:", "lacks a value"),
        ("service: x", "service:", "lacks a value"),
        ("(service:)", "service:", "lacks a value"),
        ("d>", "d>", "lacks a value"),
        ("d>=*", "*", "one value to compare"),
        ("d>(1)", "(", "one value to compare"),
        ("a OR", "OR", "after it"),
        ("a AND", "AND", "after it"),
        ("a OR OR b", "OR", "after it"),
        ("AND a", "AND", "before it"),
        ("OR", "OR", "before it"),
        ("a NOT", "NOT", "after it"),
        ("a ()", "()", "nothing to look for"),
        ("f:()", "()", "nothing to look for"),
        ("a) b", ")", "closes nothing"),
        (")", ")", "closes nothing"),
        ("f:(a b:c)", "b", "among the values of `f`"),
        ("f:[10 20]", "[10 20]", "range"),
        ("f:[10 TO ]", "[10 TO ]", "range"),
        ("f:[10 TO 20 30] a", "[10 TO 20 30]", "range"),
        ("f:[10 TO", "[10 TO", "range"),
        ("f:/a(b/", "(", "not closed"),
        ("/[z-a]/", "z-a", "no range"),
        ("/(?<=a)b/", "(?<", "kind of group"),
        ("/\\1/", "\\1", "not known"),
        ("😀 /a**/", "*", "repeats nothing"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_characters_at_fault(
    text: str, fault: str, says: str
) -> None:
    with pytest.raises(BadInput) as refused:
        parse(text)
    assert refused.value.code == "search_invalid"
    assert says in refused.value.message
    assert refused.value.hint
    position, length = (refused.value.details[key] for key in ("position", "length"))
    assert text[position : position + length] == fault


@pytest.mark.parametrize(
    "text",
    [
        "x" * (MAX_CHARACTERS + 1),
        "x " * (MAX_TERMS + 1),
        f"f:({'x ' * (MAX_TERMS + 1)})",
        "(" * (MAX_DEPTH + 1) + "x",
        "NOT " * (MAX_DEPTH + 1) + "x",
        "-(" * MAX_DEPTH + "x",
        "f:" + "(" * 1_000,
        f"/{'x' * (MAX_REGEX + 1)}/",
    ],
)
def test_a_search_is_bounded(text: str) -> None:
    with pytest.raises(BadInput, match=r"longer than|more than|deeper than"):
        parse(text)


names = st.text(min_size=1, max_size=8) | st.from_regex(r"[a-z@_][a-z._]{0,8}", fullmatch=True)
texts = st.text(max_size=8) | st.sampled_from(
    ["AND", "OR", "TO", "*", "-x", "/x/", "a..b", "f:x", "(", "\\", '"', "[1", "x)", "->", "NOT"]
)
wilds = st.lists(st.tuples(st.sampled_from("*?"), st.just(True)), min_size=1, max_size=2)
patterns = st.builds(
    lambda a, wild, b: pattern_of([*([(a, False)] if a else []), *wild, *([(b, False)] if b else [])]),
    texts,
    wilds,
    st.text(min_size=1, max_size=4),
)  # fmt: skip
regexes = st.sampled_from(["a|b", "/", "a/b", "\\\\", "[^/]+", "(a b)", "\\\\/", "é{2}"])
values = st.builds(Text, texts) | patterns | st.builds(Regex, regexes)
ends = st.tuples(texts | st.none(), texts | st.none()).filter(lambda pair: pair != (None, None))
leaves: st.SearchStrategy[Node] = (
    st.builds(Match, names | st.just(""), values)
    | st.builds(Compare, names, st.sampled_from([">", ">=", "<", "<="]), texts)
    | st.builds(
        lambda f, pair, a, b: Range(f, pair[0], pair[1], a, b),
        names,
        ends,
        st.booleans(),
        st.booleans(),
    )
    | st.builds(Exists, names)
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(lambda nodes: all_of(*nodes), st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda nodes: any_of(*nodes), st.lists(inner, min_size=1, max_size=3))
    ),
    max_leaves=8,
)


@given(trees)
def test_a_tree_that_is_printed_is_read_as_the_same_tree(tree: Node) -> None:
    assert parse(print_search(tree)) == tree


fragments = st.lists(
    st.sampled_from(
        ["a", "f:", '"', "(", ")", "-", "NOT", "OR", "AND", " ", "*", "?", "/", "[", "]", "TO", "1",
         "..", "\\", ">", "=", "{", "}", "é", "b"]
    )
    | st.text(max_size=3),
    max_size=14,
)  # fmt: skip


@given(fragments)
def test_whatever_is_typed_is_read_or_refused_in_place_and_printed_the_same(
    typed: list[str],
) -> None:
    text = "".join(typed)
    try:
        tree = parse(text)
    except BadInput as refused:
        position, length = (refused.details[key] for key in ("position", "length"))
        assert 0 <= position < len(text)
        assert 0 < length <= len(text) - position
        return
    assert parse(print_search(tree)) == tree


def test_the_text_is_cut_as_the_front_end_cuts_it() -> None:
    cases = json.loads((Path(__file__).parent / "data" / "search_tokens.json").read_text())
    for case in cases:
        cut = [[t.kind, t.start, t.end, t.text] for t in tokens_of(case["text"])]
        assert cut == case["tokens"], case["text"]
