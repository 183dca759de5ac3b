"""Rules by which a person decides what is one issue.

    Rule((Matcher("type", "Timeout*"), Matcher("tags.shop", "berlin")), ("timeouts in Berlin",))

A rule applies when all of its matchers do. `*` stands for any text and `?` for one character; case
does not matter, and in paths `\\` is `/`. A matcher of exceptions or frames matches when any
exception or any frame does.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from quarterdeck.errors.event import Event, Frame

_READ: dict[str, Callable[[Event], Iterable[str]]] = {
    "type": lambda event: (thrown.type for thrown in event.exceptions),
    "value": lambda event: (thrown.value for thrown in event.exceptions),
    "message": lambda event: (event.message, *(thrown.value for thrown in event.exceptions)),
    "path": lambda event: (
        path.replace("\\", "/")
        for frame in frames_of(event)
        for path in (frame.filename, frame.abs_path)
    ),
    "function": lambda event: (frame.function for frame in frames_of(event)),
    "module": lambda event: (frame.module for frame in frames_of(event)),
    "package": lambda event: (frame.package for frame in frames_of(event)),
    "level": lambda event: (event.level,),
    "logger": lambda event: (event.logger,),
    "transaction": lambda event: (event.transaction,),
    "release": lambda event: (event.release,),
    "environment": lambda event: (event.environment,),
    "service": lambda event: (event.service,),
    "platform": lambda event: (event.platform,),
    "url": lambda event: (event.url,),
}
KEYS = (*_READ, "tags.NAME")


@dataclass(frozen=True, slots=True)
class Matcher:
    key: str  # one of KEYS
    pattern: str
    negated: bool = False

    def matches(self, event: Event) -> bool:
        pattern = _compiled(self.pattern)
        found = any(value and pattern.fullmatch(value) for value in self._values(event))
        return found is not self.negated

    def _values(self, event: Event) -> Iterable[str]:
        if self.key.startswith("tags."):
            return (event.tags.get(self.key[5:], ""),)
        read = _READ.get(self.key)
        return read(event) if read else ()

    def __str__(self) -> str:
        return f"{self.key} {'is not' if self.negated else 'is'} {self.pattern}"


@dataclass(frozen=True, slots=True)
class Rule:
    matchers: tuple[Matcher, ...]
    fingerprint: tuple[str, ...]  # variables as in a sender's: "{{ default }}", "{{ type }}", …

    def matches(self, event: Event) -> bool:
        return bool(self.matchers) and all(matcher.matches(event) for matcher in self.matchers)

    def __str__(self) -> str:
        return " and ".join(map(str, self.matchers))


# What browsers say in as many words as there are files, when a page outlives a deployment.
SHIPPED = (
    Rule((Matcher("type", "ChunkLoadError"),), ("a part of the page could not be loaded",)),
    Rule((Matcher("value", "Loading chunk * failed*"),), ("a part of the page could not be loaded",)),
    Rule(
        (Matcher("value", "*dynamically imported module*"),),
        ("a part of the page could not be loaded",),
    ),
)  # fmt: skip


def first_match(rules: Sequence[Rule], event: Event) -> Rule | None:
    return next((rule for rule in rules if rule.matches(event)), None)


def frames_of(event: Event) -> Iterable[Frame]:
    for thrown in event.exceptions:
        yield from thrown.frames
    yield from event.frames


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Each `*` takes as little as it can and never more later: time grows with the text alone."""
    start, *rest = pattern.split("*")
    expression = _literal(start)
    if rest:
        *middle, end = rest
        expression += "".join(f"(?>.*?{_literal(part)})" for part in middle if part)
        expression += f".*{_literal(end)}"
    return re.compile(expression, re.IGNORECASE | re.DOTALL)


def _literal(text: str) -> str:
    return "".join("." if sign == "?" else re.escape(sign) for sign in text)
