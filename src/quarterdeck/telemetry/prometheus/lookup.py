"""Names, values and series without their points: what `/labels`, `/label/…/values`, `/series` and
`/metadata` answer, over all the places where a project's series come from.
"""

from collections.abc import Sequence
from typing import Protocol

from quarterdeck.telemetry.promql.source import Labels, Matcher

Selectors = Sequence[tuple[Matcher, ...]]


class Place(Protocol):
    """Somewhere series come from: remote write and scraping, or OTLP."""

    def names(self, project: int, matchers: Sequence[Matcher], after: int, until: int) -> set[str]:
        """Label names of the series that match; of all without matchers."""
        ...

    def values(
        self, project: int, name: str, matchers: Sequence[Matcher], after: int, until: int
    ) -> set[str]: ...

    def series(
        self, project: int, matchers: Sequence[Matcher], after: int, until: int
    ) -> list[Labels]: ...


class Lookup:
    """The places together."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    def names(self, project: int, selectors: Selectors, after: int, until: int) -> list[str]:
        found: set[str] = set()
        for place in self._places:
            for matchers in selectors or [()]:
                found |= place.names(project, matchers, after, until)
        return sorted(found)

    def values(
        self, project: int, name: str, selectors: Selectors, after: int, until: int
    ) -> list[str]:
        found: set[str] = set()
        for place in self._places:
            for matchers in selectors or [()]:
                found |= place.values(project, name, matchers, after, until)
        return sorted(found)

    def series(self, project: int, selectors: Selectors, after: int, until: int) -> list[Labels]:
        """In the order of their labels, each once."""
        found: dict[tuple[tuple[str, str], ...], Labels] = {}
        for place in self._places:
            for matchers in selectors:
                for labels in place.series(project, matchers, after, until):
                    found[tuple(sorted(labels.items()))] = labels
        return [found[key] for key in sorted(found)]
