"""What can stand at the cursor of a search that is being typed.

Names and values come from the rollup of facets, counted over the last day of the range;
fields that every row has are known without it.
"""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.facets import COLUMNS
from quarterdeck.telemetry.query.window import Asked, Window, run
from quarterdeck.telemetry.search.fields import FIELDS, Signal, field_of
from quarterdeck.telemetry.search.fields import Field as Known
from quarterdeck.telemetry.search.place import Place, place_of
from quarterdeck.telemetry.search.tree import KEYWORDS, print_name, print_text

MOST = 12
_MOST_NAMES = 500
_MOST_TERMS = 3
_DAY_MS = 86_400_000
_COMPARED = ("number", "duration", "level")
_WITHOUT_VALUES = ("id", "duration", "words", "number", "pattern")
_SEGMENTS = ".", "_", "-", "/"


class CompletionItem(BaseModel):
    text: str = Field(description="What replaces the range.")
    label: str
    kind: Literal["field", "operator", "value", "term", "keyword"]
    count: int | None = Field(
        default=None, description="How many rows have it, where that is counted."
    )


class Completion(BaseModel):
    start: int = Field(description="Of the range that an item replaces, in characters.")
    end: int
    items: list[CompletionItem]


def complete(engine: Engine, window: Window, signal: Signal, text: str, cursor: int) -> Completion:
    place = place_of(text, min(cursor, len(text)))
    rolled = _Rollup(engine, window.after(window.end_ms - _DAY_MS), signal)
    items: list[CompletionItem] = []
    if place.kind == "value":
        items = _values(rolled, place)
    elif place.kind == "name":
        items = _names(rolled, place.typed, "")
    elif place.kind == "term":
        items = _keywords(place) + _names(rolled, place.typed, ":")
        if place.typed:
            items += _terms(rolled, place.typed)
    return Completion(start=place.start, end=place.end, items=items)


@dataclass(frozen=True, slots=True)
class _Rollup:
    """The rollup of facets, as far as it is of use here."""

    engine: Engine
    window: Window
    signal: Signal

    def count(
        self, columns: str, holding: str, typed: str, most: int, *fields: str
    ) -> list[list[Any]]:
        """Rows by columns whose `holding` holds what has been typed, those that begin so first."""
        asked = Asked()
        asked.add(f"signal = {asked.bind(self.signal)}")
        if fields:
            asked.add(f"field IN {asked.bind(fields, 'Array(String)')}")
        sought = asked.bind(typed)
        if typed:
            asked.add(f"positionCaseInsensitiveUTF8({holding}, {sought}) > 0")
        times = "quarter >= toStartOfFifteenMinutes(fromUnixTimestamp64Milli({from_ms:Int64})) AND quarter < fromUnixTimestamp64Milli({to_ms:Int64})"
        sql = f"""
            SELECT {columns}, sum(items) AS count FROM facets_15m
            WHERE project = {{project:UInt32}} AND {times}{asked.sql} GROUP BY {columns}
            ORDER BY positionCaseInsensitiveUTF8({holding}, {sought}) > 1, count DESC LIMIT {most}"""
        return run(self.engine, "search_complete", sql, self.window, asked).rows


def _names(rolled: _Rollup, typed: str, operator: str) -> list[CompletionItem]:
    sought = typed.lower()
    counts = dict(rolled.count("field", "field", typed, _MOST_NAMES))
    fields = FIELDS[rolled.signal]
    known = {each.names[0]: counts.pop(_facet_of(rolled.signal, each), None) for each in fields}
    found = {name: count for name, count in known.items() if sought in name}
    found |= {name: n for name, n in counts.items() if not field_of(rolled.signal, name)}

    def rank(name: str) -> tuple[int, bool, bool, int]:
        at = name.lower().find(sought)
        far = 0 if at == 0 else 1 if name[at - 1] in _SEGMENTS else 2
        unseen = not typed and found[name] is None
        return far, unseen, name not in known, 0 if name in known else -(found[name] or 0)

    items = [
        CompletionItem(
            text=print_name(name) + operator, label=name, kind="field", count=found[name]
        )
        for name in sorted(found, key=rank)[:MOST]
    ]
    if operator and (typed in found or field_of(rolled.signal, typed)):
        signs = [f"{print_name(typed)}{sign}" for sign in _signs(rolled.signal, typed)]
        items = [CompletionItem(text=sign, label=sign, kind="operator") for sign in signs] + [
            item for item in items if item.label != typed
        ]
    return items


def _signs(signal: Signal, name: str) -> tuple[str, ...]:
    """What can follow a name that stands there whole."""
    known = field_of(signal, name)
    if known and known.kind not in _COMPARED:
        return ":", "!=", ":*"
    return ":", ">=", ">", "<=", "<", "!=", ":*"


def _keywords(place: Place) -> list[CompletionItem]:
    wanted = place.typed.upper()
    words = [word for word in KEYWORDS if word.startswith(wanted)] if wanted else ["OR"]
    return [
        CompletionItem(text=word, label=word, kind="keyword")
        for word in words
        if place.follows or word == "NOT"
    ]


def _values(rolled: _Rollup, place: Place) -> list[CompletionItem]:
    known = field_of(rolled.signal, place.field)
    if known and known.kind in _WITHOUT_VALUES:
        return []
    name = _facet_of(rolled.signal, known) if known else _attribute_of(place.field)
    counts: dict[str, int | None] = dict(rolled.count("value", "value", place.typed, MOST, name))
    if known and known.choices:  # there are no others, and all of them can be looked for
        sought = [choice for choice in known.choices if place.typed.lower() in choice]
        counts = {choice: counts.get(choice) for choice in sought}
        counts = dict(sorted(counts.items(), key=lambda item: -(item[1] or 0)))
    return [
        CompletionItem(text=print_text(value), label=value, kind="value", count=count)
        for value, count in counts.items()
    ]


def _terms(rolled: _Rollup, typed: str) -> list[CompletionItem]:
    """Values of the columns that hold what has been typed, with the name of their field."""
    rows = rolled.count("field, value", "value", typed, _MOST_TERMS, *COLUMNS[rolled.signal])
    texts = [(f"{field}:{print_text(value)}", count) for field, value, count in rows]
    return [CompletionItem(text=text, label=text, kind="term", count=n) for text, n in texts]


def _facet_of(signal: Signal, field: Known) -> str:
    """The name by which the rollup knows a field."""
    return next((name for name in field.names if name in COLUMNS[signal]), "")


def _attribute_of(name: str) -> str:
    return name.removeprefix("attributes.").removeprefix("@")
