"""A kind of resource, and the table of all kinds.

Adding a kind is one spec class in its domain's `spec.py` and one line in
`quarterdeck.registry.KINDS`; nothing else knows the kinds by name.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from quarterdeck.core.errors import NotFound
from quarterdeck.core.permissions import Permission
from quarterdeck.resources.spec import Path, Spec, dotted, nul_paths, references

RESERVED_NAMES = frozenset({"schema"})  # would hide GET /api/resources/KIND/schema
SINGLETON_NAME = "default"
MAX_PATH = 400  # characters of a place in a spec


@dataclass(frozen=True, slots=True)
class Kind:
    """One line of the table.

    A `global` kind belongs to the installation rather than to a project. A singleton has
    one resource for each project, named `default`, whose spec needs no field: until
    someone writes it, it stands with its defaults. A kind that `reaches_out` has the server
    send secrets to addresses that it names: as both belong to all projects, so must its writer.
    """

    name: str
    title: str
    description: str
    spec: type[Spec]
    write: Permission
    scope: Literal["project", "global"] = "project"
    singleton: bool = False
    reaches_out: bool = False
    ready: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # specs to start from

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the spec, with the `x-ui` hints of its fields."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **self.spec.model_json_schema(mode="validation"),
            "title": self.title,
            "description": self.description,
            "x-kind": {
                "name": self.name,
                "scope": self.scope,
                "singleton": self.singleton,
                "write_permission": str(self.write),
                "ready": [{"name": name, "spec": dict(spec)} for name, spec in self.ready.items()],
            },
        }


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong at one place of a spec; it never repeats the value found there."""

    path: str
    message: str

    def json(self) -> dict[str, str]:
        return {"path": self.path, "message": self.message}


def parse_spec(kind: Kind, data: Any) -> tuple[Spec | None, list[Flaw]]:
    """The typed spec, or everything that is wrong with it."""
    if not isinstance(data, Mapping):
        return None, [Flaw("", "must be a mapping of fields")]
    try:
        spec = kind.spec.model_validate_json(orjson.dumps(data))
    except ValidationError as error:
        return None, [
            Flaw(_place(e["loc"]), _sentence(e["type"], e["msg"]))
            for e in error.errors(include_input=False, include_url=False, include_context=False)
        ]
    except (TypeError, ValueError):
        return None, [Flaw("", "holds a value that JSON cannot express")]
    flaws = [Flaw(_place(path), "must not hold a NUL character") for path in nul_paths(spec)]
    flaws += [
        Flaw(_place(path), "stands too deep or under too long a key")
        for path, _ in references(spec)
        if len(dotted(path)) > MAX_PATH
    ]
    return (None, flaws) if flaws else (spec, [])


def spec_json(spec: Spec, *, terse: bool = False) -> dict[str, Any]:
    """The spec as it is stored; `terse` leaves out what is at its default."""
    fields: dict[str, Any] = orjson.loads(spec.model_dump_json(exclude_defaults=terse))
    return fields


def _place(path: Path) -> str:
    return dotted(path)[:MAX_PATH].replace("\0", "\N{REPLACEMENT CHARACTER}")


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "is not a field of this kind"
    if kind == "missing":
        return "is required"
    return message.removeprefix("Value error, ")


class Kinds:
    """The table, by name and by spec class."""

    def __init__(self, kinds: tuple[Kind, ...]) -> None:
        self._by_name = {kind.name: kind for kind in kinds}
        self._by_spec = {kind.spec: kind for kind in kinds}
        if not len(kinds) == len(self._by_name) == len(self._by_spec):
            raise ValueError("two kinds share a name or a spec class")
        for kind in kinds:
            for spec in kind.ready.values():
                kind.spec.model_validate(spec)
            if kind.singleton:
                kind.spec.model_validate({})  # a singleton stands without being written

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._by_name.values())

    def find(self, name: str) -> Kind | None:
        return self._by_name.get(name)

    def named(self, name: str) -> Kind:
        kind = self._by_name.get(name)
        if kind is None:
            raise NotFound(
                "kind_unknown",
                f"There is no kind of resource named {name[:80]!r}.",
                f"The kinds are {', '.join(sorted(self._by_name))}.",
            )
        return kind

    def of(self, spec: type[Spec]) -> Kind:
        return self._by_spec[spec]
