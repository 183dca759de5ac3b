"""Settings of a project that people choose: what its pages open with, and its zone."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from quarterdeck.resources.spec import Spec, ui


def _known_zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("is not a time zone; write a name such as Europe/Paris")
    return value


class ProjectSettingsSpec(Spec):
    description: str = Field(
        "",
        title="Description",
        description="What this project is, for someone who sees it for the first time.",
        max_length=2000,
        examples=["The web shop and its admin."],
        json_schema_extra=ui(widget="textarea"),
    )
    default_environment: str = Field(
        "",
        title="Default environment",
        description="The environment that pages open with; empty for all of them.",
        max_length=200,
        examples=["production"],
        json_schema_extra=ui(placeholder="all environments"),
    )
    default_range: str = Field(
        "-1h",
        title="Default time range",
        description="The time range that pages open with, relative to now.",
        pattern=r"^-[1-9][0-9]{0,3}(m|h|d|w)$",
        examples=["-1h", "-24h", "-7d"],
        json_schema_extra=ui(widget="duration"),
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC",
        title="Time zone",
        description="Zone of the days in this project's reports.",
        max_length=64,
        examples=["Europe/Paris"],
        json_schema_extra=ui(widget="timezone"),
    )
