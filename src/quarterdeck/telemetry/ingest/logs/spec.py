"""A drain: the address to which a hosting provider sends its logs."""

from typing import Literal

from pydantic import Field, model_validator

from quarterdeck.resources.spec import SecretText, Spec, ui

Provider = Literal["vercel", "netlify", "supabase"]


class LogDrainSpec(Spec):
    provider: Provider = Field(
        title="Provider",
        description="Who sends. Their logs then arrive at /api/drains/PROVIDER/NAME?project=PROJECT.",
    )
    secret: SecretText | None = Field(
        None,
        title="Signature secret",
        description="The secret with which Vercel signs what it sends; with it a drain needs no key.",
        examples=["${secret:vercel_drain}"],
    )
    verification: str = Field(
        "",
        title="Verification code",
        description=(
            "What Vercel wants to see in x-vercel-verify when the drain is made. Clear it afterwards:"
            " while it stands here, requests without a signature are answered well, though never kept."
        ),
        max_length=200,
        pattern=r"^[\x21-\x7e]*$",
        json_schema_extra=ui(advanced=True),
    )
    service: str = Field(
        "",
        title="Service",
        description="Service of what it sends; empty for the name that the provider has for it.",
        max_length=200,
        json_schema_extra=ui(placeholder="as the provider names it"),
    )
    environment: str = Field(
        "",
        title="Environment",
        description="Environment of what does not say its own.",
        max_length=200,
    )

    @model_validator(mode="after")
    def _only_vercel_signs(self) -> "LogDrainSpec":
        if self.provider != "vercel" and (self.secret or self.verification):
            raise ValueError("only Vercel signs and verifies; the others are known by a key")
        return self
