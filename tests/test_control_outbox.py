"""The outbox: an event exactly when there is a change, delivered at least once."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from quarterdeck.core.clock import ManualClock
from quarterdeck.store.control import ControlStore, Delivery, DeliveryFailed, Event, emit
from quarterdeck.store.control.outbox import (
    KEEP_MS,
    LEASE_MS,
    MAX_ATTEMPTS,
    claim,
    give_up,
    prune,
    settle,
)
from quarterdeck.store.control.tables import outbox
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]


def send(key: str = "1", topic: str = "project.deleted") -> Any:
    return lambda conn: emit(conn, topic, key, {"project_id": int(key)})


async def rows(store: ControlStore) -> list[Any]:
    return list(await store.read(lambda conn: conn.execute(select(outbox)).all()))


class Recorder:
    """A handler that keeps what it saw, and fails as told."""

    def __init__(self, *failures: Exception) -> None:
        self.seen: list[Event] = []
        self.failures = list(failures)
        self.called = asyncio.Event()

    async def __call__(self, event: Event) -> None:
        self.seen.append(event)
        self.called.set()
        if self.failures:
            raise self.failures.pop(0)


async def test_an_event_comes_with_its_change_or_not_at_all(control: ControlStore) -> None:
    def work(conn: Connection) -> None:
        emit(conn, "t", "k", {})
        raise ValueError

    with pytest.raises(ValueError):
        await control.write(work)
    assert await rows(control) == []


async def test_an_event_is_delivered_once_when_all_goes_well(control: ControlStore) -> None:
    handler = Recorder()
    event_id = await control.write(send("7"))
    delivery = Delivery(control, {"project.deleted": handler})
    assert await delivery.tick() == 1
    assert await delivery.tick() == 0
    (event,) = handler.seen
    assert (event.id, event.key, event.payload, event.attempt) == (
        event_id,
        "7",
        {"project_id": 7},
        1,
    )


async def test_a_topic_without_a_handler_here_waits_for_another_worker(
    control: ControlStore,
) -> None:
    await control.write(send(topic="elsewhere"))
    assert await Delivery(control, {"project.deleted": Recorder()}).tick() == 0
    assert await Delivery(control, {"elsewhere": Recorder()}).tick() == 1


async def test_workers_side_by_side_claim_each_event_once(control: ControlStore) -> None:
    for number in range(30):
        await control.write(send(str(number)))
    handler = Recorder()
    workers = [Delivery(control, {"project.deleted": handler}) for _ in range(4)]
    while sum(await asyncio.gather(*(worker.tick() for worker in workers))):
        pass
    assert sorted(int(event.key) for event in handler.seen) == list(range(30))


async def test_a_failure_is_tried_again_after_growing_pauses(
    control: ControlStore, clock: ManualClock
) -> None:
    handler = Recorder(ValueError("one"), ValueError("two"))
    delivery = Delivery(control, {"project.deleted": handler})
    await control.write(send())
    assert await delivery.tick() == 1
    assert await delivery.tick() == 0
    clock.advance(1)
    assert await delivery.tick() == 1
    clock.advance(1)
    assert await delivery.tick() == 0
    clock.advance(1)
    assert await delivery.tick() == 1
    (row,) = await rows(control)
    assert row.done_at is not None
    assert len({event.id for event in handler.seen}) == 1


async def test_a_receiver_that_asks_for_patience_gets_it(
    control: ControlStore, clock: ManualClock
) -> None:
    handler = Recorder(DeliveryFailed("slow down", retry_after=600))
    delivery = Delivery(control, {"project.deleted": handler})
    await control.write(send())
    await delivery.tick()
    clock.advance(599)
    assert await delivery.tick() == 0
    clock.advance(1)
    assert await delivery.tick() == 1


async def test_a_permanent_failure_is_given_up_and_says_why(
    control: ControlStore, clock: ManualClock
) -> None:
    failure = DeliveryFailed("no such channel; Authorization: Bearer hunter2000", permanent=True)
    delivery = Delivery(control, {"project.deleted": Recorder(failure)})
    await control.write(send())
    await delivery.tick()
    clock.advance(1_000_000)
    assert await delivery.tick() == 0
    (row,) = await rows(control)
    assert "no such channel" in row.error
    assert "hunter2000" not in row.error


async def test_after_many_attempts_an_event_is_given_up(
    control: ControlStore, clock: ManualClock
) -> None:
    handler = Recorder(*(ValueError("never") for _ in range(MAX_ATTEMPTS)))
    delivery = Delivery(control, {"project.deleted": handler})
    await control.write(send())
    for _ in range(MAX_ATTEMPTS + 5):
        await delivery.tick()
        clock.advance(3_600)
    assert len(handler.seen) == MAX_ATTEMPTS
    (row,) = await rows(control)
    assert row.failed_at is not None


async def test_a_dead_workers_event_goes_to_another_after_the_lease(
    control: ControlStore, clock: ManualClock
) -> None:
    await control.write(send())
    topics = ["project.deleted"]
    (lost,) = await control.write(lambda conn: claim(conn, "dead", topics, 10))
    assert await control.write(lambda conn: claim(conn, "alive", topics, 10)) == []
    clock.advance(LEASE_MS / 1000)
    (event,) = await control.write(lambda conn: claim(conn, "alive", topics, 10))
    assert (event.id, event.attempt) == (lost.id, 2)
    # the first worker was only slow: it may no longer decide
    await control.write(lambda conn: give_up(conn, "dead", lost, "late"))
    await control.write(lambda conn: settle(conn, "alive", event))
    (row,) = await rows(control)
    assert (row.done_at is not None, row.failed_at) == (True, None)


async def test_settled_events_are_forgotten_after_a_week(
    control: ControlStore, clock: ManualClock
) -> None:
    await control.write(send("1"))
    await Delivery(control, {"project.deleted": Recorder()}).tick()
    await control.write(send("2"))
    clock.advance(KEEP_MS / 1000 + 1)
    assert await control.write(prune) == 1
    count = select(func.count()).select_from(outbox)
    assert await control.read(lambda conn: conn.execute(count).scalar()) == 1


async def test_a_commit_wakes_the_running_worker(control: ControlStore) -> None:
    handler = Recorder()
    delivery = Delivery(control, {"project.deleted": handler})
    await delivery.start()
    await asyncio.sleep(0.1)
    await control.write(send("3"))
    async with asyncio.timeout(0.8):  # less than the time between two looks
        await handler.called.wait()
    await delivery.stop()
    (row,) = await rows(control)
    assert row.done_at is not None


async def test_stopping_lets_a_delivery_finish(control: ControlStore) -> None:
    finished = asyncio.Event()

    async def slow(event: Event) -> None:
        await asyncio.sleep(0.2)
        finished.set()

    delivery = Delivery(control, {"project.deleted": slow})
    await control.write(send())
    await delivery.start()
    await asyncio.sleep(0.1)
    await delivery.stop()
    assert finished.is_set()


async def test_a_payload_keeps_its_types(control: ControlStore) -> None:
    payload = {"text": "é\u0001", "number": 2**53 + 1, "list": [1.5, None, True], "map": {"a": {}}}
    await control.write(lambda conn: emit(conn, "t", "k", payload))
    (row,) = await rows(control)
    assert json.dumps(row.payload, sort_keys=True) == json.dumps(payload, sort_keys=True)
