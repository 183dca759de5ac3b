"""Routes about the data itself: what it takes on disk, and erasing a person."""

import hmac
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Path, Request
from pydantic import BaseModel, Field

from quarterdeck.accounts.audit import audit
from quarterdeck.accounts.secrets import server_key
from quarterdeck.core.permissions import Permission, ProjectRef
from quarterdeck.core.settings import Settings
from quarterdeck.core.web import PrincipalDep, Router
from quarterdeck.store.control import ControlStore
from quarterdeck.store.telemetry import EmbeddedEngine
from quarterdeck.telemetry import retention
from quarterdeck.telemetry.erase import Erased, check_user_id, erase_person
from quarterdeck.telemetry.query.storage import Storage, storage
from quarterdeck.telemetry.query.threads import Threads


class Person(BaseModel):
    user_id: str = Field(
        description="The value of `user.id` or `enduser.id`.", min_length=1, max_length=1_000
    )


def data_router(
    engine: EmbeddedEngine,
    settings: Settings,
    control: ControlStore,
    project_by_id: Callable[[int], ProjectRef | None],
) -> Router:
    router = Router("/api", tag="data")
    threads = Threads(1, waiting=16)
    key = server_key(settings, "erased persons")

    @router.get("/storage", permission=Permission.READ, response_model=Storage)
    async def read_storage(principal: PrincipalDep) -> Storage:
        def slug_of(project: int) -> str | None:
            found = project_by_id(project) if principal.sees(project) else None
            return found.slug if found else None

        def work() -> Storage:
            used = retention.used_bytes(engine)
            quota = retention.quota_of(engine.path, float(settings.disk_quota_gb), used)
            return storage(engine, engine.path, quota, slug_of, whole=principal.everywhere)

        return await threads.run(work)

    @router.post(
        "/projects/{slug}/erase",
        permission=Permission.ADMIN,
        response_model=Erased,
        summary="Erase the rows of a person",
    )
    async def erase(
        person: Person,
        request: Request,
        principal: PrincipalDep,
        slug: Annotated[str, Path(max_length=200)],
    ) -> Erased:
        project: ProjectRef = await request.app.state.gate.project(principal, slug)
        check_user_id(person.user_id)  # what cannot begin leaves no trace
        # The trail proves the erasure without keeping the id of the person who asked for it: whoever
        # has the trail alone cannot try ids, erasing the same one again gives the same name.
        name = hmac.new(key, person.user_id.encode(), "sha256").hexdigest()

        async def record(action: str, **more: Any) -> None:
            after = {"user_id_hmac": name, **more}
            await control.write(
                lambda conn: audit(conn, principal, action, project.slug, None, after, project.id)
            )

        await record("person.erase")  # begun: an erasure that is cut off leaves its trace
        erased = await threads.run(erase_person, engine, project.id, person.user_id)
        await record("person.erased", rows=erased.model_dump())
        return erased

    return router
