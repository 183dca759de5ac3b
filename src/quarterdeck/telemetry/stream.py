"""Live data: who watches is told that something arrived, and follows logs as they come.

    live = Live(engine, streams, clock)
    intake.on_commit.append(live.committed)     # called from the writers' threads

`tick` says which signals have new data, `log` carries new records that match the same
filters as the logs page. Both come at most twice a second for each client, however much
arrives; a client that reads too slowly loses the oldest events and is told so (core/sse.py).
A log record counts as new by its arrival, so late ones are shown too, each once.
"""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.responses import StreamingResponse

from quarterdeck.core.clock import Clock, now_ms
from quarterdeck.core.errors import QuarterdeckError, TooMany
from quarterdeck.core.sse import Streams, Subscription
from quarterdeck.store.telemetry import Engine
from quarterdeck.telemetry.query import logs
from quarterdeck.telemetry.query.logs import LogRow
from quarterdeck.telemetry.query.threads import Threads
from quarterdeck.telemetry.query.window import Asked, Window

PAUSE_SECONDS = 0.5
MOST_CLIENTS = 200
MOST_ROWS = 200
# A batch may commit after one that arrived later, so each look goes back a little.
_OVERLAP_MS = 5_000
_REMEMBERED = 5_000
_DAY_MS = 86_400_000

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Client:
    project: int
    environment: str
    follow: Asked | None
    subscription: Subscription
    since_ms: int
    pending: set[str] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    seen: "OrderedDict[str, None]" = field(default_factory=OrderedDict)


class Live:
    """Every client that watches."""

    def __init__(self, engine: Engine, streams: Streams, clock: Clock) -> None:
        self._engine = engine
        self._streams = streams
        self._clock = clock
        self._threads = Threads(1, waiting=MOST_CLIENTS)
        self._clients: dict[int, set[_Client]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def committed(self, signal: str, projects: set[int]) -> None:
        """New rows are durable; may be called from any thread."""
        if self._loop is not None and self._clients and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note, signal, frozenset(projects))

    def respond(self, project: int, environment: str, follow: Asked | None) -> StreamingResponse:
        """The stream of one client; `follow` holds the conditions of its logs, if it wants them."""
        if sum(map(len, self._clients.values())) >= MOST_CLIENTS:
            raise TooMany(
                "streams_full",
                f"More than {MOST_CLIENTS} live views are open.",
                "Close some of them.",
                retry_after=30,
            )
        self._loop = asyncio.get_running_loop()
        client = _Client(project, environment, follow, Subscription(), now_ms(self._clock))
        self._clients.setdefault(project, set()).add(client)
        task = asyncio.create_task(self._serve(client))

        def gone() -> None:
            task.cancel()
            self._clients.get(project, set()).discard(client)
            if not self._clients.get(project):
                self._clients.pop(project, None)

        return self._streams.respond(client.subscription, gone)

    def _note(self, signal: str, projects: frozenset[int]) -> None:
        for project in projects:
            for client in self._clients.get(project, ()):
                client.pending.add(signal)
                client.wake.set()

    async def _serve(self, client: _Client) -> None:
        while True:
            await client.wake.wait()
            client.wake.clear()
            signals, client.pending = sorted(client.pending), set()
            client.subscription.put("tick", {"signals": signals})
            if client.follow is not None and "logs" in signals:
                try:
                    rows = await self._threads.run(self._news, client)
                    if rows:
                        client.subscription.put("log", [row.model_dump() for row in rows])
                except QuarterdeckError as error:
                    # The next arrival tries again; what was missed is still new by then.
                    _log.warning("A live view could not be read: %s", error.message)
            await asyncio.sleep(PAUSE_SECONDS)

    def _news(self, client: _Client) -> list[LogRow]:
        """Records that arrived since the last look, oldest first, at most 200."""
        assert client.follow is not None
        now = now_ms(self._clock)
        asked = client.follow.copy()
        asked.add(
            f"received >= fromUnixTimestamp64Milli({asked.bind(client.since_ms - _OVERLAP_MS, 'Int64')})"
        )
        window = Window(client.project, now - _DAY_MS, now + _DAY_MS, client.environment)
        rows = logs.read(self._engine, window, asked, MOST_ROWS)
        client.since_ms = now
        fresh = [row for row in reversed(rows) if row.id not in client.seen]
        for row in fresh:
            client.seen[row.id] = None
        while len(client.seen) > _REMEMBERED:
            client.seen.popitem(last=False)
        return fresh
