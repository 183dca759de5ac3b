"""What is said of SQL that cannot run: stable codes, plain words, and where."""

import re
from typing import Any

from quarterdeck.core.errors import BadInput

_SYNTAX = re.compile(r"failed at position (\d+) \((.*?)\)(?: \(line (\d+), col (\d+)\))?", re.S)
_EXPECTED = re.compile(r"Expected one of: (.*)", re.S)
_HINT = "docs/sql.md lists the views, their columns and the functions."


def refused(code: str, message: str, hint: str = _HINT, **details: Any) -> BadInput:
    return BadInput(code, message, hint, details=details)


def parse_error(message: str, sql: str) -> BadInput:
    """The engine's syntax error, with the position in the user's own text."""
    text = public(message)
    if "Multi-statements" in text:
        return refused(
            "sql_one_statement",
            "Only one statement at a time.",
            "Remove what follows the semicolon.",
        )
    if "depth" in text or "too deep" in text:
        return refused("sql_too_complex", "The statement nests too deeply.", "Split it up.")
    found = _SYNTAX.search(text)
    if not found:
        return refused("sql_parse", text or "The statement is not valid SQL.")
    # The engine counts bytes from 1.
    before = sql.encode()[: int(found.group(1)) - 1].decode("utf-8", "replace")
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    near = found.group(2)
    where = "at its end" if near == "end of query" else f"near `{near[:60]}`"
    expected = _EXPECTED.search(text)
    hint = f"Expected one of: {expected.group(1)[:200].strip()}" if expected else _HINT
    return refused(
        "sql_parse",
        f"The statement is not valid SQL: line {line}, column {column}, {where}.",
        hint,
        position=len(before),
        line=line,
        column=column,
    )


def public(message: str) -> str:
    """The engine's message without the rebuilt statement, which users never wrote."""
    text = re.split(r":? In scope |: While processing |: while executing |\. Stack trace", message)[
        0
    ]
    text = re.sub(r"\(?\bSETTINGS max_execution_time\b.*", "", text, flags=re.S)
    text = re.sub(r"\b__[a-z]_(\w+)", r"\1", text)
    text = text.replace("__t.", "").replace("default.", "")
    text = text.strip()[:500]
    if any(trace in text for trace in _OURS):
        name = re.search(r"\(([A-Z_]+)\)$", text)
        return f"The engine refused the statement{f': {name.group(1)}' if name else ''}."
    return text


_OURS = ("__t", "__s", "__u", "__v_", "project IN (")
"""Signs that a message still shows how a view is built."""
