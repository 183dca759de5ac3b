"""What a person configures: which records or spans become which metric."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from quarterdeck.resources.spec import Spec, ui
from quarterdeck.telemetry.query.search_check import readable

MOST_GROUPS = 8
TAKEN = ("system", "process", "quarterdeck")
"""Whose names come from hosts and from Quarterdeck itself: what is counted would mix with them."""
DURATION = "duration"

# OpenTelemetry's bounds for durations in seconds (semantic conventions, http.server.request.duration).
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class DerivedMetricSpec(Spec):
    title: str = Field(
        title="Title",
        description="How the metric is listed.",
        min_length=1,
        max_length=120,
        examples=["Failed payments"],
    )
    description: str = Field(
        "",
        title="Description",
        description="What it counts and what it is for.",
        max_length=2000,
        json_schema_extra=ui(widget="textarea"),
    )
    metric: str = Field(
        title="Metric",
        description="Its name: letters, digits and . _ - /, beginning with a letter; not one of a host's or of Quarterdeck's own.",
        pattern=r"^[A-Za-z][A-Za-z0-9_./-]{0,254}$",
        examples=["shop.payments.failed"],
    )
    signal: Literal["logs", "traces"] = Field(
        title="Signal", description="What is looked at: log records or spans."
    )
    query: str = Field(
        "",
        title="Query",
        description="The search that finds them; empty for all of them.",
        max_length=4000,
        examples=["payment declined"],
        json_schema_extra=ui(widget="query"),
    )
    aggregation: Literal["count", "sum", "histogram"] = Field(
        "count",
        title="Aggregation",
        description="`count` of what is found, `sum` of a field, or `histogram` of a field.",
    )
    field: str = Field(
        "",
        title="Field",
        description="The attribute whose number is added up or spread over buckets; of spans also `duration`, in seconds.",
        max_length=128,
        examples=["faas.duration", "duration"],
    )
    scale: float = Field(
        1.0,
        title="Scale",
        description="What the field's number is multiplied by, such as 0.001 to make seconds of milliseconds.",
        gt=0,
        le=1e12,
        json_schema_extra=ui(advanced=True),
    )
    unit: str = Field(
        "1",
        title="Unit",
        description="As UCUM writes it: 1, s, By, {request}.",
        max_length=32,
        examples=["s", "By"],
    )
    bounds: list[float] = Field(
        default_factory=list,
        title="Bounds",
        description="The upper bounds of the buckets of a histogram, rising; if left out those for durations in seconds.",
        max_length=60,
        json_schema_extra=ui(advanced=True),
    )
    group_by: list[str] = Field(
        default_factory=list,
        title="Group by",
        description="Attributes that become labels; service, environment and release always are.",
        max_length=MOST_GROUPS,
        examples=[["http.response.status_code", "faas.name"]],
    )
    max_series: int = Field(
        1000,
        title="Most series",
        description="Series of a day; what is beyond goes into one that is labelled otel.metric.overflow.",
        ge=1,
        le=10_000,
        json_schema_extra=ui(advanced=True),
    )

    @property
    def edges(self) -> list[float]:
        """The bounds that hold."""
        return self.bounds or list(SECONDS)

    @field_validator("metric")
    @classmethod
    def _is_its_own(cls, name: str) -> str:
        # PromQL sees every separator as `_`, so system.cpu and system_cpu are one name.
        first = re.split(r"[._/-]", name.lower(), maxsplit=1)[0]
        if first in TAKEN:
            raise ValueError(
                f"is a name of hosts or of Quarterdeck itself: {first} cannot begin it"
            )
        return name

    @field_validator("bounds")
    @classmethod
    def _rise(cls, bounds: list[float]) -> list[float]:
        if sorted(set(bounds)) != bounds:
            raise ValueError("must rise from one to the next")
        return bounds

    @field_validator("group_by")
    @classmethod
    def _are_names(cls, names: list[str]) -> list[str]:
        if len(set(names)) != len(names) or not all(0 < len(name) <= 128 for name in names):
            raise ValueError("must be different names of 1 to 128 characters")
        return names

    @model_validator(mode="after")
    def _has_what_it_adds_up(self) -> "DerivedMetricSpec":
        if (self.aggregation == "count") == bool(self.field):
            raise ValueError("needs a field for sum and histogram, and none for count")
        return self

    @model_validator(mode="after")
    def _can_be_searched(self) -> "DerivedMetricSpec":
        readable(self.signal, self.query)
        return self
