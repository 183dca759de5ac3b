"""The engine's own syntax tree of a statement, and the judgement whether it may run.

The statement is parsed by the engine that will run it (`parseQueryToJSON`), so there is
no second grammar that could see something else than the engine does. What may stand in a
tree is a list: node types with the keys that each may have. Everything else is refused,
also what a later version of the engine may add.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from quarterdeck.store.telemetry import Engine, EngineError, Limits
from quarterdeck.telemetry.sql.accessors import ACCESSORS
from quarterdeck.telemetry.sql.errors import parse_error, refused
from quarterdeck.telemetry.sql.functions import allowed

Node = dict[str, Any]

MAX_BYTES = 65_536
MAX_WEIGHT = 50_000
MAX_NUMBERS = 10_000_000

_PARSING = Limits(seconds=5, memory_mb=256, threads=1)

_QUERY = "is_into_outfile_with_stdout is_outfile_append is_outfile_truncate"
_KEYS = {
    "SelectWithUnionQuery": f"list_of_modes list_of_selects union_mode {_QUERY}",
    "SelectIntersectExceptQuery": f"final_operator list_of_selects children {_QUERY}",
    "ExpressionList": "children separator",
    "SelectQuery": "distinct group_by group_by_all group_by_with_cube group_by_with_grouping_sets"
    " group_by_with_rollup having interpolate limit_by limit_by_all limit_by_length limit_by_offset limit_length"
    " limit_offset limit_with_ties order_by order_by_all prewhere qualify recursive_with select tables"
    " where window with",
    "Identifier": "alias name name_parts prefer_alias_to_column_name",
    "TablesInSelectQuery": "children",
    "TablesInSelectQueryElement": "array_join table_expression table_join",
    "TableExpression": "column_aliases database_and_table_name subquery table_function",
    "TableIdentifier": "alias name name_parts",
    "Function": "alias arguments is_lambda_function is_operator is_window_function kind name"
    " nulls_action parameters window_definition window_name",
    "Literal": "alias value",
    "OrderByElement": "direction expression fill_from fill_step fill_to fill_staleness"
    " nulls_direction nulls_direction_was_explicitly_specified with_fill",
    "InterpolateElement": "column expr children",
    "WindowDefinition": "frame_begin_offset frame_begin_preceding frame_begin_type frame_end_offset"
    " frame_end_preceding frame_end_type frame_is_default frame_type order_by partition_by"
    " parent_window_name",
    "WindowListElement": "definition name",
    "Asterisk": "transformers",
    "QualifiedAsterisk": "qualifier transformers",
    "Subquery": "alias children cte_name",
    "WithElement": "aliases name subquery",
    "TableJoin": "kind locality on_expression strictness using_expression_list",
    "ArrayJoin": "expression_list kind",
    "ColumnsTransformerList": "children",
    "ColumnsExceptTransformer": "children is_strict pattern",
    "ColumnsReplaceTransformer": "children is_strict",
    "ColumnsReplaceTransformerReplacement": "children name",
    "ColumnsApplyTransformer": "func_name lambda lambda_arg parameters",
    "ColumnsRegexpMatcher": "alias pattern transformers",
    "QualifiedColumnsRegexpMatcher": "pattern qualifier transformers",
    "ColumnsListMatcher": "column_list transformers",
    "QualifiedColumnsListMatcher": "column_list qualifier transformers",
}
_ALLOWED = {kind: frozenset(["type", *keys.split()]) for kind, keys in _KEYS.items()}
_STARS = frozenset(kind for kind in _KEYS if "Asterisk" in kind or "Matcher" in kind)
_CLAUSES = {
    "settings": "SETTINGS", "format_ast": "FORMAT", "out_file": "INTO OUTFILE", "final": "FINAL",
    "sample_size": "SAMPLE", "sample_offset": "SAMPLE", "group_by_with_totals": "WITH TOTALS",
    "collation": "COLLATE", "compression": "COMPRESSION",
}  # fmt: skip
_CASTS = frozenset({"cast", "accuratecast", "accuratecastornull", "accuratecastordefault"})


@dataclass(slots=True)
class Seen:
    """What a whole statement names."""

    ctes: set[str] = field(default_factory=set)
    identifiers: set[str] = field(default_factory=set)
    star: bool = False


def parse(engine: Engine, sql: str) -> Node:
    """The tree of exactly one SELECT."""
    if len(sql.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise refused("sql_too_long", f"The statement is longer than {MAX_BYTES // 1024} KiB.")
    if "\0" in sql:
        raise refused("sql_parse", "The statement holds a zero byte.")
    try:
        answer = engine.query(
            "sql_parse", "SELECT parseQueryToJSON({sql:String})", {"sql": sql}, limits=_PARSING
        )
    except EngineError as error:
        if "not support" in error.message:
            raise _not_select() from None
        raise parse_error(error.message, sql) from None
    tree: Node = json.loads(answer.rows[0][0])
    if tree.get("type") != "SelectWithUnionQuery":
        raise _not_select()
    return tree


def render(engine: Engine, tree: Node) -> tuple[str, Node]:
    """The text of a tree, and how the engine reads that text again."""
    answer = engine.query(
        "sql_render",
        "SELECT formatQueryFromJSON({tree:String}) AS text, parseQueryToJSON(text)",
        {"tree": json.dumps(tree, ensure_ascii=False)},
        limits=_PARSING,
    )
    text, again = answer.rows[0]
    return text, json.loads(again)


def children(node: Node) -> Iterator[tuple[str, Node]]:
    """The nodes right below a node, with the key they stand under."""
    for key, value in node.items():
        if isinstance(value, dict) and "type" in value:
            yield key, value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict) and "type" in item:
                    yield key, item


def walk(node: Node) -> Iterator[Node]:
    yield node
    for _, child in children(node):
        yield from walk(child)


def check(tree: Node, *, ours: bool = False) -> Seen:
    """Raise unless every node may stand in user SQL. `ours` permits names that binding made."""
    seen = Seen()
    tables: set[int] = set()
    for node in walk(tree):
        _check_shape(node)
        kind = node["type"]
        if kind == "WithElement":
            seen.ctes.add(node["name"])
        elif kind == "Identifier":
            seen.identifiers.update(node.get("name_parts") or [node["name"]])
        elif kind == "Function":
            if id(node) not in tables:
                _check_function(node)
        elif kind == "ColumnsApplyTransformer":
            _check_apply(node)
        elif kind == "TableExpression" and "table_function" in node:
            _check_table_function(node["table_function"])
            tables.add(id(node["table_function"]))
        seen.star = seen.star or kind in _STARS
        if not ours:
            _check_names(node)
    _check_weight(tree)
    return seen


def _not_select() -> Exception:
    return refused(
        "sql_not_select", "Only SELECT is allowed.", "Begin the statement with SELECT or WITH."
    )


def _check_shape(node: Node) -> None:
    kind = node["type"]
    keys = _ALLOWED.get(kind)
    if keys is None:
        what = "Query parameters" if kind == "QueryParameter" else f"`{kind}`"
        raise refused("sql_clause_forbidden", f"{what} cannot be used here.")
    for key in node.keys() - keys:
        if key in _CLAUSES:
            raise refused("sql_clause_forbidden", f"{_CLAUSES[key]} cannot be used here.")
        if kind in {"Identifier", "TableIdentifier"} and key == "children":
            raise refused("sql_clause_forbidden", "Query parameters cannot be used here.")
        raise refused("sql_clause_forbidden", f"`{kind}` with `{key}` cannot be used here.")
    for key in _QUERY.split():
        if node.get(key):
            raise refused("sql_clause_forbidden", "INTO OUTFILE cannot be used here.")


def _check_function(node: Node) -> None:
    name = node["name"]
    if name in ACCESSORS:
        return
    if not allowed(name):
        raise refused(
            "sql_function_forbidden", f"The function `{name}` cannot be used here.", function=name
        )
    if name.lower() in _CASTS:
        target = arguments(node)[1] if len(arguments(node)) > 1 else None
        text = literal_text(target) if target else None
        if text is None or "aggregatefunction" in text.lower():
            raise refused(
                "sql_function_forbidden", f"`{name}` needs the name of a plain type.", function=name
            )


def _check_apply(node: Node) -> None:
    name = node.get("func_name")
    if name and not allowed(name):
        raise refused(
            "sql_function_forbidden", f"The function `{name}` cannot be used here.", function=name
        )


def _check_table_function(function: Node) -> None:
    """`numbers(n)` and `numbers(from, n)`, with literal and bounded arguments."""
    if function["name"] != "numbers":
        raise refused(
            "sql_function_forbidden",
            f"The table function `{function['name']}` cannot be used here.",
            function=function["name"],
        )
    given = [node.get("value", {}) for node in arguments(function)]
    if not 1 <= len(given) <= 2 or any(v.get("field_type") != "UInt64" for v in given):
        raise refused("sql_function_forbidden", "`numbers` takes one or two whole numbers.")
    if given[-1]["value"] > MAX_NUMBERS:
        raise refused("sql_function_forbidden", f"`numbers` makes at most {MAX_NUMBERS:,} rows.")


def _check_names(node: Node) -> None:
    names = [node.get("alias"), node.get("cte_name"), *(node.get("name_parts") or [])]
    if node["type"] in {"Identifier", "TableIdentifier", "WithElement", "WindowListElement"}:
        names.append(node["name"])
    for name in names:
        if isinstance(name, str) and name.startswith("__"):
            raise refused(
                "sql_name_reserved", f"`{name[:80]}`: names that begin with __ are reserved."
            )


def arguments(function: Node) -> list[Node]:
    listed: list[Node] = (function.get("arguments") or {}).get("children", [])
    return listed


def literal_text(node: Node) -> str | None:
    """The text of a string literal."""
    if node["type"] != "Literal":
        return None
    value = node["value"]
    return str(value["value"]) if value["field_type"] == "String" else None


def _check_weight(tree: Node) -> None:
    """Bound what the statement becomes once aliases and CTEs are put in place of their names."""
    defined: dict[str, list[Node]] = {}
    for node in walk(tree):
        name = node.get("name") if node["type"] == "WithElement" else node.get("alias")
        if isinstance(name, str):
            defined.setdefault(name, []).append(node)
    known: dict[str, int] = {}

    def of_name(name: str) -> int:
        if name not in known:
            known[name] = 1  # stands while its own definition is weighed
            known[name] = max(of_node(node) for node in defined[name])
        return known[name]

    def of_node(node: Node) -> int:
        total = 1
        if node["type"] in {"Identifier", "TableIdentifier"}:
            for part in node.get("name_parts") or [node["name"]]:
                if part in defined:
                    total += of_name(part)
        for _, child in children(node):
            total += of_node(child)
            if total > MAX_WEIGHT:
                break
        if total > MAX_WEIGHT:
            raise refused(
                "sql_too_complex",
                "The statement grows too large once its names are resolved.",
                "Use fewer nested aliases and CTEs.",
            )
        return total

    of_node(tree)
