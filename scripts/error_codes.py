"""Every error that the program can raise, found in its syntax trees.

A place raises an error when it calls a class of the tree in `core.errors` (or one that
derives from it) with a code. A code that is chosen at run time is followed to the
constants it is chosen from; where that is impossible the place itself is reported.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Raised:
    """One place: the message and hint with `…` where values go."""

    status: int
    message: str
    hint: str
    place: str


class UnknownCode(Exception):
    """A place whose code cannot be read from the source."""


def find_errors(source: Path) -> dict[str, list[Raised]]:
    """All places by code."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(source.rglob("*.py"))}
    program = list(trees.values())
    statuses = _statuses(program)
    found: dict[str, list[Raised]] = {}
    for path, tree in trees.items():
        for call, status in _calls(tree, statuses):
            place = f"{path.relative_to(source)}:{call.lineno}"
            if isinstance(_arguments(call).get("code"), ast.Call | ast.Attribute):
                continue  # `error.code`, `str(answer["code"])`: another error, passed on
            sites = list(_sites(_arguments(call), call, tree, program))
            for site in sites:
                told = [_text(site.given.get(n), site.constants) for n in ("message", "hint")]
                for code in sorted(site.codes):
                    found.setdefault(code, []).append(Raised(status, told[0], told[1], place))
            if not any(site.codes for site in sites):
                raise UnknownCode(f"{place}: the error's code is not a constant")
    return found


def _statuses(trees: list[ast.Module]) -> dict[str, int]:
    """The HTTP status of every error class, inherited ones too."""
    classes = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    statuses = {"QuarterdeckError": 500}
    while True:
        before = len(statuses)
        for node in classes:
            bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
            parent = next((base for base in bases if base in statuses), None)
            if parent and node.name not in statuses:
                statuses[node.name] = _own_status(node) or statuses[parent]
        if len(statuses) == before:
            return statuses


def _own_status(node: ast.ClassDef) -> int | None:
    for statement in node.body:
        if (
            isinstance(statement, ast.Assign)
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id == "status"
            and isinstance(statement.value, ast.Constant)
        ):
            return int(str(statement.value.value))
    return None


def _calls(tree: ast.Module, statuses: dict[str, int]) -> Iterator[tuple[ast.Call, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            own = node.func.id in statuses and node.func.id not in _own_constructors(tree, statuses)
            if own and (node.args or node.keywords):
                yield node, statuses[node.func.id]
        elif isinstance(node, ast.ClassDef) and node.name in statuses:
            for call in ast.walk(node):
                if _is_super_init(call):
                    assert isinstance(call, ast.Call)
                    if node.name != "QuarterdeckError":
                        yield call, statuses[node.name]


def _own_constructors(tree: ast.Module, statuses: dict[str, int]) -> set[str]:
    """Error classes that give their code themselves, in their constructor."""
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and node.name in statuses
        and any(_is_super_init(inner) for inner in ast.walk(node))
    }


def _is_super_init(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "__init__"
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "super"
    )


def _arguments(call: ast.Call) -> dict[str, ast.expr]:
    named = dict(zip(("code", "message", "hint"), call.args, strict=False))
    named.update({k.arg: k.value for k in call.keywords if k.arg})
    return named


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


@dataclass(frozen=True, slots=True)
class _Site:
    """What an error is made of: at the place itself, or where its helper is called."""

    codes: set[str]
    given: dict[str, ast.expr]
    constants: dict[str, ast.expr]


def _sites(
    given: dict[str, ast.expr], call: ast.Call, tree: ast.Module, program: list[ast.Module]
) -> Iterator[_Site]:
    constants = _constants(tree)
    code = given.get("code")
    found = set(_constant_codes(code, constants))
    if isinstance(code, ast.Name) and not found:
        for function in _around(tree, call):
            found |= set(_assigned(code.id, function))
            for use, home, handed in _callers(code.id, function, program):
                bound = {
                    name: handed.get(value.id, value) if isinstance(value, ast.Name) else value
                    for name, value in given.items()
                }
                yield from _sites(bound, use, home, program)
    yield _Site(found, given, constants)


def _constant_codes(node: ast.expr | None, constants: dict[str, ast.expr]) -> Iterator[str]:
    """The constants that an expression may stand for."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constant_codes(node.body, constants)
        yield from _constant_codes(node.orelse, constants)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        table = constants.get(node.value.id)
        for value in table.values if isinstance(table, ast.Dict) else ():
            yield from _constant_codes(value, constants)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from _constant_codes(constants[node.id], constants)


def _around(tree: ast.Module, call: ast.Call) -> Iterator[Function]:
    """The functions that a call stands in."""
    for function in ast.walk(tree):
        if isinstance(function, Function) and any(n is call for n in ast.walk(function)):
            yield function


def _assigned(name: str, function: Function) -> Iterator[str]:
    """What a function puts into a variable of its own."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=True))
            for left, right in pairs:
                if (
                    isinstance(left, ast.Name)
                    and left.id == name
                    and isinstance(right, ast.Constant)
                ):
                    yield str(right.value)


def _callers(
    name: str, function: Function, program: list[ast.Module]
) -> Iterator[tuple[ast.Call, ast.Module, dict[str, ast.expr]]]:
    """Calls of a helper that has a parameter of that name, with what each hands in."""
    names = [a.arg for a in function.args.posonlyargs + function.args.args]
    if name not in names + [a.arg for a in function.args.kwonlyargs]:
        return
    home = next(tree for tree in program if any(n is function for n in ast.walk(tree)))
    constants = _constants(home)
    defaults = [
        constants.get(d.id, d) if isinstance(d, ast.Name) else d for d in function.args.defaults
    ]
    known = dict(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    offset = 1 if names[:1] == ["self"] else 0
    for tree in program:
        for use in ast.walk(tree):
            if isinstance(use, ast.Call) and _called(use) == function.name:
                handed = known | {k.arg: k.value for k in use.keywords if k.arg}
                handed.update(zip(names[offset:], use.args, strict=False))
                if function not in _around(tree, use):
                    yield use, tree, handed


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _text(node: ast.expr | None, constants: dict[str, ast.expr]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = (str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
        return re.sub("…(?:[:. ]*…)+", "…", "".join(parts))
    if isinstance(node, ast.IfExp):
        return f"{_text(node.body, constants)} / {_text(node.orelse, constants)}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, constants) + _text(node.right, constants)
    if isinstance(node, ast.Name) and node.id in constants:
        return _text(constants[node.id], constants)
    return "" if node is None else "…"
