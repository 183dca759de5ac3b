"""A search as conditions over the stored tables, every value bound as a parameter.

Words of log bodies are looked up in the text index: a word matches whole words, without
regard to case, and a phrase must stand as written. Of a pattern the words that are whole in
it are looked up. Equality of an attribute uses the index of values. The engine follows both
through OR and NOT. No condition is ever NULL, so that NOT finds everything else.
"""

import re
from collections.abc import Callable

from quarterdeck.telemetry.query.log_mask import has_pattern, pattern_of
from quarterdeck.telemetry.query.search_values import (
    as_stored,
    duration_of,
    like_of,
    lower,
    number_of,
    word_pattern_of,
    words_of,
)
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.search.fields import (
    LEVELS,
    RESOURCE_PREFIXES,
    Field,
    Signal,
    field_of,
    level_of,
)
from quarterdeck.telemetry.search.parse import invalid, parse
from quarterdeck.telemetry.search.tree import (
    All,
    Any,
    Compare,
    Exists,
    Leaf,
    Match,
    Node,
    Not,
    Pattern,
    Range,
    Regex,
    Text,
)

__all__ = ["LEVELS", "level_of", "search_inside", "search_logs", "search_spans"]

_HEX = re.compile(r"[0-9a-fA-F]+")


_Free = Callable[[Asked, Leaf, Signal], str]
"""What is asked of a row by a value without a field."""


def search_logs(asked: Asked, text: str) -> None:
    """Add the conditions of a search over log records."""
    _search(asked, text, "logs")


def search_spans(asked: Asked, text: str) -> None:
    """Add the conditions of a search over spans."""
    _search(asked, text, "spans")


def search_inside(asked: Asked, text: str) -> None:
    """Add the conditions of a search over the spans of one trace: few, so a word may be anywhere."""
    _search(asked, text, "spans", _anywhere)


def _search(asked: Asked, text: str, signal: Signal, free: _Free | None = None) -> None:
    tree = parse(text)
    for node in tree.nodes if isinstance(tree, All) else (tree,):
        asked.add(_condition(asked, node, signal, free or _free))


def _condition(asked: Asked, node: Node, signal: Signal, free: _Free) -> str:
    match node:
        case All(nodes):
            return " AND ".join(f"({_condition(asked, part, signal, free)})" for part in nodes)
        case Any(nodes):
            return " OR ".join(f"({_condition(asked, part, signal, free)})" for part in nodes)
        case Not(inner):
            return f"NOT ({_condition(asked, inner, signal, free)})"
        case _:
            return _leaf(asked, node, signal, free)


def _leaf(asked: Asked, leaf: Leaf, signal: Signal, free: _Free) -> str:
    if not leaf.field:
        return free(asked, leaf, signal)
    known = field_of(signal, leaf.field)
    return _OF_KIND[known.kind](asked, leaf, known) if known else _attribute(asked, leaf)


def _free(asked: Asked, leaf: Leaf, signal: Signal) -> str:
    assert isinstance(leaf, Match)
    text = leaf.value.text
    if isinstance(leaf.value, Text) and len(text) == 32 and _HEX.fullmatch(text):
        return _same_id(asked, "trace_id", text)  # a word that looks like a trace id is one
    if isinstance(leaf.value, Pattern) and not text.strip("*"):
        return "1 = 1"
    if signal == "logs":
        return _in_body(asked, leaf)
    if isinstance(leaf.value, Text):
        like = asked.bind(f"%{like_of(lower(text), wild=False)}%")
        return f"lower(name) LIKE {like} OR lower(status_message) LIKE {like}"
    if isinstance(leaf.value, Regex):
        regex = asked.bind(text)
        return f"match(name, {regex}) OR match(status_message, {regex})"
    regex = asked.bind(word_pattern_of(lower(text))[1])
    return f"match(lower(name), {regex}) OR match(lower(status_message), {regex})"


def _anywhere(asked: Asked, leaf: Leaf, signal: Signal) -> str:
    assert isinstance(leaf, Match)
    text = leaf.value.text
    if isinstance(leaf.value, Regex):
        said = f"match(said, {asked.bind(text)})"
    elif isinstance(leaf.value, Pattern):
        said = f"match(lower(said), {asked.bind(word_pattern_of(lower(text))[1])})"
    else:
        said = f"position(lower(said), {asked.bind(lower(text))}) > 0"
    everything = "arrayConcat([name, service, status_message, events, hex(span_id)], mapKeys(attributes), mapValues(attributes))"
    return f"arrayExists(said -> {said}, {everything})"


def _in_body(asked: Asked, leaf: Match) -> str:
    if isinstance(leaf.value, Regex):
        return f"match(body, {asked.bind(leaf.value.text)})"
    text = lower(leaf.value.text)
    if isinstance(leaf.value, Pattern):
        words, regex = word_pattern_of(text)
        written = f"match(lower(body), {asked.bind(regex)})"
    else:
        words = words_of(text)
        # More than a word must also stand as written.
        written = "" if words == [text] else f"position(lower(body), {asked.bind(text)}) > 0"
    looked_up = f"hasAllTokens(lower(body), {asked.bind(words, 'Array(String)')})" if words else ""
    return " AND ".join(filter(None, (looked_up, written)))


def _words(asked: Asked, leaf: Leaf, field: Field) -> str:
    return _in_body(asked, leaf) if isinstance(leaf, Match) else _text_field(asked, leaf, field)


def _line_pattern(asked: Asked, leaf: Leaf, field: Field) -> str:
    match leaf:
        case Match(_, Text(text)):
            return has_pattern(asked, text)
        case Match(_, Pattern() | Regex()):
            return _text(asked, leaf, pattern_of(field.sql))
    return _text_field(asked, leaf, field)


def _text_field(asked: Asked, leaf: Leaf, field: Field) -> str:
    return f"{field.sql} != ''" if isinstance(leaf, Exists) else _text(asked, leaf, field.sql)


def _text(asked: Asked, leaf: Leaf, value: str) -> str:
    """Conditions on a text, which may be a number."""
    match leaf:
        case Match(_, Text(text)):
            return f"{value} = {asked.bind(text)}"
        case Match(_, Pattern(text)):
            return f"{value} ILIKE {asked.bind(like_of(text))}"
        case Match(_, Regex(text)):
            return f"match({value}, {asked.bind(text)})"
    return (
        f"ifNull({_ordered(asked, leaf, f'toFloat64OrNull(toString({value}))', _number(leaf))}, 0)"
    )


def _attribute(asked: Asked, leaf: Leaf) -> str:
    name = leaf.field.removeprefix("resource.")
    in_resource = name != leaf.field
    name = name.removeprefix("attributes.").removeprefix("@")
    key = asked.bind(name)
    of_map = "" if in_resource else _of_map(asked, leaf, key)
    if not in_resource and not name.startswith(RESOURCE_PREFIXES):
        return of_map
    held = f"JSONHas(resource, {key})"
    value = f"if(JSONType(resource, {key}) = 'String', JSONExtractString(resource, {key}), JSONExtractRaw(resource, {key}))"
    condition = held if isinstance(leaf, Exists) else f"{held} AND {_text(asked, leaf, value)}"
    return f"({condition}) OR ({of_map})" if of_map else condition


def _of_map(asked: Asked, leaf: Leaf, key: str) -> str:
    held, value = f"mapContains(attributes, {key})", f"attributes[{key}]"
    match leaf:
        case Exists():
            return held
        case Match(_, Text(text)) if text:
            return f"{value} IN {asked.bind(as_stored(text), 'Array(String)')}"
        case Match(_, Pattern()):
            return _text(asked, leaf, value)
    return f"{held} AND {_text(asked, leaf, value)}"


def _level(asked: Asked, leaf: Leaf, field: Field) -> str:
    match leaf:
        case Exists():
            return "severity_number != 0 OR severity_text != ''"
        case Match(_, Text(text)) if level_of(text) is None:
            return f"lower(severity_text) = {asked.bind(lower(text))}"
        case Match(_, Pattern() | Regex()):
            named = _text(asked, leaf, "toString(severity)")
            return f"{named} OR {_text(asked, leaf, 'severity_text')}"

    def number(text: str) -> int:
        level = level_of(text)
        if level is None:
            raise invalid(f"`{text}` is not a level.", leaf.at, f"Levels are {', '.join(LEVELS)}.")
        return level

    return _ordered(asked, leaf, field.sql, number, "Int8")


def _number_field(asked: Asked, leaf: Leaf, field: Field) -> str:
    return _ordered(asked, leaf, field.sql, _number(leaf))


def _duration(asked: Asked, leaf: Leaf, field: Field) -> str:
    def number(text: str) -> int:
        duration = duration_of(text, field.unit)
        if duration is None:
            raise invalid(f"`{text}` is not a duration.", leaf.at, "Write 250ms, 1.5s or 2m30s.")
        return duration

    return _ordered(asked, leaf, field.sql, number, "Int64")


def _choice(asked: Asked, leaf: Leaf, field: Field) -> str:
    match leaf:
        case Exists():
            return f"toInt8({field.sql}) != 0"
        case Match(_, Text(text)) if lower(text) in field.choices:
            return f"{field.sql} = {asked.bind(lower(text))}"
        case Match(_, Pattern() | Regex()):
            return _text(asked, leaf, f"toString({field.sql})")
    raise _not_one_of(leaf, field)


def _flag(asked: Asked, leaf: Leaf, field: Field) -> str:
    match leaf:
        case Exists():
            return "1 = 1"
        case Match(_, Text(text)) if lower(text) in field.choices:
            return field.sql if lower(text) == "true" else f"NOT ({field.sql})"
    raise _not_one_of(leaf, field)


def _id(asked: Asked, leaf: Leaf, field: Field) -> str:
    match leaf:
        case Exists():
            return f"{field.sql} != toFixedString('', {field.size})"
        case Match(_, Text(text)):
            valid = len(text) == field.size * 2 and _HEX.fullmatch(text)
            return _same_id(asked, field.sql, text) if valid else "1 = 0"
        case Match():
            return _text(asked, leaf, f"lower(hex({field.sql}))")
    raise invalid(f"`{leaf.field}` is an id: it can be compared with : alone.", leaf.at)


def _same_id(asked: Asked, column: str, text: str) -> str:
    return f"{column} = toFixedString(unhex({asked.bind(text)}), {len(text) // 2})"


def _ordered(
    asked: Asked, leaf: Leaf, value: str, number: Callable[[str], float], type: str = "Float64"
) -> str:
    """Conditions on what can be compared; `number` reads a value that was written."""
    match leaf:
        case Match(_, Text(text)):
            return f"{value} = {asked.bind(number(text), type)}"
        case Compare(_, operator, text):
            return f"{value} {operator} {asked.bind(number(text), type)}"
        case Range(_, low, high, with_low, with_high):
            least, most = (None if side is None else number(side) for side in (low, high))
            if least is not None and most is not None and least > most:
                raise invalid(
                    f"The range is turned around: `{low}` is more than `{high}`.",
                    leaf.at,
                    f"Write {leaf.field}:[{high} TO {low}].",
                )
            above = "" if least is None else f"{value} {'>=' if with_low else '>'} {asked.bind(least, type)}"  # fmt: skip
            below = "" if most is None else f"{value} {'<=' if with_high else '<'} {asked.bind(most, type)}"  # fmt: skip
            return " AND ".join(filter(None, (above, below)))
        case Exists():
            return "1 = 1"
    raise invalid(f"`{leaf.field}` is compared with numbers, not with patterns.", leaf.at)


def _number(leaf: Leaf) -> Callable[[str], float]:
    def number(text: str) -> float:
        found = number_of(text)
        if found is None:
            raise invalid(
                f"A number is expected for `{leaf.field}`, not `{text[:60]}`.",
                leaf.at,
                "Write 500, -1.5 or 10KB; put it in quotes behind : to look for the text itself.",
            )
        return found

    return number


def _not_one_of(leaf: Leaf, field: Field) -> Exception:
    return invalid(
        f"`{leaf.field}` is one of {', '.join(field.choices)}.",
        leaf.at,
        f"Write {leaf.field}:{field.choices[0]}.",
    )


_OF_KIND: dict[str, Callable[[Asked, Leaf, Field], str]] = {
    "text": _text_field,
    "words": _words,
    "pattern": _line_pattern,
    "level": _level,
    "number": _number_field,
    "duration": _duration,
    "id": _id,
    "choice": _choice,
    "flag": _flag,
}
