"""What every spec is made of: a strict base model, references, secrets and form hints.

    class SavedThing(Spec):
        title: str = Field(title="Title", description="…", json_schema_extra=ui(placeholder="…"))
        channel: Annotated[str, Reference("channel")]
        token: SecretText

After validation a reference is a `ResourceRef` and a secret a `SecretRef`, both plain
strings that know what they are, so `references` and `secrets` find them wherever a
spec holds them: in a list, a map, a union, a nested model. Nothing declares them twice.
A secret is never a value, only `${secret:NAME}`; what was written in its place is in no
error, because an error of ours never repeats an input.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

NAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$"
_NAME = re.compile(NAME_PATTERN)
_SECRET = re.compile(r"\$\{secret:([A-Za-z0-9][A-Za-z0-9_.-]{0,63})\}")

Path = tuple[str | int, ...]


class Spec(BaseModel):
    """Base of every spec: an unknown field is an error, and a spec is a value."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,  # "30" is not 30: what a file says is what is stored
        allow_inf_nan=False,
        hide_input_in_errors=True,
    )


class ResourceRef(str):
    """The name of another resource, of the kind that it carries."""

    __slots__ = ("kind",)
    kind: str

    def __new__(cls, name: str, kind: str) -> "ResourceRef":
        self = super().__new__(cls, name)
        self.kind = kind
        return self


class SecretRef(str):
    """`${secret:NAME}`; `secret_name` is the NAME."""

    __slots__ = ()

    @property
    def secret_name(self) -> str:
        found = _SECRET.fullmatch(self)
        return found.group(1) if found else ""


class Reference:
    """Annotation of a field that names a resource: `Annotated[str, Reference("channel")]`."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def _check(self, value: str) -> ResourceRef:
        if not _NAME.match(value):
            raise PydanticCustomError("reference", "is not the name of a resource")
        return ResourceRef(value, self.kind)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self._check, core_schema.str_schema(max_length=63)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": NAME_PATTERN, "x-ref": self.kind}


class _Secret:
    @staticmethod
    def _check(value: str) -> SecretRef:
        if not _SECRET.fullmatch(value):
            raise PydanticCustomError(
                "secret_inline",
                "must be a reference such as ${secret:NAME}, never the secret itself; "
                "store the value with PUT /api/secrets/NAME",
            )
        return SecretRef(value)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self._check, core_schema.str_schema(max_length=80)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_SECRET.pattern}$", "x-secret": True}


SecretText = Annotated[str, _Secret()]


def ui(**hints: Any) -> dict[str, Any]:
    """Hints for the generated form, as `json_schema_extra` of a field.

    `widget` (text, textarea, query, columns, duration, timezone), `unit`, `placeholder`,
    `group` (a heading) and `advanced` (folded away at first). A form that knows none of
    them still works: type, title, description, examples and limits are plain JSON Schema.
    """
    return {"x-ui": hints}


def references(spec: Spec) -> Iterator[tuple[Path, ResourceRef]]:
    """Every reference that a validated spec holds, with where it stands."""
    for path, value in _leaves(spec, ()):
        if isinstance(value, ResourceRef):
            yield path, value


def secrets(spec: Spec) -> Iterator[tuple[Path, SecretRef]]:
    """Every secret that a validated spec refers to, with where it stands."""
    for path, value in _leaves(spec, ()):
        if isinstance(value, SecretRef):
            yield path, value


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        for name in fields:
            yield from _leaves(getattr(value, name), (*path, fields[name].alias or name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path, value


def nul_paths(spec: Spec) -> Iterator[Path]:
    """Places that hold a NUL character, which PostgreSQL cannot keep."""
    for path, value in _leaves(spec, ()):
        if any("\0" in part for part in (*path, value) if isinstance(part, str)):
            yield path


def dotted(path: Path) -> str:
    """`columns.0.name`: how errors, diffs and forms name a place in a spec."""
    return ".".join(str(part) for part in path)
