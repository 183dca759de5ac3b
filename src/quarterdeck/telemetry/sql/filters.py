"""What a select's names refer to, and which of its conditions the views' indexes can answer.

Careful rather than complete: a name counts as a view's column only where it cannot be
anything else, and a condition moves into a view only where every row it refuses would be
refused anyway.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from quarterdeck.telemetry.sql.accessors import MapSource, TextMap
from quarterdeck.telemetry.sql.tree import Node, arguments, children, literal_text
from quarterdeck.telemetry.sql.views import quote

if TYPE_CHECKING:
    from quarterdeck.telemetry.sql.rewrite import Source

_SERIES_TEXT = frozenset({"metric", "service", "environment", "release", "unit", "type"})
_WHOLE = frozenset("0123456789abcdef")


class Scope:
    """The tables and names of one select."""

    def __init__(self, select: Node, sources: "list[Source]") -> None:
        self.select = select
        self.sources = sources
        self.elements: list[Node] = (select.get("tables") or {}).get("children", [])
        self.tables = [e for e in self.elements if "table_expression" in e]
        self.names = frozenset(_aliases(select))

    def column_of(self, node: Node, shadowed: frozenset[str]) -> "tuple[Source, str] | None":
        """The view and the column that an identifier surely means."""
        if node["type"] != "Identifier":
            return None
        parts = node.get("name_parts") or [node["name"]]
        if parts[-1] in shadowed or len(parts) > 2:
            return None
        if len(parts) == 2:
            if parts[0] in shadowed:
                return None
            named = [s for s in self.sources if s.alias == parts[0]]
            known = named if len(named) == 1 and _count(self.tables, parts[0]) == 1 else []
        else:
            known = self.sources if len(self.tables) == 1 else []
        if len(known) == 1 and parts[-1] in known[0].view.names:
            return known[0], parts[-1]
        return None

    def map_of(
        self, node: Node, shadowed: frozenset[str]
    ) -> "tuple[Source, str, MapSource] | None":
        found = self.column_of(node, shadowed)
        if found and found[1] in found[0].view.maps:
            return found[0], found[1], found[0].view.maps[found[1]]
        return None

    def narrows(self, source: "Source") -> bool:
        """Whether a condition in WHERE may be asked of this source beforehand."""
        joins = [e.get("table_join") for e in self.tables[1:]]
        if not joins:
            return True
        kinds = {str((join or {}).get("kind", "CROSS")).upper() for join in joins}
        first = self.tables[0].get("table_expression", {}).get("database_and_table_name", {})
        if first.get("name") == source.mark:
            return kinds <= {"INNER", "LEFT", "CROSS", "COMMA"}
        return kinds <= {"INNER", "CROSS", "COMMA"} and not any(
            str((join or {}).get("strictness", "")).upper() in {"ANY", "ASOF"} for join in joins
        )


def pushed(scope: Scope) -> "Iterator[tuple[Source, str]]":
    """Conditions that hold for every row that the select lets through."""
    if "where" in scope.select:
        for condition in _conjuncts(scope.select["where"]):
            found = _condition(scope, condition)
            if found and scope.narrows(found[0]):
                yield found


def _condition(scope: Scope, node: Node) -> "tuple[Source, str] | None":
    if node["type"] != "Function" or node["name"] not in {"equals", "in"}:
        return None
    given = arguments(node)
    if len(given) != 2:
        return None
    left, right = given
    if node["name"] == "equals" and left["type"] == "Literal":
        left, right = right, left
    texts = _texts(right)
    if not texts:
        return None
    found = scope.column_of(left, scope.names)
    if found:
        source, column = found
        return _of_column(source, column, texts)
    return _of_key(scope, left, texts)


def _of_column(source: "Source", column: str, texts: list[str]) -> "tuple[Source, str] | None":
    if column in source.view.ids:
        stored, size = source.view.ids[column]
        if all(len(text) == size * 2 and set(text) <= _WHOLE for text in texts):
            ids = ", ".join(f"toFixedString(unhex('{text}'), {size})" for text in texts)
            return source, f"__t.{stored} IN ({ids})"
        return None
    if column in _SERIES_TEXT and (source.view.series or source.view.name == "series"):
        return source, f"__s.{column} IN ({', '.join(map(quote, texts))})"
    return None


def _of_key(scope: Scope, left: Node, texts: list[str]) -> "tuple[Source, str] | None":
    """`attributes['k'] = 'text'` and the same through an accessor."""
    if left["type"] != "Function" or left["name"] not in {
        "arrayElement",
        "attr_string",
        "attr_text",
    }:
        return None
    given = arguments(left)
    key = literal_text(given[1]) if len(given) == 2 else None
    found = scope.map_of(given[0], scope.names) if given else None
    if key is None or not found or len(texts) != 1 or not texts[0]:
        return None
    source, _, values = found
    if not isinstance(values, TextMap):
        return None
    return source, values.equals(quote(key), quote(texts[0]))


def _texts(node: Node) -> list[str]:
    """The strings of a literal, a list of literals or nothing."""
    if node["type"] == "Literal":
        value = node["value"]
        if value["field_type"] == "String":
            return [str(value["value"])]
        if value["field_type"] in {"Tuple", "Array"}:
            items = value["value"]
            if items and all(i.get("field_type") == "String" for i in items):
                return [str(i["value"]) for i in items]
    if node["type"] == "Function" and node["name"] in {"array", "tuple"}:
        texts = [literal_text(child) for child in arguments(node)]
        if all(text is not None for text in texts):
            return [text for text in texts if text is not None]
    return []


def _conjuncts(node: Node) -> Iterator[Node]:
    if node["type"] == "Function" and node["name"] == "and" and "alias" not in node:
        for child in arguments(node):
            yield from _conjuncts(child)
    else:
        yield node


def _aliases(node: Node) -> Iterator[str]:
    """Names given inside a select, which may hide a column; a table's alias is not one of them."""
    for key, child in children(node):
        if child["type"] == "SelectWithUnionQuery":
            continue
        if (
            child["type"] != "TableIdentifier"
            and key != "subquery"
            and isinstance(child.get("alias"), str)
        ):
            yield child["alias"]
        if child["type"] == "ArrayJoin":
            for item in child["expression_list"]["children"]:
                if item["type"] == "Identifier" and "alias" not in item:
                    yield (item.get("name_parts") or [item["name"]])[-1]
        if child["type"] == "ColumnsReplaceTransformerReplacement":
            yield child["name"]
        yield from _aliases(child)


def _count(tables: list[Node], alias: str) -> int:
    """Tables and subqueries of this alias."""
    found = 0
    for element in tables:
        expression = element["table_expression"]
        for value in expression.values():
            if isinstance(value, dict) and value.get("alias") == alias:
                found += 1
    return found
