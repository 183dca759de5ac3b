"""Whether a value matches. Regular expressions are RE2 (through Arrow): linear time."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quarterdeck.telemetry.promql.source import Matcher
from quarterdeck.telemetry.promql.values import Flags, execution


def matches(matcher: Matcher, value: str) -> bool:
    return bool(match_each(matcher, [value])[0])


def match_each(matcher: Matcher, values: Sequence[str]) -> Flags:
    """Which of the values match; a regular expression matches the whole value."""
    if matcher.op in ("=", "!="):
        equal = np.array([value == matcher.value for value in values], dtype=np.bool_)
        return equal if matcher.op == "=" else ~equal
    found = whole_match(matcher.value, values)
    return found if matcher.op == "=~" else ~found


def whole_match(pattern: str, values: Sequence[str]) -> Flags:
    try:
        found = pc.match_substring_regex(pa.array(values, pa.string()), f"^(?s:{pattern})$")
    except pa.ArrowInvalid:
        raise execution(f"invalid regular expression: {pattern}") from None
    return np.array(found.to_pylist(), dtype=np.bool_)
