"""How an OTLP AnyValue becomes text and back, as SQL expressions that the schema files share.

Attributes are kept as `Map(LowCardinality(String), String)` with the value as text, beside
an array of types in the same order. Text makes filters, facets and indexes uniform; the
types let the views give every value back as what it was. Arrays and key-value lists are
JSON text, bytes are `{"$bytes": base64}`.

The engine turns scalars and arrays of strings into text itself. Everything else that nests
is *complex*: such items are set aside, and the ingest sends them again with the value as
`json_value` (ingest/otlp/complex.py). Lambdas within lambdas would let the engine do more,
but it analyses every view for every insert, and those expressions took 300 ms of it.

ClickHouse's own SQL functions cannot reach into a tuple argument (`v.value`), so these are
Python functions that return SQL; `{Map s.attributes}` in a schema file calls `map_of`.
"""


def _json_double(d: str) -> str:
    # A whole double keeps its point in JSON, so that reading it back gives a double again.
    whole = f"{d} = trunc({d}) AND abs({d}) < 1e15"
    return f"if(isFinite({d}), if({whole}, concat(toString({d}), '.0'), toString({d})), concat('\"', toString({d}), '\"'))"


def _json_bytes(y: str) -> str:
    return f"concat('{{\"$bytes\":\"', base64Encode({y}), '\"}}')"


def texts(v: str) -> str:
    """Array(String): the text of each value of the array `v` of AnyValue."""
    return f"""arrayMap((t, s, b, i, d, y, a, j) -> if(t = 'string', s, multiIf(
        t = 'int', toString(i), t = 'double', toString(d), t = 'bool', if(b, 'true', 'false'),
        t = 'array', toJSONString(a), t = 'bytes', {_json_bytes("y")}, t = 'json', j, '')),
        {v}.value, {v}.string_value, {v}.bool_value, {v}.int_value, {v}.double_value, {v}.bytes_value,
        {v}.array_value.values.string_value, {v}.json_value)"""


def map_of(kv: str) -> str:
    """Map(LowCardinality(String), String) of a list of key-values."""
    return f"mapFromArrays({kv}.key::Array(LowCardinality(String)), {texts(f'{kv}.value')})"


def object_of(kv: str) -> str:
    """One JSON object of a list of key-values: for what is rarely read (events, links)."""
    v = f"{kv}.value"
    return f"""concat('{{', arrayStringConcat(arrayMap((n, t, s, b, i, d, y, a, j) -> concat(toJSONString(n), ':', multiIf(
        t = 'string', toJSONString(s), t = 'int', toString(i), t = 'double', {_json_double("d")},
        t = 'bool', if(b, 'true', 'false'), t = 'array', toJSONString(a), t = 'bytes', {_json_bytes("y")}, t = 'json', j, 'null')),
        {kv}.key, {v}.value, {v}.string_value, {v}.bool_value, {v}.int_value, {v}.double_value, {v}.bytes_value,
        {v}.array_value.values.string_value, {v}.json_value), ','), '}}')"""


def complex_in(v: str) -> str:
    """True when a value of the array `v` (of any depth of arrays) is a list or a mixed array."""
    inner = f"arrayFlatten({v}.array_value.values.value)"
    return f"(has(arrayFlatten({v}.value), 'kvlist') OR length({inner}) != countEqual({inner}, 'string'))"


def typed(attributes: str, types: str) -> str:
    """Map(String, Dynamic): texts and types back as the values they were."""
    return f"""mapFromArrays(mapKeys({attributes}), arrayMap((v, t) -> multiIf(
        t = 'string', v::Dynamic, t = 'int', toInt64OrZero(v)::Dynamic, t = 'double', toFloat64OrZero(v)::Dynamic,
        t = 'bool', (v = 'true')::Bool::Dynamic, t = 'none', NULL::Dynamic, JSONExtract(v, 'Dynamic')),
        mapValues({attributes}), {types}))"""


def parsed(text: str) -> str:
    """Map(String, Dynamic) of a JSON object."""
    return f"JSONExtract({text}::String, 'Map(String, Dynamic)')"
