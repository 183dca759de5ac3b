"""What a dashboard is: variables, and panels on a grid of 24 columns.

Texts of panels hold `$name` or `${name}` where a variable's value goes, and `$__interval`,
`$__rate_interval`, `$__range` and the like (docs/dashboards.md). The page puts values in, quoted for
the language they go into; what is stored is the text as it was written.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from quarterdeck.resources.spec import Reference, Spec, ui

COLUMNS = 24
MOST_PANELS = 400
MOST_ROWS = 20_000
MOST_QUERIES = 26
LONG = 20_000
VARIABLE_NAME = r"^[A-Za-z][A-Za-z0-9_]{0,49}$"
DURATION = r"^[1-9][0-9]{0,6}(ms|s|m|h|d|w)$"
_USED = re.compile(r"\$(?:\{([A-Za-z][A-Za-z0-9_]*)(?::\w+)?\}|([A-Za-z][A-Za-z0-9_]*))")


def _leads_to_the_web(url: str) -> str:
    """An address of this application, or of the web: never a script."""
    if not url.startswith(("http://", "https://")) and not re.match(r"^/(?![/\\])", url):
        raise ValueError("must begin with http://, https:// or a single /")
    return url


class Link(Spec):
    title: str = Field(title="Title", description="What is read.", min_length=1, max_length=120)
    url: Annotated[str, AfterValidator(_leads_to_the_web)] = Field(
        title="Address",
        description="Of a page here (/traces) or of the web; may hold variables.",
        max_length=2_000,
        examples=["/logs?q=timeout"],
    )


class Option(Spec):
    value: str = Field(title="Value", description="What goes into queries.", max_length=500)
    label: str = Field("", title="Label", description="What is read; the value if left out.", max_length=200)  # fmt: skip


class Variable(Spec):
    name: str = Field(
        title="Name",
        description="What queries call it: $name or ${name}.",
        pattern=VARIABLE_NAME,
        examples=["service"],
    )
    label: str = Field("", title="Label", description="What the page calls it.", max_length=80)
    kind: Literal["labels", "sql", "custom", "interval", "text"] = Field(
        "labels",
        title="Kind",
        description="Where its values come from: labels of metrics, SQL, a list, durations, or typing.",
    )
    query: str = Field(
        "",
        title="Query",
        description="label_values(metric, label), label_names() or metrics(regex); or SQL, whose first column is the value and second the label.",
        max_length=LONG,
        examples=["label_values(up, job)"],
        json_schema_extra=ui(widget="textarea"),
    )
    regex: str = Field(
        "",
        title="Only",
        description="Keep values that match this expression; its first group becomes the value.",
        max_length=500,
    )
    options: list[Option] = Field(
        default_factory=list,
        title="Values",
        description="Of a list, or of durations such as 5m.",
        max_length=500,
    )
    default: list[str] = Field(
        default_factory=list,
        title="At first",
        description="What is chosen when the address does not say; all of them or the first otherwise.",
        max_length=500,
    )
    multi: bool = Field(False, title="Several", description="Whether more than one can be chosen.")
    include_all: bool = Field(False, title="All", description="Whether all can be chosen at once.")
    hidden: bool = Field(False, title="Hidden", description="Whether the bar leaves it out.")

    @model_validator(mode="after")
    def _has_values(self) -> "Variable":
        if self.name.startswith("__"):
            raise ValueError("a name must not begin with two underscores")
        if self.kind in ("labels", "sql") and not self.query.strip():
            raise ValueError("needs a query")
        if self.kind in ("custom", "interval") and not self.options:
            raise ValueError("needs values")
        if self.kind == "interval":
            for option in self.options:
                if not re.match(DURATION, option.value):
                    raise ValueError("values must be durations such as 5m")
        if self.kind in ("interval", "text") and (self.multi or self.include_all):
            raise ValueError("has one value at a time")
        return self


class Query(Spec):
    """One of promql, sql, logs and saved_search."""

    promql: str = Field(
        "",
        title="PromQL",
        description="An expression.",
        max_length=LONG,
        examples=["sum by (job) (rate(http_requests_total[$__rate_interval]))"],
        json_schema_extra=ui(widget="textarea"),
    )
    sql: str = Field(
        "",
        title="SQL",
        description="One SELECT, as docs/sql.md has it.",
        max_length=LONG,
        json_schema_extra=ui(widget="textarea"),
    )
    logs: str | None = Field(
        None,
        title="Log search",
        description="A search over logs, as docs/search.md has it; empty for all of them.",
        max_length=4_000,
    )
    saved_search: Annotated[str, Reference("saved-search")] | None = Field(
        None, title="Saved search", description="A search over logs that the project keeps."
    )
    legend: str = Field(
        "",
        title="Legend",
        description="Name of its series; {{label}} is replaced by the label's value.",
        max_length=300,
        examples=["{{instance}}"],
    )

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "Query":
        asked = [self.promql.strip(), self.sql.strip(), self.logs is not None, self.saved_search]
        if sum(map(bool, asked)) != 1:
            raise ValueError("needs exactly one of promql, sql, logs and saved_search")
        return self


class Threshold(Spec):
    value: float | None = Field(
        None, title="From", description="The value it begins at; none for the lowest one."
    )
    tone: Literal["good", "info", "warning", "critical", "neutral"] = Field(
        title="Tone", description="Its colour, and the word and shape that stand beside it."
    )


PanelKind = Literal["timeseries", "stat", "table", "heatmap", "bar", "logs", "markdown", "row"]
Reduce = Literal["last", "mean", "min", "max", "sum", "first", "count"]


class Panel(Spec):
    id: str = Field(
        title="Id",
        description="Stays when the panel is moved or renamed; part of its address.",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
    )
    title: str = Field("", title="Title", description="What it shows.", max_length=200)
    description: str = Field(
        "",
        title="Description",
        description="What to make of it; Markdown.",
        max_length=4_000,
        json_schema_extra=ui(widget="textarea"),
    )
    kind: PanelKind = Field(
        title="Kind", description="How it is shown; a row is a heading over those below it."
    )
    x: int = Field(0, title="Column", description="Of 24, from the left.", ge=0, lt=COLUMNS)
    y: int = Field(0, title="Row", description="From the top.", ge=0, le=MOST_ROWS)
    w: int = Field(12, title="Width", description="In columns.", ge=1, le=COLUMNS)
    h: int = Field(8, title="Height", description="In rows of 38 pixels.", ge=1, le=100)
    queries: list[Query] = Field(
        default_factory=list, title="Queries", description="What is asked.", max_length=MOST_QUERIES
    )
    text: str = Field(
        "",
        title="Text",
        description="Of a Markdown panel.",
        max_length=LONG,
        json_schema_extra=ui(widget="textarea"),
    )
    unit: str = Field(
        "",
        title="Unit",
        description="A known one (docs/dashboards.md), such as seconds, bytes, percent, share or per_second; anything else is written behind the figure.",
        max_length=30,
        examples=["seconds"],
    )
    decimals: int | None = Field(
        None, title="Decimals", description="As many as are of use if left out.", ge=0, le=10
    )
    min: float | None = Field(None, title="Lowest", description="Where the axis begins.")
    max: float | None = Field(None, title="Highest", description="Where the axis ends.")
    log: bool = Field(False, title="Logarithmic", description="Equal steps for equal ratios.")
    stacked: bool = Field(False, title="Stacked", description="Each series on top of the last.")
    fill: bool = Field(False, title="Filled", description="A shade below the lines.")
    bars: bool = Field(False, title="Bars", description="Bars instead of lines.")
    legend: Literal["above", "table", "hidden"] = Field(
        "above",
        title="Legend",
        description="Names beside the title, or a table with figures below the chart.",
    )
    thresholds: list[Threshold] = Field(
        default_factory=list, title="Thresholds", description="From the lowest up.", max_length=20
    )
    reduce: Reduce = Field(
        "last", title="Figure", description="What a stat or a bar makes of a series over time."
    )
    folded: bool = Field(
        False, title="Folded", description="Whether the panels below a row are hidden at first."
    )
    links: list[Link] = Field(
        default_factory=list, title="Links", description="Where it leads.", max_length=20
    )

    @model_validator(mode="after")
    def _stands_on_the_grid(self) -> "Panel":
        if self.x + self.w > COLUMNS:
            raise ValueError(f"reaches beyond column {COLUMNS}")
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise ValueError("ends below its beginning: min must be less than max")
        values = [each.value for each in self.thresholds]
        if None in values[1:]:
            raise ValueError("only the first threshold may have no value")
        known = [value for value in values if value is not None]
        if known != sorted(known) or len(set(known)) != len(known):
            raise ValueError("thresholds must rise")
        if self.kind == "logs" and any(q.logs is None and not q.saved_search for q in self.queries):
            raise ValueError("a logs panel asks for logs or a saved search")
        return self


class DashboardSpec(Spec):
    title: str = Field(
        title="Title",
        description="How the dashboard is listed.",
        min_length=1,
        max_length=120,
        examples=["Checkout"],
    )
    description: str = Field(
        "",
        title="Description",
        description="Who looks at it, and what for.",
        max_length=2_000,
        json_schema_extra=ui(widget="textarea"),
    )
    tags: list[Annotated[str, Field(min_length=1, max_length=40)]] = Field(
        default_factory=list, title="Tags", description="What it is found by.", max_length=20
    )
    range: str = Field(
        "",
        title="Time range",
        description="What it opens with, such as -6h; that of the project if left out.",
        max_length=80,
        examples=["-6h"],
        json_schema_extra=ui(widget="duration"),
    )
    interval: str = Field(
        "1m",
        title="Interval",
        description="How often its metrics are told: the least step, and a quarter of $__rate_interval.",
        pattern=DURATION,
        examples=["15s"],
    )
    variables: list[Variable] = Field(
        default_factory=list, title="Variables", description="What can be chosen.", max_length=50
    )
    panels: list[Panel] = Field(
        default_factory=list, title="Panels", description="What is shown.", max_length=MOST_PANELS
    )
    links: list[Link] = Field(
        default_factory=list, title="Links", description="Beside the title.", max_length=20
    )

    @model_validator(mode="after")
    def _names_are_its_own(self) -> "DashboardSpec":
        ids = [panel.id for panel in self.panels]
        if twice := next((id for id in ids if ids.count(id) > 1), None):
            raise ValueError(f"two panels have the id {twice}")
        names = [variable.name for variable in self.variables]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two variables are named {twice}")
        if circle := _circle({v.name: _asked(v) & set(names) for v in self.variables}):
            raise ValueError(f"the variables {' and '.join(circle)} wait for each other")
        return self


def _asked(variable: Variable) -> set[str]:
    """The variables that stand in a variable's query."""
    return {a or b for a, b in _USED.findall(variable.query)}


def _circle(needs: dict[str, set[str]]) -> list[str]:
    """Names that can never be told, because each waits for another of them."""
    waiting = dict(needs)
    while ready := [name for name, others in waiting.items() if not others & waiting.keys()]:
        for name in ready:
            del waiting[name]
    return sorted(waiting)
