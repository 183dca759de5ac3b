"""Some of the spans that a page is about: what was brushed, what failed, what a search finds."""

from dataclasses import dataclass

from quarterdeck.core.errors import BadInput
from quarterdeck.telemetry.query.search_sql import search_spans
from quarterdeck.telemetry.query.window import Asked
from quarterdeck.telemetry.search.parse import parse
from quarterdeck.telemetry.search.tree import fields_in


@dataclass(frozen=True, slots=True)
class Selection:
    """A search over the spans, a stretch of time, or both; durations are part of the search."""

    q: str = ""
    start_ms: int | None = None
    end_ms: int | None = None

    def condition(self, asked: Asked) -> str:
        """SQL: true for the spans that are selected."""
        mine = Asked(params=asked.params)
        search_spans(mine, self.q)
        for bound, sign in ((self.start_ms, ">="), (self.end_ms, "<")):
            if bound is not None:
                mine.add(f"time {sign} fromUnixTimestamp64Milli({asked.bind(bound, 'Int64')})")
        if not mine.conditions:
            raise BadInput(
                "selection_empty",
                "Nothing is selected.",
                "Send a search in `sel`, a stretch of time in `sel_from` and `sel_to`, or both.",
            )
        return " AND ".join(f"({condition})" for condition in mine.conditions)

    @property
    def fields(self) -> set[str]:
        """The fields it is told by: comparing them would say nothing."""
        return fields_in(parse(self.q))
