"""Run a user's statement within the limits and give its rows the shape of the API."""

import re
from typing import Any

from pydantic import BaseModel, Field

from quarterdeck.core.errors import BadInput
from quarterdeck.core.permissions import ProjectRef
from quarterdeck.core.settings import Settings
from quarterdeck.store.telemetry import Engine, EngineError, Limits
from quarterdeck.telemetry.sql.errors import public, refused
from quarterdeck.telemetry.sql.rewrite import rewrite


class SqlColumn(BaseModel):
    name: str
    type: str = Field(
        description="string, int, float, bool, decimal, time, date, uuid, ip, array, map, object, any or null"
    )


class SqlAnswer(BaseModel):
    columns: list[SqlColumn]
    rows: list[list[Any]]
    elapsed_ms: float
    truncated: bool = Field(description="Whether there were more rows than one answer may hold.")


_RUN = {
    "date_time_output_format": "'iso'",
    "output_format_json_quote_decimals": 1,
    "allow_suspicious_types_in_group_by": 1,
    "allow_suspicious_types_in_order_by": 1,
    "allow_introspection_functions": 0,
    "max_recursive_cte_evaluation_depth": 1000,
    "max_expanded_ast_elements": 500_000,
    "max_subquery_depth": 100,
    "function_range_max_elements_in_block": 10_000_000,
    "max_rows_in_join": 50_000_000,
    "max_network_bandwidth": 1,
    "use_query_cache": 0,
    "do_not_merge_across_partitions_select_final": 1,  # what replaces a point has its day
}

_TYPES = (
    (re.compile(r"^(String|FixedString|Enum)"), "string"),
    (re.compile(r"^U?Int\d"), "int"),
    (re.compile(r"^B?Float"), "float"),
    (re.compile(r"^Bool"), "bool"),
    (re.compile(r"^Decimal"), "decimal"),
    (re.compile(r"^DateTime"), "time"),
    (re.compile(r"^Date"), "date"),
    (re.compile(r"^UUID"), "uuid"),
    (re.compile(r"^IPv"), "ip"),
    (re.compile(r"^(Array|Nested)"), "array"),
    (re.compile(r"^Map"), "map"),
    (re.compile(r"^Tuple"), "object"),
    (re.compile(r"^Interval"), "int"),
    (re.compile(r"^Nothing"), "null"),
)
_WRAPPED = re.compile(r"^(?:Nullable|LowCardinality|SimpleAggregateFunction\(\w+,)\s*\(?(.*)\)$")
_FLOATS = re.compile(r"^(?:Nullable\()?B?Float")
_FLOAT_ARRAYS = re.compile(r"^Array\((?:Nullable\()?B?Float")


def simple_type(engine_type: str) -> str:
    """The engine's type as one plain word."""
    while found := _WRAPPED.match(engine_type):
        engine_type = found.group(1)
    return next((word for pattern, word in _TYPES if pattern.match(engine_type)), "any")


def run_sql(engine: Engine, settings: Settings, sql: str, projects: list[ProjectRef]) -> SqlAnswer:
    """Rows of one SELECT over these projects. Blocks: call it in a thread."""
    bound = rewrite(engine, sql, projects)
    most = int(settings.query_rows)
    limits = Limits(seconds=settings.query_seconds, memory_mb=settings.query_memory_mb)
    statement = f"SELECT * FROM ({bound.sql}) LIMIT {most + 1}"
    try:
        result = engine.query("sql", statement, limits=limits, settings=_RUN)
    except EngineError as error:
        raise _failed(error, bound.shown) from None
    except BadInput as error:
        raise BadInput(error.code, public(error.message), error.hint) from None
    rows = result.rows[:most]
    columns = []
    for i, (name, engine_type) in enumerate(result.columns):
        kind = simple_type(engine_type)
        wire = bound.wire.get(name) or bound.wire.get(name.rsplit(".", 1)[-1])
        if wire:
            kind = wire.type
            for row in rows:
                row[i] = wire.read(row[i])
        elif _FLOATS.match(engine_type):
            for row in rows:
                row[i] = _float(row[i])
        elif _FLOAT_ARRAYS.match(engine_type):
            for row in rows:
                row[i] = [_float(value) for value in row[i]]
        columns.append(SqlColumn(name=_shown(name, bound.shown), type=kind))
    return SqlAnswer(
        columns=columns,
        rows=rows,
        elapsed_ms=round(result.elapsed_ms, 3),
        truncated=len(result.rows) > most,
    )


def _float(value: Any) -> Any:
    """The engine writes whole doubles without their point, and some that are none with a sign."""
    if type(value) is int:
        return float(value)
    return "nan" if value == "-nan" else value


def _failed(error: EngineError, shown: dict[str, str]) -> BadInput:
    text = _shown(public(error.message), shown)
    code, hint = "sql_failed", "docs/sql.md lists the views, their columns and the functions."
    if "UNKNOWN_IDENTIFIER" in error.message or "Unknown expression" in text:
        code = "sql_column_unknown"
    elif "UNKNOWN_FUNCTION" in error.message:
        code = "sql_function_unknown"
    elif "UNKNOWN_TABLE" in error.message:
        code = "sql_view_unknown"
    return refused(code, text, hint)


def _shown(text: str, shown: dict[str, str]) -> str:
    """Generated names as what the user wrote."""
    for hidden, written in sorted(shown.items(), reverse=True):
        parts = re.split(rf"(?:[A-Za-z_]\w*\.)?{hidden}\b", text)
        text = written.join(parts)
    return text
