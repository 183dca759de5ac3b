"""User SQL made safe and fast: views bound to projects, keys of typed maps read from text.

    bound = rewrite(engine, "SELECT …", [project])

Every table that the statement names becomes a CTE of its own or one of our views; both get
names that users cannot write, so that nothing can be shadowed. Conditions that an index can
answer (`trace_id = …`, `attributes['k'] = …`, `metric = …`) are repeated inside the view.
"""

import copy
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from quarterdeck.core.permissions import ProjectRef
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.sql import filters, wire
from quarterdeck.telemetry.sql.accessors import ACCESSORS, of_dynamic
from quarterdeck.telemetry.sql.binding import bind
from quarterdeck.telemetry.sql.errors import refused
from quarterdeck.telemetry.sql.functions import IN_FUNCTIONS
from quarterdeck.telemetry.sql.tree import (
    Node,
    Seen,
    arguments,
    check,
    children,
    literal_text,
    parse,
    render,
    walk,
)
from quarterdeck.telemetry.sql.views import VIEWS, View, quote
from quarterdeck.telemetry.sql.wire import Wire

LATER = frozenset({"error_events", "rum_events", "check_results"})


@dataclass(slots=True)
class Source:
    """One mention of a view."""

    view: View
    alias: str
    mark: str
    filters: list[str] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)  # expression → its column

    def column(self, sql: str) -> str:
        return self.hidden.setdefault(sql, f"__h_{len(self.hidden)}")


@dataclass(slots=True)
class Bound:
    """A statement ready to run, and what its generated column names stand for."""

    sql: str
    shown: dict[str, str]
    wire: dict[str, Wire]  # result columns that carry JSON text


def rewrite(engine: Engine, sql: str, projects: Sequence[ProjectRef]) -> Bound:
    try:
        return _rewrite(engine, sql, projects)
    except RecursionError:
        raise refused(
            "sql_too_complex", "The statement nests too deeply.", "Split it up."
        ) from None


def _rewrite(engine: Engine, sql: str, projects: Sequence[ProjectRef]) -> Bound:
    tree = parse(engine, sql)
    seen = check(tree)
    for name in seen.ctes & (VIEWS.keys() | LATER):
        raise refused("sql_name_reserved", f"`{name}` is a view; give the WITH query another name.")
    work = _Rewriter(engine, seen, secrets.token_hex(8))
    work.statement(tree, top=True)
    text, again = render(engine, tree)
    _verify(again, {source.mark for source in work.sources})
    used = None if seen.star else seen.identifiers
    for source in work.sources:
        extra = [(name, expression) for expression, name in source.hidden.items()]
        text = text.replace(source.mark, bind(source.view, projects, used, source.filters, extra))
    return Bound(text, work.shown, work.wire)


def _verify(tree: Node, marks: set[str]) -> None:
    """The rendered text says the same: no table but marks and CTEs, nothing that is refused."""
    check(tree, ours=True)
    for node in walk(tree):
        if node["type"] == "TableIdentifier":
            name = node["name"]
            if name not in marks and not name.startswith("__c_"):
                raise refused("sql_view_unknown", f"`{name[:80]}` is not a view.")


class _Rewriter:
    """One pass over a statement; changes the tree in place."""

    def __init__(self, engine: Engine, seen: Seen, nonce: str) -> None:
        self.engine = engine
        self.seen = seen
        self.nonce = nonce
        self.sources: list[Source] = []
        self.shown: dict[str, str] = {}
        self.wire: dict[str, Wire] = {}
        self.templates: dict[str, Node] = {}

    def statement(self, node: Node, *, top: bool = False) -> None:
        """Everything between selects; each select is a scope of its own."""
        if node["type"] == "SelectQuery":
            self.select(node, top)
            return
        if node["type"] == "WithElement":
            node["name"] = f"__c_{node['name']}"
        alone = top and len(node.get("list_of_selects", {}).get("children", [0])) == 1
        for _, child in children(node):
            self.statement(child, top=alone)

    def select(self, node: Node, top: bool) -> None:
        _without_prewhere(node)
        local = [self.table(element) for element in (node.get("tables") or {}).get("children", [])]
        sources = [source for source in local if source]
        scope = filters.Scope(node, sources)
        for source, condition in filters.pushed(scope):
            source.filters.append(condition)
        if top and wire.possible(node):
            self.carry(node, scope)
        self.expressions(node, scope, frozenset(scope.names))
        hidden = [name for source in sources for name in source.hidden.values()]
        if hidden:
            _hide(node, hidden)

    def carry(self, select: Node, scope: filters.Scope) -> None:
        """Typed values of the result travel as JSON text, so that a double stays a double."""
        items = wire.expand(select["select"]["children"], scope)
        select["select"]["children"] = items
        for item in items:
            alias = item.get("alias")
            if alias in self.seen.identifiers:
                continue
            found = wire.of_item(item, scope)
            if found is None:
                continue
            source, written, sql, carried = found
            hidden = source.column(sql)
            name = alias or hidden
            self.wire[name] = carried
            if alias is None:
                self.shown[hidden] = written
            _replace(item, _identifier(source, hidden))

    def table(self, element: Node) -> Source | None:
        """Put a view's mark or a CTE's name in the place of a table's."""
        table = (element.get("table_expression") or {}).get("database_and_table_name")
        if table is None:
            return None
        name, alias = table["name"], table.get("alias")
        if table.get("name_parts") and len(table["name_parts"]) > 1:
            raise refused(
                "sql_view_unknown",
                f"`{name[:80]}` is not a view; views are named without a database.",
            )
        marked, source = self.named(name, alias or name)
        table["name"] = marked
        table.pop("name_parts", None)
        table["alias"] = alias or name
        return source

    def named(self, name: str, alias: str) -> tuple[str, Source | None]:
        if name in self.seen.ctes:
            return f"__c_{name}", None
        if name in VIEWS:
            source = Source(VIEWS[name], alias, f"__v_{self.nonce}_{len(self.sources)}_")
            self.sources.append(source)
            return source.mark, source
        if name in LATER:
            raise refused(
                "sql_view_unknown", f"The view `{name}` has no data in this version of Quarterdeck."
            )
        raise refused(
            "sql_view_unknown",
            f"There is no view `{name[:80]}`.",
            f"The views are {', '.join(VIEWS)}.",
        )

    def expressions(self, node: Node, scope: filters.Scope, shadowed: frozenset[str]) -> None:
        """Rewrite what stands below a node that belongs to this scope."""
        for _, child in children(node):
            if child["type"] in {
                "SelectWithUnionQuery",
                "SelectIntersectExceptQuery",
                "WithElement",
            }:
                self.statement(child)
                continue
            if child["type"] == "Function":
                self.function(child, scope, shadowed)
            inner = shadowed
            if child["type"] == "Function" and child["name"] == "lambda":
                inner = shadowed | {
                    p.get("name", "")
                    for p in walk(arguments(child)[0])
                    if p["type"] == "Identifier"
                }
            self.expressions(child, scope, inner)

    def function(self, node: Node, scope: filters.Scope, shadowed: frozenset[str]) -> None:
        name = node["name"]
        if name in IN_FUNCTIONS:
            self.membership(node)
        elif name in ACCESSORS or name == "arrayElement":
            given = arguments(node)
            key = literal_text(given[1]) if len(given) == 2 else None
            if key is None:
                if name in ACCESSORS:
                    raise refused(
                        "sql_accessor",
                        f"`{name}` takes a map and a key in quotes.",
                        f"Write {name}(attributes, 'key').",
                    )
                return
            found = scope.map_of(given[0], shadowed)
            if found:
                source, column, values = found
                access = (
                    values.value(quote(key))
                    if name == "arrayElement"
                    else values.access(name, quote(key))
                )
                hidden = source.column(access)
                self.shown[hidden] = (
                    f"{column}['{key}']" if name == "arrayElement" else f"{name}({column}, '{key}')"
                )
                _replace(node, _identifier(source, hidden))
            elif name in ACCESSORS:
                self.general(node, given)

    def membership(self, node: Node) -> None:
        """`x IN name`: the engine would look for a table of that name."""
        given = arguments(node)
        if len(given) != 2 or given[1]["type"] != "Identifier":
            _typed_membership(given)
            return
        target = given[1]
        if target.get("name_parts"):
            raise refused(
                "sql_view_unknown",
                f"`{target['name'][:80]}` cannot stand after IN.",
                "Write IN (SELECT …), or has(array, value).",
            )
        marked, source = self.named(target["name"], target["name"])
        target["name"] = marked
        self.seen.star = self.seen.star or source is not None

    def general(self, node: Node, given: list[Node]) -> None:
        """An accessor over any expression that gives a Map(String, Dynamic)."""
        name = node["name"]
        if name not in self.templates:
            select = parse(self.engine, f"SELECT {of_dynamic(name, '__x')}")
            self.templates[name] = select["list_of_selects"]["children"][0]["select"]["children"][0]
        value: Node = {"type": "Function", "name": "arrayElement", "is_operator": True}
        value["arguments"] = {"type": "ExpressionList", "children": given}
        built = copy.deepcopy(self.templates[name])
        for found in list(walk(built)):
            if found["type"] == "Identifier" and found["name"] == "__x":
                _replace(found, copy.deepcopy(value))
        _replace(node, built)


def _typed_membership(given: list[Node]) -> None:
    """`attributes['k'] IN ('a', 'b')`: a value of any type becomes one of the list's type."""
    if len(given) != 2 or given[1]["type"] != "Literal" or given[0].get("name") != "arrayElement":
        return
    value = given[1]["value"]
    items = value["value"] if value["field_type"] in {"Tuple", "Array"} else [value]
    kinds = {item.get("field_type") for item in items if isinstance(item, dict)}
    key = arguments(given[0])
    if not kinds or len(key) != 2 or literal_text(key[1]) is None:
        return
    if kinds == {"String"}:
        given[0]["name"] = "attr_string"
    elif kinds <= {"UInt64", "Int64"}:
        given[0]["name"] = "attr_int"
    elif kinds <= {"UInt64", "Int64", "Float64"}:
        given[0]["name"] = "attr_float"


def _without_prewhere(select: Node) -> None:
    """The views are subqueries, which have no PREWHERE; the engine moves conditions by itself."""
    if "prewhere" not in select:
        return
    conditions = [select.pop("prewhere")] + ([select["where"]] if "where" in select else [])
    if len(conditions) == 1:
        select["where"] = conditions[0]
        return
    listed = {"type": "ExpressionList", "children": conditions}
    select["where"] = {"type": "Function", "name": "and", "is_operator": True, "arguments": listed}


def _identifier(source: Source, column: str) -> Node:
    name = f"{source.alias}.{column}"
    return {"type": "Identifier", "name": name, "name_parts": [source.alias, column]}


def _replace(node: Node, other: Node) -> None:
    alias = node.get("alias")
    node.clear()
    node.update(other)
    if alias is not None:
        node["alias"] = alias


def _hide(select: Node, hidden: list[str]) -> None:
    """Keep the hidden columns out of every `*` of a select."""
    for node in _own(select):
        if node["type"] in {
            "Asterisk",
            "QualifiedAsterisk",
            "ColumnsRegexpMatcher",
            "QualifiedColumnsRegexpMatcher",
        }:
            names: list[Node] = [{"type": "Identifier", "name": name} for name in hidden]
            except_ = {"type": "ColumnsExceptTransformer", "children": names}
            listed = node.setdefault(
                "transformers", {"type": "ColumnsTransformerList", "children": []}
            )
            listed["children"].insert(0, except_)


def _own(node: Node) -> list[Node]:
    """The nodes of a select without those of selects inside it."""
    found = []
    for _, child in children(node):
        if child["type"] != "SelectWithUnionQuery":
            found.append(child)
            found += _own(child)
    return found
