"""Recording rules as a person configures them: the shape of a Prometheus rule file.

A rule file can be pasted as it stands. Alerting rules in it are refused by name.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator, model_validator

from quarterdeck.core.errors import BadInput
from quarterdeck.resources.spec import Spec, ui
from quarterdeck.telemetry.promql import syntax
from quarterdeck.telemetry.scrape import units

MOST_GROUPS, MOST_RULES = 100, 200
SHORTEST_MS = 1_000
_METRIC = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"


def _is_duration(text: str) -> str:
    units.milliseconds(text)
    return text


def _as_text(value: Any) -> Any:
    """YAML reads `version: 2` as a number; Prometheus takes it as text."""
    return str(value) if type(value) in (int, float) else value


Duration = Annotated[str, Field(max_length=64)]
Labels = dict[
    Annotated[str, Field(pattern=_LABEL, max_length=256)],
    Annotated[str, BeforeValidator(_as_text), Field(max_length=4096)],
]


def _no_name(labels: dict[str, str]) -> dict[str, str]:
    if "__name__" in labels:
        raise ValueError("must not set __name__; `record` names the series")
    return labels


class RecordingRule(Spec):
    record: str = Field(
        title="Record",
        description="The name of the series that the results become.",
        pattern=_METRIC,
        max_length=256,
        examples=["job:http_requests:rate5m"],
    )
    expr: str = Field(
        title="Expression",
        description="PromQL that gives a vector or a number.",
        min_length=1,
        max_length=20_000,
        examples=["sum by (job) (rate(http_requests_total[5m]))"],
        json_schema_extra=ui(widget="textarea"),
    )
    labels: Labels = Field(
        default_factory=dict,
        title="Labels",
        description="Labels of every result; an empty value takes a label away.",
        max_length=64,
    )

    @model_validator(mode="before")
    @classmethod
    def _records(cls, given: Any) -> Any:
        if isinstance(given, dict) and "alert" in given:
            raise ValueError("is an alerting rule; only recording rules are taken here")
        return given

    @field_validator("labels")
    @classmethod
    def _labels(cls, labels: dict[str, str]) -> dict[str, str]:
        return _no_name(labels)

    @field_validator("expr")
    @classmethod
    def _is_vector(cls, expr: str) -> str:
        try:
            kind = syntax.parse(expr).kind
        except BadInput as error:
            raise ValueError(f"is no PromQL: {error.message}") from None
        if kind not in ("vector", "scalar"):
            raise ValueError("must give a vector or a number")
        return expr


class RuleGroup(Spec):
    name: str = Field(
        title="Name", description="Of the group, once in a file.", min_length=1, max_length=200
    )
    interval: Duration = Field(
        "1m", title="Interval", description="How often the rules are evaluated.", examples=["30s"]
    )
    limit: int = Field(
        0,
        title="Limit",
        description="Series that one rule may give; 0 for any number. Beyond it a rule fails.",
        ge=0,
        le=1_000_000,
        json_schema_extra=ui(advanced=True),
    )
    query_offset: Duration = Field(
        "0s",
        title="Query offset",
        description="How far back the rules look, for data that comes late.",
        json_schema_extra=ui(advanced=True),
    )
    labels: Labels = Field(
        default_factory=dict,
        title="Labels",
        description="Labels of every rule that does not set them itself.",
        max_length=64,
    )
    rules: list[RecordingRule] = Field(
        title="Rules", description="Evaluated one after the other.", max_length=MOST_RULES
    )

    @field_validator("interval", "query_offset")
    @classmethod
    def _durations(cls, text: str) -> str:
        return _is_duration(text)

    @field_validator("interval")
    @classmethod
    def _is_long_enough(cls, text: str) -> str:
        if units.milliseconds(text) < SHORTEST_MS:
            raise ValueError("must be a second or more")
        return text

    @field_validator("labels")
    @classmethod
    def _labels(cls, labels: dict[str, str]) -> dict[str, str]:
        return _no_name(labels)

    @property
    def interval_ms(self) -> int:
        return units.milliseconds(self.interval)

    @property
    def offset_ms(self) -> int:
        return units.milliseconds(self.query_offset)


class RecordingRulesSpec(Spec):
    groups: list[RuleGroup] = Field(
        title="Groups",
        description="Rules that share a clock, as in a Prometheus rule file.",
        max_length=MOST_GROUPS,
    )

    @field_validator("groups")
    @classmethod
    def _names_differ(cls, groups: list[RuleGroup]) -> list[RuleGroup]:
        if len({group.name for group in groups}) != len(groups):
            raise ValueError("must have different names")
        return groups
