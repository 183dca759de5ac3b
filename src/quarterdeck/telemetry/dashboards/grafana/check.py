"""Whether what a panel asks can be asked: its PromQL parses, and every variable in it has a value.

A variable may stand for a number, a duration, a label, a metric or a function. Which one is not
known here, so an expression counts as sound when it parses with any of them in its place.
"""

import re
from collections.abc import Iterator, Sequence, Set
from itertools import islice, product

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.dashboards.grafana.notes import Notes
from quarterdeck.telemetry.dashboards.grafana.queries import KNOWN
from quarterdeck.telemetry.dashboards.spec import Panel
from quarterdeck.telemetry.promql.syntax import parse

_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_CALLED = re.compile(_VARIABLE.pattern + r"\s*\(")
_STRING = re.compile(r"""#[^\n]*|"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*'|`[^`]*`""")
_MOST_TRIES = 16
_MOST_PARSED = 1_000_000  # characters of a dashboard, every try counted: less than a second


def note_flaws(panels: Sequence[Panel], variables: Set[str], notes: Notes) -> None:
    left = _MOST_PARSED
    for title, text in ((panel.title, query.promql) for panel in panels for query in panel.queries):
        for name in dict.fromkeys(_names(text)):
            built_in = name in KNOWN or name.startswith("__")  # an unknown one was noted already
            group = f"(?P<{name}>" in text  # of a regular expression, for label_replace
            if name not in variables and not built_in and not group:
                notes.say("variable_missing", title, f"${name}")
        flaw = ""
        for attempt in _filled(text) if text else ():
            left -= len(attempt)
            if left < 0:
                notes.say("unchecked", title)
                return
            try:
                parse(attempt)
            except BadInput as error:
                flaw = flaw or error.message
            else:
                break
        else:
            if flaw:
                notes.say("promql", title, f"{text[:120]} ({flaw[:70]})")


def _names(text: str) -> Iterator[str]:
    return (found[1] or found[2] for found in _VARIABLE.finditer(text))


def _filled(text: str) -> Iterator[str]:
    """The text with each variable as a number, and as a word; as a function where it is called."""
    outside = _STRING.sub(lambda found: " " * len(found[0]), text)
    called = {found[1] or found[2] for found in _CALLED.finditer(outside)}
    names = list(dict.fromkeys(_names(outside)))
    kinds = [("sum", "rate") if name in called else ("1", "x") for name in names]
    # All numbers or all words first: with many variables not every mixture is tried.
    uniform = [tuple(each) for each in zip(*kinds, strict=True)] if kinds else [()]
    for chosen in islice(dict.fromkeys((*uniform, *islice(product(*kinds), 64))), _MOST_TRIES):
        yield _put(text, dict(zip(names, chosen, strict=True)))


def _put(text: str, values: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], "x"), text)
