"""Cases of Prometheus' own test files that cannot pass here, and why (docs/promql.md lists them).

An excused case must fail: one that passes has to leave this list.
"""

import re

from support.promqltest import Case

SYNTAX = "the parser does not have this syntax"
EMPTY_INFO = "the parser wants a matcher that does not match '' in the second argument of info()"
BYTES = r"the parser reads \xNN as a character, where Prometheus has a byte"
START = "series are kept without start timestamps (a feature that is off in Prometheus too)"

_RULES: list[tuple[str, str, str]] = [
    ("duration_expression", r"\[[^\]]*(?:\d\w*\s*[-+*/%^]|[*/(]|\w\()", SYNTAX),
    (
        "duration_expression",
        r"(?i)offset\s*[-+]?\s*(?:\(|step\(|range\(|min_of\(|max_of\()",
        SYNTAX,
    ),
    ("extended_vectors", r"\b(?:anchored|smoothed)\b", SYNTAX),
    ("native_histograms", r"[<>]/", SYNTAX),
    ("info", r'(?:\{__name__!="target_info"\}|=~"\.\*"\}\))', EMPTY_INFO),
    ("aggregators", r"\\xc5", BYTES),
    ("functions", r"\\xff", BYTES),
]
_START_LINES = {
    *(8, 13, 18, 24, 42, 66, 74, 82, 144, 169, 189, 207, 210, 213, 217, 234, 240, 246, 259),
    *(276, 284, 289, 305),
}


def excuse(case: Case) -> str:
    """Why the case may fail; empty if it must pass."""
    file = case.file.removesuffix(".test")
    if file == "start_timestamps" and case.line in _START_LINES:
        return START
    for of, pattern, reason in _RULES:
        if file == of and re.search(pattern, case.text):
            return reason
    return ""
