"""Documents: what `apply` reads and `export` writes.

    kind: saved-search
    name: failed-payments
    project: shop            # optional
    previous_name: payments  # optional: rename what had this name, and keep its identity
    spec: {…}

Everything wrong with a set of documents is said at once, each flaw with the document's
index and the path inside it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from quarterdeck.core.errors import BadInput, Unprocessable
from quarterdeck.resources.kind import (
    RESERVED_NAMES,
    SINGLETON_NAME,
    Flaw,
    Kind,
    Kinds,
    parse_spec,
)
from quarterdeck.resources.spec import NAME_PATTERN, Spec

MAX_DOCUMENTS = 5000

_FIELDS = {"kind", "name", "project", "previous_name", "spec"}
_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class Document:
    """One wanted resource, checked against its kind."""

    index: int
    kind: Kind
    name: str
    project: str | None
    previous_name: str | None
    spec: Spec


@dataclass(frozen=True, slots=True)
class DocumentFlaw:
    """What is wrong at one place of one document."""

    index: int
    kind: str
    name: str
    flaw: Flaw

    def json(self) -> dict[str, Any]:
        return {
            "document": self.index,
            "kind": self.kind,
            "name": self.name,
            **self.flaw.json(),
        }


def documents_invalid(flaws: Sequence[DocumentFlaw]) -> Unprocessable:
    """The one error for everything wrong with a set of documents."""
    first = flaws[0]
    who = f" ({first.kind}/{first.name})" if first.kind and first.name else ""
    where = f"{first.flaw.path} " if first.flaw.path else ""
    more = f"; and {len(flaws) - 1} more" if len(flaws) > 1 else ""
    return Unprocessable(
        "documents_invalid",
        f"Document {first.index + 1}{who}: {where}{first.flaw.message}{more}.",
        "Nothing was changed. `quarterdeck schema KIND` prints what a kind's spec may hold.",
        details={"errors": [flaw.json() for flaw in flaws[:100]], "count": len(flaws)},
    )


def name_flaw(kind: Kind, name: object) -> str:
    """Why a resource of this kind cannot have this name; empty when it can."""
    if not isinstance(name, str) or not _NAME.match(name):
        return (
            "must be 1 to 63 lower-case letters, digits, dots, dashes or underscores, "
            "beginning and ending with a letter or digit"
        )
    if kind.singleton and name != SINGLETON_NAME:
        return f"must be {SINGLETON_NAME!r}, since there is one for each project"
    if name in RESERVED_NAMES:
        return f"must not be {name!r}, which is reserved"
    return ""


def read_documents(kinds: Kinds, raw: Sequence[Any]) -> list[Document]:
    """All documents, typed; one error that lists every flaw of every document."""
    if len(raw) > MAX_DOCUMENTS:
        raise BadInput(
            "documents_too_many",
            f"{len(raw)} documents are more than the {MAX_DOCUMENTS} that one apply takes.",
            "Apply them in several parts.",
        )
    documents: list[Document] = []
    flaws: list[DocumentFlaw] = []
    seen: dict[tuple[str, str | None, str], int] = {}
    for index, item in enumerate(raw):
        document, found = _read(kinds, index, item)
        flaws += found
        if document is None:
            continue
        project = document.project if document.kind.scope == "project" else None
        key = (document.kind.name, project, document.name)
        if key in seen:
            repeated = Flaw("name", f"is given twice: document {seen[key] + 1} has it too")
            flaws.append(DocumentFlaw(index, document.kind.name, document.name, repeated))
        seen.setdefault(key, index)
        documents.append(document)
    if flaws:
        raise documents_invalid(flaws)
    return documents


def _read(kinds: Kinds, index: int, item: Any) -> tuple[Document | None, list[DocumentFlaw]]:
    flaws: list[DocumentFlaw] = []
    kind_name = item.get("kind") if isinstance(item, dict) else None
    name = item.get("name") if isinstance(item, dict) else None
    shown_kind = kind_name[:80] if isinstance(kind_name, str) else ""
    shown_name = name[:80] if isinstance(name, str) else ""

    def flaw(path: str, message: str) -> None:
        flaws.append(DocumentFlaw(index, shown_kind, shown_name, Flaw(path, message)))

    if not isinstance(item, dict):
        flaw("", "must be a mapping with kind, name and spec")
        return None, flaws
    for key in item:
        if key not in _FIELDS:
            flaw(str(key)[:80], "is not a field of a document")
    kind = kinds.find(kind_name) if isinstance(kind_name, str) else None
    if kind is None:
        known = ", ".join(sorted(kind.name for kind in kinds))
        flaw("kind", f"must be one of {known}")
        return None, flaws
    if problem := name_flaw(kind, name):
        flaw("name", problem)
    previous = item.get("previous_name")
    if previous is not None and (problem := name_flaw(kind, previous)):
        flaw("previous_name", problem)
    project = item.get("project")
    if project is not None and not isinstance(project, str):
        flaw("project", "must be the slug of a project")
    if project is not None and kind.scope == "global":
        flaw("project", f"must be left out: a {kind.name} belongs to no project")
    spec, spec_flaws = parse_spec(kind, item.get("spec", {} if kind.singleton else None))
    for found in spec_flaws:
        flaw(f"spec.{found.path}" if found.path else "spec", found.message)
    if flaws or spec is None:
        return None, flaws
    return Document(index, kind, str(name), project, previous, spec), flaws
