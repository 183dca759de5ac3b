"""What a person keeps of the SQL console."""

from typing import Literal

from pydantic import Field

from quarterdeck.resources.spec import Spec, ui


class SavedQuerySpec(Spec):
    title: str = Field(
        title="Title",
        description="How the query is listed.",
        min_length=1,
        max_length=120,
        examples=["Revenue by hour"],
    )
    description: str = Field(
        "",
        title="Description",
        description="What it answers and how to read it.",
        max_length=2000,
        json_schema_extra=ui(widget="textarea"),
    )
    sql: str = Field(
        title="SQL",
        description="One SELECT, as docs/sql.md has it.",
        min_length=1,
        max_length=100_000,
        examples=["SELECT service, count() FROM spans GROUP BY service"],
        json_schema_extra=ui(widget="textarea"),
    )
    show: Literal["table", "chart"] = Field(
        "table", title="Shown as", description="What the answer opens with."
    )
