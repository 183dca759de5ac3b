"""Delivery of the outbox: the one place where retrying and backing off live.

Guarantee: at least once. An event is claimed for a lease, handed to the handler of its
topic, and settled afterwards; when the process dies in between, it is handed out again
once the lease has passed. Events are delivered side by side and in no promised order.

1. Claim what is due, of the topics that have a handler here.
2. Run the handlers, a few at once, each for less than the lease.
3. Done: settle. `DeliveryFailed(permanent=True)`: give up and keep the error. Anything
   else: again later, after a pause that doubles or as the receiver asked.

A commit in this process wakes the loop at once; for other processes' events it looks
every `POLL_SECONDS`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping

from quarterdeck.core.errors import QuarterdeckError
from quarterdeck.core.ids import new_id
from quarterdeck.core.log import fields, redact
from quarterdeck.store.control.base import ControlStore
from quarterdeck.store.control.outbox import (
    LEASE_MS,
    Event,
    claim,
    give_up,
    postpone,
    prune,
    settle,
)

Handler = Callable[[Event], Awaitable[None]]

POLL_SECONDS = 1.0
AT_ONCE = 8
HANDLER_SECONDS = LEASE_MS / 1000 - 10
_BATCH = 32
_STOP_SECONDS = 10
_PRUNE_SECONDS = 3600.0
_MAX_ERROR = 2000

_log = logging.getLogger("quarterdeck.outbox")


class DeliveryFailed(Exception):
    """Raised by a handler that knows whether trying again can help."""

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class Delivery:
    """One worker over the outbox; `handlers` maps a topic to who takes its events."""

    def __init__(self, store: ControlStore, handlers: Mapping[str, Handler]) -> None:
        self._store = store
        self._handlers = dict(handlers)
        self._worker = new_id("wrk")
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop may have closed meanwhile
                loop.call_soon_threadsafe(self._wake.set)

        self._unsubscribe = self._store.on_emit(wake)
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def stop(self) -> None:
        """Finish what is being delivered, for a while; the rest is delivered after the lease."""
        self._unsubscribe()
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await asyncio.wait_for(self._task, _STOP_SECONDS)
            self._task = None

    async def tick(self) -> int:
        """Deliver what is due now; answers with how many events were tried."""
        topics = list(self._handlers)
        events = await self._store.write(lambda conn: claim(conn, self._worker, topics, _BATCH))
        await asyncio.gather(*(self._deliver(event) for event in events))
        return len(events)

    async def _deliver(self, event: Event) -> None:
        async with self._slots:
            try:
                async with asyncio.timeout(HANDLER_SECONDS):
                    await self._handlers[event.topic](event)
            except DeliveryFailed as error:
                await self._failed(event, error, error.permanent, error.retry_after)
            except QuarterdeckError as error:
                await self._failed(event, error, False, error.retry_after)
            except Exception as error:
                _log.exception("Delivery failed.", extra=fields(topic=event.topic, id=event.id))
                await self._failed(event, error, False, None)
            else:
                await self._store.write(lambda conn: settle(conn, self._worker, event))

    async def _failed(
        self, event: Event, error: Exception, permanent: bool, retry_after: float | None
    ) -> None:
        reason = redact(f"{type(error).__name__}: {error}")[:_MAX_ERROR]
        pause = None if retry_after is None else int(retry_after * 1000)
        if permanent:
            await self._store.write(lambda conn: give_up(conn, self._worker, event, reason))
        else:
            await self._store.write(lambda conn: postpone(conn, self._worker, event, reason, pause))

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        prune_at = loop.time()
        while not self._stopping:
            self._wake.clear()
            try:
                if await self.tick() == _BATCH:
                    continue
                if loop.time() >= prune_at:
                    prune_at = loop.time() + _PRUNE_SECONDS
                    await self._store.write(prune)
            except QuarterdeckError as error:
                _log.warning("The outbox cannot be read: %s", error.message)
            except Exception:
                _log.exception("The outbox cannot be read.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
