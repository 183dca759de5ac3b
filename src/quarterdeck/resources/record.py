"""A stored resource, what a change of it looks like, and how it is shown."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from quarterdeck.core.errors import PreconditionFailed

Origin = Literal["default", "ui", "api", "file"]
"""Who wrote it last; `default` is a singleton that nobody has written yet."""

Action = Literal["create", "update", "rename", "delete", "unchanged"]


@dataclass(frozen=True, slots=True)
class Resource:
    """One row of `resources`."""

    id: str
    kind: str
    project_id: int | None
    name: str
    spec: dict[str, Any]
    revision: int
    origin: Origin
    source: str
    created_at: int
    updated_at: int
    updated_by: str

    @property
    def etag(self) -> str:
        """Changes with every revision and differs for a namesake that comes later."""
        return f"{self.id or 'default'}.{self.revision}"

    @property
    def read_only(self) -> bool:
        return self.origin == "file"

    @property
    def target(self) -> str:
        return f"{self.kind}/{self.name}"

    def without_spec(self) -> "Resource":
        return replace(self, spec={})

    def json(self, project: str | None) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "project": project,
            "spec": self.spec,
            "revision": self.revision,
            "etag": self.etag,
            "origin": self.origin,
            "source": self.source,
            "read_only": self.read_only,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "updated_by": self.updated_by,
        }


def unwritten(kind: str, project_id: int | None, name: str, spec: dict[str, Any]) -> Resource:
    """A singleton as it stands before anyone writes it."""
    return Resource("", kind, project_id, name, spec, 0, "default", "", 0, 0, "")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a spec, before and after; None stands for absent too."""

    path: str
    before: Any
    after: Any

    def json(self) -> dict[str, Any]:
        return {"path": self.path, "before": self.before, "after": self.after}


def field_changes(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    """What differs, field by field; a list that changed its length is one change."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*before, *(k for k in after if k not in before)):
            yield from field_changes(before.get(key), after.get(key), f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from field_changes(old, new, f"{path}.{index}")
    elif before != after or isinstance(before, bool) != isinstance(after, bool):
        yield FieldChange(path, before, after)


@dataclass(frozen=True, slots=True)
class Precondition:
    """`If-Match` and `If-None-Match` of a request."""

    match: str | None = None
    none_match: str | None = None

    def check(self, current: Resource | None) -> None:
        """Raise 412 unless what stands is what the client has seen."""
        etag = current.etag if current is not None else None
        stored = current is not None and current.revision > 0
        if self.none_match is not None and (
            (self.none_match.strip() == "*" and stored) or etag in _etags(self.none_match)
        ):
            raise PreconditionFailed(
                "resource_exists",
                "A resource with this name exists already.",
                "Choose another name, or send its etag as If-Match to change it.",
            )
        if self.match is None:
            return
        if self.match.strip() == "*":
            matched = stored
        else:
            matched = etag is not None and etag in _etags(self.match)
        if not matched:
            raise PreconditionFailed(
                "resource_changed",
                "The resource was changed or deleted since it was read.",
                "Read it again, and repeat the change on what stands there now.",
                details={"etag": etag, "updated_by": current.updated_by if current else None},
            )


def _etags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/").strip('"') for part in header.split(",")}
