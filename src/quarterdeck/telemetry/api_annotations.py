"""The annotation API: marks that people and pipelines set, and the deployments found in telemetry."""

from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, Field, field_validator, model_validator
from sqlalchemy import Connection

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router, ScopeDep
from quarterdeck.store.control import ControlStore, now_of
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry import annotations
from quarterdeck.telemetry.annotations import Annotation, Kind
from quarterdeck.telemetry.query.releases import Deployment, deployments
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.web import Text, WindowDep

_SAME_MS = 15 * 60_000  # an announcement and the first telemetry of a release are one deployment
_LATEST_MS = 4_102_444_800_000


class AnnotationView(BaseModel):
    id: str = Field(description="Empty for a deployment that was found in telemetry.")
    time_ms: int
    end_ms: int | None
    kind: Kind
    title: str
    text: str
    service: str = Field(description="Empty when it concerns all of them.")
    environment: str
    release: str
    url: str
    author: str
    source: Literal["announced", "telemetry"]


class AnnotationBody(BaseModel):
    kind: Kind = Kind.NOTE
    title: str = Field(
        "", max_length=200, description="If left out, made from service and release."
    )
    text: str = Field("", max_length=10_000)
    time_ms: int | None = Field(None, ge=0, le=_LATEST_MS, description="Now, if left out.")
    end_ms: int | None = Field(None, ge=0, le=_LATEST_MS, description="For what lasts.")
    service: str = Field("", max_length=200)
    environment: str = Field("", max_length=200)
    release: str = Field("", max_length=200)
    url: str = Field("", max_length=2_000, description="Where to read more; http or https.")

    @field_validator("url")
    @classmethod
    def _leads_to_the_web(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url

    @model_validator(mode="after")
    def _can_be_told(self) -> "AnnotationBody":
        if not (self.title.strip() or self.service or self.release):
            raise ValueError("needs a title, or a service or release to make one from")
        if self.end_ms is not None and self.time_ms is not None and self.end_ms < self.time_ms:
            raise ValueError("ends before it begins")
        if "\0" in "".join(value for value in self.__dict__.values() if isinstance(value, str)):
            raise ValueError("must not hold a NUL character")
        return self


def annotations_router(engine: Engine, control: ControlStore, threads: Threads) -> Router:
    router = Router("/api/annotations", tag="annotations")

    @router.get("", permission=Permission.READ)
    async def list_annotations(window: WindowDep, service: Text = "") -> list[AnnotationView]:
        """What touches the range, oldest first: announced, and deployments found in telemetry."""
        announced = await control.read(
            lambda conn: annotations.within(
                conn,
                window.project,
                window.start_ms,
                window.end_ms,
                service=service,
                environment=window.environment,
            )
        )
        found = await threads.run(deployments, engine, window, service)
        shown = [_view(each) for each in announced]
        shown += [_found(each) for each in found if not _known(each, announced)]
        return sorted(shown, key=lambda each: each.time_ms)

    @router.post("", permission=Permission.RESPOND, status_code=201)
    async def add_annotation(scope: ScopeDep, body: AnnotationBody) -> AnnotationView:
        """Set a mark: `curl -d '{"kind":"deploy","service":"shop","release":"1.2"}'` in a pipeline."""

        def add(conn: Connection) -> Annotation:
            at = body.time_ms if body.time_ms is not None else now_of(conn)
            title = body.title.strip() or " ".join(filter(None, (body.service, body.release)))
            return annotations.add(
                conn,
                scope.principal,
                Annotation(
                    id="", project_id=scope.project.id, time_ms=at, end_ms=body.end_ms, kind=body.kind.value,
                    title=title, text=body.text, service=body.service, environment=body.environment,
                    release=body.release, url=body.url, author="", created_at=0,
                ),
            )  # fmt: skip

        return _view(await control.write(add))

    @router.delete("/{annotation_id}", permission=Permission.RESPOND, status_code=204)
    async def remove_annotation(
        scope: ScopeDep, annotation_id: Annotated[str, Path(max_length=64)]
    ) -> None:
        """Take a mark away; those found in telemetry stay."""
        await control.write(
            lambda conn: annotations.remove(conn, scope.principal, scope.project.id, annotation_id)
        )

    return router


def _view(each: Annotation) -> AnnotationView:
    return AnnotationView(
        id=each.id, time_ms=each.time_ms, end_ms=each.end_ms, kind=Kind(each.kind), title=each.title,
        text=each.text, service=each.service, environment=each.environment, release=each.release,
        url=each.url, author=each.author, source="announced",
    )  # fmt: skip


def _found(each: Deployment) -> AnnotationView:
    return AnnotationView(
        id="", time_ms=each.time_ms, end_ms=None, kind=Kind.DEPLOY, title=f"{each.service} {each.release}",
        text=f"{each.previous} → {each.release}", service=each.service, environment=each.environment,
        release=each.release, url="", author="", source="telemetry",
    )  # fmt: skip


def _known(found: Deployment, announced: list[Annotation]) -> bool:
    """Whether somebody has announced it."""
    return any(
        each.kind == Kind.DEPLOY
        and each.service in ("", found.service)
        and each.release == found.release
        and abs(each.time_ms - found.time_ms) <= _SAME_MS
        for each in announced
    )
