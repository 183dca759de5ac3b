"""Who sends: by which way in, and with what program, so that a person sees their data arrive.

Kept in memory as requests are acknowledged and written down every few seconds; a kill loses at
most those seconds of it, never a sender.
"""

import re
import threading
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from quarterdeck.store.control import ControlStore, metadata

MOST = 500  # of a project: a sender that makes up names does not fill the table

senders = Table(
    "senders",
    metadata,
    Column("project_id", Integer, primary_key=True, autoincrement=False),
    Column("way", String(32), primary_key=True),
    Column("agent", String(64), primary_key=True),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("kept", BigInteger, nullable=False),
)

_WAYS = (
    ("/v1/", "otlp"),
    ("grpc", "otlp"),
    ("/api/logs", "ndjson"),
    ("/loki/", "loki"),
    ("/elasticsearch", "elasticsearch"),
    ("/prometheus/", "remote_write"),
    ("/api/drains/vercel", "vercel"),
    ("/api/drains/netlify", "netlify"),
    ("/api/drains/supabase", "supabase"),
)
# The product of a User-Agent (RFC 9110, 10.1.5); some exporters write it with spaces.
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,62}")


@dataclass(slots=True)
class Sender:
    first_seen: int
    last_seen: int
    items: int


Key = tuple[int, str, str]
"""(project, way, agent)"""


class Senders:
    """What has been heard since the last time it was written down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._heard: dict[Key, Sender] = {}

    def note(self, project: int, path: str, agent: str, items: int, at_ms: int) -> None:
        """A request from `agent`, a User-Agent header, that came in at `path` has been kept."""
        key = (project, way_of(path), product(agent))
        with self._lock:
            known = self._heard.get(key)
            if known is not None:
                known.last_seen = at_ms
                known.items += items
            elif len(self._heard) < MOST:
                self._heard[key] = Sender(at_ms, at_ms, items)

    def take(self) -> dict[Key, Sender]:
        """What is to be written down; it is forgotten here."""
        with self._lock:
            heard, self._heard = self._heard, {}
        return heard

    def give_back(self, heard: dict[Key, Sender]) -> None:
        """It could not be written down."""
        with self._lock:
            for key, old in heard.items():
                new = self._heard.get(key)
                if new is not None:
                    old = Sender(old.first_seen, new.last_seen, old.items + new.items)
                self._heard[key] = old


def way_of(path: str) -> str:
    return next((way for prefix, way in _WAYS if path.startswith(prefix)), path[:32])


def product(agent: str) -> str:
    """The name of the program in a User-Agent, without its version."""
    found = _PRODUCT.match(agent.partition("/")[0].strip())
    return found.group(0).strip() if found else ""


def write_down(conn: Connection, heard: dict[Key, Sender]) -> None:
    """Add what was heard to what is known."""
    for (project, way, agent), sender in heard.items():
        of = (senders.c.project_id == project) & (senders.c.way == way) & (senders.c.agent == agent)
        known = conn.execute(select(senders.c.kept).where(of)).scalar()
        if known is not None:
            change = update(senders).where(of)
            conn.execute(change.values(last_seen=sender.last_seen, kept=known + sender.items))
            continue
        row = {"project_id": project, "way": way, "agent": agent}
        conn.execute(
            insert(senders).values(
                **row,
                first_seen=sender.first_seen,
                last_seen=sender.last_seen,
                kept=sender.items,
            )
        )


def empty_project(conn: Connection, who: object, project: int) -> None:
    """What goes with a project that goes."""
    conn.execute(delete(senders).where(senders.c.project_id == project))


async def keep_book(control: ControlStore, heard: Senders) -> None:
    """Write down what has been heard; what cannot be written now waits for the next time."""
    news = heard.take()
    if not news:
        return
    try:
        await control.write(lambda conn: write_down(conn, news))
    except BaseException:
        heard.give_back(news)
        raise


def of_project(conn: Connection, project: int) -> list[tuple[str, str, Sender]]:
    """(way, agent, sender), the most recent first."""
    c = senders.c
    chosen = select(c.way, c.agent, c.first_seen, c.last_seen, c.kept)
    rows = conn.execute(
        chosen.where(c.project_id == project).order_by(c.last_seen.desc()).limit(MOST)
    )
    return [(row.way, row.agent, Sender(row.first_seen, row.last_seen, row.kept)) for row in rows]
