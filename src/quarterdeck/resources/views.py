"""What `/api/resources` takes and answers, as OpenAPI documents it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from quarterdeck.resources.record import Origin

MAX_SOURCE = 200


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class KindView(_Model):
    kind: str
    title: str
    description: str
    scope: str
    singleton: bool
    write_permission: str
    count: int = Field(description="How many stand in the project asked for.")


class ResourceView(_Model):
    id: str = Field(description="Stays through renames; empty for a singleton not yet written.")
    kind: str
    name: str
    project: str | None = Field(description="Slug of its project; null for a global kind.")
    spec: dict[str, Any]
    revision: int
    etag: str = Field(description="Send it as If-Match to change exactly what was read.")
    origin: Origin
    source: str = Field(description="For origin `file`: where it was applied from.")
    read_only: bool
    created_at: int
    updated_at: int
    updated_by: str


class ResourceList(_Model):
    items: list[ResourceView]


class RevisionView(_Model):
    revision: int
    action: str
    name: str
    spec: dict[str, Any] | None
    origin: str
    source: str
    at: int
    by: str


class RevisionList(_Model):
    items: list[RevisionView]


class SpecBody(_Model):
    spec: dict[str, Any]


class RenameBody(_Model):
    name: str


class FlawView(_Model):
    path: str
    message: str


class Validation(_Model):
    errors: list[FlawView]


class ApplyBody(_Model):
    documents: list[Any] | None = None
    yaml: str | None = Field(None, description="Documents as YAML, instead of `documents`.")
    dry_run: bool = False
    prune: bool = Field(False, description="Delete what `source` applied earlier and dropped.")
    source: str = Field("", max_length=MAX_SOURCE, description="Where the documents come from.")


class FieldView(_Model):
    path: str
    before: Any
    after: Any


class PlannedView(_Model):
    action: str
    kind: str
    name: str
    project: str | None
    document: int | None
    previous_name: str | None
    fields: list[FieldView]


class PlanView(_Model):
    dry_run: bool
    changes: list[PlannedView]
    summary: dict[str, int]
    warnings: list[str]


class ExportView(_Model):
    documents: list[dict[str, Any]]
