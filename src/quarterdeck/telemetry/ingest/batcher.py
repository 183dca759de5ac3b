"""Group commit: many requests become one insert, and each learns of its own fate.

Guarantees. A future resolves only after the engine has written the batch, so what is
acknowledged survives a kill (at-least-once: a sender that hears nothing sends again). Bytes
waiting are bounded by `ingest_queue_mb`; beyond it `submit` refuses at once and the sender is
told to come back. A batch that the engine refuses as a whole is cut in half again and again
until the request at fault stands alone; its neighbours are kept.

Threads write, because the engine blocks and releases the GIL. While one batch is written the
next collects, so under load the batches grow by themselves; once enough waits for a batch that
is worth its price, a second thread writes it beside the first.
"""

import asyncio
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from quarterdeck.core.errors import BadInput
from quarterdeck.core.log import fields
from quarterdeck.store.telemetry import EngineError
from quarterdeck.telemetry.ingest.outcome import Outcome, Reason, Refused, overloaded

log = logging.getLogger(__name__)

Write = Callable[[list["Pending"]], dict[int, dict[str, int]]]
"""Write a batch durably; what was refused, by position and reason."""


@dataclass(frozen=True, slots=True)
class Request:
    """A validated request: its bytes, the fields to append about its resources, its items."""

    body: bytes
    resources: bytes
    items: int
    tables: frozenset[str]  # the raw tables that take its items
    refused: Mapping[str, int] = field(default_factory=dict)  # items left out already, by reason

    @property
    def size(self) -> int:
        return len(self.body) + len(self.resources)


@dataclass(slots=True, eq=False)
class Pending:
    """One accepted request on its way to the engine."""

    project: int
    request: Request
    received_ns: int
    future: asyncio.Future[Outcome]
    loop: asyncio.AbstractEventLoop
    lines: dict[str, list[int]] = field(default_factory=dict)  # refused, by reason, where asked for
    counted: dict[str, int] | None = None  # kept, by kind, where the engine alone knows how many

    def outcome(self, refused: Mapping[str, int]) -> Outcome:
        if self.counted is None:
            return Outcome(self.request.items, dict(refused), self.lines)
        items = sum(self.counted.values()) + sum(refused.values())
        return Outcome(items, dict(refused), self.lines, self.counted)


@dataclass(slots=True)
class Budget:
    """Bytes that may wait, over all signals."""

    limit: int
    used: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, size: int) -> bool:
        with self.lock:
            if self.used and self.used + size > self.limit:
                return False
            self.used += size
            return True

    def give(self, size: int) -> None:
        with self.lock:
            self.used -= size

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Room for the time of the block; Refused when there is none."""
        if not self.take(size):
            raise overloaded()
        try:
            yield
        finally:
            self.give(size)


class Batcher:
    """The writer threads of one signal."""

    MOST_BYTES = 16 * 1024 * 1024  # of one insert
    WORTH_BYTES = 256 * 1024  # waiting longer would only add latency
    HELP_BYTES = 4 * 1024 * 1024  # enough for an insert beside the one that runs
    SHARE = 0.04  # of the time, for inserts that carry little
    BURST_S = 1.5

    def __init__(
        self,
        signal: str,
        write: Write,
        budget: Budget,
        *,
        flush_ms: int,
        longest_s: float,
        committed: Callable[[str, set[int], int], None],
    ) -> None:
        self.signal = signal
        self._write = write
        self._budget = budget
        self._flush_s = flush_ms / 1000
        self._longest_s = longest_s
        self._committed = committed
        self._queue: deque[Pending] = deque()
        self._writing: dict[int, int] = {}  # by thread: when the oldest of its batch arrived
        self._ready = threading.Condition()
        self._stopping = False
        self._waiting = 0
        self._saved = self.BURST_S
        self._saved_at = time.monotonic()
        self._threads = [
            threading.Thread(target=self._run, args=(least,), name=f"ingest-{signal}", daemon=True)
            for least in (1, self.HELP_BYTES)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, project: int, request: Request, received_ns: int) -> asyncio.Future[Outcome]:
        """Queue a request from the event loop; the future resolves once it is durable."""
        loop = asyncio.get_running_loop()
        if self._stopping or not self._budget.take(request.size):
            raise overloaded()
        pending = Pending(project, request, received_ns, loop.create_future(), loop)
        with self._ready:
            self._queue.append(pending)
            before, self._waiting = self._waiting, self._waiting + request.size
            if before == 0 or before < self.HELP_BYTES <= self._waiting:
                self._ready.notify_all()
        return pending.future

    def oldest_ns(self) -> int | None:
        """When the oldest request arrived that is not durable yet."""
        with self._ready:
            waiting = [self._queue[0].received_ns] if self._queue else []
            return min([*waiting, *self._writing.values()], default=None)

    def stop(self) -> None:
        """Write what waits, then end the threads."""
        with self._ready:
            self._stopping = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self, least: int) -> None:
        """Write again and again, whenever at least so many bytes wait."""
        while True:
            with self._ready:
                while self._waiting < least and not self._stopping:
                    self._ready.wait()
            if least < self.WORTH_BYTES:
                self._wait_for_company()
            if batch := self._take(least):
                self._settle(batch)
                with self._ready:
                    del self._writing[threading.get_ident()]
            elif self._stopping:
                return

    def _wait_for_company(self) -> None:
        """Wait until the batch is worth its price, and no longer.

        An insert costs the engine tens of milliseconds whatever its size, because it plans
        every view anew. So inserting has an allowance: a share of the time, saved up to a
        burst. Without allowance a batch waits for more to come, `longest_s` at most; a
        batch that has grown goes at once.
        """
        began = time.monotonic()
        least, latest = began + self._flush_s, began + self._longest_s
        while not self._stopping and self._waiting < self.WORTH_BYTES:
            now = time.monotonic()
            if now >= least and (now >= latest or self._allowance(now) > 0):
                return
            time.sleep(0.005)

    def _allowance(self, now: float) -> float:
        """Seconds of inserting that are paid for."""
        self._saved = min(self.BURST_S, self._saved + (now - self._saved_at) * self.SHARE)
        self._saved_at = now
        return self._saved

    def _take(self, least: int) -> list[Pending]:
        batch: list[Pending] = []
        size = 0
        with self._ready:
            if self._waiting < least and not self._stopping:
                return batch  # the other thread was faster
            while self._queue and size < self.MOST_BYTES:
                pending = self._queue.popleft()
                size += pending.request.size
                batch.append(pending)
            self._waiting -= size
            if batch:
                self._writing[threading.get_ident()] = batch[0].received_ns
        return batch

    def _settle(self, batch: list[Pending]) -> None:
        began = time.monotonic()
        results = self._commit(batch)
        self._saved = max(self._allowance(time.monotonic()) - (time.monotonic() - began), -1.0)
        self._budget.give(sum(p.request.size for p in batch))
        kept = [(p, r) for p, r in zip(batch, results, strict=True) if isinstance(r, Outcome)]
        if kept:
            self._tell(kept)
        for _, group in itertools.groupby(
            zip(batch, results, strict=True), key=lambda pair: id(pair[0].loop)
        ):
            pairs = list(group)
            try:
                pairs[0][0].loop.call_soon_threadsafe(_resolve, pairs)
            except RuntimeError:  # the loop has ended; its senders will send again
                log.warning("nobody waits for a batch any more", extra=fields(signal=self.signal))

    def _tell(self, kept: list[tuple[Pending, Outcome]]) -> None:
        """Tell who listens, before the senders: a query that follows an answer finds no old cache."""
        try:
            self._committed(
                self.signal, {p.project for p, _ in kept}, sum(r.items for _, r in kept)
            )
        except Exception:
            log.exception("A listener failed; the batch is kept.", extra=fields(signal=self.signal))

    def _commit(self, batch: list[Pending]) -> list[Outcome | Refused]:
        try:
            refused = self._write(batch)
            return [p.outcome(refused.get(i, {})) for i, p in enumerate(batch)]
        except EngineError as error:
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._commit(batch[:middle]) + self._commit(batch[middle:])
            if not error.bad_data:
                return self._busy(batch, error)
            log.warning(
                "the store refused a request: %s", error.message, extra=fields(signal=self.signal)
            )
            return [
                Refused(Reason.STORE_REFUSED, "The telemetry store could not read this request.")
            ]
        except BadInput as error:  # more memory than one insert may use
            if len(batch) > 1:
                middle = len(batch) // 2
                return self._commit(batch[:middle]) + self._commit(batch[middle:])
            log.warning(
                "a request is too large to store: %s",
                error.message,
                extra=fields(signal=self.signal),
            )
            return [
                Refused(
                    Reason.TOO_LARGE,
                    "This request takes more memory than the store may use; send less at once.",
                )
            ]
        except Exception as error:
            return self._busy(batch, error)

    def _busy(self, batch: list[Pending], error: Exception) -> list[Outcome | Refused]:
        """Nothing is wrong with the requests: every sender is told to come back."""
        log.error("the store cannot take a batch now: %s", error, extra=fields(signal=self.signal))
        wait = round(getattr(error, "retry_after", None) or 2)
        answer = Refused(
            Reason.STORE_FAILED, "The telemetry store is busy; send again.", retry_after=wait
        )
        return [answer] * len(batch)


def _resolve(pairs: list[tuple[Pending, Outcome | Refused]]) -> None:
    for pending, result in pairs:
        if pending.future.done():  # the sender went away
            continue
        if isinstance(result, Outcome):
            pending.future.set_result(result)
        else:
            pending.future.set_exception(result)
