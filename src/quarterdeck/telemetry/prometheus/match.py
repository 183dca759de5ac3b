"""Label matchers over the distinct values of a label.

Equality looks up; a regular expression is tried once a distinct value, not once a series. The
simple ones that dashboards make (`a|b`, `api-.*`) are read here, all others by the engine's RE2,
so that the expression means what Prometheus means and takes linear time.
"""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from quarterdeck.store.telemetry import Engine, Limits
from quarterdeck.telemetry.promql.source import Matcher

Mask = npt.NDArray[np.bool_]

# Literals, escaped punctuation, `.`, and `.*` or `.+`: what Python and RE2 read alike.
_SIMPLE = re.compile(r"(?:[\w /:@%,=<>~#&;'\"!-]|\\[.\-/|+*?()\[\]{}^$\\]|\.[*+]?|\|)*")
_WILD = re.compile(r"(?<!\\)\.[*+]")
_LITERAL = re.compile(r"(?:[\w /:@%,=<>~#&;'\"!-]|\\[.\-/|+*?()\[\]{}^$\\])*")
_MOST_WILD = 2  # in one alternative: Python's matcher is quadratic in each further one
_LIMITS = Limits(seconds=10, memory_mb=256, threads=1)


def matches(engine: Engine, matcher: Matcher, values: Sequence[str]) -> Mask:
    """Which of the values a matcher takes; '' stands for a label that is not there."""
    if matcher.op in ("=", "!="):
        found = np.fromiter((v == matcher.value for v in values), np.bool_, len(values))
    else:
        found = _regex(engine, matcher.value, values)
    return ~found if matcher.op in ("!=", "!~") else found


def literals(pattern: str) -> list[str] | None:
    """The values that an expression such as `a|b\\.c` lists, None when it is more than a list."""
    parts = pattern.split("|")
    if "\\|" in pattern or not all(_LITERAL.fullmatch(part) for part in parts):
        return None
    return [re.sub(r"\\(.)", r"\1", part) for part in parts]


def _regex(engine: Engine, pattern: str, values: Sequence[str]) -> Mask:
    if (listed := literals(pattern)) is not None:
        known = set(listed)
        return np.fromiter((v in known for v in values), np.bool_, len(values))
    if _SIMPLE.fullmatch(pattern) and all(
        len(_WILD.findall(part)) <= _MOST_WILD for part in pattern.split("|")
    ):
        test = re.compile(pattern, re.DOTALL).fullmatch
        return np.fromiter((test(v) is not None for v in values), np.bool_, len(values))
    sql = "SELECT arrayMap(v -> match(v, {pattern:String}), {values:Array(String)})"
    params = {"pattern": f"^(?s:{pattern})$", "values": list(values)}
    row = engine.query("promql_regex", sql, params, limits=_LIMITS).rows[0][0]
    return np.array(row, dtype=np.bool_)
