"""The threads that write a signal: what is in which batch, and what is not durable yet."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from quarterdeck.telemetry.ingest.batcher import Batcher, Budget, Pending, Request
from quarterdeck.telemetry.ingest.outcome import Refused

SMALL = Request(b"x", b"", 1, frozenset({"raw_spans"}))
HALF = Request(b"x" * (Batcher.HELP_BYTES // 2), b"", 1, frozenset({"raw_spans"}))


class Store:
    """Takes batches and holds each until it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[Pending]] = []
        self.arrived = threading.Semaphore(0)
        self.let_go = threading.Event()

    def write(self, batch: list[Pending]) -> dict[int, dict[str, int]]:
        self.batches.append(batch)
        self.arrived.release()
        assert self.let_go.wait(20)
        return {}

    async def takes_a_batch(self, seconds: float = 20) -> bool:
        return await asyncio.to_thread(self.arrived.acquire, timeout=seconds)


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
async def batcher(store: Store) -> AsyncIterator[Batcher]:
    running = Batcher(
        "traces",
        store.write,
        Budget(64 * 1024 * 1024),
        flush_ms=0,
        longest_s=0.01,
        committed=lambda *_: None,
    )
    yield running
    store.let_go.set()
    await asyncio.to_thread(running.stop)


async def test_what_is_queued_or_being_written_is_not_durable_yet(
    batcher: Batcher, store: Store
) -> None:
    assert batcher.oldest_ns() is None
    first = batcher.submit(1, SMALL, 100)
    assert await store.takes_a_batch()
    second = batcher.submit(1, SMALL, 200)
    assert batcher.oldest_ns() == 100
    store.let_go.set()
    await asyncio.gather(first, second)
    await asyncio.to_thread(batcher.stop)
    assert batcher.oldest_ns() is None


async def test_little_waits_for_the_batch_that_is_being_written(
    batcher: Batcher, store: Store
) -> None:
    batcher.submit(1, SMALL, 1)
    assert await store.takes_a_batch()
    for _ in range(10):
        batcher.submit(1, SMALL, 2)
    assert not await store.takes_a_batch(0.3)
    store.let_go.set()
    assert await store.takes_a_batch()
    assert [len(batch) for batch in store.batches] == [1, 10]


async def test_much_is_written_beside_the_batch_that_is_being_written(
    batcher: Batcher, store: Store
) -> None:
    batcher.submit(1, SMALL, 1)
    assert await store.takes_a_batch()
    for _ in range(2):
        batcher.submit(1, HALF, 2)
    assert await store.takes_a_batch()
    assert [len(batch) for batch in store.batches] == [1, 2]
    assert batcher.oldest_ns() == 1


async def test_stopping_writes_what_waits_and_refuses_what_comes(
    batcher: Batcher, store: Store
) -> None:
    waiting = [batcher.submit(1, SMALL, 1) for _ in range(3)]
    store.let_go.set()
    await asyncio.to_thread(batcher.stop)
    assert [(await future).items for future in waiting] == [1, 1, 1]
    with pytest.raises(Refused):
        batcher.submit(1, SMALL, 2)
