"""The one MetaData of the control store, and the table that belongs to the store itself.

Every domain declares its tables on `metadata`, in its own `tables.py` or `state.py`;
the Alembic revisions in `migrations/versions` create them. A test compares the two on
SQLite and on PostgreSQL. Times are milliseconds since the epoch, ids are text.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON

metadata = MetaData(
    naming_convention={  # every constraint has the same name everywhere, so migrations can drop it
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON column on either engine; Python's None is SQL's NULL."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(64), primary_key=True),  # the event's idempotency key
    Column("topic", String(128), nullable=False),
    Column("key", String(256), nullable=False),
    Column("payload", Json, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),  # next attempt; while claimed, the lease's end
    Column("attempts", Integer, nullable=False, default=0),
    Column("claimed_by", String(64)),
    Column("done_at", BigInteger),
    Column("failed_at", BigInteger),  # given up: permanent, or too many attempts
    Column("error", Text),
    Index("ix_outbox_due", "done_at", "failed_at", "due_at"),
)
