"""One key of a typed map, without building the map.

`attributes` as a whole is a `Map(String, Dynamic)`, made from texts and types for every
row. Most queries want one key, so `attributes['k']` and the accessors `attr_…(attributes,
'k')` become an expression over the stored text. Both give the same values.
"""

from dataclasses import dataclass

ACCESSORS = {
    "attr_string": "the value when it is a string",
    "attr_int": "the value when it is an integer, as Int64",
    "attr_float": "the value when it is a number, as Float64",
    "attr_bool": "the value when it is a boolean",
    "attr_text": "the value of any type as text; arrays and lists as JSON",
    "attr_type": "the name of its type: string, int, double, bool, array, kvlist, bytes",
}
"""Accessor → what it gives; every one gives NULL for a key that is absent or of another type."""


def type_name(type: str, text: str) -> str:
    """SQL: the name of a stored type; what is kept as JSON shows in its text which of two it is."""
    return f"if({type} = 'json', if(startsWith({text}, '{{'), 'kvlist', 'array'), toString({type}))"


@dataclass(frozen=True, slots=True)
class TextMap:
    """Values as text in `map`, their types in the array `types`."""

    map: str
    types: str

    def value(self, key: str) -> str:
        v, t = self._text(key), self._type(key)
        return (
            f"multiIf({t} = 'string', {v}::Dynamic, {t} = 'int', toInt64OrZero({v})::Dynamic,"
            f" {t} = 'double', toFloat64OrZero({v})::Dynamic, {t} = 'bool', ({v} = 'true')::Bool::Dynamic,"
            f" {t} = 'none', NULL::Dynamic, JSONExtract({v}, 'Dynamic'))"
        )

    def access(self, accessor: str, key: str) -> str:
        v, t = self._text(key), self._type(key)
        return {
            "attr_string": f"if({t} = 'string', {v}, NULL)",
            "attr_int": f"if({t} = 'int', toInt64OrNull({v}), NULL)",
            "attr_float": f"if({t} IN ('int', 'double'), toFloat64OrNull({v}), NULL)",
            "attr_bool": f"if({t} = 'bool', ({v} = 'true')::Nullable(Bool), NULL)",
            "attr_text": f"if({t} = 'none', NULL, {v})",
            "attr_type": f"if({t} = 'none', NULL, {type_name(t, v)})",
        }[accessor]

    def equals(self, key: str, literal: str) -> str:
        """True wherever the value is this text: what the indexes can answer."""
        return f"{self._text(key)} = {literal}"

    def _text(self, key: str) -> str:
        return f"arrayElement({self.map}, {key})"

    def _type(self, key: str) -> str:
        return f"arrayElement({self.types}, indexOf(mapKeys({self.map}), {key}))"


@dataclass(frozen=True, slots=True)
class JsonMap:
    """All values in one JSON object."""

    text: str

    def value(self, key: str) -> str:
        return f"JSONExtract({self.text}::String, {key}, 'Dynamic')"

    def access(self, accessor: str, key: str) -> str:
        j = f"{self.text}::String"
        t = f"toString(JSONType({j}, {key}))"
        number = f"{t} IN ('Int64', 'UInt64')"
        return {
            "attr_string": f"if({t} = 'String', JSONExtractString({j}, {key}), NULL)",
            "attr_int": f"if({number}, JSONExtractInt({j}, {key}), NULL)",
            "attr_float": f"if({number} OR {t} = 'Double', JSONExtractFloat({j}, {key}), NULL)",
            "attr_bool": f"if({t} = 'Bool', JSONExtractBool({j}, {key})::Nullable(Bool), NULL)",
            "attr_text": f"multiIf({t} = 'Null', NULL, {t} = 'String', JSONExtractString({j}, {key}), JSONExtractRaw({j}, {key}))",
            "attr_type": f"multiIf({t} = 'Null', NULL, {number}, 'int', {t} = 'Object' AND JSONHas({j}, {key}, '$bytes'), 'bytes',"
            f" transform({t}, ['String', 'Double', 'Bool', 'Array', 'Object'], ['string', 'double', 'bool', 'array', 'kvlist'], {t}))",
        }[accessor]

    def equals(self, key: str, literal: str) -> str:
        return f"JSONExtractString({self.text}, {key}) = {literal}"


MapSource = TextMap | JsonMap


def of_dynamic(accessor: str, value: str) -> str:
    """The accessor over a value that is already Dynamic, for maps that come from a subquery."""
    kind = f"toString(dynamicType({value}))"

    def part(type: str) -> str:
        return f"dynamicElement({value}, '{type}')"

    return {
        "attr_string": part("String"),
        "attr_int": part("Int64"),
        "attr_float": f"coalesce({part('Float64')}, toFloat64({part('Int64')}))",
        "attr_bool": part("Bool"),
        "attr_text": f"multiIf({kind} = 'None', NULL, {kind} IN ('String', 'Int64', 'Float64', 'Bool'), toString({value}), toJSONString({value}))",
        "attr_type": f"multiIf({kind} = 'None', NULL, {kind} LIKE 'Array%', 'array', transform({kind},"
        f" ['String', 'Int64', 'Float64', 'Bool'], ['string', 'int', 'double', 'bool'], 'kvlist'))",
    }[accessor]
