"""The engine blocks, the event loop must not: queries run in threads, few at once.

User SQL has a smaller pool than the pages, so that a page still answers while somebody's
heavy statements fill theirs. Whoever waits in a full queue is told to come back.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread

from quarterdeck.core.errors import TooMany

T = TypeVar("T")


class Threads:
    """At most `running` calls at once and `waiting` more in line."""

    def __init__(self, running: int, waiting: int = 100) -> None:
        self._limiter = CapacityLimiter(running)
        self._waiting = waiting
        self._inside = 0

    async def run(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if self._inside >= self._limiter.total_tokens + self._waiting:
            raise TooMany(
                "query_queue_full",
                "Too many queries are running.",
                "Try again in a moment.",
                retry_after=2,
            )
        self._inside += 1
        try:
            return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self._limiter)
        finally:
            self._inside -= 1
