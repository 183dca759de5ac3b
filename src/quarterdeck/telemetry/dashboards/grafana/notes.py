"""What is said of an import: the closed list of what may not come along, and why."""

from collections.abc import Iterator
from dataclasses import dataclass

# code → (whether something is missing now, what happened; {} is the detail)
SENTENCES: dict[str, tuple[bool, str]] = {
    "panel_kind": (True, "Panels of the kind {} do not exist here."),
    "panel_changed": (False, "{} became the nearest kind there is here."),
    "panel_empty": (True, "None of its queries could be translated."),
    "panel_invalid": (True, "It is not a panel that can be read: {}."),
    "panel_library": (True, "It stands in Grafana's library, and the document holds only its name."),
    "panel_repeat": (True, "It is not repeated for each value of {}; its queries ask for all chosen values."),
    "panels_cut": (True, "Only the first {} panels were taken."),
    "datasource": (True, "A query asks {}, which is not read here."),
    "expression": (True, "A query computes from the others ({}); PromQL can say the same."),
    "query_hidden": (False, "A hidden query was left out."),
    "query_cut": (True, "It has more queries than the {} that are kept."),
    "promql": (True, "A query is not PromQL that is read here, and fails until it is changed: {}."),
    "unchecked": (False, "There are so many queries that those from here on were not checked."),
    "variable_missing": (True, "A query asks for {}, which is no variable of this dashboard."),
    "logql": (True, "Of a LogQL query this was left out: {}."),
    "transformations": (True, "Its transformations are not applied: {}."),
    "overrides": (True, "What it sets for single fields or series is not applied: {}."),
    "mappings": (True, "Texts in place of values are not shown."),
    "own_time": (True, "It follows the time range of the page, not its own: {}."),
    "second_axis": (True, "All its series share one axis."),
    "percent_stack": (True, "It is stacked by value, not as shares of the whole."),
    "percent_thresholds": (True, "Thresholds in percent need a lowest and a highest value."),
    "unit": (False, "The unit {} is written behind the figure as it is."),
    "alert": (True, "Its alert was not taken along."),
    "html": (False, "HTML became plain text."),
    "format": (False, "The format in {} was dropped: values are quoted for the language they stand in."),
    "builtin": (True, "{} has no value here."),
    "variable_kind": (True, "The variable {} is of a kind that does not exist here."),
    "variable_query": (True, "The query of the variable {} cannot be asked here."),
    "variable_invalid": (True, "The variable {} cannot be read."),
    "variable_all": (True, "“All” of the variable {} means all its values, not a value of its own."),
    "variable_regex": (True, "Values of the variable {} that are regular expressions match as plain text."),
    "variable_auto": (False, "The variable {} offers no automatic interval; $__interval is one."),
    "datasource_variable": (False, "The variable {} chose a data source; there is one here."),
    "annotations": (True, "The annotation query {} was not taken along; marks of this project are shown."),
    "links": (True, "The link {} cannot be followed here."),
    "cut": (True, "A text was longer than is kept: {}."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    code: str
    panel: str = ""
    detail: str = ""

    @property
    def lost(self) -> bool:
        return SENTENCES[self.code][0]

    @property
    def text(self) -> str:
        return SENTENCES[self.code][1].replace("{}", self.detail)


class Notes:
    """Collected while reading; each thing is said once of each panel."""

    MOST = 2_000

    def __init__(self) -> None:
        self._said: dict[Note, None] = {}

    def say(self, code: str, panel: str = "", detail: str = "") -> None:
        note = Note(code, panel[:200], detail[:200])
        if code not in SENTENCES:
            raise KeyError(code)
        if len(self._said) < self.MOST:
            self._said[note] = None

    def __iter__(self) -> Iterator[Note]:
        return iter(self._said)
