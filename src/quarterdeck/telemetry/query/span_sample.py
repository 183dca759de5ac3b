"""A bounded sample of two sides, the selected spans and the rest, with all that is known of each.

What is compared are units: spans, or whole traces of which a span is selected. The same
question over the same data takes the same sample: units are drawn by the hash of their id,
and where there is very much to read, it is read in some of its minutes. The engine hands
over each field's values with the units that have them; here they become sets of bits, so that
every further question is a matter of counting bits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.rows import object_of
from quarterdeck.telemetry.query.span_fields import COLUMN_OF_RESOURCE, COLUMNS, resource_field
from quarterdeck.telemetry.query.span_selection import Selection
from quarterdeck.telemetry.query.traces import Filter
from quarterdeck.telemetry.query.window import Asked, Window, run

Scope = Literal["spans", "traces"]

MOST: dict[Scope, int] = {"spans": 15_000, "traces": 2_000}
"""Units of each side. Twice as many would tell a share to 1 % instead of 1.4 %."""

_MOST_READ = 100_000  # spans of the rest that are read to draw from
_MUCH = 1_000_000  # spans beyond which fewer of the selection are drawn, so that less is read
_ENOUGH = 2_000  # that many of it are drawn in any case
_MOST_READ_WHOLE = 400_000  # spans that are read to gather whole traces
_MOST_VALUES = 6_000
_RARE = 500  # a value is left out where fewer than one in so many units of either side have it
_PAIRS = f"""arrayFilter(p -> length(p.2) BETWEEN 1 AND 1000 AND length(p.1) <= 128, arrayConcat(
    [{", ".join(f"('{c}', toString({c}), '')" for c in COLUMNS)}, ('', resource::String, 'resource')],
    arrayZip(arrayMap(k -> toString(k), mapKeys(attributes)), mapValues(attributes), arrayMap(t -> toString(t), attribute_types))))"""
_READ = ", ".join((*COLUMNS, "resource", "attributes", "attribute_types"))


@dataclass(slots=True)
class Field:
    """A field and the units that have it, each value's as a set of bits."""

    service: str  # whose spans have it, where whole traces are compared
    name: str
    values: dict[str, int]
    present: int
    numbers: list[tuple[int, float]]


@dataclass(slots=True)
class Sample:
    selected: int  # spans, all of them
    rest: int
    chosen: int  # the units drawn, as sets of bits
    others: int
    fields: list[Field]


def sample(
    engine: Engine, window: Window, wanted: Filter, selection: Selection, scope: Scope
) -> Sample:
    asked = wanted.conditions()
    chosen = selection.condition(asked)
    sql = f"""
        SELECT toUnixTimestamp(toStartOfMinute(time)) AS minute, countIf({chosen}) AS inside, count() FROM spans
        WHERE {window.where()}{asked.sql} GROUP BY minute"""
    minutes = run(engine, "compare_count", sql, window, asked).rows
    selected = sum(inside for _, inside, _ in minutes)
    rest = sum(spans for *_, spans in minutes) - selected
    if not selected or not rest:
        return Sample(selected, rest, 0, 0, [])
    draw = _spans if scope == "spans" else _traces
    rows = draw(engine, window, asked, chosen, minutes)
    units = sorted({unit for row in rows if row[3] for unit in row[4]})
    bits = _Bits({unit: i for i, unit in enumerate(units)})
    return Sample(
        selected,
        rest,
        chosen=bits.of(unit for unit in units if unit % 2),
        others=bits.of(unit for unit in units if not unit % 2),
        fields=_fields(rows, bits),
    )


class _Bits:
    def __init__(self, at: dict[int, int]) -> None:
        self.at = at
        self.all = (1 << len(at)) - 1

    def of(self, units: Iterable[int]) -> int:
        held = units if isinstance(units, list) else list(units)
        if len(held) == len(self.at):
            return self.all
        bits = bytearray(len(self.at) // 8 + 1)
        for unit in held:
            place = self.at[unit]
            bits[place >> 3] |= 1 << (place & 7)
        return int.from_bytes(bits, "little")


def _fields(rows: list[list[Any]], bits: _Bits) -> list[Field]:
    found: dict[tuple[str, str], Field] = {}

    def field(service: str, name: str) -> Field:
        return found.setdefault((service, name), Field(service, name, {}, 0, []))

    for service, name, value, total, units, numbers in rows:
        if not name:
            if not total:
                _of_resource(field, service, value, bits.of(units))
        elif total:
            field(service, name).present |= bits.of(units)
            field(service, name).numbers += [(bits.at[unit], number) for unit, number in numbers]
        else:
            field(service, name).values[value] = bits.of(units)
    return list(found.values())


def _of_resource(field: Any, service: str, text: str, units: int) -> None:
    for key, value in object_of(text).items():
        if key in COLUMN_OF_RESOURCE or isinstance(value, dict | list):
            continue
        line = value if isinstance(value, str) else str(value).lower()
        into = field(service, resource_field(key))
        into.present |= units
        into.values[line[:1000]] = into.values.get(line[:1000], 0) | units


def _spans(
    engine: Engine, window: Window, asked: Asked, chosen: str, minutes: list[list[int]]
) -> list[list[Any]]:
    most = MOST["spans"]
    every = sum(spans for *_, spans in minutes)
    wanted = max(_ENOUGH, min(most, most * _MUCH // every))

    def side(number: int, condition: str, read: int, by_minute: list[tuple[int, int]]) -> str:
        within, spans = _some(by_minute, read)
        one_in = max(1, spans // most)
        drawn[number] = spans // one_in
        hashed = f" AND cityHash64(span_id) % {one_in} = 0" if one_in > 1 else ""
        return f"""SELECT {number} AS side, {_READ} FROM spans
            WHERE {window.where()}{asked.sql} AND {condition}{within}{hashed} LIMIT {most * 2}"""

    drawn = [0, 0]
    inside = side(1, f"({chosen})", wanted, [(m, n) for m, n, _ in minutes])
    outside = side(0, f"NOT ({chosen})", _MOST_READ, [(m, n - i) for m, i, n in minutes])
    source = f"""
        SELECT rowNumberInAllBlocks() * 2 + side AS unit, * FROM ({inside} UNION ALL {outside})"""
    return _gather(engine, "compare_spans", source, "''", "groupArray", drawn, window, asked)


def _traces(
    engine: Engine, window: Window, asked: Asked, chosen: str, minutes: list[list[int]]
) -> list[list[Any]]:
    most = MOST["traces"]
    sql = f"""
        SELECT toUnixTimestamp(toStartOfMinute(time)) AS minute, count() FROM spans
        WHERE {window.where()} GROUP BY minute"""
    whole = dict(run(engine, "compare_size", sql, window).rows)
    # Traces are drawn where selected ones are, so that both sides come from the same minutes.
    where_most = sorted(minutes, key=lambda row: (-row[1], _scattered(row[0])))
    within, _ = _some([(m, whole.get(m, 0)) for m, *_ in where_most], _MOST_READ_WHOLE, keep=True)

    def ids(condition: str, having: str = "") -> str:
        return f"""SELECT trace_id FROM spans WHERE {window.where()}{asked.sql}{condition}{within}
            GROUP BY trace_id{having} ORDER BY cityHash64(trace_id) LIMIT {most}"""

    of_selection = ids(f" AND ({chosen})")
    of_rest = ids("", f" HAVING NOT max({chosen})")
    source = f"""
        SELECT bitAnd(cityHash64(trace_id), 0xFFFFFFFFFFFF) * 2 + (trace_id IN ({of_selection})) AS unit, {_READ} FROM spans
        WHERE {window.where()}{within} AND (trace_id IN ({of_selection}) OR trace_id IN ({of_rest}))"""
    # Everything is told by the service it belongs to, but for the service itself.
    of = "if(p.1 = 'service', '', toString(service))"
    drawn = [most, most]
    return _gather(engine, "compare_traces", source, of, "groupUniqArray", drawn, window, asked)


def _some(minutes: list[tuple[int, int]], most: int, *, keep: bool = False) -> tuple[str, int]:
    """SQL: minutes that hold about so many spans, or nothing when all may be read; and how many."""
    total = sum(spans for _, spans in minutes)
    if total <= most:
        return "", total
    order = minutes if keep else sorted(minutes, key=lambda row: _scattered(row[0]))
    taken: list[int] = []
    read = 0
    for minute, spans in order:
        if read >= most:
            break
        taken.append(minute)
        read += spans
    return f" AND toStartOfMinute(time) IN ({', '.join(f'toDateTime({m})' for m in taken)})", read


def _scattered(minute: int) -> tuple[int, int]:
    """An order without order, the same each time; five minutes stay together, as they lie."""
    return minute // 300 * 2_654_435_761 % 2**32, minute


def _gather(
    engine: Engine, name: str, source: str, of: str, units: str,
    drawn: list[int], window: Window, asked: Asked,
) -> list[list[Any]]:  # fmt: skip
    """Every value with its units, and every field with its units and numbers (`total`)."""
    rest, selected = (max(2, units // _RARE) for units in drawn)
    sql = f"""
        SELECT {of} AS of, p.1 AS field, p.2 AS value, grouping(value) AS total, {units}(unit) AS units,
            if(total = 1, groupArrayIf((unit, toFloat64OrZero(value)), p.3 IN ('int', 'double')), []) AS numbers
        FROM (SELECT service, unit, {_PAIRS} AS pairs FROM ({source})) ARRAY JOIN pairs AS p
        GROUP BY GROUPING SETS ((of, field, value), (of, field))
        HAVING total = 1 OR field = '' OR countIf(unit % 2 = 1) >= {selected} OR countIf(unit % 2 = 0) >= {rest}
        ORDER BY total DESC, length(units) DESC LIMIT {_MOST_VALUES}"""
    return run(engine, name, sql, window, asked).rows
