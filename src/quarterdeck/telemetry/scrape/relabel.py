"""Relabelling: what a person writes about labels, done to a set of labels.

The actions and their defaults are Prometheus's (`relabel_config` in its configuration reference).
Labels are a dict of names to values; an empty value is a label that is not there.
"""

import hashlib
import re
from collections.abc import Callable, Sequence

from quarterdeck.telemetry.scrape.regex import MOST_TEXT, compiled
from quarterdeck.telemetry.scrape.rules import DEFAULT_REGEX, RelabelRule

Labels = dict[str, str]
Relabel = Callable[[Labels], Labels | None]
"""The labels after all rules, None when they were dropped."""

_VARIABLE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)
_Step = Callable[[Labels], bool]


def relabelling(rules: Sequence[RelabelRule]) -> Relabel | None:
    """What the rules do, one after another; None without rules."""
    if not rules:
        return None
    steps = [_step(rule) for rule in rules]

    def relabel(labels: Labels) -> Labels | None:
        labels = dict(labels)
        for step in steps:
            if not step(labels):
                return None
        return labels

    return relabel


def _step(rule: RelabelRule) -> _Step:
    """One rule as a function that changes labels in place; False drops them."""
    pattern = compiled(rule.regex)
    every = rule.regex == DEFAULT_REGEX
    sources, separator, target = rule.source_labels, rule.separator, rule.target_label

    def value(labels: Labels) -> str:
        return separator.join(labels.get(name, "") for name in sources)

    def match(text: str) -> re.Match[str] | None:
        if len(text) > MOST_TEXT and not every:
            return None
        return pattern.fullmatch(text)

    def put(labels: Labels, name: str, text: str) -> bool:
        if text:
            labels[name] = text
        else:
            labels.pop(name, None)
        return True

    def replace(labels: Labels) -> bool:
        found = match(value(labels))
        if found is None:
            return True
        name = _expanded(target, found)
        return put(labels, name, _expanded(rule.replacement, found)) if name else True

    def labelmap(labels: Labels) -> bool:
        for name, text in list(labels.items()):
            found = match(name)
            if found is not None and (new := _expanded(rule.replacement, found)):
                put(labels, new, text)
        return True

    def without(labels: Labels, matching: bool) -> bool:
        for name in [name for name in labels if bool(match(name)) is matching]:
            del labels[name]
        return True

    def hashed(labels: Labels) -> bool:
        digest = hashlib.md5(value(labels).encode(), usedforsecurity=False).digest()
        return put(labels, target, str(int.from_bytes(digest[8:], "big") % rule.modulus))

    actions: dict[str, _Step] = {
        "replace": replace,
        "keep": lambda labels: match(value(labels)) is not None,
        "drop": lambda labels: match(value(labels)) is None,
        "keepequal": lambda labels: labels.get(target, "") == value(labels),
        "dropequal": lambda labels: labels.get(target, "") != value(labels),
        "hashmod": hashed,
        "labelmap": labelmap,
        "labeldrop": lambda labels: without(labels, True),
        "labelkeep": lambda labels: without(labels, False),
        "lowercase": lambda labels: put(labels, target, value(labels).lower()),
        "uppercase": lambda labels: put(labels, target, value(labels).upper()),
    }
    return actions[rule.action]


def _expanded(template: str, found: re.Match[str]) -> str:
    """`$1`, `${1}` and `${name}` replaced by what they caught; a group that is not there is empty."""

    def caught(variable: re.Match[str]) -> str:
        name = variable[1] or variable[2]
        if name is None:
            return "$"
        try:
            return found[int(name) if name.isdecimal() else name] or ""
        except IndexError:
            return ""

    return _VARIABLE.sub(caught, template)
