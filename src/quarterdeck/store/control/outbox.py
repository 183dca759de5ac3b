"""Events that leave a transaction: written with the change, delivered at least once.

`emit` adds a row in the caller's transaction, so there is an event exactly when there is
a change. Workers claim rows by compare-and-set with a lease; a worker that dies loses
the lease and another one tries again. Order between events is not promised. A handler
may see an event twice, so the event's `id` is its idempotency key.

Rejected: deleting rows on delivery (what was sent, and what was given up, is worth a
week of looking back) and `SKIP LOCKED` (SQLite has none; the CAS serves both).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, or_, select, update

from quarterdeck.core.ids import new_id
from quarterdeck.store.control.base import now_of
from quarterdeck.store.control.tables import outbox

LEASE_MS = 120_000
KEEP_MS = 7 * 24 * 3_600_000
MAX_ATTEMPTS = 30
_MAX_BACKOFF_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Event:
    """An outbox row as a handler sees it."""

    id: str
    topic: str
    key: str
    payload: Mapping[str, Any]
    created_at: int
    attempt: int


def emit(conn: Connection, topic: str, key: str, payload: Mapping[str, Any]) -> str:
    """Add an event to the caller's transaction; answers with its id."""
    now = now_of(conn)
    event_id = new_id("evt")
    conn.execute(
        insert(outbox).values(
            id=event_id,
            topic=topic,
            key=key,
            payload=dict(payload),
            created_at=now,
            due_at=now,
            attempts=0,
        )
    )
    conn.info["emitted"] = True
    return event_id


def claim(conn: Connection, worker: str, topics: Collection[str], limit: int) -> list[Event]:
    """Take up to `limit` due events of these topics for the length of a lease."""
    now = now_of(conn)
    due = conn.execute(
        select(outbox)
        .where(
            outbox.c.done_at.is_(None),
            outbox.c.failed_at.is_(None),
            outbox.c.due_at <= now,
            outbox.c.topic.in_(list(topics)),
        )
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(limit)
    ).all()
    taken = []
    for row in due:
        swapped = conn.execute(
            update(outbox)
            .where(
                outbox.c.id == row.id,
                outbox.c.attempts == row.attempts,
                outbox.c.done_at.is_(None),
                outbox.c.failed_at.is_(None),
            )
            .values(claimed_by=worker, due_at=now + LEASE_MS, attempts=row.attempts + 1)
        )
        if swapped.rowcount == 1:
            taken.append(
                Event(row.id, row.topic, row.key, row.payload, row.created_at, row.attempts + 1)
            )
    return taken


def settle(conn: Connection, worker: str, event: Event) -> None:
    """Delivered. Does nothing when the lease has meanwhile passed to another worker."""
    conn.execute(
        update(outbox)
        .where(*_mine(worker, event))
        .values(done_at=now_of(conn), claimed_by=None, error=None)
    )


def postpone(
    conn: Connection, worker: str, event: Event, error: str, retry_after_ms: int | None
) -> None:
    """Not delivered: again after a pause that doubles, or as the receiver asked."""
    if event.attempt >= MAX_ATTEMPTS:
        give_up(conn, worker, event, error)
        return
    pause = min(_MAX_BACKOFF_MS, 1000 * 2 ** min(event.attempt - 1, 20))
    conn.execute(
        update(outbox)
        .where(*_mine(worker, event))
        .values(due_at=now_of(conn) + max(pause, retry_after_ms or 0), claimed_by=None, error=error)
    )


def give_up(conn: Connection, worker: str, event: Event, error: str) -> None:
    """Not delivered, and trying again would not help."""
    conn.execute(
        update(outbox)
        .where(*_mine(worker, event))
        .values(failed_at=now_of(conn), claimed_by=None, error=error)
    )


def prune(conn: Connection) -> int:
    """Forget what was settled a week ago."""
    edge = now_of(conn) - KEEP_MS
    return conn.execute(
        delete(outbox).where(or_(outbox.c.done_at < edge, outbox.c.failed_at < edge))
    ).rowcount


def _mine(worker: str, event: Event) -> tuple[Any, ...]:
    return (
        outbox.c.id == event.id,
        outbox.c.claimed_by == worker,
        outbox.c.attempts == event.attempt,
    )
