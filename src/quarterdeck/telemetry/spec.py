"""What a person configures about telemetry: how long it is kept, and searches worth keeping."""

from typing import Literal

from pydantic import Field, model_validator

from quarterdeck.resources.spec import Spec, ui
from quarterdeck.telemetry.query.search_check import readable

Signal = Literal["traces", "logs", "metrics", "errors"]

_MAX_DAYS = 3650


class RetentionSpec(Spec):
    """What a project may keep: days of each signal, active series. What is empty follows the server's settings."""

    traces: int | None = Field(
        None,
        title="Traces",
        description="Days that spans are kept.",
        ge=1,
        le=_MAX_DAYS,
        examples=[14],
        json_schema_extra=ui(unit="days", placeholder="the server's default"),
    )
    logs: int | None = Field(
        None,
        title="Logs",
        description="Days that log records are kept.",
        ge=1,
        le=_MAX_DAYS,
        examples=[30],
        json_schema_extra=ui(unit="days", placeholder="the server's default"),
    )
    metrics: int | None = Field(
        None,
        title="Metrics",
        description="Days that metric points are kept.",
        ge=1,
        le=_MAX_DAYS,
        examples=[90],
        json_schema_extra=ui(unit="days", placeholder="the server's default"),
    )
    errors: int | None = Field(
        None,
        title="Errors",
        description="Days that error events are kept; issues stay.",
        ge=1,
        le=_MAX_DAYS,
        examples=[90],
        json_schema_extra=ui(unit="days", placeholder="the server's default"),
    )
    series_limit: int | None = Field(
        None,
        title="Active series",
        description="Series of Prometheus heard of within the hour; new ones beyond are refused, known ones go on.",
        ge=1,
        le=100_000_000,
        examples=[250_000],
        json_schema_extra=ui(unit="series", placeholder="the server's default"),
    )

    def days(self, signal: Signal, default: int) -> int:
        """Days that a signal is kept, where `default` is the setting `retention_days`."""
        chosen: int | None = getattr(self, signal)
        return default if chosen is None else chosen


class SavedSearchSpec(Spec):
    title: str = Field(
        title="Title",
        description="How the search is listed.",
        min_length=1,
        max_length=120,
        examples=["Failed payments"],
    )
    description: str = Field(
        "",
        title="Description",
        description="What it finds and when it is of use.",
        max_length=2000,
        json_schema_extra=ui(widget="textarea"),
    )
    signal: Literal["traces", "logs"] = Field(
        title="Signal",
        description="What is searched.",
    )
    query: str = Field(
        "",
        title="Query",
        description="The search, as typed in the search field of that page.",
        max_length=4000,
        examples=["payment declined"],
        json_schema_extra=ui(widget="query"),
    )
    service: str = Field(
        "",
        title="Service",
        description="Only this service; empty for all of them.",
        max_length=200,
        json_schema_extra=ui(placeholder="all services"),
    )
    environment: str = Field(
        "",
        title="Environment",
        description="Only this environment; empty for all of them.",
        max_length=200,
        json_schema_extra=ui(placeholder="all environments"),
    )
    range: str = Field(
        "-1h",
        title="Time range",
        description="Relative to the moment it is opened, such as -1h; or two moments, FROM..TO.",
        min_length=2,
        max_length=80,
        examples=["-1h", "-24h..now", "2026-11-21 09:00..10:30"],
        json_schema_extra=ui(widget="duration"),
    )
    columns: list[str] = Field(
        default_factory=list,
        title="Columns",
        description="Attributes shown as columns, from left to right; empty for the usual ones.",
        max_length=20,
        examples=[["time", "service", "body"]],
        json_schema_extra=ui(widget="columns"),
    )
    sort: Literal["recent", "oldest", "slowest"] = Field(
        "recent",
        title="Order",
        description="What comes first; `slowest` is for traces.",
    )
    pinned: bool = Field(
        False,
        title="Pinned",
        description="Whether it is offered at the top of the page for everyone in the project.",
    )

    @model_validator(mode="after")
    def _can_be_searched(self) -> "SavedSearchSpec":
        readable(self.signal, self.query)
        return self
