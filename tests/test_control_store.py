"""The write helper's guarantees, on SQLite and on PostgreSQL alike."""

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar, copy_context
from typing import Any, cast

import pytest
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from quarterdeck.accounts.tables import projects
from quarterdeck.core.errors import Unavailable
from quarterdeck.store.control import ControlStore, NestedTransaction, emit, now_of, open_control
from quarterdeck.store.control.tables import outbox
from support.control import clock, control, control_place

__all__ = ["clock", "control", "control_place"]


def add(slug: str) -> Any:
    def work(conn: Connection) -> int:
        made = insert(projects).values(slug=slug, name=slug, created_at=now_of(conn))
        return int(conn.execute(made.returning(projects.c.id)).scalar_one())

    return work


def slugs(conn: Connection) -> list[str]:
    return list(conn.execute(select(projects.c.slug).order_by(projects.c.id)).scalars())


async def test_a_write_is_seen_by_the_next_read(control: ControlStore) -> None:
    assert await control.write(add("shop")) > 0
    assert await control.read(slugs) == ["shop"]


async def test_a_closure_that_fails_leaves_nothing_behind(control: ControlStore) -> None:
    def work(conn: Connection) -> None:
        add("shop")(conn)
        raise LookupError("on second thoughts")

    with pytest.raises(LookupError):
        await control.write(work)
    assert await control.read(slugs) == []


async def test_a_failing_closure_takes_no_neighbour_with_it(control: ControlStore) -> None:
    hold = threading.Event()

    def fail(conn: Connection) -> None:
        add("lost")(conn)
        raise ValueError("alone")

    first = asyncio.ensure_future(control.write(lambda conn: hold.wait(5)))
    await asyncio.sleep(0.05)  # all that follows waits together and commits together
    others = [
        asyncio.ensure_future(control.write(work))
        for work in (add("a"), fail, add("b"), add("a"), add("c"))
    ]
    await asyncio.sleep(0.05)
    hold.set()
    assert await first
    results = await asyncio.gather(*others, return_exceptions=True)
    assert isinstance(results[1], ValueError)
    assert sum(isinstance(result, IntegrityError) for result in results) == 1
    assert sorted(await control.read(slugs)) == ["a", "b", "c"]


async def test_writes_at_once_do_not_lose_each_other(control: ControlStore) -> None:
    await control.write(add("counter"))

    def count(conn: Connection) -> None:
        name = conn.execute(select(projects.c.name)).scalar_one()
        number = 0 if name == "counter" else int(name)
        conn.execute(update(projects).values(name=str(number + 1)))

    await asyncio.gather(*(control.write(count) for _ in range(40)))
    assert await control.read(lambda conn: conn.execute(select(projects.c.name)).scalar()) == "40"


async def test_check_then_insert_cannot_be_raced(control: ControlStore) -> None:
    def only_one(name: str) -> Any:
        def work(conn: Connection) -> bool:
            if conn.execute(select(func.count()).select_from(projects)).scalar_one():
                return False
            add(name)(conn)
            return True

        return work

    won = await asyncio.gather(*(control.write(only_one(f"p{n}")) for n in range(8)))
    assert won.count(True) == 1


@pytest.mark.parametrize("outer", ["write", "read"])
@pytest.mark.parametrize("inner", ["write", "read"])
async def test_nesting_raises_at_once(control: ControlStore, outer: str, inner: str) -> None:
    with pytest.raises(NestedTransaction):
        await getattr(control, outer)(lambda conn: getattr(control, inner)(slugs))
    assert await control.read(slugs) == []


async def test_a_closure_must_be_synchronous(control: ControlStore) -> None:
    async def work(conn: Connection) -> None:
        add("shop")(conn)

    with pytest.raises(TypeError, match="synchronous"):
        await control.write(cast("Any", work))
    assert await control.read(slugs) == []


async def test_a_read_cannot_write(control: ControlStore) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only|does not answer"):
        await control.read(add("shop"))
    assert await control.read(slugs) == []


async def test_a_read_sees_one_snapshot(control: ControlStore) -> None:
    started, resume = threading.Event(), threading.Event()

    def twice(conn: Connection) -> tuple[list[str], list[str]]:
        before = slugs(conn)
        started.set()
        resume.wait(5)
        return before, slugs(conn)

    reading = asyncio.ensure_future(control.read(twice))
    await asyncio.to_thread(started.wait, 5)
    await control.write(add("shop"))
    resume.set()
    assert await reading == ([], [])


async def test_context_variables_are_visible_inside(control: ControlStore) -> None:
    word: ContextVar[str] = ContextVar("word", default="")
    word.set("aye")
    assert await control.write(lambda conn: word.get()) == "aye"
    assert await control.read(lambda conn: word.get()) == "aye"


async def test_the_store_survives_whatever_a_closure_or_a_listener_raises(
    control: ControlStore,
) -> None:
    def leave(conn: Connection) -> None:
        add("lost")(conn)
        raise SystemExit(3)

    def fail() -> None:
        raise ValueError("not my day")

    # SystemExit would end the event loop itself, so it is looked at where it arrives
    future = control._submit_write(leave, copy_context())
    assert isinstance(await asyncio.to_thread(future.exception, 5), SystemExit)
    control.on_emit(fail)
    await control.write(lambda conn: emit(conn, "t", "k", {}))
    await control.write(add("shop"))
    assert await control.read(slugs) == ["shop"]


async def test_foreign_keys_are_enforced(control: ControlStore) -> None:
    statement = text("INSERT INTO environments VALUES (77, 'prod', 0)")
    with pytest.raises(IntegrityError):
        await control.write(lambda conn: conn.execute(statement))


async def test_an_error_does_not_repeat_what_was_stored(control: ControlStore) -> None:
    await control.write(add("very-private"))
    with pytest.raises(IntegrityError) as caught:
        await control.write(add("very-private"))
    assert "very-private" not in str(caught.value).replace("(slug)=(very-private)", "")


async def test_a_cancelled_caller_stops_nobody_else(control: ControlStore) -> None:
    hold = threading.Event()
    first = asyncio.ensure_future(control.write(lambda conn: hold.wait(5)))
    await asyncio.sleep(0.02)
    second = asyncio.ensure_future(control.write(add("second")))
    await asyncio.sleep(0.02)
    second.cancel()
    hold.set()
    await first
    await control.write(add("third"))
    assert "third" in await control.read(slugs)


_WRITER = """
import asyncio, sys
from quarterdeck.store.control import emit, open_control

async def main(store):
    for number in range(1_000_000):
        await store.write(lambda conn: emit(conn, "t", str(number), {}))
        print(number, flush=True)

asyncio.run(main(open_control(sys.argv[1])))
"""


def test_what_was_acknowledged_survives_kill_9(control_place: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, control_place], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(50)]
    process.kill()
    told += [int(line) for line in process.stdout.read().split()]
    process.wait()
    store = open_control(control_place)
    chosen = select(outbox.c.key)
    kept = asyncio.run(store.read(lambda conn: conn.execute(chosen).scalars().all()))
    store.close()
    assert {str(number) for number in told} <= set(kept)
    assert len(kept) <= len(told) + 1


async def test_a_closed_store_says_so(control: ControlStore) -> None:
    control.close()
    control.close()
    with pytest.raises(Unavailable) as caught:
        await control.write(slugs)
    assert caught.value.code == "control_store_closed"


async def test_closing_finishes_what_is_queued(control: ControlStore, control_place: str) -> None:
    writes = [asyncio.ensure_future(control.write(add(f"p{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    await asyncio.to_thread(control.close)
    await asyncio.gather(*writes)
    again = open_control(control_place)
    assert len(await again.read(slugs)) == 20
    again.close()


async def test_too_many_waiting_are_told_to_come_back(
    control: ControlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quarterdeck.store.control.base.MAX_PENDING", 3)
    hold = threading.Event()
    waiting = [asyncio.ensure_future(control.write(lambda conn: hold.wait(5))) for _ in range(3)]
    await asyncio.sleep(0.02)
    with pytest.raises(Unavailable) as caught:
        await control.write(slugs)
    assert caught.value.retry_after
    hold.set()
    await asyncio.gather(*waiting)
    await control.write(slugs)


async def test_a_locked_database_is_unavailable_not_a_hang(
    control: ControlStore, control_place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sqlite", "postgres"):
        monkeypatch.setattr(f"quarterdeck.store.control.{module}.BUSY_SECONDS", 1)
    other = open_control(control_place)
    locked, release = threading.Event(), threading.Event()

    def hold(conn: Connection) -> None:
        add("mine")(conn)
        if conn.dialect.name == "postgresql":
            conn.execute(text("LOCK TABLE projects IN ACCESS EXCLUSIVE MODE"))
        locked.set()
        release.wait(15)

    holding = asyncio.ensure_future(control.write(hold))
    await asyncio.to_thread(locked.wait, 5)
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable) as caught:
            await other.write(add("other"))
    assert caught.value.code == "control_store_busy"
    assert caught.value.status == 503
    release.set()
    await holding
    await other.write(add("other"))
    other.close()
    assert await control.read(slugs) == ["mine", "other"]
