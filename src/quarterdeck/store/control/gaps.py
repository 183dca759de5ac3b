"""When nothing ran: one row for each time between two lives of the server.

Whoever judges the past (availability, alert history) must be able to tell "nothing
happened" from "nobody was looking".
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, String, Table, func, insert, select

from quarterdeck.core.ids import new_id
from quarterdeck.store.control.tables import metadata

gaps = Table(
    "gaps",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("from_ms", BigInteger, nullable=False),
    Column("to_ms", BigInteger, nullable=False),
    Column("reason", String(200), nullable=False),
    Column("planned", BigInteger, nullable=False),  # 1 when the server had been asked to stop
)


@dataclass(frozen=True, slots=True)
class Gap:
    """From the last sign of life to the first answer after it."""

    from_ms: int
    to_ms: int
    reason: str
    planned: bool

    @property
    def seconds(self) -> float:
        return max(0, self.to_ms - self.from_ms) / 1000


@dataclass(frozen=True, slots=True)
class GapTotals:
    """Over all unplanned gaps ever recorded."""

    count: int
    seconds: float


def record_gap(conn: Connection, gap: Gap) -> None:
    conn.execute(
        insert(gaps).values(
            id=new_id("gap"),
            from_ms=gap.from_ms,
            to_ms=gap.to_ms,
            reason=gap.reason[:200],
            planned=int(gap.planned),
        )
    )


def unplanned_totals(conn: Connection) -> GapTotals:
    count, total = conn.execute(
        select(func.count(), func.coalesce(func.sum(gaps.c.to_ms - gaps.c.from_ms), 0)).where(
            gaps.c.planned == 0
        )
    ).one()
    return GapTotals(int(count), float(total) / 1000)
