"""A rule of relabelling, as a person writes it: Prometheus's `relabel_config`."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from quarterdeck.resources.spec import Spec
from quarterdeck.telemetry.scrape.regex import compiled

DEFAULT_REGEX = "(.*)"


def _as_text(value: Any) -> Any:
    """YAML reads `shard: 1` as a number and `on: true` as a truth; labels are texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text), Field(max_length=4096)]
LabelName = Annotated[str, Field(pattern=r"^[^\x00]{1,1024}$")]


class RelabelRule(Spec, title="Rule"):
    source_labels: list[LabelName] = Field(
        default_factory=list,
        title="Source labels",
        description="The labels whose values, joined by the separator, are looked at.",
        max_length=64,
    )
    separator: Text = Field(";", title="Separator", description="What joins them.")
    regex: Text = Field(
        DEFAULT_REGEX,
        title="Regular expression",
        description="RE2, which must match the whole of the value.",
    )
    modulus: int = Field(
        0, title="Modulus", description="Of hashmod: the number of shards.", ge=0, le=2**63
    )
    target_label: Text = Field(
        "", title="Target label", description="The label that is written or compared."
    )
    replacement: Text = Field(
        "$1", title="Replacement", description="What is written; $1 is the first group caught."
    )
    action: Literal[
        "replace",
        "keep",
        "drop",
        "keepequal",
        "dropequal",
        "hashmod",
        "labelmap",
        "labeldrop",
        "labelkeep",
        "lowercase",
        "uppercase",
    ] = Field("replace", title="Action", description="What is done.")

    @field_validator("action", mode="before")
    @classmethod
    def _any_case(cls, action: Any) -> Any:
        return action.lower() if isinstance(action, str) else action

    @field_validator("regex")
    @classmethod
    def _is_regex(cls, regex: str) -> str:
        compiled(regex)
        return regex

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "RelabelRule":
        writes = ("replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal")
        if self.action in writes and not self.target_label:
            raise ValueError(f"needs a target_label for the action {self.action}")
        if self.action == "hashmod" and not self.modulus:
            raise ValueError("needs a modulus for the action hashmod")
        if self.action in ("keepequal", "dropequal") and not self.source_labels:
            raise ValueError(f"needs source_labels for the action {self.action}")
        return self
