"""The routes that help with a search while it is being typed."""

from typing import Annotated

from fastapi import Query, Response

from quarterdeck.core.permissions import Permission
from quarterdeck.core.web import Router
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query.search_check import SearchCheck, check
from quarterdeck.telemetry.query.search_complete import Completion, complete
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.search.fields import Signal
from quarterdeck.telemetry.search.parse import MAX_CHARACTERS
from quarterdeck.telemetry.web import Search, WindowDep, json_answer


def search_router(engine: Engine, threads: Threads) -> Router:
    router = Router("/api/search", tag="telemetry")

    @router.get("/complete", permission=Permission.READ, response_model=Completion)
    async def complete_search(
        window: WindowDep,
        signal: Signal,
        q: Search = "",
        cursor: Annotated[
            int, Query(ge=0, le=MAX_CHARACTERS, description="Characters before the cursor.")
        ] = MAX_CHARACTERS,
    ) -> Response:
        """What can stand at the cursor: fields, operators, values, keywords."""
        return json_answer(await threads.run(complete, engine, window, signal, q, cursor))

    @router.get("/check", permission=Permission.READ, response_model=SearchCheck)
    async def check_search(signal: Signal, q: Search = "") -> SearchCheck:
        """Whether a search can be read; where it goes wrong is an answer, not an error."""
        return check(signal, q)

    return router
