"""Parameters of a query as the engine reads them: text escaped as in TSV, lists as array literals."""

from collections.abc import Mapping
from typing import Any


def params_of(params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the engine's client takes; None where there are none."""
    if not params:
        return None
    return {name: _escaped(value) for name, value in params.items()}


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


def _escaped(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return "[" + ",".join(_quoted(v) if isinstance(v, str) else str(v) for v in value) + "]"
    return value.translate(_ESCAPES) if isinstance(value, str) else value


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
