"""The tree of an expression: parsed by `promql-parser`, and turned into what is evaluated.

Refuses with `promql_syntax` what the parser refuses, and what it takes although PromQL does not
have it. Durations are milliseconds, moments milliseconds since 1970.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import promql_parser as parser

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.promql.positions import Starts, scan
from quarterdeck.telemetry.promql.source import Matcher

MAX_LENGTH = 100_000
MAX_DEPTH = 100
MAX_OPERATORS = 250
"""Beyond these the parser, which recurses, would end the process."""

MAX_MOMENT = 2**53

Kind = Literal["scalar", "vector", "matrix", "string"]
At = int | Literal["start", "end"] | None


@dataclass(frozen=True, slots=True)
class Number:
    value: float
    place: str
    kind: Kind = "scalar"


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    place: str
    kind: Kind = "string"


@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector selector; `window` makes it a range vector selector."""

    matchers: tuple[Matcher, ...]
    offset: int
    at: At
    window: int | None
    place: str

    @property
    def kind(self) -> Kind:
        return "vector" if self.window is None else "matrix"


@dataclass(frozen=True, slots=True)
class Subquery:
    expr: "Node"
    window: int
    step: int | None
    offset: int
    at: At
    place: str
    kind: Kind = "matrix"


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: "tuple[Node, ...]"
    kind: Kind
    place: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    op: str
    expr: "Node"
    param: "Node | None"
    without: bool
    labels: tuple[str, ...]
    place: str
    kind: Kind = "vector"


@dataclass(frozen=True, slots=True)
class Negate:
    expr: "Node"
    place: str

    @property
    def kind(self) -> Kind:
        return self.expr.kind


@dataclass(frozen=True, slots=True)
class Parens:
    """Kept, since a range vector in parentheses is not a selector any more."""

    expr: "Node"
    place: str

    @property
    def kind(self) -> Kind:
        return self.expr.kind


@dataclass(frozen=True, slots=True)
class Matching:
    """How the sides of an operator find each other."""

    card: Literal["one-to-one", "many-to-one", "one-to-many", "many-to-many"]
    on: bool
    labels: tuple[str, ...]
    include: tuple[str, ...]
    fill_left: float | None
    fill_right: float | None


@dataclass(frozen=True, slots=True)
class Binary:
    op: str
    left: "Node"
    right: "Node"
    as_bool: bool
    matching: Matching
    place: str

    @property
    def kind(self) -> Kind:
        both = self.left.kind == self.right.kind == "scalar"
        return "scalar" if both else "vector"


Node = Number | Text | Selector | Subquery | Call | Aggregate | Negate | Parens | Binary

_CARDS: dict[str, Any] = {
    str(parser.VectorMatchCardinality.OneToOne): "one-to-one",
    str(parser.VectorMatchCardinality.ManyToOne): "many-to-one",
    str(parser.VectorMatchCardinality.OneToMany): "one-to-many",
    str(parser.VectorMatchCardinality.ManyToMany): "many-to-many",
}
_KINDS: dict[str, Kind] = {
    str(parser.ValueType.Vector): "vector",
    str(parser.ValueType.Scalar): "scalar",
    str(parser.ValueType.Matrix): "matrix",
    str(parser.ValueType.String): "string",
}
_OPS: dict[str, Any] = {
    str(parser.MatchOp.Equal): "=",
    str(parser.MatchOp.NotEqual): "!=",
    str(parser.MatchOp.Re): "=~",
    str(parser.MatchOp.NotRe): "!~",
}


def parse(text: str) -> Node:
    """The tree; raises BadInput `promql_syntax`."""
    if len(text) > MAX_LENGTH:
        raise not_promql(f"the expression is longer than {MAX_LENGTH} characters")
    starts = scan(text)
    if starts.depth > MAX_DEPTH:
        raise not_promql(f"brackets are nested more than {MAX_DEPTH} deep")
    if starts.operators > MAX_OPERATORS:
        raise not_promql(f"there are more than {MAX_OPERATORS} operators")
    try:
        found = parser.parse(text)
    except ValueError as error:
        raise not_promql(str(error)) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise not_promql("the parser does not take this expression") from None
    return _Reader(starts).node(found)


def not_promql(message: str) -> BadInput:
    return BadInput("promql_syntax", message, "See docs/promql.md for what is supported.")


class _Reader:
    """Turns the parser's tree into ours, with places, in the order of the text."""

    def __init__(self, starts: Starts) -> None:
        self.starts = starts
        self.moments = iter(starts.moments)

    def place(self, kind: str) -> str:
        return self.starts.place(self.starts.take(kind))

    def node(self, expr: Any) -> Node:
        match expr:
            case parser.NumberLiteral():
                return Number(expr.val, self.place("number"))
            case parser.StringLiteral():
                return Text(expr.val, self.place("string"))
            case parser.VectorSelector():
                return self.selector(expr, None)
            case parser.MatrixSelector():
                return self.selector(expr.vector_selector, _milliseconds(expr.range))
            case parser.ParenExpr():
                place = self.place("paren")
                return Parens(self.node(expr.expr), place)
            case parser.UnaryExpr():
                place = self.place("unary")
                return Negate(self.node(expr.expr), place)
            case parser.Call():
                return self.call(expr)
            case parser.AggregateExpr():
                return self.aggregate(expr)
            case parser.SubqueryExpr():
                assert expr.range is not None
                inner = self.node(expr.expr)
                step = None if expr.step is None else _milliseconds(expr.step)
                offset, at = self.moved(expr)
                window = _milliseconds(expr.range)
                return Subquery(inner, window, step or None, offset, at, inner.place)
            case parser.BinaryExpr():
                return self.binary(expr)
        raise not_promql(f"{type(expr).__name__} is not supported")

    def selector(self, expr: Any, window: int | None) -> Selector:
        if expr.matchers.or_matchers:
            raise not_promql('"or" between matchers is not PromQL')
        place = self.place("selector")
        matchers = [
            Matcher(matcher.name, _OPS[str(matcher.op)], matcher.value)
            for matcher in expr.matchers.matchers
        ]
        if expr.name:
            matchers.insert(0, Matcher("__name__", "=", expr.name))
        offset, at = self.moved(expr)
        return Selector(tuple(matchers), offset, at, window, place)

    def moved(self, expr: Any) -> tuple[int, At]:
        """Offset and `@`; the moment is read from the text, as before 1970 the parser has none."""
        offset = _milliseconds(expr.offset) if expr.offset is not None else 0
        if expr.at is None:
            return offset, None
        sign, moment = next(self.moments, (1.0, ""))
        if str(expr.at.type) == str(parser.AtModifierType.Start):
            return offset, "start"
        if str(expr.at.type) == str(parser.AtModifierType.End):
            return offset, "end"
        try:
            found = expr.at.at.timestamp() * 1000 if sign > 0 else -_moment(moment)
        except BaseException as error:
            if not isinstance(error, ValueError) and type(error).__name__ != "PanicException":
                raise
            raise not_promql("the moment after @ is out of bounds") from None
        if abs(found) > MAX_MOMENT:
            raise not_promql("the moment after @ is out of bounds")
        return offset, round(found)

    def call(self, expr: Any) -> Call:
        place = self.place("call")
        args = tuple(self.node(arg) for arg in expr.args)
        return Call(expr.func.name, args, _KINDS[str(expr.func.return_type)], place)

    def aggregate(self, expr: Any) -> Aggregate:
        place = self.place("call")
        param = None if expr.param is None else self.node(expr.param)
        inner = self.node(expr.expr)
        wanted = "string" if str(expr.op) == "count_values" else "scalar"
        if param is not None and param.kind != wanted:
            raise not_promql(f"expected type {wanted} in aggregation parameter, got {param.kind}")
        if inner.kind != "vector":
            raise not_promql(f"expected type instant vector in aggregation, got {inner.kind}")
        without, labels = False, ()
        if expr.modifier is not None:
            without = str(expr.modifier.type) == str(parser.AggModifierType.Without)
            labels = tuple(expr.modifier.labels)
        return Aggregate(str(expr.op), inner, param, without, labels, place)

    def binary(self, expr: Any) -> Binary:
        left = self.node(expr.lhs)
        right = self.node(expr.rhs)
        set_operator = str(expr.op) in ("and", "or", "unless")
        card: Any = "many-to-many" if set_operator else "one-to-one"
        matching = Matching(card, False, (), (), None, None)
        modifier, as_bool = expr.modifier, False
        if modifier is not None:
            as_bool = modifier.return_bool
            labels = modifier.matching
            matching = Matching(
                _CARDS[str(modifier.card)],
                labels is not None and str(labels.type) == str(parser.LabelModifierType.Include),
                tuple(labels.labels) if labels is not None else (),
                tuple(modifier.group_labels or ()),
                modifier.fill_values.lhs if modifier.fill_values else None,
                modifier.fill_values.rhs if modifier.fill_values else None,
            )
        return Binary(str(expr.op), left, right, as_bool, matching, left.place)


def _moment(text: str) -> float:
    try:
        return float(text) * 1000
    except ValueError:
        return _milliseconds(parser.parse_duration(text))


def _milliseconds(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))
